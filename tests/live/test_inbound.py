"""Calls that come in on a real switch: every party and every sound is a tone of its own, and what is heard is judged.

The callers' phones are the carrier's side: they call the trunks' port. What must hold whatever happens to the dialer is
that nobody is left in silence or in music without an end.
"""

from __future__ import annotations

import time
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Stages
from harness.phone import Habit, Room
from harness.phone_call import Call
from harness.phone_media import sine
from harness.plays import numbers
from harness.waiting import until
from test_phones import SECRET, becomes, seat_phone
from test_phones_together import FIRST, SECOND

pytestmark = pytest.mark.timeout(600)
CALLER, MUSIC, FALLBACK, CLOSED, NOTED, MENU = 880.0, 2300.0, 1900.0, 1700.0, 1500.0, 2100.0
ALL = (CALLER, MUSIC, FALLBACK, CLOSED, NOTED, MENU, FIRST, SECOND)
DID, SECOND_DID = "+12025550111", "+12025550122"
ANNA, BORIS = "+13105550101", "+13105550202"


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


def recording(folder: Path, name: str, hz: float, seconds: float = 2.0) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(np.asarray(sine(hz, seconds)).astype("<i2").tobytes())
    path.chmod(0o644)
    return str(path)


class Desk:
    """A switch, a dialer whose two agents take calls of one queue on registered phones, and callers."""

    def __init__(
        self,
        stages: Stages,
        room: Room,
        folder: Path,
        change: Callable[[dict[str, Any]], None] = lambda tree: None,
        leads: Sequence[str] = (),
    ) -> None:
        self.room = room
        self.stage = stages.build(leads, agents=2, start_switch=False, seat_address="user/{id}", seat_secret=SECRET)
        tree = self.stage.floor.tree
        tree["campaigns"] = []
        tree["agents"] = [{"id": "1001-1002", "login_at_start": False}]
        tree["phones"] = {"beep": False}
        tree["inbound"] = {
            "fallback": {"message": recording(folder, "fallback", FALLBACK)},
            "numbers": [{"number": DID, "queue": "sales", "region": "US"}],
            "queues": [
                {
                    "name": "sales",
                    "music": f"tone_stream://%(1000,0,{MUSIC:.0f});loops=-1",
                    "announce": {"every_s": 10, "place": False, "wait": False},
                    "wrap_up_s": 1,
                }
            ],
        }
        change(tree)
        self.stage.floor.write()
        self.stage.switch.render()
        self.stage.switch.start()
        self.dialer = self.stage.floor.run()
        self.dialer.until_ready()
        self.callers: dict[str, Call] = {}

    def ready(self, agent: str, tone: float, then: str = "ready") -> Call:
        """An agent logs in and is ready, or at once ``then`` what a waiting caller makes of that; the open line."""
        phone = seat_phone(self.stage, self.room, agent, habit=Habit(answer_s=0.2, tone=tone))
        assert self.dialer.post(f"/v1/agents/{agent}/login") == 200
        becomes(self.dialer, agent, "paused", 60.0)
        assert self.dialer.post(f"/v1/agents/{agent}/ready") == 200
        becomes(self.dialer, agent, then, 60.0)
        return phone.calls[-1]

    def calls_in(self, who: str = ANNA, did: str = DID, tone: float = CALLER) -> Call:
        phone = self.room.phone(who, self.stage.switch.trunks_port)
        self.callers[who] = call = phone.call(did, tone)
        return call

    def rows(self, columns: str = "ending") -> list[Any]:
        rows = self.stage.floor.query(f"SELECT {columns} FROM inbound_calls ORDER BY arrived_at")
        return [row[0] if len(row) == 1 else row for row in rows]

    def ended(self, count: int = 1, timeout_s: float = 20.0) -> list[Any]:
        until(lambda: sum(bool(e) for e in self.rows()) >= count, timeout_s, f"{count} calls to be written", 0.1)
        return self.rows()


def hears(call: Call, *tones: float, timeout_s: float = 15.0) -> None:
    """Sooner or later these tones and no others."""
    last: set[float] = set()
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        last = call.hears(ALL, 0.4)
        if last == set(tones):
            return
    raise AssertionError(f"heard {last}, expected {set(tones)}")


def test_a_caller_is_served(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Rings, is answered, hears the agent at once; the same caller comes back to the agent who knows them."""
    desk = Desk(stages, room, tmp_path / "sounds")
    first = desk.ready("1001", FIRST)
    call = desk.calls_in().wait("up")
    becomes(desk.dialer, "1001", "talking")
    hears(call, FIRST)
    hears(first, CALLER)
    heard = call.media.first_heard(FIRST, call.times["invite"])
    assert heard is not None
    print(f"\nanswered {call.times['up'] - call.times['invite']:.3f} s after the INVITE, the agent is heard after "
          f"{heard - call.times['invite']:.3f} s")  # fmt: skip
    second = desk.ready("1002", SECOND)
    call.hang_up()
    assert desk.ended() == ["served"]
    becomes(desk.dialer, "1001", "ready")
    again = desk.calls_in().wait("up")
    hears(again, FIRST)
    hears(second)
    again.hang_up()
    assert desk.ended(2) == ["served", "served"]
    agents = desk.rows("agent, number, dialed")
    assert agents == [("1001", ANNA, DID)] * 2
    summary = desk.dialer.stop()
    assert summary["inbound"] == {"served": 2} and summary["attempts"] == 0 and summary["channels_left"] == 0
    assert ANNA not in desk.dialer.log.read_text() and ANNA[1:] not in desk.dialer.log.read_text()


def test_a_call_while_the_dialer_is_down(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The switch by itself says the fallback's words after some seconds, and hangs up."""
    desk = Desk(stages, room, tmp_path / "sounds")
    desk.dialer.kill()
    call = desk.calls_in().wait("up")
    print(f"\nthe fallback answers {call.times['up'] - call.times['invite']:.2f} s after the INVITE")
    assert 3.5 < call.times["up"] - call.times["invite"] < 6.0
    hears(call, FALLBACK)
    call.until(lambda: call.state == "ended", 10.0, "ended")
    assert not call.ended_by_us
    again = desk.stage.floor.run()
    again.until_ready()
    assert desk.rows() == []
    assert again.stop()["channels_left"] == 0


def test_the_dialer_dies_while_callers_wait(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Each ends at the fallback by itself; who talks talks on. The next start settles every call, once."""
    desk = Desk(stages, room, tmp_path / "sounds")
    line = desk.ready("1001", FIRST)
    talking = desk.calls_in("+13105550303").wait("up")
    hears(talking, FIRST)
    waiting = [desk.calls_in(who).wait("up") for who in (ANNA, BORIS)]
    for call in waiting:
        hears(call, MUSIC)
    room.sleep(11)
    desk.dialer.kill()
    killed = time.monotonic()
    for call in waiting:
        hears(call, FALLBACK, timeout_s=30)
        heard = call.media.first_heard(FALLBACK, killed)
        assert heard is not None
        print(f"\nfallback {heard - killed:.1f} s after the kill")
        call.until(lambda call=call: call.state == "ended", 10.0, "ended")
        assert not call.ended_by_us
    hears(talking, FIRST)
    hears(line, CALLER)
    again = desk.stage.floor.run()
    again.until_ready()
    until(lambda: sorted(desk.rows()) == ["", "interrupted", "interrupted"], 15.0, "both to be settled", 0.2)
    talking.hang_up()
    until(lambda: sorted(desk.rows()) == ["interrupted", "interrupted", "served"], 15.0, "the talk to be written", 0.2)
    assert again.stop()["channels_left"] == 0


def test_a_dialer_that_comes_back_in_time_goes_on(stages: Stages, room: Room, tmp_path: Path) -> None:
    """A caller who waits is taken over, and served."""
    desk = Desk(stages, room, tmp_path / "sounds")
    call = desk.calls_in().wait("up")
    hears(call, MUSIC)
    desk.dialer.kill()
    desk.dialer = desk.stage.floor.run()
    desk.dialer.until_ready()
    hears(call, MUSIC)
    room.sleep(12)
    hears(call, MUSIC)
    desk.ready("1001", FIRST, "talking")
    hears(call, FIRST)
    call.hang_up()
    assert desk.ended() == ["served"]
    assert desk.rows("waited_s")[0] > 12
    assert desk.dialer.stop()["channels_left"] == 0


def test_a_vip_whose_seats_are_taken_is_next_anywhere(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Dedicated seats take no ordinary caller; with all of them busy a VIP is ahead of everybody who waits."""

    def change(tree: dict[str, Any]) -> None:
        tree["routing"] = {
            "vips": [{"name": "best", "numbers": [BORIS, "+13105550303"]}],
            "seat_groups": [{"name": "vip", "seats": ["1002"], "serves": ["vip"]}],
        }

    desk = Desk(stages, room, tmp_path / "sounds", change)
    kept = desk.ready("1002", SECOND)
    ordinary = desk.calls_in(ANNA, tone=0.0).wait("up")
    hears(ordinary, MUSIC)
    first = desk.calls_in(BORIS).wait("up")
    hears(first, SECOND)
    hears(kept, CALLER)
    second = desk.calls_in("+13105550303").wait("up")
    hears(second, MUSIC)
    desk.ready("1001", FIRST, "talking")
    hears(second, FIRST)
    hears(ordinary, MUSIC)
    for call in (first, second, ordinary):
        call.hang_up()
    assert sorted(desk.ended(3)) == ["lost", "served", "served"]
    assert desk.dialer.stop()["channels_left"] == 0


def test_before_the_answer_and_instead_of_a_queue(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Blacklisted: never answered. Closed: told so. A callback by key, a message in a mailbox, a menu."""
    folder = tmp_path / "sounds"

    def change(tree: dict[str, Any]) -> None:
        inbound = tree["inbound"]
        inbound["blacklist"] = ["+1310555099*"]
        inbound["voicemail_directory"] = str(folder)
        inbound["numbers"] += [
            {"number": SECOND_DID, "queue": "sales", "calendar": "never",
             "closed": recording(folder, "closed", CLOSED)},
            {"number": "+12025550133", "queue": "sales", "menu": "main"},
        ]  # fmt: skip
        inbound["menus"] = [
            {"name": "main", "say": recording(folder, "menu", MENU, 4.0), "otherwise": {"queue": "sales"},
             "keys": {"1": {"queue": "sales"}, "2": {"voicemail": True}}},
        ]  # fmt: skip
        inbound["queues"][0]["callback"] = {
            "key": "1", "after_s": 5, "say": recording(folder, "offer", MENU, 2.0),
            "noted": recording(folder, "noted", NOTED),
        }  # fmt: skip
        tree["routing"] = {"calendars": [{"name": "never", "zone": "America/New_York", "hours": {}}]}

    desk = Desk(stages, room, folder, change)
    bad = desk.calls_in("+13105550999")
    bad.until(lambda: bad.state == "ended", 5.0, "ended")
    assert bad.status == 603 and "up" not in bad.times
    late = desk.calls_in("+13105550404", SECOND_DID).wait("up")
    hears(late, CLOSED)
    late.until(lambda: late.state == "ended", 10.0, "ended")
    assert not late.ended_by_us
    waits = desk.calls_in(ANNA).wait("up")
    hears(waits, MUSIC)
    hears(waits, MENU)
    waits.press("1")
    hears(waits, NOTED)
    waits.until(lambda: waits.state == "ended", 10.0, "ended")
    speaks = desk.calls_in(BORIS, "+12025550133").wait("up")
    hears(speaks, MENU)
    speaks.press("2")
    room.sleep(6.0)
    speaks.hang_up()
    chooses = desk.calls_in("+13105550505", "+12025550133").wait("up")
    hears(chooses, MENU)
    chooses.press("1")
    hears(chooses, MUSIC)
    chooses.hang_up()
    assert desk.ended(5) == ["refused", "closed", "callback", "voicemail", "lost"]
    assert desk.stage.floor.query("SELECT number, state FROM callbacks") == [(ANNA, "open")]
    (path,) = [path for path in desk.rows("voicemail") if path]
    with wave.open(path) as sound:
        print(f"\nthe message lasts {sound.getnframes() / sound.getframerate():.1f} s")
        assert sound.getnframes() > sound.getframerate()
    assert desk.dialer.stop()["channels_left"] == 0


def test_a_caller_is_called_back_for_an_agent_who_waits(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Nobody has time: they press the key and hang up. The next agent who is ready is reserved, and they are dialed."""
    folder = tmp_path / "sounds"
    (who,) = numbers([10], 1)

    def change(tree: dict[str, Any]) -> None:
        tree["campaigns"] = [
            {"name": "back", "mode": "progressive", "lists": ["people"], "trunk": "carrier", "ring_timeout_s": 12,
             "min_ring_s": 5, "wait_limit_s": 2, "wrap_up_s": 1,
             "call_window": {"zone": "UTC", "days": {"daily": "00:00-24:00"}}},
        ]  # fmt: skip
        tree["inbound"]["queues"][0] |= {
            "callback": {
                "key": "1", "after_s": 5, "say": recording(folder, "offer", MENU, 2.0),
                "noted": recording(folder, "noted", NOTED),
            },
            "callback_campaign": "back",
        }  # fmt: skip

    desk = Desk(stages, room, folder, change)
    waits = desk.calls_in(who).wait("up")
    hears(waits, MUSIC)
    hears(waits, MENU)
    waits.press("1")
    hears(waits, NOTED)
    waits.until(lambda: waits.state == "ended", 10.0, "ended")
    assert desk.ended() == ["callback"]
    desk.ready("1001", FIRST, "talking")
    until(lambda: desk.stage.floor.query("SELECT id FROM callbacks WHERE state = 'done'"), 60.0, "it to be done", 0.2)
    ((number, campaign, by, outcome),) = desk.stage.floor.query(
        "SELECT number, campaign, agent, outcome FROM attempts WHERE callback = 1"
    )
    assert (number, campaign, by, outcome) == (who, "back", "1001", "connected")
    summary = desk.dialer.stop()
    assert summary["inbound"] == {"callback": 1} and summary["outcomes"] == {"connected": 1}
    assert summary["channels_left"] == 0


def test_a_missed_call_is_returned(stages: Stages, room: Room, tmp_path: Path) -> None:
    """1001 called, and it was busy. Whoever calls back the number that we showed gets 1001, though 1002 is idle longer;
    the agent's word is booked on the lead in the campaign's words, and the lead is not dialed again."""
    (who,) = numbers([20], 1)

    def change(tree: dict[str, Any]) -> None:
        tree["campaigns"] = [
            {"name": "spring", "mode": "preview", "lists": ["people"], "trunk": "carrier", "caller_id": DID[1:],
             "agents": ["1001"], "dispositions": ["sold", "no"], "ring_timeout_s": 12, "min_ring_s": 0,
             "wait_limit_s": 2, "wrap_up_s": 1, "recycle": {"busy": "1m"},
             "call_window": {"zone": "UTC", "days": {"daily": "00:00-24:00"}}},
        ]  # fmt: skip

    desk = Desk(stages, room, tmp_path / "sounds", change, leads=[who])
    line = desk.ready("1001", FIRST, "previewing")
    other = desk.ready("1002", SECOND)
    assert desk.dialer.post("/v1/agents/1001/accept") == 200
    until(lambda: desk.stage.floor.query("SELECT id FROM attempts WHERE outcome = 'busy'"), 30.0, "it to be busy", 0.2)
    becomes(desk.dialer, "1001", "ready")
    call = desk.calls_in(who).wait("up")
    becomes(desk.dialer, "1001", "talking")
    hears(call, FIRST)
    hears(line, CALLER)
    hears(other)
    call.hang_up()
    assert desk.ended() == ["served"]
    assert desk.dialer.post("/v1/agents/1001/dispose", {"code": "sold"}) == 200
    ((lead_id, called_by, shown),) = desk.stage.floor.query("SELECT lead_id, agent, shown FROM attempts")
    ((ident, lead, campaign, agent, judged),) = desk.rows("id, lead_id, campaign, agent, judged")
    assert (lead, campaign, agent, called_by, shown) == (lead_id, "spring", "1001", "1001", DID[1:])
    assert "1001 called" in judged
    until(lambda: desk.stage.floor.query("SELECT code FROM dispositions"), 10.0, "the word to be kept", 0.1)
    assert desk.stage.floor.query("SELECT attempt_id, agent, code FROM dispositions") == [(ident, "1001", "sold")]
    assert desk.stage.floor.query("SELECT state, reason FROM leads") == [("done", "returned our call")]
    assert desk.dialer.stop()["channels_left"] == 0


CALLER_IDS = {
    "anonymous": ("", "hides their number"),
    "BANKINFO": ("", "a name and no number"),
    "0017;x=${system(id)}": ("", ""),
    "%0Aevil": ("", ""),
    "1" * 200: ("", ""),
    "8613812341234": ("", ""),
    "+8613812341234": ("+8613812341234", "no VIP"),
}
"""What a caller says who they are, what is written of it, and why they are an ordinary one."""


@pytest.mark.parametrize("who", CALLER_IDS)
def test_hostile_callers(stages: Stages, room: Room, tmp_path: Path, who: str) -> None:
    """Whatever they say who they are: an ordinary caller with a reason, and nothing of it in any order."""
    desk = Desk(stages, room, tmp_path / "sounds")
    desk.ready("1001", FIRST)
    call = desk.calls_in(who).wait("up")
    hears(call, FIRST)
    call.hang_up()
    assert desk.ended() == ["served"]
    ((number, tier, judged),) = desk.rows("number, tier, judged")
    print(f"\n{who[:40]!r}: {number!r}, {judged}")
    assert (number, tier) == (CALLER_IDS[who][0], "ordinary") and CALLER_IDS[who][1] in judged
    assert desk.dialer.stop()["channels_left"] == 0
