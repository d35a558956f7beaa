"""A predictive campaign in real time on the embedded switch: config/examples/predictive.yaml, watched while it runs.

``python -m bench.realtime --minutes 20`` runs the whole service as users do, asks its API every few seconds, and
prints the account that the live test prints for a real switch. Ends with 1 when a figure cannot be or a limit broke.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bench import account

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "config" / "examples" / "predictive.yaml"
MINUTES = "DIALER_STANDIN_PREDICTIVE_MINUTES"
SAMPLE_EVERY_S = 5.0
LAST_LOOK_S = 3.0
"""How long before the shift's end the last sample is taken."""
LONG_MINUTES = 10.0
"""From here on the service is told when it ends, as for a shift; a shorter run, which would then have nothing to risk,
is stopped unforeseen."""
DRAIN_S = 40.0


class Trouble(Exception):
    """The run could not be made."""


def fetch(run_dir: Path, path: str) -> str:
    """The body of a GET from the service of this run directory. Raises OSError, ValueError, KeyError."""
    where = json.loads((run_dir / "dialer.json").read_text())
    token = (run_dir / "token").read_text().strip()
    url = f"http://{where['host']}:{where['port']}{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def watch(process: subprocess.Popen[bytes], run_dir: Path, campaign: str, seconds: float) -> list[account.Sample]:
    """Samples of the API until the shift's time is over."""
    samples: list[account.Sample] = []
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        if process.poll() is not None:
            raise Trouble(f"the dialer ended with {process.returncode}")
        time.sleep(min(SAMPLE_EVERY_S, left))
        try:
            told = json.loads(fetch(run_dir, f"/v1/campaigns/{campaign}/pacing"))
        except (OSError, ValueError, KeyError) as error:
            if samples:
                raise Trouble(f"the API does not answer any more: {error}") from error
            continue  # not up yet
        samples.append(account.Sample(time.monotonic() - began, told))
    return samples


def run(minutes: float, folder: Path, config: Path = CONFIG) -> tuple[str, list[str]]:
    """Run it; the table, and everything that is wrong."""
    tree = yaml.safe_load(config.read_text())
    campaign = tree["campaigns"][0]
    name, agents = campaign["name"], _count(tree["agents"][0]["id"])
    data, log, written = folder / "data", folder / "dialer.log", folder / "summary.json"
    command = [
        sys.executable, "-m", "dialer.cli", "--config", str(config), "run", "--no-top", "--summary", str(written),
        "--drain", f"{DRAIN_S:g}s", "--set", f"data_dir={data}", "--set", "http.port=0",
        "--set", "log.level=debug", "--set", "log.format=json",
    ]  # fmt: skip
    foreseen = minutes >= LONG_MINUTES
    if foreseen:
        command += ["--for", f"{60 * minutes:g}s"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT, start_new_session=True)
        try:
            samples = watch(process, data / "run", name, 60.0 * minutes - LAST_LOOK_S)
            metrics = fetch(data / "run", "/metrics")
            if not foreseen:
                process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=LAST_LOOK_S + DRAIN_S + 90.0)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code != 0:
        raise Trouble(f"the dialer ended with {code}: {log.read_text(errors='replace')[-1000:]}")
    summary: dict[str, Any] = json.loads(written.read_text())
    attempts = account.attempts_of(data / "dialer.db")
    found = account.reasons(account.log_lines(log), name)
    pacing = campaign["pacing"]
    bounds = account.Bounds(
        agents=agents,
        channels=tree["trunks"][0]["channels"],
        min_ring_s=campaign["min_ring_s"],
        hang_up_share=float(pacing["hang_up_share"].rstrip("%")) / 100.0,
        max_theta=0.30,
    )
    text = account.table(
        f"{config.name}, {minutes:g} minutes on the embedded switch",
        minutes=minutes,
        agents=agents,
        true_answer_probability=tree["embedded"]["callees"]["answer_probability"],
        summary=summary,
        attempts=attempts,
        samples=samples,
        found=found,
    )
    wrong = wrongs(summary, attempts, found, samples, bounds, more=0.0 if foreseen else 1.0)
    wrong += [f"no metric {metric}" for metric in account.METRICS if metric not in metrics]
    return text, wrong


def wrongs(
    summary: dict[str, Any],
    attempts: Sequence[account.Attempt],
    found: Sequence[account.Reason],
    samples: Sequence[account.Sample],
    bounds: account.Bounds,
    *,
    limit: float = 0.03,
    more: float,
) -> list[str]:
    """Everything of a run that must not be. ``more``: so many abandonments above the limit are let pass."""
    cuts = account.hung_up_by_pacing(attempts)
    short = [a for a in cuts if a.rang_at is not None and (a.ended_at or 0.0) - a.rang_at < bounds.min_ring_s]
    started = sum(reason.started for reason in found)
    refused = sum(summary["refusals"].values())
    asked, kept = sum(reason.cuts for reason in found), summary["counters"].get("hang_ups_refused", 0)
    facts = {
        f"outcomes {summary['outcomes']} are not {summary['attempts']} attempts": sum(summary["outcomes"].values())
        != summary["attempts"],
        f"{len(attempts)} attempts in the store, {summary['attempts']} in the summary": len(attempts)
        != summary["attempts"],
        f"{summary['leads_unaccounted']} leads unaccounted": summary["leads_unaccounted"] != 0,
        f"{summary['channels_left']} channels left": summary["channels_left"] != 0,
        f"reasons started {started}, attempts {len(attempts)}, refused {refused}": started != len(attempts) + refused,
        f"reasons hung up {asked}, {kept} not done, outcomes say {len(cuts)}": asked - kept != len(cuts),
        f"{len(short)} hung up before the minimum ring": bool(short),
        "abandoned before the window bore a risk": bool(account.abandoned_too_soon(attempts)),
        f"{summary['abandoned']} abandoned of {summary['answered']}, above {limit:.2%}": summary["abandoned"]
        > limit * summary["answered"] + more,
    }
    wrong = [what for what, broken in facts.items() if broken]
    wrong += account.impossible_run(samples, bounds)
    wrong += [fault for reason in found for fault in account.impossible_reason(reason, bounds)]
    return wrong


def _count(ids: str) -> int:
    first, _, last = str(ids).partition("-")
    return int(last or first) - int(first) + 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.realtime", description=__doc__)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get(MINUTES, "20")))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--keep", type=Path, help="keep the run's files (log, store, summary) in this new directory")
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if wanted.keep is not None:
            folder = wanted.keep.resolve()
            folder.mkdir(parents=True)
        try:
            text, wrong = run(wanted.minutes, folder, wanted.config)
        except Trouble as error:
            print(error, file=sys.stderr)
            return 1
    print(text)
    for fault in wrong[:20]:
        print(f"  WRONG: {fault}")
    if len(wrong) > 20:
        print(f"  … and {len(wrong) - 20} more")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
