"""What a campaign makes of what is heard: the rule, step by step."""

from __future__ import annotations

import pytest

from dialer.domain.hearing import (
    GRACE_S,
    Announcement,
    BeepHeard,
    Clock,
    Heard,
    MachinePolicy,
    QuietHeard,
    ScreeningSettings,
    Verdict,
    WordsHeard,
)
from dialer.domain.outcomes import Outcome
from dialer.engine.screening import (
    ANNOUNCED,
    EndMachine,
    Hold,
    Phase,
    PlayMessage,
    Route,
    Screening,
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
    assert one.begin() == Route("no screening", AT)
    assert one.due_at is None and one.phase is Phase.ROUTED
    assert one.heard(machine()) is None
    assert one.verdict == machine()  # written down
    assert one.outcome(True) is None


@pytest.mark.parametrize("policy", [MachinePolicy.HANG_UP, MachinePolicy.MESSAGE])
@pytest.mark.parametrize("verdict", [Verdict.HUMAN, Verdict.UNSURE])
def test_a_person_goes_to_an_agent_within_the_limit_of_the_clock(policy: MachinePolicy, verdict: Verdict) -> None:
    one = screening(policy)
    assert one.begin() is None
    assert one.heard(person(verdict)) == Route(f"{verdict.value}: greeting", AT + 1.0)
    assert one.outcome(True) is None
    strict = screening(policy, Clock.ANSWER)
    strict.begin()
    assert strict.heard(person(verdict)) == Route(f"{verdict.value}: greeting", AT)


def test_without_words_the_clock_starts_at_the_answer() -> None:
    one = screening(MachinePolicy.HANG_UP)
    one.begin()
    step = one.heard(person(Verdict.UNSURE, None))
    assert isinstance(step, Route) and step.clock_at == AT


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


@pytest.mark.parametrize("clock", list(Clock))
def test_a_verdict_that_does_not_come_means_a_person_in_time(clock: Clock) -> None:
    one = screening(MachinePolicy.HANG_UP, clock)
    one.begin()
    assert one.due_at == pytest.approx(AT + 1.6)
    assert one.due(AT + 1.59) is None
    step = one.due(AT + 1.6)
    assert isinstance(step, Route) and step.reason.startswith("unsure: no verdict") and step.clock_at == AT
    assert one.heard(machine(AT + 9)) is None  # too late: an agent is on the line
    assert one.due(AT + 99) is None


def test_who_speaks_still_has_not_ended_their_greeting() -> None:
    one = screening(MachinePolicy.HANG_UP)
    one.begin()
    one.words(WordsHeard("leg", AT + 1.2))
    assert one.due_at == pytest.approx(AT + 2.8)
    one.words(WordsHeard("leg", AT + 3.2))
    assert one.due_at == pytest.approx(AT + 4.0 + GRACE_S)  # the time bound
    step = one.due(AT + 4.25)
    assert isinstance(step, Route) and step.clock_at == AT + 3.2
    one.words(WordsHeard("leg", AT + 5.0))
    assert one.due_at is None
    strict = screening(MachinePolicy.HANG_UP, Clock.ANSWER)
    strict.begin()
    strict.words(WordsHeard("leg", AT + 1.2))
    assert strict.due_at == pytest.approx(AT + 1.6) and strict.clock_at == AT


def test_words_before_are_nothing_when_the_verdict_says_when_the_greeting_ended() -> None:
    one = screening(MachinePolicy.HANG_UP)
    one.begin()
    one.words(WordsHeard("leg", AT + 1.2))
    assert one.heard(person(Verdict.HUMAN, AT + 0.9)) == Route("human: greeting", AT + 0.9)


def test_nobody_listens() -> None:
    one = screening(MachinePolicy.MESSAGE)
    one.begin()
    assert one.unheard("the switch records nothing") == Route("unsure: the switch records nothing", AT)
    assert one.unheard("again") is None


def test_margins_that_leave_no_time_are_refused() -> None:
    with pytest.raises(ValueError):
        ScreeningSettings(limit_s=0.2)


def test_announcements_become_outcomes_and_unknown_ones_none() -> None:
    assert ANNOUNCED[Announcement.DEAD_NUMBER] is Outcome.DEAD_NUMBER
    assert set(Announcement) - set(ANNOUNCED) == {Announcement.UNKNOWN}
