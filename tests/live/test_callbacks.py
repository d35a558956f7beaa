"""A customer's wish by keypad, carried out on a real switch: at its time, by the agent who promised it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from conftest import Stages
from harness.phone import Room
from harness.plays import numbers
from harness.waiting import until
from test_phones import becomes, floor_of_phones, log_in, room, seat_phone, set_pin  # noqa: F401

from dialer.leads.moments import zone_for
from dialer.leads.numbers import zones_of


@pytest.mark.slow
def test_a_wish_by_keypad_is_dialed_at_its_time_to_the_agent_who_promised_it(stages: Stages, room: Room) -> None:  # noqa: F811
    (number,) = numbers([10], 1)
    stage = floor_of_phones(stages, 1, agents=2)
    tree = stage.floor.tree
    tree["agents"] = [{"id": seat["id"], "login_at_start": False} for seat in tree["seats"]]
    tree["campaigns"][0]["callbacks"] = {"ahead_s": 10}
    tree["campaigns"][0]["wrap_up_s"] = 60
    stage.floor.write()
    set_pin(stage, "1001")
    dialer = stage.floor.run()
    dialer.until_ready(90.0)
    phone = seat_phone(stage, room, "1001")
    call = log_in(dialer, phone, "1001")
    becomes(dialer, "1001", "paused")
    call.press("*1")
    becomes(dialer, "1001", "wrap_up", 60.0)
    zone = zone_for(zones_of(number), tree["campaigns"][0].get("call_window", {}).get("zone", "UTC"))
    wished = (datetime.now(zone) + timedelta(seconds=80)).replace(second=0, microsecond=0)
    for keys in ("*4", "0#", f"{wished:%H}", f"{wished:%M}"):
        call.press(keys)
        room.sleep(1.5)
    until(lambda: stage.floor.query("SELECT id FROM callbacks"), 10.0, "the wish to be written down", 0.1)
    ((agent, due_at, named),) = stage.floor.query("SELECT agent, due_at, zone FROM callbacks")
    assert (agent, due_at, named) == ("1001", wished.timestamp(), zone.key)
    call.press("*1")
    becomes(dialer, "1001", "ready")
    until(lambda: stage.floor.query("SELECT id FROM callbacks WHERE state = 'done'"), 150.0, "it to be done", 0.2)
    ((opened_at, by, outcome),) = stage.floor.query("SELECT opened_at, agent, outcome FROM attempts WHERE callback = 1")
    assert by == "1001" and outcome == "connected"
    assert 0 <= opened_at - due_at < 3.0, opened_at - due_at
    assert time.time() > due_at
    call.press("*1")
    summary = dialer.stop()
    assert summary["outcomes"] == {"connected": 2} and summary["channels_left"] == 0
