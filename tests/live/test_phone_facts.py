"""What a real FreeSWITCH does with agents' and supervisors' phones, judged by what everybody hears.

Not tested here, because it kills the switch: ``sendmsg … call-command: unicast`` to a leg that still rings ends
FreeSWITCH 1.10.12 with a segmentation fault.
"""

from __future__ import annotations

import time
import uuid
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from harness.phone import YEALINK, Habit, Phone
from harness.phone_call import Call
from harness.phone_media import Samples, heard_tones, sine
from harness.phone_stage import AGENT, CUSTOMER, EVENTS, PARTY, SUPERVISOR, Director, PhoneStage
from harness.ports import Ports
from harness.waiting import until

from dialer.domain.commands import OriginateAgent
from dialer.switch.originate import agent as originate_agent

LOW, MIDDLE, HIGH = 400.0, 900.0, 2000.0
"""Tones of prompts."""
NUMBER = "12025550113"
LOGIN_NUMBER = "+493023125000"


@pytest.fixture(scope="module")
def phones(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneStage]:
    kept = ports.given()
    extra = {"phones": {"login_numbers": [LOGIN_NUMBER]}}
    with PhoneStage(tmp_path_factory.mktemp("phones"), ports, extra=extra) as stage:
        yield stage
    ports.release_all_but(kept)


@pytest.fixture
def play(phones: PhoneStage) -> Iterator[Director]:
    phones.carrier.habit = Habit(tone=CUSTOMER)
    with phones.switch.witness() as witness:
        witness.subscribe(EVENTS)
        director = Director(phones, witness)
        yield director
        director.clear()
    assert not phones.room.errors
    assert phones.switch.running


@pytest.fixture
def agent(phones: PhoneStage) -> Phone:
    return phones.seat(1001, AGENT)


@pytest.fixture
def prompts(tmp_path: Path) -> list[str]:
    """Three prompts of half a second."""
    found = []
    for hz in (LOW, MIDDLE, HIGH):
        file = tmp_path / f"{hz:.0f}.wav"
        with wave.open(str(file), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(sine(hz, 0.5).tobytes())
        found.append(str(file))
    return found


def _three(prompts: list[str]) -> str:
    return "file_string://" + "!".join(prompts)


# ---- a phone calls ---------------------------------------------------------------------------------------------


def test_a_phones_call_is_taken_over_and_is_a_line_from_then_on(play: Director, phones: PhoneStage) -> None:
    """Whose call it is comes from the digest; then three customers, one of them gone before the bridge."""
    phone = phones.seat(1002, AGENT)
    phone.invite_headers = [("X-dialer_seat", "1009"), ("P-dialer_seat", "1009")]
    call, leg = play.dial_in(phone, "*10", take=False)
    answered = play.witness.wait_for("CHANNEL_ANSWER", leg)
    assert answered["variable_dialer_seat"] == "1002"
    assert answered["variable_dialer_dialed"] == "*10"
    until(lambda: [r["presence_data"] for r in play.witness.channels()] == ["dialer/seat/1002@live"], 3.0, "the row")
    start = play.witness.mark()
    assert play.park(leg) == "+OK"
    play.witness.wait_for("CHANNEL_PARK", leg, 2.0, start)
    for early in (False, True, False):
        start = play.witness.mark()
        customer, customers_leg = play.customer()
        if early:
            play.witness.bgapi(f"uuid_bridge {customers_leg} {leg}")
            customer.hang_up()
            play.room.sleep(0.6)
            play.park(leg)  # there may be no CHANNEL_PARK by itself
        else:
            play.bridge(customers_leg, leg)
            assert play.heard(call, customer) == ["C", "A"]
            customer.hang_up()
        play.witness.wait_for("CHANNEL_PARK", leg, 3.0, start)
    call.hang_up()
    gone = play.witness.wait_for("CHANNEL_HANGUP_COMPLETE", leg)
    assert gone["variable_dialer_seat"] == "1002"


def test_a_phones_call_that_nobody_takes_ends_by_itself(play: Director, agent: Phone) -> None:
    call, leg = play.dial_in(agent, "99", take=False)
    said = play.witness.wait(
        lambda e: e.uuid == leg and e.name == "PLAYBACK_START" and "not-available" in e["Playback-File-Path"], 8.0, "it"
    )
    answered = play.witness.wait_for("CHANNEL_ANSWER", leg)
    assert said.at - answered.at == pytest.approx(5.0, abs=0.2)
    call.wait("ended", 10.0)


@pytest.mark.parametrize("dialed", [LOGIN_NUMBER, LOGIN_NUMBER.removeprefix("+")])
def test_an_outside_mobile_at_a_login_number_is_a_line_too(play: Director, phones: PhoneStage, dialed: str) -> None:
    start = play.witness.mark()
    call = phones.carrier.call(dialed, AGENT).wait("up")
    answered = play.witness.wait(lambda e: e.name == "CHANNEL_ANSWER", 5.0, "the answer", start)
    assert (answered["variable_dialer_seat"], answered["variable_dialer_dialed"]) == ("", "*10")
    assert play.park(answered.uuid) == "+OK"
    customer, _ = play.talk(answered.uuid)
    assert play.heard(call, customer) == ["C", "A"]
    start = play.witness.mark()
    customer.hang_up()
    play.witness.wait_for("CHANNEL_PARK", answered.uuid, 3.0, start)


def test_others_cannot_call(play: Director, phones: PhoneStage) -> None:
    """A wrong secret, what is no code, and any number from outside."""
    stranger = phones.room.phone("1003", phones.switch.seats_port, phones.switch.domain, "wrong")
    refused = [stranger.call("*10"), phones.seat(1004).call("abc"), phones.carrier.call("4930111")]
    for call, status in zip(refused, (403, 603, 603), strict=True):
        call.until(lambda call=call: call.state == "ended", 5.0, "refused")  # type: ignore[misc]
        assert call.status == status


# ---- parked legs -----------------------------------------------------------------------------------------------


def test_uuid_park_makes_a_leg_deaf_that_is_parked_again_and_a_transfer_cures_it(
    play: Director, agent: Phone, prompts: list[str]
) -> None:
    call, leg = play.line(agent)
    customer, _ = play.talk(leg)
    start = play.witness.mark()
    customer.hang_up()
    play.witness.wait_for("CHANNEL_PARK", leg, 3.0, start)
    until(lambda: play.state(leg)[0] == "CS_PARK", 2.0, "CS_PARK")

    def hears_and_speaks() -> tuple[bool, bool]:
        start, at = play.witness.mark(), time.monotonic()
        play.tell(f"uuid_broadcast {leg} playback::{prompts[0]} aleg")
        call.press("5")
        play.room.sleep(0.9)
        return bool(heard_tones(call.media.heard(at), [LOW])), "DTMF" in play.witness.names(leg, start)

    assert hears_and_speaks() == (True, True)
    assert play.tell(f"uuid_park {leg}").startswith("+OK")
    assert hears_and_speaks() == (False, False), "this FreeSWITCH does it better"
    assert play.park(leg) == "+OK"
    assert hears_and_speaks() == (True, True)


def test_prompts_in_a_row_keys_meanwhile_and_silence_at_once(play: Director, agent: Phone, prompts: list[str]) -> None:
    call, leg = play.dial_in(agent)
    start, at = play.witness.mark(), time.monotonic()
    play.tell(f"uuid_broadcast {leg} playback::{_three(prompts)} aleg")
    started = play.witness.wait_for("PLAYBACK_START", leg, 2.0, start)
    call.press("1*")
    call.press_info("7")
    stopped = play.witness.wait_for("PLAYBACK_STOP", leg, 4.0, start)
    assert stopped.at - started.at > 1.4
    keys = [(e["DTMF-Digit"], e["DTMF-Source"]) for e in play.witness.of(leg, start) if e.name == "DTMF"]
    assert sorted(keys) == [("*", "RTP"), ("1", "RTP"), ("7", "ENDPOINT")]
    order = [call.media.first_heard(hz, at) for hz in (LOW, MIDDLE, HIGH)]
    assert None not in order and order == sorted(order, key=lambda moment: moment or 0.0)
    play.tell(f"uuid_broadcast {leg} playback::{_three(prompts)} aleg")
    play.room.sleep(0.5)
    play.tell(f"uuid_break {leg} all")
    play.room.sleep(0.1)
    assert not heard_tones(_next(play, call, 0.4), (LOW, MIDDLE, HIGH))
    play.tell(f"uuid_break {leg} all")  # nothing plays: harmless
    at = time.monotonic()
    play.tell(f"uuid_broadcast {leg} playback::{prompts[1]} aleg")
    until(lambda: call.media.first_heard(MIDDLE, at), 2.0, "the next prompt")


@pytest.mark.parametrize(
    ("before_s", "stopped"),
    [(0.005, False), (0.1, False), (None, True)],
    ids=["asked just before", "a tenth before", "nothing to stop"],  # asked 40 ms after: the switch's race, either way
)
def test_a_bridge_ends_what_is_still_to_be_played(
    play: Director, agent: Phone, prompts: list[str], before_s: float | None, stopped: bool
) -> None:
    """And ``uuid_break`` where nothing plays harms neither the bridge nor the next prompt."""
    call, leg = play.line(agent)
    customer, customers_leg = play.customer()
    music = f"uuid_broadcast {leg} playback::file_string://" + "!".join([prompts[0]] * 60) + " aleg"
    start = play.witness.mark()
    if before_s is not None:
        play.witness.bgapi(music)
        play.room.sleep(before_s)
    play.witness.bgapi(f"uuid_bridge {customers_leg} {leg}")
    play.witness.wait_for("CHANNEL_BRIDGE", customers_leg, 3.0, start)
    play.room.sleep(0.3)
    if stopped:
        play.witness.bgapi(f"uuid_break {leg} all")
    play.room.sleep(0.3)
    since = time.monotonic()
    assert play.heard(call, customer) == ["C", "A"]
    assert heard_tones(call.media.heard(since), (LOW,)) != {LOW}
    start = play.witness.mark()
    customer.hang_up()
    play.witness.wait_for("CHANNEL_PARK", leg, 3.0, start)
    play.tell(f"uuid_broadcast {leg} playback::{_three(prompts)} aleg")
    assert heard_tones(_next(play, call, 2.0), (LOW, MIDDLE, HIGH)) == {LOW, MIDDLE, HIGH}


def test_whisper_costs_no_time_and_the_customer_hears_nothing_of_it(
    play: Director, agent: Phone, prompts: list[str]
) -> None:
    call, leg = play.line(agent)
    customer, customers_leg = play.customer()
    start, at = play.witness.mark(), time.monotonic()
    assert play.tell(f"uuid_displace {leg} start file_string://{prompts[0]}!{prompts[1]} 0 mux").startswith("+OK")
    play.bridge(customers_leg, leg)
    bridged = play.witness.wait_for("CHANNEL_BRIDGE", customers_leg, 2.0, start)
    play.room.sleep(1.5)
    assert bridged.at - at < 0.15
    assert heard_tones(call.media.heard(at + 0.3, at + 0.8), (LOW, CUSTOMER)) == {LOW, CUSTOMER}
    assert heard_tones(customer.media.heard(at), (LOW, MIDDLE, AGENT)) == {AGENT}


# ---- hold and a lost phone -------------------------------------------------------------------------------------


def test_the_phones_own_hold_button(play: Director, agent: Phone, prompts: list[str]) -> None:
    """The holding leg's hold_music is heard; a customer's end then looks like a resume, and is none."""
    call, leg = play.line(agent, f",hold_music={_three(prompts[:1] * 3)}")
    customer, _ = play.talk(leg)
    start = play.witness.mark()
    call.hold()
    play.witness.wait_for("CHANNEL_HOLD", leg, 2.0, start)
    play.room.sleep(0.5)
    assert LOW in heard_tones(_next(play, customer, 0.6), [LOW])
    call.resume()
    play.witness.wait_for("CHANNEL_UNHOLD", leg, 2.0, start)
    play.room.sleep(0.2)
    assert play.heard(call, customer) == ["C", "A"]
    call.hold()
    play.room.sleep(0.3)
    start = play.witness.mark()
    customer.hang_up()
    play.witness.wait_for("CHANNEL_UNHOLD", leg, 2.0, start)
    assert "a=sendonly" in play.tell(f"uuid_getvar {leg} switch_r_sdp"), "still on hold, in truth"
    start = play.witness.mark()
    call.resume()
    until(lambda: "a=sendonly" not in play.tell(f"uuid_getvar {leg} switch_r_sdp"), 2.0, "the resume")
    assert "CHANNEL_UNHOLD" not in play.witness.names(leg, start)


@pytest.mark.parametrize("parked", [False, True])
def test_the_switch_forgets_the_hold_of_a_parked_phone_without_a_word(
    play: Director, agent: Phone, prompts: list[str], parked: bool
) -> None:
    """Bridged or transferred: the list says ACTIVE, the phone holds on, and not even its resume makes an event."""
    call, leg = play.line(agent, f",hold_music={_three(prompts[:1] * 3)}")
    customer, customers_leg = play.customer()
    start = play.witness.mark()
    call.hold()
    play.witness.wait_for("CHANNEL_HOLD", leg, 2.0, start)
    start = play.witness.mark()
    if parked:
        play.park(leg)
        play.witness.wait_for("CHANNEL_PARK", leg, 2.0, start)
    else:
        play.bridge(customers_leg, leg)
    play.room.sleep(0.5)
    states = {row["uuid"]: row["callstate"] for row in play.witness.channels()}
    assert states[leg] == "ACTIVE" and "a=sendonly" in play.tell(f"uuid_getvar {leg} switch_r_sdp")
    assert not heard_tones(_next(play, customer, 0.4), (LOW, AGENT))
    call.resume()
    until(lambda: "a=sendonly" not in play.tell(f"uuid_getvar {leg} switch_r_sdp"), 2.0, "the resume")
    play.room.sleep(0.3)
    assert not {"CHANNEL_HOLD", "CHANNEL_UNHOLD"} & set(play.witness.names(leg, start))
    if not parked:
        assert play.heard(call, customer) == ["C", "A"]


def test_uuid_hold_leaves_the_phone_on_hold_when_the_customer_ends(play: Director, agent: Phone) -> None:
    call, leg = play.line(agent)
    customer, _ = play.talk(leg)
    play.tell(f"uuid_hold {leg}")
    play.room.sleep(0.3)
    customer.hang_up()
    play.room.sleep(0.5)
    assert call.their_direction == "sendonly", "this FreeSWITCH does it better"
    assert play.tell(f"uuid_hold off {leg}").startswith("-ERR")
    assert play.tell(f"uuid_hold {leg}").startswith("+OK")
    assert play.tell(f"uuid_hold off {leg}").startswith("+OK")
    call.until(lambda: call.their_direction == "sendrecv", 2.0, "taken back")


def test_a_silent_phone_is_lost_unless_it_holds_and_the_next_reinvite_says_otherwise(
    play: Director, agent: Phone
) -> None:
    """media_timeout counts on hold, too; the variable is what the next re-INVITE sets."""
    call, leg = play.line(agent, ",media_timeout=1500")
    play.tell(f"uuid_setvar {leg} media_timeout 6000")
    call.hold()
    play.room.sleep(2.5)
    assert play.state(leg)[0], "cut while it held"
    play.tell(f"uuid_setvar {leg} media_timeout 1500")
    call.resume()
    play.room.sleep(0.5)
    at = time.monotonic()
    call.media.sends = False
    gone = play.witness.wait_for("CHANNEL_HANGUP", leg, 5.0)
    assert gone["Hangup-Cause"] == "MEDIA_TIMEOUT"
    assert gone.at - at == pytest.approx(1.5, abs=0.4)


def test_a_customer_survives_the_agents_lost_phone(play: Director, phones: PhoneStage) -> None:
    phone = phones.seat(1006)
    _, leg = play.line(phone, ",media_timeout=1500")
    _, customers_leg = play.talk(leg)
    start = play.witness.mark()
    phone.vanish()
    play.witness.wait_for("CHANNEL_PARK", customers_leg, 4.0, start)
    assert play.witness.wait_for("CHANNEL_HANGUP_COMPLETE", leg, 4.0, start)["Hangup-Cause"] == "MEDIA_TIMEOUT"


# ---- parties and supervisors -----------------------------------------------------------------------------------


def test_consult_conference_and_transfer(play: Director, agent: Phone, phones: PhoneStage) -> None:
    call, leg = play.line(agent)
    party, party_leg = play.line(phones.seat(1007, PARTY))
    customer, customers_leg = play.talk(leg)
    play.bridge(party_leg, leg)
    assert play.heard(call, party, customer) == ["X", "A", ""]
    play.bridge(customers_leg, leg)
    assert play.tell(f"uuid_transfer {party_leg} 'three_way:{leg},park' inline").startswith("+OK")
    play.room.sleep(0.3)
    assert play.heard(call, party, customer) == ["CX", "AC", "AX"]
    start = play.witness.mark()
    play.bridge(customers_leg, party_leg)
    play.witness.wait_for("CHANNEL_PARK", leg, 2.0, start)
    assert play.heard(call, party, customer) == ["", "C", "X"]


def test_a_third_party_stays_with_the_agent_when_the_customer_ends(
    play: Director, agent: Phone, phones: PhoneStage
) -> None:
    call, leg = play.line(agent)
    party, party_leg = play.line(phones.seat(1007, PARTY))
    customer, _ = play.talk(leg)
    play.tell(f"uuid_transfer {party_leg} 'three_way:{leg},park' inline")
    play.room.sleep(0.3)
    start = play.witness.mark()
    customer.hang_up()
    play.witness.wait_for("CHANNEL_PARK", leg, 2.0, start)
    assert play.heard(call, party) == ["X", "A"]
    play.park(party_leg)
    play.room.sleep(0.2)
    assert play.heard(call, party) == ["", ""]


def test_listen_whisper_barge_jump_and_take_over(play: Director, agent: Phone, phones: PhoneStage) -> None:
    call, leg = play.line(agent)
    other_call, other = play.line(phones.seat(1007, PARTY))
    boss, boss_leg = play.dial_in(phones.seat(1008, SUPERVISOR), "*20")
    customer, customers_leg = play.talk(leg)

    def listen(target: str) -> None:
        start = play.witness.mark()
        play.tell(f"uuid_transfer {boss_leg} 'eavesdrop:{target},park' inline")
        play.witness.wait(lambda e: e.application == f"eavesdrop {target}", 2.0, "eavesdrop", start)
        play.room.sleep(0.2)

    def heard(keys: str) -> list[str]:
        play.tell(f"uuid_recv_dtmf {boss_leg} {keys}")
        play.room.sleep(0.2)
        return play.heard(call, customer, boss)

    listen(leg)
    assert play.heard(call, customer, boss) == ["C", "A", "AC"]
    assert heard("2") == ["CS", "A", "AC"]
    assert heard("3") == ["CS", "AS", "AC"]
    assert heard("0") == ["C", "A", "AC"]
    listen(other)
    assert play.heard(call, other_call, boss) == ["C", "", "X"]
    listen(leg)
    start = play.witness.mark()
    play.bridge(customers_leg, boss_leg)
    play.witness.wait_for("CHANNEL_PARK", leg, 2.0, start)
    assert play.heard(call, customer, boss) == ["", "S", "C"]
    customer.hang_up()
    play.witness.wait_for("CHANNEL_PARK", boss_leg, 2.0, start)


def test_the_agents_end_frees_the_supervisor_and_the_customer(play: Director, agent: Phone, phones: PhoneStage) -> None:
    call, leg = play.line(agent)
    boss, boss_leg = play.dial_in(phones.seat(1008, SUPERVISOR), "*20")
    _, customers_leg = play.talk(leg)
    play.tell(f"uuid_transfer {boss_leg} 'eavesdrop:{leg},park' inline")
    play.room.sleep(0.3)
    start = play.witness.mark()
    call.hang_up()
    play.witness.wait_for("CHANNEL_PARK", boss_leg, 2.0, start)
    play.witness.wait_for("CHANNEL_PARK", customers_leg, 2.0, start)
    assert boss.state == "up"


# ---- recording and hearing -------------------------------------------------------------------------------------


def test_a_recording_is_stereo_masked_and_says_whose_it_is(play: Director, agent: Phone, tmp_path: Path) -> None:
    _, leg = play.line(agent)
    customer, customers_leg = play.talk(leg)
    file = tmp_path / "made" / "by" / "the-switch.wav"
    play.tell(f"uuid_record {customers_leg} start {file} 0 {{RECORD_STEREO=true,dialer_recording=r-1}}")
    play.room.sleep(1.0)
    play.tell(f"uuid_record {customers_leg} mask {file}")
    play.room.sleep(1.0)
    play.tell(f"uuid_record {customers_leg} unmask {file}")
    play.room.sleep(1.0)
    customer.hang_up()
    stopped = play.witness.wait_for("RECORD_STOP", customers_leg)
    assert stopped["Record-File-Path"] == str(file)
    assert stopped["Recording-Variable-dialer_recording"] == "r-1"
    with wave.open(str(file)) as sound:
        sides = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").reshape(-1, 2)
    assert len(sides) / 8000 == pytest.approx(3.0, abs=0.4)
    assert int(stopped["variable_record_ms"]) == pytest.approx(len(sides) / 8, abs=60)
    for side, tone in enumerate((CUSTOMER, AGENT)):
        assert heard_tones(sides[:7000, side], (CUSTOMER, AGENT)) == {tone}
        assert not heard_tones(sides[10000:14000, side], (CUSTOMER, AGENT))
        assert heard_tones(sides[-6000:, side], (CUSTOMER, AGENT)) == {tone}


@pytest.mark.parametrize("early", [False, True])
def test_the_callee_is_heard_from_a_growing_file(
    play: Director, phones: PhoneStage, tmp_path: Path, early: bool
) -> None:
    """While it waits, and before the answer on early media, without any bridge; nothing is missing."""
    phones.carrier.habit = Habit(tone=CUSTOMER, early=early, answer_s=1.0 if early else 0.2)
    file, leg, start = tmp_path / "heard.raw", "", play.witness.mark()
    play.witness.bgapi(
        f"originate {{ignore_early_media=false,originate_timeout=15}}sofia/gateway/carrier/{NUMBER} "
        "'wait_for_answer,playback:silence_stream://4000,hangup:NORMAL_CLEARING' inline"
    )
    wanted = "CHANNEL_PROGRESS_MEDIA" if early else "CHANNEL_ANSWER"
    leg = play.witness.wait(lambda e: e.name == wanted, 5.0, wanted, start).uuid
    variables = "{RECORD_READ_ONLY=true,RECORD_STEREO=false,enable_file_write_buffering=false}"
    assert play.tell(f"uuid_record {leg} start {file} 0 {variables}").startswith("+OK")
    play.room.sleep(0.9)
    sound = np.fromfile(file, dtype="<i2")
    assert len(sound) / 8000 == pytest.approx(0.9, abs=0.15)
    assert heard_tones(sound, (CUSTOMER,)) == {CUSTOMER}
    answered = play.witness.wait_for("CHANNEL_ANSWER", leg, 3.0)
    waits = play.witness.wait_for("PLAYBACK_START", leg, 3.0)
    assert waits.at - answered.at < 0.2


def test_a_customers_star_skips_a_wait_unless_told_otherwise(play: Director) -> None:
    for extra, skips in (("", False), (",playback_terminators=*", True)):
        call, leg = play.customer(extra, wait_ms=2000)
        start, at = play.witness.mark(), time.monotonic()
        play.room.sleep(0.2)
        call.press("*")
        play.witness.wait_for("PLAYBACK_STOP", leg, 4.0, start)
        assert (time.monotonic() - at < 1.2) is skips
        assert "DTMF" in play.witness.names(leg, start)


def test_a_customer_is_rescued_by_the_switch_when_the_agents_leg_dies(
    play: Director, agent: Phone, prompts: list[str]
) -> None:
    """Again and again; with the campaign's message at the end."""
    rescue = f",transfer_after_bridge=dialer_rescue:XML:dialer,dialer_message={prompts[0]}"
    customer, customers_leg = play.customer(rescue)
    for _ in range(2):
        call, leg = play.line(agent)
        play.bridge(customers_leg, leg)
        start = play.witness.mark()
        call.hang_up()
        play.witness.wait_for("PLAYBACK_START", customers_leg, 2.0, start)
    at = time.monotonic()
    customer.wait("ended", 8.0)
    assert heard_tones(customer.media.heard(at + 3.9, at + 4.6), [LOW]) == {LOW}


# ---- what phones are told --------------------------------------------------------------------------------------


def test_no_message_to_a_seat_holds_the_customers_number(play: Director, phones: PhoneStage) -> None:
    """A phone whose display FreeSWITCH would update, through a bridge, a hold, a conference and a supervision."""
    phone, other = phones.seat(1009, agent=YEALINK), phones.seat(1010, PARTY, agent="snom300/8.7.5.35")
    call, leg = play.dial_in(phone)
    _, other_leg = play.line(other)
    customer, customers_leg = play.talk(leg)
    call.hold()
    play.room.sleep(0.3)
    call.resume()
    play.room.sleep(0.4)
    play.tell(f"uuid_transfer {other_leg} 'three_way:{leg},park' inline")
    play.room.sleep(0.3)
    play.bridge(customers_leg, other_leg)
    play.tell(f"uuid_transfer {leg} 'eavesdrop:{other_leg},park' inline")
    play.room.sleep(0.5)
    customer.hang_up()
    play.room.sleep(0.4)
    for each in (phone, other):
        told = [message.text() for message in each.messages()]
        assert len(told) > 5
        assert not [text for text in told if NUMBER[-9:] in text]
    assert not [m for m in phones.carrier.messages() if "1009" in m.get("From") + m.get("P-Asserted-Identity")]


def test_auto_answer_is_asked_for_in_every_usual_way(play: Director, agent: Phone) -> None:
    alert = "<http://127.0.0.1>;info=alert-autoanswer;delay=0"
    call, _ = play.line(agent, f",sip_auto_answer=true,sip_h_Alert-Info='{alert}',sip_h_Answer-Mode=Auto")
    assert call.invite is not None
    assert ";intercom=true" in call.invite.start
    assert call.invite.get("Call-Info").endswith("answer-after=0")
    assert (call.invite.get("Alert-Info"), call.invite.get("Answer-Mode")) == (alert, "Auto")


def test_the_dialers_own_originate_asks_for_auto_answer_in_every_usual_way(play: Director, agent: Phone) -> None:
    leg = str(uuid.uuid4())
    address = f"user/{agent.user}@{play.stage.switch.domain}"
    rung = OriginateAgent("n", leg, "a1", address, "internal", 20.0, True, 0.0, "dialer", "e")
    before = len(agent.calls)
    play.witness.bgapi(originate_agent(rung).line())
    invite = agent.next_call(5.0, before).invite
    assert invite is not None and ";intercom=true" in invite.start
    assert invite.get("Alert-Info") == "<http://127.0.0.1>;info=alert-autoanswer;delay=0"
    assert invite.get("Call-Info").endswith("answer-after=0") and invite.get("Answer-Mode") == "Auto"


def test_a_phone_behind_a_router(play: Director, phones: PhoneStage) -> None:
    """Its messages and its session description name an address that nobody reaches."""
    phone = phones.seat(1011, contact_host="192.168.77.7")
    call, leg = play.line(phone)
    customer, _ = play.talk(leg)
    play.room.sleep(0.3)
    assert play.heard(call, customer) == ["C", "A"]
    play.tell(f"uuid_kill {leg}")
    call.wait("ended", 3.0)


def _next(play: Director, call: Call, for_s: float) -> Samples:
    start = time.monotonic()
    play.room.sleep(for_s)
    return call.media.heard(start)
