"""What a command was asked for, and where its configuration is.

Owns ``RunOptions``, exit codes, the parsing of durations and switch addresses, and the order in which
configuration files are looked for. Reads no file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from config.errors import shown

EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2
EXIT_CONFIG: Final = 78

LATEST: Final = 4e9
"""No later moment is asked about, as in the API: calendars look days ahead, and have no year 10000."""

CONFIG_VARIABLE: Final = "DIALER_CONFIG"
CONFIG_PLACES: Final = (Path("dialer.yaml"), Path("/etc/dialer/dialer.yaml"))

_UNITS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_ADDRESS: Final = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,251}[A-Za-z0-9])?):(?P<port>[0-9]{1,5})")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_SETTING: Final = re.compile(r"(?P<path>[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*)=(?P<value>.*)", re.DOTALL)


class CliError(Exception):
    """A command cannot do what it was asked. ``str`` is for people: what, where, what was expected."""

    def __init__(self, text: str, code: int = EXIT_FAILURE) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What ``dialer run`` was asked for, beside the configuration. Durations in seconds.

    ``for_s``: end the shift after this time (None: run until told to stop). ``summary``: write JSON here at
    the end. ``drain_s``: how long calls may take to end by themselves (None: as configured). ``top``: show
    the live view (None: when there is a terminal). ``fresh``: forget what an earlier run left in the store.
    ``switch``: what the ``--switch`` flag said; it is in the loaded configuration already. ``record``: write what the
    engine hears and decides here.
    """

    for_s: float | None = None
    summary: Path | None = None
    drain_s: float | None = None
    top: bool | None = None
    fresh: bool = False
    switch: str | None = None
    record: Path | None = None


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``1.5m``, ``1h30m`` or ``250ms``. Raises ValueError."""
    text = text.strip().lower()
    if _NUMBER.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("expected a duration such as 90, 90s, 5m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def switch_override(text: str) -> dict[str, str]:
    """The configuration override for ``embedded`` or ``host:port``. Raises ValueError."""
    if text == "embedded":
        return {"switch": "embedded"}
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise ValueError("expected embedded, or host:port of a FreeSWITCH event socket such as 127.0.0.1:8021")
    return {"switch": f'{{nodes: [{{name: switch, host: "{found["host"]}", port: {int(found["port"])}}}]}}'}


def settings_override(settings: Sequence[str]) -> dict[str, str]:
    """Configuration overrides from ``path=value`` flags, later ones winning. Raises ValueError."""
    overrides: dict[str, str] = {}
    for setting in settings:
        found = _SETTING.fullmatch(setting)
        if found is None:
            raise ValueError("expected path=value, such as http.port=0")
        overrides[found["path"]] = found["value"]
    return overrides


def find_config(given: Path | None, env: Mapping[str, str], places: Sequence[Path] = CONFIG_PLACES) -> Path:
    """The configuration file: the flag, else the environment's, else the first place that has one.

    Raises CliError (exit code 78) when there is none. A file that was named is not looked at here.
    """
    if given is not None:
        return given
    if env.get(CONFIG_VARIABLE):
        return Path(env[CONFIG_VARIABLE])
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(str(place) for place in places)
    raise CliError(
        f"no configuration: --config and ${CONFIG_VARIABLE} are not given, and none of {looked} is there",
        EXIT_CONFIG,
    )


def moment(text: str) -> float:
    """The instant of ``--at``, in epoch seconds: UTC unless the text has an offset. Raises CliError."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        if not 0 <= at.timestamp() <= LATEST:
            raise ValueError(text)
        return at.timestamp()
    except (ValueError, OverflowError):
        expected = 'a time such as "2026-11-26 20:00" (UTC), 2026-11-26T20:00+01:00 or 2026-11-26T19:00Z'
        raise CliError(f"--at {shown(text, ())}: expected {expected}", EXIT_USAGE) from None


def no_campaign(name: str, known: Collection[str]) -> str:
    """What is said of a campaign's name that nobody knows: which there are."""
    cut = shown(name, ())
    quoted = cut if _NAME.fullmatch(cut) or cut == '""' else f'"{cut}"'
    wish = f"one of: {', '.join(known)}" if known else "a campaign of the configuration, which has none"
    return f"no campaign {quoted}; expected {wish}"
