"""An agent's keypad: which act the keys mean where, how an argument ends, what is said."""

from __future__ import annotations

import pytest
from engine_kit import campaign, none, one
from phones_kit import PhoneFloor

from config import phones_schema
from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import ACTS, DEFAULT_KEYS, When
from dialer.domain.commands import SaveDisposition
from dialer.domain.desk_records import AddDoNotCall, RequestCallback
from dialer.domain.settings import Mode
from dialer.engine.keys import AFTERWARDS, clashes, table

REASONS = {"1": "lunch", "2": "break", "21": "coaching"}


def floor(*campaigns: object, **more: object) -> PhoneFloor:
    f = PhoneFloor(*campaigns, **more)  # type: ignore[arg-type]
    f.up()
    f.log_in("1001")
    return f


def test_no_two_acts_of_one_situation_can_be_confused() -> None:
    assert set(DEFAULT_KEYS) == set(ACTS) and clashes(DEFAULT_KEYS) == []
    assert clashes({**DEFAULT_KEYS, "pause": "*1"}) == [
        (*sorted(("pause", "ready")), When.IDLE),
        (*sorted(("pause", "ready")), When.WRAP_UP),
    ]
    assert ("dispose", "ready", When.WRAP_UP) in clashes({**DEFAULT_KEYS, "ready": "7"})


def test_the_configuration_repeats_the_acts_as_they_are() -> None:
    letters = dict(zip("IPTCW", When, strict=True))
    told = {name: (keys, frozenset(letters[x] for x in where)) for name, (keys, where) in phones_schema.ACTS.items()}
    assert told == {name: (DEFAULT_KEYS[name], act.when) for name, act in ACTS.items()}
    argued = {name for name, act in ACTS.items() if act.argument and act.when & AFTERWARDS}
    assert set(phones_schema.ARGUED) == argued


def test_plain_digits_mean_something_in_wrap_up_only() -> None:
    assert table(DEFAULT_KEYS, When.WRAP_UP)[""] == "dispose"
    assert all("" not in table(DEFAULT_KEYS, when) for when in When if when is not When.WRAP_UP)


def test_ready_and_pause_by_key() -> None:
    f = floor()
    assert f.said(f.key("1001", "*1")) == ["ready"] and f.state("1001") == "ready"
    assert f.said(f.key("1001", "*1")) == ["already-ready"]
    assert f.said(f.key("1001", "*2")) == ["paused"] and f.state("1001") == "paused"


def test_a_pause_is_at_once_and_its_reason_follows() -> None:
    f = floor(pause_reasons=REASONS)
    f.key("1001", "*1")
    assert f.said(f.key("1001", "*2")) == ["enter-pause-reason"] and f.state("1001") == "paused"
    assert f.said(f.key("1001", "1")) == ["paused"] and f.agent("1001").reason == "lunch"


@pytest.mark.parametrize(("keys", "reason"), [("2#", "break"), ("21", "coaching"), ("", ""), ("2", "break")])
def test_a_reason_ends_with_the_hash_when_it_is_complete_or_by_silence(keys: str, reason: str) -> None:
    f = floor(pause_reasons=REASONS)
    f.key("1001", "*2" + keys)
    f.step(7)
    assert (f.state("1001"), f.agent("1001").reason) == ("paused", reason) and f.said()[-1] == "paused"


def test_an_unknown_reason_is_said_and_the_pause_stands() -> None:
    f = floor(pause_reasons=REASONS)
    assert f.said(f.key("1001", "*29"))[-1] == "unknown-reason"
    assert f.state("1001") == "paused"


def test_unknown_keys_and_known_ones_at_the_wrong_moment() -> None:
    f = floor()
    assert f.said(f.key("1001", "5")) == ["unknown-code"]
    assert f.said(f.key("1001", "*7")) == ["not-now"], "consult, but nobody is on the line"
    assert f.said(f.key("1001", "#")) == []
    f.key("1001", "*")
    assert f.said(f.step(3.1)) == ["cancelled"]
    assert f.state("1001") == "paused"


def test_a_star_cancels_an_argument() -> None:
    f = floor(pause_reasons={"10": "lunch", "11": "break"})
    out = f.key("1001", "*21*")
    assert f.said(out)[-1] == "cancelled" and f.agent("1001").typed is None
    assert f.said(f.step(10)) == []


def test_words_in_a_conversation_are_murmured_to_the_agent_alone() -> None:
    f = floor()
    call = f.serve("1001")
    out = f.key("1001", "*2")
    murmur = one(out, ph.Murmur)
    assert murmur.uuid == f.agent("1001").leg and murmur.prompts == ("pause-after-call",)
    none(out, ph.Say)
    f.hang_up(call)
    f.step(21)
    assert f.state("1001") == "paused"


def test_keys_of_a_customer_mean_nothing_to_us() -> None:
    f = floor()
    call = f.serve("1001")
    before = len(f.log)
    f.press(call, "*0*1#12")
    assert not [c for c in f.log[before:] if not isinstance(c, cmd.Note)] and f.state("1001") == "talking"


def test_a_disposition_by_its_place_in_the_list() -> None:
    f = floor()
    call = f.serve("1001")
    f.hang_up(call)
    out = f.key("1001", "2")
    assert one(out, cmd.SaveDisposition) == cmd.SaveDisposition(call, "1001", "no_interest", "", f.now - 0.5)
    assert f.said(out) == ["disposition-no-interest", "disposition-saved"]
    assert f.said(f.key("1001", "7")) == ["unknown-disposition"]


def test_codes_of_digits_are_keyed_in_as_they_are() -> None:
    codes = ("10", "11", "20", *(f"w{n}" for n in range(9)))
    f = floor(campaign("k1", dispositions=codes, wrap_up_s=60.0))
    call = f.serve("1001")
    f.hang_up(call)
    assert one(f.key("1001", "20"), cmd.SaveDisposition).code == "20"
    assert one(f.key("1001", "4#"), cmd.SaveDisposition).code == "w0"
    f.key("1001", "1")
    assert one(f.step(3), cmd.SaveDisposition).code == "10"


def test_after_wrap_up_there_is_nothing_to_dispose() -> None:
    f = floor()
    f.hang_up(f.serve("1001"))
    f.send(ev.AgentPause(1, "1001"))
    assert f.said(f.key("1001", "2")) == ["not-now"]


def test_a_callback_is_asked_for_in_three_steps() -> None:
    f = floor()
    call = f.serve("1001")
    f.hang_up(call)
    assert f.said(f.key("1001", "*4")) == ["enter-callback-day"]
    assert f.said(f.key("1001", "1#")) == ["enter-callback-hour"]
    assert f.said(f.key("1001", "14")) == ["enter-callback-minute"]
    out = f.key("1001", "30")
    request = one(out, RequestCallback)
    assert (request.attempt_id, request.due_at) == (call, 86400 + 14.5 * 3600)
    assert f.said(out) == ["callback-set", "day-tomorrow", "time-hour-14", "time-minute-30"]


def test_no_hour_is_no_callback() -> None:
    f = floor()
    f.hang_up(f.serve("1001"))
    f.key("1001", "*40#")
    assert f.said(f.step(7)) == ["no-input", "cancelled"] and not f.of(RequestCallback)
    assert f.said(f.key("1001", "*40#9930"))[-1] == "invalid-time"


def test_never_again_by_key_during_and_after_the_call() -> None:
    f = floor()
    call = f.serve("1001")
    assert one(f.key("1001", "*5"), AddDoNotCall).attempt_id == call
    f.hang_up(call)
    out = f.key("1001", "*5")
    assert one(out, AddDoNotCall).attempt_id == call and f.said(out) == ["dnc-added"]


def test_hang_up_and_keys_for_the_customers_menu() -> None:
    f = floor()
    call = f.serve("1001")
    out = f.key("1001", "*9912#")
    assert one(out, ph.SendKeys).keys == "12" and one(out, ph.SendKeys).uuid == call
    assert one(f.key("1001", "*#"), cmd.HangUp).uuid == call
    f.hang_up(call)
    assert f.outcome(call) == "connected" and f.state("1001") == "wrap_up"


def test_a_preview_is_accepted_or_skipped_by_one_key() -> None:
    f = floor(campaign("k1", mode=Mode.PREVIEW))
    f.key("1001", "*1")
    f.step(1)
    assert f.state("1001") == "previewing"
    assert f.said(f.key("1001", "2")) == ["skipped"]
    f.step(1)
    out = f.key("1001", "1")
    assert f.said(out) == ["dialing"] and one(out, cmd.OriginateCall)


def test_a_customer_who_comes_while_keys_are_typed_changes_what_they_mean() -> None:
    f = floor()
    f.key("1001", "*1")
    f.step(1)
    (call,) = f.dialed()
    f.press(f.agent("1001").leg, "*")
    f.talk(call)
    assert f.said(f.key("1001", "0")) == ["logout-after-call"]
    f.hang_up(call)
    f.step(21)
    assert f.state("1001") == "logged_out"


def test_an_agent_whose_phone_dies_while_typing_types_nothing_any_more() -> None:
    f = floor(pause_reasons=REASONS)
    f.phones = False
    f.key("1001", "*2")
    f.hang_up(f.agent("1001").leg)
    assert f.agent("1001").typed is None and f.live.timers.due(("key", "gap", "1001")) is None
    f.step(60)
    f.accounted()


def test_own_keys_of_a_centre() -> None:
    f = floor(keys={**DEFAULT_KEYS, "pause": "*77", "dispose": "*5", "do_not_call": "*55"[:2] + "1"})
    assert f.said(f.key("1001", "*77")) == ["paused"]
    assert f.said(f.key("1001", "*2")) == ["not-now"], "still begins something in a consultation"


# ---- keys of a conversation, pressed when the customer has left ----------------------------------------------


@pytest.mark.parametrize("early", ["", "*", "*9", "*99", "*991"])
@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.PREVIEW])
def test_a_menus_keys_are_neither_a_number_nor_a_result_when_the_customer_has_left(early: str, mode: Mode) -> None:
    f = floor(campaign("k1", mode=mode, wrap_up_s=1.0, dispositions=("sale", "no_interest")))
    if mode is Mode.PREVIEW:
        f.key("1001", "*1")
        f.step(1)
        f.key("1001", "1")
        call = f.dialed()[0]
        f.talk(call)
    else:
        call = f.serve("1001")
    leg = f.agent("1001").leg
    f.press(leg, early)
    first = len(f.log)
    f.hang_up(call)
    f.park(leg)
    f.press(leg, "*9912#".removeprefix(early))
    f.step(5)
    out = f.log[first:]
    for never in (SaveDisposition, ph.CheckNumber, ph.SendKeys, ph.OriginateParty):
        none(out, never)
    assert "not-now" in f.said(out)
    assert len(f.of(cmd.OpenAttempt, out)) == 0 or mode is Mode.PROGRESSIVE, "no lead is accepted by them"


def test_an_act_of_another_situation_is_never_done_with_what_was_keyed_in_too_soon() -> None:
    f = floor()
    f.key("1001", "*1")
    f.step(1)
    (call,) = f.dialed()
    f.press(f.agent("1001").leg, "*41")
    f.talk(call)
    out = f.press(f.agent("1001").leg, "002#")
    f.step(5)
    none(out, ph.Join)
    assert f.call(call).agent is f.agent("1001")
    assert f.said(f.key("1001", "*9")) == [] and f.said(f.key("1001", "0")) == ["not-now"], "no own call in a call"


def test_the_keys_of_an_own_call_are_no_beginning_of_those_for_a_customers_menu() -> None:
    assert ("dial", "send_keys", When.TALKING) in clashes({**DEFAULT_KEYS, "dial": "*9"})


def test_the_reason_of_a_pause_is_said_where_there_is_a_recording_of_it() -> None:
    f = floor(pause_reasons=REASONS, prompt_seconds={"paused": 0.5, "reason-lunch": 0.5, "enter-pause-reason": 1.0})
    assert f.said(f.key("1001", "*21"))[-2:] == ["paused", "reason-lunch"]
    assert f.said(f.key("1001", "*22#"))[-1:] == ["paused"]


# ---- on-call phones after a call ------------------------------------------------------------------------------


def served_on_call(**more: object) -> tuple[PhoneFloor, str]:
    """An on-call agent whose customer has just left; the leg."""
    rules = {"mode": Mode.PREVIEW, "preview_rings": False, "wrap_up_s": 20.0, "dispositions": ("sale", "no_interest")}
    f = PhoneFloor(campaign("k1", **rules), **more)  # type: ignore[arg-type]
    f.up()
    f.dial("c1", "*101001")
    f.press(one(f.log, ph.TakeLeg).uuid, "10019#")
    f.send(ev.LegHungUp(one(f.log, ph.TakeLeg).uuid, f.now, "NORMAL_CLEARING"))
    f.send(ev.AgentReady(1, "1001"))
    f.step(1)
    f.send(ev.PreviewAccept(2, "1001"))
    f.step(1)
    call = f.dialed()[0]
    f.talk(call)
    leg = f.agent("1001").leg
    f.hang_up(call)
    f.park(leg)
    f.step(1)
    assert f.state("1001") == "wrap_up" and f.agent("1001").leg == leg and f.said()[-1] == "enter-disposition"
    return f, leg


def test_an_on_call_agent_keys_in_the_result_and_is_let_go() -> None:
    f, leg = served_on_call()
    out = f.key("1001", "2")
    assert one(out, SaveDisposition).code == "no_interest"
    (last,) = [say for say in f.of(ph.Say, out) if say.last]
    assert last.uuid == leg and last.prompts == ("disposition-no-interest", "disposition-saved")
    f.send(ev.LegHungUp(leg, f.now, "NORMAL_CLEARING"))
    assert f.state("1001") == "wrap_up" and f.agent("1001").leg is None
    f.step(25)
    assert f.state("1001") in ("ready", "previewing") and not f.live.sessions
    f.accounted()


@pytest.mark.parametrize("how", ["time", "hang up", "ready", "pause", "lost", "logout"])
def test_an_on_call_phone_is_not_kept_longer_than_wrap_up(how: str) -> None:
    f, leg = served_on_call()
    if how == "hang up":
        f.send(ev.LegHungUp(leg, f.now, "NORMAL_CLEARING"))
        assert f.state("1001") == "wrap_up"
    elif how == "lost":
        f.lists = False
        f.send(ev.LegHungUp(leg, f.now, "MEDIA_TIMEOUT"))
        assert f.state("1001") == "wrap_up"
    elif how != "time":
        f.key("1001", {"ready": "*1", "pause": "*2", "logout": "*0"}[how])
    f.step(25)
    assert f.agent("1001").leg is None and leg not in f.live.legs
    assert f.state("1001") in {"pause": ("paused",), "logout": ("logged_out",)}.get(how, ("ready", "previewing"))
    f.step(10)
    f.accounted()


def test_an_on_call_agent_calls_somebody_in_wrap_up_over_the_open_line() -> None:
    f, leg = served_on_call()
    rung = len(f.of(cmd.OriginateAgent))
    f.send(ph.AgentAct(7, "1001", "dial", "s3"))
    party = one(f.log, ph.OriginateParty).uuid
    f.send(ev.OriginateReplied(party, True), ev.LegParked(party, f.now))
    assert one(f.log, ph.Join) == ph.Join("fs1", party, leg) and len(f.of(cmd.OriginateAgent)) == rung
    f.send(ph.AgentAct(8, "1001", "hang_up", ""))
    f.step(30)
    assert f.agent("1001").leg is None and f.state("1001") in ("ready", "previewing")
