"""What a recorded run holds of keypads: enough to decide the same again, and no PIN, number, name or customer's key."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from engine_kit import START, one
from follow_kit import Followed
from follow_kit import settings as follow_settings
from phones_kit import PhoneFloor

from dialer.domain import phones as ph
from dialer.domain.acts import DialRule
from dialer.recording import RecordingEngine, lines
from dialer.simulate.replay import replay

NUMBER, CARD = "12125550187", "4929813370"


class Recorded(PhoneFloor):
    """A floor whose engine writes itself down."""

    def __init__(self, file: Path) -> None:
        rules = {"agent": DialRule(allow=("1",), region="US")}
        super().__init__(dial_rules=rules)
        self.stream = io.StringIO()
        counter = itertools.count(1)
        self.file = file
        new_id = lambda: f"00000000-0000-4000-8000-{next(counter):012d}"  # noqa: E731
        self.engine = RecordingEngine(self.config, START, new_id, self.stream)

    def text(self) -> str:
        self.file.write_text(self.stream.getvalue())
        return self.stream.getvalue()


@pytest.fixture
def floor(tmp_path: Path) -> Recorded:
    f = Recorded(tmp_path / "run.jsonl")
    f.up()
    return f


def keys_in(f: Recorded, leg: str) -> str:
    f.text()
    events = [line["event"]["v"] for line in lines(f.file) if line.get("event", {}).get("d") == "KeyPressed"]
    return "".join(event["key"] for event in events if event["uuid"] == leg)


def test_a_pin_is_blanked_and_the_login_is_decided_again(floor: Recorded) -> None:
    uuid = floor.dial("s1")
    floor.press(uuid, "1001#0000#")  # wrong
    floor.press(uuid, "10019#")
    assert floor.state("1001") == "paused"
    assert keys_in(floor, uuid) == "1001#0000#00000#"
    assert "10019" not in floor.text()
    found = replay(floor.file)
    assert found.same, found.differences


def test_a_number_is_known_by_its_beginning_only(floor: Recorded) -> None:
    leg = floor.log_in("1001")
    floor.serve("1001")
    floor.key("1001", f"*7{NUMBER}#")
    floor.send(ph.NumberChecked(one(floor.log, ph.CheckNumber).session, True))
    assert one(floor.log, ph.OriginateParty).number.endswith(NUMBER)
    assert keys_in(floor, leg).endswith("*712125500000#")
    assert NUMBER not in floor.text() and NUMBER[-4:] not in keys_in(floor, leg)
    assert replay(floor.file).same


def test_an_extension_is_kept(floor: Recorded) -> None:
    leg = floor.log_in("1001")
    floor.serve("1001")
    floor.key("1001", "*71002#")
    assert keys_in(floor, leg).endswith("*71002#")


def test_keys_for_a_customers_menu_and_a_customers_own_are_blanked(floor: Recorded) -> None:
    leg = floor.log_in("1001")
    customer = floor.serve("1001")
    floor.key("1001", f"*99{CARD}#")
    assert one(floor.log, ph.SendKeys).keys == CARD
    floor.press(customer, CARD)
    floor.send(ph.AgentAct(1, "1001", "send_keys", CARD), ph.AgentAct(2, "1001", "dial", NUMBER))
    assert keys_in(floor, leg).endswith("*990000000000#") and keys_in(floor, customer) == "0" * len(CARD)
    assert CARD not in floor.text() and NUMBER not in floor.text()
    assert replay(floor.file).same


def test_a_phone_that_dials_a_number_instead_of_a_code(floor: Recorded) -> None:
    floor.dial("s1", f"+{NUMBER}")
    floor.dial("s2", "*101002")
    text = floor.text()
    assert NUMBER not in text and "+12125000000" in text and "*101002" in text


def test_what_is_spoken_freely_is_left_out(tmp_path: Path) -> None:
    f = Recorded(tmp_path / "run.jsonl")
    f.up()
    said = ph.Murmur("fs1", "u", ("beep", "name:Mrs Li"))
    f.engine._live.out += [said, replace(said, prompts=("name:Mrs Li",)), ph.PrepareSpeech(("note:deaf",), "en")]
    f.step(1)
    text = f.text()
    assert "Mrs" not in text and "note:" not in text and text.count('"prompts":["beep"]') == 1
    assert "PrepareSpeech" not in text


def test_a_follow_me_plan_is_decided_again_and_no_number_of_it_is_kept(tmp_path: Path) -> None:
    """The key that an outside phone is asked for is kept, those of the conversation are not."""
    stream, counter = io.StringIO(), itertools.count(1)
    floor = Followed(follow_settings())
    new_id = lambda: f"00000000-0000-4000-8000-{next(counter):012d}"  # noqa: E731
    floor.engine = RecordingEngine(floor.config, START, new_id, stream)
    floor.up()
    floor.busy()
    uuid = floor.waits("+4917012345")
    floor.presses(floor.picks_up(), "7")
    phone = floor.picks_up()
    floor.presses(phone)
    floor.joined(uuid, phone)
    floor.presses(phone, "5")
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "served"
    file = tmp_path / "run.jsonl"
    file.write_text(stream.getvalue())
    for number in ("491701", "491702"):
        assert number not in stream.getvalue()
    keys = [line["event"]["v"]["key"] for line in lines(file) if line.get("event", {}).get("d") == "KeyPressed"]
    assert keys == ["7", "1", "0"]
    found = replay(file)
    assert found.same, found.differences
