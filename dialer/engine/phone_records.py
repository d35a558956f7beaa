"""The engine's mutable records of phones: legs that called us, keys on their way, what is being played.

Owns the records only; they are kept in ``Live`` and written by the desks of phones, keys and speaking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


@dataclass(slots=True, eq=False)
class Typed:
    """What an agent has keyed in: ``keys`` of an act; once they name it, ``act`` and the ``digits`` of its argument,
    behind the ``parts`` of it that are complete. ``customer``: the attempt that it is about, if any.
    ``full``: the last part ended by itself, and no key has come since. ``void``: the act is not possible in the agent's
    situation; its argument is read all the same, or its digits would mean something of their own.
    """

    keys: str = ""
    act: str = ""
    digits: str = ""
    parts: tuple[str, ...] = ()
    customer: str | None = None
    full: bool = False
    void: bool = False


class Step(StrEnum):
    """What a phone that called us is asked for."""

    TAKING = "taking"  # TakeLeg is sent, CHANNEL_PARK has not come
    NUMBER = "number"
    PIN = "pin"
    CHECKING = "checking"  # the store is asked
    LEAVING = "leaving"  # the last words; the switch hangs up after them


@dataclass(slots=True, eq=False)
class Session:
    """A leg by which a phone called us, until it is an agent's line or a supervisor's.

    ``supervises``: it dialed the supervisors' code. ``agent`` is the number that it gave, not proven yet. ``ends_at``:
    until then it must be somebody's line.
    """

    uuid: str
    node: str
    seat: str
    since: float
    step: Step = Step.TAKING
    supervises: bool = False
    agent: str = ""
    digits: str = ""
    tries: int = 0
    silences: int = 0
    farewell: tuple[str, ...] = ()  # said as soon as the leg is ours, then hung up
    misses: int = 0
    missed_at: float = 0.0
    ends_at: float = math.inf


@dataclass(slots=True, eq=False)
class Sounding:
    """What a parked leg hears: words until ``until``, or ``music``. ``queued`` words wait until a hush has worked.

    ``sent_at``: when the last command to play something was sent.
    """

    node: str
    until: float = 0.0
    hushed_until: float = 0.0
    music: bool = False
    sent_at: float = 0.0
    queued: tuple[str, ...] = ()
