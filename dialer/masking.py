"""Phone numbers made unreadable in anything that people or log collectors see.

Owns one pure function for a number, one for free text and one for the store's rows. The text form is a second line of
defence: code that knows that it holds a number masks it itself. Imports only the standard library, so that the API, the
live view and the logs can all use it.

What must stay readable (UUIDs, timestamps, dates, IPv4 addresses, hashes, small decimals) is cut out first;
what is left is masked from seven digits on. Where the two wishes collide, hiding wins: two port numbers
joined by a dash read as a phone number and are masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MIN_DIGITS: Final = 7
"""The shortest subscriber number in use, and the longest run of digits that is left alone plus one."""

_MIN_HIDDEN: Final = 4

_NAMES: Final = frozenset(
    {"agent", "attempt_id", "campaign", "day", "disposition", "kind", "leg", "node", "path", "sha256"}
)
"""Fields of the store's rows that hold no number, and must stay as they are: a staff number may look like one."""

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_CLOCK: Final = r"[0-2]?[0-9]:[0-5][0-9]"
_READABLE: Final = re.compile(
    r"(?<![A-Za-z0-9_+])(?<![0-9][.-])-?(?:"
    + "|".join(
        (
            r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",  # UUID
            r"(?:19|20)[0-9]{2}(?P<d>[-/])(?:0[1-9]|1[0-2])(?P=d)(?:0[1-9]|[12][0-9]|3[01])"  # date …
            rf"(?:[T ]{_CLOCK}(?::[0-6][0-9](?:[.,][0-9]{{1,9}})?)?(?:Z|[+-][0-2][0-9]:?[0-5][0-9])?)?",  # … and time
            r"(?:19|20)[0-9]{6}T[0-9]{6}Z?",  # basic ISO timestamp
            rf"{_CLOCK}:[0-6][0-9][.,][0-9]{{1,9}}",  # time of day
            rf"(?:{_OCTET}\.){{3}}{_OCTET}(?::[0-9]{{1,5}}|/[0-9]{{1,2}})?",  # IPv4 address
            r"(?=[0-9]*[a-f])[0-9a-f]{32,64}",  # digest in hex
            r"[0-9]{1,2}\.[0-9]+(?:e[+-]?[0-9]{1,3})?(?:[mnu]?s|%)?",  # 0.0123456789
        )
    )
    + r")(?![A-Za-z0-9_]|[.-][0-9])"
)

_SEPARATORS: Final = r"[ \t().\-/\u00a0\u2010-\u2015\u202f]"
_RUN: Final = re.compile(rf"\+?\d(?:{_SEPARATORS}{{0,3}}\d){{{MIN_DIGITS - 1},}}")
_SHORT_LEAD: Final = re.compile(rf"\d{{1,2}}{_SEPARATORS}{{1,3}}\+?(?=\d)")


def mask_number(number: str) -> str:
    """``13812341234`` as ``138****1234``. A leading plus sign stays; at least four digits are always hidden.

    Anything in ``number`` that is no digit is dropped, so that the grouping gives nothing away.
    """
    plus = "+" if number.lstrip().startswith("+") else ""
    digits = "".join(c for c in number if c.isdigit())
    tail = min(4, max(0, len(digits) - _MIN_HIDDEN))
    head = min(3, max(0, len(digits) - _MIN_HIDDEN - tail))
    return f"{plus}{digits[:head]}****{digits[len(digits) - tail :] if tail else ''}"


def mask_text(text: str) -> str:
    """``text`` with every run of seven or more digits masked, however the digits are grouped."""
    if len(text) < MIN_DIGITS:
        return text
    parts: list[str] = []
    at = 0
    for found in _READABLE.finditer(text):
        parts.append(_mask_runs(text, at, found.start()))
        parts.append(found.group())
        at = found.end()
    parts.append(_mask_runs(text, at, len(text)))
    return "".join(parts)


def mask_record(value: Any) -> Any:
    """The store's rows as people may see them: ``number``, ``shown`` and free text masked, ``person`` left out.

    A person is often a number. Names out of the configuration and what is made of them stay.
    """
    if isinstance(value, Mapping):
        kept = ((name, part) for name, part in value.items() if name != "person")
        return {name: _mask_field(name, part) for name, part in kept}
    if isinstance(value, list | tuple):
        return [mask_record(part) for part in value]
    return mask_text(value) if isinstance(value, str) else value


def _mask_field(name: str, value: Any) -> Any:
    if name in _NAMES:
        return value
    if name == "shown" and not value:
        return value
    return mask_number(value) if name in ("number", "shown") else mask_record(value)


def _mask_runs(text: str, start: int, end: int) -> str:
    return _RUN.sub(_mask_run, text[start:end])


def _mask_run(found: re.Match[str]) -> str:
    run = found.group()
    # "gw1/13812341234" and "node2 13812341234": a digit or two that end a word belong to the word.
    if found.start() and found.string[found.start() - 1].isalpha():
        lead = _SHORT_LEAD.match(run)
        if lead is not None and sum(c.isdigit() for c in run[lead.end() :]) >= MIN_DIGITS:
            return lead.group() + mask_number(run[lead.end() :])
    return mask_number(run)
