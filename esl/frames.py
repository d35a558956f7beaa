"""The event socket's own commands as bytes, ready to send. Pure.

Texts inside are checked here or by `esl.commands`; a frame never holds more lines than its maker meant. No
function here puts a password, or anything else that it was given, into an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from esl.commands import ApiCommand, App, check_text, check_uuid
from esl.errors import CommandError

_TOKEN: Final = re.compile(r"[A-Za-z0-9_:.-]{1,128}", re.ASCII)
_LINE_BREAK: Final = re.compile(r"[\x00\r\n]")
_FORMATS: Final = ("plain", "json")


def auth(password: str) -> bytes:
    """Logs in."""
    return _frame("auth " + _one_line("password", password))


def events(names: Iterable[str], *, form: str = "plain", subclasses: Iterable[str] = ()) -> bytes:
    """Subscribes; commands add up. `subclasses`: of CUSTOM events, which must not be among the names."""
    if form not in _FORMATS:
        raise CommandError("form", f"is not one of {', '.join(_FORMATS)}")
    return _frame(f"event {form} {_names(names, subclasses)}")


def nixevents(names: Iterable[str], *, subclasses: Iterable[str] = ()) -> bytes:
    """Takes events out of the subscription."""
    return _frame(f"nixevent {_names(names, subclasses)}")


def noevents() -> bytes:
    """Ends the subscription."""
    return _frame("noevents")


def filter_add(header: str, value: str) -> bytes:
    """Lets through only events whose `header` is `value` (or matches `/value/`); several are OR-ed."""
    return _frame(f"filter {_token('header', header)} {_one_line('value', value)}")


def filter_delete(header: str, value: str = "") -> bytes:
    """Takes a filter away; `all` takes them all."""
    return _frame(f"filter delete {_token('header', header)} {_one_line('value', value)}".rstrip(" "))


def api(command: ApiCommand | str) -> bytes:
    """Runs a command and has its output sent as the reply."""
    return _frame("api " + _api_line(command))


def bgapi(command: ApiCommand | str, job_uuid: str) -> bytes:
    """Runs a command in a thread of its own; its output comes in a BACKGROUND_JOB event with this
    Job-UUID.
    """
    return _frame("bgapi " + _api_line(command), {"Job-UUID": check_uuid("job_uuid", job_uuid)})


def sendmsg(uuid: str, headers: Mapping[str, str], *, expand: bool = False) -> bytes:
    """Sends a message to a channel (to the controlled one where `uuid` is empty).

    With `expand`, values may hold what FreeSWITCH expands, `${...}` and braces: never pass on a stranger's
    text so.
    """
    first = f"sendmsg {check_uuid('uuid', uuid)}" if uuid else "sendmsg"
    for name, value in headers.items():
        if name.lower() == "content-length":
            raise CommandError("headers", "hold a Content-Length, but this message has no body")
        if not expand:
            check_text(f"header {name}", value)
    return _frame(first, headers)


def execute(uuid: str, app: App, *, lock: bool = False) -> bytes:
    """Runs an application on a channel; `lock`: one after the other with those sent before."""
    app.check()
    headers = {"call-command": "execute", "execute-app-name": app.name}
    if app.arg:
        headers["execute-app-arg"] = app.arg
    if lock:
        headers["event-lock"] = "true"
    return sendmsg(uuid, headers)


def divert_events(on: bool) -> bytes:
    """Outbound socket: whether a session's own events come here."""
    return _frame(f"divert_events {'on' if on else 'off'}")


def connect() -> bytes:
    """Outbound socket: asks for the call's data."""
    return _frame("connect")


def myevents() -> bytes:
    """Outbound socket: subscribes to this call's events."""
    return _frame("myevents")


def linger(seconds: int | None = None) -> bytes:
    """Outbound socket: keeps the connection open after the hangup."""
    if seconds is not None and seconds < 1:
        raise CommandError("seconds", "is below 1")
    return _frame("linger" if seconds is None else f"linger {seconds}")


def leave() -> bytes:
    """Says goodbye."""
    return _frame("exit")


def raw(text: str) -> bytes:
    """A command given as text: one line, then `Name: value` lines. For greenswitch's `send`; see `_frame`."""
    first, *rest = text.rstrip("\n").split("\n")
    headers: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon:
            raise CommandError("command", "has a line without a colon behind its first")
        headers[name] = value.strip(" ")
    return _frame(_one_line("command", first), headers)


def _frame(first: str, headers: Mapping[str, str] | None = None) -> bytes:
    lowered = first.lower()
    if "mod_event_socket" in lowered and ("reload" in lowered or "unload" in lowered):
        # FreeSWITCH looks for these words anywhere in a command and would unload the event socket itself.
        raise CommandError("command", "names mod_event_socket together with reload or unload")
    if not first or first != first.lstrip(" "):
        raise CommandError("command", "is empty or starts with a space")
    lines = [first]
    for name, value in (headers or {}).items():
        lines.append(f"{_token('header name', name)}: {_one_line(f'header {name}', value)}")
    try:
        return "\n".join((*lines, "", "")).encode()
    except UnicodeEncodeError:
        raise CommandError("command", "can't be written as UTF-8") from None


def _api_line(command: ApiCommand | str) -> str:
    line = _one_line("command", command if isinstance(command, str) else command.line())
    if not line.strip(" "):
        raise CommandError("command", "is empty")
    return line


def _names(names: Iterable[str], subclasses: Iterable[str]) -> str:
    words = [_token("event", name) for name in names]
    if "CUSTOM" in words:
        raise CommandError("event", "CUSTOM goes without saying where subclasses are given, and nowhere else")
    custom = [_token("subclass", name) for name in subclasses]
    if not words and not custom:
        raise CommandError("event", "is missing: one name at least")
    return " ".join(words + (["CUSTOM", *custom] if custom else []))


def _token(field_name: str, text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise CommandError(field_name, "is not one word of letters, digits and _:.-")
    return text


def _one_line(field_name: str, text: str) -> str:
    if _LINE_BREAK.search(text):
        raise CommandError(field_name, "holds a line feed, a carriage return or NUL")
    return text
