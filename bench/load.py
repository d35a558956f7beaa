"""How fast an answered customer gets an agent: the whole service at 20 calls a second on the embedded switch.

Runs `dialer run` as users do, in processes of its own, and reads its summary. Also counts that nothing was lost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

TARGETS = {"answer_to_agent_p99_ms": 20.0, "leads_unaccounted": 0, "channels_left": 0}

CONFIG = """\
instance: bench
data_dir: {data}
switch: embedded
embedded:
  seed: 5
  callees: {{answer_probability: 0.8, ring_to_answer: {{mean_s: 3, sd_s: 1, max_s: 8}}, busy_share: 0.05}}
  talk: {{mean_s: 6, sd_s: 2}}
http: {{port: 0}}
log: {{level: info, format: json}}
trunks: [{{name: carrier, channels: 400, cps: 20, caller_id: "+12025550100"}}]
seats: [{{id: 2001-2200}}]
agents: [{{id: 2001-2200, login_at_start: true}}]
lists: [{{name: bench, file: {leads}, region: US}}]
campaigns:
  - name: bench
    mode: progressive
    lists: [bench]
    trunk: carrier
    ring_timeout_s: 16
    wrap_up_s: 1
    call_window: {{zone: America/New_York, days: {{daily: "00:00-24:00"}}}}
"""


def run(seconds: float = 40.0) -> dict[str, Any]:
    """One shift of ``seconds`` at 20 calls a second; its summary, shortened."""
    leads = Path(__file__).resolve().parents[1] / "config" / "examples" / "leads" / "bank-sample.csv"
    with tempfile.TemporaryDirectory() as folder:
        config, summary = Path(folder) / "bench.yaml", Path(folder) / "summary.json"
        config.write_text(CONFIG.format(data=Path(folder) / "data", leads=leads))
        arguments = ["--config", str(config), "run", "--no-top", "--for", f"{seconds:g}s", "--summary", str(summary)]
        done = subprocess.run(
            [sys.executable, "-m", "dialer.cli", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=seconds + 120,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"dialer run ended with {done.returncode}: {done.stderr[-500:]}")
        report = json.loads(summary.read_text())
    keys = (
        "attempts", "answered", "connected", "abandoned", "leads_unaccounted", "channels_left",
        "answer_to_agent_ms", "answer_to_bridge_ms",
    )  # fmt: skip
    result = {key: report[key] for key in keys}
    result["calls_per_second"] = round(report["attempts"] / seconds, 1)
    result["targets"] = TARGETS
    result["reached"] = (
        report["answer_to_agent_ms"]["p99"] <= TARGETS["answer_to_agent_p99_ms"]
        and report["leads_unaccounted"] == 0
        and report["channels_left"] == 0
    )
    return result


def show(result: dict[str, Any], console: Console) -> None:
    """Print the result as a table."""
    table = Table(title="Answer to agent, whole service on the embedded switch")
    for column in ("what", "measured", "target"):
        table.add_column(column)
    table.add_row("calls a second", str(result["calls_per_second"]), "20")
    for name in ("answer_to_agent_ms", "answer_to_bridge_ms"):
        measured = ", ".join(f"{key} {value:g}" for key, value in result[name].items())
        table.add_row(name, measured, "p99 ≤ 20" if name == "answer_to_agent_ms" else "")
    left = f"{result['leads_unaccounted']}, {result['channels_left']}"
    table.add_row("leads unaccounted, channels left", left, "0, 0")
    console.print(table)


if __name__ == "__main__":
    show(run(), Console())
