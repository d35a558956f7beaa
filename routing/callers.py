"""What kind of caller ID a call brought: a number, nothing, words, or nonsense.

Owns the reading of the text only. Whatever is no number is routed as an ordinary call, and the reason says why; a
number written without its country is left to who knows the region. Must not raise for anything that a caller can send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_LOCAL: Final = re.compile(r"[0-9*#]{1,20}", re.ASCII)
_SPACERS: Final = re.compile(r"[\s().\-/]", re.ASCII)
_HIDDEN: Final = frozenset({"", "anonymous", "restricted", "private", "unavailable", "unknown", "withheld", "nonumber"})
LONGEST: Final = 100


class CallerKind(StrEnum):
    """What the caller ID is."""

    NUMBER = "number"
    LOCAL = "local"
    """Digits without a country."""
    HIDDEN = "hidden"
    WORDS = "words"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class CallerId:
    """``number`` is normalised, and empty unless the kind is ``number``."""

    kind: CallerKind
    number: str
    reason: str


def read(text: str) -> CallerId:
    """A caller ID as the switch gives it: digits, a SIP address, a name, or nothing."""
    if len(text) > LONGEST or not text.isprintable():
        return CallerId(CallerKind.MALFORMED, "", "the caller ID is no text of one line")
    plain = text.strip().removeprefix("sip:").removeprefix("tel:").partition("@")[0].partition(";")[0]
    if _SPACERS.sub("", plain).lower() in _HIDDEN:
        return CallerId(CallerKind.HIDDEN, "", "the caller hides their number")
    digits = _SPACERS.sub("", plain)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if _NUMBER.fullmatch(digits):
        return CallerId(CallerKind.NUMBER, digits, "a number with its country")
    if _LOCAL.fullmatch(digits):
        return CallerId(CallerKind.LOCAL, "", "the number has no country")
    if any(letter.isalpha() for letter in digits):
        return CallerId(CallerKind.WORDS, "", "the caller ID is a name and no number")
    return CallerId(CallerKind.MALFORMED, "", "the caller ID is no number")
