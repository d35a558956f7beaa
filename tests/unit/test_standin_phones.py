"""The virtual switch from the phones' side: keys, calls to us, hold, supervision, recordings, phones that vanish, and
above all who hears whom.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from freeswitch.standin.switch import Limits, Switch, SwitchEvent, Timing
from freeswitch.standin.world import CallPlan, PhonePlan, World, WorldSpec

STAYS = CallPlan(ring_s=0.01, final_s=0.05)
MUSIC = "/music.wav"
EPOCH = 1_795_308_000.0


class Floor:
    """A switch with customers 1 and 2, agents on seats 100 and 101, a supervisor on 200; time moves by `wait`."""

    def __init__(self, scripted: Mapping[str, CallPlan] | None = None, **spec: Any) -> None:
        world = WorldSpec(
            scripted={"1": STAYS, "2": STAYS, **(scripted or {})},
            phone_answer_min_s=0.01,
            phone_answer_max_s=0.01,
            **spec,
        )
        self.switch = Switch(
            World(world, random.Random(1)),
            random.Random(2),
            limits=Limits(0, 0),
            timing=Timing(),
            epoch_s=EPOCH,
            heartbeat_s=None,
        )
        self.now = 0.0
        self.events: list[SwitchEvent] = []

    def do(self, line: str) -> str:
        return self.switch.api(line, self.now)

    def wait(self, seconds: float) -> list[SwitchEvent]:
        """The events of this time."""
        self.now += seconds
        self.switch.advance(self.now)
        found = self.switch.take_events()
        self.events += found
        return found

    def dial(self, uuid: str, where: str, variables: str = "", then: str = "&park()") -> None:
        self.do(f"originate {{origination_uuid={uuid},ignore_early_media=true{variables}}}{where} {then}")
        self.wait(0.3)

    def agent(self, uuid: str = "A", user: str = "100", variables: str = "") -> None:
        extra = f",park_after_bridge=true,send_silence_when_idle=-1,bridge_filter_dtmf=true{variables}"
        self.dial(uuid, f"user/{user}", extra)

    def customer(self, uuid: str = "C", number: str = "1", variables: str = "") -> None:
        self.dial(uuid, f"sofia/gateway/g/{number}", variables)

    def talk(self, variables: str = "") -> None:
        """Agent A with customer C."""
        self.agent()
        self.customer(variables=variables)
        self.do("uuid_bridge C A")
        self.wait(0.3)

    def hears(self, **expected: str) -> None:
        """What each leg hears: names of legs and paths of files, with blanks between them."""
        found = {leg: self.switch.heard(leg) for leg in expected}
        assert {leg: " ".join(short(sound) for sound in sounds) for leg, sounds in found.items()} == expected

    def record(self, uuid: str) -> dict[str, Any]:
        legs = json.loads(self.do("standin_audit"))["legs"]
        return next(leg for leg in legs if leg["uuid"] == uuid)

    def alive(self) -> str:
        return "".join(sorted(uuid for uuid, leg in self.switch.legs.items() if leg.alive))


def short(sound: str) -> str:
    return sound.removeprefix("leg:").removeprefix("file:")


def names(events: list[SwitchEvent], uuid: str) -> list[str]:
    return [event.name for event in events if event.get("Unique-ID") == uuid]


def keys_of(events: list[SwitchEvent], uuid: str) -> str:
    return "".join(e.get("DTMF-Digit") or "" for e in events if e.name == "DTMF" and e.get("Unique-ID") == uuid)


# ---- keys --------------------------------------------------------------------------------------------------


def test_a_key_is_one_event_without_variables_and_stays_with_a_filtered_leg() -> None:
    floor = Floor()
    floor.talk()
    assert floor.do("standin_press 100 *7#") == "+OK\n"
    assert floor.do("standin_press 1 9") == "+OK\n"
    events = floor.wait(0.5)
    assert keys_of(events, "A") == "*7#" and keys_of(events, "C") == "9"
    event = next(event for event in events if event.name == "DTMF")
    assert not any(name.startswith("variable_") for name in event.headers)
    assert (event.get("DTMF-Source"), event.get("DTMF-Duration")) == ("RTP", "960")
    assert floor.record("C")["heard_keys"] == []
    (heard,) = floor.record("A")["heard_keys"]
    assert heard[1] == "9" and heard[0] - EPOCH == pytest.approx(floor.now - 0.4, abs=0.03)


def test_keys_by_command_arrive_on_the_side_that_was_named() -> None:
    floor = Floor()
    floor.talk()
    assert floor.do("uuid_send_dtmf C 46@100") == "+OK C sent DTMF 46@100.\n"
    assert floor.do("uuid_recv_dtmf A 2") == "+OK A received DTMF 2.\n"
    events = floor.wait(0.5)
    assert keys_of(events, "A") == "2" and keys_of(events, "C") == ""
    assert next(event for event in events if event.name == "DTMF").get("DTMF-Source") == "APP"
    assert [key for _, key in floor.record("C")["heard_keys"]] == ["4", "6"]
    assert floor.do("uuid_send_dtmf nobody 1") == "-ERR Cannot locate session!\n"
    assert floor.do("uuid_recv_dtmf C").startswith("-USAGE")


def test_a_star_ends_what_is_played_to_a_leg_unless_told_otherwise() -> None:
    for variables, stops in (("", True), (",playback_terminators=none", False)):
        floor = Floor()
        floor.agent(variables=variables)
        floor.do("uuid_broadcast A /long.wav aleg")
        floor.wait(0.5)
        floor.do("standin_press A 5*")
        events = floor.wait(0.1)
        assert ("PLAYBACK_STOP" in names(events, "A")) is stops
        floor.hears(A="" if stops else "/long.wav")


def test_a_callee_presses_keys_by_itself() -> None:
    floor = Floor({"3": CallPlan(ring_s=0.01, final_s=0.05, keys="1#", keys_s=0.2)})
    floor.customer("C", "3")
    floor.wait(2.0)
    assert keys_of(floor.events, "C") == "1#"


# ---- prompts -----------------------------------------------------------------------------------------------


def test_prompts_are_played_one_after_the_other_and_can_be_stopped() -> None:
    floor = Floor(file_durations_s={"a.wav": 1.0, "b.wav": 2.0})
    floor.agent()
    floor.do("uuid_broadcast A playback::file_string:///s/a.wav!/s/b.wav aleg")
    floor.do("uuid_broadcast A playback::/s/a.wav aleg")
    floor.wait(0.5)
    floor.hears(A="file_string:///s/a.wav!/s/b.wav")
    floor.wait(3.0)
    floor.hears(A="/s/a.wav")
    floor.do("uuid_broadcast A playback::/s/b.wav aleg")
    assert floor.do("uuid_break A all") == "+OK\n"
    events = [event for event in floor.wait(1.0) if event.get("Unique-ID") == "A"]
    assert [event.name for event in events] == ["PLAYBACK_STOP", "CHANNEL_EXECUTE_COMPLETE"]
    assert events[0].get("Playback-Status") == "break" and events[1].get("Application-Response") == "FILE PLAYED"
    floor.hears(A="")
    spans = [[round(until - since, 2), sounds] for since, until, sounds in floor.record("A")["heard"] if sounds]
    assert [sounds for _, sounds in spans] == [["file:file_string:///s/a.wav!/s/b.wav"], ["file:/s/a.wav"]]
    assert spans[0][0] == pytest.approx(3.0, abs=0.01)
    assert floor.do("uuid_break nobody") == "-ERR No such channel!\n"


def test_a_bridge_ends_what_is_still_to_be_played() -> None:
    floor = Floor(file_durations_s={"a.wav": 1.0})
    floor.agent()
    floor.customer()
    floor.do("uuid_broadcast A playback::/s/a.wav aleg")
    floor.do("uuid_broadcast A playback::/s/a.wav aleg")
    floor.wait(0.5)
    floor.do("uuid_bridge C A")
    floor.wait(0.5)
    floor.hears(A="C", C="A")
    floor.do("uuid_broadcast A playback::/s/a.wav aleg")
    floor.wait(0.5)
    floor.hears(A="/s/a.wav", C="")


def test_a_break_ends_a_wait_of_the_dialplan_and_goes_on_with_the_next_step() -> None:
    floor = Floor()
    floor.dial("C", "sofia/gateway/g/1", then="'m:^:playback:silence_stream://9000^playback:/m.wav' inline")
    floor.hears(C="")
    floor.do("uuid_break C")
    floor.hears(C="/m.wav")


def test_a_displacing_sound_is_heard_by_its_leg_alone_and_beside_or_instead_of_the_partner() -> None:
    floor = Floor(file_durations_s={"beep.wav": 0.5})
    floor.talk()
    assert floor.do("uuid_displace A start /beep.wav 0 mux") == "+OK Success\n"
    assert floor.do("uuid_displace A start /beep.wav 0 mux") == "-ERR Cannot displace session!\n"
    floor.hears(A="C /beep.wav", C="A")
    floor.wait(0.6)
    floor.hears(A="C", C="A")
    floor.do("uuid_displace A start /beep.wav")
    floor.hears(A="/beep.wav", C="A")
    assert floor.do("uuid_displace A stop /beep.wav") == "+OK Success\n"
    assert floor.do("uuid_displace A stop /beep.wav").startswith("-ERR")
    floor.hears(A="C", C="A")


@pytest.mark.parametrize("silence", ["-1", "0"])
def test_a_displacing_sound_on_a_parked_leg_needs_frames_that_go_out(silence: str) -> None:
    floor = Floor(file_durations_s={"beep.wav": 0.5})
    floor.agent(variables=f",send_silence_when_idle={silence}")
    floor.customer()
    floor.do("uuid_displace A start /beep.wav 0 mux")
    floor.hears(A="/beep.wav" if silence == "-1" else "")
    floor.wait(1.0)
    floor.do("uuid_bridge C A")
    floor.wait(0.1)
    floor.hears(A="C" if silence == "-1" else "C /beep.wav")


# ---- hold --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["uuid_hold A|uuid_hold off A", "standin_hold 100|standin_hold 100 off"])
def test_hold_plays_music_to_the_partner_and_taking_back_stops_it(way: str) -> None:
    on, off = way.split("|")
    floor = Floor()
    floor.agent(variables=f",hold_music={MUSIC}")
    floor.customer()
    floor.do("uuid_bridge C A")
    floor.wait(0.3)
    assert floor.do(on).startswith("+OK")
    events = floor.wait(0.5)
    assert names(events, "A") == ["CHANNEL_CALLSTATE", "CHANNEL_HOLD"]
    floor.hears(A="", C=MUSIC)
    row = next(row for row in json.loads(floor.do("show channels as json"))["rows"] if row["uuid"] == "A")
    assert (row["callstate"], row["application"]) == ("HELD", "")
    assert floor.do(on).startswith("-ERR")
    assert floor.do(off).startswith("+OK")
    events = floor.wait(0.5)
    assert [name for name in names(events, "A") if name != "CHANNEL_CALLSTATE"] == ["CHANNEL_UNHOLD"]
    assert names(events, "C") == ["PLAYBACK_STOP", "CHANNEL_EXECUTE_COMPLETE"]
    floor.hears(A="C", C="A")
    assert floor.do("uuid_hold nobody") == "+OK Success\n" and floor.do("uuid_hold off A").startswith("-ERR")


def test_without_music_the_partner_of_a_held_leg_hears_nothing() -> None:
    floor = Floor()
    floor.talk()
    floor.do("uuid_hold A")
    assert names(floor.wait(1.0), "C") == []
    floor.hears(A="", C="")


def test_who_hangs_up_while_holding_takes_the_partner_along() -> None:
    floor = Floor()
    floor.talk(",park_after_bridge=true")
    floor.do("uuid_hold A")
    floor.do("standin_hangup A")
    floor.wait(0.2)
    assert floor.alive() == ""
    floor = Floor()
    floor.talk()
    floor.do("uuid_hold A")
    floor.do("standin_hangup C")
    events = floor.wait(0.2)
    assert floor.alive() == "A" and names(events, "A")[-1] == "CHANNEL_PARK"
    assert "CHANNEL_UNHOLD" in names(events, "A")


def test_a_new_bridge_takes_a_held_leg_back() -> None:
    floor = Floor()
    floor.talk(",park_after_bridge=true")
    floor.customer("X", "2", ",park_after_bridge=true")
    floor.do("uuid_hold A")
    floor.do("uuid_bridge X A")
    floor.wait(0.3)
    floor.hears(A="X", X="A", C="")
    assert floor.alive() == "ACX"


@pytest.mark.parametrize("command", ["uuid_bridge C A", "uuid_bridge A C", "uuid_transfer A park inline"])
def test_the_switch_forgets_the_hold_of_a_parked_phone_without_a_word(command: str) -> None:
    """Bridged or transferred: the list says ACTIVE, the phone holds on, and not even its resume makes an event."""
    floor = Floor()
    floor.agent(variables=f",hold_music={MUSIC}")
    floor.customer()
    floor.do("standin_hold A")
    floor.wait(0.5)
    floor.do(command)
    assert not {"CHANNEL_HOLD", "CHANNEL_UNHOLD"} & set(names(floor.wait(0.5), "A"))
    row = next(row for row in json.loads(floor.do("show channels as json"))["rows"] if row["uuid"] == "A")
    assert row["callstate"] == "ACTIVE" and "a=sendonly" in floor.do("uuid_getvar A switch_r_sdp")
    floor.hears(A="", C="")
    floor.do("standin_hold A off")
    assert "CHANNEL_UNHOLD" not in names(floor.wait(0.5), "A")
    if "bridge" in command:
        floor.hears(A="C", C="A")


def test_a_phone_that_holds_while_it_is_being_bridged_holds_the_customer() -> None:
    floor = Floor()
    floor.agent(variables=f",hold_music={MUSIC}")
    floor.customer()
    floor.do("uuid_bridge C A")
    floor.wait(0.035)
    floor.do("standin_hold A")
    floor.wait(0.5)
    floor.hears(A="", C=MUSIC)
    floor.do("standin_hold A off")
    assert "CHANNEL_UNHOLD" in names(floor.wait(0.5), "A")
    floor.hears(A="C", C="A")


# ---- transfers and conferences -----------------------------------------------------------------------------


def test_consultation_conference_and_completion_with_the_customer_parked_in_between() -> None:
    floor = Floor()
    floor.talk(",park_after_bridge=true")
    floor.customer("X", "2", ",park_after_bridge=true")
    floor.do("uuid_bridge X A")
    floor.wait(0.3)
    floor.hears(A="X", X="A", C="")
    floor.do("uuid_bridge C A")
    floor.wait(0.3)
    floor.hears(A="C", C="A", X="")
    assert floor.do("uuid_transfer X 'three_way:A' inline") == "+OK\n"
    floor.wait(0.3)
    floor.hears(A="C X", C="A X", X="A C")
    floor.do("uuid_bridge C X")
    floor.wait(0.3)
    floor.hears(A="", C="X", X="C")
    assert floor.alive() == "ACX"


def test_the_third_party_leaves_a_conference_or_the_agent_does() -> None:
    for leaver, left in (("X", "AC"), ("A", "")):
        floor = Floor()
        floor.talk()
        floor.customer("X", "2", ",park_after_bridge=true")
        floor.do("uuid_transfer X 'three_way:A' inline")
        floor.wait(0.3)
        floor.do(f"standin_hangup {leaver}")
        floor.wait(0.3)
        assert floor.alive() == left, leaver
        if left:
            floor.hears(A="C", C="A")


def test_blind_transfer_parks_the_agent_and_a_refused_party_leaves_nothing() -> None:
    floor = Floor({"9": CallPlan(sip_status=486, ring_s=None, final_s=0.05)})
    floor.talk()
    floor.agent("B", "101")
    floor.do("uuid_bridge C B")
    floor.wait(0.3)
    floor.hears(A="", B="C", C="B")
    floor.switch.bgapi("originate {origination_uuid=P}sofia/gateway/g/9 &park()", "j", floor.now)
    job = next(event for event in floor.wait(0.5) if event.get("Job-UUID") == "j")
    assert job.body == "-ERR USER_BUSY\n" and floor.alive() == "ABC"


# ---- supervision -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "heard"),
    [
        ("0", {"A": "C", "C": "A", "S": "A C"}),
        ("2", {"A": "C S", "C": "A", "S": "A C"}),
        ("1", {"A": "C", "C": "A S", "S": "A C"}),
        ("3", {"A": "C S", "C": "A S", "S": "A C"}),
        ("7", {"A": "C", "C": "A", "S": "A C"}),
    ],
)
def test_an_eavesdroppers_keys_choose_who_hears_it(key: str, heard: dict[str, str]) -> None:
    floor = Floor()
    floor.talk()
    floor.dial("S", "user/200", then="&eavesdrop(A)")
    floor.hears(A="C", C="A", S="A C")
    floor.do(f"uuid_recv_dtmf S {key}")
    floor.hears(**heard)
    floor.do("standin_press 200 0")
    floor.hears(A="C", C="A", S="A C")


def test_on_the_customers_leg_the_keys_are_swapped() -> None:
    floor = Floor()
    floor.talk()
    floor.dial("S", "user/200", then="&eavesdrop(C)")
    floor.do("uuid_recv_dtmf S 2")
    floor.hears(A="C", C="A S")


def test_an_eavesdropper_stays_with_the_agent_through_changes_of_customer() -> None:
    floor = Floor()
    floor.agent()
    floor.dial("S", "user/200", then="&eavesdrop(A)")
    floor.do("uuid_recv_dtmf S 2")
    floor.hears(A="S", S="A")
    floor.customer()
    floor.do("uuid_bridge C A")
    floor.wait(0.3)
    floor.hears(A="C S", C="A", S="A C")
    floor.do("standin_hangup C")
    floor.wait(0.3)
    floor.hears(A="S", S="A")
    floor.customer("D", "2")
    floor.do("uuid_bridge D A")
    floor.wait(0.3)
    floor.hears(A="D S", D="A", S="A D")


@pytest.mark.parametrize("order", ["uuid_bridge C S", "uuid_bridge S C"])
def test_take_over(order: str) -> None:
    floor = Floor()
    floor.talk()
    floor.dial("S", "user/200", ",park_after_bridge=true", then="&eavesdrop(A)")
    floor.do(order)
    events = floor.wait(0.3)
    floor.hears(A="", C="S", S="C")
    assert names(events, "A")[-1] == "CHANNEL_PARK"


@pytest.mark.parametrize(
    ("customer", "leaver", "left"),
    [("", "A", ""), (",park_after_bridge=true", "A", "C"), ("", "C", "AS"), ("", "S", "AC")],
)
def test_hangups_under_supervision(customer: str, leaver: str, left: str) -> None:
    floor = Floor()
    floor.talk(customer)
    floor.dial("S", "user/200", then="&eavesdrop(A)")
    floor.do(f"standin_hangup {leaver}")
    floor.wait(0.5)
    assert floor.alive() == left


def test_a_parked_supervisor_goes_from_one_agent_to_the_next_and_a_star_ends_it() -> None:
    floor = Floor()
    floor.talk()
    floor.agent("B", "101")
    floor.agent("S", "200")
    floor.do("uuid_transfer S 'eavesdrop:A,park' inline")
    floor.wait(0.1)
    floor.hears(S="A C")
    floor.do("uuid_transfer S 'eavesdrop:B,park' inline")
    floor.wait(0.1)
    floor.hears(S="B")
    floor.do("uuid_recv_dtmf S *")
    assert names(floor.wait(0.1), "S")[-1] == "CHANNEL_PARK"
    floor.hears(S="")


def test_eavesdropping_on_nobody_or_without_keys() -> None:
    floor = Floor()
    floor.talk()
    floor.dial("S", "user/200", then="&eavesdrop(nobody)")
    floor.wait(0.2)
    assert floor.alive() == "AC"
    floor.dial("T", "user/201", ",eavesdrop_enable_dtmf=false,eavesdrop_whisper_bleg=true", then="&eavesdrop(A)")
    floor.do("uuid_recv_dtmf T 3")
    floor.hears(A="C T", C="A")


# ---- calls from phones -------------------------------------------------------------------------------------

INBOUND = [
    "CHANNEL_STATE",
    "CHANNEL_STATE",
    "CHANNEL_CREATE",
    "CHANNEL_CALLSTATE",
    "CHANNEL_STATE",
    "CHANNEL_STATE",
]


def test_a_seats_phone_calls_is_marked_waits_and_can_be_taken() -> None:
    floor = Floor()
    uuid = floor.switch.phone_dials("100", "*10", floor.now)
    events = floor.wait(1.0)
    seen = names(events, uuid)
    assert seen[:6] == INBOUND and seen[-2:] == ["CHANNEL_EXECUTE", "PLAYBACK_START"]
    answer = next(event for event in events if event.name == "CHANNEL_ANSWER")
    expected = {
        "Call-Direction": "inbound",
        "Caller-Context": "seats",
        "Caller-Username": "100",
        "Caller-Caller-ID-Number": "100",
        "Caller-Destination-Number": "*10",
        "Channel-Presence-Data": "dialer/seat/100",
        "variable_dialer_seat": "100",
        "variable_dialer_dialed": "*10",
        "variable_park_after_bridge": "true",
    }
    assert {name: answer.get(name) for name in expected} == expected
    floor.do(f"uuid_park {uuid}")
    assert names(floor.wait(0.1), uuid)[-2:] == ["CHANNEL_STATE", "CHANNEL_PARK"]
    row = json.loads(floor.do("show channels as json"))["rows"][0]
    told = {key: row[key] for key in ("direction", "presence_data", "context", "dest", "state", "cid_num")}
    assert told == {
        "direction": "inbound",
        "presence_data": "dialer/seat/100",
        "context": "seats",
        "dest": "*10",
        "state": "CS_PARK",
        "cid_num": "100",
    }
    floor.customer()
    floor.do(f"uuid_bridge C {uuid}")
    floor.wait(0.3)
    assert floor.switch.heard("C") == (f"leg:{uuid}",)
    floor.do("standin_hangup 1")
    assert names(floor.wait(0.3), uuid)[-1] == "CHANNEL_PARK"


def test_nobody_takes_the_call_and_the_phone_hears_why() -> None:
    floor = Floor(file_durations_s={"dialer-not-available.wav": 2.0})
    uuid = floor.switch.outsider_dials("+491711234567", "5000", floor.now)
    events = floor.wait(10.0)
    answer = next(event for event in events if event.name == "CHANNEL_ANSWER")
    assert answer.get("variable_dialer_seat") is None and answer.get("variable_dialer_dialed") == "5000"
    assert answer.get("Caller-Context") == "public"
    record = floor.record(uuid)
    assert record["hangup_by"] == "dialplan" and record["message_s"] == pytest.approx(2.0, abs=0.05)
    sounds = [sounds for _, _, sounds in record["heard"] if sounds]
    assert sounds == [["file:dialer-not-available.wav"]]


def test_who_may_not_call_is_refused() -> None:
    floor = Floor(
        phones_unregistered=("109",),
        dialplan='<context name="seats"><extension><condition><action application="hangup" data="CALL_REJECTED"/>'
        "</condition></extension></context>",
    )
    assert floor.switch.phone_dials("109", "*10", 0.0) == ""
    uuid = floor.switch.phone_dials("100", "*10", 0.0)
    events = floor.wait(1.0)
    done = next(event for event in events if event.name == "CHANNEL_HANGUP_COMPLETE")
    assert (done.get("Hangup-Cause"), done.get("Unique-ID")) == ("CALL_REJECTED", uuid)
    assert done.get("variable_sip_hangup_disposition") == "send_refuse"
    floor.switch.outsider_dials("+49171", "1", floor.now)
    done = next(event for event in floor.wait(1.0) if event.name == "CHANNEL_HANGUP_COMPLETE")
    assert done.get("Hangup-Cause") == "NO_ROUTE_DESTINATION"


def test_a_phone_with_a_call_is_busy_unless_calls_may_wait_and_holds_it_to_dial() -> None:
    for waits, result in (((), "-ERR USER_BUSY\n"), (("100",), "+OK B\n")):
        floor = Floor(phones_call_waiting=waits)
        floor.agent()
        floor.switch.bgapi("originate {origination_uuid=B}user/100 &park()", "j", floor.now)
        job = next(event for event in floor.wait(1.0) if event.get("Job-UUID") == "j")
        assert job.body == result
    floor = Floor()
    floor.talk()
    uuid = floor.switch.phone_dials("100", "*12", floor.now)
    assert "CHANNEL_HOLD" in names(floor.wait(0.2), "A")
    floor.do("standin_press 100 5")
    assert keys_of(floor.wait(0.2), uuid) == "5"
    floor.do("standin_hangup 100")
    floor.wait(0.2)
    assert floor.do("standin_hold 100 off") == "+OK\n"
    floor.hears(A="C", C="A")


@pytest.mark.parametrize(
    ("plan", "result"),
    [
        (PhonePlan(sip_status=486, final_s=0.1), "-ERR USER_BUSY\n"),
        (PhonePlan(sip_status=603, final_s=0.1), "-ERR CALL_REJECTED\n"),
        (PhonePlan(sip_status=0), "-ERR NO_ANSWER\n"),
        (PhonePlan(registered=False), "-ERR USER_NOT_REGISTERED\n"),
    ],
)
def test_phones_that_do_not_answer(plan: PhonePlan, result: str) -> None:
    floor = Floor(scripted_phones={"100": plan})
    floor.switch.bgapi("originate {origination_uuid=A,originate_timeout=3}user/100 &park()", "j", 0.0)
    job = next(event for event in floor.wait(5.0) if event.get("Job-UUID") == "j")
    assert job.body == result


# ---- phones that vanish ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "held", "ends"),
    [(",media_timeout=5000", False, 5.0), (",media_timeout=5000", True, 1.0), ("", False, None)],
)
def test_a_phone_that_vanishes_is_noticed_after_its_media_timeout_or_never(
    variables: str, held: bool, ends: float | None
) -> None:
    floor = Floor()
    floor.agent(variables=variables)
    floor.do("uuid_setvar A media_timeout 1000")
    if held:
        floor.do("standin_hold A")
    assert floor.do("standin_vanish 100") == "+OK\n"
    gone = floor.now
    assert not floor.switch.press("100", "1", floor.now)
    events = floor.wait(100.0)
    causes = [event.get("Hangup-Cause") for event in events if event.name == "CHANNEL_HANGUP_COMPLETE"]
    assert causes == ([] if ends is None else ["MEDIA_TIMEOUT"])
    record = floor.record("A")
    assert record["vanished_at"] - EPOCH == pytest.approx(gone)
    if ends is not None:
        assert record["hungup_at"] - record["vanished_at"] == pytest.approx(ends, abs=0.05)


def test_a_phone_that_holds_and_sends_nothing_is_lost_after_the_timeout_of_the_last_press() -> None:
    floor = Floor()
    floor.agent(variables=",media_timeout=5000")
    floor.do("uuid_setvar A media_timeout 60000")
    floor.do("standin_hold A")
    floor.wait(1.5)  # sooner it would be this hold's (measured)
    floor.do("uuid_setvar A media_timeout 2000")
    floor.wait(50.0)
    floor.do("standin_hold A off")
    floor.wait(10.0)
    assert floor.alive() == "A"
    floor.do("standin_hold A")
    floor.wait(2.1)
    assert not floor.alive()


def test_a_phone_that_lost_its_power_does_not_hold_its_old_call_when_it_calls_again() -> None:
    floor = Floor()
    floor.agent(variables=",media_timeout=5000")
    floor.switch.phone_vanishes("A", floor.now)
    floor.wait(0.5)
    assert floor.switch.phone_dials("100", "*10", floor.now)
    assert "CHANNEL_HOLD" not in names(floor.wait(5.0), "A") and "A" not in floor.switch.legs


def test_a_vanished_agent_leaves_its_customer_in_silence_until_it_is_noticed() -> None:
    floor = Floor()
    floor.agent(variables=",media_timeout=5000")
    floor.customer(variables=",transfer_after_bridge=playback:/sorry.wav:inline")
    floor.do("uuid_bridge C A")
    floor.wait(0.3)
    floor.switch.phone_vanishes("A", floor.now)
    floor.hears(A="", C="")
    floor.wait(5.1)
    floor.hears(C="/sorry.wav")
    assert floor.alive() == "C"


# ---- recordings --------------------------------------------------------------------------------------------


def test_a_recording_follows_the_customer_and_ends_with_the_call() -> None:
    floor = Floor()
    floor.talk(",RECORD_STEREO=true")
    assert floor.do("uuid_record C start /rec/c.wav") == "+OK Success\n"
    assert floor.do("uuid_record C start /rec/c.wav") == "+OK Success\n"
    floor.agent("B", "101")
    floor.do("uuid_bridge C B")
    floor.wait(1.7)
    assert floor.do("uuid_record C mask /rec/c.wav") == "+OK Success\n"
    floor.wait(2.0)
    assert floor.do("uuid_record C unmask /rec/c.wav") == "+OK Success\n"
    floor.do("standin_hangup C")
    floor.wait(0.5)
    started = [event for event in floor.events if event.name == "RECORD_START"]
    (stopped,) = [event for event in floor.events if event.name == "RECORD_STOP"]
    assert len(started) == 1 and started[0].get("Record-File-Path") == "/rec/c.wav"
    assert started[0].get("variable_record_ms") is None
    assert stopped.get("Record-File-Path") == "/rec/c.wav" and stopped.get("Channel-Call-State") == "ACTIVE"
    length = int(stopped.headers["variable_record_ms"])
    assert length == pytest.approx(4000, abs=40)
    assert int(stopped.headers["variable_record_file_size"]) == pytest.approx(44 + length * 32, abs=40)
    (kept,) = json.loads(floor.do("standin_audit"))["recordings"]
    assert kept["masked_s"] == pytest.approx(2.0) and kept["stereo"] and kept["complete"]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("uuid_record C start /proc/x.wav", "-ERR Cannot record session!\n"),
        ("uuid_record C start /rec/x.nosuchformat", "-ERR Cannot record session!\n"),
        ("uuid_record C stop /rec/x.wav", "-ERR Cannot stop record session!\n"),
        ("uuid_record C mask /rec/x.wav", "-ERR Cannot mask recording session!\n"),
        ("uuid_record C unmask /rec/x.wav", "-ERR Cannot unmask recording session!\n"),
        ("uuid_record nobody start /rec/x.wav", "-ERR Cannot locate session!\n"),
        ("uuid_record C", "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>]\n"),
    ],
)
def test_recordings_that_are_refused(line: str, reply: str) -> None:
    floor = Floor()
    floor.customer()
    assert floor.do(line) == reply
    assert floor.alive() == "C"


def test_a_full_disk_is_not_noticed_before_the_end() -> None:
    floor = Floor()
    floor.customer()
    floor.do("uuid_record C start /rec/x.wav")
    floor.wait(2.0)
    assert floor.do("standin_disk full") == "+OK\n"
    assert names(floor.wait(3.0), "C") == []
    floor.do("uuid_record C stop all")
    (stopped,) = [event for event in floor.wait(0.1) if event.name == "RECORD_STOP"]
    assert stopped.get("Record-Completion-Cause") == "uri-failure"
    assert int(stopped.headers["variable_record_ms"]) == 5000
    assert int(stopped.headers["variable_record_file_size"]) == pytest.approx(44 + 2000 * 16, abs=40)


# ---- what show channels tells ------------------------------------------------------------------------------


def test_show_channels_tells_the_last_application_even_a_prompts() -> None:
    floor = Floor()
    floor.agent(variables=",presence_data=dialer/agent/a")

    def row() -> tuple[str, str, str]:
        found = json.loads(floor.do("show channels as json"))["rows"][0]
        return found["state"], found["application"], found["presence_data"]

    assert row() == ("CS_EXECUTE", "park", "dialer/agent/a")
    floor.do("uuid_setvar A presence_data dialer/agent/b")
    assert row() == ("CS_EXECUTE", "park", "dialer/agent/a")
    floor.do("uuid_broadcast A /p.wav")
    floor.wait(0.5)
    assert row() == ("CS_EXECUTE", "playback", "dialer/agent/b")


def test_commands_that_move_phones_say_what_is_wrong() -> None:
    floor = Floor()
    for line in ("standin_press 100 1", "standin_hangup 100", "standin_hold 100", "standin_vanish 100"):
        assert floor.do(line) == "-ERR No such channel!\n"
    assert floor.do("standin_dial 100").startswith("-USAGE")
    assert floor.do("standin_disk maybe").startswith("-USAGE")
    assert floor.do("standin_dial 100 *10 L") == "+OK L\n"
    assert floor.do("standin_dial 101 *10 L") == "-ERR refused\n"
    assert floor.do("standin_hold L") == "+OK\n" and floor.do("standin_hold L") == "-ERR Operation failed\n"


def test_the_report_can_be_asked_for_at_any_moment_of_a_call() -> None:
    floor = Floor()
    floor.do("originate {origination_uuid=C,ignore_early_media=true}sofia/gateway/gw/1 &park()")
    seen = set()
    for _ in range(300):
        floor.wait(0.001)
        for leg in json.loads(floor.do("standin_audit"))["legs"]:
            seen.add(bool(leg["heard"]))
    assert seen == {False, True}, "at its very answer a leg has heard nothing yet"


def test_what_is_scheduled_for_a_leg_happens_unless_it_is_deleted() -> None:
    """As measured: a parked leg goes at its time, all of several do; deleting by the leg's UUID tells how many."""
    floor = Floor()
    floor.agent()
    later = "'playback:silence_stream://500,hangup:NORMAL_TEMPORARY_FAILURE' inline"
    assert floor.do(f"sched_transfer +4 A {later}") == floor.do(f"sched_transfer +6 A {later}") == "+OK\n"
    assert floor.do("sched_del A") == "+OK Deleted: 2\n" and floor.do("sched_del A") == "+OK Deleted: 0\n"
    assert "CHANNEL_HANGUP_COMPLETE" not in names(floor.wait(10.0), "A")
    floor.do(f"sched_transfer +4 A {later}")
    assert "CHANNEL_HANGUP_COMPLETE" not in names(floor.wait(4.3), "A")
    (ended,) = [event for event in floor.wait(0.5) if event.name == "CHANNEL_HANGUP_COMPLETE"]
    assert ended.get("Hangup-Cause") == "NORMAL_TEMPORARY_FAILURE"
    assert floor.do(f"sched_transfer +4 A {later}") == "-ERR No such channel!\n"
    assert floor.do("sched_transfer 4 A park").startswith("-USAGE")
