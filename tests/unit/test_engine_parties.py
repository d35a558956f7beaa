"""Third parties: consult, transfer, conference, and who is left with whom whenever anybody hangs up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_kit import NODE, agents, campaign, none, one, settings, trunk
from exchange import Hall

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import DialRule, PhoneSettings
from dialer.domain.settings import AgentSettings, Mode, SeatMode, SeatSettings

MOBILE = "+4915112345678"
PHONES = PhoneSettings(dial_rules={"agent": DialRule(allow=("49",), short=("112",), deny=("4990",), region="DE")})


def hall(people: int = 3, **more: Any) -> Hall:
    """Agents with open lines a1 …, an on-call agent m1, and a seat 700 where nobody sits."""
    config = settings(campaign(wrap_up_s=10.0), people=agents(people), **more)
    mobile = AgentSettings("m1", "M1", "mob", frozenset({"c1"}))
    seats = {
        **config.seats,
        "mob": SeatSettings("mob", "sip:m1@10.0.0.9", SeatMode.ON_CALL),
        "700": SeatSettings("700", "user/700", SeatMode.NAILED_UP),
    }
    f = Hall(replace(config, seats=seats, agents={**config.agents, "m1": mobile}, phones=PHONES))
    f.up()
    f.leads["c1"].clear()
    f.send(ev.AgentLogin(1, "m1"), ev.AgentReady(2, "m1"))
    return f


def consulting(whom: str = MOBILE, people: int = 3, **more: Any) -> tuple[Hall, str, str, str]:
    """A customer, the agent's leg, and the third party's leg, which has answered."""
    f = hall(people, **more)
    uuid, leg = f.talking()
    assert f.act("a1", "consult", whom).ok
    if whom in ("a2", "a3"):
        return f, uuid, leg, f.agent(whom).leg
    x = f.party()
    f.picks_up(x)
    return f, uuid, leg, x


def over(f: Hall, uuid: str, outcome: str = "connected") -> None:
    """The call is over, and in the end everybody is free and everything is counted."""
    assert f.outcome(uuid) == outcome
    f.step(90)
    assert not f.live.parties and not f.live.dropped
    assert all(a.state.value == "ready" and a.lent is None and a.party is None for a in f.live.agents.values())
    assert not [leg for leg in f.legs.values() if leg.kind == "party" and leg.state != "dead"]
    f.accounted()


# ---- consult -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", [MOBILE, "a2", "m1", "700", "s-a2", "015112345678"])
def test_consult_and_back(whom: str) -> None:
    f = hall()
    uuid, leg = f.talking()
    assert f.act("a1", "consult", whom).ok
    assert f.call(uuid).aside == "consult" and f.with_whom(uuid) is None
    if whom.endswith("a2"):
        x = f.agent("a2").leg
        assert f.state("a2") == "reserved"
    else:
        x = f.party()
        assert f.act("a1", "complete").text == "the third party has not answered yet"
        f.picks_up(x)
    assert f.with_whom(x) == leg and f.live.parties[x].state.value == "talking"
    f.accounted()
    assert f.act("a1", "back").ok
    assert f.with_whom(uuid) == leg and not f.live.parties and not f.call(uuid).aside
    f.dies(uuid)
    over(f, uuid)


def test_an_outside_number_takes_the_trunks_channel_rate_and_caller_id() -> None:
    f = hall(1, trunks=(trunk(channels=2, prefix="9"),))
    uuid, leg = f.talking()
    assert f.act("a1", "consult", "0151 123".replace(" ", "")).text.startswith("not a number")
    assert f.act("a1", "consult", "015112345678").ok
    rung = one(f.log, ph.OriginateParty)
    assert (rung.gateway, rung.number, rung.caller_id) == ("gw-t1", "94915112345678", "4930999")
    assert f.live.trunks["t1"].legs == 2
    f.dies(rung.uuid, "USER_BUSY")
    f.step(4)
    assert f.live.trunks["t1"].legs == 1 and f.with_whom(uuid) == leg
    assert f.act("a1", "consult", MOBILE).ok
    f.live.trunks["t1"].legs += 1
    assert f.act("a1", "back").ok and "channels are in use" in f.act("a1", "consult", MOBILE).text


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("+12025550123", "this number is not allowed"),
        ("0900123456", "not a number that can be dialed"),
        ("+4990012345678", ""),
        ("a1", "own number"),
        ("zz", "not a number that can be dialed"),
        ("", "no number was given"),
        ("m1", ""),
        ("112", "dialed"),
    ],
)
def test_whom_an_agent_may_ring(number: str, problem: str) -> None:
    f = hall()
    uuid, leg = f.talking()
    reply = f.act("a1", "consult", number)
    if problem == "dialed":
        assert reply.ok and f.of(ph.OriginateParty)[0].number == "112"
    elif number == "m1":
        assert reply.ok and f.state("m1") == "reserved"
    else:
        assert not reply.ok and problem in reply.text
        assert f.with_whom(uuid) == leg, "the call goes on"


def test_without_a_rule_no_outside_number() -> None:
    f = hall()
    f.talking()
    f.agent("a1").settings = replace(f.agent("a1").settings, role="trainee")
    assert "no rule" in f.act("a1", "consult", MOBILE).text


@pytest.mark.parametrize("cause", ["USER_BUSY", "CALL_REJECTED", "NO_ANSWER", "UNALLOCATED_NUMBER"])
def test_a_third_party_who_does_not_come_brings_the_customer_back(cause: str) -> None:
    f = hall()
    uuid, leg = f.talking()
    f.act("a1", "consult", MOBILE)
    f.dies(f.party(), cause)
    f.step(4)
    assert f.with_whom(uuid) == leg and f.state() == "talking"
    f.dies(uuid)
    over(f, uuid)


def test_a_third_party_who_never_answers_is_given_up() -> None:
    f = hall()
    uuid, leg = f.talking()
    f.act("a1", "consult", MOBILE)
    f.step(40)
    assert f.with_whom(uuid) == leg and f.legs[f.party()].state == "dead"


def test_an_answer_that_crosses_our_hangup_is_hung_up() -> None:
    f = hall()
    uuid, leg = f.talking()
    f.act("a1", "consult", MOBILE)
    x = f.party()
    f.die = lambda *args: None  # type: ignore[method-assign,assignment]  # the switch does not know the leg yet
    f.act("a1", "back")
    del f.die
    assert x not in f.live.parties and x in f.live.dropped
    out = f.picks_up(x)
    assert one(out, cmd.HangUp).uuid == x and f.legs[x].state == "dead"
    assert f.with_whom(uuid) == leg
    f.accounted()


# ---- everybody hangs up, at every step ---------------------------------------------------------------------


@pytest.mark.parametrize("whom", [MOBILE, "a2", "m1"])
def test_the_customer_hangs_up_while_the_others_consult(whom: str) -> None:
    f, uuid, leg, _x = consulting(whom)
    f.dies(uuid)
    f.step(0.3)
    assert f.state() == "wrap_up" and f.with_whom(leg) is None and not f.live.parties
    over(f, uuid)


@pytest.mark.parametrize("whom", [MOBILE, "a2", "m1"])
def test_the_third_party_hangs_up_while_they_consult(whom: str) -> None:
    f, uuid, leg, x = consulting(whom)
    f.dies(x)
    f.step(0.3)
    assert f.with_whom(uuid) == leg and not f.live.parties
    f.dies(uuid)
    over(f, uuid)


@pytest.mark.parametrize("whom", [MOBILE, "a2", "m1"])
def test_the_agents_phone_dies_while_they_consult_and_the_third_party_takes_the_customer(whom: str) -> None:
    f, uuid, leg, x = consulting(whom)
    f.dies(leg, "MEDIA_TIMEOUT")
    f.step(0.3)
    assert f.with_whom(uuid) == x and f.state("a1") == "unavailable"
    if whom == "a2":
        assert f.state("a2") == "talking" and f.call(uuid).agent is f.agent("a2") and not f.live.parties
    f.dies(uuid)
    over(f, uuid)


def test_the_agents_phone_dies_while_the_third_party_rings() -> None:
    f = hall()
    uuid, leg = f.talking()
    f.act("a1", "consult", MOBILE)
    f.dies(leg, "MEDIA_TIMEOUT")
    f.step(0.3)
    assert f.legs[f.party()].state == "dead" and f.with_whom(uuid) in (f.agent("a2").leg, f.agent("a3").leg)
    f.dies(uuid)
    over(f, uuid)


def test_the_guest_leaves_by_key() -> None:
    f, uuid, leg, _x = consulting("a2")
    assert f.act("a2", "hang_up").ok
    f.step(0.3)
    assert f.with_whom(uuid) == leg and f.state("a2") == "ready"
    f.dies(uuid)
    over(f, uuid)


def test_the_guest_wants_a_pause_afterwards() -> None:
    f, _uuid, _leg, _x = consulting("a2")
    assert f.act("a2", "pause", "tea").ok and f.state("a2") == "reserved"
    f.act("a1", "back")
    f.step(1)
    assert f.state("a2") == "paused" and f.line("a2") == "parked"


# ---- transfer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", [MOBILE, "m1", "700"])
def test_blind_transfer_to_a_phone(whom: str) -> None:
    f = hall()
    uuid, _leg = f.talking()
    assert f.act("a1", "transfer", whom).ok
    f.step(1.5)
    assert (f.state(), f.line()) == ("wrap_up", "parked") and f.call(uuid).party is not None
    x = f.party()
    f.picks_up(x)
    assert (
        f.with_whom(uuid) == x and f.call(uuid).party.state.value == "moved" and f.call(uuid).state.value == "connected"
    )
    f.step(100)
    assert f.with_whom(uuid) == x and f.state() == "ready"
    f.dies(uuid)
    over(f, uuid)
    assert f.closed(uuid).agent == "a1"


def test_who_was_transferred_is_hung_up_with_the_third_party() -> None:
    f = hall()
    uuid, _leg = f.talking()
    f.act("a1", "transfer", MOBILE)
    f.picks_up(f.party())
    f.dies(f.party())
    assert f.legs[uuid].state == "dead" and f.counter("customers_queued_again") == 0
    over(f, uuid)


@pytest.mark.parametrize("cause", ["USER_BUSY", "NO_ANSWER"])
def test_a_transfer_that_nobody_takes_goes_to_the_next_agent(cause: str) -> None:
    f = hall()
    uuid, _leg = f.talking()
    f.act("a1", "transfer", MOBILE)
    f.dies(f.party(), cause)
    f.step(0.3)
    assert f.call(uuid).agent is not None and f.with_whom(uuid) == f.call(uuid).agent.leg
    f.dies(uuid)
    over(f, uuid)


def test_the_customer_hangs_up_while_the_transfer_rings() -> None:
    f = hall()
    uuid, _leg = f.talking()
    f.act("a1", "transfer", MOBILE)
    f.dies(uuid)
    assert f.legs[f.party()].state == "dead"
    over(f, uuid)


def test_blind_transfer_to_an_agent_with_an_open_line_is_one_bridge() -> None:
    f = hall()
    uuid, _leg = f.talking()
    out = f.send(ph.AgentAct(1, "a1", "transfer", "a2"))
    joined = one(out, ph.Join)
    assert (joined.a_uuid, joined.b_uuid) == (uuid, f.agent("a2").leg)
    none(out, ph.PutAside)
    f.step(0.2)
    assert f.with_whom(uuid) == f.agent("a2").leg
    assert (f.state("a1"), f.line("a1"), f.state("a2")) == ("wrap_up", "parked", "talking")
    assert f.of(cmd.NoteBridge)[-1].agent == "a2"
    f.dies(uuid)
    over(f, uuid)
    assert f.closed(uuid).agent == "a2"


def test_a_busy_agent_cannot_be_given_a_customer() -> None:
    f = hall()
    uuid, leg = f.talking()
    f.send(ev.AgentPause(1, "a2", "tea"))
    assert f.act("a1", "transfer", "a2").text == "agent a2 is paused"
    assert f.with_whom(uuid) == leg


def test_the_agent_transferred_to_is_lost_before_the_bridge_stands() -> None:
    f = hall()
    uuid, _leg = f.talking()
    f.send(ph.AgentAct(1, "a1", "transfer", "a2"))
    f.dies(f.agent("a2").leg, "MEDIA_TIMEOUT")
    f.step(1)
    assert f.call(uuid).agent is f.agent("a3") and f.with_whom(uuid) == f.agent("a3").leg
    f.dies(uuid)
    over(f, uuid)


@pytest.mark.parametrize("whom", [MOBILE, "a2", "m1"])
def test_attended_transfer(whom: str) -> None:
    f, uuid, _leg, x = consulting(whom)
    assert f.act("a1", "complete").ok
    f.step(1.2)
    assert f.with_whom(uuid) == x and (f.state("a1"), f.line("a1")) == ("wrap_up", "parked")
    assert f.state("a2") == ("talking" if whom == "a2" else "ready")
    assert f.state("m1") == ("reserved" if whom == "m1" else "ready")
    f.step(100)
    f.dies(uuid)
    over(f, uuid)


def test_after_an_attended_transfer_the_third_partys_hangup_is_the_end() -> None:
    f, uuid, _leg, x = consulting()
    f.act("a1", "complete")
    f.dies(x)
    over(f, uuid)


# ---- three -------------------------------------------------------------------------------------------------


def three(whom: str = MOBILE) -> tuple[Hall, str, str, str]:
    f, uuid, leg, x = consulting(whom)
    assert f.act("a1", "conference").ok
    f.step(1.5)
    assert f.with_whom(uuid) == leg and f.legs[x].into is f.legs[leg] and not f.call(uuid).aside
    f.accounted()
    return f, uuid, leg, x


@pytest.mark.parametrize("whom", [MOBILE, "a2"])
@pytest.mark.parametrize("who", ["customer", "third", "agent"])
def test_anybody_leaves_a_conference(whom: str, who: str) -> None:
    f, uuid, leg, x = three(whom)
    if who == "customer":
        f.dies(uuid)
        assert f.state() == "wrap_up"
    elif who == "third":
        f.dies(x)
        assert f.with_whom(uuid) == leg and f.live.agents["a1"].party is None
        f.dies(uuid)
    else:
        f.dies(leg, "MEDIA_TIMEOUT")
        f.step(0.3)
        assert f.with_whom(uuid) == x
        f.dies(uuid)
    over(f, uuid)


@pytest.mark.parametrize("whom", [MOBILE, "a2"])
def test_the_agent_leaves_a_conference_to_the_others_or_ends_it(whom: str) -> None:
    f, uuid, leg, x = three(whom)
    assert f.act("a1", "complete").ok
    f.step(0.3)
    assert f.with_whom(uuid) == x and f.state("a1") == "wrap_up"
    f.dies(uuid)
    over(f, uuid)
    f, uuid, leg, x = three(whom)
    assert f.act("a1", "back").ok
    assert f.with_whom(uuid) == leg and not f.live.parties
    assert f.act("a1", "hang_up").ok
    over(f, uuid)


def test_a_third_party_who_falls_out_of_the_conference_is_not_left_in_silence() -> None:
    f, uuid, leg, x = three()
    f.legs[x].into = None
    f.alone(f.legs[x])
    f.step(0.2)
    assert f.legs[x].state == "dead" and f.with_whom(uuid) == leg


def test_an_on_call_agent_who_hangs_up_leaves_the_customer_to_the_third_party() -> None:
    config = settings(campaign(mode=Mode.PREVIEW, wrap_up_s=5.0), people=agents(1), on_call=True)
    f = Hall(replace(config, phones=PHONES))
    f.up()
    f.step(0.5)
    f.act("a1", "accept")
    f.step(0.5)
    f.leads["c1"].clear()
    uuid = f.dialed()[0]
    f.picks_up(uuid)
    f.act("a1", "consult", MOBILE)
    x = f.party()
    f.picks_up(x)
    f.dies(f.agent().leg)
    f.step(0.5)
    assert f.with_whom(uuid) == x and f.state() == "wrap_up"
    f.dies(x)
    assert f.outcome(uuid) == "connected"
    f.accounted()


# ---- the switch --------------------------------------------------------------------------------------------


def test_the_switch_is_away_while_they_consult() -> None:
    f, uuid, _leg, _x = consulting()
    f.send(ev.SwitchDown(NODE, "eof"))
    f.act("a1", "complete")
    f.step(20)
    f.send(ev.SwitchUp(NODE))
    f.step(20)
    f.accounted()
    f.dies(uuid)
    over(f, uuid)


def test_parties_of_a_former_run() -> None:
    f = hall()
    uuid, _leg = f.talking()
    f.act("a1", "transfer", MOBILE)
    x = f.party()
    f.picks_up(x)
    call = f.call(uuid)
    fact = ev.OpenAttemptFact(
        uuid, "c1", 1, 1, "+4930", "p1", NODE, call.opened_at, 0, "t1", call.rang_at, call.answered_at, call.bridged_at
    )
    f.step(10)
    f.restarted(f.now)
    f.send(ev.Recovered((fact,), (ev.AgentFact("a1", "ready"),)), ev.SwitchUp(NODE))
    f.step(2)
    assert f.live.parties[x].state.value == "moved" and f.with_whom(uuid) == x
    f.accounted()
    f.dies(x)
    assert f.outcome(uuid) == "connected"


def test_a_consultation_of_a_former_run_is_ended_and_everybody_is_found() -> None:
    f, uuid, leg, x = consulting()
    call = f.call(uuid)
    fact = ev.OpenAttemptFact(
        uuid, "c1", 1, 1, "+4930", "p1", NODE, call.opened_at, 0, "t1", call.rang_at, call.answered_at, call.bridged_at
    )
    f.step(10)
    f.restarted(f.now)
    f.send(ev.Recovered((fact,), (ev.AgentFact("a1", "ready"),)), ev.SwitchUp(NODE))
    f.step(5)
    assert f.legs[x].state == "dead" and f.agent("a1").leg == leg
    assert f.with_whom(uuid) is not None
    f.dies(uuid)
    f.step(60)
    f.accounted()


# ---- outside numbers that may not be called now ------------------------------------------------------------


@pytest.mark.parametrize("act", ["consult", "transfer"])
@pytest.mark.parametrize(
    ("rule", "prompt"),
    [("dnc", "number-do-not-call"), ("window", "number-outside-hours"), ("campaign", "number-not-allowed")],
)
def test_a_number_that_may_not_be_called_now_is_refused_and_the_conversation_goes_on(
    act: str, rule: str, prompt: str
) -> None:
    f = hall()
    f.numbers[MOBILE] = ph.NumberChecked("", False, rule, "it may not be called")
    uuid, leg = f.talking()
    first = len(f.log)
    assert f.act("a1", act, "015112345678").ok
    asked = one(f.log, ph.CheckNumber)
    assert (asked.number, asked.campaign) == (MOBILE, "c1")
    none(f.log, ph.OriginateParty)
    none(f.log, ph.PutAside)
    assert one(f.log[first:], ph.Murmur).prompts == (prompt,)
    assert f.with_whom(uuid) == leg and f.counter(f"numbers_refused_{rule}") == 1
    assert rule in f.note("number_refused").text and "151" not in f.note("number_refused").text
    assert f.act("a1", "consult", "a2").ok, "the next wish is heard"
    f.accounted()


@pytest.mark.parametrize("act", ["consult", "transfer"])
def test_no_outside_third_party_without_the_stores_word(act: str) -> None:
    f = hall()
    uuid, leg = f.talking()
    kept, f._answers = f._answers, lambda command: [] if isinstance(command, ph.CheckNumber) else kept(command)  # type: ignore[method-assign]
    first = len(f.log)
    assert f.act("a1", act, MOBILE).ok
    assert f.with_whom(uuid) == leg
    assert "asked about" in f.act("a1", "hold").text
    f.step(6)
    none(f.log, ph.OriginateParty)
    assert one(f.log[first:], ph.Murmur).prompts == ("error",) and f.with_whom(uuid) == leg
    assert f.counter("numbers_refused_store") == 1
    f.send(ev.StoreFailed("disk full"))
    assert "trouble" in f.act("a1", act, MOBILE).text
    assert f.act("a1", "consult", "112").ok, "emergency calls ask nobody"


@pytest.mark.parametrize("act", ["consult", "transfer"])
def test_the_word_on_a_number_comes_after_the_conversation(act: str) -> None:
    f = hall()
    uuid, _ = f.talking()
    word = one(f.handle(ph.AgentAct(1, "a1", act, MOBILE), f.now), ph.NumberChecked)
    f.dies(uuid)
    f.send(word)
    none(f.log, ph.OriginateParty)
    over(f, uuid)


def test_the_trunk_is_full_when_the_word_on_a_number_comes() -> None:
    f = hall(1, trunks=(trunk(channels=2),))
    uuid, leg = f.talking()
    word = one(f.handle(ph.AgentAct(1, "a1", "consult", MOBILE), f.now), ph.NumberChecked)
    f.live.trunks["t1"].legs += 1
    first = len(f.log)
    f.send(word)
    none(f.log, ph.OriginateParty)
    assert one(f.log[first:], ph.Murmur).prompts == ("party-unreachable",) and f.with_whom(uuid) == leg
