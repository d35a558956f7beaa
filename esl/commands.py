"""Typed event-socket commands: the only place that quotes or escapes. Pure.

An API command is a frozen dataclass whose `line()` is the text behind `api` or `bgapi`; `esl.frames` puts it
on the wire. Whatever can't be said safely raises CommandError; nothing is dropped or replaced behind the
caller's back (`clean_text` does that when asked).

How FreeSWITCH takes a text apart decides what `escape` must do (seen on 1.11-dev):

* `originate` splits its line at blanks, then the variables between braces at commas, then each at its first
  `=`. Each time single quotes are taken away and `\\` escapes undone, so that a value is escaped three times
  over;
* braces are counted before any quote or escape is looked at, so no value can hold one. That bars `${…}`,
  `$${…}` and `@{…}` too, which FreeSWITCH would expand when a value is used;
* `:_:` anywhere in the line, quoted or not, makes several calls of it; a value that starts with `ARRAY::`
  becomes a list; a line with both `reload` or `unload` and `mod_event_socket` in it is taken for a command to
  that module;
* line feed, carriage return and NUL end a line; other control characters have no business in one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from esl.errors import CommandError

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_NUMBER: Final = re.compile(r"\+?[0-9*#]{1,40}", re.ASCII)
_GATEWAY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_HOST: Final = r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
_USER: Final = r"[A-Za-z0-9_.+*#~-]{1,64}"
_ADDRESS: Final = re.compile(
    rf"(?:sips?:)?(?:{_USER}@)?{_HOST}(?:;[A-Za-z0-9_-]{{1,32}}(?:=[A-Za-z0-9_.:~-]{{1,128}})?){{0,8}}", re.ASCII
)
_ENDPOINT: Final = re.compile(
    rf"sofia/gateway/{_GATEWAY.pattern}/{_NUMBER.pattern}"
    rf"|sofia/(?!gateway/){_GATEWAY.pattern}/(?:{_ADDRESS.pattern})"
    rf"|user/{_USER}(?:@{_HOST})?"
    rf"|loopback/{_USER}(?:/{_GATEWAY.pattern}){{0,2}}"
    r"|error/[A-Z_]{2,40}",
    re.ASCII,
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE_TEXT: Final = re.compile(r"[\x00-\x1f\x7f{}\\'\"<>|^]+")
_DELIMITER: Final = "^"
_MAX_MULTI: Final = 64

_CAUSES: Final = """
    NONE UNALLOCATED_NUMBER NO_ROUTE_TRANSIT_NET NO_ROUTE_DESTINATION CHANNEL_UNACCEPTABLE CALL_AWARDED_DELIVERED
    NORMAL_CLEARING USER_BUSY NO_USER_RESPONSE NO_ANSWER SUBSCRIBER_ABSENT CALL_REJECTED NUMBER_CHANGED
    REDIRECTION_TO_NEW_DESTINATION EXCHANGE_ROUTING_ERROR DESTINATION_OUT_OF_ORDER INVALID_NUMBER_FORMAT
    FACILITY_REJECTED RESPONSE_TO_STATUS_ENQUIRY NORMAL_UNSPECIFIED NORMAL_CIRCUIT_CONGESTION NETWORK_OUT_OF_ORDER
    NORMAL_TEMPORARY_FAILURE SWITCH_CONGESTION ACCESS_INFO_DISCARDED REQUESTED_CHAN_UNAVAIL PRE_EMPTED
    FACILITY_NOT_SUBSCRIBED OUTGOING_CALL_BARRED INCOMING_CALL_BARRED BEARERCAPABILITY_NOTAUTH
    BEARERCAPABILITY_NOTAVAIL SERVICE_UNAVAILABLE BEARERCAPABILITY_NOTIMPL CHAN_NOT_IMPLEMENTED
    FACILITY_NOT_IMPLEMENTED SERVICE_NOT_IMPLEMENTED INVALID_CALL_REFERENCE INCOMPATIBLE_DESTINATION
    INVALID_MSG_UNSPECIFIED MANDATORY_IE_MISSING MESSAGE_TYPE_NONEXIST WRONG_MESSAGE IE_NONEXIST INVALID_IE_CONTENTS
    WRONG_CALL_STATE RECOVERY_ON_TIMER_EXPIRE MANDATORY_IE_LENGTH_ERROR PROTOCOL_ERROR INTERWORKING SUCCESS
    ORIGINATOR_CANCEL CRASH SYSTEM_SHUTDOWN LOSE_RACE MANAGER_REQUEST BLIND_TRANSFER ATTENDED_TRANSFER
    ALLOTTED_TIMEOUT USER_CHALLENGE MEDIA_TIMEOUT PICKED_OFF USER_NOT_REGISTERED PROGRESS_TIMEOUT INVALID_GATEWAY
    GATEWAY_DOWN INVALID_URL INVALID_PROFILE NO_PICKUP SRTP_READ_ERROR BOWOUT BUSY_EVERYWHERE DECLINE
    DOES_NOT_EXIST_ANYWHERE NOT_ACCEPTABLE UNWANTED NO_IDENTITY BAD_IDENTITY_INFO UNSUPPORTED_CERTIFICATE
    INVALID_IDENTITY STALE_DATE REJECT_ALL
"""
HANGUP_CAUSES: Final = frozenset(_CAUSES.split())


class ApiCommand(Protocol):
    """Anything that can be sent by `api` or `bgapi`."""

    def line(self) -> str:
        """The command without `api` or `bgapi`, on one line. Raises CommandError."""
        ...


def check_text(field_name: str, text: str) -> str:
    """`text` if FreeSWITCH can be given it as a value, whole and unexpanded. Raises CommandError."""
    if _CONTROL.search(text):
        raise CommandError(field_name, "holds a line feed or another control character")
    if "{" in text or "}" in text:
        raise CommandError(field_name, "holds a brace, which FreeSWITCH can't be given in a value")
    if ":_:" in text:
        raise CommandError(field_name, "holds ':_:', which FreeSWITCH takes for the end of a dial string")
    if text.startswith("ARRAY::"):
        raise CommandError(field_name, "starts with 'ARRAY::', which FreeSWITCH takes for a list")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandError(field_name, "can't be written as UTF-8") from None
    return text


def escape(text: str, delimiter: str = "") -> str:
    """`text` as FreeSWITCH's splitting at `delimiter` will give it back; once for each time that it is split.

    With `delimiter` a space, the result is one blank-separated argument, in single quotes where it needs
    them; with any other character, one item of a list; with none, a text that is only unquoted.
    """
    text = text.replace("\\", "\\\\").replace("'", "\\'")
    if delimiter == " ":
        return f"'{text}'" if " " in text or not text else text
    if delimiter:
        text = text.replace(delimiter, "\\" + delimiter)
    inner = text.strip(" ")
    if not inner:
        return "\\s" * len(text)
    before, after = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    return "\\s" * before + inner + "\\s" * after


def clean_text(text: str, limit: int = 60) -> str:
    """A text for people (a caller's name, say) with everything unusual made a space and cut to `limit`
    characters.
    """
    text = text.encode("utf-8", "replace").decode()
    return " ".join(_UNSAFE_TEXT.sub(" ", text).replace(":_:", " ").split())[:limit].strip()


def _matching(field_name: str, text: str, pattern: re.Pattern[str], expected: str) -> str:
    if not pattern.fullmatch(text):
        raise CommandError(field_name, f"is not {expected}")
    return text


def check_uuid(field_name: str, text: str) -> str:
    """A UUID in its usual form; `all` and other words that FreeSWITCH might understand are refused."""
    return _matching(field_name, text, _UUID, "a UUID")


def check_cause(field_name: str, cause: str) -> str:
    """A hangup cause that FreeSWITCH knows; it would read an unknown one as NORMAL_CLEARING."""
    if cause not in HANGUP_CAUSES:
        raise CommandError(field_name, "is not a hangup cause")
    return cause


def check_variable(name: str) -> str:
    """The name of a channel variable."""
    return _matching("variable name", name, _NAME, "a channel variable's name")


def gateway_endpoint(gateway: str, number: str) -> str:
    """The dial string of a number at a carrier."""
    _matching("gateway", gateway, _GATEWAY, "a gateway's name")
    _matching("number", number, _NUMBER, "a number: digits, '*' and '#', with '+' in front at most")
    return f"sofia/gateway/{gateway}/{number}"


def sip_endpoint(profile: str, address: str) -> str:
    """The dial string of a SIP address (`sip:user@host:port;transport=tcp`, with or without `sip:`)."""
    _matching("profile", profile, _GATEWAY, "a SIP profile's name")
    if profile == "gateway":
        raise CommandError("profile", "can't be called 'gateway'")
    _matching("address", address, _ADDRESS, "a SIP address like sip:user@host:port")
    scheme = "" if address.startswith(("sip:", "sips:")) else "sip:"
    return f"sofia/{profile}/{scheme}{address}"


def user_endpoint(user: str, domain: str = "") -> str:
    """The dial string of a user in FreeSWITCH's directory."""
    return check_endpoint(f"user/{user}@{domain}" if domain else f"user/{user}")


def check_endpoint(text: str) -> str:
    """One endpoint without variables: a gateway's, a profile's, `user/…`, `loopback/…` or `error/<cause>`."""
    check_text("endpoint", text)
    return _matching("endpoint", text, _ENDPOINT, "one endpoint like sofia/gateway/<name>/<number>")


@dataclass(frozen=True, slots=True)
class App:
    """A dialplan application. Its argument is given literally: nothing in it is expanded.

    With ``variable`` it is what that variable of the channel holds when the application begins.
    """

    name: str
    arg: str = ""
    variable: str = ""

    def check(self) -> None:
        _matching("application", self.name, _WORD, "an application's name")
        if self.variable:
            check_variable(self.variable)
            if self.arg:
                raise CommandError("application argument", "is given twice: as it is, and as a variable")
        check_text("application argument", self.arg)
        if "\\" in self.arg:
            raise CommandError("application argument", "holds a backslash, which FreeSWITCH would take away")

    def item(self) -> str:
        """As an item of an inline dialplan."""
        self.check()
        if _DELIMITER in self.arg:
            raise CommandError("application argument", f"holds {_DELIMITER!r}, which parts the applications")
        arg = f"${{{self.variable}}}" if self.variable else self.arg
        return escape(f"{self.name}:{arg}" if arg else self.name, _DELIMITER)


def inline_dialplan(apps: Sequence[App]) -> str:
    """An inline dialplan as one argument: `'m:^:app:arg^app:arg'`."""
    if not 1 <= len(apps) <= 128:
        raise CommandError("applications", "are not 1 to 128")
    return "'" + escape(f"m:{_DELIMITER}:" + _DELIMITER.join(app.item() for app in apps)) + "'"


@dataclass(frozen=True, slots=True)
class Originate:
    """Calls `endpoint` and, once answered, runs `then`: one application, or several one after the other.

    `variables` are set on the new channel; a value is a text, a bool or an int and must not be empty
    (FreeSWITCH sets no empty variable). `timeout_s` becomes `originate_timeout`.
    """

    endpoint: str
    variables: Mapping[str, str | int | bool]
    then: App | Sequence[App]
    timeout_s: int | None = None

    def line(self) -> str:
        endpoint = check_endpoint(self.endpoint)
        variables = dict(self.variables)
        if self.timeout_s is not None:
            if self.timeout_s < 1 or "originate_timeout" in variables:
                raise CommandError("timeout_s", "is below 1, or given as a variable too")
            variables["originate_timeout"] = self.timeout_s
        if "origination_uuid" in variables:
            check_uuid("origination_uuid", str(variables["origination_uuid"]))
        items = [
            escape(f"{check_variable(name)}={escape(_value(name, value))}", ",") for name, value in variables.items()
        ]
        braces = "{" + ",".join(items) + "}" if items else ""
        return f"originate {escape(braces + endpoint, ' ')} {self._extension()}"

    def _extension(self) -> str:
        if not isinstance(self.then, App):
            return f"{inline_dialplan(self.then)} inline"
        self.then.check()
        if "(" in self.then.arg or ")" in self.then.arg or self.then.variable:
            why = "holds a parenthesis or is a variable: give the application in a list"
            raise CommandError("application argument", why)
        return escape(f"&{self.then.name}({self.then.arg})", " ")


def _value(name: str, value: str | int | bool) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if not text:
        raise CommandError(f"variable {name}", "is empty: leave it out")
    return check_text(f"variable {name}", text)


@dataclass(frozen=True, slots=True)
class UuidBridge:
    """Joins two channels that are both up. To a leg that still rings FreeSWITCH answers `+OK` and kills
    both.
    """

    uuid: str
    other: str

    def line(self) -> str:
        return f"uuid_bridge {check_uuid('uuid', self.uuid)} {check_uuid('other', self.other)}"


@dataclass(frozen=True, slots=True)
class UuidKill:
    """Hangs a channel up."""

    uuid: str
    cause: str = "NORMAL_CLEARING"

    def line(self) -> str:
        return f"uuid_kill {check_uuid('uuid', self.uuid)} {check_cause('cause', self.cause)}"


@dataclass(frozen=True, slots=True)
class UuidTransfer:
    """Sends a channel (`leg` empty), its partner (`bleg`) or both (`both`) through an inline dialplan."""

    uuid: str
    apps: Sequence[App]
    leg: str = ""

    def line(self) -> str:
        if self.leg not in ("", "bleg", "both"):
            raise CommandError("leg", "is not empty, 'bleg' or 'both'")
        flag = f"-{self.leg} " if self.leg else ""
        return f"uuid_transfer {check_uuid('uuid', self.uuid)} {flag}{inline_dialplan(self.apps)} inline"


@dataclass(frozen=True, slots=True)
class UuidBroadcast:
    """Runs an application on a channel (`aleg`), its partner (`bleg`) or both while they go on."""

    uuid: str
    app: App
    leg: str = "aleg"

    def line(self) -> str:
        if self.leg not in ("aleg", "bleg", "both"):
            raise CommandError("leg", "is not 'aleg', 'bleg' or 'both'")
        self.app.check()
        what = escape(f"{self.app.name}::{self.app.arg}", " ")
        return f"uuid_broadcast {check_uuid('uuid', self.uuid)} {what} {self.leg}"


@dataclass(frozen=True, slots=True)
class UuidSetvar:
    """Sets a channel variable; an empty value takes it away."""

    uuid: str
    name: str
    value: str

    def line(self) -> str:
        head = f"uuid_setvar {check_uuid('uuid', self.uuid)} {check_variable(self.name)}"
        value = check_text(f"variable {self.name}", self.value)
        return f"{head} {escape(value, ' ')}" if value else head


@dataclass(frozen=True, slots=True)
class UuidSetvarMulti:
    """Sets up to 64 channel variables; an empty value takes one away."""

    uuid: str
    variables: Mapping[str, str]

    def line(self) -> str:
        if not 1 <= len(self.variables) <= _MAX_MULTI:
            raise CommandError("variables", f"are not 1 to {_MAX_MULTI}")
        items = [
            escape(f"{check_variable(name)}={check_text(f'variable {name}', value)}", ";")
            for name, value in self.variables.items()
        ]
        return f"uuid_setvar_multi {check_uuid('uuid', self.uuid)} {';'.join(items)}"


@dataclass(frozen=True, slots=True)
class UuidDump:
    """All variables of a channel, as JSON."""

    uuid: str

    def line(self) -> str:
        return f"uuid_dump {check_uuid('uuid', self.uuid)} json"


@dataclass(frozen=True, slots=True)
class UuidDisplace:
    """Starts (or stops) playing a file into a channel's audio. `limit_s` 0: to its end."""

    uuid: str
    path: str
    start: bool = True
    limit_s: int = 0
    mux: bool = False

    def line(self) -> str:
        path = escape(check_text("path", self.path), " ")
        if not self.path or self.limit_s < 0:
            raise CommandError("path" if not self.path else "limit_s", "is empty" if not self.path else "is below 0")
        head = f"uuid_displace {check_uuid('uuid', self.uuid)} {'start' if self.start else 'stop'} {path}"
        return f"{head} {self.limit_s}{' mux' if self.mux else ''}" if self.start else head


@dataclass(frozen=True, slots=True)
class UuidDisplay:
    """Shows a name and a number on the phone at the other end of a channel."""

    uuid: str
    name: str
    number: str

    def line(self) -> str:
        if "|" in self.name or "|" in self.number:
            raise CommandError("name", "or number holds '|', which parts them")
        text = check_text("name", self.name) + "|" + check_text("number", self.number)
        return f"uuid_display {check_uuid('uuid', self.uuid)} {escape(text, ' ')}"


@dataclass(frozen=True, slots=True)
class UuidPark:
    """Takes a channel out of what it does and parks it."""

    uuid: str

    def line(self) -> str:
        return f"uuid_park {check_uuid('uuid', self.uuid)}"


@dataclass(frozen=True, slots=True)
class UuidExists:
    """Asks whether a channel is there; the answer is `true` or `false`."""

    uuid: str

    def line(self) -> str:
        return f"uuid_exists {check_uuid('uuid', self.uuid)}"


@dataclass(frozen=True, slots=True)
class ShowChannelsJson:
    """All channels, as JSON: `{"row_count": n, "rows": [...]}`, without `rows` when there is none."""

    def line(self) -> str:
        return "show channels as json"


@dataclass(frozen=True, slots=True)
class Status:
    """Uptime, sessions and the switch's own limits, for people."""

    def line(self) -> str:
        return "status"
