"""Agents who have nothing but a phone: login by keypad, customers with dispositions, pause, logout, other desks."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import Stage, Stages
from harness.floor import Dialer
from harness.phone import Habit, Phone, Room
from harness.phone_call import Call
from harness.plays import numbers
from harness.waiting import until
from harness.witness import ALL_CHANNEL_EVENTS, Seen

SECRET = "a-seat-secret"
PIN = "739142"
TONE = 440.0


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


def floor_of_phones(stages: Stages, leads: int, agents: int = 2) -> Stage:
    """A stage whose agents log in by keypad."""
    people = numbers([10], leads) if leads else []
    stage = stages.build(people, agents=agents, seat_address="user/{id}", seat_secret=SECRET)
    tree = stage.floor.tree
    tree["agents"] = [{"id": tree["seats"][0]["id"], "login_at_start": False}]
    tree["campaigns"][0] |= {"dispositions": ["sale", "no_interest"], "wrap_up_s": 20}
    tree["phones"] = {"pause_reasons": {"1": "lunch", "2": "break"}}
    stage.floor.write()
    return stage


def set_pin(stage: Stage, agent: str, pin: str = PIN) -> None:
    """As an operator does."""
    command = [str(Path(sys.executable).with_name("dialer")), "agents", "set-pin", agent, "--stdin", "--config",
               str(stage.floor.config_file)]  # fmt: skip
    subprocess.run(command, input=pin + "\n", text=True, check=True, capture_output=True, timeout=180)


def seat_phone(stage: Stage, room: Room, seat: str, **more: object) -> Phone:
    """A registered phone."""
    phone = room.phone(seat, stage.switch.seats_port, stage.switch.domain, SECRET, **more)
    assert phone.register() == 200
    return phone


def state(dialer: Dialer, agent: str) -> str:
    """What the API says of an agent."""
    status, body = dialer.get("/v1/agents")
    assert status == 200, body
    return next(str(each["state"]) for each in body["agents"] if each["agent"] == agent)


def becomes(dialer: Dialer, agent: str, wanted: str, timeout_s: float = 15.0) -> None:
    """Wait for an agent's state."""
    until(lambda: state(dialer, agent) == wanted, timeout_s, f"agent {agent} to be {wanted}", 0.1)


def log_in(dialer: Dialer, phone: Phone, agent: str, pin: str = PIN) -> Call:
    """Dial the code with the agent's number, then the PIN."""
    call = phone.call(f"*10{agent}", TONE).wait("up")
    phone.room.sleep(1.0)
    call.press(f"{pin}#")
    return call


def has_dispositions(stage: Stage, count: int) -> bool:
    """Whether the store has as many."""
    return len(stage.floor.query("SELECT code FROM dispositions")) >= count


def test_a_day_by_keypad(stages: Stages, room: Room) -> None:
    """Login with a PIN, ready, three customers with dispositions by key, a pause with a reason, logout."""
    stage = floor_of_phones(stages, 3)
    set_pin(stage, "1001")
    dialer = stage.floor.run()
    dialer.until_ready()
    phone = seat_phone(stage, room, "1001")
    call = log_in(dialer, phone, "1001")
    becomes(dialer, "1001", "paused")
    call.press("*1")
    for done, key in enumerate("121", 1):
        becomes(dialer, "1001", "talking", 30.0)
        becomes(dialer, "1001", "wrap_up", 30.0)
        call.press(key)
        until(partial(has_dispositions, stage, done), 5.0, "a disposition", 0.1)
        call.press("*1")
    until(lambda: stage.floor.ended_attempts() == 3, 30.0, "all calls to end", 0.2)
    assert sorted(code for (code,) in stage.floor.query("SELECT code FROM dispositions")) == [
        "no_interest", "sale", "sale"]  # fmt: skip
    call.press("*21")
    becomes(dialer, "1001", "paused")
    call.press("*0")
    becomes(dialer, "1001", "logged_out")
    call.wait("ended")
    summary = dialer.stop()
    assert summary["outcomes"] == {"connected": 3}
    assert summary["channels_left"] == 0


def test_wrong_pins_lock_the_agent(stages: Stages, room: Room) -> None:
    """Wrong ones are told apart from nothing: the call ends after the tries, and the right one does not help then."""
    stage = floor_of_phones(stages, 0)
    set_pin(stage, "1001")
    dialer = stage.floor.run()
    dialer.until_ready()
    phone = seat_phone(stage, room, "1001")
    for _ in range(2):
        call = phone.call("*101001").wait("up")
        for _ in range(3):
            if call.state == "ended":
                break
            room.sleep(1.5)
            call.press("000111#")
            room.sleep(2.5)
        call.wait("ended", 20.0)
    assert state(dialer, "1001") == "logged_out"
    call = log_in(dialer, phone, "1001")
    call.wait("ended", 20.0)
    assert state(dialer, "1001") == "logged_out"
    assert PIN not in dialer.log.read_text() and "000111" not in dialer.log.read_text()
    assert dialer.stop()["channels_left"] == 0


def test_two_agents_swap_desks(stages: Stages, room: Room) -> None:
    """Each logs in at the other's seat: statistics and customers follow the agent."""
    stage = floor_of_phones(stages, 0)
    for agent in ("1001", "1002"):
        set_pin(stage, agent)
    dialer = stage.floor.run()
    dialer.until_ready()
    phones = {seat: seat_phone(stage, room, seat) for seat in ("1001", "1002")}
    first = {"1001": log_in(dialer, phones["1002"], "1001"), "1002": log_in(dialer, phones["1001"], "1002")}
    for agent in first:
        becomes(dialer, agent, "paused")
    seats = {each["agent"]: each["seat"] for each in dialer.get("/v1/agents")[1]["agents"]}
    assert seats == {"1001": "1002", "1002": "1001"}
    first["1001"].press("*0")
    becomes(dialer, "1001", "logged_out")
    first["1001"].wait("ended")
    second = log_in(dialer, phones["1002"], "1002")  # moves from their own desk
    first["1002"].wait("ended", 15.0)
    until(lambda: {e["agent"]: e["seat"] for e in dialer.get("/v1/agents")[1]["agents"]}["1002"] == "1002",
          10.0, "agent 1002 to sit at seat 1002", 0.1)  # fmt: skip
    assert second.state == "up"
    assert dialer.stop()["channels_left"] == 0


def test_a_dead_dialer_strands_no_phone(stages: Stages, room: Room) -> None:
    """With no dialer there, a phone that dials a code is told so and hung up."""
    stage = floor_of_phones(stages, 0)
    phone = seat_phone(stage, room, "1001", habit=Habit())
    call = phone.call("*10").wait("up")
    call.wait("ended", 20.0)


def test_a_killed_dialer_leaves_no_phone_in_silence_for_ever(stages: Stages, room: Room) -> None:
    """One keys in its number when the dialer dies: told so and hung up by the switch. An agent's line stays."""
    stage = floor_of_phones(stages, 0)
    stage.floor.tree["phones"] = {"entry_limit_s": 3}
    stage.floor.write()
    set_pin(stage, "1001")
    dialer = stage.floor.run()
    dialer.until_ready()
    line = log_in(dialer, seat_phone(stage, room, "1001"), "1001")
    becomes(dialer, "1001", "paused")
    late = seat_phone(stage, room, "1002", habit=Habit())
    with stage.switch.witness(ALL_CHANNEL_EVENTS) as witness:
        start = witness.mark()
        call = late.call("*10").wait("up")
        taken = witness.wait(lambda e: e.name == "CHANNEL_PARK", 5.0, "the dialer to take it", start)
        call.press("1")
        room.sleep(0.5)
        dialer.kill()
        killed = time.monotonic()
        plays = partial(_plays, "not-available", taken.uuid)
        said = witness.wait(plays, 75.0, "that nobody is there", start)
        assert said.at - taken.at == pytest.approx(66.0, abs=2.0)
        call.wait("ended", 10.0)
    while time.monotonic() < killed + 75.0:
        room.sleep(0.5)
    assert line.state == "up", "nobody's wait, but an agent's line"
    line.hang_up()


def _plays(prompt: str, uuid: str, event: Seen) -> bool:
    return event.uuid == uuid and event.name == "PLAYBACK_START" and prompt in event["Playback-File-Path"]


def test_an_agent_on_an_outside_mobile(stages: Stages, room: Room) -> None:
    """Calls a number of ours from outside, keys in who they are, takes a customer; other numbers are refused."""
    stage = stages.build(numbers([10], 1), agents=1, start_switch=False, seat_address="user/{id}", seat_secret=SECRET)
    tree = stage.floor.tree
    tree["agents"] = [{"id": "1001", "login_at_start": False}]
    tree["phones"] = {"login_numbers": ["+12025550177"]}
    stage.floor.write()
    stage.switch.render()
    stage.switch.start()
    set_pin(stage, "1001")
    dialer = stage.floor.run()
    dialer.until_ready()
    mobile = room.phone("13105550188", stage.switch.trunks_port)
    mobile.call("12025550178").wait("ended", 10.0)
    call = mobile.call("12025550177", TONE).wait("up")
    room.sleep(2.0)
    call.press("1001#")
    room.sleep(2.0)
    call.press(f"{PIN}#")
    becomes(dialer, "1001", "paused")
    call.press("*1")
    becomes(dialer, "1001", "talking", 30.0)
    until(lambda: stage.floor.ended_attempts() == 1, 30.0, "the call to end", 0.2)
    call.hang_up()
    until(lambda: state(dialer, "1001") == "logged_out", 15.0, "a mobile that hung up to log its agent out", 0.1)
    summary = dialer.stop()
    assert summary["outcomes"] == {"connected": 1} and summary["channels_left"] == 0
    assert "3105550188" not in dialer.log.read_text()
