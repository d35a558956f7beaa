"""Reading of originate commands, as a FreeSWITCH reads them: two passes of quoting, braces, endpoints,
inline plans.
"""

from __future__ import annotations

import pytest

from freeswitch.standin.dialstring import DialStringError, parse_endpoint, parse_originate, split_arguments
from freeswitch.standin.sounds import Sound, measure


@pytest.mark.parametrize(
    ("text", "delimiter", "parts"),
    [
        ("a 'b c' d", " ", ["a", "b c", "d"]),
        ("  a   b ", " ", ["a", "b"]),
        ("a 'b", " ", ["a", "'b"]),
        ("x='y, z',b=2", ",", ["x=y, z", "b=2"]),
        (r"a\,b,c", ",", ["a,b", "c"]),
        (r"a\,b c", " ", [r"a\,b", "c"]),
        (r"it\'s 'q  ' z", " ", ["it's", "q  ", "z"]),
        (r"a\nb", " ", ["a\nb"]),
        ("a'b'c d", " ", ["abc", "d"]),
        ("a,,b", ",", ["a", "", "b"]),
        ("", " ", []),
    ],
)
def test_arguments_split_outside_quotes_and_escapes(text: str, delimiter: str, parts: list[str]) -> None:
    assert split_arguments(text, delimiter) == parts


def test_the_captured_originate_gives_the_captured_variables() -> None:
    request = parse_originate(
        "{origination_uuid=47,ignore_early_media=true,origination_caller_id_name='Acme Co',sip_h_X-J=abc123,"
        "execute_on_answer='playback silence_stream://1000'}sofia/gateway/carrier1/13800001111 &park()"
    )
    assert request.variables == {
        "origination_uuid": "47",
        "ignore_early_media": "true",
        "origination_caller_id_name": "Acme Co",
        "sip_h_X-J": "abc123",
        "execute_on_answer": "playback silence_stream://1000",
    }
    assert request.endpoint.gateway == "carrier1"
    assert request.endpoint.channel_name == "sofia/external/13800001111"
    assert request.steps == (("park", ""),)
    assert not request.inline


def test_a_comma_needs_an_escape_that_survives_both_passes() -> None:
    escaped = parse_originate(r"{a=x\,y,b=2}user/1 &park()").variables
    assert escaped == {"a": "x,y", "b": "2"}
    quoted_once = parse_originate("{a='x,y',b=2}user/1 &park()").variables
    assert quoted_once == {"a": "x", "b": "2"}


def test_braces_add_up_and_may_name_their_delimiter() -> None:
    request = parse_originate("{^^:a=1,2:b=3}{c=4}user/1 &park()")
    assert request.variables == {"a": "1,2", "b": "3", "c": "4"}


def test_inline_dialplans_in_both_forms() -> None:
    plan = "'m:^:playback:silence_stream://2000^playback:/s/m,1.wav^hangup:NORMAL_CLEARING' inline"
    assert parse_originate(f"sofia/gateway/g/1 {plan}").steps == (
        ("playback", "silence_stream://2000"),
        ("playback", "/s/m,1.wav"),
        ("hangup", "NORMAL_CLEARING"),
    )
    request = parse_originate("sofia/gateway/g/1 sleep:50,park inline")
    assert request.steps == (("sleep", "50"), ("park", ""))
    assert request.inline


def test_positional_caller_id_and_timeout() -> None:
    request = parse_originate("user/1 &park() XML default 'A B' 555 9")
    assert request.variables["origination_caller_id_name"] == "A B"
    assert request.variables["origination_caller_id_number"] == "555"
    assert request.variables["originate_timeout"] == "9"


@pytest.mark.parametrize(
    ("text", "gateway", "profile", "number", "phone"),
    [
        ("sofia/gateway/g/123", "g", "external", "123", False),
        ("user/1000@d", "", "internal", "1000", True),
        ("sofia/internal/sip:1001@127.0.0.1:6002", "", "internal", "1001", True),
        ("sofia/external/138@127.0.0.1:5099", "external", "external", "138", False),
    ],
)
def test_endpoints(text: str, gateway: str, profile: str, number: str, phone: bool) -> None:
    endpoint = parse_endpoint(text)
    assert (endpoint.gateway, endpoint.profile, endpoint.number, endpoint.is_phone) == (
        gateway,
        profile,
        number,
        phone,
    )


@pytest.mark.parametrize(
    "text", ["", "user/1", "loopback/1 &park()", "{a=1 user/1 &park()", "sofia/gateway/g &park()"]
)
def test_unreadable_originates_are_refused(text: str) -> None:
    with pytest.raises(DialStringError):
        parse_originate(text)


@pytest.mark.parametrize(
    ("path", "sound"),
    [
        ("silence_stream://2500", Sound(2.5, True)),
        ("silence_stream://2000,1400", Sound(2.0, True)),
        ("silence_stream://-1", Sound(None, True)),
        ("tone_stream://%(200,0,2600)", Sound(0.2, False)),
        ("{loops=3}tone_stream://%(1000,0,3000)", Sound(3.0, False)),
        ("tone_stream://%(500,500,480);loops=-1", Sound(None, False)),
        ("/sounds/message.wav", Sound(7.0, False)),
        ("file_string://silence_stream://1000!/sounds/message.wav", Sound(8.0, False)),
        ("silence_stream://x", Sound(0.0, True)),
    ],
)
def test_lengths_of_sounds(path: str, sound: Sound) -> None:
    assert measure(path, lambda file: 7.0) == sound
