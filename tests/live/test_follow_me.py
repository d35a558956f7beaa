"""Follow-me on a real switch: a caller for one person, whose phones are rung one after the other.

The phones outside are the carrier's side of a trunk of their own; every party is a tone, and what is heard is judged.
Whoever did not press 1 is never heard by a caller, and no phone is left up, whatever becomes of the dialer.
"""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Stages
from harness.phone import Habit, Phone, Room
from harness.phone_call import Call
from harness.phone_media import sine
from harness.waiting import until
from test_inbound import ANNA, CALLER, DID, FALLBACK, MUSIC, Desk, hears
from test_phones import becomes, seat_phone
from test_phones_together import FIRST, SECOND

pytestmark = pytest.mark.timeout(600)
MOBILE, LEADER = "+13105550701", "+13105550702"
ACCEPT_S = 6


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


class Followed(Desk):
    """A number that is agent 1001's: their desk, their mobile, their leader's mobile, a mailbox, a task."""

    def __init__(self, stages: Stages, room: Room, folder: Path, habits: dict[str, Habit]) -> None:
        self.outside: Phone = room.phone("outside", 0, choose=lambda number: habits[f"+{number.lstrip('+')}"])

        def change(tree: dict[str, Any]) -> None:
            (carrier,) = tree["trunks"]
            tree["trunks"].append(carrier | {"name": "mobiles", "port": self.outside.port})
            tree["agents"] = [
                {"id": "1001", "login_at_start": False, "follow_me": "ann"}, {"id": "1002", "login_at_start": False},
            ]  # fmt: skip
            tree["inbound"]["voicemail_directory"] = str(folder)
            tree["inbound"]["numbers"] = [{"number": DID, "queue": "sales", "agent": "1001", "region": "US"}]
            tree["routing"] = {
                "calendars": [{"name": "never", "zone": "America/New_York", "hours": {}}],
                "follow_me": [{
                    "name": "ann", "accept_s": ACCEPT_S,
                    "phones": [
                        {"name": "desk", "agent": "1001", "ring_s": 4},
                        {"name": "night", "seat": "1002", "calendar": "never"},
                        {"name": "mobile", "number": MOBILE, "trunk": "mobiles", "ring_s": 8},
                        {"name": "leader", "number": LEADER, "trunk": "mobiles", "ring_s": 8},
                    ],
                }],
            }  # fmt: skip

        super().__init__(stages, room, folder, change)

    def phone(self, number: str, timeout_s: float = 30.0) -> Call:
        """The call to an outside phone."""

        def found() -> list[Call]:
            return [call for call in self.outside.calls if call.number.lstrip("+") == number.lstrip("+")]

        until(lambda: bool(found()), timeout_s, f"{number} to be rung", 0.1)
        return found()[-1]


def ended(call: Call, timeout_s: float) -> None:
    call.until(lambda: call.state == "ended", timeout_s, "ended")
    assert not call.ended_by_us


def test_desk_mailbox_and_the_leader_who_presses_1(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The desk rings in vain, a mailbox answers the mobile and gets nobody, the leader takes the call by key."""
    mailbox = Habit(answer_s=1.0, greeting=sine(SECOND, 30.0))
    desk = Followed(stages, room, tmp_path / "s", {MOBILE: mailbox, LEADER: Habit(answer_s=1.0, tone=FIRST)})
    seat = seat_phone(desk.stage, room, "1001", habit=Habit(answer_s=None))
    call = desk.calls_in().wait("up")
    hears(call, MUSIC)
    ended(seat.next_call(), 15.0)
    taken = desk.phone(MOBILE).wait("up")
    assert taken.invite is not None and ANNA[1:] not in str(taken.invite), "the caller's number is shown to nobody"
    hears(call, MUSIC)
    ended(taken, ACCEPT_S + 5)
    print(f"\nthe mailbox had {taken.times['ended'] - taken.times['up']:.2f} s")
    leader = desk.phone(LEADER).wait("up")
    room.sleep(2.0)
    hears(call, MUSIC)
    pressed = time.monotonic()
    leader.press("1")
    hears(call, FIRST)
    hears(leader, CALLER)
    heard = call.media.first_heard(FIRST, pressed)
    assert heard is not None
    print(f"heard {heard - pressed:.3f} s after the key was begun")
    assert call.media.first_heard(SECOND, call.times["invite"]) is None, "the caller heard the mailbox"
    room.sleep(12.0)  # longer than the leg is let wait for its key
    hears(call, FIRST)
    call.hang_up()
    ended(leader, 3.0)
    assert desk.ended() == ["served"]
    (reason,) = desk.rows("reason")
    before = "before: desk: not answered; night: outside never; mobile: answered, nobody pressed 1"
    assert reason == f"spoke at leader; plan ann: leader accepted by key ({before})"
    assert desk.stage.floor.query("SELECT count(*) FROM callbacks") == [(0,)]
    assert desk.dialer.stop()["channels_left"] == 0
    log = desk.dialer.log.read_text()
    assert MOBILE[1:] not in log and LEADER[1:] not in log and ANNA[1:] not in log


def test_the_open_line_of_who_is_there_comes_first(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The agent is ready: they are joined as with any caller. In a call, their mobile is rung."""
    desk = Followed(stages, room, tmp_path / "s", {MOBILE: Habit(answer_s=0.5, tone=SECOND)})
    line = desk.ready("1001", FIRST)
    call = desk.calls_in().wait("up")
    hears(call, FIRST)
    hears(line, CALLER)
    second = desk.calls_in("+13105550303").wait("up")
    mobile = desk.phone(MOBILE).wait("up")
    mobile.press("1")
    hears(second, SECOND)
    hears(call, FIRST)
    mobile.hang_up()
    ended(second, 3.0)
    call.hang_up()
    assert desk.ended(2) == ["served", "served"]
    becomes(desk.dialer, "1001", "ready")
    assert desk.rows("agent") == ["1001", ""]
    assert desk.dialer.stop()["channels_left"] == 0


def test_nobody_then_a_message_and_a_task(stages: Stages, room: Room, tmp_path: Path) -> None:
    """No phone at the desk, the mobile is busy, the leader does not answer: a mailbox, and a task to call back."""
    folder = tmp_path / "s"
    desk = Followed(stages, room, folder, {MOBILE: Habit(status=486, answer_s=0.5), LEADER: Habit(answer_s=None)})
    call = desk.calls_in().wait("up")
    hears(call, MUSIC)
    ended(desk.phone(LEADER), 15.0)
    until(lambda: not call.hears((MUSIC,), 0.3), 10.0, "the mailbox", 0.1)
    room.sleep(6.0)
    call.hang_up()
    assert desk.ended() == ["voicemail"]
    ((path, reason),) = desk.rows("voicemail, reason")
    with wave.open(path) as sound:
        assert sound.getnframes() > sound.getframerate()
    assert "mobile: busy; leader: not answered" in reason
    until(lambda: desk.stage.floor.query("SELECT id FROM callbacks"), 10.0, "the task", 0.2)
    ((number, agent, state, note),) = desk.stage.floor.query("SELECT number, agent, state, note FROM callbacks")
    assert (number, agent, state) == (ANNA, "1001", "open") and note.startswith("missed call for 1001: plan ann: ")
    assert note.endswith(f"the message is {path}")
    assert desk.dialer.stop()["channels_left"] == 0


def test_the_dialer_dies_while_a_phone_is_asked(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The phone is let go by the switch alone, also when it presses 1 then; the caller goes to the fallback."""
    desk = Followed(stages, room, tmp_path / "s", {MOBILE: Habit(answer_s=0.5, tone=SECOND)})
    call = desk.calls_in().wait("up")
    mobile = desk.phone(MOBILE).wait("up")
    desk.dialer.kill()
    killed = time.monotonic()
    mobile.press("1")
    ended(mobile, 25.0)
    print(f"\nthe phone was let go {mobile.times['ended'] - mobile.times['up']:.1f} s after it answered")
    hears(call, FALLBACK, timeout_s=40)
    heard = call.media.first_heard(FALLBACK, killed)
    assert heard is not None and call.media.first_heard(SECOND, killed) is None
    print(f"fallback {heard - killed:.1f} s after the kill, {heard - call.times['up']:.1f} s after the answer")
    ended(call, 10.0)
    again = desk.stage.floor.run()
    again.until_ready()
    until(lambda: desk.rows() == ["interrupted"], 15.0, "the call to be settled", 0.2)
    assert again.stop()["channels_left"] == 0


@pytest.mark.parametrize("who", ["caller", "phone"])
def test_the_dialer_dies_while_they_talk(stages: Stages, room: Room, tmp_path: Path, who: str) -> None:
    """They talk on. When one hangs up the switch alone ends the other: the phone at once, the caller at the fallback"""
    desk = Followed(stages, room, tmp_path / "s", {MOBILE: Habit(answer_s=0.5, tone=SECOND)})
    call = desk.calls_in().wait("up")
    mobile = desk.phone(MOBILE).wait("up")
    mobile.press("1")
    hears(call, SECOND)
    desk.dialer.kill()
    room.sleep(2.0)
    hears(call, SECOND)
    hears(mobile, CALLER)
    if who == "caller":
        call.hang_up()
        ended(mobile, 3.0)
    else:
        mobile.hang_up()
        hears(call, FALLBACK)
        ended(call, 10.0)
    again = desk.stage.floor.run()
    again.until_ready()
    until(lambda: desk.rows() == ["served"], 15.0, "the call to be settled", 0.2)
    assert again.stop()["channels_left"] == 0


def test_a_restart_while_they_talk_adopts_both(stages: Stages, room: Room, tmp_path: Path) -> None:
    """The next run knows the phone's leg: it is not hung up, and ends with the caller."""
    desk = Followed(stages, room, tmp_path / "s", {MOBILE: Habit(answer_s=0.5, tone=SECOND)})
    call = desk.calls_in().wait("up")
    mobile = desk.phone(MOBILE).wait("up")
    mobile.press("1")
    hears(call, SECOND)
    desk.dialer.kill()
    desk.dialer = desk.stage.floor.run()
    desk.dialer.until_ready()
    room.sleep(6.0)
    hears(call, SECOND)
    hears(mobile, CALLER)
    call.hang_up()
    ended(mobile, 3.0)
    assert desk.ended() == ["served"]
    assert desk.dialer.stop()["channels_left"] == 0
