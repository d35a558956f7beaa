"""One line an event, masked, valid, and never an exception to the caller."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer import logs
from dialer.domain.lead import ClaimedLead

NUMBER = "+8613812341234"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "dialer.log"
    logs.configure("info", "json", path)
    yield path
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler).__module__ == "dialer.logs":
            root.removeHandler(handler)


def events(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_has_time_level_name_and_values(lines: Path) -> None:
    structlog.get_logger("engine").info("call answered", attempt="a-1", wait_ms=12345678)
    (event,) = events(lines)
    assert event["event"] == "call answered"
    assert event["level"] == "info"
    assert event["logger"] == "engine"
    assert event["wait_ms"] == 12345678
    assert str(event["timestamp"]).endswith("Z")


def test_levels_below_the_one_asked_for_are_left_out(lines: Path) -> None:
    structlog.get_logger().debug("no")
    assert lines.read_text() == ""


def test_numbers_are_masked_wherever_they_hide(lines: Path) -> None:
    lead = ClaimedLead(1, "c", 2, NUMBER, f"p:{NUMBER}", 0, 1.0, fields={"13812341234": "(555) 123-4567"})
    structlog.get_logger().info(
        f"dial {NUMBER}",
        lead=lead,
        listed=[{"to": NUMBER}],
        as_int=13812341234,
        caller_id=13812341234,
        raw=NUMBER.encode(),
        odd=Path("/x/13812341234"),
        lead_id=13812341234,
    )
    text = lines.read_text()
    (event,) = events(lines)
    assert event.pop("lead_id") == 13812341234  # an id by its name
    assert "13812341234" not in json.dumps(event)
    assert "1234567" not in text
    assert event["as_int"] == "138****1234"


def test_an_exception_is_one_line_without_locals(lines: Path) -> None:
    secret = NUMBER
    try:
        raise ValueError(f"cannot dial {secret}")
    except ValueError:
        structlog.get_logger().exception("failed")
    (event,) = events(lines)
    assert str(event["exception"]).startswith("Traceback")
    assert "cannot dial +861****1234" in str(event["exception"])
    assert len(lines.read_text().splitlines()) == 1


def test_other_libraries_go_the_same_way(lines: Path) -> None:
    logging.getLogger("alembic").warning("number %s", NUMBER)
    # Straight to our handler: pytest's own fails on a wrong format string.
    (ours,) = [h for h in logging.getLogger().handlers if type(h).__module__ == "dialer.logs"]
    ours.handle(logging.LogRecord("alembic", logging.WARNING, "x.py", 1, "%d is no number", (NUMBER,), None))
    first, second = events(lines)
    assert (first["logger"], first["event"]) == ("alembic", "number +861****1234")
    assert "is no number" in str(second["event"])
    assert "13812341234" not in lines.read_text()


def test_a_second_configure_does_not_double_lines(lines: Path) -> None:
    logs.configure("info", "json", lines)
    logging.getLogger("x").warning("once")
    assert len(events(lines)) == 1


def test_a_rotated_file_is_opened_anew(lines: Path) -> None:
    structlog.get_logger().info("before")
    lines.rename(lines.with_suffix(".1"))
    structlog.get_logger().info("after")
    assert [e["event"] for e in events(lines)] == ["after"]
    assert [e["event"] for e in events(lines.with_suffix(".1"))] == ["before"]


def test_the_file_is_not_for_everybody(lines: Path) -> None:
    assert lines.stat().st_mode & 0o007 == 0


def test_a_full_disk_loses_lines_and_says_how_many(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    full = os.open("/dev/full", os.O_WRONLY)
    writer = logs.LineWriter(None, full)
    writer.msg("one")
    writer.msg("two")
    assert writer.lost == 2
    good = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(good, full)
    writer.msg("three")
    assert (tmp_path / "log").read_text().splitlines() == [
        '{"level": "error", "event": "log lines lost", "lost": 2}',
        "three",
    ]
    os.close(full)
    os.close(good)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), st.dictionaries(st.text("abcdef_", min_size=1, max_size=6), VALUES, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_whatever_is_logged_is_one_valid_line(lines: Path, event: str, values: dict[str, object]) -> None:
    os.truncate(lines, 0)
    structlog.get_logger().info(event, **values)
    raw = lines.read_bytes()
    assert raw.count(b"\n") == 1 and raw.endswith(b"\n")
    assert len(raw.decode("utf-8").splitlines()) == 1
    json.loads(raw, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_console_lines_carry_no_control_characters(tmp_path: Path) -> None:
    path = tmp_path / "log"
    logs.configure("info", "console", path)
    try:
        structlog.get_logger().info("evil \x1b[31m \x9b31m\nforged", key="\x1b]0;x\x07")
    finally:
        structlog.reset_defaults()
    (line,) = path.read_text().splitlines()
    assert "\x1b" not in line and "\x9b" not in line and "\x07" not in line


@pytest.mark.parametrize(
    ("level", "form", "file", "told"),
    [
        ("loud", "json", None, "expected one of debug"),
        ("info", "xml", None, "expected one of auto"),
        ("info", "json", Path("/nowhere/at/all"), "can be appended to"),
    ],
)
def test_wrong_settings_are_named(level: str, form: str, file: Path | None, told: str) -> None:
    with pytest.raises(logs.LogSetupError, match=told):
        logs.configure(level, form, file)


def test_under_gevent_greenlets_and_threads_both_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    code = f"""
from gevent import monkey; monkey.patch_all()
import gevent, structlog, warnings
from gevent.threadpool import ThreadPool
from pathlib import Path
from dialer import logs
logs.configure("info", "json", Path({str(path)!r}))
logs.log_unhandled(gevent.get_hub())
log = structlog.get_logger("mixed")
pool = ThreadPool(3)
jobs = [pool.spawn(lambda: [log.info("thread", text="x" * 5000) for _ in range(50)]) for _ in range(3)]
gevent.joinall([gevent.spawn(lambda: [log.info("greenlet", text="y" * 5000) for _ in range(50)]) for _ in range(3)])
pool.join()
warnings.warn("old 13812341234")
gevent.spawn(lambda: 1 / 0).join()
raise RuntimeError("call +8613812341234")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    found = events(path)
    assert sum(e["event"] == "thread" for e in found) == 150
    assert sum(e["event"] == "greenlet" for e in found) == 150
    assert found[-3]["logger"] == "py.warnings" and "old 138****1234" in str(found[-3]["event"])
    assert "ZeroDivisionError" in str(found[-2]["exception"])
    assert "RuntimeError: call +861****1234" in str(found[-1]["exception"])
