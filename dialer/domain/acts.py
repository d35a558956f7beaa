"""What agents and supervisors can do from a keypad or by API, and the keys that say so.

Owns the names of the acts, when each is possible, and the default keys. What an act does is the engine's
(``dialer.engine.acts``). An act's keys are ``*`` and digits; an act with an argument takes digits after them, ended by
``#`` or by silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class When(StrEnum):
    """In which situation of the agent keys mean what: the same keys may mean another act elsewhere."""

    IDLE = "idle"  # ready or paused, nobody on the line
    PREVIEW = "preview"  # a lead is shown
    TALKING = "talking"  # with a customer, or in a call of one's own
    CONSULTING = "consulting"  # a third party is being rung or spoken with, the customer waits
    WRAP_UP = "wrap_up"


@dataclass(frozen=True, slots=True)
class Act:
    """One act: ``argument`` names what the digits after its keys are, empty when there are none."""

    name: str
    when: frozenset[When]
    argument: str = ""
    longest: int = 0


_I, _P, _T, _C, _W = (frozenset({when}) for when in When)

ACTS: Final[Mapping[str, Act]] = {
    act.name: act
    for act in (
        Act("ready", _I | _W),
        Act("pause", _I | _P | _T | _W, "reason", 2),
        Act("logout", _I | _P | _T | _W),
        Act("accept", _P),
        Act("skip", _P),
        Act("repeat", _P),
        Act("dial", _I | _W, "number", 20),
        Act("redial", _I | _W),
        Act("dispose", _W, "disposition", 2),
        Act("callback", _W, "time", 6),
        Act("more_time", _W),
        Act("hold", _T),
        Act("transfer", _T, "number", 20),
        Act("consult", _T, "number", 20),
        Act("complete", _C),
        Act("conference", _C),
        Act("back", _C),
        Act("help", _T | _I | _W),
        Act("mask", _T | _C),
        Act("record", _T),
        Act("do_not_call", _T | _W),
        Act("hang_up", _T),
        Act("send_keys", _T, "keys", 20),
    )
}
"""``back`` leaves a consultation and returns to the customer; ``mask`` stops the recording's sound and starts it,
``record`` begins a recording in a campaign that records on demand."""

DEFAULT_KEYS: Final[Mapping[str, str]] = {
    "ready": "*1",
    "pause": "*2",
    "logout": "*0",
    "accept": "1",
    "skip": "2",
    "repeat": "3",
    "dial": "*90",
    "redial": "**",
    "dispose": "",
    "callback": "*4",
    "more_time": "*6",
    "hold": "*3",
    "transfer": "*4",
    "consult": "*7",
    "complete": "*1",
    "conference": "*2",
    "back": "*0",
    "help": "*8",
    "mask": "*6",
    "record": "*98",
    "do_not_call": "*5",
    "hang_up": "*#",
    "send_keys": "*99",
}
"""``dispose`` has no keys of its own: after a call plain digits are its argument. In each situation no act's keys begin
with another's; and after a conversation none that takes an argument has keys that begin those of one in it, since the
customer may leave while they are pressed."""

SUPERVISOR_ACTS: Final = (
    "listen",
    "whisper",
    "barge",
    "conference",
    "takeover",
    "hangup",
    "next",
    "previous",
    "leave",
    "answer_help",
)


@dataclass(frozen=True, slots=True)
class DialRule:
    """Which outside numbers a role may dial: the longest prefix that fits decides, a refusal between equals; without
    one, no.

    Prefixes are of international numbers without ``+``. ``short`` numbers (emergency calls, a carrier's services) are
    dialed as they are keyed in. ``region`` is the two-letter country of numbers keyed in without a country code (empty:
    they hold one). ``shortest`` and ``longest`` count digits.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    region: str = ""
    shortest: int = 3
    longest: int = 20
    short: tuple[str, ...] = ()

    def refuses(self, digits: str) -> str:
        """What is wrong with this number, in words; empty when it may be dialed."""
        bare = digits.lstrip("+")
        if not bare.isascii() or not bare.isdigit() or not self.shortest <= len(bare) <= self.longest:
            return f"not a number of {self.shortest} to {self.longest} digits"
        allowed = max((len(prefix) for prefix in self.allow if bare.startswith(prefix)), default=-1)
        denied = max((len(prefix) for prefix in self.deny if bare.startswith(prefix)), default=-1)
        return "" if allowed > denied else "this number is not allowed"


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """How phones are used. ``codes`` are the numbers that a phone dials: login, supervise; ``keys`` those of acts.

    ``pause_reasons`` by digit. ``digit_gap_s`` of silence ends a number that no ``#`` ended.
    ``tries`` wrong entries end a call; ``lock_after`` wrong PINs within a quarter of an hour lock the agent's login.
    ``ring_tries``: so often in a row a phone with an open line is rung anew; then only when its agent acts.
    ``dial_rules`` by the agent's role; without a rule a role dials no outside number.
    ``wait_sound`` is what a nailed-up line hears between customers, ``hold_sound`` a customer on hold (empty: silence).
    ``display``: what of a customer an agent's phone shows: name, campaign, number; of that the first and last
    ``display_digits`` only. Empty: nothing.
    ``prompt_seconds``: how long each prompt of the catalogue is; what is not in it counts as unknown to the catalogue
    where there is a choice, and is taken to be short.
    """

    login_code: str = "*10"
    supervise_code: str = "*20"
    keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    pause_reasons: Mapping[str, str] = field(default_factory=dict)
    digit_gap_s: float = 3.0
    entry_limit_s: float = 20.0
    tries: int = 3
    lock_after: int = 5
    ring_tries: int = 8
    language: str = "en"
    wait_sound: str = ""
    hold_sound: str = ""
    beep: bool = True
    prompt_seconds: Mapping[str, float] = field(default_factory=dict)
    supervisor_roles: frozenset[str] = frozenset({"supervisor"})
    dial_rules: Mapping[str, DialRule] = field(default_factory=dict)
    display: tuple[str, ...] = ()
    display_digits: tuple[int, int] = (3, 4)
