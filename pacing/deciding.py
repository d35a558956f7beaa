"""The pool's decisions: gathers what one moment holds for a campaign, asks the predictive rule, says why in words.

Owns when learnt tables and budgets are brought up to date, how campaigns that share agents see each other's calls,
and the reason's sentence. The rule is ``pacing.predictive``'s. Must not learn and must not change what is in flight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pacing.beliefs import Beliefs
from pacing.board import Agents, Bools, Ints, Phase
from pacing.hold import EDGES, PHASE_BINS, PRIOR_PHASES
from pacing.memory import Memory, PoolState
from pacing.predictive import Plan, View, decision, plan
from pacing.race import Race
from pacing.ring import BIN_S, BINS, Array
from pacing.snapshot import Ask, Decision
from pacing.sparing import Rest

SAFE_THETA = 0.001
"""Without any budget, calls start for free agents 1:1, and beyond that only where even an answer rate as high as may be
feared (``AnswerModel.feared``) leaves no more than this chance that the call finds nobody."""
WATCH_EVERY_S = 0.4
IDLE, RESERVED, TALKING, WRAP, LEAVING, AWAY = (int(phase) for phase in Phase)
BUDGET_EVERY_S = 1.0
A_TENTH = 0.1
"""Fewer callers to come are not told of."""
BUSY_SHARE = 0.9
"""How much of the agents' time customers will take, for the answers that a budget still expects."""


class Decider:
    """Decides for the campaigns of a pool."""

    def __init__(self, state: PoolState) -> None:
        self.state = state

    # ---- decisions -----------------------------------------------------------------------------------------

    def decide(self, now: float, node: str, asks: Sequence[Ask]) -> dict[str, Decision]:
        """What each of these campaigns should do on ``node`` now.

        Campaigns that share agents see each other's calls; the one that has had least of its weight chooses first.
        """
        out: dict[str, Decision] = {}
        board = self.state.agents.get(node)
        order = sorted(asks, key=lambda ask: self._share_had(ask.campaign, now))
        for ask in order:
            memory = self.state.memories.get(ask.campaign)
            if memory is None:
                out[ask.campaign] = Decision(0, "start 0: pacing does not know this campaign")
                continue
            decided = self._decide(now, node, board, memory, ask, started=out)
            memory.decision = out[ask.campaign] = decided
        return out

    def _share_had(self, campaign: str, now: float) -> float:
        memory = self.state.memories.get(campaign)
        return 0.0 if memory is None else memory.had(now) / max(memory.settings.weight, 1e-6)

    def _decide(
        self, now: float, node: str, board: Agents | None, memory: Memory, ask: Ask, started: dict[str, Decision]
    ) -> Decision:
        settings = memory.settings
        rings = self.state.ringing(node, settings.campaign)
        waiting = self.state.waiting[node, settings.campaign]
        screened = self.state.screened[node, settings.campaign]
        if board is None:
            return Decision(0, "start 0: no agent has logged in here")
        mine = board.of(settings.campaign)
        phases = board.phase[mine]
        here = int(np.count_nonzero(phases < AWAY))
        idle = int(np.count_nonzero(phases == IDLE))
        self.refresh(now, memory.settings.campaign, node)
        others_waiting, others_rings, to_come = self._others(now, node, board, memory, mine, started)
        lead = idle - waiting - others_waiting
        if here < settings.min_agents:
            why = f"{here} agents are fewer than min_agents {settings.min_agents}, so one call for each free agent"
            return self._one_to_one(memory, ask, lead, len(rings) + screened + others_rings[0], why)
        if memory.sparing.on:
            why = f"{memory.sparing.words()}, so one call for each free agent, and no ring is hung up"
            return self._one_to_one(memory, ask, lead, len(rings) + screened + others_rings[0], why)
        busy = self._busy(now, board, memory, mine)
        answer = memory.beliefs.answer
        # Without a budget the answer rate is taken for as high as it may be.
        feared = 0.0 if memory.ease > 0.0 else answer.feared
        calls = _ring_chances(now - rings.launched, rings.score, memory.beliefs, memory.beliefs.ring.by_horizon, feared)
        if screened:
            calls = _stack(calls, np.full((screened, calls.shape[1]), memory.person_share))
        p = answer.usual
        race = Race(lead, busy, _stack(calls, others_rings[1]), answer.level_sd * (1.0 - p))
        theta = memory.threshold.theta(memory.target, memory.ease) or min(SAFE_THETA, settings.max_theta)
        spare = lead - len(rings) - screened - math.ceil(others_rings[0])
        age = now - rings.rang
        overdue = np.nonzero(age >= settings.min_ring_s)[0]
        overdue = overdue[np.argsort(-age[overdue], kind="stable")]
        may_cut = int(settings.hang_up_share * memory.recent_dials - memory.recent_cuts)
        if memory.ease == 0.0:  # one call for each free agent: a ring that has its agent is in nobody's way
            may_cut = min(may_cut, -spare)
        ring = memory.beliefs.ring
        view = View(
            theta=theta,
            room=ask.room,
            chances=lambda: np.array([answer.chance(answer.score(facts) + feared) for facts in ask.leads]),
            horizons=ring.horizons,
            fresh=ring.fresh,
            rings=calls,
            overdue=tuple(int(i) for i in overdue[:8]),
            may_cut=max(0, may_cut),
            hang_up_over=settings.hang_up_over,
            sure=max(0, spare),
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
            "screened": screened,
            "to_come": to_come,
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

    def _one_to_one(self, memory: Memory, ask: Ask, lead: int, ringing: float, why: str) -> Decision:
        lines = max(0, min(lead - math.ceil(ringing), ask.room, len(ask.leads)))
        memory.last = {"idle": lead, "p_next": 0.0, "theta": 0.0}
        told = f"start {lines}: {why}: {max(lead, 0)} free, {ringing:.0f} ringing"
        return Decision(lines, told, (), tuple(range(lines)))

    def _reason(self, memory: Memory, made: Plan, ask: Ask) -> str:
        last = memory.last
        tight = min(memory.budgets, key=lambda b: (b.ease, b.target), default=None)
        budget = ""
        if tight is not None:
            allowed = tight.window.limit * tight.answered
            budget = f", {tight.window.name} budget {tight.left:.1f} of {allowed:.1f} left"
            if memory.ease < 1.0:
                budget += f", risks eased to {memory.ease:.0%}"
        screened = f"and {last['screened']:.0f} screened " if last["screened"] else ""
        screened += f"and {last['to_come']:.1f} callers to come " if last["to_come"] >= A_TENTH else ""
        words = (
            f"start {len(made.picks)}: {last['idle']:.0f} ready and {last['to_free']:.1f} freeing within "
            f"{last['horizon_s']:.0f} s, {last['waiting']:.0f} waiting, {last['ringing']:.0f} ringing "
            f"{screened}expected to give {last['to_answer']:.1f} answers, P(next finds nobody) {made.p_next:.3f} "
        )
        if memory.ease > 0.0:
            words += f"{'≤' if made.p_next <= last['theta'] else '>'} θ {last['theta']:.3f}{budget}"
        elif tight is not None:
            words += f"(at most {last['theta']:g}, or one call for each free agent: {tight.window.name} window "
            words += f"bears no risk with {tight.abandoned:.1f} of {tight.answered:.0f} answers abandoned)"
        if made.cuts:
            words += f"; hang up {len(made.cuts)} overdue: P(the next answers find nobody) {made.p_near:.2f}"
        if made.picks and len(made.picks) == len(ask.leads) < ask.room:
            words += "; the hopper gives no more"
        elif made.picks and len(made.picks) == ask.room:
            words += f"; no room for more ({ask.limited_by})" if ask.limited_by else "; no room for more"
        return words

    # ---- what a decision looks at --------------------------------------------------------------------------

    def refresh(self, now: float, name: str, node: str) -> None:
        """Bring tables, the answer model and the budgets of a campaign up to date, as far as they are due."""
        memory = self.state.memories[name]
        beliefs, board = memory.beliefs, self.state.agents.get(node)
        if board is not None and beliefs.stale(now):
            number = self.state.numbers[name]
            ours = board.campaign == number
            rings = self.state.ringing(node, name)
            beliefs.rebuild(
                now,
                np.maximum(now - rings.launched, 0.0),
                np.maximum(now - board.since[ours & (board.phase == TALKING)], 0.0),
                np.maximum(now - board.since[ours & (board.phase == WRAP)], 0.0),
            )
        if not 0.0 <= now - memory.watched_at < WATCH_EVERY_S:
            memory.watched_at = now
            beliefs.answer.watch(now, beliefs.ring)
        self.count(now, memory.settings.campaign)

    def count(self, now: float, campaign: str) -> None:
        """Bring the budgets of a campaign up to date, when something was judged or a second went by."""
        memory = self.state.memories[campaign]
        if memory.counted and 0.0 <= now - memory.budgeted_at < BUDGET_EVERY_S:
            return
        here = sum(
            int(np.count_nonzero(board.phase[board.of(campaign)] < AWAY)) for board in self.state.agents.values()
        )
        ringing = sum(len(rings) for (_, name), rings in self.state.rings.items() if name == campaign)
        screened = sum(n for (_, name), n in self.state.screened.items() if name == campaign)
        hold_s = max(memory.beliefs.hold.talk.mean_s + memory.beliefs.hold.wrap.mean_s, 1.0)
        memory.ledger.forget(now)
        memory.budgets = memory.ledger.budgets(
            now,
            answers_per_s=BUSY_SHARE * here / hold_s,
            in_flight=ringing * memory.beliefs.answer.usual + screened * memory.person_share,
            aim=memory.settings.aim,
            ends_at=memory.closing_at,
            most=memory.leads_left * memory.beliefs.answer.usual,
        )
        memory.target = min((b.target for b in memory.budgets), default=memory.settings.max_theta)
        memory.ease = min((b.ease for b in memory.budgets), default=1.0)
        memory.counted, memory.budgeted_at = True, now
        if memory.settings.spare_list and (memory.sparing.on or math.isfinite(memory.dials_left)):
            memory.sparing.look(now, self._rest(now, campaign, memory, hold_s))

    def _rest(self, now: float, campaign: str, memory: Memory, hold_s: float) -> Rest:
        beliefs, answer = memory.beliefs, memory.beliefs.answer
        p = answer.settled
        # Talks differ by about their mean, so after n of them the mean is uncertain by 1 ÷ √n of itself.
        talks = beliefs.hold.talk.phases + PRIOR_PHASES
        return Rest(
            dials=memory.dials_left,
            left_s=memory.closing_at - now,
            agents=self._alone(campaign),
            ring_s=beliefs.ring.mean_life_s(p),
            chance=p,
            hold_s=hold_s,
            doubt=math.hypot((1.0 - p) * answer.level_sd, 1.0 / math.sqrt(talks)),
        )

    def _alone(self, campaign: str) -> int:
        """Agents at work who serve no other campaign: the others' time is of use after the list's end, too."""
        count = 0
        for board in self.state.agents.values():
            alone = board.of(campaign) & (board.phase < LEAVING)
            for name, serves in board.members.items():
                if name != campaign:
                    alone &= ~serves
            count += int(np.count_nonzero(alone))
        return count

    def _busy(self, now: float, board: Agents, memory: Memory, mine: Bools) -> Array:
        talking = mine & ((board.phase == TALKING) | (board.phase == RESERVED))
        wrapping = mine & (board.phase == WRAP)
        own = self.state.numbers[memory.settings.campaign]
        parts = []
        whose = board.campaign[talking | wrapping]
        same = len(whose) == 0 or bool((whose == whose[0]).all())
        for number in whose[:1] if same else np.unique(whose):
            talk_free, wrap_free = self._tables(memory, own if number < 0 else int(number))
            ours = board.campaign == number
            at = talking & ours
            age = np.where(board.phase[at] == RESERVED, 0.0, now - board.since[at])
            parts.append(talk_free[board.speed[at], _phase_bins(age)])
            at = wrapping & ours
            parts.append(wrap_free[_phase_bins(now - board.since[at])])
        return np.concatenate(parts) if parts else np.zeros((0, len(memory.beliefs.ring.horizons)))

    def _tables(self, memory: Memory, number: int) -> tuple[Array, Array]:
        """Chances to be free at this campaign's horizons for agents who serve customers of campaign ``number``."""
        own = self.state.numbers[memory.settings.campaign]
        if number == own:
            return memory.beliefs.talk_free, memory.beliefs.wrap_free
        name = next(n for n, i in self.state.numbers.items() if i == number)
        other = self.state.memories[name].beliefs
        key = (memory.settings.campaign, name)
        known = self.state.cross.get(key)
        stamp = memory.beliefs.built_at + other.built_at
        if known is None or known[0] != stamp:
            known = (stamp, *other.hold.free_tables(memory.beliefs.within))
            self.state.cross[key] = known
        return known[1], known[2]

    def _ring_table(self, memory: Memory, name: str) -> Array:
        """By ring age and this campaign's horizon: how soon those who will answer ``name``'s calls do."""
        other, horizons = self.state.memories[name].beliefs.ring, memory.beliefs.ring.horizons
        key = (memory.settings.campaign, name)
        known = self.state.cross_rings.get(key)
        if known is None or known[0] is not other.answered_by or known[1] is not horizons:
            known = self.state.cross_rings[key] = (other.answered_by, horizons, other.within(horizons))
        return known[2]

    def _others(
        self, now: float, node: str, board: Agents, memory: Memory, mine: Bools, started: dict[str, Decision]
    ) -> tuple[int, tuple[float, Array], float]:
        """What the other campaigns will take of this one's agents: waiting customers, ringing calls thinned by the
        part of their agents that is shared (calls that this round has just decided on are in flight already), and
        callers who are still to come within the last horizon, who are among the rows."""
        waiting, count, coming, parts = 0.0, 0.0, 0.0, []
        for (at, name), rings in self.state.rings.items():
            if at != node or name == memory.settings.campaign:
                continue
            lines = started[name].lines if name in started else 0
            screened = self.state.screened[node, name]
            horizons = memory.beliefs.ring.horizons
            to_come = self.state.memories[name].callers.expected(now, horizons)
            waits = self.state.waiting[node, name]
            if not len(rings) and not lines and not screened and not waits and not len(to_come):
                continue
            theirs = board.of(name) & (board.phase < AWAY)
            total = int(np.count_nonzero(theirs))
            share = float(np.count_nonzero(theirs & mine)) / total if total else 0.0
            if share <= 0.0:
                continue
            other = self.state.memories[name].beliefs
            waiting += share * waits
            count += share * (len(rings) + lines + screened)
            ages = np.concatenate((now - rings.launched, np.zeros(lines)))
            scores = np.concatenate((rings.score, np.zeros(lines)))
            feared = 0.0 if memory.ease > 0.0 else other.answer.feared
            parts.append(share * _ring_chances(ages, scores, other, self._ring_table(memory, name), feared))
            if screened:
                persons = self.state.memories[name].person_share
                parts.append(np.full((screened, len(horizons)), share * persons))
            if len(to_come):
                parts.append(share * to_come)
                coming += float(parts[-1][:, -1].sum())
        rows = np.concatenate(parts) if parts else np.zeros((0, len(memory.beliefs.ring.horizons)))
        return math.ceil(waiting - 1e-9), (count, rows), coming


def _ring_chances(age_s: Array, score: Array, beliefs: Beliefs, table: Array, feared: float) -> Array:
    """(calls, horizons): P(answered by then) of calls that have rung so long; ``table`` as ``RingShape.within``."""
    bins = np.minimum((np.maximum(age_s, 0.0) / BIN_S).astype(np.int64), BINS - 1)
    p = beliefs.answer.chances(score, feared)
    chances: Array = beliefs.ring.posterior(bins, p)[:, None] * table[bins]
    return chances


def _phase_bins(age_s: Array) -> Ints:
    return np.minimum(np.searchsorted(EDGES, np.maximum(age_s, 0.0), side="right") - 1, PHASE_BINS - 1)


def _stack(first: Array, second: Array) -> Array:
    return np.concatenate((first, second)) if len(second) else first
