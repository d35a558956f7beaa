"""Several phones and what each of them hears: hold, transfer, consultation, conference, supervision, a lost phone.

Every party says a tone of its own; what a party hears is read from its own recording by FFT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Stage, Stages
from harness.floor import Dialer
from harness.phone import YEALINK, Habit, Phone, Room
from harness.phone_call import Call
from harness.waiting import until
from test_phones import PIN, SECRET, becomes, seat_phone, set_pin, state

CUSTOMER, FIRST, SECOND, BOSS, OUTSIDE = 880.0, 440.0, 560.0, 700.0, 1100.0
BEEP = Path(__file__).parents[2] / "freeswitch" / "sounds" / "en" / "beep.wav"
TONES = (CUSTOMER, FIRST, SECOND, BOSS, OUTSIDE)
LEAD, MOBILE = "+12025550110", "12125550199"


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


class Hall:
    """A switch, a dialer, two agents and a supervisor on registered phones, and a carrier whose customers stay."""

    def __init__(
        self,
        stages: Stages,
        room: Room,
        leads: tuple[str, ...] = (LEAD,),
        change: Callable[[dict[str, Any]], None] = lambda tree: None,
        **phone: object,
    ) -> None:
        self.room = room
        self.stage: Stage = stages.build(
            leads, agents=3, start_switch=False, seat_address="user/{id}", seat_secret=SECRET, campaign={"wrap_up_s": 1}
        )
        self.carrier = room.phone("carrier", 1, habit=Habit(answer_s=0.5, tone=CUSTOMER))
        tree = self.stage.floor.tree
        tree["trunks"][0]["port"] = self.carrier.port
        tree["agents"] = [
            {"id": "1001-1002", "login_at_start": False},
            {"id": "1003", "role": "supervisor", "login_at_start": False},
        ]
        tree["campaigns"][0]["agents"] = ["1001-1002"]
        tree["phones"] = {"beep": False, "dial_rules": [{"roles": ["agent"], "allow": ["1"], "region": "US"}]}
        change(tree)
        self.stage.floor.write()
        self.stage.switch.render()
        self.stage.switch.start()
        for agent in ("1001", "1002", "1003"):
            set_pin(self.stage, agent)
        self.dialer: Dialer = self.stage.floor.run()
        self.dialer.until_ready()
        self.phones: dict[str, Phone] = {
            seat: seat_phone(self.stage, room, seat, **phone) for seat in ("1001", "1002", "1003")
        }
        self.lines: dict[str, Call] = {}

    def log_in(self, agent: str, tone: float) -> Call:
        call = self.phones[agent].call(f"*10{agent}", tone).wait("up")
        self.room.sleep(1.0)
        call.press(f"{PIN}#")
        becomes(self.dialer, agent, "paused")
        self.lines[agent] = call
        return call

    def customer(self, agent: str = "1001") -> Call:
        """Make an agent ready and wait for the customer."""
        self.lines[agent].press("*1")
        becomes(self.dialer, agent, "talking", 30.0)
        return self.carrier.calls[-1]

    def hear(self, **wanted: set[float]) -> None:
        """What each party hears, sooner or later."""
        calls = {"customer": self.carrier.calls[0], **{f"a{name}": call for name, call in self.lines.items()}}

        def wrong() -> dict[str, set[float]]:
            found = {name: calls[name].hears(TONES, 0.4) for name in wanted}
            return {name: found[name] for name in wanted if found[name] != wanted[name]}

        last: dict[str, set[float]] = {}
        for _ in range(12):
            last = wrong()
            if not last:
                return
        raise AssertionError(f"heard {last}, expected {wanted}")


def test_hold_and_back(stages: Stages, room: Room) -> None:
    """On hold neither hears the other; the agent's keys never reach the customer's ears."""
    hall = Hall(stages, room)
    agent = hall.log_in("1001", FIRST)
    hall.customer()
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    agent.press("*3")
    hall.hear(customer=set(), a1001=set())
    agent.press("*3")
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    agent.press("*#")
    becomes(hall.dialer, "1001", "ready", 20.0)
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_a_hold_outlasts_a_short_hold_sound(stages: Stages, room: Room) -> None:
    """A sound of a third of a second: the customer is still there after more than sixty of them."""
    hall = Hall(stages, room, change=lambda tree: tree["phones"].update(hold_sound=str(BEEP)))
    agent = hall.log_in("1001", FIRST)
    customer = hall.customer()
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    agent.press("*3")
    room.sleep(40.0)
    assert customer.state == "up", "the switch took them for somebody whom everybody had forgotten"
    agent.press("*3")
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    agent.press("*#")
    becomes(hall.dialer, "1001", "ready", 20.0)
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_transfer_to_a_colleague(stages: Stages, room: Room) -> None:
    """The customer goes over without a gap; the first agent is free at once."""
    hall = Hall(stages, room)
    first = hall.log_in("1001", FIRST)
    second = hall.log_in("1002", SECOND)
    hall.customer()
    second.press("*1")
    becomes(hall.dialer, "1002", "ready")
    first.press("*41002#")
    becomes(hall.dialer, "1002", "talking")
    hall.hear(customer={SECOND}, a1002={CUSTOMER}, a1001=set())
    second.press("*#")
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_consult_conference_and_leave(stages: Stages, room: Room) -> None:
    """An outside mobile is asked while the customer waits, all three talk, the two go on without the agent."""
    hall = Hall(stages, room)
    agent = hall.log_in("1001", FIRST)
    hall.customer()
    hall.carrier.habit = Habit(answer_s=0.5, tone=OUTSIDE)
    agent.press(f"*7{MOBILE}#")
    until(lambda: len(hall.carrier.calls) == 2, 15.0, "the mobile to be rung", 0.1)
    mobile = hall.carrier.calls[1]
    hall.lines["mobile"] = mobile
    hall.hear(customer=set(), a1001={OUTSIDE}, amobile={FIRST})
    agent.press("*2")
    hall.hear(customer={FIRST, OUTSIDE}, a1001={CUSTOMER, OUTSIDE}, amobile={FIRST, CUSTOMER})
    agent.press("*1")
    hall.hear(customer={OUTSIDE}, amobile={CUSTOMER}, a1001=set())
    mobile.hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    summary = hall.dialer.stop()
    assert summary["outcomes"] == {"connected": 1} and summary["channels_left"] == 0


def test_listen_whisper_barge_take_over(stages: Stages, room: Room) -> None:
    """Each party hears exactly whom it should."""
    hall = Hall(stages, room)
    hall.log_in("1001", FIRST)
    hall.customer()
    boss = hall.phones["1003"].call("*201003", BOSS).wait("up")
    hall.lines["1003"] = boss
    room.sleep(1.0)
    boss.press(f"{PIN}#")
    room.sleep(2.0)
    boss.press("1001#")
    hall.hear(a1003={FIRST, CUSTOMER}, customer={FIRST}, a1001={CUSTOMER})
    boss.press("2")
    hall.hear(a1003={FIRST, CUSTOMER}, customer={FIRST}, a1001={CUSTOMER, BOSS})
    boss.press("3")
    hall.hear(a1003={FIRST, CUSTOMER}, customer={FIRST, BOSS}, a1001={CUSTOMER, BOSS})
    boss.press("4")
    hall.hear(a1003={CUSTOMER}, customer={BOSS}, a1001=set())
    hall.carrier.calls[0].hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    boss.hang_up()
    summary = hall.dialer.stop()
    assert summary["outcomes"] == {"connected": 1} and summary["channels_left"] == 0


def test_a_phone_that_hangs_up_in_a_talk(stages: Stages, room: Room) -> None:
    """The customer waits in silence for the next free agent, and is not lost."""
    hall = Hall(stages, room)
    first = hall.log_in("1001", FIRST)
    second = hall.log_in("1002", SECOND)
    hall.customer()
    hall.hear(customer={FIRST})
    first.hang_up()
    second.press("*1")
    becomes(hall.dialer, "1002", "talking", 20.0)
    hall.hear(customer={SECOND}, a1002={CUSTOMER})
    assert state(hall.dialer, "1001") in ("unavailable", "connecting", "logged_out", "paused", "ready")
    hall.carrier.calls[0].hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_a_phone_without_power_in_a_talk(stages: Stages, room: Room) -> None:
    """It says nothing more, not even that it hangs up: the switch misses it, and its customer goes to a colleague."""
    hall = Hall(stages, room)
    hall.log_in("1001", FIRST)
    second = hall.log_in("1002", SECOND)
    hall.customer()
    hall.hear(customer={FIRST})
    second.press("*1")
    becomes(hall.dialer, "1002", "ready")
    hall.phones["1001"].vanish()
    becomes(hall.dialer, "1002", "talking", 20.0)
    hall.hear(customer={SECOND}, a1002={CUSTOMER})
    assert state(hall.dialer, "1001") != "talking"
    second.press("*#")
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    summary = hall.dialer.stop()
    assert summary["outcomes"] == {"connected": 1} and summary["channels_left"] == 0


def test_a_phone_on_hold_is_not_lost_and_gets_no_customer(stages: Stages, room: Room) -> None:
    """By its own button, sending nothing for longer than a lost phone may: and once it is back it is missed as ever."""
    hall = Hall(stages, room)
    agent = hall.log_in("1001", FIRST)
    agent.hold()
    room.sleep(0.5)
    assert hall.dialer.post("/v1/agents/1001/ready") == 200
    room.sleep(14.0)
    assert agent.state == "up" and state(hall.dialer, "1001") == "ready" and not hall.carrier.calls
    agent.resume()
    becomes(hall.dialer, "1001", "talking", 30.0)
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    hall.phones["1001"].vanish()
    until(lambda: state(hall.dialer, "1001") != "talking", 15.0, "the phone to be missed", 0.2)
    hall.carrier.calls[0].hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_a_call_for_help(stages: Stages, room: Room) -> None:
    """A supervisor with a line is asked over it, one without is rung; who answers whispers, unheard by the customer."""
    hall = Hall(stages, room)
    agent = hall.log_in("1001", FIRST)
    hall.customer()
    boss = hall.phones["1003"].call("*201003", BOSS).wait("up")
    hall.lines["1003"] = boss
    room.sleep(1.0)
    boss.press(f"{PIN}#")
    room.sleep(2.0)
    agent.press("*8")
    room.sleep(2.0)
    boss.press("1")
    hall.hear(a1003={FIRST, CUSTOMER}, customer={FIRST}, a1001={CUSTOMER, BOSS})
    boss.press("*")
    hall.hear(a1003=set(), customer={FIRST}, a1001={CUSTOMER})
    boss.hang_up()
    hall.phones["1003"].habit = Habit(answer_s=1.0, tone=BOSS)
    agent.press("*8")
    hall.lines["1003"] = hall.phones["1003"].next_call(10.0, 1)
    hall.hear(a1003={FIRST, CUSTOMER}, customer={FIRST}, a1001={CUSTOMER, BOSS})
    agent.press("*#")
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    hall.lines["1003"].hang_up()
    summary = hall.dialer.stop()
    assert summary["outcomes"] == {"connected": 1} and summary["channels_left"] == 0


def all_answers(dialer: Dialer) -> dict[str, str]:
    """What every GET of the API answers: the paths are those that it lists itself."""
    status, listed = dialer.get("/openapi")
    assert status == 200
    found = {}
    for path, methods in listed["paths"].items():
        if "get" in methods:
            ident = "1001" if "/agents/" in path else "people" if "/campaigns/" in path else "1"
            found[path] = str(dialer.get(re.sub(r"\{[a-z_]+\}", ident, path)))
    assert len(found) > 10
    return found


def shown_on(phone: Phone) -> list[str]:
    """What a phone was told to display, in order."""
    return [value for message in phone.messages() for name, value in message.headers if name == "P-Asserted-Identity"]


@pytest.mark.parametrize("display", [(), ("name", "number")], ids=["nothing", "masked"])
def test_no_number_reaches_a_seat(stages: Stages, room: Room, tmp_path: Path, display: tuple[str, ...]) -> None:
    """Not in the phones' SIP (of a kind whose display the switch updates), nor in logs, metrics, files' names, reports
    or the API: at the bridge, on hold, in a consultation, a conference, under supervision, after a transfer.
    """

    def change(tree: dict[str, Any]) -> None:
        tree["phones"]["display"] = list(display)
        tree["campaigns"][0]["recording"] = {"mode": "all", "directory": str(kept)}

    kept = tmp_path / "kept"
    kept.mkdir()
    hall = Hall(stages, room, change=change, agent=YEALINK)
    first = hall.log_in("1001", FIRST)
    second = hall.log_in("1002", SECOND)
    hall.customer()
    hall.hear(customer={FIRST})
    first.press("*3")
    room.sleep(1.0)
    first.press("*3")
    room.sleep(1.0)
    hall.carrier.habit = Habit(answer_s=0.5, tone=OUTSIDE)
    first.press(f"*7{MOBILE}#")  # a consultation, a conference, and back to the two
    until(lambda: len(hall.carrier.calls) == 2, 15.0, "the mobile to be rung", 0.1)
    mobile = hall.carrier.calls[1].wait("up")
    hall.hear(a1001={OUTSIDE})
    first.press("*2")
    hall.hear(customer={FIRST, OUTSIDE})
    mobile.hang_up()
    boss = hall.phones["1003"].call("*201003", BOSS).wait("up")
    room.sleep(1.0)
    boss.press(f"{PIN}#")
    room.sleep(2.0)
    boss.press("1001#")
    room.sleep(1.0)
    boss.press("2")
    hall.hear(customer={FIRST}, a1001={CUSTOMER, BOSS})
    boss.press("*")
    boss.hang_up()
    second.press("*1")
    becomes(hall.dialer, "1002", "ready")
    first.press("*41002#")
    becomes(hall.dialer, "1002", "talking")
    hall.hear(customer={SECOND})
    digits = LEAD.removeprefix("+1")
    shown = all_answers(hall.dialer)
    second.press("*#")
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    shown |= {f"{path} afterwards": text for path, text in all_answers(hall.dialer).items()}
    summary = hall.dialer.stop()
    assert any(digits in repr(each) for each in hall.carrier.messages()), "the carrier is told whom to call"
    for phone in hall.phones.values():
        leaks = [each for each in phone.messages() if digits in repr(each)]
        assert phone.messages() and not leaks, leaks
    for seat in ("1001", "1002"):
        told = shown_on(hall.phones[seat])
        print(seat, told)
        assert bool(told) == bool(display)
        if display:
            assert any("20****0110" in each for each in told), told
            assert "20****" not in told[-1], "the customer is gone, and their number still shown"
    assert not [path for path, text in shown.items() if digits in text]
    assert digits not in hall.dialer.log.read_text() and digits not in str(summary)
    files = [str(file) for file in kept.rglob("*")]
    assert any(name.endswith(".wav") for name in files) and not [name for name in files if digits in name]
