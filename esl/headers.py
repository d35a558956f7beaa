"""Event headers: the raw block is delimited first, a value is decoded only when it is read.

A value may hold anything that a caller can put into a SIP header, line feeds included, once decoded. Here a
header is found in the *encoded* block, so a decoded value can never pass for a header. Owns reading; must not
know framing (`esl.protocol`), sockets or clocks. JSON events are in `esl.json_event`.

Rules shared by plain and JSON events:

* names are compared exactly as FreeSWITCH writes them;
* of a header given twice the first counts, as for python-ESL (FreeSWITCH repeats `Hangup-Cause` and
  `Channel-Write-Codec-*` with equal values). Only `Event-Name` counts last: a queued `COMMAND` event is
  stamped a second time, as `PRIVATE_COMMAND`, when it is fired again;
* an indexed header reads as FreeSWITCH writes it in the plain format, `ARRAY::a|:b`; `get_list` splits it;
* `_undef_`, the plain format's spelling of an empty value, reads as `""`, which is what JSON says;
* bytes that are not UTF-8 read as U+FFFD; a broken percent escape reads as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol, overload
from urllib.parse import unquote_to_bytes

from esl.errors import HeaderNotKept, MalformedFrame

ARRAY_PREFIX: Final = "ARRAY::"
ARRAY_SEPARATOR: Final = "|:"
RESTAMPED_NAME: Final = "COMMAND"
_LENGTH: Final = re.compile(r"[0-9]{1,12}")


class EventLike(Protocol):
    """What a consumer may read of an event: whole, compact, or of another make."""

    @property
    def name(self) -> str: ...

    def get(self, name: str, default: str | None = None, /) -> str | None: ...


def decode_value(raw: str) -> str:
    """The text of one raw value of a plain block."""
    if "%" in raw:
        return unquote_to_bytes(raw.encode("latin-1")).decode("utf-8", "replace")
    if raw == "_undef_":
        return ""
    return raw if raw.isascii() else raw.encode("latin-1").decode("utf-8", "replace")


class HeaderSet:
    """The names that a consumer reads, made ready once for `Event.pick`. `Event-Name` and `Unique-ID` are
    always in.
    """

    __slots__ = ("index", "names", "needles")

    def __init__(self, names: Iterable[str]) -> None:
        wanted = dict.fromkeys(("Unique-ID", *sorted(names)))
        wanted.pop("Event-Name", None)
        self.names: tuple[str, ...] = tuple(wanted)
        self.index: dict[str, int] = {name: at for at, name in enumerate(self.names)}
        self.needles: tuple[tuple[str, int], ...] = tuple((f"\n{name}: ", len(name) + 3) for name in self.names)


class HeaderBlock:
    """Headers in the plain format: `Name: value` lines. Unread values cost nothing.

    `text` holds the bytes as they came, one character a byte (Latin-1): Python cuts values out of a str
    faster than out of bytes. It starts with a line feed, so that every header is found as `\\nName: `; `end`
    is where the headers end (just behind the last one's line feed).
    """

    __slots__ = ("_end", "_text")

    def __init__(self, text: str, end: int) -> None:
        self._text = text
        self._end = end

    @overload
    def get(self, name: str, default: str) -> str: ...

    @overload
    def get(self, name: str, default: str | None = None) -> str | None: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """The decoded value of header `name`, or `default`."""
        text = self._text
        needle = f"\n{name}: "
        at = text.find(needle, 0, self._end)
        if at < 0:
            return default
        at += len(needle)
        raw = text[at : text.find("\n", at)]
        return decode_value(raw) if "%" in raw or raw == "_undef_" or not raw.isascii() else raw

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Every header line in wire order, undecoded (one character a byte), repeated names included."""
        for line in self._text[1 : self._end].split("\n"):
            name, colon, value = line.partition(":")
            if colon:
                yield name, value.lstrip(" ")

    @property
    def line_count(self) -> int:
        """How many lines the block has, headers or not."""
        return self._text.count("\n", 1, self._end)

    @property
    def headers(self) -> Mapping[str, str]:
        """All headers, decoded, each name once; built anew at every call."""
        return self._decode_all()

    def _decode_all(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, raw in self.raw_items():
            found.setdefault(utf8(name), decode_value(raw))
        return found


class Event:
    """One event, whatever its format: subclasses hold the data."""

    __slots__ = ()

    name: str
    content_type: str

    @overload
    def get(self, name: str, default: str) -> str: ...

    @overload
    def get(self, name: str, default: str | None = None) -> str | None: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """The decoded value of header `name`, or `default`."""
        raise NotImplementedError

    @property
    def headers(self) -> Mapping[str, str]:
        """All headers, decoded, each name once; built anew at every call."""
        raise NotImplementedError

    @property
    def body(self) -> str | None:
        """The inner body (the output of a background job, for one), or None."""
        raise NotImplementedError

    def pick(self, names: HeaderSet | Iterable[str]) -> CompactEvent:
        """The same event with only the named headers kept, small enough to queue by the hundred thousand.

        `Event-Name` and `Unique-ID` are always kept. Pass a HeaderSet where it is done often.
        """
        raise NotImplementedError

    @property
    def size(self) -> int:
        """About how many bytes the event holds on to."""
        raise NotImplementedError

    @property
    def uuid(self) -> str | None:
        """The channel's UUID, for events that concern one."""
        return self.get("Unique-ID")

    @property
    def subclass(self) -> str | None:
        """The subclass of a CUSTOM event."""
        return self.get("Event-Subclass")

    def get_list(self, name: str) -> tuple[str, ...]:
        """The items of an indexed header; one item for a simple one, none for an absent one."""
        value = self.get(name)
        if value is None:
            return ()
        if value.startswith(ARRAY_PREFIX):
            return tuple(value[len(ARRAY_PREFIX) :].split(ARRAY_SEPARATOR))
        return (value,)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.uuid or '-'}>"


class PlainEvent(HeaderBlock, Event):
    """An event of `event plain`: the block as it came, searched when a header is read."""

    __slots__ = ("name",)

    content_type = "text/event-plain"

    def __init__(self, text: str) -> None:
        """`text`: a line feed, then the event, one character a byte. Raises MalformedFrame when it is not an
        event.
        """
        self._text = text
        # Most events have no body. Searching from behind is the faster way to see that.
        if text.rfind("\nContent-Length: ") < 0 and text.endswith("\n\n"):
            end = len(text) - 1
        else:
            end = _end_of_headers(text)
        self._end = end
        at = text.find("\nEvent-Name: ", 0, end)
        if at < 0:
            raise MalformedFrame("event without Event-Name")
        at += 13
        name = decode_value(text[at : text.find("\n", at)])
        if name == RESTAMPED_NAME:
            at = text.rfind("\nEvent-Name: ", 0, end) + 13
            name = decode_value(text[at : text.find("\n", at)])
        self.name = name

    @property
    def headers(self) -> Mapping[str, str]:
        found = self._decode_all()
        found["Event-Name"] = self.name
        return found

    @property
    def body(self) -> str | None:
        # The blank line takes one byte; without a body it is the block's last.
        body = self._text[self._end + 1 :]
        return utf8(body) if body else None

    @property
    def size(self) -> int:
        return len(self._text)

    def pick(self, names: HeaderSet | Iterable[str]) -> CompactEvent:
        kept = names if isinstance(names, HeaderSet) else HeaderSet(names)
        text, end = self._text, self._end
        find = text.find
        parts: list[str] = []
        for needle, length in kept.needles:
            at = find(needle, 0, end)
            if at < 0:
                parts.append("")
            else:
                # From the last byte of the needle, a space that marks "present".
                at += length
                parts.append(text[at - 1 : find("\n", at)])
        return CompactEvent(self.name, kept, "\n".join(parts))


class CompactEvent:
    """An event with only the headers that its consumer had asked to keep; same `name`, `uuid` and `get`."""

    __slots__ = ("_kept", "_values", "name")

    def __init__(self, name: str, kept: HeaderSet, values: str) -> None:
        """`values`: one line for each of `kept.names`, raw, after a space; an empty line for an absent
        header.
        """
        self.name = name
        self._kept = kept
        self._values = values

    @overload
    def get(self, name: str, default: str) -> str: ...

    @overload
    def get(self, name: str, default: str | None = None) -> str | None: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """As `Event.get`. Raises HeaderNotKept for a name that is not in the header set: a bug, never
        "absent".
        """
        at = self._kept.index.get(name)
        if at is None:
            if name == "Event-Name":
                return self.name
            raise HeaderNotKept(name, self._kept.names)
        raw = self._values.split("\n", at + 1)[at]
        return decode_value(raw[1:]) if raw else default

    @property
    def uuid(self) -> str | None:
        """The channel's UUID, for events that concern one."""
        return self.get("Unique-ID")

    @property
    def size(self) -> int:
        """About how many bytes the event holds on to."""
        return len(self._values)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.uuid or '-'}>"


def utf8(text: str) -> str:
    """What the bytes behind a Latin-1 text say."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")


def _end_of_headers(text: str) -> int:
    """Where the headers of an event with a body end. FreeSWITCH writes Content-Length last, and only before a
    body.
    """
    at = text.find("\nContent-Length: ")
    if at < 0:
        raise MalformedFrame("event cut short: no blank line at its end")
    end = text.find("\n", at + 1) + 1
    if end <= 0 or text[end : end + 1] != "\n":
        # A Content-Length further up is a header of the event itself (`sendevent` can add one): the last one
        # counts.
        end = text.find("\n\n") + 1
        if end <= 0:
            raise MalformedFrame("event cut short: no blank line behind its headers")
        at = text.rfind("\nContent-Length: ", 0, end)
    stated = text[at + 17 : text.find("\n", at + 1)]
    if not _LENGTH.fullmatch(stated) or int(stated) != len(text) - end - 1:
        raise MalformedFrame("event's inner Content-Length does not match its body")
    return end


def encode_value(value: str) -> str:
    """The raw form, one character a byte, that `decode_value` makes `value` of."""
    escaped = value.replace("%", "%25").replace("\n", "%0A")
    if escaped == "_undef_":
        # The text itself must not read as empty.
        return "%5Fundef_"
    return escaped if escaped.isascii() else escaped.encode("utf-8", "replace").decode("latin-1")
