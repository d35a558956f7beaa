"""What agents do, asked by API: the same acts as by key, refused in words, and each when it is possible only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from engine_kit import campaign as plain
from engine_kit import none, one
from phones_kit import PhoneFloor

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import ACTS, When
from dialer.domain.desk_records import RequestCallback
from dialer.domain.settings import CallWindows, CampaignSettings, Mode
from dialer.engine.acts import EXTENSIONS, Problem, callback_time, situation


def campaign(name: str, **more: object) -> CampaignSettings:
    return replace(plain(name), **more)  # type: ignore[arg-type]


def floor(*campaigns: CampaignSettings, **more: object) -> PhoneFloor:
    f = PhoneFloor(*campaigns, **more)
    f.up()
    f.log_in("1001")
    return f


def ask(f: PhoneFloor, act: str, argument: str = "", agent: str = "1001") -> cmd.Reply:
    return f.reply(lambda n: ph.AgentAct(n, agent, act, argument))


def test_an_order_does_what_the_key_does_and_nothing_is_said() -> None:
    f = floor()
    said = len(f.said())
    assert ask(f, "ready").ok and f.state("1001") == "ready"
    assert ask(f, "pause", "tea").ok and f.agent("1001").reason == "tea"
    assert len(f.said()) == said


def test_what_is_wrong_is_answered_in_words() -> None:
    f = floor()
    assert ask(f, "dance").text.startswith("act 'dance': expected one of ready, pause")
    assert ask(f, "ready", agent="77").text == "no agent 77 in the configuration"
    assert ask(f, "ready", agent="1002").text == "the agent is not logged in"
    assert ask(f, "hang_up").text == "hang_up is not possible while the agent is paused"
    assert not ask(f, "more_time").ok


def test_every_act_is_refused_outside_its_situations_and_none_raises() -> None:
    for name, act in ACTS.items():
        f = floor()
        assert situation(f.agent("1001")) is When.IDLE
        reply = ask(f, name, "12")
        if When.IDLE not in act.when:
            assert not reply.ok and "not possible" in reply.text
        f.accounted()


def test_a_problem_is_a_sentence_that_knows_its_prompts() -> None:
    assert Problem("no").prompts == ("not-now",)
    assert Problem("no", "error") == "no" and Problem("no", "error").prompts == ("error",)


def test_another_desk_registers_an_act_and_says_its_own_words() -> None:
    f = floor()
    acts, seen = f.engine._desks.acts, []

    def hold(agent: object, argument: str) -> str | None:
        seen.append(argument)
        acts.done("hold-on")
        return None

    acts.register("mask", hold)
    f.serve("1001")
    out = f.key("1001", "*6")
    assert seen == [""] and f.said(out) == ["hold-on"]


def test_a_pause_with_configured_reasons_takes_the_digit_or_the_text() -> None:
    f = floor(pause_reasons={"1": "lunch"})
    assert ask(f, "pause", "1").ok and f.agent("1001").reason == "lunch"
    assert ask(f, "pause", "lunch").ok and f.agent("1001").reason == "lunch"
    assert ask(f, "pause", "tea").text == "pause reason 'tea': expected one of 1 lunch"


def test_wrap_up_is_extended_a_few_times_only() -> None:
    f = floor()
    f.hang_up(f.serve("1001"))
    ended = f.now
    assert all(ask(f, "more_time").ok for _ in range(EXTENSIONS))
    assert ask(f, "more_time").text == "wrap-up cannot be extended any more"
    f.step(ended + 20 * (1 + EXTENSIONS) - f.now - 0.1)
    assert f.state("1001") == "wrap_up"
    f.step(0.2)
    assert f.state("1001") == "ready"
    f.hang_up(f.serve("1001"))
    assert ask(f, "more_time").ok, "each wrap-up anew"


def test_a_logout_lets_the_line_go_with_words_also_when_the_agent_is_ready() -> None:
    f = floor()
    leg = f.agent("1001").leg
    ask(f, "ready")
    out = f.send(ph.AgentAct(1, "1001", "logout"))
    say = one(out, ph.Say)
    assert (say.uuid, say.prompts, say.last) == (leg, ("logged-out",), True) and f.state("1001") == "logged_out"
    none(out, cmd.HangUp)
    f.hang_up(leg)
    f.accounted()


def test_the_customer_is_hung_up_and_counts_as_connected() -> None:
    f = floor()
    call = f.serve("1001")
    assert ask(f, "hang_up").ok
    f.hang_up(call)
    assert f.outcome(call) == "connected" and f.closed(call).reason == "hung up by the agent"
    assert f.closed(call).agent == "1001"


def test_a_callback_needs_a_customer_and_a_time_to_come() -> None:
    f = floor()
    f.hang_up(f.serve("1001"))
    assert not ask(f, "callback", "0061").ok and not ask(f, "callback", "12").ok
    assert ask(f, "callback", "0130").ok
    request = one(f.log, RequestCallback)
    assert (request.by_agent, request.due_at, request.agent) == ("1001", 5400.0, "")


def test_a_callback_outside_calling_hours_is_moved_to_the_next_opening_and_the_agent_is_told() -> None:
    """It is 00:16 on 1 January 1970, a Thursday; the customer is called from nine to eight."""
    day = CallWindows((((540, 1200),),) * 7, "UTC")
    f = floor(campaign("k1", windows=day, wrap_up_s=20.0))
    f.hang_up(f.serve("1001"))
    for keys in ("*4", "1#", "21", "30"):
        f.key("1001", keys)
    request = one(f.log, RequestCallback)
    assert request.due_at == datetime(1970, 1, 3, 9, tzinfo=UTC).timestamp()
    f.step(9)
    expected = ["time-outside-hours", "callback-set", "day-after-tomorrow", "time-hour-9", "time-minute-0"]
    assert f.said()[-5:] == expected


def test_a_callback_that_may_never_be_made_is_not_promised() -> None:
    f = floor(campaign("k1", windows=CallWindows(((),) * 7, "UTC"), wrap_up_s=20.0))
    f.hang_up(f.serve("1001"))
    reply = ask(f, "callback", "0130")
    assert not reply.ok and "outside calling hours" in reply.text
    none(f.log, RequestCallback)


def at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC)


NOW = at(10, 12, 30)


@pytest.mark.parametrize(
    ("digits", "due"),
    [
        ("1400", at(10, 14, 0)),
        ("1230", at(11, 12, 30)),
        ("0900", at(11, 9, 0)),
        ("001400", at(10, 14, 0)),
        ("031400", at(13, 14, 0)),
        ("000900", None),
        ("2400", None),
        ("1260", None),
        ("991200", None),
        ("", None),
        ("12:30", None),
        ("١٢٣٠", None),
    ],
)
def test_when_a_callback_is_due(digits: str, due: datetime | None) -> None:
    assert callback_time(digits, NOW) == due


def test_dispositions_by_code_place_and_wrong() -> None:
    f = floor()
    call = f.serve("1001")
    assert ask(f, "dispose", "sale").text.startswith("dispose is not possible")
    f.hang_up(call)
    assert ask(f, "dispose", "sale").ok and ask(f, "dispose", "3").ok
    assert [d.code for d in f.of(cmd.SaveDisposition)] == ["sale", "callback"]
    assert "expected one of sale" in ask(f, "dispose", "0").text and not ask(f, "dispose", "").ok


def test_a_supervisors_order_is_answered() -> None:
    f = floor(boss="1003")
    reply = f.reply(lambda n: ph.SupervisorAct(n, "1001", "listen", "1002"))
    assert not reply.ok and reply.text == "agent 1001 is no supervisor"


def test_help_without_a_supervisor_is_refused_in_words() -> None:
    f = floor()
    f.send(ev.AgentReady(1, "1001"))
    assert not ask(f, "help").ok


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann, call 030 123 45 67", "Ann, call 03****4567"),
        ("tel 13812341234", "tel 138****1234"),
        ("(212) 555-0143", "(21****0143"),
        ("contract 4711, since 2024-05-01", "contract 4711, since 2024-05-01"),
    ],
)
def test_what_looks_like_a_number_in_a_lead_that_is_shown_is_masked_whoever_s_it_is(text: str, shown: str) -> None:
    f = PhoneFloor(campaign("k1", mode=Mode.PREVIEW))
    f.leads["k1"][0] = replace(f.leads["k1"][0], name=text, fields={"note": text})
    f.up()
    f.log_in("1001")
    f.key("1001", "*1")
    f.step(1)
    (seen,) = [each.lead for each in f.engine.status(f.now).agents if each.agent == "1001"]
    assert seen is not None and seen["name"] == seen["note"] == shown
