"""`make test`: every test file but the live ones, a few at a time. Most of them wait for real clocks, not for a core.

Owns the order and the output: the longest first, each file's output in one piece when it is done. Arguments go to every
pytest. Exit code 1 when any failed. Must not know what a test does.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AT_A_TIME = 3
QUICK = ("unit", "wire", "property", "simulation")
"""Folders whose tests need a core and no time: one run for all of them."""
NO_TESTS = 5
"""pytest's exit code where nothing was collected."""


def jobs() -> list[list[str]]:
    """What each run is given: the quick folders, then the files of ``integration``, the largest first."""
    files = sorted((ROOT / "tests" / "integration").glob("test_*.py"), key=lambda file: -file.stat().st_size)
    slow = [file for file in files if file.name.startswith("test_run_")]
    return [
        [f"tests/{folder}" for folder in QUICK],
        *([str(file.relative_to(ROOT))] for file in [*slow, *(file for file in files if file not in slow)]),
    ]


def run(what: list[str], options: list[str]) -> tuple[list[str], int, float, str]:
    """One pytest; its exit code, seconds and output."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", *options, *what],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return what, done.returncode, time.monotonic() - began, done.stdout


def main(options: list[str]) -> int:
    """Run all; 0 when all passed."""
    failed: list[str] = []
    began = time.monotonic()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for ended in as_completed([pool.submit(run, what, options) for what in jobs()]):
            what, code, seconds, output = ended.result()
            print(f"---- {' '.join(what)}: {seconds:.0f} s", flush=True)
            print(output.strip(), flush=True)
            if code not in (0, NO_TESTS):
                failed.append(" ".join(what))
    print(f"==== {time.monotonic() - began:.0f} s; {'failed: ' + ', '.join(failed) if failed else 'all passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
