"""What phones, keys and orders do at the wrong moment: nothing may reach a customer, a number or a list by accident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import agents, campaign, lead, none, one, settings
from exchange import Hall
from office import Office
from phones_kit import PhoneFloor
from test_engine_own_calls import MOBILE
from test_engine_own_calls import hall as own_hall
from test_engine_parties import PHONES, hall
from test_engine_supervision import listening

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.desk_records import AddDoNotCall, RequestCallback
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.domain.settings import CampaignSettings, Mode

# ---- never call again --------------------------------------------------------------------------------------


def test_never_again_is_the_customer_at_hand_and_not_the_last_one() -> None:
    f = hall()
    uuid, _ = f.talking()
    f.dies(uuid)
    f.step(15)
    assert f.state() == "ready" and f.agent().last_attempt == uuid
    assert f.act("a1", "dial", "a2").ok
    f.step(2)
    for name in ("a1", "a2"):
        assert not f.act(name, "do_not_call").ok, f"{name} speaks with a colleague, and with no customer"
    none(f.log, AddDoNotCall)


# ---- keys begun with one customer, ended with another -------------------------------------------------------


@pytest.mark.parametrize(("begun", "rest"), [("*4100", "2#"), ("*99123", "4#"), ("*7100", "2#"), ("*", "#")])
def test_keys_begun_with_one_customer_do_nothing_to_the_next(begun: str, rest: str) -> None:
    f = PhoneFloor(campaign("k1", wrap_up_s=0.0))
    f.up()
    leg = f.log_in("1001")
    f.log_in("1002", "s2")
    first = f.serve("1001")
    f.press(leg, begun)
    f.hang_up(first)
    f.park(leg)
    second = f.serve("1001")
    assert f.agent("1001").typed is not None, "too slow to prove anything"
    f.send(ev.AgentReady(7, "1002"))
    out = f.press(leg, rest)
    none(out, ph.SendKeys)
    none(out, ph.Join)
    none(out, ph.PutAside)
    none(out, cmd.HangUp)
    assert f.call(second).agent is f.agent("1001") and f.call(second).state.value == "connected"


def test_a_disposition_that_waits_for_its_second_digit_is_not_the_next_customers() -> None:
    codes = tuple(f"code{n}" for n in range(1, 13))
    f = PhoneFloor(campaign("k1", wrap_up_s=2.0, dispositions=codes))
    f.up()
    leg = f.log_in("1001")
    first = f.serve("1001")
    f.hang_up(first)
    f.park(leg)
    f.step(1.5)
    f.press(leg, "1")
    f.serve("1001")
    f.step(5)
    assert not [c for c in f.of(cmd.SaveDisposition) if c.attempt_id != first]
    assert f.agent("1001").typed is None


# ---- on the way out ----------------------------------------------------------------------------------------


def test_who_logs_out_of_an_own_call_that_rings_is_given_no_customer_on_the_way_out() -> None:
    f = own_hall(1)
    assert f.act("a1", "dial", "m1").ok
    f.step(0.1)
    assert f.agent().line.value == "parked", "their line is free while the other's phone rings"
    call = f.engine._calls.open(f.live.campaigns["c1"], lead(1), "fs1")
    for command in f.live.out:
        f.send(*f._answers(command))
    f.step(0.05)
    f.picks_up(call.id)
    f.step(0.2)
    assert call.id in f.live.waiting
    out = f.send(ev.AgentLogout(9, "a1"))
    none(out, cmd.Bridge)
    assert f.state() == "logged_out" and call.agent is None and f.agent().call is None
    f.accounted()


# ---- the store in trouble ----------------------------------------------------------------------------------


@pytest.mark.parametrize("locked_s", [0.0, 60.0])
def test_a_pin_that_nobody_could_look_at_is_not_called_wrong(locked_s: float) -> None:
    f = PhoneFloor()
    f.up()
    f.pins = False
    uuid = f.dial("s1")
    f.press(uuid, "1001#10019#")
    out = f.send(ph.PinChecked(uuid, "1001", False, locked_s, "the database does not answer"))
    assert f.said(out) == ["error"] and one(out, ph.Say).last
    assert not f.counter("pins_wrong")
    assert "the database does not answer" in f.note("pin_unchecked").text


def test_a_number_that_nobody_could_look_at_is_not_called_forbidden() -> None:
    f = own_hall(1)
    f.numbers[MOBILE] = ph.NumberChecked("", False, "store", "the database does not answer")
    assert f.act("a1", "dial", MOBILE).ok
    assert one(f.log, ph.Say).prompts == ("error",)
    none(f.log, ph.OriginateParty)


# ---- recording ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", ["a2", MOBILE])
def test_a_card_number_spoken_in_a_conference_can_be_masked(whom: str) -> None:
    policy = RecordingPolicy(RecordingMode.ALL, directory="/r", switch_directory="/r")
    base = settings(campaign(recording=policy), people=agents(2))
    f = Hall(replace(base, phones=PHONES))
    f.up()
    f.leads["c1"].clear()
    uuid, leg = f.talking()
    assert f.act("a1", "consult", whom).ok
    if whom == MOBILE:
        f.picks_up(f.party())
    f.step(1)
    assert f.act("a1", "conference").ok
    f.step(2)
    out = f.send(ph.KeyPressed(leg, "*", f.now)) + f.send(ph.KeyPressed(leg, "6", f.now))
    assert [c.what for c in f.of(ph.Record, out)] == ["mask"]
    assert f.act("a1", "mask").ok and f.live.recordings[uuid].masked_at is None


@pytest.mark.parametrize("keys", ["", "1001#", "1001#1001"])
def test_a_phone_that_is_logging_in_is_not_left_in_silence_by_a_shutdown(keys: str) -> None:
    f = PhoneFloor()
    f.up()
    f.leads["k1"].clear()
    uuid = f.dial("s1")
    f.press(uuid, keys)
    out = f.send(ev.Shutdown(5.0)) + f.step(1)
    assert f.of(cmd.Drained, out)
    assert uuid in [c.uuid for c in f.of(cmd.HangUp, out)]


@pytest.mark.parametrize("answered", [False, True])
def test_an_on_call_agent_who_is_asked_and_hangs_up_by_api_is_hung_up(answered: bool) -> None:
    f = hall()
    uuid, leg = f.talking()
    assert f.act("a1", "consult", "m1").ok
    x = f.party()
    if answered:
        f.picks_up(x)
        f.step(1)
        assert f.with_whom(x) == leg
    out = f.send(ph.AgentAct(88, "m1", "hang_up"))
    assert x in [c.uuid for c in f.of(cmd.HangUp, out)]
    f.step(3)
    assert f.legs[x].state == "dead" and f.with_whom(uuid) == leg
    f.accounted()


# ---- a phone on hold by its own button ---------------------------------------------------------------------


@pytest.mark.parametrize("on_timeout", ["dial", "skip"])
def test_no_lead_is_dialed_for_a_phone_on_hold(on_timeout: str) -> None:
    rules = campaign("k1", mode=Mode.PREVIEW, preview_timeout_s=10.0, preview_on_timeout=on_timeout)
    f = PhoneFloor(rules)
    f.up()
    leg = f.log_in("1001")
    f.send(ev.AgentReady(5, "1001"))
    assert f.state("1001") == "previewing"
    f.holding.add(leg)
    f.send(ph.LegHeld(leg, True, f.now))
    refused = f.reply(lambda n: ev.PreviewAccept(n, "1001"))
    assert not refused.ok and "on hold" in refused.text
    f.step(15)
    assert not f.dialed(), "whoever answered would have found nobody"


def test_nobody_is_rung_for_a_phone_on_hold() -> None:
    f = own_hall(2)
    f.send(ph.LegHeld(f.agent().leg, True, f.now))
    refused = f.act("a1", "dial", "a2")
    assert not refused.ok and "on hold" in refused.text


# ---- after a call ------------------------------------------------------------------------------------------


def after_a_call(*campaigns: CampaignSettings) -> tuple[PhoneFloor, str, str]:
    """The customer of agent 1001 has hung up, and the line is parked; the line's leg and the customer's."""
    f = PhoneFloor(*campaigns)
    f.up()
    leg = f.log_in("1001")
    uuid = f.serve("1001")
    f.hang_up(uuid)
    f.park(leg)
    return f, leg, uuid


def test_after_a_call_the_agent_is_asked_for_its_result() -> None:
    f, leg, _ = after_a_call()
    assert f.said(f.step(1)) == ["enter-disposition"]
    assert f.said(f.press(leg, "1") + f.step(1)) == ["disposition-sale", "disposition-saved"]
    assert one(f.log, cmd.SaveDisposition).code == "sale"


def test_who_keys_in_the_result_at_once_is_not_asked_and_neither_is_who_has_none_to_give() -> None:
    f, leg, _ = after_a_call()
    out = f.press(leg, "2") + f.step(15)
    assert f.said(out) == ["disposition-no-interest", "disposition-saved"]
    g, _, _ = after_a_call(campaign("k1", dispositions=(), wrap_up_s=20.0))
    assert not g.said(g.step(5))


def test_a_supervisor_who_took_a_customer_over_masks_a_card_number_by_the_same_keys() -> None:
    f = Office()
    rules = f.live.campaigns["c1"].settings
    policy = RecordingPolicy(RecordingMode.ALL, directory="/r", switch_directory="/r")
    f.live.campaigns["c1"].settings = replace(rules, recording=policy)
    uuid, _, boss = listening(f)
    assert f.order("takeover").ok
    f.step(1)
    for prompt in ("recording-paused", "recording-resumed"):
        f.send(ph.KeyPressed(boss, "*", f.now), ph.KeyPressed(boss, "6", f.now))
        f.step(1)
        assert f.said(boss)[-1] == prompt
    assert [c.what for c in f.of(ph.Record)] == ["start", "mask", "unmask"]
    assert f.with_whom(uuid) == boss
    f.live.campaigns["c1"].settings = rules
    f.live.recordings.clear()
    f.send(ph.KeyPressed(boss, "*", f.now), ph.KeyPressed(boss, "6", f.now))
    assert f.said(boss)[-1] == "recording-off"
    f.over()


@pytest.mark.parametrize("keys", ["*4" "1#" "14#" "30#", "*4" "01" "14" "30", "*4" "01#14#30#", "*4" "1#" "14" "30#"])
def test_a_callback_keyed_in_as_the_readme_says_is_that_time_and_no_disposition(keys: str) -> None:
    f, leg, uuid = after_a_call()
    f.press(leg, keys)
    f.step(1)
    asked = one(f.log, RequestCallback)
    assert (asked.attempt_id, asked.due_at) == (uuid, 86400.0 + (14 * 60 + 30) * 60)
    none(f.log, cmd.SaveDisposition)
