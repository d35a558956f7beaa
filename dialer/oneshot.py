"""Runs a one-shot store job (``dialer.store.tasks``) in a process of its own and waits for it on the hub.

Owns the child's pipes. Imports no SQL.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any


class TaskFailed(Exception):
    """The job said what was wrong, or died."""


def run_task(name: str, request: Mapping[str, Any], progress: Callable[[str], None] | None) -> dict[str, Any]:
    """The job's result. Raises TaskFailed."""
    child = subprocess.Popen(
        [sys.executable, "-m", "dialer.store.tasks", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    child.stdin.write(json.dumps(dict(request)))
    child.stdin.close()
    done: dict[str, Any] | None = None
    error = ""
    for line in child.stdout:
        message = json.loads(line)
        if "progress" in message and progress is not None:
            progress(message["progress"])
        done = message.get("done", done)
        error = message.get("error", error)
    trouble = child.stderr.read().strip()
    if child.wait() != 0 or done is None:
        raise TaskFailed(error or f"{name}: {trouble.splitlines()[-1] if trouble else 'ended without a word'}")
    return done
