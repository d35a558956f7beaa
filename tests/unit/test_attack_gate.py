"""A call is only dialed on a fresh word of the gate, whatever held its answer up."""

from __future__ import annotations

import pytest
from engine_kit import Floor, agents, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev


@pytest.mark.parametrize(("late_s", "dialed"), [(29.0, True), (31.0, False), (3600.0, False)])
def test_a_gates_yes_that_comes_too_late_is_not_dialed(late_s: float, dialed: bool) -> None:
    f = Floor(settings(people=agents(1)), gate=False).up()
    asked = one(f.log, cmd.OpenAttempt)
    f.now += late_s
    out = f.send(ev.AttemptOpened(asked.attempt_id))
    if dialed:
        assert one(out, cmd.OriginateCall).uuid == asked.attempt_id
        return
    none(out, cmd.OriginateCall)
    assert f.outcome(asked.attempt_id) == "interrupted"
    assert asked.attempt_id not in f.live.calls


def test_nothing_that_the_gate_did_not_open_is_ever_dialed() -> None:
    f = Floor(settings(people=agents(1)), gate=False).up()
    asked = one(f.log, cmd.OpenAttempt)
    f.send(ev.AttemptOpened("never-asked"), ev.AttemptRefused(asked.attempt_id, "dnc", "on the list"))
    none(f.send(ev.AttemptOpened(asked.attempt_id)), cmd.OriginateCall)
