"""Runs a one-shot store job (``dialer.store.tasks``) in a process of its own and waits for it on the hub.

Owns the child's pipes, and how modules of ours are started as processes. Imports no SQL.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class TaskFailed(Exception):
    """The job said what was wrong, or died."""


def python_module(name: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment that run a module of this program as a process.

    Nothing is imported from the directory that the dialer happens to be started in (-P): a file of the operator's
    called ``config.py`` or ``json.py`` there would be run in place of ours.
    """
    root = str(Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return [sys.executable, "-P", "-m", name], {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def run_task(name: str, request: Mapping[str, Any], progress: Callable[[str], None] | None) -> dict[str, Any]:
    """The job's result. Raises TaskFailed."""
    command, environment = python_module("dialer.store.tasks")
    child = subprocess.Popen(
        [*command, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # A Ctrl-C in the terminal is the dialer's to judge; it must not end the job that closes a shift.
        start_new_session=True,
    )
    try:
        return _talk(child, name, request, progress)
    finally:
        if child.poll() is None:  # we were stopped meanwhile; the jobs can be repeated
            child.kill()
            child.wait()


def _talk(
    child: subprocess.Popen[str], name: str, request: Mapping[str, Any], progress: Callable[[str], None] | None
) -> dict[str, Any]:
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    with suppress(BrokenPipeError):  # it died at once: what it said comes below
        child.stdin.write(json.dumps(dict(request)))
        child.stdin.close()
    done: dict[str, Any] | None = None
    error = ""
    for line in child.stdout:
        try:
            message = json.loads(line)
        except ValueError:
            continue  # a library's word, not ours
        if "progress" in message and progress is not None:
            progress(message["progress"])
        done = message.get("done", done)
        error = message.get("error", error)
    trouble = child.stderr.read().strip()
    if child.wait() != 0 or done is None:
        raise TaskFailed(error or f"{name}: {trouble.splitlines()[-1] if trouble else 'ended without a word'}")
    return done
