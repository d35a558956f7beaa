"""Reading of commands: arguments, originate variables, endpoints and inline dialplans, with FreeSWITCH's
quoting.

A FreeSWITCH takes an originate apart twice: first at blanks (single quotes protect, and disappear), then the
braces at commas (quotes and backslashes again).  Both passes are modelled, since escaping that survives only
one of them is a classic fault.  Left out: `${...}` expansion, `[...]` per-leg variables, `<...>`, several
legs (`,` and `|`), `loopback`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_UNESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "s": " "}


class DialStringError(ValueError):
    """A command line that the switch cannot read; the message is what it would answer after `-ERR `."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a leg goes.  `gateway` is empty for a phone; `dialstring` is what the world is asked about."""

    gateway: str
    profile: str
    number: str
    dialstring: str
    channel_name: str
    domain: str = ""

    @property
    def is_phone(self) -> bool:
        return not self.gateway


@dataclass(frozen=True, slots=True)
class OriginateRequest:
    """A parsed originate: variables in order, the endpoint, then the application steps; `inline` for a
    dialplan.
    """

    variables: dict[str, str]
    endpoint: Endpoint
    steps: tuple[tuple[str, str], ...]
    inline: bool


def split_arguments(text: str, delimiter: str = " ") -> list[str]:
    """Split like the switch does: outside single quotes, at unescaped delimiters; then quotes go, escapes
    resolve.
    """
    if "'" not in text and "\\" not in text:
        plain = text.split(delimiter)
        return [part for part in plain if part] if delimiter == " " else [part.strip(" ") for part in plain]
    parts: list[str] = []
    start = 0
    quoted = False
    for mark in re.finditer(rf"\\.|'|{re.escape(delimiter)}", text, re.DOTALL):
        found = mark.group()
        if found == "'":
            # A quote that is never closed is an ordinary character.
            if quoted or text.find("'", mark.end()) >= 0:
                quoted = not quoted
        elif found == delimiter and not quoted:
            if delimiter != " " or mark.start() > start:
                parts.append(text[start : mark.start()])
            start = mark.end()
    if delimiter != " " or start < len(text):
        parts.append(text[start:])
    return [clean(part, delimiter) for part in parts]


def clean(part: str, delimiter: str = " ") -> str:
    """Take unescaped single quotes away and resolve the escapes that the switch knows; others stay as they
    are.  Blanks around go, unless they were quoted.
    """
    if "'" not in part and "\\" not in part:
        return part.strip(" ")
    text = part.lstrip(" ")
    out = ""
    kept = 0
    quoted = False
    position = 0
    for mark in re.finditer(r"\\.|'", text, re.DOTALL):
        found = mark.group()
        out += text[position : mark.start()]
        position = mark.end()
        if found == "'" and (quoted or text.find("'", position) >= 0):
            quoted = not quoted
        elif found == "'":
            out += found
        else:
            escaped = found[1]
            literal = escaped in "'\"\\" or (delimiter != " " and escaped == delimiter)
            out += escaped if literal else _UNESCAPED.get(escaped, found)
        kept = len(out)
    out += text[position:]
    return out[:kept] + out[kept:].rstrip(" ")


def parse_variables(text: str) -> tuple[dict[str, str], str]:
    """Split `{a=b,c=d}rest` into its variables and the rest; several brace groups add up.

    `{^^:a=b:c=d}` names its own delimiter.  Raises DialStringError when a brace is never closed.
    """
    variables: dict[str, str] = {}
    while text.startswith("{"):
        depth = 0
        end = -1
        for mark in re.finditer("[{}]", text):
            depth += 1 if mark.group() == "{" else -1
            if depth == 0:
                end = mark.start()
                break
        if end < 0:
            raise DialStringError("Parse Error!")
        inner, text = text[1:end], text[end + 1 :].lstrip(" ")
        delimiter = ","
        if inner.startswith("^^") and len(inner) > 2:
            delimiter, inner = inner[2], inner[3:]
        for pair in split_arguments(inner, delimiter):
            name, equals, value = pair.partition("=")
            if equals and name:
                variables[name] = value
    return variables, text


def parse_endpoint(text: str) -> Endpoint:
    """Read `sofia/gateway/<gw>/<number>`, `sofia/<profile>/<address>` or `user/<extension>[@domain]`."""
    kind, _, rest = text.partition("/")
    if kind == "user" and rest:
        extension, _, domain = rest.partition("@")
        name = f"sofia/internal/{extension}@{domain or 'localhost'}"
        return Endpoint("", "internal", extension, rest, name, domain)
    if kind == "sofia" and rest:
        profile, _, address = rest.partition("/")
        if profile == "gateway":
            gateway, _, number = address.partition("/")
            if gateway and number:
                user = number.partition("@")[0]
                return Endpoint(gateway, "external", user, number, f"sofia/external/{user}")
        elif profile and address.startswith("sip:"):
            plain = address.removeprefix("sip:")
            return Endpoint("", profile, plain.partition("@")[0], address, f"sofia/{profile}/{plain}")
        elif profile and address:
            # A bare address on a profile goes out without a gateway: to the world it is a carrier named as
            # the profile.
            number = address.partition("@")[0]
            return Endpoint(profile, profile, number, address, f"sofia/{profile}/{address}")
    raise DialStringError(
        "CHAN_NOT_IMPLEMENTED" if kind not in ("user", "sofia") else "DESTINATION_OUT_OF_ORDER"
    )


def parse_steps(extension: str, dialplan: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Read what a leg shall do once answered: `&app(args)`, or `app:arg,...` / `m:^:app:arg^...` with
    `inline`.

    Returns the steps and whether they came from an inline dialplan.  An extension of another dialplan gives
    no steps: this switch has no dialplan, such a leg ends with NO_ROUTE_DESTINATION.
    """
    if extension.startswith("&"):
        name, opened, argument = extension[1:].partition("(")
        return ((name, argument.removesuffix(")") if opened else ""),), False
    if dialplan.lower() != "inline":
        return (), True
    delimiter = ","
    if extension.startswith("m:") and len(extension) > 3 and extension[3] == ":":
        delimiter, extension = extension[2], extension[4:]
    steps = []
    for part in split_arguments(extension, delimiter):
        if part:
            app, _, argument = part.partition(":")
            steps.append((app.strip(), argument))
    return tuple(steps), True


def parse_originate(argument: str) -> OriginateRequest:
    """Read the argument of an originate; raises DialStringError with the text that follows `-ERR `."""
    parts = split_arguments(argument)
    if len(parts) < 2:
        raise DialStringError(
            "USAGE: originate <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] "
            "[<cid_name>] [<cid_num>] [<timeout_sec>]"
        )
    variables, target = parse_variables(parts[0])
    endpoint = parse_endpoint(target)
    steps, inline = parse_steps(parts[1], parts[2] if len(parts) > 2 else "")
    if len(parts) > 4 and parts[4] != "undef":
        variables.setdefault("origination_caller_id_name", parts[4])
    if len(parts) > 5 and parts[5] != "undef":
        variables.setdefault("origination_caller_id_number", parts[5])
    if len(parts) > 6 and parts[6].isdigit():
        variables.setdefault("originate_timeout", parts[6])
    return OriginateRequest(variables, endpoint, steps, inline)
