"""Before a window bears a risk, whatever is in flight: beyond one call for each free agent only what is safe starts.

The chance is computed here one Bernoulli variable after the other, with the answer rate as high as is feared: two
standard errors up, and up to three and a half while little is known.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from pacing_kit import DAY, Array, Desk, desk, memory, nobody, ring

from pacing.answer import LEVEL_SD
from pacing.board import Phase
from pacing.deciding import SAFE_THETA
from pacing.leads import UNKNOWN_LEAD
from pacing.pool import Ending
from pacing.race import EXACT_UP_TO

APPROXIMATE = 5e-4
"""What the approximation may be wrong by in this tail."""


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def learnt(d: Desk, dials: int, p: float, rng: random.Random) -> None:
    """Dials of the past, all settled."""
    began = d.now
    for _ in range(dials):
        d.now = began
        call = d.dial()
        age, answered = ring(rng, p)
        d.step(age)
        if answered:
            d.answer(call)
        d.end(call, Ending.OVER if answered else Ending.NO_ANSWER)
    d.now = began
    d.step(200.0).one(room=0)


def floor(agents: int, busy: int, ringing: int, waiting: int, rng: random.Random) -> tuple[Desk, float]:
    d = desk(agents, windows=(DAY,))
    learnt(d, rng.choice((0, 0, 30, 100, 400, 2000)), rng.choice((0.1, 0.3, 0.6)), rng)
    d.judge(rng.randrange(33), 0)
    began = d.now
    events = [(began + rng.uniform(0, 180), "talk", n) for n in range(1, busy + 1)]
    events += [(began + 180 + rng.uniform(0, 20), "dial", n) for n in range(ringing)]
    events += [(began + 200, "wait", n) for n in range(waiting)]
    for d.now, what, number in sorted(events):
        if what == "talk":
            d.connect(d.dial(), f"a{number}")
            if number % 4 == 0:
                d.agent(f"a{number}", Phase.WRAP)
        elif what == "dial":
            d.dial()
        else:
            d.answer(d.dial())
    d.now = began + 200.0
    return d, d.now


sizes = st.one_of(st.integers(3, 30), st.integers(30, 140))


@settings(max_examples=120, deadline=None)
@given(sizes, st.floats(0, 1), st.floats(0, 1.5), st.integers(0, 3), st.integers(0, 10**6))
def test_no_call_starts_beyond_one_to_one_unless_it_is_safe(
    agents: int, busy_share: float, ringing_share: float, waiting: int, seed: int
) -> None:
    busy = int(busy_share * agents)
    d, now = floor(agents, busy, int(ringing_share * (agents - busy)), waiting, random.Random(seed))
    made = d.one(room=200, leads=64)
    assert memory(d).ease == 0.0
    pool, answer, shape = d.pool._state, memory(d).beliefs.answer, memory(d).beliefs.ring
    board, rings = pool.agents["n1"], pool.ringing("n1", "c1")
    lead = int(np.count_nonzero(board.phase == int(Phase.IDLE))) - waiting
    sure = max(0, lead - len(rings))
    event("beyond" if made.lines > sure else "one to one")
    if made.lines <= sure:
        return
    kept = np.array([call not in made.hang_up for call in rings.ids], dtype=np.bool_)
    feared = answer.level + answer.shift + (2.0 + 1.5 * answer.level_sd / LEVEL_SD) * answer.level_sd
    high = sigmoid(feared + rings.score)
    bins = (np.maximum(now - rings.launched, 0.0) / 0.5).astype(np.int64)
    bins = np.minimum(bins, len(shape.by_horizon) - 1)
    will, wont = high * shape.to_answer[bins], (1.0 - high) * shape.to_end[bins]
    calls = (will / (will + wont))[:, None] * shape.by_horizon[bins]
    new = sigmoid(feared + np.full(made.lines - 1, answer.score(UNKNOWN_LEAD)))
    others = new[:, None] * shape.fresh[None, :]
    freeing = d.pool._decider._busy(now, board, memory(d), board.of("c1"))
    chance = float(nobody(lead, freeing, np.concatenate((calls[kept], others))).mean())
    exact = len(freeing) + len(rings) <= EXACT_UP_TO
    event("exact" if exact else "approximate")
    assert chance <= SAFE_THETA + (1e-6 if exact else APPROXIMATE)
