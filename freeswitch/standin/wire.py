"""Bytes of the event socket: events and replies out, command blocks in.

Written from captured streams alone, without the `esl` package.  Must not hold any state of a connection
beyond the bytes of a half-read command.
"""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass
from typing import Final

from freeswitch.standin.events import SwitchEvent

# Characters that a FreeSWITCH leaves as they are in a plain event; everything else but letters and digits is
# %XX.
_SAFE: Final = "!$'()*,-./_~"
MAX_COMMAND_BYTES: Final = 1 << 20

AUTH_REQUEST: Final = b"Content-Type: auth/request\n\n"
GOODBYE: Final = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
SHUTTING_DOWN: Final = "The system is being shut down.\n"


class WireError(ValueError):
    """A client sent something that no event socket accepts; its connection is closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command block: its first line, the headers after it, and the body that `Content-Length`
    announced.
    """

    line: str
    headers: dict[str, str]
    body: str = ""


class RequestReader:
    """Cuts the bytes of a client into command blocks."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """Add bytes; return the blocks that are complete.  Raises WireError when a block grows beyond 1
        MiB.
        """
        self._buffer += data
        requests: list[Request] = []
        while True:
            request = self._next()
            if request is None:
                break
            if request.line:
                requests.append(request)
        if len(self._buffer) > MAX_COMMAND_BYTES:
            raise WireError(f"a command of more than {MAX_COMMAND_BYTES} bytes")
        return requests

    def _next(self) -> Request | None:
        while self._buffer and self._buffer[0] in b"\r\n":
            del self._buffer[:1]
        end, skip = self._buffer.find(b"\n\n"), 2
        crlf = self._buffer.find(b"\r\n\r\n")
        if crlf >= 0 and (end < 0 or crlf < end):
            end, skip = crlf, 4
        if end < 0:
            return None
        lines = self._buffer[:end].decode("utf-8", "replace").replace("\r", "").split("\n")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), "0")
        size = int(length) if length.isdecimal() and len(length) < 8 else 0
        if len(self._buffer) < end + skip + size:
            return None
        body = self._buffer[end + skip : end + skip + size].decode("utf-8", "replace")
        del self._buffer[: end + skip + size]
        return Request(lines[0].strip(), headers, body)


def command_reply(text: str, **headers: str) -> bytes:
    """A `command/reply`; `headers` are extra header lines, `_` standing for `-`."""
    extra = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"Content-Type: command/reply\nReply-Text: {text}\n{extra}\n".encode()


def api_response(text: str) -> bytes:
    body = text.encode()
    if not body:
        return command_reply("-ERR no reply")
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body)


def disconnect_notice(text: str) -> bytes:
    body = text.encode()
    return b"Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%s" % (len(body), body)


def _pairs(event: SwitchEvent) -> list[tuple[str, str]]:
    """Headers in order; HANGUP_COMPLETE shows its cause a second time in the channel's part, as the real
    one does.
    """
    pairs = list(event.headers.items())
    if event.name == "CHANNEL_HANGUP_COMPLETE":
        cause = event.headers.get("Hangup-Cause", "")
        place = next((index for index, pair in enumerate(pairs) if pair[0] == "Caller-Direction"), len(pairs))
        pairs.insert(place, ("Hangup-Cause", cause))
    return pairs


def plain_event(event: SwitchEvent) -> bytes:
    """An event as `text/event-plain`: values URL-encoded, `_undef_` for an empty one, a body with its own
    length.
    """
    quote = urllib.parse.quote
    lines = [f"{name}: {quote(value, safe=_SAFE) if value else '_undef_'}\n" for name, value in _pairs(event)]
    if event.body is not None:
        body = event.body
        lines.append(f"Content-Length: {len(body.encode())}\n\n{body}")
    else:
        lines.append("\n")
    payload = "".join(lines).encode()
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(payload), payload)


def json_event(event: SwitchEvent) -> bytes:
    """An event as `text/event-json`: string values, the body under `_body`, repeated keys kept."""
    pairs = _pairs(event)
    if event.body is not None:
        pairs.append(("Content-Length", str(len(event.body.encode()))))
        pairs.append(("_body", event.body))
    text = ",".join(f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}" for name, value in pairs)
    payload = f"{{{text}}}".encode()
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n%s" % (len(payload), payload)
