"""Agents' own calls: out of customers' reach, by the rules, and back to what they did before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, agents, campaign, none, one, settings, trunk
from exchange import Hall

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import DialRule, PhoneSettings
from dialer.domain.agent import AgentState
from dialer.domain.desk_records import SaveOwnCall
from dialer.domain.settings import AgentSettings, SeatMode, SeatSettings
from dialer.engine.acts import situation

MOBILE = "+4915112345678"
PHONES = PhoneSettings(dial_rules={"agent": DialRule(allow=("49",), short=("112",), region="DE")})


def hall(people: int = 3) -> Hall:
    config = settings(campaign(wrap_up_s=20.0), people=agents(people))
    mobile = AgentSettings("m1", "M1", "mob", frozenset({"c1"}))
    seats = {
        **config.seats,
        "mob": SeatSettings("mob", "sip:m1@10.0.0.9", SeatMode.ON_CALL),
        "700": SeatSettings("700", "user/700", SeatMode.NAILED_UP),
    }
    f = Hall(replace(config, seats=seats, agents={**config.agents, "m1": mobile}, phones=PHONES))
    f.leads["c1"].clear()
    f.up()
    f.send(ev.AgentLogin(1, "m1"), ev.AgentReady(2, "m1"))
    return f


def record(f: Hall) -> SaveOwnCall:
    return one(f.log, SaveOwnCall)


@pytest.mark.parametrize("whom", ["a2", "s-a2", "m1", "700", MOBILE, "015112345678"])
def test_a_call_and_back_to_work(whom: str) -> None:
    f = hall()
    leg = f.agent().leg
    assert f.act("a1", "dial", whom).ok
    assert (f.state(), f.agent().reason) == ("paused", "own call") and situation(f.agent()).value == "talking"
    if whom.endswith("a2"):
        x = f.agent("a2").leg
        assert f.state("a2") == "reserved"
    else:
        x = f.party()
        f.accounted()
        f.picks_up(x)
    assert f.with_whom(x) == leg
    f.accounted()
    f.step(60)
    assert f.with_whom(x) == leg, "lists and timers leave it alone"
    assert f.act("a1", "hang_up").ok
    f.step(3)
    assert (f.state(), f.line()) == ("ready", "parked") and f.agent().free and not f.live.parties
    assert f.state("a2") == "ready" and f.state("m1") == "ready"
    kept = record(f)
    assert kept.agent == "a1" and kept.answered_at is not None and kept.ended_at - kept.answered_at > 60
    assert kept.number == (MOBILE if "151" in whom else "")
    assert bool(kept.trunk) == bool(kept.number)
    f.accounted()


def test_the_store_is_asked_before_an_outside_number_is_rung() -> None:
    f = hall()
    f.numbers[MOBILE] = ph.NumberChecked("", False, "dnc", "the number is on the do-not-call list")
    assert f.act("a1", "dial", "015112345678").ok
    asked = one(f.log, ph.CheckNumber)
    assert (asked.number, asked.campaign) == (MOBILE, "c1")
    none(f.log, ph.OriginateParty)
    assert f.state() == "ready" and one(f.log, ph.Say).prompts == ("number-do-not-call",)
    assert record(f).reason == "dnc" and not record(f).answered_at


def test_a_store_that_does_not_answer_or_is_in_trouble_lets_nothing_out() -> None:
    f = hall()
    f._answers, kept = (lambda command: []), f._answers  # type: ignore[method-assign]
    f.act("a1", "dial", MOBILE)
    f._answers = kept  # type: ignore[method-assign]
    f.step(6)
    none(f.log, ph.OriginateParty)
    assert f.state() == "ready"
    f.send(ev.StoreFailed("disk full"))
    assert "trouble" in f.act("a1", "dial", MOBILE).text
    assert f.act("a1", "dial", "a2").ok, "inside it costs nothing and needs nobody's word"


def test_the_trunks_rate_is_used_up_while_the_store_is_asked() -> None:
    f = hall()
    word = one(f.handle(ph.AgentAct(1, "a1", "dial", MOBILE), f.now), ph.NumberChecked)
    bucket = f.live.trunks["t1"].bucket
    bucket.take(bucket.available(f.now), f.now)
    f.send(word)
    none(f.log, ph.OriginateParty)
    assert f.state() == "ready" and one(f.log, ph.Say).prompts == ("try-again",)
    f.accounted()


def test_the_line_is_chosen_anew_when_the_store_has_answered() -> None:
    """The first one is full by then: the call takes the next, with the number that this one shows."""
    made = campaign(wrap_up_s=20.0, trunk="a", further_trunks=("b",))
    lines = trunk("a", channels=1), replace(trunk("b"), caller_id="4930777")
    f = Hall(replace(settings(made, people=agents(1), trunks=lines), phones=PHONES))
    f.leads["c1"].clear()
    f.up()
    word = one(f.handle(ph.AgentAct(1, "a1", "dial", MOBILE), f.now), ph.NumberChecked)
    f.live.trunks["a"].take()
    f.send(word)
    rung = one(f.log, ph.OriginateParty)
    assert (rung.gateway, rung.caller_id) == ("gw-b", "4930777") and f.live.trunks["b"].legs == 1
    f.picks_up(f.party())
    assert f.act("a1", "hang_up").ok
    assert (record(f).trunk, record(f).shown) == ("b", "4930777")


def test_a_late_word_on_a_number_is_odd() -> None:
    f = hall()
    f.send(ph.NumberChecked("nobody", True))
    assert f.counter("illegal_number_checked") == 1


@pytest.mark.parametrize(("cause", "prompt"), [("USER_BUSY", "party-busy"), ("NO_ANSWER", "party-no-answer")])
def test_nobody_there(cause: str, prompt: str) -> None:
    f = hall()
    f.act("a1", "dial", MOBILE)
    f.dies(f.party(), cause)
    assert f.of(ph.Say)[-1].prompts == (prompt,) and f.state() == "ready"
    assert f.act("a1", "redial").ok and len(f.of(ph.OriginateParty)) == 2
    f.accounted()


def test_nothing_to_redial() -> None:
    assert "nobody" in hall().act("a1", "redial").text


def test_the_other_hangs_up() -> None:
    f = hall()
    f.act("a1", "dial", MOBILE)
    f.picks_up(f.party())
    f.dies(f.party())
    f.step(2)
    assert f.agent().free and not f.live.parties
    f.accounted()


def test_the_guest_of_an_own_call_hangs_up_by_key_or_dies() -> None:
    for dies in (False, True):
        f = hall()
        f.act("a1", "dial", "a2")
        if dies:
            f.dies(f.agent("a2").leg, "MEDIA_TIMEOUT")
        else:
            assert f.act("a2", "hang_up").ok
        f.step(3)
        assert f.agent("a1").free and f.agent("a2").own is None and not f.live.parties
        f.accounted()


def test_the_agents_phone_dies() -> None:
    f = hall()
    f.act("a1", "dial", MOBILE)
    x = f.party()
    f.picks_up(x)
    f.dies(f.agent().leg, "MEDIA_TIMEOUT")
    assert f.legs[x].state == "dead" and f.state() == "unavailable"
    f.step(5)
    assert f.state() == "ready", "as before the call"
    f.accounted()


def test_logging_out_ends_it() -> None:
    f = hall()
    f.act("a1", "dial", MOBILE)
    x = f.party()
    f.picks_up(x)
    f.reply(lambda n: ev.AgentLogout(n, "a1"))
    f.step(1)
    assert f.state() == "logged_out" and f.legs[x].state == "dead" and not f.live.parties
    f.accounted()


@pytest.mark.parametrize(
    ("order", "after"), [("pause", ("paused", "tea")), ("ready", ("ready", "")), ("", ("paused", "lunch"))]
)
def test_what_was_asked_for_meanwhile_holds_afterwards(order: str, after: tuple[str, str]) -> None:
    f = hall()
    f.send(ev.AgentPause(1, "a1", "lunch"))
    f.act("a1", "dial", MOBILE)
    f.picks_up(f.party())
    if order:
        f.send(ev.AgentPause(2, "a1", "tea") if order == "pause" else ev.AgentReady(2, "a1"))
        assert f.agent().reason == "own call"
    f.act("a1", "hang_up")
    assert (f.state(), f.agent().reason) == after


def test_wrap_up_goes_on_afterwards() -> None:
    f = Hall(replace(settings(campaign(wrap_up_s=20.0), people=agents(1)), phones=PHONES))
    f.up()
    f.leads["c1"].clear()
    uuid, _leg = f.talking()
    f.dies(uuid)
    f.step(2)
    assert f.act("a1", "dial", MOBILE).ok and f.state() == "paused"
    f.picks_up(f.party())
    f.step(50)
    f.act("a1", "hang_up")
    assert f.state() == "wrap_up"
    f.step(19)
    assert f.state() == "ready" and f.agent().free


def test_no_customer_comes_meanwhile() -> None:
    f = hall(2)
    f.act("a1", "dial", "700")
    f.act("a2", "dial", MOBILE)
    f.picks_up(f.party())
    f.leads["c1"] = Hall(f.config).leads["c1"][:5]
    f.step(5)
    assert not f.of(cmd.OriginateCall)
    f.accounted()


def test_an_on_call_agents_phone_is_rung_first_and_hung_up_last() -> None:
    f = hall()
    assert f.act("m1", "dial", MOBILE).ok
    assert not f.of(ph.OriginateParty)[:0]
    f.step(1)
    x, leg = f.party(), f.agent("m1").leg
    assert leg is not None
    f.picks_up(x)
    assert f.with_whom(x) == leg
    f.dies(x)
    f.step(1)
    assert f.legs[leg].state == "dead" and f.state("m1") == "ready" and f.agent("m1").leg is None
    f.accounted()


@pytest.mark.parametrize("cause", ["NO_ANSWER", "NORMAL_CLEARING"])
def test_an_on_call_agent_who_does_not_pick_up_or_hangs_up(cause: str) -> None:
    f = hall()
    if cause == "NO_ANSWER":
        f.deaf.add("m1")
        f.act("m1", "dial", MOBILE)
        f.step(20)
        none(f.log, ph.OriginateParty)
    else:
        f.act("m1", "dial", MOBILE)
        f.picks_up(f.party())
        f.dies(f.agent("m1").leg, cause)
        assert f.legs[f.party()].state == "dead"
    assert f.state("m1") == "ready" and f.agent("m1").own is None
    f.accounted()


@pytest.mark.parametrize(
    ("whom", "problem"),
    [("", "no number"), ("a1", "own number"), ("+12025550123", "not allowed"), ("0", "not a phone number")],
)
def test_bad_numbers(whom: str, problem: str) -> None:
    f = hall()
    assert problem in f.act("a1", "dial", whom).text and f.state() == "ready"


def test_not_while_talking_or_twice() -> None:
    f = hall()
    f.act("a1", "dial", "700")
    assert not f.act("a1", "dial", "700").ok
    f.act("a1", "hang_up")
    assert f.act("a1", "dial", "a2").ok and not f.act("a2", "dial", "700").ok


def test_a_shutdown_waits_for_own_calls_and_then_ends_them() -> None:
    f = hall()
    f.act("a1", "dial", MOBILE)
    x = f.party()
    f.picks_up(x)
    f.send(ev.Shutdown(30.0))
    assert not f.of(cmd.Drained)
    assert "shutting down" in f.act("a2", "dial", "700").text
    f.step(31)
    assert f.of(cmd.Drained) and f.legs[x].state == "dead"


def test_after_a_restart_a_leg_of_an_own_call_is_hung_up() -> None:
    f = hall()
    f.act("a1", "dial", MOBILE)
    x, leg = f.party(), f.agent().leg
    f.picks_up(x)
    f.step(10)
    f.restarted(f.now)
    f.send(ev.Recovered((), (ev.AgentFact("a1", "paused"),)), ev.SwitchUp(NODE))
    f.step(5)
    assert f.legs[x].state == "dead" and f.agent().leg == leg and f.agent().state is not AgentState.UNAVAILABLE
    f.accounted()
