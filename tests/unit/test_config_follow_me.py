"""Who names a follow-me plan: agents, numbers, menus; what is refused of that, what is warned of, what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_config_inbound import DID, faults, loaded, tree

from dialer.domain.inbound import Kind, Way
from dialer.settings import build

DESK = {"name": "desk", "agent": "1001"}
MOBILE = {"name": "mobile", "number": "+4917012345", "trunk": "t", "calendar": "day"}


def mobile(number: int) -> dict[str, Any]:
    return {**MOBILE, "name": f"p{number}", "number": f"+49170{number:05}"}


def document(*phones: dict[str, Any], plan: dict[str, Any] | None = None, **inbound: Any) -> dict[str, Any]:
    """Agent 1001 has the plan ``ann``."""
    made = tree(**{"voicemail_directory": "/var/vm", **inbound})
    made["routing"] = {
        "calendars": [{"name": "day", "zone": "Europe/Berlin", "hours": {"daily": "08:00-20:00"}}],
        "follow_me": [{"name": "ann", "phones": list(phones or (DESK, MOBILE)), **(plan or {})}],
    }
    made["agents"][0]["follow_me"] = "ann"
    return made


def number(**more: Any) -> dict[str, Any]:
    return {"numbers": [{"number": DID, "queue": "sales", **more}]}


def test_a_plan_reaches_the_engine_and_nothing_is_warned_of(tmp_path: Path) -> None:
    menus = [{"name": "m", "say": "goodbye", "otherwise": {"agent": "1001"}, "keys": {"1": {"follow": "ann"}}}]
    checked = loaded(tmp_path, document(**number(agent="1002"), menus=menus, extensions={"7": "1001"}))
    assert not [each for each in checked.warnings if each.path.startswith("routing")]
    engine = build(checked, "e").engine.inbound
    assert engine.persons == {"1001": "ann"} and engine.extensions["7"] == "1001"
    assert engine.numbers[DID].way == Way(Kind.AGENT, "1002")
    assert engine.menus["m"].keys["1"] == Way(Kind.FOLLOW, "ann")
    assert engine.menus["m"].otherwise == Way(Kind.AGENT, "1001")
    plan = engine.plans["ann"]
    assert [phone.number for phone in plan.plan.phones] == ["agent/1001", "+4917012345"]
    assert set(plan.calendars) == {"day"} and plan.ask.endswith("follow-me-accept.wav")
    assert plan.leave and plan.unavailable


@pytest.mark.parametrize(
    ("made", "where", "expected"),
    [
        (document(**number(follow="bob")), "inbound.numbers.0.follow", "a configured plan of routing.follow_me: ann"),
        (document(**number(agent="1009")), "inbound.numbers.0.agent", "a configured agent"),
        (document(**number(agent="1001", follow="ann")), "inbound.numbers.0.follow", "agent is there too"),
        (document(**number(closed={"follow": "bob"})), "inbound.numbers.0.closed.follow", "a configured plan"),
        (document(**number(closed={"agent": "1009"})), "inbound.numbers.0.closed.agent", "a configured agent"),
        (document(**number(closed={"agent": "1001", "queue": "sales"})), "inbound.numbers.0.closed", "one of queue"),
        (document(voicemail_directory=None), "routing.follow_me.ann.voicemail", "or voicemail: false"),
        (document({**MOBILE, "number": DID}), "routing.follow_me.ann.phones.mobile.number", "come in again"),
        (document({**MOBILE, "number": "+4930556"}, **number(also=["4930556"])), "mobile.number", "come in again"),
        (document(*(mobile(i) for i in range(21))), "routing.follow_me.ann.phones", "at most 20"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, made: dict[str, Any], where: str, expected: str) -> None:
    made["inbound"] = {key: value for key, value in made["inbound"].items() if value is not None}
    found = faults(tmp_path, made)
    assert any(where in each and expected in each for each in found), found


def test_an_agent_of_a_plan_that_is_not_there(tmp_path: Path) -> None:
    made = document(plan={"task_for": "night"})
    made["agents"][1]["follow_me"] = "anne"
    assert faults(tmp_path, made) == ["agents.1002.follow_me: a plan of routing.follow_me: ann"]


def test_a_plan_that_nobody_names_is_warned_of(tmp_path: Path) -> None:
    made = document()
    del made["agents"][0]["follow_me"]
    told = [each.text for each in loaded(tmp_path, made).warnings if each.path == "routing.follow_me.ann"]
    assert told == ["no agent and no number that people call names it: nobody is followed by it"]
