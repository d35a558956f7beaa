"""What a campaign's own past says, for a scenario that is built from it: `dialer simulate --from-campaign NAME`.

Owns read-only questions, in the command line's process and never in the daemon's. Rows that cannot be true (a clock
that stepped) are left out and counted. Fits no distribution: samples are handed out as they are.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from dialer.domain.agent import AgentState
from dialer.domain.lead import LeadState
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import MACHINE_DISPOSITIONS
from dialer.store import ledger
from dialer.store.database import make_engine, read_only
from dialer.store.errors import StoreUnavailable
from dialer.store.imports import BUSY_TIMEOUT_S
from dialer.store.pacing_facts import machine_words
from dialer.store.statements import AGENT_LOG, ATTEMPTS, LEADS, LISTS

SAMPLES_KEPT: Final = 20_000
"""Of each kind, the latest: more say nothing new."""
LONGEST_CALL_S: Final = 86_400.0
LONGEST_STATE_S: Final = 4 * 3600.0
"""An agent's state that lasted longer was left by a dialer that died, not by a person who sat there."""
_AT_A_TIME: Final = 5000

FAST_FAILURES: Final = frozenset(
    {
        Outcome.CARRIER_FAILURE.value,
        Outcome.INVALID_NUMBER.value,
        Outcome.DEAD_NUMBER.value,
        Outcome.BUSY.value,
        Outcome.REJECTED.value,
    }
)
CUT_SHORT: Final = frozenset({Outcome.CANCELLED.value, Outcome.INTERRUPTED.value, Outcome.SHUTDOWN.value})
"""Unanswered, these ended by us: nobody knows whether a person would have answered."""
_AFTER_WRAP: Final = frozenset({AgentState.READY.value, AgentState.PAUSED.value, AgentState.LOGGED_OUT.value})
"""Any other state after wrap-up means that a line or the dialer broke."""
_CUT, _OTHER, _PERSON = range(3)


@dataclass(frozen=True, slots=True)
class ListHour:
    """Dials of a list in an hour of the day (UTC, 0–23), and how many of them a person answered."""

    list_name: str
    hour: int
    dials: int
    answered: int


@dataclass(frozen=True, slots=True)
class CampaignHistory:
    """What is known of a campaign's attempts opened from ``since`` on. All durations in seconds, in order of time.

    ``time_to_answer_s`` and ``no_answer_ring_s`` count from the ring, from the start where no ring was reported.
    ``answer_probability`` is the chance that a person answers a dial that nobody cuts short (``cut_short`` were, while
    they rang), ``fast_failure_share`` a share of ``dials``; None without any. ``agents`` is the
    median of agents logged in while anyone was, of those who took its calls. ``leads_left`` may be dialed still, in
    ``lists``. ``dropped`` rows were left out of everything.
    """

    campaign: str
    since: float
    dials: int = 0
    answered: int = 0
    cut_short: int = 0
    answer_probability: float | None = None
    by_list_hour: tuple[ListHour, ...] = ()
    time_to_answer_s: tuple[float, ...] = ()
    no_answer_ring_s: tuple[float, ...] = ()
    fast_failures: int = 0
    fast_failure_share: float | None = None
    fast_failure_s: tuple[float, ...] = ()
    talk_s: tuple[float, ...] = ()
    wrap_s: tuple[float, ...] = ()
    agents: int = 0
    leads_left: int = 0
    lists: tuple[str, ...] = ()
    dropped: int = 0


def campaign_history(
    url: str,
    campaign: str,
    since: float,
    *,
    lists: Sequence[str] | None = None,
    machine_dispositions: Sequence[str] = MACHINE_DISPOSITIONS,
) -> CampaignHistory:
    """The history of ``campaign`` from ``since`` (UTC epoch seconds) on; empty when there is none.

    ``lists`` are the campaign's own; without them, those whose leads it dialed. Raises StoreUnavailable, StoreUrlError.
    """
    engine = make_engine(url, busy_timeout_s=BUSY_TIMEOUT_S)
    try:
        with engine.connect() as conn, read_only(conn).begin():
            calls = _Calls()
            words = {"p_codes": list(machine_dispositions), "p_since": since}
            machines = frozenset(conn.execute(machine_words(), words).scalars())
            for row in _attempts(conn, campaign, since):
                calls.add(row, row.id in machines)
            floor = _Floor(campaign, frozenset(calls.agents))
            floor.read(_agent_lines(conn, since))
            names = tuple(sorted(calls.lists if lists is None else lists))
            return CampaignHistory(
                campaign=campaign,
                since=since,
                dials=calls.dials,
                answered=calls.answered,
                cut_short=calls.cut_short,
                answer_probability=answer_probability(calls.ends),
                by_list_hour=tuple(
                    ListHour(name, hour, dials, answered)
                    for (name, hour), (dials, answered) in sorted(calls.by_list_hour.items())
                ),
                time_to_answer_s=tuple(calls.time_to_answer),
                no_answer_ring_s=tuple(calls.no_answer_ring),
                fast_failures=calls.fast_failures,
                fast_failure_share=calls.fast_failures / calls.dials if calls.dials else None,
                fast_failure_s=tuple(calls.fast_failure),
                talk_s=tuple(calls.talk),
                wrap_s=tuple(floor.wrap),
                agents=floor.typical(),
                leads_left=_leads_left(conn, names),
                lists=names,
                dropped=calls.dropped + floor.dropped,
            )
    except DBAPIError as error:
        raise StoreUnavailable(f"{type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()


def _samples() -> deque[float]:
    return deque(maxlen=SAMPLES_KEPT)


# ---- calls -------------------------------------------------------------------------------------------------


def _attempts(conn: Connection, campaign: str, since: float) -> Iterable[Any]:
    query = (
        select(
            ATTEMPTS.c.id,
            ATTEMPTS.c.opened_at,
            ATTEMPTS.c.rang_at,
            ATTEMPTS.c.answered_at,
            ATTEMPTS.c.bridged_at,
            ATTEMPTS.c.ended_at,
            ATTEMPTS.c.outcome,
            ATTEMPTS.c.agent,
            LISTS.c.name.label("list_name"),
        )
        .select_from(
            ATTEMPTS.join(LEADS, LEADS.c.id == ATTEMPTS.c.lead_id).join(LISTS, LISTS.c.id == LEADS.c.list_id)
        )
        .where(ATTEMPTS.c.campaign == campaign, ATTEMPTS.c.opened_at >= since, ATTEMPTS.c.ended_at.is_not(None))
        .order_by(ATTEMPTS.c.opened_at, ATTEMPTS.c.id)
        .execution_options(yield_per=_AT_A_TIME)
    )
    return conn.execute(query)


@dataclass(slots=True, eq=False)
class _Calls:
    """Attempts, added up."""

    dials: int = 0
    answered: int = 0
    cut_short: int = 0
    fast_failures: int = 0
    dropped: int = 0
    ends: list[tuple[float, int]] = field(default_factory=list)
    by_list_hour: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    time_to_answer: deque[float] = field(default_factory=_samples)
    no_answer_ring: deque[float] = field(default_factory=_samples)
    fast_failure: deque[float] = field(default_factory=_samples)
    talk: deque[float] = field(default_factory=_samples)
    lists: set[str] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)

    def add(self, row: Any, machine: bool) -> None:
        if not _possible(row):
            self.dropped += 1
            return
        self.dials += 1
        self.lists.add(row.list_name)
        counts = self.by_list_hour.setdefault((row.list_name, int(row.opened_at // 3600 % 24)), [0, 0])
        counts[0] += 1
        started = row.opened_at if row.rang_at is None else row.rang_at
        if row.answered_at is not None:
            # Only whether it was a person matters here, so any limit will do.
            person = not machine and ledger.counts_as(row.outcome, row.answered_at, row.bridged_at, 0.0)
            if person:
                self.answered += 1
                counts[1] += 1
                self.time_to_answer.append(row.answered_at - started)
            self.ends.append((row.answered_at - row.opened_at, _PERSON if person else _OTHER))
        else:
            cut = row.outcome in CUT_SHORT
            self.cut_short += cut
            self.ends.append((row.ended_at - row.opened_at, _CUT if cut else _OTHER))
            self._unanswered(row, started)
        if row.bridged_at is not None:
            self.talk.append(row.ended_at - row.bridged_at)
            if row.agent:
                self.agents.add(row.agent)

    def _unanswered(self, row: Any, started: float) -> None:
        if row.outcome == Outcome.NO_ANSWER.value:
            self.no_answer_ring.append(row.ended_at - started)
        elif row.outcome in FAST_FAILURES:
            self.fast_failures += 1
            self.fast_failure.append(row.ended_at - row.opened_at)


def answer_probability(ends: Iterable[tuple[float, int]]) -> float | None:
    """The chance of an answer by a person, of ``(seconds, how it ended)``; None without any.

    Dials that were cut short count up to that moment only (the Aalen-Johansen estimator): a dialer that hangs up old
    rings would otherwise find its list worse than it is.
    """
    in_order = sorted(ends)
    if not in_order:
        return None
    at_risk, unresolved, answered = len(in_order), 1.0, 0.0
    for _, group in groupby(in_order, key=lambda end: end[0]):
        kinds = [kind for _, kind in group]
        ended = len(kinds) - kinds.count(_CUT)
        answered += unresolved * kinds.count(_PERSON) / at_risk
        unresolved *= 1.0 - ended / at_risk
        at_risk -= len(kinds)
    return min(1.0, answered)


def _possible(row: Any) -> bool:
    """Whether the times of an attempt are finite, in order, and not more than a day apart."""
    times = [row.opened_at, row.rang_at, row.answered_at, row.bridged_at, row.ended_at]
    known = [at for at in times if at is not None]
    return (
        all(math.isfinite(at) for at in known)
        and all(a <= b for a, b in pairwise(known))
        and known[-1] - known[0] <= LONGEST_CALL_S
    )


def _leads_left(conn: Connection, names: Sequence[str]) -> int:
    found: int = conn.execute(
        select(func.count())
        .select_from(LEADS.join(LISTS, LISTS.c.id == LEADS.c.list_id))
        .where(LISTS.c.name.in_(names), LEADS.c.state == LeadState.READY.value)
    ).scalar_one()
    return found


# ---- agents ------------------------------------------------------------------------------------------------


def _agent_lines(conn: Connection, since: float) -> Iterator[Any]:
    """The log with the campaign of each line's attempt, where it names one."""
    query = (
        select(AGENT_LOG.c.agent, AGENT_LOG.c.state, AGENT_LOG.c.at, ATTEMPTS.c.campaign)
        .select_from(AGENT_LOG.outerjoin(ATTEMPTS, ATTEMPTS.c.id == AGENT_LOG.c.attempt_id))
        .where(AGENT_LOG.c.at >= since)
        .order_by(AGENT_LOG.c.agent, AGENT_LOG.c.id)
        .execution_options(yield_per=_AT_A_TIME)
    )
    yield from conn.execute(query)


class _Floor:
    """The agents of a campaign: how long they wrap up, and how many there are."""

    def __init__(self, campaign: str, agents: frozenset[str]) -> None:
        self._campaign = campaign
        self._agents = agents
        self._steps: list[tuple[float, int]] = []
        self.wrap: deque[float] = _samples()
        self.dropped = 0

    def read(self, lines: Iterable[Any]) -> None:
        """Lines by agent, in the order in which they were written: a clock that stepped back shows."""
        before: Any = None
        for line in lines:
            if line.agent not in self._agents:
                continue
            if before is not None and before.agent == line.agent:
                self._lasted(before, line)
            if before is None or before.agent != line.agent or before.state != line.state or line.at < before.at:
                before = line

    def _lasted(self, state: Any, then: Any) -> None:
        if state.state in (AgentState.LOGGED_OUT.value, then.state):
            return
        seconds = then.at - state.at
        if not 0.0 <= seconds <= LONGEST_STATE_S:
            self.dropped += 1
            return
        self._steps += [(state.at, 1), (then.at, -1)]
        wrapped = state.state == AgentState.WRAP_UP.value and then.state in _AFTER_WRAP
        if wrapped and state.campaign in (None, self._campaign):
            self.wrap.append(seconds)

    def typical(self) -> int:
        """The median of agents logged in over the time in which there was one."""
        lasted: dict[int, float] = {}
        present, since = 0, 0.0
        for at, step in sorted(self._steps):
            if present > 0:
                lasted[present] = lasted.get(present, 0.0) + at - since
            present, since = present + step, at
        half, passed = sum(lasted.values()) / 2, 0.0
        for count in sorted(lasted):
            passed += lasted[count]
            if passed >= half and passed > 0:
                return count
        return 0
