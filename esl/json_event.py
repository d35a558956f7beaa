"""Events of `event json`. They read as plain ones do: the rules are in `esl.headers`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, overload

from esl.errors import MalformedFrame
from esl.headers import (
    ARRAY_PREFIX,
    ARRAY_SEPARATOR,
    RESTAMPED_NAME,
    CompactEvent,
    Event,
    HeaderSet,
    encode_value,
)


class JsonEvent(Event):
    """An event of `event json`, parsed when it arrives: a fault must show up there, not in a reader."""

    __slots__ = ("_size", "_values", "name")

    content_type = "text/event-json"

    def __init__(self, raw: bytes) -> None:
        """Raises MalformedFrame when `raw` is not one JSON object with an Event-Name."""
        try:
            # Reversed, so that of a repeated name the first stays.
            values = json.loads(raw.decode("utf-8", "replace"), object_pairs_hook=_first_wins)
        except (ValueError, RecursionError) as error:
            raise MalformedFrame(f"event is not JSON: {type(error).__name__}") from error
        if not isinstance(values, dict):
            raise MalformedFrame("event is not a JSON object")
        name = values.get("Event-Name")
        if not isinstance(name, str):
            raise MalformedFrame("event without Event-Name")
        self._values: dict[str, Any] = values
        self._size = 3 * len(raw)
        self.name = name

    @overload
    def get(self, name: str, default: str) -> str: ...

    @overload
    def get(self, name: str, default: str | None = None) -> str | None: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        if name == "_body" or name not in self._values:
            return default
        return _json_text(self._values[name])

    @property
    def header_count(self) -> int:
        """How many headers there are."""
        return len(self._values)

    @property
    def headers(self) -> Mapping[str, str]:
        return {name: _json_text(value) for name, value in self._values.items() if name != "_body"}

    @property
    def body(self) -> str | None:
        body = self._values.get("_body")
        return None if body is None else _json_text(body)

    @property
    def size(self) -> int:
        return self._size

    def pick(self, names: HeaderSet | Iterable[str]) -> CompactEvent:
        kept = names if isinstance(names, HeaderSet) else HeaderSet(names)
        parts = []
        for name in kept.names:
            value = self.get(name)
            parts.append("" if value is None else " " + encode_value(value))
        return CompactEvent(self.name, kept, "\n".join(parts))


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(reversed(pairs))
    if values.get("Event-Name") == RESTAMPED_NAME:
        values["Event-Name"] = [value for name, value in pairs if name == "Event-Name"][-1]
    return values


def _json_text(value: Any) -> str:
    """The text of a JSON value as the plain format would carry it; FreeSWITCH sends strings and arrays of
    strings.
    """
    if isinstance(value, str):
        # A lone surrogate is legal in JSON and can't be written anywhere.
        return value if value.isascii() else value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if value is None:
        return ""
    if isinstance(value, list):
        items = [_json_text(item) for item in value]
        return items[0] if len(items) == 1 else ARRAY_PREFIX + ARRAY_SEPARATOR.join(items)
    return json.dumps(value)
