"""Results of single shifts, kept on disk: a run that was stopped goes on where it was.

Owns the places and the files. A file is written whole or not at all; one that cannot be read counts as not there.
Judges nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.pacing.cells import Cell, Policy, digest_of

Options = Mapping[str, Any]
Shift = dict[str, Any]
"""What a worker returns: ``result`` (the planner's keys), ``series`` (by the minute), ``cpu_s``."""


@dataclass(frozen=True, slots=True)
class Job:
    """One shift to run. ``scenario`` is the planner's whole, policy and options included."""

    cell: str
    policy: Policy
    scenario: str  # JSON, so that a job can be a key
    seed: int

    def __str__(self) -> str:
        return f"{self.cell} {self.policy} seed {self.seed}"


def job(cell: Cell, policy: Policy, options: Options, seed: int, hours: float | None = None) -> Job:
    """The shift of a cell under a policy."""
    scenario = dict(cell.scenario)
    if hours is not None:
        scenario["shift_hours"] = hours
    if policy == "predictive_known":
        scenario |= {"policy": "predictive", "policy_options": {**options, "known_leads": True}}
    else:
        scenario |= {"policy": policy, "policy_options": dict(options)}
    return Job(cell.name, policy, json.dumps(scenario, sort_keys=True), seed)


class Cache:
    """``keys`` are the code keys by policy. Results are held in memory once read."""

    def __init__(self, root: Path, keys: Mapping[Policy, str]) -> None:
        self._root = root
        self._keys = keys
        self._known: dict[Job, Shift | None] = {}

    def place(self, job: Job) -> Path:
        """Where a shift's result lies: code, cell, scenario, seed."""
        scenario = json.loads(job.scenario)
        talk = scenario.get("talk", {})
        if "file" in talk:
            talk["file"] = digest_of(Path(talk["file"]))
        told = hashlib.sha256(json.dumps(scenario, sort_keys=True).encode()).hexdigest()[:12]
        folder = f"{job.policy}-{self._keys[job.policy]}"
        return self._root / folder / job.cell.replace("/", "_") / f"{told}-{job.seed}.json"

    def get(self, job: Job) -> Shift | None:
        """The result, if it is there."""
        if job not in self._known:
            self._known[job] = self._read(job)
        return self._known[job]

    def put(self, job: Job, shift: Shift) -> None:
        """Keep a result."""
        place = self.place(job)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps({"job": str(job), "scenario": json.loads(job.scenario), **shift}))
        part.replace(place)
        self._known[job] = shift

    def _read(self, job: Job) -> Shift | None:
        try:
            found = json.loads(self.place(job).read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and {"result", "series", "cpu_s"} <= found.keys() else None
