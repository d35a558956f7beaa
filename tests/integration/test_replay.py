"""A real-time run on the embedded switch, recorded, then handed to a fresh engine: the same decisions, one by one.

Its history makes a scenario, too.
"""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
import run_kit

from dialer.recording import lines
from dialer.simulate import replay

SHIFT_S = {"ratio": 10, "predictive": 20}


@pytest.mark.parametrize("mode", ["ratio", "predictive"])
def test_the_same_events_give_the_same_decisions(tmp_path: Path, mode: str) -> None:
    config = run_kit.configuration(tmp_path, leads=400, agents=8, campaigns__0__mode=mode)
    if mode != "ratio":
        config.write_text(re.sub(r"\n *lines_per_agent: .*", "", config.read_text()))
    file = tmp_path / "run.jsonl"
    with run_kit.running(config, "--for", f"{SHIFT_S[mode]}s", "--record", str(file)) as service:
        assert service.exit_code(within_s=SHIFT_S[mode] + 60) == 0, service.log()[-2000:]
        attempts = service.attempts()
        planned = service.dialer("simulate", "--from-campaign", "bank", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["scenario"] == "bank"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = replay.replay(file)
    assert found.same, "\n".join(str(each) for each in found.differences)
    assert not found.full
    assert found.started == len(attempts) > 20
    assert found.decisions > SHIFT_S[mode]
    assert found.events > 5 * len(attempts)
    _holds_no_number(file, {attempt["number"] for attempt in attempts})


def _holds_no_number(file: Path, dialed: set[str]) -> None:
    text = file.read_text()
    assert not [number for number in dialed if number.lstrip("+") in text]
    assert not re.search(r"\+1\d{10}", text)


def test_a_recording_of_another_policy_is_told_apart(tmp_path: Path) -> None:
    """The comparison can fail: with one line changed, it names it."""
    config = run_kit.configuration(tmp_path, leads=50, agents=3)
    file = tmp_path / "run.jsonl"
    with run_kit.running(config, "--for", "4s", "--record", str(file)) as service:
        assert service.exit_code() == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert sum(1 for _ in lines(file)) == len(rows)
    index = next(i for i, row in enumerate(rows) if row.get("decisions") and row["decisions"][0][1] > 0)
    rows[index]["decisions"][0][1] += 1
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = replay.replay(file)
    assert found.different == 1
    assert found.differences[0].line == index + 1
    assert found.differences[0].what == "decisions"
