"""Whatever supervisors, agents and their phones do at once: every leg is known, and in the end nobody is stuck."""

from __future__ import annotations

import random
import sys
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from office import Office

from dialer.domain import events as ev
from dialer.domain import phones as ph

ACTS = ("listen", "whisper", "barge", "takeover", "takeover", "next", "previous", "leave", "hangup", "answer_help")
AGENT_ACTS = ("help", "help", "hold", "mask", "hang_up", "ready", "pause")
CAUSES = ("NORMAL_CLEARING", "MEDIA_TIMEOUT", "NO_ANSWER")


def wild(seed: int) -> Office:
    """A minute of it."""
    rng = random.Random(seed)
    f = Office(3, sits=("b2",) if seed % 2 else (), entry_limit_s=8.0)
    f.lag = lambda: rng.choice((0.0, 0.0, 0.01, 0.08))
    for _ in range(rng.randrange(10, 60)):
        alive = [u for u, leg in f.legs.items() if leg.state != "dead"]
        boss, agent = rng.choice(("b1", "b2", "b3")), rng.choice(("a1", "a2", "a3", "b2", ""))
        match rng.randrange(9):
            case 0 | 1 | 2:
                f.send(ph.SupervisorAct(1, boss, rng.choice(ACTS), agent))
            case 3:
                f.send(ph.AgentAct(1, agent or "a1", rng.choice(AGENT_ACTS)))
            case 4 | 5:
                ringing = [u for u in alive if f.legs[u].state == "ringing"]
                if ringing:
                    f.soon(partial(f.pick_up, rng.choice(ringing)))
            case 6:
                watched = [*f.live.watches, *alive[-2:]]
                if watched:
                    uuid = rng.choice(watched)
                    if f.legs.get(uuid) and f.legs[uuid].state not in ("dead", "ringing"):
                        f.key(uuid, *rng.choice(("*", "1", "2", "8", "9", "4", "5", "*#", "77#")))
            case 7:
                if alive and rng.random() < 0.5:
                    f.die(f.legs[rng.choice(alive)], rng.choice(CAUSES))
                    f.settle()
            case 8:
                f.send(ev.SwitchDown("fs1", "gone")) if rng.random() < 0.2 else None
                f.send(ev.SwitchUp("fs1"))
        f.step(rng.choice((0.0, 0.01, 0.05, 0.3, 2.0, 8.0)))
    return f


@pytest.mark.parametrize("seed", range(60))
def test_nobody_is_stuck(seed: int) -> None:
    f = wild(seed)
    f.lag = lambda: 0.0
    f.live.campaigns["c1"].state = type(f.live.campaigns["c1"].state).STOPPED
    f.step(3)
    f.accounted()
    for _ in range(4):
        for uuid in [*f.live.calls]:
            f.dies(uuid) if uuid in f.legs else None
        for uuid in [u for u in f.live.watches if f.legs[u].state != "ringing"]:
            f.key(uuid, "*")
        f.step(60)
    assert not f.live.watches and not f.live.helps and not f.live.calls and not f.live.recordings
    f.accounted()
    for agent in f.live.agents.values():
        assert agent.state.value in ("ready", "paused", "logged_out"), agent.state
        assert agent.leg is None or agent.line.value == "parked", (agent.settings.agent, agent.line)
        assert agent.reason != "supervising" or agent.state.value != "paused"
