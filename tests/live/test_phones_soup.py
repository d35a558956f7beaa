"""Many phones at once on a real FreeSWITCH: people who press what they like, and two hundred who log in together.

``DIALER_LIVE_SOUP_S`` is how long the soup is stirred (45 s; the long form is 300), ``DIALER_LIVE_SOUP_SEED`` what the
people do. Timing is the switch's own, so a seed does not reproduce a run; the dialer's log stays in the test's folder.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from conftest import Stage, Stages
from harness.floor import Dialer
from harness.phone import Phone, Room
from harness.phone_call import Call
from harness.phone_crowd import HABIT, Crowd
from harness.plays import numbers
from harness.waiting import until
from harness.witness import Witness
from test_phones import PIN, SECRET

from dialer.store.pin_admin import set_pin

SOUP_S = float(os.environ.get("DIALER_LIVE_SOUP_S", "45"))
SEED = os.environ.get("DIALER_LIVE_SOUP_SEED", "1")
LOGIN_NUMBER = "12025550177"
OUTSIDE = "12125550110"
"""A number over the trunk that answers after half a second and talks for two."""
FEWEST = 30.0
"""At least one conversation in so many seconds: what people do is drawn, and some seeds leave few agents ready."""
AT_REST = ("paused", "ready", "logged_out", "unavailable", "connecting")


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


def floor(stages: Stages, leads: list[str], agents: int, bosses: int = 0) -> Stage:
    """Agents and supervisors with PINs, none of whom is logged in."""
    seats = agents + bosses
    stage = stages.build(leads, agents=seats, start_switch=False, seat_address="user/{id}", seat_secret=SECRET)
    tree = stage.floor.tree
    tree["seats"][0]["media_timeout_s"] = 10
    people = f"1001-{1000 + agents}"
    tree["agents"] = [{"id": people, "login_at_start": False}]
    if bosses:
        tree["agents"].append({"id": f"{1001 + agents}-{1000 + seats}", "role": "supervisor", "login_at_start": False})
    tree["campaigns"][0] |= {"agents": [people], "dispositions": ["sale", "no_interest"], "wrap_up_s": 5}
    tree["phones"] = {
        "login_numbers": [f"+{LOGIN_NUMBER}"],
        "pause_reasons": {"1": "lunch", "2": "break"},
        "dial_rules": [{"roles": ["agent"], "allow": ["1"], "region": "US"}],
    }
    stage.floor.write()
    stage.switch.render()
    stage.switch.start()
    return stage


def pins(stage: Stage, names: list[str]) -> None:
    """Everybody's PIN, in one process: two hundred starts of the command line take minutes."""
    url = f"sqlite:///{stage.floor.data_dir / 'dialer.db'}"
    for name in names:
        set_pin(url, name, PIN)


def agents_of(dialer: Dialer) -> list[dict[str, object]]:
    status, body = dialer.get("/v1/agents")
    assert status == 200, body
    return list(body["agents"])


def disagreement(dialer: Dialer, witness: Witness) -> str:
    """What the dialer's states and ``show channels`` do not agree about; empty when they agree and all are at rest."""
    found = agents_of(dialer)
    busy = [each for each in found if each["state"] not in AT_REST]
    if busy:
        return f"not at rest: {busy}"
    lines = {str(each["agent"]): each["line"] for each in found if each["line"] != "none"}
    unsure = {name: line for name, line in lines.items() if line != "parked"}
    rows = witness.channels()
    odd = [row for row in rows if row["state"] not in ("CS_EXECUTE", "CS_PARK") or row["callstate"] == "HELD"]
    if unsure or odd or len(rows) != len(lines):
        shown = [(row["presence_data"], row["state"], row["application"]) for row in rows]
        return f"{len(lines)} lines ({unsure} not parked), {len(rows)} channels: {shown}"
    without = [each for each in found if each["state"] in ("paused", "ready") and each["line"] != "parked"]
    return f"without a line: {without}" if without else ""


def agree(dialer: Dialer, witness: Witness, timeout_s: float) -> None:
    last = "never looked"
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        last = disagreement(dialer, witness)
        if not last:
            return
        time.sleep(1.0)
    raise AssertionError(f"after {timeout_s:g} s: {last}")


@pytest.mark.slow
@pytest.mark.timeout(SOUP_S + 500)
def test_people_who_press_what_they_like(stages: Stages, room: Room) -> None:
    """Afterwards nobody is stuck, states agree with ``show channels``, and every attempt is settled."""
    stage = floor(stages, numbers((0, 1, 2, 3, 10, 11, 12, 16, 20, 30), 600), agents=12, bosses=2)
    dialer = stage.floor.run()
    dialer.until_ready()
    seats = [str(number) for number in range(1001, 1015)]
    pins(stage, seats)

    def registered(seat: str) -> Phone:
        phone = room.phone(seat, stage.switch.seats_port, stage.switch.domain, SECRET, habit=HABIT)
        assert phone.register() == 200
        return phone

    mobiles = {f"mobile{n}": room.phone(f"1310555018{n}", stage.switch.trunks_port) for n in range(2)}
    crowd = Crowd(
        room, random.Random(f"live {SEED}"), {seat: registered(seat) for seat in seats}, frozenset(seats[12:]), mobiles,
        LOGIN_NUMBER, PIN, OUTSIDE, registered, lambda: {str(e["seat"]): str(e["state"]) for e in agents_of(dialer)},
    )  # fmt: skip
    print(f"\nseed {SEED}, {SOUP_S:g} s")
    crowd.run(SOUP_S)
    print(dict(sorted(crowd.done.items())), Counter(str(each["state"]) for each in agents_of(dialer)))
    assert dialer.post("/v1/campaigns/live/pause") == 200
    crowd.go_home()
    until(lambda: stage.floor.open_attempts() == 0, 200.0, "all attempts to end", 0.5)
    ended = Counter(str(outcome) for (outcome,) in stage.floor.query("SELECT outcome FROM attempts"))
    print(ended)
    assert ended["connected"] > SOUP_S / FEWEST, "the floor worked while people played"
    with stage.switch.witness() as witness:
        agree(dialer, witness, 150.0)
        for each in agents_of(dialer):
            dialer.post(f"/v1/agents/{each['agent']}/logout")
        until(lambda: not witness.channels(), 20.0, "every channel to end", 0.5)
        assert {str(each["state"]) for each in agents_of(dialer)} == {"logged_out"}
    summary = dialer.stop()
    assert summary["channels_left"] == summary["attempts_open"] == summary["leads_unaccounted"] == 0
    assert not dialer.lines("engine_error") and "Traceback" not in dialer.log.read_text()
    assert PIN not in dialer.log.read_text()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_two_hundred_agents_log_in_within_a_minute(stages: Stages, room: Room) -> None:
    """By code, number and PIN, each from a phone of their own; states agree with ``show channels``; then all leave."""
    count = 200
    stage = floor(stages, [], agents=count)
    dialer = stage.floor.run()
    dialer.until_ready()
    names = [str(number) for number in range(1001, 1001 + count)]
    pins(stage, names)
    phones = {
        name: room.phone(name, stage.switch.seats_port, stage.switch.domain, SECRET, every=100) for name in names
    }
    for phone in phones.values():
        assert phone.register() == 200
    calls: dict[str, Call] = {}
    began = time.monotonic()
    for name, phone in phones.items():
        calls[name] = call = phone.call("*10")
        keys_in(room, call, name)
        room.sleep(0.2)
    until(lambda: sum(e["line"] == "parked" for e in agents_of(dialer)) == count, 60.0, "all to be logged in", 0.5)
    took = time.monotonic() - began
    print(f"\n{count} agents logged in within {took:.1f} s")
    assert took <= 60.0
    with stage.switch.witness() as witness:
        agree(dialer, witness, 10.0)
        rows = witness.channels()
        assert Counter(row["presence_data"] for row in rows) == Counter(f"dialer/seat/{name}@live" for name in names)
        for call in calls.values():
            call.press("*0")
        until(lambda: not witness.channels(), 30.0, "every channel to end", 0.5)
    until(lambda: {str(e["state"]) for e in agents_of(dialer)} == {"logged_out"}, 10.0, "all to be logged out", 0.5)
    assert dialer.stop()["channels_left"] == 0


def keys_in(room: Room, call: Call, name: str) -> None:
    """Number and PIN as soon as each may be keyed in; people do not wait for a prompt's end."""
    steps = iter([f"{name}#", f"{PIN}#"])

    def step() -> float | None:
        if call.state == "ended":
            return None
        if call.state == "up" and time.monotonic() - call.times["up"] > 0.8:
            keys = next(steps, None)
            if keys is None:
                return None
            call.press(keys)
            return 2.0
        return 0.2

    room.again(0.5, step)
