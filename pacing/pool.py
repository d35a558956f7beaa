"""All pacing memory of one pool of agents: what is in flight, what was learnt, ledgers, thresholds; its one door.

Owns the wiring of boards, beliefs, ledgers and thresholds to what the engine reports, and asks ``pacing.predictive``
what to do. Pure: times come in, nothing is read. Never raises for what the world can say: an unknown call, a time
that is no number or lies before its beginning is dropped and counted in ``dropped``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from pacing.abandonment import Budget, Ledger
from pacing.beliefs import Beliefs, PastCall
from pacing.board import Agents, Bools, Ints, Phase, Rings
from pacing.hold import EDGES, PHASE_BINS
from pacing.leads import UNKNOWN_LEAD, LeadFacts
from pacing.predictive import Plan, View, decision, plan
from pacing.race import Race
from pacing.ring import BIN_S, BINS, Array
from pacing.settings import CampaignPacing
from pacing.snapshot import Ask, Counts, Decision
from pacing.threshold import Threshold

SAVED_VERSION = 1
RECENT_DIALS = 600.0
"""The share of dials hung up is judged over so many of the newest."""
WATCH_EVERY_S = 0.4
ENDLESS = math.inf
SAFE_THETA = 1e-4
"""Without any budget only calls start that find an agent as surely as this: 1:1, but for the few that die first."""
DAY_S = 86_400.0


NOT_DECIDED = Decision(0, "not decided yet")


class Ending(StrEnum):
    """How a call ended, as far as pacing learns from it."""

    NO_ANSWER = "no_answer"
    FAILED = "failed"  # busy, rejected, invalid, dead, the carrier
    CUT = "cut"  # we hung up while it rang
    VOID = "void"  # never sent, refused by the gate, interrupted: tells nothing
    OVER = "over"  # it had been answered


@dataclass(slots=True, eq=False)
class _Call:
    campaign: str
    node: str
    lead: LeadFacts
    score: float
    entry: int
    launched: float
    sent: bool = False
    ringing: bool = True
    waiting: bool = False


@dataclass(slots=True, eq=False)
class _Agent:
    node: str
    phase: Phase = Phase.AWAY
    since: float = 0.0
    talk_since: float | None = None
    campaign: str = ""


@dataclass(slots=True, eq=False)
class _Memory:
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
    last: dict[str, float] = field(default_factory=dict)
    decision: Decision = NOT_DECIDED
    closing_at: float = ENDLESS


class Pool:
    """Everything pacing knows of one pool. ``settings`` by campaign."""

    def __init__(self, settings: Mapping[str, CampaignPacing]) -> None:
        self.dropped: Counter[str] = Counter()
        self._memories = {name: self._memory(s) for name, s in settings.items()}
        self._numbers = {name: index for index, name in enumerate(self._memories)}
        self._calls: dict[str, _Call] = {}
        self._people: dict[str, _Agent] = {}
        self._rings: dict[tuple[str, str], Rings] = {}
        self._agents: dict[str, Agents] = {}
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._cross: dict[tuple[str, str], tuple[float, Array, Array]] = {}
        self.inbound_wanted = 0

    @staticmethod
    def _memory(settings: CampaignPacing) -> _Memory:
        return _Memory(
            settings,
            Beliefs(settings),
            Ledger(settings.windows, settings.amd_false_positive),
            Threshold(settings.max_theta),
        )

    def __contains__(self, campaign: str) -> bool:
        return campaign in self._memories

    @property
    def calls(self) -> frozenset[str]:
        """The calls that are known here."""
        return frozenset(self._calls)

    def phase_of(self, agent: str) -> Phase | None:
        """What the agent is believed to do."""
        person = self._people.get(agent)
        return None if person is None else person.phase

    def chance(self, campaign: str, lead: LeadFacts) -> float:
        """P(this lead would answer now)."""
        model = self._memories[campaign].beliefs.answer
        return model.chance(model.score(lead))

    # ---- calls ---------------------------------------------------------------------------------------------

    def dialed(self, call: str, campaign: str, node: str, at: float, lead: LeadFacts | None = None) -> None:
        """A call is opened: it counts from now on, its ring age from ``sent``."""
        memory = self._memories.get(campaign)
        if memory is None or call in self._calls or not math.isfinite(at):
            self.dropped["dialed"] += 1
            return
        facts = UNKNOWN_LEAD if lead is None else lead
        score = memory.beliefs.answer.score(facts)
        entry = memory.beliefs.answer.dialed(at, score)
        self._calls[call] = _Call(campaign, node, facts, score, entry, at)
        self._ringing(node, campaign).add(call, at, score)
        memory.dialed += 1
        memory.alive += 1
        fade = 1.0 - 1.0 / RECENT_DIALS
        memory.recent_dials = memory.recent_dials * fade + 1.0
        memory.recent_cuts *= fade

    def sent(self, call: str, at: float) -> None:
        """The originate is sent."""
        known = self._known(call, at)
        if known is not None and known.ringing:
            known.launched, known.sent = at, True
            self._ringing(known.node, known.campaign).relaunch(call, at)

    def rang(self, call: str, at: float) -> None:
        """The first 180 or 183."""
        known = self._known(call, at)
        if known is not None and known.ringing:
            self._ringing(known.node, known.campaign).ring(call, at)

    def answered(self, call: str, at: float) -> None:
        """It waits for an agent from now on."""
        known = self._known(call, at)
        if known is None or not known.ringing:
            return
        self._stop_ringing(call, known, at, answered=True, cut=False)
        known.waiting = True
        self._waiting[known.node, known.campaign] += 1

    def taken(self, call: str, agent: str, at: float) -> None:
        """An agent is reserved for it."""
        known = self._known(call, at)
        if known is None:
            return
        self._no_longer_waits(known)
        if (person := self._people.get(agent)) is not None:
            person.campaign = known.campaign
            board = self._agents[person.node]
            if (seat := board.seat(agent)) is not None:
                board.campaign[seat.slot] = self._numbers[known.campaign]

    def untaken(self, call: str) -> None:
        """The bridge failed: it waits again."""
        known = self._calls.get(call)
        if known is not None and not known.ringing and not known.waiting:
            known.waiting = True
            self._waiting[known.node, known.campaign] += 1

    def bridged(self, call: str, at: float) -> None:
        """It talks to its agent."""
        known = self._known(call, at)
        if known is not None:
            if known.ringing:  # adopted in conversation: nobody knows how long it rang
                self._ringing(known.node, known.campaign).remove(call)
                known.ringing = False
                self._memories[known.campaign].beliefs.answer.void(known.entry)
            self._no_longer_waits(known)

    def limit_passed(self, call: str, at: float) -> None:
        """The abandon clock ran out: no agent will be given to it."""
        known = self._known(call, at)
        if known is not None:
            self._no_longer_waits(known)

    def ended(self, call: str, at: float, ending: Ending) -> None:
        """It is over."""
        known = self._calls.pop(call, None)
        if known is None:
            self.dropped["ended"] += 1
            return
        memory = self._memories[known.campaign]
        memory.alive -= 1
        self._no_longer_waits(known)
        if not known.ringing:
            return
        told = ending in (Ending.NO_ANSWER, Ending.FAILED, Ending.CUT) and known.sent
        if ending is Ending.CUT:
            memory.cuts += 1
            memory.recent_cuts += 1.0
        if told and math.isfinite(at) and at >= known.launched:
            self._stop_ringing(call, known, at, answered=False, cut=ending is Ending.CUT)
        else:
            if told:
                self.dropped["ring_time"] += 1
            self._ringing(known.node, known.campaign).remove(call)
            known.ringing = False
            memory.beliefs.answer.void(known.entry)

    def judged(self, campaign: str, answered_at: float, *, abandoned: bool) -> None:
        """A call answered by a person is settled: somebody took it in time, or not."""
        memory = self._memories.get(campaign)
        if memory is None or not math.isfinite(answered_at):
            self.dropped["judged"] += 1
            return
        memory.ledger.judge(answered_at, abandoned=abandoned)
        memory.counted = False
        memory.threshold.judged(memory.target * memory.ease, abandoned=abandoned)

    def unjudged(self, campaign: str, answered_at: float, *, abandoned: bool) -> None:
        """A judged call turns out to have been a machine."""
        memory = self._memories.get(campaign)
        if memory is None or not memory.ledger.take_back(answered_at, abandoned=abandoned):
            self.dropped["unjudged"] += 1
            return
        memory.ledger.machines += 1
        memory.counted = False

    def _known(self, call: str, at: float) -> _Call | None:
        known = self._calls.get(call)
        if known is None or not math.isfinite(at):
            self.dropped["call"] += 1
            return None
        return known

    def _ringing(self, node: str, campaign: str) -> Rings:
        rings = self._rings.get((node, campaign))
        if rings is None:
            rings = self._rings[node, campaign] = Rings()
        return rings

    def _stop_ringing(self, call: str, known: _Call, at: float, *, answered: bool, cut: bool) -> None:
        self._ringing(known.node, known.campaign).remove(call)
        known.ringing = False
        age = at - known.launched
        if age < 0 or not known.sent:
            self.dropped["ring_time"] += 1
            self._memories[known.campaign].beliefs.answer.void(known.entry)
            return
        beliefs = self._memories[known.campaign].beliefs
        beliefs.call_over(known.entry, known.lead, known.score, age, answered=answered, cut=cut)

    def _no_longer_waits(self, known: _Call) -> None:
        if known.waiting:
            known.waiting = False
            self._waiting[known.node, known.campaign] -= 1

    # ---- agents --------------------------------------------------------------------------------------------

    def agent(self, agent: str, phase: Phase, at: float, node: str, campaigns: frozenset[str]) -> None:
        """The agent does something else from ``at`` on, or serves other campaigns, or sits on another switch."""
        if not math.isfinite(at):
            self.dropped["agent"] += 1
            return
        person = self._people.get(agent)
        if person is None:
            person = self._people[agent] = _Agent(node)
        if person.node != node:
            old = self._agents.get(person.node)
            if old is not None and (left := old.seat(agent)) is not None:
                old.phase[left.slot] = int(Phase.AWAY)
            person.node = node
        board = self._agents.get(node)
        if board is None:
            board = self._agents[node] = Agents()
        seat = board.put(agent, campaigns & self._memories.keys())
        if phase is not person.phase:
            self._learn_phase(agent, person, phase, at)
            if not (phase is Phase.LEAVING and person.phase is Phase.TALKING):
                person.since = at
            person.phase = phase
        board.phase[seat.slot], board.since[seat.slot] = int(phase), person.since
        board.campaign[seat.slot] = self._numbers.get(person.campaign, -1)

    def _learn_phase(self, agent: str, person: _Agent, phase: Phase, at: float) -> None:
        memory = self._memories.get(person.campaign)
        if phase is Phase.TALKING:
            person.talk_since = at
            return
        if phase is Phase.LEAVING and person.phase is Phase.TALKING:
            return
        talked_since, person.talk_since = person.talk_since, None
        if memory is None:
            return
        if talked_since is not None and phase in (Phase.WRAP, Phase.IDLE, Phase.LEAVING):
            if at >= talked_since:
                memory.beliefs.talked(agent, at - talked_since)
                board = self._agents[person.node]
                if (seat := board.seat(agent)) is not None:
                    board.speed[seat.slot] = memory.beliefs.hold.speed_class(agent)
            else:
                self.dropped["talk_time"] += 1
            if phase is Phase.IDLE:
                memory.beliefs.wrapped(0.0)
        elif person.phase is Phase.WRAP and phase in (Phase.IDLE, Phase.AWAY):
            if at >= person.since:
                memory.beliefs.wrapped(at - person.since)
            else:
                self.dropped["wrap_time"] += 1

    # ---- decisions -----------------------------------------------------------------------------------------

    def decide(self, now: float, node: str, asks: Sequence[Ask]) -> dict[str, Decision]:
        """What each of these campaigns should do on ``node`` now.

        Campaigns that share agents see each other's calls; the one that has had least of its weight chooses first.
        """
        out: dict[str, Decision] = {}
        board = self._agents.get(node)
        order = sorted(asks, key=lambda ask: self._share_had(ask.campaign))
        for ask in order:
            memory = self._memories.get(ask.campaign)
            if memory is None:
                out[ask.campaign] = Decision(0, "start 0: pacing does not know this campaign")
                continue
            decided = self._decide(now, node, board, memory, ask, started=out)
            memory.decision = out[ask.campaign] = decided
        return out

    def _share_had(self, campaign: str) -> float:
        memory = self._memories.get(campaign)
        return 0.0 if memory is None else memory.recent_dials / max(memory.settings.weight, 1e-6)

    def _decide(
        self, now: float, node: str, board: Agents | None, memory: _Memory, ask: Ask, started: dict[str, Decision]
    ) -> Decision:
        settings = memory.settings
        rings = self._ringing(node, settings.campaign)
        waiting = self._waiting[node, settings.campaign]
        if board is None:
            return Decision(0, "start 0: no agent has logged in here")
        mine = board.of(settings.campaign)
        phases = board.phase[mine]
        here = int(np.count_nonzero(phases < Phase.AWAY))
        idle = int(np.count_nonzero(phases == Phase.IDLE))
        self._refresh(now, memory, node, board, here)
        others_waiting, others_rings = self._others(now, node, board, memory, mine, started)
        lead = idle - waiting - others_waiting
        if here < settings.min_agents:
            return self._one_to_one(memory, ask, here, lead, len(rings) + others_rings[0])
        busy = self._busy(now, board, memory, mine)
        calls = self._ring_chances(now, memory, rings)
        answer = memory.beliefs.answer
        p = answer.usual
        race = Race(lead, busy, _stack(calls, others_rings[1]), answer.level_sd * (1.0 - p))
        theta = max(memory.threshold.theta * memory.ease, SAFE_THETA)
        age = now - rings.rang
        overdue = np.nonzero(age >= settings.min_ring_s)[0]
        overdue = overdue[np.argsort(-age[overdue], kind="stable")]
        may_cut = int(settings.hang_up_share * (memory.recent_dials + 1.0) - memory.recent_cuts)
        ring = memory.beliefs.ring
        view = View(
            theta=theta,
            room=ask.room,
            chances=lambda: np.array([answer.chance(answer.score(facts)) for facts in ask.leads]),
            horizons=ring.horizons,
            fresh=ring.fresh,
            rings=calls,
            overdue=tuple(int(i) for i in overdue[:8]),
            may_cut=max(0, may_cut),
            hang_up_over=settings.hang_up_over,
            sure=max(0, lead - len(rings) - math.ceil(others_rings[0])),
        )
        to_free = float(race.to_free[-1])
        to_answer = race.to_answer[-1]
        made = plan(race, view)
        cut_ids = tuple(rings.ids[i] for i in made.cuts)
        memory.last = {
            "idle": idle,
            "busy": here - idle,
            "waiting": waiting + others_waiting,
            "ringing": len(rings),
            "to_free": to_free,
            "to_answer": float(to_answer),
            "horizon_s": float(ring.horizons[-1]),
            "p_next": made.p_next,
            "p_near": made.p_near,
            "p_after": made.p_after,
            "theta": theta,
            "chance": p,
        }
        return decision(made, reason=self._reason(memory, made, ask), ids=cut_ids)

    def _one_to_one(self, memory: _Memory, ask: Ask, here: int, lead: int, ringing: float) -> Decision:
        lines = max(0, min(lead - math.ceil(ringing), ask.room, len(ask.leads)))
        why = (
            f"start {lines}: {here} agents are fewer than min_agents {memory.settings.min_agents}, so one call for "
            f"each free agent: {max(lead, 0)} free, {len(self._all_rings(memory))} ringing"
        )
        memory.last = {"idle": lead, "p_next": 0.0, "theta": 0.0}
        return Decision(lines, why, (), tuple(range(lines)))

    def _all_rings(self, memory: _Memory) -> list[str]:
        name = memory.settings.campaign
        return [call for (_, campaign), rings in self._rings.items() if campaign == name for call in rings.ids]

    def _reason(self, memory: _Memory, made: Plan, ask: Ask) -> str:
        last = memory.last
        tight = min(memory.budgets, key=lambda b: (b.ease, b.target), default=None)
        budget = ""
        if tight is not None:
            allowed = tight.window.limit * tight.answered
            budget = f", {tight.window.name} budget {tight.left:.1f} of {allowed:.1f} left"
            if memory.ease < 1.0:
                budget += f", risks eased to {memory.ease:.0%}"
        words = (
            f"start {len(made.picks)}: {last['idle']:.0f} ready and {last['to_free']:.1f} freeing within "
            f"{last['horizon_s']:.0f} s, {last['waiting']:.0f} waiting, {last['ringing']:.0f} ringing expected to give "
            f"{last['to_answer']:.1f} answers, P(next finds nobody) {made.p_next:.3f} "
            f"{'≤' if made.p_next <= last['theta'] else '>'} θ {last['theta']:.3f}{budget}"
        )
        if made.cuts:
            words += f"; hang up {len(made.cuts)} overdue: P(the next answers find nobody) {made.p_near:.2f}"
        if made.picks and len(made.picks) == len(ask.leads) < ask.room:
            words += "; the hopper gives no more"
        elif made.picks and len(made.picks) == ask.room:
            words += "; no room for more"
        return words

    # ---- what a decision looks at --------------------------------------------------------------------------

    def _refresh(self, now: float, memory: _Memory, node: str, board: Agents, here: int) -> None:
        beliefs, name = memory.beliefs, memory.settings.campaign
        if beliefs.stale(now):
            number = self._numbers[name]
            ours = board.campaign == number
            rings = self._ringing(node, name)
            beliefs.rebuild(
                now,
                np.maximum(now - rings.launched, 0.0),
                np.maximum(now - board.since[ours & (board.phase == Phase.TALKING)], 0.0),
                np.maximum(now - board.since[ours & (board.phase == Phase.WRAP)], 0.0),
            )
        if now - memory.watched_at >= WATCH_EVERY_S:
            memory.watched_at = now
            beliefs.answer.watch(now, beliefs.ring)
        if not memory.counted or now - memory.budgeted_at >= 1.0:
            self._budget(now, memory, node, here)

    def _budget(self, now: float, memory: _Memory, node: str, here: int) -> None:
        hold_s = max(memory.beliefs.hold.talk.mean_s + memory.beliefs.hold.wrap.mean_s, 1.0)
        name = memory.settings.campaign
        in_flight = len(self._ringing(node, name)) * memory.beliefs.answer.usual
        memory.ledger.forget(now)
        memory.budgets = memory.ledger.budgets(
            now,
            answers_per_s=0.9 * here / hold_s,
            in_flight=in_flight,
            aim=memory.settings.aim,
            ends_at=memory.closing_at,
        )
        memory.target = min((b.target for b in memory.budgets), default=1.0)
        memory.ease = min((b.ease for b in memory.budgets), default=1.0)
        memory.counted, memory.budgeted_at = True, now

    def _busy(self, now: float, board: Agents, memory: _Memory, mine: Bools) -> Array:
        talking = mine & ((board.phase == Phase.TALKING) | (board.phase == Phase.RESERVED))
        wrapping = mine & (board.phase == Phase.WRAP)
        own = self._numbers[memory.settings.campaign]
        parts = []
        for number in np.unique(board.campaign[talking | wrapping]):
            talk_free, wrap_free = self._tables(memory, own if number < 0 else int(number))
            ours = board.campaign == number
            at = talking & ours
            age = np.where(board.phase[at] == Phase.RESERVED, 0.0, now - board.since[at])
            parts.append(talk_free[board.speed[at], _phase_bins(age)])
            at = wrapping & ours
            parts.append(wrap_free[_phase_bins(now - board.since[at])])
        return np.concatenate(parts) if parts else np.zeros((0, len(memory.beliefs.ring.horizons)))

    def _tables(self, memory: _Memory, number: int) -> tuple[Array, Array]:
        """Chances to be free at this campaign's horizons for agents who serve customers of campaign ``number``."""
        own = self._numbers[memory.settings.campaign]
        if number == own:
            return memory.beliefs.talk_free, memory.beliefs.wrap_free
        name = next(n for n, i in self._numbers.items() if i == number)
        other = self._memories[name].beliefs
        key = (memory.settings.campaign, name)
        known = self._cross.get(key)
        stamp = memory.beliefs.built_at + other.built_at
        if known is None or known[0] != stamp:
            known = (stamp, *other.hold.free_tables(memory.beliefs.within))
            self._cross[key] = known
        return known[1], known[2]

    def _ring_chances(self, now: float, memory: _Memory, rings: Rings) -> Array:
        ring, answer = memory.beliefs.ring, memory.beliefs.answer
        bins = np.clip(((now - rings.launched) / BIN_S).astype(np.int64), 0, BINS - 1)
        p = 1.0 / (1.0 + np.exp(-(answer.level + answer.shift + rings.score)))
        chances: Array = ring.posterior(bins, p)[:, None] * ring.by_horizon[bins]
        return chances

    def _others(
        self, now: float, node: str, board: Agents, memory: _Memory, mine: Bools, started: dict[str, Decision]
    ) -> tuple[int, tuple[float, Array]]:
        """What the other campaigns will take of this one's agents: waiting customers, and ringing calls thinned by
        the part of their agents that is shared. Calls that this round has just decided on are in flight already."""
        waiting, count, parts = 0.0, 0.0, []
        horizons = memory.beliefs.ring.horizons
        for (at, name), rings in self._rings.items():
            if at != node or name == memory.settings.campaign:
                continue
            lines = started[name].lines if name in started else 0
            if not len(rings) and not lines and not self._waiting[node, name]:
                continue
            theirs = board.of(name) & (board.phase < Phase.AWAY)
            total = int(np.count_nonzero(theirs))
            share = float(np.count_nonzero(theirs & mine)) / total if total else 0.0
            if share <= 0.0:
                continue
            other = self._memories[name].beliefs
            waiting += share * self._waiting[node, name]
            count += share * (len(rings) + lines)
            ages = np.concatenate((np.maximum(now - rings.launched, 0.0), np.zeros(lines)))
            scores = np.concatenate((rings.score, np.zeros(lines)))
            p = 1.0 / (1.0 + np.exp(-(other.answer.level + other.answer.shift + scores)))
            bins = np.clip((ages / BIN_S).astype(np.int64), 0, BINS - 1)
            before = np.interp(ages, other.ring.edges, other.ring.answered_by)
            later = np.interp(ages[:, None] + horizons[None, :], other.ring.edges, other.ring.answered_by)
            by = np.clip((later - before[:, None]) / np.maximum(1.0 - before[:, None], 1e-6), 0.0, 1.0)
            parts.append(share * other.ring.posterior(bins, p)[:, None] * by)
        rows = np.concatenate(parts) if parts else np.zeros((0, len(horizons)))
        return math.ceil(waiting - 1e-9) + self.inbound_wanted, (count, rows)

    # ---- for people and baselines --------------------------------------------------------------------------

    def counts(self, campaign: str, now: float) -> Counts:
        """The campaign in numbers, over all switches."""
        memory = self._memories[campaign]
        phases: Counter[int] = Counter()
        for board in self._agents.values():
            values, numbers = np.unique(board.phase[board.of(campaign)], return_counts=True)
            for value, number in zip(values, numbers, strict=True):
                phases[int(value)] += int(number)
        answered, abandoned = memory.ledger.since(now // DAY_S * DAY_S)
        beliefs = memory.beliefs
        p = beliefs.answer.usual
        return Counts(
            at=now,
            campaign=campaign,
            ready=phases[Phase.IDLE],
            talking=phases[Phase.TALKING] + phases[Phase.LEAVING],
            wrap=phases[Phase.WRAP],
            reserved=phases[Phase.RESERVED],
            away=phases[Phase.AWAY],
            waiting=sum(n for (_, name), n in self._waiting.items() if name == campaign),
            ringing=sum(len(r) for (_, name), r in self._rings.items() if name == campaign),
            in_existence=memory.alive,
            dialed=memory.dialed,
            answered_today=answered,
            abandoned_today=abandoned,
            answer_probability=p,
            ring_mean_s=beliefs.ring.mean_life_s(p),
            hold_mean_s=beliefs.hold.talk.mean_s + beliefs.hold.wrap.mean_s,
            closing_at=memory.closing_at,
        )

    def closes(self, campaign: str, at: float) -> None:
        """Dialing is known to end at ``at``: a fixed period is planned to there."""
        if campaign in self._memories and not math.isnan(at):
            self._memories[campaign].closing_at = at

    def begins_shift(self, at: float) -> None:
        """A shift begins: windows of that kind count from here."""
        for memory in self._memories.values():
            memory.ledger.begin_shift(at)
            memory.counted = False

    def explain(self, campaign: str, now: float) -> dict[str, object]:
        """What the last decision stood on, for people: JSON-able."""
        memory = self._memories[campaign]
        beliefs, answer = memory.beliefs, memory.beliefs.answer
        counts = self.counts(campaign, now)
        share = memory.recent_cuts / memory.recent_dials if memory.recent_dials > 0 else 0.0
        return {
            "campaign": campaign,
            "decision": {"lines": memory.decision.lines, "reason": memory.decision.reason} | dict(memory.last),
            "theta": memory.threshold.theta,
            "target": memory.target,
            "ease": memory.ease,
            "agents": {
                "ready": counts.ready,
                "talking": counts.talking,
                "wrap": counts.wrap,
                "reserved": counts.reserved,
                "away": counts.away,
            },
            "calls": {"ringing": counts.ringing, "waiting": counts.waiting, "all": counts.in_existence},
            "learnt": {
                "origin": beliefs.origin,
                "dials": beliefs.ring.calls,
                "answer_probability": counts.answer_probability,
                "answer_probability_low": answer.low_high()[0],
                "answer_probability_high": answer.low_high()[1],
                "newest_dials_doubt_z": answer.doubt,
                "changes_found": answer.changes_found,
                "last_changes": [
                    {"at": c.at, "z": c.z, "dials": c.calls, "before": c.before, "after": c.after}
                    for c in answer.changes[-3:]
                ],
                "time_to_answer_s": beliefs.ring.mean_answer_s,
                "ring_life_s": counts.ring_mean_s,
                "talk_s": beliefs.hold.talk.mean_s,
                "wrap_s": beliefs.hold.wrap.mean_s,
                "talks": beliefs.hold.talk.phases,
                "effects": [
                    {"name": name, "logit": effect, "se": se} for name, effect, se in list(answer.effects())[:12]
                ],
            },
            "windows": [
                {
                    "window": b.window.name,
                    "limit": b.window.limit,
                    "since": b.start,
                    "answered": b.answered,
                    "abandoned": b.abandoned,
                    "rate": b.rate,
                    "projected": b.projected,
                    "left": b.left,
                    "target": b.target,
                    "ease": b.ease,
                }
                for b in memory.budgets
            ],
            "hung_up_ringing": memory.cuts,
            "hung_up_share": share,
            "dialed": memory.dialed,
            "machines_taken_out": memory.ledger.machines,
            "unknown": memory.ledger.unknown,
            "dropped": dict(self.dropped),
        }

    # ---- memory --------------------------------------------------------------------------------------------

    def state(self, campaign: str) -> dict[str, object]:
        """What is worth keeping over a restart, JSON-able; the ledger is the store's own."""
        memory = self._memories[campaign]
        return {
            "version": SAVED_VERSION,
            "beliefs": memory.beliefs.state(),
            "threshold": memory.threshold.state(),
        }

    def restore(self, campaign: str, state: Mapping[str, object]) -> bool:
        """Take over a saved state; False (and fresh beliefs) when it does not fit."""
        memory = self._memories.get(campaign)
        if memory is None:
            return False
        beliefs, threshold = state.get("beliefs"), state.get("threshold")
        try:
            if state.get("version") != SAVED_VERSION:
                raise ValueError("another version")
            if not (isinstance(beliefs, dict) and isinstance(threshold, dict)):
                raise ValueError("a part of the saved state is missing")
            memory.beliefs.restore(beliefs)
            memory.threshold.restore(threshold)
        except (ValueError, KeyError, TypeError, OverflowError, IndexError):
            memory.beliefs = Beliefs(memory.settings)
            memory.threshold = Threshold(memory.settings.max_theta)
            self.dropped["state"] += 1
            return False
        memory.beliefs.origin = f"warm: what was learnt before the restart, from {memory.beliefs.ring.calls:.0f} dials"
        return True

    def warm(self, campaign: str, past: Iterable[PastCall]) -> str:
        """Learn from the store's history; returns in words what it started from."""
        memory = self._memories[campaign]
        _, dropped = memory.beliefs.warm(past)
        if dropped:
            self.dropped["history"] += dropped
        return memory.beliefs.origin

    def ledger(
        self,
        campaign: str,
        recent: Iterable[tuple[float, bool]],
        hourly: Iterable[tuple[float, int, int]] = (),
        unknown: float = 0.0,
    ) -> None:
        """What the store knows of judged calls: (answered_at, abandoned), and older ones by the hour.

        ``unknown`` counts calls that may have been answered while no dialer ran: as many as answer on average count
        as abandoned.
        """
        memory = self._memories.get(campaign)
        if memory is None:
            return
        memory.ledger.load(recent, hourly)
        memory.ledger.unknown = unknown * memory.beliefs.answer.usual
        memory.counted = False


def _phase_bins(age_s: Array) -> Ints:
    return np.clip(np.searchsorted(EDGES, age_s, side="right") - 1, 0, PHASE_BINS - 1)


def _stack(first: Array, second: Array) -> Array:
    return np.concatenate((first, second)) if len(second) else first
