"""Whatever commands come in whatever order: the model never raises, and every channel ends exactly once."""

from __future__ import annotations

import contextlib
import json
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from freeswitch.standin.dialstring import DialStringError, parse_originate, split_arguments
from freeswitch.standin.sounds import measure
from freeswitch.standin.switch import Limits, Switch, Timing
from freeswitch.standin.world import World, WorldSpec

PAIRS = (
    ("CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE"),
    ("CHANNEL_HOLD", "CHANNEL_UNHOLD"),
    ("MEDIA_BUG_START", "MEDIA_BUG_STOP"),
    ("RECORD_START", "RECORD_STOP"),
    ("PLAYBACK_START", "PLAYBACK_STOP"),
    ("CHANNEL_PARK", "CHANNEL_UNPARK"),
)
UUIDS = [f"u{number}" for number in range(5)]
uuid = st.sampled_from([*UUIDS, "nobody"])
pause = st.floats(0.0, 3.0) | st.floats(0.0, 0.07)
variables = st.lists(
    st.sampled_from(
        [
            "ignore_early_media=true",
            "park_after_bridge=true",
            "media_timeout=2000",
            "send_silence_when_idle=-1",
            "hold_music=/music.wav",
            "bridge_filter_dtmf=true",
            "hangup_after_bridge=true",
            "transfer_after_bridge=playback:/m.wav:inline",
            "originate_timeout=5",
            "progress_timeout=1",
            "presence_data=dialer/call/1",
        ]
    ),
    max_size=3,
)
targets = st.sampled_from(
    ["sofia/gateway/g/1555", "sofia/gateway/none/1", "user/1000", "sofia/internal/sip:1001@h", "x/y"]
)
steps = st.sampled_from(
    [
        "&park()",
        "&playback(tone_stream://%(200,0,600))",
        "'m:^:playback:silence_stream://500^playback:/m.wav^hangup:NORMAL_CLEARING' inline",
        "playback:silence_stream://100,sleep:50,set:a=b,nosuch:1 inline",
        "1000 XML default",
        "&nonsense(1)",
        "&eavesdrop(u0)",
        "&three_way(u1)",
    ]
)
originate = st.builds(
    lambda who, extra, where, what: (
        f"originate {{{','.join([f'origination_uuid={who}', *extra])}}}{where} {what}"
    ),
    st.sampled_from(UUIDS),
    variables,
    targets,
    steps,
)
on_one = st.builds(
    lambda command, who: command.replace("@", who),
    st.sampled_from(
        [
            "uuid_kill @",
            "uuid_kill @ USER_BUSY",
            "uuid_park @",
            "uuid_transfer @ 'm:^:playback:silence_stream://100^hangup' inline",
            "uuid_transfer @ -both park inline",
            "uuid_transfer @ 100 XML public",
            "uuid_broadcast @ playback::tone_stream://%(500,0,600) aleg",
            "uuid_broadcast @ hangup::NORMAL_CLEARING",
            "uuid_setvar @ park_after_bridge true",
            "uuid_setvar @ park_after_bridge",
            "uuid_setvar_multi @ a=1;b=2",
            "uuid_getvar @ a",
            "uuid_dump @ json",
            "uuid_displace @ start tone_stream://%(200,0,600) 0 mux",
            "uuid_displace @ start /m.wav 1",
            "uuid_displace @ stop /m.wav",
            "uuid_break @ all",
            "uuid_recv_dtmf @ 2",
            "uuid_recv_dtmf @ *",
            "uuid_send_dtmf @ 46@100",
            "uuid_record @ start /r.wav",
            "uuid_record @ stop all",
            "uuid_record @ mask /r.wav",
            "standin_press @ 1*",
            "standin_hold @",
            "standin_hold @ off",
            "standin_hangup @",
            "standin_vanish @",
            "uuid_hold @",
            "uuid_hold off @",
            "uuid_exists @",
        ]
    ),
    uuid,
)
bridge = st.builds(lambda a, b: f"uuid_bridge {a} {b}", uuid, uuid)
tap = st.builds(
    lambda app, a, b: f"uuid_transfer {a} '{app}:{b}' inline",
    st.sampled_from(["eavesdrop", "three_way"]),
    uuid,
    uuid,
)
call = st.builds(
    lambda who, digits, name: f"standin_dial {who} {digits} {name}",
    st.sampled_from(["1000", "1001", "+491711234567"]),
    st.sampled_from(["*10", "x"]),
    st.sampled_from(UUIDS),
)
other = st.sampled_from(
    ["show channels as json", "show calls as json", "status", "hupall", "fsctl pause", "fsctl resume"]
)
command = originate | originate | bridge | bridge | on_one | on_one | tap | call | other | st.text(max_size=30)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.tuples(command, pause), max_size=40), st.booleans())
def test_any_commands_leave_one_hangup_for_each_channel_and_nothing_behind(
    seed: int, script: list[tuple[str, float]], limbo: bool
) -> None:
    spec = WorldSpec(
        gateways=("g",),
        answer_probability=0.8,
        ring_mean_s=0.3,
        ring_sd_s=0.2,
        talk_mean_s=0.5,
        talk_sd_s=0.2,
        patience_mean_s=2.0,
        phone_drops_per_hour=400.0,
        early_media_probability=0.3,
    )
    timing = Timing(limbo_probability=float(limbo), agent_lost_probability=0.5)
    switch = Switch(World(spec, random.Random(seed)), random.Random(seed), limits=Limits(0, 4), timing=timing)
    now = 0.0
    for number, (line, seconds) in enumerate(script):
        if number % 3:
            switch.bgapi(line, f"j{number}", now)
        else:
            assert isinstance(switch.api(line, now), str)
        now += seconds
        switch.advance(now)
        assert json.loads(switch.api("show channels as json", now))["row_count"] == switch.channels
    switch.shutdown(now)
    switch.advance(now + 200)
    events = switch.take_events()
    assert switch.channels == 0
    created = Counter(event.get("Unique-ID") for event in events if event.name == "CHANNEL_CREATE")
    for name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"):
        assert Counter(event.get("Unique-ID") for event in events if event.name == name) == created, name
    jobs = Counter(event.get("Job-UUID") for event in events if event.name == "BACKGROUND_JOB")
    asked = sum(1 for number in range(len(script)) if number % 3)
    assert len(jobs) == asked and set(jobs.values()) <= {1}
    for start, stop in PAIRS:
        counts = [Counter(event.get("Unique-ID") for event in events if event.name == name) for name in (start, stop)]
        # A hold that a transfer or a bridge takes away ends without a word (measured).
        assert counts[0] == counts[1] or (start == "CHANNEL_HOLD" and counts[1] <= counts[0]), start
    assert not switch.holders
    for leg in switch.audit_report()["legs"]:
        moments = [moment for since, until, _ in leg["heard"] for moment in (since, until)]
        assert moments == sorted(moments)


@given(st.text())
def test_no_text_breaks_the_reading_of_an_originate(text: str) -> None:
    with contextlib.suppress(DialStringError):
        parse_originate(text)


@given(st.text(alphabet="ab' \\,;^n", max_size=30), st.sampled_from([" ", ",", ";", "^"]))
def test_splitting_never_raises_and_gives_strings(text: str, delimiter: str) -> None:
    assert all(isinstance(part, str) for part in split_arguments(text, delimiter))


@given(st.text() | st.from_regex(r"(\{loops=-?\d+\})?(silence|tone)_stream://%?\(?\d+,\d+.*", fullmatch=True))
def test_measuring_a_sound_gives_no_negative_length(text: str) -> None:
    seconds = measure(text, lambda path: 3.0).seconds
    assert seconds is None or seconds >= 0
