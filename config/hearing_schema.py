"""The shapes of ``hearing`` and of a campaign's ``answering_machines``: who listens to callees where, and what for.

Owns keys, limits and the rules between them, like ``config.schema``, of which it is a part. Asks nothing of the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator

from config.recording_schema import RecordingConfig
from config.section import Section
from config.values import FilePath, Flag, Name, Share, SwitchPath, duration, whole

HearingFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""

SCREENS = ("hang_up", "message")
"""Policies under which who answered decides."""
RECORD_SHARE = 0.02
"""Of the calls that are judged machines, unless ``record_share`` says otherwise, and where they may be recorded."""
LEAST_LIMIT_S = 1.0
"""A shorter abandon limit leaves no time to listen and to find an agent."""
_FOLDER = re.compile(r"/[A-Za-z0-9._/-]{1,200}", re.ASCII)


class HearingConfig(Section):
    """Where the switch records what callees say, for the listeners to read: in memory, and removed at once.

    ``folder`` is this dialer's alone (default: ``/dev/shm/dialer-hearing-INSTANCE``). ``prints_file`` is what
    ``dialer hearing learn`` wrote. At most ``most`` calls are listened to at a time.
    ``human_pause_s`` of quiet end a person's greeting.
    ``nodes`` are the switches that record on this host (default: those of a loopback address, and the embedded one).
    """

    folder: FilePath | None = None
    prints_file: FilePath | None = None
    most: Annotated[int, whole(1, 2000)] = 200
    human_pause_s: Annotated[float, duration(0.2, 2)] = 0.36
    nodes: tuple[Name, ...] | None = None


class MachinesConfig(Section):
    """What a campaign does with answering machines.

    ``agent``: every answer goes to an agent at once, and who answered is written down. ``hang_up`` and ``message``:
    only what is clearly a machine does not. ``clock``: where the abandon limit starts. A verdict is waited for
    ``decide_within_s``, a beep ``beep_within_s``; without one the message follows 3 s of quiet
    (``message_after_quiet``). Of ``record_share`` of the calls judged machines the callee is recorded from the answer
    to the end or the message, for people to say whether it was one (default: 2% where ``recording`` allows it).
    """

    policy: Literal["off", "agent", "hang_up", "message"] = "off"
    message: SwitchPath | None = None
    message_after_quiet: Flag = True
    clock: Literal["answer", "greeting_end"] = "answer"
    decide_within_s: Annotated[float, duration(1, 10)] = 4.0
    beep_within_s: Annotated[float, duration(5, 120)] = 45.0
    record_share: Share | None = None


def _machines(value: object) -> object:
    return {"policy": value} if isinstance(value, str) else value


Machines = Annotated[MachinesConfig, BeforeValidator(_machines)]


def hearing_faults(hearing: HearingConfig, nodes: frozenset[str]) -> Iterator[HearingFault]:
    """Every fault of the section; ``nodes`` are the configured switches."""
    folder = hearing.folder
    if folder is not None and (not _FOLDER.fullmatch(folder) or ".." in folder.split("/")):
        yield ("folder",), folder, "a path of letters, digits, '.', '_', '-' and '/': the switch is told it"
    for index, name in enumerate(hearing.nodes or ()):
        if name not in nodes:
            known = f": {', '.join(sorted(nodes))}" if nodes else "; switch: embedded has none"
            yield ("nodes", index), name, f"a configured node{known}"


def machines_unrecorded(machines: MachinesConfig, recording: RecordingConfig) -> str:
    """What keeps calls that are judged machines from being recorded, as what is expected; empty when nothing does."""
    if machines.policy not in SCREENS:
        return f"policy hang_up or message, not {machines.policy}"
    if recording.mode not in ("all", "share"):
        return f"recording.mode all or share, not {recording.mode}"
    if recording.consent_prompt is not None:
        return "no recording.consent_prompt: nobody who is taken for a machine hears it"
    if recording.upload_command is not None:
        return "no recording.upload_command: such a recording is made on this host"
    return ""


def machines_faults(machines: MachinesConfig, mode: str, wait_limit_s: float) -> Iterator[HearingFault]:
    """Every fault of one campaign's section, but for what ``message`` names."""
    policy = machines.policy
    if policy in SCREENS and mode == "preview":
        expected = "off or agent in mode preview: the agent who chose the lead waits for whoever answers"
        yield ("policy",), policy, expected
        return
    if policy == "message" and machines.message is None:
        yield ("message",), "(missing)", "this key: policy message needs the recording that is left on machines"
    if policy != "message" and machines.message is not None:
        yield ("message",), machines.message, f"no such key with policy {policy}; it is for policy message"
    if policy not in SCREENS and machines.clock == "greeting_end":
        expected = f"answer with policy {policy}: only hang_up and message wait for the greeting's end"
        yield ("clock",), machines.clock, expected
    if policy in SCREENS and wait_limit_s < LEAST_LIMIT_S:
        expected = f"off or agent: wait_limit_s is {wait_limit_s:g}, and listening needs at least {LEAST_LIMIT_S:g}"
        yield ("policy",), policy, expected
