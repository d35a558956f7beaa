"""A campaign without agents on the embedded switch: what people hear, press and get, against a whole service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from phone_kit import Floor, Leg, phone_floor
from run_kit import running, until

SPOKEN = {
    "prerecorded_allowed": True, "keys": {"1": "transfer", "9": "do_not_call", "*": "repeat", "5": "interested"},
    "wait_s": 4, "answer_s": 2, "max_lines": 1, "expected_share": 1,
}  # fmt: skip


@contextmanager
def opened(folder: Path, leads: int = 1, **agentless: Any) -> Iterator[Floor]:
    file = phone_floor(folder, leads=leads)
    data = yaml.safe_load(file.read_text())
    notice = data["campaigns"][0]
    notice["mode"] = "agentless"
    notice["agentless"] = SPOKEN | agentless
    notice["dispositions"] = ["sale", "no_interest", "interested"]
    del notice["wait_limit_s"]
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    with running(file) as service:
        yield Floor(service.up())


def customer(floor: Floor) -> Leg:
    """The customer who is called, once they have answered."""

    def look() -> list[str]:
        legs = floor.service.switch.audit()["legs"]
        mine = (leg for leg in legs if leg["presence_data"].startswith("dialer/call/"))
        return [leg["uuid"] for leg in mine if leg["answered_at"] is not None and leg["hungup_at"] is None]

    return Leg(floor, until(look, "somebody answers")[0])


def only(floor: Floor, what: str) -> Any:
    """The one row of an answer, once it is there."""
    return until(lambda: floor.query(what), what)[0]


def test_who_presses_nothing_hears_it_to_the_end(tmp_path: Path) -> None:
    """The message begins at once and ends by itself; nobody is free, and nobody needs to be."""
    with opened(tmp_path, keys={"9": "do_not_call"}) as floor:
        called = customer(floor).told("press-1-message").told("press-1-goodbye")
        record = called.ended()
        assert record["message_started_at"] is None or record["message_started_at"] - record["answered_at"] < 1
        outcome, reason = only(floor, "SELECT outcome, reason FROM attempts WHERE outcome <> ''")
        assert outcome == "message_played" and "heard to the end" in reason
        assert floor.close()["outcomes"] == {"message_played": 1}


def test_never_again_by_key(tmp_path: Path) -> None:
    """It is written down at once, the leg hears so and ends."""
    with opened(tmp_path, keys={"9": "do_not_call"}) as floor:
        called = customer(floor).told("press-1-message")
        called.press("9")
        (source,) = only(floor, "SELECT source FROM do_not_call")
        assert source == f"the customer's key, attempt {called.uuid}"
        called.told("press-1-removed").ended()
        assert floor.query("SELECT code FROM dispositions") == [("do_not_call",)]
        assert floor.close()["outcomes"] == {"message_played": 1}


def test_again_and_a_disposition(tmp_path: Path) -> None:
    with opened(tmp_path, keys={"5": "interested", "*": "repeat"}) as floor:
        called = customer(floor).told("press-1-message")
        called.press("*")
        called.press("5")
        called.told("press-1-goodbye").ended()
        assert only(floor, "SELECT code, agent FROM dispositions") == ("interested", "")
        assert floor.close()["outcomes"] == {"message_played": 1}


def test_who_asks_is_given_the_free_agent(tmp_path: Path) -> None:
    """Each hears the other; the customer's keys are no agent's, and an agent's none of the customer's."""
    with opened(tmp_path) as floor:
        line = floor.log_in("1001")
        line.press("*1")
        called = customer(floor).told("press-1-message")
        called.press("1")
        floor.becomes("1001", "talking")
        floor.hear(agent=(line, {called}), customer=(called, {line}))
        called.press("9*2")
        line.press("*#")
        floor.becomes("1001", "wrap_up")
        line.press("3")
        assert only(floor, "SELECT code, agent FROM dispositions") == ("interested", "1001")
        assert floor.query("SELECT value FROM do_not_call") == []
        called.ended()
        assert floor.close(line)["outcomes"] == {"connected": 1}


def test_who_asks_and_finds_nobody_is_to_be_called_back(tmp_path: Path) -> None:
    """Music for as long as is said, a sentence, the end; an agent who was free at the dialing has gone meanwhile."""
    with opened(tmp_path) as floor:
        line = floor.log_in("1001")
        line.press("*1")
        called = customer(floor).told("press-1-message")
        line.press("*21")
        floor.becomes("1001", "paused")
        called.press("1")
        called.told("press-1-connecting").told("all-busy").ended()
        attempt, note, agent = only(floor, "SELECT attempt_id, note, agent FROM callbacks")
        assert (attempt, agent) == (called.uuid, "") and "nobody was free within 4 s" in note
        assert floor.close(line)["outcomes"] == {"abandoned": 1}


def test_who_waits_gets_the_agent_who_comes(tmp_path: Path) -> None:
    with opened(tmp_path, wait_s=30) as floor:
        line = floor.log_in("1001")
        line.press("*1")
        called = customer(floor).told("press-1-message")
        line.press("*21")
        floor.becomes("1001", "paused")
        called.press("1")
        called.told("press-1-connecting")
        line.press("*1")
        floor.becomes("1001", "talking")
        floor.hear(agent=(line, {called}), customer=(called, {line}))
        called.hang_up()
        floor.becomes("1001", "wrap_up")
        assert floor.close(line)["outcomes"] == {"connected": 1}


def test_the_dialer_dies_and_the_message_is_said_all_the_same(tmp_path: Path) -> None:
    """The switch says all of it and hangs up."""
    with opened(tmp_path, keys={"9": "do_not_call"}) as floor:
        called = customer(floor).told("press-1-message")
        floor.service.kill()
        called.told("press-1-goodbye").ended()
