"""The live state that the engine's desks share: calls, agents, campaigns, trunks, nodes, timers, the outbox.

Owns the mutable records and small questions about them; no rule lives here. Only the engine's own desks may write.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from dialer.domain.agent import AgentState, Line
from dialer.domain.call import PENDING_STATES, CallState
from dialer.domain.campaign import CampaignState
from dialer.domain.commands import Command, Note
from dialer.domain.desk_records import SaveRecording
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import (
    AgentSettings,
    CallWindows,
    CampaignSettings,
    EngineSettings,
    Mode,
    SeatMode,
    SeatSettings,
    TrunkSettings,
    callers_dialed_by,
)
from dialer.engine.agentless_records import Told
from dialer.engine.inbound_records import Arrival
from dialer.engine.party_records import OwnCall, Party
from dialer.engine.phone_records import Session, Sounding, Typed
from dialer.engine.screening import Screening
from dialer.engine.timers import Timers
from dialer.leads.hopper import Hopper
from pacing.limits import TokenBucket
from pacing.snapshot import Decision
from routing.causes import Blame
from routing.health import NEW, Health
from routing.trunks import TrunkChoice, Why

NOT_DECIDED = Decision(0, "not decided yet")


@dataclass(slots=True, eq=False)
class Call:
    """One attempt in flight, or a call that came in. ``id`` is the attempt id and the customer channel's UUID."""

    id: str
    campaign: Campaign
    lead: ClaimedLead
    node: str
    trunk: str
    state: CallState
    since: float
    opened_at: float
    choice: TrunkChoice | None = None  # why this line, and as which number; None: a former run's
    line_failed: bool = False  # the line's fault, and the campaign has others: it says nothing of the lead
    placed: bool = False  # the originate has returned: the switch is done with setting the leg up
    bound_agent: str | None = None  # preview, callback: the agent who waits for this customer
    agent: Agent | None = None  # reserved for or talking to this customer
    agent_id: str | None = None  # the last agent, for the record
    dialed_at: float | None = None
    rang_at: float | None = None
    ring_heard_at: float | None = None  # when we got to know of it: the minimum ring counts from here
    up_at: float = math.inf  # when the originate returned: it was answered by then, however late that is told
    answered_at: float | None = None
    answer_read_at: float | None = None
    clock_at: float | None = None  # where the abandon clock starts, if later than the answer: at the greeting's end
    screening: Screening | None = None  # who answered is listened to, or was
    heard: str = ""  # the verdict on who answered, or that they asked for an agent
    told: Told | None = None  # hears, or has heard, the message of a campaign without agents
    announced: tuple[Outcome, str] | None = None  # what the network said while it rang, and that in words
    tapped: bool = False  # listened to
    record_to: str = ""  # the switch's name of the file for what the callee says, should they be a machine
    waits_until: float = 0.0  # when the leg's own bounded wait is over
    moved_at: float = -math.inf  # when the leg was last sent into another wait
    bridged_at: float | None = None
    bridge_seen: bool = True  # False: adopted in conversation, and nobody knows since when they talk
    bridge_taken: bool = False  # the switch has taken the order to bridge with the agent
    ended_at: float | None = None
    failed_cause: str | None = None
    kill_as: Outcome | None = None  # we hung up: this is the outcome
    kill_reason: str = ""
    kill_later: tuple[str, Outcome, str] | None = None  # waits for the minimum ring
    killed_ringing: bool = False  # we hung up while it rang; an answer may cross that
    noted_answer: float | None = None  # recovered: what the former run wrote of its answer …
    noted_bridge: float | None = None  # … and of its bridge
    recorded: int = 0  # how many recordings were begun
    fed: bool = False  # the pool knows it
    counted: tuple[float, bool] | None = None  # in the abandon ledger as (answered at, abandoned)
    machine: bool = False  # the agent says that no person answered
    joined_at: float | None = None  # when the agent at hand came on the line, if not the first
    aside: str = ""  # connected, but for a while without the agent: hold, consult, transfer, joining
    apart: bool = False  # the switch parted a conversation that we did not interrupt
    joins: int = 0  # tries to bring the customer back
    party: Party | None = None  # the third party who has, or is to have, the customer
    supervised: bool = False  # a supervisor took the customer over
    queued_again: bool = False  # had an agent and lost them
    queued_at: float = 0.0  # since when it waits for another
    arrival: Arrival | None = None  # it came in
    misses: int = 0  # snapshots in a row that contradict this call
    missed_at: float = 0.0  # when the last of them was asked for

    @property
    def clock_from(self) -> float | None:
        """Where the abandon clock of an answered call starts."""
        return self.answered_at if self.clock_at is None else self.clock_at


@dataclass(slots=True, eq=False)
class Agent:
    """One agent and the agent's line."""

    settings: AgentSettings
    seat: SeatSettings
    state: AgentState
    since: float
    reason: str = ""
    line: Line = Line.NONE
    line_since: float = 0.0
    node: str = ""
    leg: str | None = None  # UUID of the agent's channel
    call: Call | None = None
    preview: tuple[Campaign, ClaimedLead] | None = None
    kept: bool = False  # for a callback that is due soon: nobody counts on them for others
    previews_missed: int = 0  # leads shown in a row that the agent did not answer to
    want_ready: bool = False  # go ready, not paused, when the line is up
    after_call: tuple[str, str] | None = None  # ("pause", reason) or ("logout", "") once free
    last_attempt: str | None = None
    last_campaign: str | None = None
    last_call: Call | None = None
    calls: int = 0
    party: Party | None = None  # whom the agent has rung beside the customer
    lent: Party | None = None  # as whom another agent has this one on the line, or rings them
    own: OwnCall | None = None  # a call of the agent's own
    last_dialed: str = ""  # whom the agent called last
    dialed_in: bool = False  # the leg is one by which the phone called us
    expected: str = ""  # the leg by which the phone called a former run, perhaps still on the switch
    typed: Typed | None = None  # keys of an act that is not complete yet
    extended: int = 0  # how often this wrap-up was extended
    parked_seen: bool = False  # CHANNEL_PARK came while the customer was still listed, or our order to park on its way
    cures: int = 0
    failures: int = 0
    held: bool = False  # by the phone's own button, or nobody knows yet
    held_doubts: float = 0.0  # when a list was asked for that says otherwise
    hold_doubt: bool = False  # whether it is held is not known yet: the switch has been asked
    hold_told: bool = False  # the switch holds, too, and plays the hold sound to the customer
    hold_again: bool = False  # nobody answered, and it was asked once more
    joined_at: float = 0.0  # since when the customer at hand is surely bridged
    hold_rearmed: bool = False  # how long it may send nothing after the hold is told
    hold_ready: str = ""  # the leg that the switch has been told of what a hold is
    misses: int = 0
    missed_at: float = 0.0
    idle_since: float = 0.0
    idle_on: str | None = None  # the switch on which the agent is counted as free
    fed: tuple[object, str] | None = None  # (phase, node) as the pool knows them
    time_in: dict[AgentState, float] = field(default_factory=dict)

    @property
    def nailed_up(self) -> bool:
        return self.seat.mode is SeatMode.NAILED_UP

    @property
    def free(self) -> bool:
        """May take an answered customer this instant."""
        return self.state is AgentState.READY and self.line is Line.PARKED and not self.held


@dataclass(slots=True, eq=False)
class Recording:
    """A recording of the leg ``uuid``. ``masked``: spans of silence, in seconds from the start.

    ``pending``: the announcement is being said, nothing is recorded yet. ``path`` is empty then, and for a former run's
    of which the store does not know. ``recovered``: how long it lasts only the switch can tell. ``callee``: what a
    machine says, kept by the listeners.
    """

    uuid: str
    campaign: str
    agent: str
    node: str
    path: str
    started_at: float
    masked: tuple[tuple[float, float], ...] = ()
    masked_at: float | None = None
    pending: bool = False
    recovered: bool = False
    problem: str = ""
    callee: bool = False


@dataclass(slots=True, eq=False)
class Uploading:
    """A finished recording whose file is to be brought here. ``running``: the switch's host is at it."""

    saved: SaveRecording
    command: str
    tries: int = 0
    running: bool = False


@dataclass(slots=True, eq=False)
class Watch:
    """A supervisor's leg: whom it listens to, or whose customer it took over.

    ``own_line``: it is the supervisor's open line as an agent; ``rung``: we rang a phone for it. ``wanted`` is for when
    it is there. ``offer`` is the agent whose call for help this supervisor is asked to answer. ``resumes``: we kept
    customers from this supervisor, who is ready again afterwards.
    """

    uuid: str
    node: str
    supervisor: str
    agent: Agent | None = None
    mode: str = ""
    call: Call | None = None
    joined: bool = False  # hears the customer who was taken over
    held: bool = False  # by the phone's own button; an own line's hold is its agent's
    hold_told: bool = False  # the switch holds, too
    hold_again: bool = False
    released: Agent | None = None  # from whom
    digits: str = ""
    silences: int = 0
    since: float = 0.0
    sent_at: float = 0.0  # when the leg was last sent somewhere
    mode_at: float = 0.0  # when it was last told how to listen
    parked: bool = False  # listens to nobody, and the switch has said so
    wanted: tuple[Agent, str] | None = None
    offer: str = ""
    ringing: bool = False
    rung: bool = False
    own_line: bool = False
    resumes: bool = False
    misses: int = 0
    missed_at: float = 0.0


@dataclass(slots=True, eq=False)
class Help:
    """An agent's call for help. ``tried``: supervisors who were asked and did not come."""

    since: float
    tried: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Campaign:
    """One campaign at work."""

    settings: CampaignSettings
    state: CampaignState
    hopper: Hopper
    calls: dict[str, Call] = field(default_factory=dict)
    attempts: int = 0
    answered: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    last_refusal: str = ""
    decision: Decision = NOT_DECIDED
    decided_at: float | None = None
    dirty: bool = True
    nothing_due_told_at: float = -math.inf
    hung_up_ringing: int = 0
    decisions: int = 0

    @property
    def name(self) -> str:
        return self.settings.name

    def pending(self) -> list[Call]:
        """Calls that may still ask for an agent."""
        return [call for call in self.calls.values() if call.state in PENDING_STATES]


@dataclass(slots=True, eq=False)
class Trunk:
    """A gateway's budget, and how it does. ``health`` is heeded where a campaign has other lines.

    ``legs`` are those that take from what our calls may have: ours, and callers beyond the channels that are kept for
    them (``callers`` counts all of them)."""

    settings: TrunkSettings
    bucket: TokenBucket
    legs: int = 0
    callers: int = 0
    health: Health = NEW
    chosen: int = 0
    gone_on: int = 0  # calls that failed here and were tried on another line
    ends: Counter[Blame] = field(default_factory=Counter)
    passed: Counter[Why] = field(default_factory=Counter)
    told: int = 0  # answers before which it told of ringing
    untold: int = 0  # and those that came out of silence

    @property
    def in_use(self) -> int:
        """All channels in use, callers' too."""
        return self.legs + min(self.callers, self.settings.reserved_inbound)

    def take(self, *, caller: bool = False) -> None:
        """A call takes a channel."""
        self.callers += caller
        self.legs += not caller or self.callers > self.settings.reserved_inbound

    def give_back(self, *, caller: bool = False) -> None:
        """A call has ended."""
        self.legs -= not caller or self.callers > self.settings.reserved_inbound
        self.callers -= caller


@dataclass(slots=True, eq=False)
class Node:
    """One switch."""

    name: str
    capacity: int
    up: bool = False
    synced: bool = False
    detail: str = "not connected yet"
    asking: bool = False
    fresh: bool = True  # no list has come since the connection: events before it are lost for good
    legs: int = 0

    @property
    def usable(self) -> bool:
        return self.up and self.synced


CLOSED_WINDOWS = CallWindows(days=((), (), (), (), (), (), ()), default_zone="UTC")


class Live:
    """All live state of one pool, and the outbox of the event being handled."""

    def __init__(self, settings: EngineSettings, now: float, new_id: Callable[[], str]) -> None:
        self.settings = settings
        self.now = now
        self.started_at = now
        self.mark = ""  # how the UUIDs of our legs begin, once the store has told
        self._new_uuid = new_id
        self.out: list[Command] = []
        self.timers = Timers()
        self.counters: Counter[str] = Counter()
        self.calls: dict[str, Call] = {}
        self.legs: dict[str, Agent] = {}  # agent legs by UUID
        self.parties: dict[str, Party] = {}  # third parties by their leg's UUID
        self.dropped: dict[str, tuple[str, float]] = {}  # legs given up before they answered: their node, and when
        self.sessions: dict[str, Session] = {}  # phones that called us, by their leg's UUID
        self.sounds: dict[str, Sounding] = {}  # what is played to parked legs
        self.watches: dict[str, Watch] = {}  # supervisors' legs by UUID
        self.recordings: dict[str, Recording] = {}  # by the recorded leg's UUID
        self.uploads: dict[str, Uploading] = {}  # by node and path
        self.helps: dict[str, Help] = {}  # by the agent who asks for help
        self.waiting: dict[str, Call] = {}  # answered customers without an agent
        self.floor_changed = True  # an agent's state, line, node or seat, since the callbacks were looked at
        self.tiers: dict[str, Counter[Outcome]] = {}  # how calls ended, by the customer's tier
        self._idle: dict[tuple[str, str], set[str]] = {}  # free agents by (node, campaign)
        self.agents = {
            name: Agent(s, settings.seats[s.seat], AgentState.LOGGED_OUT, now) for name, s in settings.agents.items()
        }
        self.campaigns = {name: self._campaign(s) for name, s in settings.campaigns.items()}
        self.trunks = {
            name: Trunk(s, TokenBucket(s.calls_per_second, max(1.0, s.calls_per_second / 10), now))
            for name, s in settings.trunks.items()
        }
        self.nodes = {name: Node(name, capacity) for name, capacity in settings.nodes.items()}
        self.rang_a_phone_at = -math.inf  # the last originate of an agent's leg
        self.last_ring_turn = -math.inf  # the latest turn given to an agent's phone that has to wait
        self.store_ok = True
        self.store_detail = ""
        self.draining = False
        self.drain_over = False
        self.drained = False
        self.busy_share_at_close: float | None = None

    @staticmethod
    def _campaign(settings: CampaignSettings) -> Campaign:
        return Campaign(settings, CampaignState.STOPPED, Hopper(settings.hopper_size))

    def campaign_or_retired(self, name: str) -> Campaign:
        """The campaign, or a stopped stand-in for one that the configuration no longer has."""
        campaign = self.campaigns.get(name)
        if campaign is None:
            campaign = self._campaign(
                CampaignSettings(name, Mode.PROGRESSIVE, (), "", "", windows=CLOSED_WINDOWS, autostart=False)
            )
            self.campaigns[name] = campaign
        return campaign

    def booked(self, call: Call) -> Campaign:
        """Whose customer a call's is: of somebody who returns a call of ours, the campaign's that made it."""
        made = None if call.arrival is None else self.campaigns.get(call.arrival.campaign)
        return made or call.campaign

    def dispositions(self, call: Call | None) -> tuple[str, ...]:
        """The words for what became of a call; none for no call."""
        if call is None:
            return ()
        return self.booked(call).settings.dispositions or call.campaign.settings.dispositions

    def calls_back(self, call: Call) -> Campaign | None:
        """The campaign that would call the customer of a call again; None: nobody does."""
        if call.arrival is None:
            return call.campaign
        return self.campaigns.get(callers_dialed_by(self.settings.campaigns, call.campaign.name, call.arrival.campaign))

    def new_id(self) -> str:
        """The UUID of a new attempt or leg, with our mark: presence data says whose agent, not whose dialer."""
        return self.mark + self._new_uuid()[len(self.mark) :]

    def others(self, instance: str) -> bool:
        """Whether a leg that called in is another dialer's: the dialplan names one, and not this one."""
        return bool(instance and self.settings.instance) and instance != self.settings.instance

    def give_up(self, uuid: str, node: str) -> None:
        """A leg that rings is hung up; its answer may cross that, and the hangup may even overtake the originate."""
        self.dropped[uuid] = node, self.now

    def emit(self, command: Command) -> None:
        """Put a command into the outbox."""
        self.out.append(command)

    def note(self, level: str, topic: str, text: str) -> None:
        """Say something to the log."""
        self.out.append(Note(level, topic, text))

    def odd(self, what: str, text: str) -> None:
        """Count and log an event that the tables do not allow here; never an exception."""
        self.counters[f"illegal_{what}"] += 1
        self.out.append(Note("debug", "illegal_event", text))

    def line_up(self, agent: Agent) -> None:
        """Keep the counts of free agents true after a change of this agent's state, line, node or seat."""
        self.floor_changed = True
        place = agent.node if agent.free and not agent.kept else None
        if place == agent.idle_on:
            return
        for campaign in agent.settings.campaigns:
            if agent.idle_on is not None:
                self._idle.setdefault((agent.idle_on, campaign), set()).discard(agent.settings.agent)
            if place is not None and not self.dedicated(agent):
                self._idle.setdefault((place, campaign), set()).add(agent.settings.agent)
        agent.idle_on = place

    def dedicated(self, agent: Agent) -> frozenset[str]:
        """Whom the agent's seat serves only: nobody calls out for such a seat. Empty: it serves everybody."""
        return self.settings.routing.dedicated.get(agent.seat.seat, frozenset())

    def calls_out_for(self, agent: Agent) -> frozenset[str]:
        """The campaigns whose calls may be started for this agent."""
        return frozenset() if self.dedicated(agent) else agent.settings.campaigns

    def free_agents(self, campaign: Campaign, node: str | None = None) -> list[Agent]:
        """Agents who may take any answered call of ``campaign`` now (on ``node``), by name."""
        names = [
            agent
            for name in (self.nodes if node is None else (node,))
            if self.nodes[name].usable
            for agent in self._idle.get((name, campaign.name), ())
        ]
        return [self.agents[name] for name in sorted(names)]

    def stopped_by(self) -> str:
        """Why nothing may be started now, in words; empty when something may."""
        if not self.store_ok:
            return f"the store is in trouble ({self.store_detail})"
        if not any(node.usable for node in self.nodes.values()):
            return "no switch is connected and compared"
        return ""
