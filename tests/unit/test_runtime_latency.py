"""What the running service measures of the way from a customer to an agent."""

from __future__ import annotations

from engine_kit import START, campaign, settings

from dialer.domain import commands as cmd
from dialer.domain.agentless import ASKED
from dialer.domain.outcomes import Outcome
from dialer.engine.core import Engine
from dialer.runtime import Runtime


def closed(attempt: str, bridged_at: float | None) -> cmd.CloseAttempt:
    return cmd.CloseAttempt(
        attempt, 1, 1, Outcome.CONNECTED, "", START + 60.0, answered_at=START, bridged_at=bridged_at, agent="a1"
    )


def made() -> tuple[Runtime, list[cmd.StoreCommand]]:
    stored: list[cmd.StoreCommand] = []
    return Runtime(Engine(settings(campaign()), START, lambda: "id"), lambda: START, stored.append), stored


def test_the_way_to_the_agent_begins_at_the_answer() -> None:
    runtime, stored = made()
    runtime._carry_out([closed("one", START + 0.05), closed("never", None)])
    view = runtime.answer_to_bridge.view()
    assert (view.count, round(view.total_ms)) == (1, 50)
    assert len(stored) == 2


def test_who_listened_before_asking_for_an_agent_is_measured_from_the_key() -> None:
    """Twelve seconds of a message are no slow bridge."""
    runtime, stored = made()
    runtime._carry_out([cmd.NoteHeard("one", ASKED, "pressed 1", START + 12.0), closed("one", START + 12.05)])
    runtime._carry_out([cmd.NoteHeard("two", "person", "a short greeting")])
    runtime._carry_out([closed("two", START + 0.05)])
    view = runtime.answer_to_bridge.view()
    assert (view.count, round(view.total_ms)) == (2, 100)
    assert len(stored) == 4
    assert not runtime._clocks
