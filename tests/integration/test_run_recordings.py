"""Recordings, their way to another host, holding phones and a recorded run, on a whole service's embedded switch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from phone_kit import MOBILE, PIN, Floor, phone_floor
from run_kit import running, until

from dialer.recording import lines
from dialer.simulate.replay import replay

FAR = {"mode": "all", "directory": "/no/here", "switch_directory": "/no/spool", "upload_command": "/opt/bring"}


def rows(floor: Floor) -> list[tuple[Any, ...]]:
    return floor.query("SELECT state, masked, problem, path FROM recordings ORDER BY id")


def test_a_masked_recording_comes_here_at_the_second_try(tmp_path: Path) -> None:
    with running(phone_floor(tmp_path, campaigns__0__recording=FAR)) as service:
        floor = Floor(service.up())
        floor.tell("standin_uploads fail")
        line = floor.log_in("1001")
        line.press("*1")
        customer = floor.customer("1001")
        until(lambda: [row[0] for row in rows(floor)] == ["recording"], "it is known from its start on")
        line.press("*6")
        line.told("recording-paused")
        until(lambda: [end for _, end in json.loads(rows(floor)[0][1])] == [None], "the mask is known")
        customer.hang_up()
        until(lambda: service.lines("upload_failed"), "the upload fails")
        assert "no route to the archive" in str(service.lines("upload_failed"))
        ((state, masked, _, path),) = rows(floor)
        assert state == "to_upload" and json.loads(masked)[0][1] is not None
        floor.tell("standin_uploads ok")
        until(lambda: rows(floor)[0][0] == "written", "it is tried again", 30.0)
        told = {name: service.status()["counters"].get(name) for name in ("recordings_made", "recordings_uploaded")}
        assert told == {"recordings_made": 1, "recordings_uploaded": 1}
        (kept,) = service.switch.audit()["recordings"]
        assert kept["path"] == path and kept["masked_s"] > 0 and kept["stereo"]
        floor.close(line)


def test_a_full_disk_is_told_and_the_call_goes_on(tmp_path: Path) -> None:
    with running(phone_floor(tmp_path, campaigns__0__recording={"mode": "all", "directory": "/nowhere"})) as service:
        floor = Floor(service.up())
        line = floor.log_in("1001")
        line.press("*1")
        customer = floor.customer("1001")
        until(lambda: rows(floor), "it begins")
        floor.tell("standin_disk full")
        until(lambda: customer.steady_s() > 2.0, "a while")
        customer.hang_up()
        until(lambda: rows(floor)[0][0] == "written", "it is over")
        assert "disk of the switch full" in rows(floor)[0][2] and service.lines("recording_cut_short")
        floor.becomes("1001", "wrap_up")
        line.press("*1")
        second = floor.customer("1001")
        line.told("recording-failed")
        until(lambda: [row[0] for row in rows(floor)] == ["written", "failed"], "the second is not made")
        floor.hear(agent=(line, {second}), customer=(second, {line}))
        second.hang_up()
        floor.close(line)


def test_no_customer_for_a_phone_that_holds(tmp_path: Path) -> None:
    """The customer leaves a phone on hold: the switch thinks that the hold is over, the phone does not."""
    with running(phone_floor(tmp_path)) as service:
        floor = Floor(service.up())
        line = floor.log_in("1001")
        line.press("*1")
        customer = floor.customer("1001")
        floor.tell(f"standin_hold {line.uuid}")
        until(lambda: floor.agent("1001")["line"] == "held", "the hold is shown")
        floor.hear(customer=(customer, set()))
        customer.hang_up()
        floor.becomes("1001", "wrap_up")
        assert service.post("/v1/agents/1001/acts", {"act": "ready"})[0] == 200
        floor.becomes("1001", "ready")
        until(lambda: line.steady_s() > 1.5, "a while")
        assert floor.agent("1001")["line"] == "held" and len(service.attempts()) == 1
        floor.tell(f"standin_hold {line.uuid} off")
        second = floor.customer("1001")
        floor.hear(agent=(line, {second}), customer=(second, {line}))
        second.hang_up()
        floor.becomes("1001", "wrap_up")
        floor.close(line)


def test_a_recorded_run_holds_no_pin_and_no_number_and_is_decided_again(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with running(phone_floor(tmp_path), "--record", str(file)) as service:
        floor = Floor(service.up())
        line = floor.log_in("1001")
        line.press("*1")
        floor.customer("1001")
        line.press(f"*7{MOBILE}#")
        mobile = floor.number(MOBILE)
        floor.hear(agent=(line, {mobile}))
        line.press("*0")
        line.press("*#")
        floor.becomes("1001", "wrap_up")
        line.press("*0")
        line.ended()
        floor.close()
        log = service.log()
    text = file.read_text()
    keys = "".join(row["event"]["v"]["key"] for row in lines(file) if row.get("event", {}).get("d") == "KeyPressed")
    assert keys.startswith("1001#000000#*1*712125500000#")
    assert PIN not in text and MOBILE not in text and PIN not in log and MOBILE not in log
    found = replay(file)
    assert found.same, "\n".join(str(each) for each in found.differences)
