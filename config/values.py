"""Types of single values: how a text in the file becomes a number, a duration, a name, an address.

Owns parsing and limits of one value at a time; every refusal says what was expected. Must not compare two
keys: that is ``config.checks``. Everything accepts the written text and the value itself, so that a
configuration built in Python is checked by the same rules.
"""

from __future__ import annotations

import ipaddress
import math
import re
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

MINUTES_OF_DAY = 24 * 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_DURATION_PARTS = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d)){2,}")
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_RANGE = re.compile(r"(\d{1,15})-(\d{1,15})")
MAX_RANGE = 10_000
NO_PLACE = frozenset({"localtime", "posixrules", "Factory"})
"""Found among a system's time zones, but nobody's: this machine's own clock, and UTC under a strange name."""


def refuse(text: str) -> PydanticCustomError:
    """The error of one value: ``text`` says what was expected."""
    return PydanticCustomError("expected", "{text}", {"text": text})


def _as_text(value: object, what: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse(what)
    return str(value).strip()


def _limits(low: float, high: float, unit: str = "") -> str:
    def show(number: float) -> str:
        return f"{number:g}{unit}" if abs(number) < 1e6 or number % 1 else f"{int(number)}{unit}"

    return f"from {show(low)} to {show(high)}"


def whole(low: int, high: int) -> BeforeValidator:
    """A whole number within limits, both included."""
    what = f"a whole number {_limits(low, high)}"

    def check(value: object) -> int:
        text = _as_text(value, what)
        if not re.fullmatch(r"[-+]?\d{1,18}", text, re.ASCII) or not low <= int(text) <= high:
            raise refuse(what)
        return int(text)

    return BeforeValidator(check)


def number(low: float, high: float) -> BeforeValidator:
    """A number within limits, both included; not infinity, not NaN."""
    what = f"a number {_limits(low, high)}"

    def check(value: object) -> float:
        try:
            result = float(_as_text(value, what))
        except ValueError:
            raise refuse(what) from None
        if not math.isfinite(result) or not low <= result <= high:
            raise refuse(what)
        return result

    return BeforeValidator(check)


def share(low: float, high: float, *, inside: bool = False) -> BeforeValidator:
    """A share from ``0.03`` or ``3%``, limits included unless it must lie ``inside`` them."""
    between = f"above {low:g} and below {high:g}" if inside else f"from {low:g} to {high:g}"
    example = 0.03 if low <= 0.03 <= high else 0.5
    what = f"a share {between}, such as {example:g} or {example:.0%}"

    def check(value: object) -> float:
        text = _as_text(value, what)
        percent = text.endswith("%")
        try:
            result = float(text.removesuffix("%")) / (100.0 if percent else 1.0)
        except ValueError:
            raise refuse(what) from None
        if not math.isfinite(result) or not low <= result <= high or (inside and result in (low, high)):
            raise refuse(what)
        return result

    return BeforeValidator(check)


def seconds_of(value: object) -> float | None:
    """Seconds, from ``30``, ``30s``, ``500ms``, ``5m``, ``2h``, ``1h30m`` or ``3d``; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    match = _DURATION.fullmatch(text)
    if match:
        return float(match[1]) * _UNITS[match[2] or "s"]
    if _DURATION_PARTS.fullmatch(text):
        return sum(float(n) * _UNITS[u] for n, u in re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text))
    return None


def duration(low: float, high: float) -> BeforeValidator:
    """Seconds, as ``seconds_of`` reads them, within limits, both included."""
    what = f"a duration such as 30, 30s, 5m or 2h, {_limits(low, high, 's')}"

    def check(value: object) -> float:
        seconds = seconds_of(value)
        if seconds is None or not low <= seconds <= high:
            raise refuse(what)
        return seconds

    return BeforeValidator(check)


def matching(pattern: str, what: str, longest: int = 200) -> BeforeValidator:
    """Text of one shape. ``pattern`` is matched whole, ASCII classes only."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: object) -> str:
        text = _as_text(value, what)
        if len(text) > longest or not compiled.fullmatch(text):
            raise refuse(what)
        return text

    return BeforeValidator(check)


def printable(longest: int) -> BeforeValidator:
    """Any text on one line, without control characters."""
    what = f"text on one line of at most {longest} characters, without control characters"

    def check(value: object) -> str:
        text = _as_text(value, what)
        if not text or len(text) > longest or not text.isprintable():
            raise refuse(what)
        return text

    return BeforeValidator(check)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "yes", "on"):
        return True
    if text in ("false", "no", "off"):
        return False
    raise refuse("true or false")


def secret_of(value: object) -> SecretStr:
    """A secret: one line that no fault and no log shows."""
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value or len(value) > 1024 or not value.isprintable():
        raise refuse("one line of 1 to 1024 printable characters")
    return SecretStr(value)


def _http_url(value: object) -> str:
    what = "http://HOST[:PORT]/PATH or https://…, without a user, a password or a fragment"
    text = _as_text(value, what)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refuse(what) from None
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= 2000
    if not plain or parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.fragment:
        raise refuse(what)
    if port == 0:
        raise refuse(what)
    _host(host)
    return text


def _host(value: object) -> str:
    what = "a host name or an IP address"
    text = _as_text(value, what)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _HOST.fullmatch(text) and not re.fullmatch(r"[\d.]+", text):
            return text
        raise refuse(what) from None


def _address_ip(value: object) -> str:
    what = "an IP address"
    try:
        return str(ipaddress.ip_address(_as_text(value, what)))
    except ValueError:
        raise refuse(what) from None


def _network(value: object) -> str:
    what = "an IP network such as 10.0.0.0/24, or one address"
    try:
        return str(ipaddress.ip_network(_as_text(value, what)))
    except ValueError:
        raise refuse(what) from None


def _zone(value: object) -> str:
    what = "a time zone of the IANA list, such as Europe/Berlin"
    text = _as_text(value, what)
    if text not in available_timezones() or text in NO_PLACE:
        raise refuse(what)
    return text


def _ids(value: object) -> str:
    what = "an id of letters, digits, '.', '_' or '-', or a range of numbers such as 1001-1020"
    text = _as_text(value, what)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise refuse(what)
    match = _RANGE.fullmatch(text)
    if match:
        first, last = int(match[1]), int(match[2])
        if len(match[1]) != len(match[2]) or last < first or last - first >= MAX_RANGE:
            raise refuse(f"a range of at most {MAX_RANGE} numbers of the same length that ends after it starts")
    return text


def expand_ids(text: str) -> tuple[str, ...]:
    """``1001-1003`` becomes 1001, 1002, 1003; any other id stands for itself."""
    match = _RANGE.fullmatch(text)
    if not match:
        return (text,)
    width = len(match[1])
    return tuple(f"{n:0{width}d}" for n in range(int(match[1]), int(match[2]) + 1))


def _day_key(text: str) -> str:
    try:
        expand_days(text)
    except ValueError:
        raise refuse("a day (mon … sun), a range such as mon-fri, or daily") from None
    return text


def expand_days(text: str) -> tuple[int, ...]:
    """Days of the week, Monday 0. Raises ValueError. ``sat-mon`` runs over the end of the week."""
    if text == "daily":
        return tuple(range(7))
    first, dash, last = text.partition("-")
    start = DAYS.index(first)
    if not dash:
        return (start,)
    count = (DAYS.index(last) - start) % 7 + 1
    return tuple((start + i) % 7 for i in range(count))


def _window(value: object) -> tuple[int, int]:
    if isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(v, int) for v in value):
        start, end = value
    else:
        what = 'a time span such as "09:00-20:00"'
        match = _WINDOW.fullmatch(_as_text(value, what))
        if not match or int(match[2]) > 59 or int(match[4]) > 59:
            raise refuse(what)
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if not 0 <= start <= MINUTES_OF_DAY or not 0 <= end <= MINUTES_OF_DAY:
        raise refuse("times of one day, from 00:00 to 24:00")
    if end <= start:
        raise refuse("a time span that ends after it starts; one over midnight is written as two")
    return start, end


def _time_of_day(value: object) -> int:
    what = 'a time of day such as "17:30"'
    if isinstance(value, int) and not isinstance(value, bool):
        minute = value
    else:
        match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", _as_text(value, what), re.ASCII)
        minute = int(match[1]) * 60 + int(match[2]) if match else -1
    if not 0 <= minute <= MINUTES_OF_DAY:
        raise refuse(what)
    return minute


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str | int) else value


def _span(value: object) -> tuple[float, float]:
    what = "two durations [low, high], low first, each from 0s to 1h"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise refuse(what)
    low, high = (_span_end(part, what) for part in value)
    if high < low:
        raise refuse(what)
    return low, high


def _span_end(value: object, what: str) -> float:
    match = _DURATION.fullmatch(_as_text(value, what))
    if not match:
        raise refuse(what)
    seconds = float(match[1]) * _UNITS[match[2] or "s"]
    if seconds > 3600:
        raise refuse(what)
    return seconds


def _date(value: object) -> date:
    what = "a day such as 2026-01-31"
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = _as_text(value, what)
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise refuse(what) from None


Flag = Annotated[bool, BeforeValidator(_flag)]
Secret = Annotated[SecretStr, BeforeValidator(secret_of)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]
Host = Annotated[str, BeforeValidator(_host)]
IpAddress = Annotated[str, BeforeValidator(_address_ip)]
Network = Annotated[str, BeforeValidator(_network)]
Zone = Annotated[str, BeforeValidator(_zone)]
Port = Annotated[int, whole(1, 65535)]
Share = Annotated[float, share(0, 1)]
Date = Annotated[date, BeforeValidator(_date)]
Ids = Annotated[str, BeforeValidator(_ids)]
DayKey = Annotated[str, AfterValidator(_day_key)]
Window = Annotated[tuple[int, int], BeforeValidator(_window)]
TimeOfDay = Annotated[int, BeforeValidator(_time_of_day)]
Windows = Annotated[tuple[Window, ...], BeforeValidator(_one_or_more)]
Span = Annotated[tuple[float, float], BeforeValidator(_span)]
Name = Annotated[
    str,
    matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a name of letters, digits, '.', '_' or '-', at most 64"),
]
Label = Annotated[str, printable(200)]
FilePath = Annotated[str, printable(4096)]
CallerId = Annotated[str, matching(r"\+?[0-9]{2,20}", "a telephone number: digits, with or without a leading +")]
SipUser = Annotated[
    str, matching(r"[A-Za-z0-9._+~*=%-]{1,128}", "a SIP user name of letters, digits and . _ + ~ * = % -")
]
Prefix = Annotated[str, matching(r"\+?[0-9*#]{0,15}", "at most 15 digits, * or #, with or without a leading +")]
SeatProfile = Annotated[
    str,
    matching(r"(?!gateway\Z)[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a SIP profile's name; none is called gateway"),
]
SeatAddress = Annotated[
    str,
    matching(
        r"user/(?:\{id\}|[A-Za-z0-9._+-]{1,64})(?:@[A-Za-z0-9.-]{1,200})?"
        r"|sip:(?:\{id\}|[A-Za-z0-9._+-]{1,64})@[A-Za-z0-9.-]{1,200}(?::[0-9]{1,5})?(?:;transport=(?:udp|tcp|tls))?",
        "user/ID, user/ID@domain or sip:ID@host:port; {id} stands for the seat's id",
    ),
]
SwitchPath = Annotated[
    str,
    matching(
        r"/[A-Za-z0-9._/-]{1,400}",
        "an absolute path as the switch sees it, of letters, digits, '.', '_', '-' and '/' (a space would cut it)",
        402,
    ),
]
