"""What is recorded of a campaign's calls, and what a recording's file is called.

Owns the policy as the engine and the command line see it, the keys of a name, and the way from the switch's path of a
file to ours. Pure. No key stands for a telephone number: no file name ever holds one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

NAME_KEYS: Final = ("date", "time", "campaign", "attempt", "agent", "node")
"""What may stand in braces in a name: UTC date and time of the start, and whose recording it is."""
SUFFIX: Final = ".wav"

_KEY: Final = re.compile(r"\{([a-z]+)\}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)


class RecordingMode(StrEnum):
    """Which calls of a campaign are recorded."""

    OFF = "off"
    ON_DEMAND = "on_demand"  # those whose agent says so
    ALL = "all"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class RecordingPolicy:
    """How a campaign's calls are recorded. ``share`` is a ratio 0–1 of calls, for mode ``share``.

    ``switch_directory`` is where the switch writes, ``directory`` where this machine finds the same files. An
    ``upload`` command is run on the switch's host with a finished file's path, and brings the file there.
    ``consent`` is a prompt that both hear before the recording begins (empty: none). Without ``retention_days`` all is
    kept.
    """

    mode: RecordingMode = RecordingMode.OFF
    share: float = 1.0
    directory: str = ""
    switch_directory: str = ""
    name: str = "{date}/{campaign}/{attempt}"
    retention_days: int | None = None
    consent: str = ""
    upload: str = ""

    def wants(self, draw: float) -> bool:
        """Whether a call is recorded for which chance says ``draw`` (0 ≤ draw < 1)."""
        return self.mode is RecordingMode.ALL or (self.mode is RecordingMode.SHARE and draw < self.share)

    def path(self, at: float, *, campaign: str, attempt: str, agent: str, node: str, again: int = 0) -> str:
        """The file's path on the switch, for a recording that starts ``at`` (UTC epoch seconds).

        ``again`` counts the call's former recordings: the switch would write over a file of the same name.
        """
        when = datetime.fromtimestamp(at, UTC)
        values = {
            "date": when.strftime("%Y-%m-%d"),
            "time": when.strftime("%H%M%S"),
            "campaign": campaign,
            "attempt": attempt,
            "agent": agent or "none",
            "node": node,
        }
        more = f"-{values['time']}-{again}" if again else ""
        return f"{self.switch_directory.rstrip('/')}/{fill(self.name, values)}{more}{SUFFIX}"

    def ours(self, path: str) -> str | None:
        """Where this machine finds the file that the switch calls ``path``; None when it is none of this policy's."""
        there = self.switch_directory.rstrip("/") + "/"
        inside = path.removeprefix(there)
        if not self.directory or inside == path or ".." in inside.split("/"):
            return None
        return f"{self.directory.rstrip('/')}/{inside}"


NOT_RECORDED: Final = RecordingPolicy()


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """``pattern`` with its keys replaced; what cannot stand in one part of a path becomes ``_``."""
    return _KEY.sub(lambda key: _UNSAFE.sub("_", values[key[1]]).lstrip(".") or "_", pattern)
