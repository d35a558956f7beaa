"""Views of a pool for people, metrics and the published rules: counts, and all that a decision stood on.

Owns shapes only; changes nothing but what is due to be counted anew.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from pacing.abandonment import Budget
from pacing.board import Phase
from pacing.memory import Memory, PoolState
from pacing.snapshot import Counts

DAY_S = 86_400.0


def counts(state: PoolState, campaign: str, now: float) -> Counts:
    """The campaign in numbers, over all switches."""
    memory = state.memories[campaign]
    phases: Counter[int] = Counter()
    for board in state.agents.values():
        values, numbers = np.unique(board.phase[board.of(campaign)], return_counts=True)
        for value, number in zip(values, numbers, strict=True):
            phases[int(value)] += int(number)
    answered, abandoned = memory.ledger.since(now // DAY_S * DAY_S)
    screened = sum(n for (_, name), n in state.screened.items() if name == campaign)
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
        waiting=sum(n for (_, name), n in state.waiting.items() if name == campaign),
        ringing=sum(len(r) for (_, name), r in state.rings.items() if name == campaign) + screened,
        in_existence=memory.alive,
        dialed=memory.dialed,
        answered_today=answered,
        abandoned_today=abandoned,
        answer_probability=p,
        ring_mean_s=beliefs.ring.mean_life_s(p),
        hold_mean_s=beliefs.hold.talk.mean_s + beliefs.hold.wrap.mean_s,
        closing_at=memory.closing_at,
    )


def explain(state: PoolState, campaign: str, now: float) -> dict[str, object]:
    """What the last decision stood on, for people: JSON-able."""
    memory = state.memories[campaign]
    numbers = counts(state, campaign, now)
    return {
        "campaign": campaign,
        "decision": {"lines": memory.decision.lines, "reason": memory.decision.reason} | dict(memory.last),
        "theta": memory.threshold.theta(memory.target, memory.ease),
        "theta_uneased": memory.threshold.theta(memory.target, 1.0),
        "theta_factor": memory.threshold.factor,
        "target": memory.target,
        "ease": memory.ease,
        "agents": {
            "ready": numbers.ready,
            "talking": numbers.talking,
            "wrap": numbers.wrap,
            "reserved": numbers.reserved,
            "away": numbers.away,
        },
        "calls": {"ringing": numbers.ringing, "waiting": numbers.waiting, "all": numbers.in_existence},
        "learnt": _learnt(memory, numbers),
        "windows": [_window(budget) for budget in memory.budgets],
        "hung_up_ringing": memory.cuts,
        "hung_up_share": memory.cut_share,
        "dialed": memory.dialed,
        "machines_taken_out": memory.ledger.machines,
        "unknown": memory.ledger.unknown,
        "dropped": dict(state.dropped),
    }


def _learnt(memory: Memory, numbers: Counts) -> dict[str, object]:
    beliefs, answer = memory.beliefs, memory.beliefs.answer
    low, high = answer.low_high()
    return {
        "origin": beliefs.origin,
        "dials": beliefs.ring.calls,
        "answer_probability": numbers.answer_probability,
        "answer_probability_low": low,
        "answer_probability_high": high,
        "newest_dials_doubt_z": answer.doubt,
        "changes_found": answer.changes_found,
        "last_changes": [
            {"at": c.at, "z": c.z, "dials": c.calls, "before": c.before, "after": c.after} for c in answer.changes[-3:]
        ],
        "time_to_answer_s": beliefs.ring.mean_answer_s,
        "ring_life_s": numbers.ring_mean_s,
        "talk_s": beliefs.hold.talk.mean_s,
        "wrap_s": beliefs.hold.wrap.mean_s,
        "talks": beliefs.hold.talk.phases,
        "effects": [{"name": name, "logit": effect, "se": se} for name, effect, se in list(answer.effects())[:12]],
    }


def _window(budget: Budget) -> dict[str, object]:
    return {
        "window": budget.window.name,
        "limit": budget.window.limit,
        "since": budget.start,
        "answered": budget.answered,
        "abandoned": budget.abandoned,
        "rate": budget.rate,
        "projected": budget.projected,
        "left": budget.left,
        "target": budget.target,
        "ease": budget.ease,
    }
