"""What an agent is told of a customer on a real switch: the whisper over the bridge, the preview before the dialing.

Every word is a tone of its own: prompts are recordings of this test's, names are "spoken" by a program of this test's.
"""

from __future__ import annotations

import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Stages
from harness.phone import Habit, Room
from harness.phone_call import Call
from harness.phone_media import sine
from harness.waiting import until
from test_agentless import first_heard
from test_phones import becomes, state
from test_phones_together import CUSTOMER, FIRST, LEAD, Hall

NAME, TIER, NEXT, OVER = 1500.0, 1900.0, 2300.0, 2700.0
PROMPTS = {"tier-gold": TIER, "next-customer": NEXT, "preview-timeout": OVER}
SECOND_LEAD = "+12025550111"


@pytest.fixture
def room() -> Iterator[Room]:
    with Room() as made:
        yield made


def tone(file: Path, hz: float, seconds: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(np.asarray(sine(hz, seconds)).astype("<i2").tobytes())


def changed(folder: Path, campaign: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Own prompts, a program that speaks, leads with names and tiers."""
    for ident, hz in PROMPTS.items():
        tone(folder / "prompts" / "en" / f"{ident}.wav", hz, 0.6)
    tone(folder / "name.wav", NAME, 0.6)
    leads = folder / "leads.csv"
    leads.write_text(f"phone,name,tier\n{LEAD},Ann Lee,gold\n{SECOND_LEAD},Bo Chan,gold\n")

    def change(tree: dict[str, Any]) -> None:
        tree["lists"][0]["file"] = str(leads)
        tree["campaigns"][0] |= campaign
        tree["prompts"] = {"directory": str(folder / "prompts")}
        tree["speech"] = {"command": ["cp", str(folder / "name.wav"), "{output}"]}

    return change


def hears(call: Call, hz: float, since: float) -> float | None:
    """Seconds from ``since`` to the first sound of a tone, None if it was not heard."""
    at = call.media.first_heard(hz, since)
    return None if at is None else at - since


def test_a_whisper_before_the_customer(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Name and tier, at most two seconds, to the agent alone; the customer has the agent as soon as without it."""
    hall = Hall(stages, room, change=changed(tmp_path / "told", {"whisper": ["name", "tier"]}))
    agent = hall.log_in("1001", FIRST)
    customer = hall.customer()
    room.sleep(3.0)
    up = customer.times["up"]
    said = {hz: hears(agent, hz, up) for hz in (NAME, TIER)}
    joined = hears(customer, FIRST, up)
    ((answered, bridged),) = hall.stage.floor.query(
        "SELECT answered_at, bridged_at FROM attempts WHERE bridged_at IS NOT NULL"
    )
    print(f"bridged {(bridged - answered) * 1000:.0f} ms after the answer, agent heard at {joined}, whisper at {said}")
    assert bridged - answered < 0.5 and joined is not None and joined < 0.8
    assert all(at is not None and at < 2.0 for at in said.values())
    later = time.monotonic() - 0.9
    assert hears(agent, NAME, later) is None and hears(agent, TIER, later) is None, "it is over"
    assert hears(customer, NAME, up) is None and hears(customer, TIER, up) is None
    assert hears(agent, CUSTOMER, up) is not None
    agent.press("*#")
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    hall.dialer.stop()


def test_a_preview_by_phone(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Announced, again by key, skipped by key, the next one accepted: dialed with the agent on the line."""
    preview = {"mode": "preview", "preview": {"timeout_s": 30}, "min_ring_s": 0}
    hall = Hall(stages, room, change=changed(tmp_path / "told", preview))
    agent = hall.log_in("1001", FIRST)
    began = time.monotonic()
    agent.press("*1")
    becomes(hall.dialer, "1001", "previewing")
    until(lambda: hears(agent, NEXT, began) is not None, 10.0, "the lead to be announced", 0.1)
    until(lambda: hears(agent, NAME, began) is not None, 10.0, "its name", 0.1)
    room.sleep(1.5)
    again = time.monotonic()
    agent.press("3")
    until(lambda: hears(agent, NAME, again) is not None, 10.0, "its name again", 0.1)
    assert not hall.carrier.calls, "nobody is dialed before the agent says so"
    skipped = time.monotonic()
    agent.press("2")
    room.sleep(0.5)
    becomes(hall.dialer, "1001", "previewing")
    until(lambda: hears(agent, NEXT, skipped) is not None, 10.0, "the other lead to be announced", 0.1)
    agent.press("1")
    call = hall.carrier.next_call(10.0, 0).wait("up")
    becomes(hall.dialer, "1001", "talking")
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    assert call.number.endswith(SECOND_LEAD.removeprefix("+1"))
    call.hang_up()
    until(lambda: hall.stage.floor.ended_attempts() == 1, 20.0, "the call to end", 0.1)
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}


def test_a_preview_without_a_key(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Two leads pass by: the agent is told each time, and is paused then. Nobody was dialed."""
    preview = {"mode": "preview", "preview": {"timeout_s": 4, "misses": 2}, "min_ring_s": 0}
    hall = Hall(stages, room, change=changed(tmp_path / "told", preview))
    agent = hall.log_in("1001", FIRST)
    began = time.monotonic()
    agent.press("*1")
    until(lambda: hears(agent, OVER, began) is not None, 15.0, "the agent to be told", 0.1)
    until(lambda: state(hall.dialer, "1001") == "paused", 15.0, "the agent to be paused", 0.1)
    assert not hall.carrier.calls
    assert first_heard(agent, OVER) > 0
    hall.dialer.stop()


def test_an_on_call_agent_with_nothing_but_a_phone(stages: Stages, room: Room, tmp_path: Path) -> None:
    """Rung for a lead, hears of it, skips one, accepts the next, keys in the result: all over one leg."""
    campaign = {
        "mode": "preview", "preview": {"timeout_s": 30}, "min_ring_s": 0, "wrap_up_s": 30,
        "dispositions": ["sale", "no_interest"],
    }  # fmt: skip
    change = changed(tmp_path / "told", campaign)

    def on_call(tree: dict[str, Any]) -> None:
        change(tree)
        tree["seats"][0]["mode"] = "on_call"

    hall = Hall(stages, room, change=on_call)
    phone = hall.phones["1001"]
    phone.habit = Habit(answer_s=0.2, tone=FIRST)
    assert hall.dialer.post("/v1/agents/1001/login") == 200
    room.sleep(1.0)
    assert not phone.calls, "nobody is rung for a login"
    began = time.monotonic()
    assert hall.dialer.post("/v1/agents/1001/ready") == 200
    agent = phone.next_call(10.0).wait("up")
    until(lambda: hears(agent, NAME, began) is not None, 10.0, "the lead's name", 0.1)
    room.sleep(1.0)
    skipped = time.monotonic()
    agent.press("2")
    until(lambda: hears(agent, NEXT, skipped) is not None, 10.0, "the other lead to be announced", 0.1)
    room.sleep(1.5)
    assert not hall.carrier.calls, "nobody is dialed before the agent says so"
    agent.press("1")
    call = hall.carrier.next_call(10.0, 0).wait("up")
    becomes(hall.dialer, "1001", "talking")
    hall.lines["1001"] = agent
    hall.hear(customer={FIRST}, a1001={CUSTOMER})
    call.hang_up()
    becomes(hall.dialer, "1001", "wrap_up")
    room.sleep(1.0)
    agent.press("1")
    said = "SELECT code FROM dispositions"
    until(lambda: hall.stage.floor.query(said) == [("sale",)], 10.0, "the result to be kept", 0.1)
    agent.press("*1")
    room.wait(lambda: agent.state == "ended", 30.0, "the phone to be let go when no lead follows")
    assert len(phone.calls) == 1 and state(hall.dialer, "1001") == "ready"
    assert hall.dialer.stop()["outcomes"] == {"connected": 1}
