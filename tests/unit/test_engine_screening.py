"""What a campaign makes of what is heard: the rule, step by step."""

from __future__ import annotations

import pytest

from dialer.domain.hearing import Announcement, BeepHeard, Heard, MachinePolicy, QuietHeard, Verdict
from dialer.domain.outcomes import Outcome
from dialer.engine.screening import (
    ANNOUNCED,
    GRACE_S,
    Clock,
    EndMachine,
    Hold,
    Phase,
    PlayMessage,
    Route,
    Screening,
    ScreeningSettings,
)

AT = 100.0


def screening(policy: MachinePolicy, clock: Clock = Clock.GREETING_END) -> Screening:
    return Screening(ScreeningSettings(policy, clock), AT)


def machine(at: float = AT + 3.0) -> Heard:
    return Heard("leg", Verdict.MACHINE, "machine: greeting 2.8 s", at)


def person(verdict: Verdict = Verdict.HUMAN, end: float | None = AT + 1.0) -> Heard:
    return Heard("leg", verdict, f"{verdict.value}: greeting", AT + 1.4, end)


@pytest.mark.parametrize("policy", [MachinePolicy.OFF, MachinePolicy.AGENT])
def test_without_screening_the_customer_goes_to_an_agent_at_once(policy: MachinePolicy) -> None:
    one = screening(policy)
    assert one.begin() == Route("no screening", AT + 2.0)
    assert one.due_at is None and one.phase is Phase.ROUTED
    assert one.heard(machine()) is None
    assert one.verdict == machine()  # written down
    assert one.outcome(True) is None
    assert ScreeningSettings(policy).wait_s == 2.0


@pytest.mark.parametrize("policy", [MachinePolicy.HANG_UP, MachinePolicy.MESSAGE])
@pytest.mark.parametrize("verdict", [Verdict.HUMAN, Verdict.UNSURE])
def test_a_person_goes_to_an_agent_within_the_limit_of_the_clock(policy: MachinePolicy, verdict: Verdict) -> None:
    one = screening(policy)
    assert one.begin() is None
    assert one.heard(person(verdict)) == Route(f"{verdict.value}: greeting", AT + 3.0, renew=True)
    assert one.outcome(True) is None
    strict = screening(policy, Clock.ANSWER)
    strict.begin()
    assert strict.heard(person(verdict)) == Route(f"{verdict.value}: greeting", AT + 2.0)


def test_without_words_the_clock_starts_at_the_answer() -> None:
    one = screening(MachinePolicy.HANG_UP)
    one.begin()
    step = one.heard(person(Verdict.UNSURE, None))
    assert isinstance(step, Route) and step.limit_at == AT + 2.0


def test_a_machine_is_hung_up() -> None:
    one = screening(MachinePolicy.HANG_UP)
    one.begin()
    assert one.heard(machine()) == EndMachine("machine: greeting 2.8 s")
    assert one.outcome(True) is Outcome.MACHINE
    assert one.beep(BeepHeard("leg", AT + 9)) is None


@pytest.mark.parametrize("how", ["beep", "quiet"])
def test_a_machine_is_left_the_message(how: str) -> None:
    one = screening(MachinePolicy.MESSAGE)
    one.begin()
    assert one.heard(machine()) == Hold("machine: greeting 2.8 s", AT + 48.0)
    assert one.outcome(False) is Outcome.MACHINE
    step = one.beep(BeepHeard("leg", AT + 9, "b")) if how == "beep" else one.quiet(QuietHeard("leg", AT + 9, "b"))
    assert step == PlayMessage("b")
    assert one.beep(BeepHeard("leg", AT + 10)) is None
    assert one.outcome(True) is Outcome.MESSAGE_PLAYED
    assert one.outcome(False) is Outcome.MACHINE  # hung up within the message


def test_quiet_alone_may_not_be_enough() -> None:
    one = Screening(ScreeningSettings(MachinePolicy.MESSAGE, message_after_quiet=False), AT)
    one.begin()
    one.heard(machine(AT + 1.0))
    assert one.quiet(QuietHeard("leg", AT + 9)) is None
    assert one.phase is Phase.HOLDING


def test_a_machine_without_an_end_is_hung_up() -> None:
    one = screening(MachinePolicy.MESSAGE)
    one.begin()
    one.heard(machine())
    assert one.due_at == AT + 48.0
    assert one.due(AT + 47.9) is None
    assert one.due(AT + 48.0) == EndMachine("machine: no beep within 45 s")


@pytest.mark.parametrize(("clock", "due"), [(Clock.GREETING_END, 4.0 + GRACE_S), (Clock.ANSWER, 1.8)])
def test_a_verdict_that_does_not_come_means_a_person(clock: Clock, due: float) -> None:
    one = screening(MachinePolicy.HANG_UP, clock)
    one.begin()
    assert one.due_at == pytest.approx(AT + due)
    assert one.due(AT + due - 0.01) is None
    step = one.due(AT + due)
    assert isinstance(step, Route) and step.reason.startswith("unsure: no verdict")
    assert one.heard(machine(AT + 9)) is None  # too late: an agent is on the line
    assert one.due(AT + 99) is None


def test_the_fail_safe_waits_as_long_as_the_verdict_may_take() -> None:
    assert ScreeningSettings(MachinePolicy.HANG_UP, Clock.GREETING_END).wait_s == 4.0 + GRACE_S + 2.0
    assert ScreeningSettings(MachinePolicy.HANG_UP, Clock.ANSWER).wait_s == 2.0


def test_margins_that_leave_no_time_are_refused() -> None:
    with pytest.raises(ValueError):
        ScreeningSettings(limit_s=0.2)


def test_announcements_become_outcomes_and_unknown_ones_none() -> None:
    assert ANNOUNCED[Announcement.DEAD_NUMBER] is Outcome.DEAD_NUMBER
    assert set(Announcement) - set(ANNOUNCED) == {Announcement.UNKNOWN}
