"""Previews by phone on the embedded switch: a lead is announced, then accepted, skipped, repeated or left alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from phone_kit import Floor, phone_floor
from run_kit import running, until


@contextmanager
def opened(folder: Path, **preview: Any) -> Iterator[Floor]:
    file = phone_floor(folder, leads=6)
    data = yaml.safe_load(file.read_text())
    data["campaigns"][0] |= {"mode": "preview", "preview": {"timeout_s": 60} | preview}
    data["phones"]["display"] = ["name", "number"]
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    with running(file) as service:
        yield Floor(service.up())


def lead(floor: Floor) -> str:
    """The lead shown to the agent."""
    shown = floor.agent("1001").get("lead") or {}
    return str(shown.get("id", ""))


def test_skip_repeat_accept(tmp_path: Path) -> None:
    """The lead is dialed with its agent on the line; the phone shows what it may."""
    with opened(tmp_path) as floor:
        line = floor.log_in("1001")
        line.press("*1")
        floor.becomes("1001", "previewing")
        first = lead(floor)
        line.told("next-customer").told("preview-keys").press("3")
        line.press("2")
        line.told("skipped")
        until(lambda: floor.agent("1001")["state"] == "previewing" and lead(floor) != first, "another lead is shown")
        assert floor.query("SELECT COUNT(*) FROM attempts") == [(0,)]
        line.press("1")
        line.told("dialing")
        customer = floor.customer("1001")
        floor.hear(agent=(line, {customer}), customer=(customer, {line}))
        shown = until(lambda: line.record["displayed"], "the phone is told whom it has")
        assert all("****" in each for each in shown)
        customer.hang_up()
        floor.becomes("1001", "wrap_up")
        until(lambda: line.record["displayed"][-1] == "-|-", "and no longer")
        assert floor.close(line)["outcomes"] == {"connected": 1}


def test_no_key_at_all(tmp_path: Path) -> None:
    """The lead is given back and the agent told; after the second one they are taken to be away."""
    with opened(tmp_path, timeout_s=2, misses=2) as floor:
        line = floor.log_in("1001")
        line.press("*1")
        line.told("preview-timeout")
        floor.becomes("1001", "paused")
        assert floor.agent("1001")["reason"] == "preview timeout"
        assert floor.query("SELECT COUNT(*) FROM attempts") == [(0,)]
        assert floor.close(line)["outcomes"] == {}


def test_no_key_dials_where_that_is_the_rule(tmp_path: Path) -> None:
    with opened(tmp_path, timeout_s=2, on_timeout="dial") as floor:
        line = floor.log_in("1001")
        line.press("*1")
        customer = floor.customer("1001")
        floor.hear(agent=(line, {customer}), customer=(customer, {line}))
        customer.hang_up()
        floor.becomes("1001", "wrap_up")
        assert floor.close(line)["outcomes"] == {"connected": 1}
