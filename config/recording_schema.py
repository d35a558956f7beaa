"""The shape of a campaign's ``recording``: which calls, where to, called what, kept how long; what must fit together.

Owns keys, limits and the rules between them, like ``config.schema``, of which it is a part. Asks nothing of the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator

from config.section import Section
from config.values import Share, SwitchPath, matching, refuse, whole

NAME_KEYS = ("date", "time", "campaign", "attempt", "agent", "node")
"""What may stand in braces in ``name``; none of them is a telephone number."""

RecordingFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""

_LITERAL = re.compile(r"[A-Za-z0-9._/-]*", re.ASCII)
_MANY_DIGITS = re.compile(r"(?:[0-9][._-]?){7}", re.ASCII)


PromptId = Annotated[str, matching(r"[a-z0-9]+(?:-[a-z0-9]+)*", "a prompt's id, such as consent", 64)]


def _name(value: object) -> str:
    shape = "a path of letters, digits, '.', '_', '-', '/' and the keys {" + "}, {".join(NAME_KEYS) + "}"
    if not isinstance(value, str) or not value or len(value) > 200:
        raise refuse(f"{shape}, such as {{date}}/{{campaign}}/{{attempt}}")
    keys = re.findall(r"\{([^{}]*)\}", value)
    for key in keys:
        if key not in NAME_KEYS:
            raise refuse(f"{shape}; {{{key[:30]}}} is none of them")
    rest = re.sub(r"\{[^{}]*\}", "x", value)
    if not _LITERAL.fullmatch(rest):
        raise refuse(f"{shape}, and no blanks: a blank would cut the path")
    if any(part in ("", ".", "..") for part in rest.split("/")):
        raise refuse("a path below the directory: no / at its ends, no part that is empty, '.' or '..'")
    if _MANY_DIGITS.search(rest):
        raise refuse("a name without seven digits in a row: no telephone number belongs into a file name")
    if "attempt" not in keys:
        raise refuse("a name with {attempt}: else one call's recording would replace another's")
    return value


class RecordingConfig(Section):
    """Which calls of a campaign are recorded (``mode``), as WAV: the customer left, all that they hear right.

    ``share`` of them in mode share, those whose agent says so in mode on_demand. The switch writes into
    ``switch_directory``, the dialer finds the same files in ``directory``: both are the same where they share it
    (default). Otherwise ``upload_command FILE`` is run on the switch's host after each recording, has to bring the file
    there, and is run again later when it ends with anything but 0. Files older than ``retention_days`` are for
    ``dialer recordings prune``; without it they are kept. Customer and agent hear ``consent_prompt`` before the
    recording begins.
    """

    mode: Literal["off", "on_demand", "all", "share"] = "off"
    share: Share | None = None
    directory: SwitchPath | None = None
    switch_directory: SwitchPath | None = None
    name: Annotated[str, BeforeValidator(_name)] = "{date}/{campaign}/{attempt}"
    retention_days: Annotated[int, whole(1, 36_500)] | None = None
    consent_prompt: PromptId | None = None
    upload_command: SwitchPath | None = None


def recording_faults(recording: RecordingConfig) -> Iterator[RecordingFault]:
    """Every fault of one campaign's section."""
    if recording.mode == "share" and not recording.share:
        yield ("share",), "(missing)", "this key above 0, such as 10%: mode share needs it"
    if recording.mode != "share" and recording.share is not None:
        yield ("share",), f"{recording.share:g}", f"no such key in mode {recording.mode}; it is for mode share"
    if recording.mode != "off" and recording.directory is None:
        yield ("directory",), "(missing)", "this key: where the recordings are"
    for key in ("directory", "switch_directory"):
        path = getattr(recording, key)
        if path is not None and ".." in path.split("/"):
            yield (key,), path, "a path without '..'"
    if recording.upload_command is not None and recording.switch_directory is None:
        expected = "this key beside upload_command: where the switch writes what is then brought to directory"
        yield ("switch_directory",), "(missing)", expected
