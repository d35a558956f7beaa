"""The stand-in's reading of FreeSWITCH's dialplan XML, and of a world file that holds one; the recordings' files."""

from __future__ import annotations

import random
import wave
from itertools import pairwise
from pathlib import Path

import jinja2
import pytest

from freeswitch.standin.dialplan import Dialplan, DialplanError, expand
from freeswitch.standin.events import Identity
from freeswitch.standin.specfile import SpecError, parse
from freeswitch.standin.switch import Switch
from freeswitch.standin.wavfiles import SilentFiles
from freeswitch.standin.world import CallPlan, World, WorldSpec

CONF = Path(__file__).parents[2] / "freeswitch" / "conf" / "dialplan"
NAME = "sofia/internal/100@h"
WHO = Identity("u", 1, NAME, "*12", "", "internal", "Ann", "100", "", "", "10.0.0.1", "inbound", "seats")
XML = """<?xml version="1.0"?>
<document><section><context name="seats">
  <extension name="always" continue="true">
    <condition><action application="set" data="a=${caller_id_number}"/></condition>
  </extension>
  <extension name="codes">
    <condition field="${sip_authorized}" expression="^true$">
      <anti-action application="hangup" data="CALL_REJECTED"/>
    </condition>
    <condition field="destination_number" expression="^\\*(\\d)(\\d*)$">
      <action application="set" data="code=$1/$2/$3"/>
      <action application="answer"/>
    </condition>
  </extension>
  <extension name="rest">
    <condition><action application="hangup"/></condition>
  </extension>
</context></section></document>
"""


@pytest.mark.parametrize(
    ("number", "variables", "expected"),
    [
        ("*12", {"sip_authorized": "true"}, [("set", "code=1/2/"), ("answer", "")]),
        ("*1", {"sip_authorized": "true"}, [("set", "code=1//"), ("answer", "")]),
        ("12", {"sip_authorized": "true"}, [("hangup", "")]),
        ("*12", {}, [("hangup", "CALL_REJECTED"), ("hangup", "")]),
    ],
)
def test_conditions_choose_the_steps(
    number: str, variables: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    steps = Dialplan.read(XML).route("seats", number, WHO, variables)
    assert steps == (("set", "a=${caller_id_number}"), *expected)
    assert Dialplan.read(XML).route("public", number, WHO, variables) == ()


def test_expansion() -> None:
    text = "${dialer_seat}:${caller_id_number}:${destination_number}:${nothing}"
    assert expand(text, WHO, {"dialer_seat": "7"}) == "7:100:*12:"


@pytest.mark.parametrize("text", ["<context", "<context name='a'><extension><condition field='x' expression='('/>"])
def test_what_is_no_dialplan_is_refused(text: str) -> None:
    with pytest.raises(DialplanError, match="was expected"):
        Dialplan.read(text)
    with pytest.raises(SpecError, match=r"world\.dialplan"):
        parse({"world": {"dialplan": text}}, "f", Path())


def test_a_world_file_may_hold_texts() -> None:
    setup = parse({"world": {"dialplan": XML, "records": True, "unwritable": ["/x"]}}, "f", Path())
    assert setup.world.dialplan == XML and setup.world.records and setup.world.unwritable == ("/x",)
    with pytest.raises(SpecError, match="text was expected"):
        parse({"world": {"dialplan": 5}}, "f", Path())


def test_the_projects_own_dialplan_can_be_read() -> None:
    """The templates as they are, with whatever values left out; how they route is the templates' own tests' affair."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.ChainableUndefined)
    for file in CONF.glob("*.xml"):
        plan = Dialplan.read(environment.from_string(file.read_text(encoding="utf-8")).render())
        assert set(plan.contexts) <= {"seats", "public", "dialer"} and plan.contexts


def test_what_a_callee_says_grows_as_a_real_switch_writes_it(tmp_path: Path) -> None:
    """One frame, nothing for half a second, everything, then frame by frame; even when the file's name is gone."""
    path, plan = tmp_path / "leg.raw", CallPlan(final_s=0.2, ring_s=None, patience_s=60.0, says="person-0.5")
    world = World(WorldSpec(scripted={"100": plan}), random.Random(1))
    switch = Switch(world, random.Random(2), recorder=SilentFiles(records=False), emit={"RECORD_STOP"})
    leg = "11111111-1111-4111-8111-111111111111"
    switch.bgapi(f"originate {{origination_uuid={leg}}}sofia/gateway/g/100 &park()", "job", 0.0)
    switch.advance(1.0)
    options = "{RECORD_READ_ONLY=true,RECORD_STEREO=false,enable_file_write_buffering=false,dialer_tap=true}"
    assert switch.api(f"uuid_record {leg} start {path} 0 {options}", 1.0).startswith("+OK")
    sizes = []
    for step in range(1, 61):
        switch.advance(1.0 + step / 50)
        sizes.append(path.stat().st_size)
    assert sizes[2] == sizes[25] == 320
    assert sizes[27] >= 8640 and {later - sooner for sooner, later in pairwise(sizes[28:])} <= {0, 320, 640}
    assert sizes[-1] == pytest.approx(1.2 * 16_000, abs=640)
    keeper = path.open("rb")
    path.unlink()
    switch.advance(3.0)
    assert len(keeper.read()) > sizes[-1]
    assert switch.api(f"uuid_record {leg} stop {path}", 3.0).startswith("+OK")
    (event,) = switch.take_events()
    assert event.get("Recording-Variable-dialer_tap") == "true"


def test_recordings_are_wav_files_of_the_right_length(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.wav"
    recorder = SilentFiles()
    assert recorder.begin(str(path))
    recorder.finish(str(path), 2, 1.5)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getnframes(), file.getframerate()) == (2, 12000, 8000)
        assert set(file.readframes(100)) == {0}
    assert not recorder.begin(str(tmp_path / "a"))
    assert not recorder.begin(str(path / "c.wav"))
