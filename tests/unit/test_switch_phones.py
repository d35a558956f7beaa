"""Phones' orders as event-socket commands, and FreeSWITCH's words of phones as facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_switch_translate import Fake

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.switch.driver import Driver
from dialer.switch.originate import to_esl
from dialer.switch.resync import KINDS
from dialer.switch.translate import HEADERS, SUBSCRIPTIONS, translate
from esl.errors import CommandError
from esl.jobs import JobReply
from freeswitch.standin.dialstring import parse_originate

U, A = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def playable(prompts: tuple[str, ...], language: str) -> str:
    return "file_string://" + "!".join(f"/p/{language}/{prompt}.wav" for prompt in prompts)


def line(command: cmd.SwitchCommand) -> str:
    return to_esl(command, playable).line()


HANGUP = "^hangup:NORMAL_CLEARING' inline"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (ph.TakeLeg("n", U), f"uuid_transfer {U} 'm:^:park' inline"),
        (
            ph.EndLater("n", U, 99.5, ("a",), "en"),
            f"sched_transfer +100 {U} 'm:^:playback:file_string:///p/en/a.wav^hangup:NORMAL_TEMPORARY_FAILURE' inline",
        ),
        (ph.EndNotLater("n", U), f"sched_del {U}"),
        (ph.Say("n", U, ("ready",), "en"), f"uuid_broadcast {U} playback::file_string:///p/en/ready.wav aleg"),
        (
            ph.Say("n", U, ("a", "b"), "en", last=True),
            f"uuid_transfer {U} 'm:^:playback:file_string:///p/en/a.wav!/p/en/b.wav" + HANGUP,
        ),
        (ph.Music("n", U, "local_stream://moh"), f"uuid_broadcast {U} playback::local_stream://moh aleg"),
        (ph.Hush("n", U), f"uuid_break {U} all"),
        (ph.Murmur("n", U, ("beep",), "en"), f"uuid_displace {U} start file_string:///p/en/beep.wav 0 mux"),
        (
            ph.PutAside("n", U, "", 9000, "/m.wav"),
            f"uuid_transfer {U} 'm:^:playback:silence_stream://9000^playback:/m.wav" + HANGUP,
        ),
        (ph.Join("n", U, A), f"uuid_bridge {U} {A}"),
        (ph.JoinThree("n", U, A), f"uuid_transfer {U} 'm:^:three_way:{A}^park' inline"),
        (ph.Eavesdrop("n", U, A), f"uuid_transfer {U} 'm:^:eavesdrop:{A}^park' inline"),
        (ph.SetListening("n", U, "customer"), f"uuid_recv_dtmf {U} 1"),
        (ph.SendKeys("n", U, "12#"), f"uuid_send_dtmf {U} 12#"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_orders(command: cmd.SwitchCommand, expected: str) -> None:
    assert line(command) == expected


def test_a_hold_sound_is_bounded_in_time_and_the_message_is_not() -> None:
    text = line(ph.PutAside("n", U, "/h.wav", 9500, "/m.wav"))
    assert "set:playback_timeout_sec_cumulative=10^" in text
    assert text.endswith("!/h.wav^unset:playback_timeout_sec_cumulative^playback:/m.wav" + HANGUP)
    assert text.count("^") < 128


def test_a_short_hold_sound_lasts_as_long_as_the_longest_hold() -> None:
    text = line(ph.PutAside("n", U, "/var/lib/dialer/sounds/one-second.wav", 930_000, "/m.wav"))
    assert text.count("one-second.wav") >= 900 and max(part.count("!") for part in text.split("^")) < 128
    assert len(line(ph.PutAside("n", U, "/" + "x" * 400 + ".wav", 930_000, "/m.wav"))) < 64_000
    tone = line(ph.PutAside("n", U, "tone_stream://%(200,100,440)", 930_000, "/m.wav"))
    assert "playback:tone_stream://%(200,100,440);loops=-1^" in tone
    assert "loops=-1;loops" not in line(ph.Music("n", U, "tone_stream://%(200,100,440);loops=-1"))


def test_a_seats_phone_that_is_rung_as_a_third_party_is_missed_when_it_dies() -> None:
    rung = ph.OriginateParty("n", U, "x", 30.0, "dialer", "e", address="user/1001", media_timeout_s=10.0)
    assert "media_timeout=10000," in line(rung)
    assert "media_timeout" not in line(ph.OriginateParty("n", U, "x", 30.0, "dialer", "e", gateway="g", number="1"))


def test_whoever_talks_with_a_third_party_hears_something_while_its_phone_holds() -> None:
    rung = ph.OriginateParty("n", U, "x", 30.0, "dialer", "e", address="user/1001", hold_sound="/h.wav")
    assert "hold_music=/h.wav" in line(rung)
    tone = replace(rung, hold_sound="tone_stream://%(300,100,1000);loops=-1")
    assert dict(parse_originate(line(tone).removeprefix("originate ")).variables)["hold_music"] == tone.hold_sound
    assert "hold_music" not in line(replace(rung, hold_sound=""))


def test_a_phone_of_a_follow_me_plan_ends_by_itself_at_the_switch() -> None:
    """Asked twice, let wait, hung up; and hung up when its conversation is over: nothing of ours is needed for it."""
    rung = ph.OriginateParty("n", U, "x", 25.0, "4930", "e", gateway="g", number="1", ask="/a.wav", bounded_ms=14_000)
    request = parse_originate(line(rung).removeprefix("originate "))
    variables = dict(request.variables)
    assert "park_after_bridge" not in variables and variables["hangup_after_bridge"] == "true"
    assert variables["playback_terminators"] == "none" and variables["originate_timeout"] == "25"
    said = ("playback", "/a.wav")
    ends = (("playback", "silence_stream://14000"), ("hangup", "NORMAL_CLEARING"))
    assert request.steps == (said, ("playback", "silence_stream://1500"), said, *ends)
    inside = parse_originate(line(replace(rung, ask="")).removeprefix("originate "))
    assert inside.steps == ends


def test_a_file_as_the_sound_of_waiting_goes_on_for_long() -> None:
    assert line(ph.Music("n", U, "/w.wav")).count("/w.wav") == 100
    for bad in ("", "/a b", "/a!b", "/a'b", "{x}/a", "/a\nb"):
        with pytest.raises(CommandError):
            line(ph.Music("n", U, bad))


def test_without_a_catalogue_nothing_can_be_said() -> None:
    with pytest.raises(CommandError):
        to_esl(ph.Say("n", U, ("ready",)))


def test_what_is_read_is_asked_for() -> None:
    assert {"DTMF", "CHANNEL_HOLD", "CHANNEL_UNHOLD", "RECORD_STOP"} <= set(SUBSCRIPTIONS) and "seat" in KINDS
    assert {"DTMF-Digit", "variable_dialer_seat", "variable_dialer_dialed"} <= HEADERS


@pytest.mark.parametrize("key", [*"0123456789*#", "A"])
def test_a_key(key: str) -> None:
    assert translate(Fake("DTMF", Unique_ID=U, DTMF_Digit=key), "n", 2.0, 2.0) == ph.KeyPressed(U, key, 2.0)


@pytest.mark.parametrize("key", ["", "12", "x", "٣", None])
def test_no_key(key: str | None) -> None:
    more: dict[str, Any] = {} if key is None else {"DTMF_Digit": key}
    assert translate(Fake("DTMF", Unique_ID=U, **more), "n", 2.0, 2.0) is None


class Bare(Fake):
    """Headers whose names hold underscores."""

    def __init__(self, name: str, headers: dict[str, str]) -> None:
        super().__init__(name)
        self.headers = headers

    def get(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)


def call(**more: str) -> ev.SwitchEvent | None:
    headers = {"Unique-ID": U, "Caller-Caller-ID-Number": "+4930123", **{f"variable_{k}": v for k, v in more.items()}}
    return translate(Bare("CHANNEL_ANSWER", headers), "n", 1.5, 2.0)


def test_a_leg_that_the_dialplan_marked_is_a_phones_call_and_any_other_an_answer() -> None:
    assert call(dialer_seat="s1", dialer_dialed="*10") == ph.PhoneCalled("n", U, "s1", "*10", "+4930123", 1.5)
    assert call(dialer_dialed="*101001") == ph.PhoneCalled("n", U, "", "*101001", "+4930123", 1.5)
    assert call(dialer_dialed="*10", dialer_instance="b") == ph.PhoneCalled("n", U, "", "*10", "+4930123", 1.5, "b")
    assert call() == ev.LegAnswered(U, 1.5, 2.0)
    for bad in ({"dialer_dialed": "*10 x"}, {"dialer_dialed": ""}, {"dialer_dialed": "*10", "dialer_seat": "a b"}):
        assert isinstance(call(**bad), ev.LegAnswered)


class Wire:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def bgapi(self, command: Any, on_reply: Any, deadline_s: float = 30.0) -> str:
        self.sent.append((command.line(), on_reply))
        return "job"


def test_answers_of_phones_orders() -> None:
    wire, fed = Wire(), []  # type: ignore[var-annotated]
    driver = Driver("n", wire, fed.append, lambda: 1.0, lambda seconds: None, playable)
    party = ph.OriginateParty("n", U, "x", 20.0, "", "e", address="user/1001")
    for command in (ph.Join("n", U, A), party, ph.Say("n", U, ("a",)), ph.TakeLeg("n", U)):
        driver.execute(command)
        wire.sent[-1][1](JobReply("job", False, "-ERR NO_ANSWER", "reply"))
    driver.execute(ph.Music("n", U, "bad one"))
    assert fed == [
        ev.BridgeReplied(U, A, False, "-ERR NO_ANSWER"),
        ev.OriginateReplied(U, False, "NO_ANSWER"),
        ev.CommandRefused(U, "Say", "-ERR NO_ANSWER"),
        ev.CommandRefused(U, "TakeLeg", "-ERR NO_ANSWER"),
        ev.CommandRefused(U, "Music", fed[-1].error),
    ]
