"""What the desks of pacing share: each campaign's memory, and all that is in flight in the pool.

Owns the mutable records and lookups on them; no rule lives here. Only ``pool`` (events), ``deciding`` (decisions) and
``explaining`` (views) may use it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pacing.abandonment import Budget, Ledger
from pacing.beliefs import Beliefs
from pacing.board import Agents, Phase, Rings
from pacing.callers import Callers
from pacing.leads import LeadFacts
from pacing.ring import Array
from pacing.settings import CampaignPacing
from pacing.snapshot import Decision
from pacing.sparing import Sparing
from pacing.threshold import Threshold

ENDLESS = math.inf
RECENT_DIALS = 600.0
"""The share of dials hung up is judged over so many of the newest."""
PERSONS_FIRST, SCREENED_FIRST = 0.8, 5.0
"""What is believed of screened answers at first (the share of persons), and from how many answers."""
RECENT_SCREENED = 300.0
SHARE_FADES_S = 120.0
NOT_DECIDED = Decision(0, "not decided yet")


@dataclass(slots=True, eq=False)
class Call:
    """One call in flight; ``entry`` is its place in the answer model's watch."""

    campaign: str
    node: str
    lead: LeadFacts
    score: float
    entry: int
    launched: float
    sent: bool = False
    ringing: bool = True
    screened: float | None = None  # when it was answered, while it is found out by whom
    waiting: bool = False


@dataclass(slots=True, eq=False)
class Person:
    """One agent; ``campaign`` is whose customer they serve, or served last."""

    node: str
    phase: Phase = Phase.AWAY
    since: float = 0.0
    talk_since: float | None = None
    campaign: str = ""


@dataclass(slots=True, eq=False)
class Memory:
    """One campaign."""

    settings: CampaignPacing
    beliefs: Beliefs
    ledger: Ledger
    threshold: Threshold
    budgets: tuple[Budget, ...] = ()
    target: float = 0.0
    ease: float = 0.0
    counted: bool = False  # the budgets are of this moment
    budgeted_at: float = -math.inf
    watched_at: float = -math.inf
    dialed: int = 0
    recent_dials: float = 0.0
    recent_cuts: float = 0.0
    cuts: int = 0
    alive: int = 0  # calls in existence
    share_had: float = 0.0
    share_at: float = -math.inf
    screened_persons: float = PERSONS_FIRST * SCREENED_FIRST  # of the answers that were screened lately …
    screened_all: float = SCREENED_FIRST
    last: dict[str, float] = field(default_factory=dict)
    decision: Decision = NOT_DECIDED
    closing_at: float = ENDLESS
    leads_left: float = ENDLESS
    dials_left: float = ENDLESS
    sparing: Sparing = field(default_factory=Sparing)
    callers: Callers = field(default_factory=Callers)

    @staticmethod
    def fresh(settings: CampaignPacing) -> Memory:
        """A campaign of which nothing is known but its settings."""
        ledger = Ledger(settings.windows, settings.amd_false_positive)
        return Memory(settings, Beliefs(settings), ledger, Threshold(settings.max_theta))

    def had(self, now: float) -> float:
        """Calls started lately, older ones fading: who had few chooses first."""
        gone_s = max(0.0, now - self.share_at) if self.share_had else 0.0
        return self.share_had * math.exp(-gone_s / SHARE_FADES_S)

    def count_dial(self, at: float) -> None:
        """A call is opened."""
        self.share_had, self.share_at = self.had(at) + 1.0, at
        fade = 1.0 - 1.0 / RECENT_DIALS
        self.dialed += 1
        self.alive += 1
        self.recent_dials = self.recent_dials * fade + 1.0
        self.recent_cuts *= fade

    def count_cut(self) -> None:
        """A ringing call was hung up by us."""
        self.cuts += 1
        self.recent_cuts += 1.0

    def count_screened(self, person: bool) -> None:
        """It was found out who answered."""
        fade = 1.0 - 1.0 / RECENT_SCREENED
        self.screened_persons = self.screened_persons * fade + person
        self.screened_all = self.screened_all * fade + 1.0

    @property
    def person_share(self) -> float:
        """How many of the screened answers (0–1) are going to ask for an agent."""
        return self.screened_persons / self.screened_all

    @property
    def cut_share(self) -> float:
        """The share (0–1) of the newest dials that we hung up while they rang."""
        return self.recent_cuts / self.recent_dials if self.recent_dials > 0 else 0.0


class PoolState:
    """Everything in flight, and every campaign's memory."""

    def __init__(self, settings: Mapping[str, CampaignPacing]) -> None:
        self.dropped: Counter[str] = Counter()
        self.memories = {name: Memory.fresh(s) for name, s in settings.items()}
        self.numbers = {name: index for index, name in enumerate(self.memories)}
        self.calls: dict[str, Call] = {}
        self.people: dict[str, Person] = {}
        self.rings: dict[tuple[str, str], Rings] = {}  # by (node, campaign)
        self.agents: dict[str, Agents] = {}  # by node
        self.waiting: Counter[tuple[str, str]] = Counter()
        self.screened: Counter[tuple[str, str]] = Counter()
        self.cross: dict[tuple[str, str], tuple[float, Array, Array]] = {}
        self.cross_rings: dict[tuple[str, str], tuple[Array, Array, Array]] = {}

    def ringing(self, node: str, campaign: str) -> Rings:
        """The ringing calls of a campaign on a switch."""
        rings = self.rings.get((node, campaign))
        if rings is None:
            rings = self.rings[node, campaign] = Rings()
        return rings
