"""What a command builder makes is read back by a model of FreeSWITCH's own splitting, written from its
behaviour.
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl import commands, frames
from esl.commands import App, Originate, UuidBroadcast, UuidDisplay, UuidSetvar, UuidSetvarMulti, UuidTransfer
from esl.errors import CommandError

UUID = "0d7d1c3c-3f3b-4c3f-9d51-6a6f2f1f8a10"


# A model of how FreeSWITCH takes a command apart.


def _unquote(item: str, delimiter: str) -> str:
    """Leading and trailing blanks off, single quotes off, escapes undone."""
    plain = {"n": "\n", "r": "\r", "t": "\t", "s": " "}
    at = len(item) - len(item.lstrip(" "))
    out: list[str] = []
    keep = 0
    quoted = False
    while at < len(item):
        char = item[at]
        following = item[at + 1] if at + 1 < len(item) else ""
        if char == "\\" and following and (following in "'\"\\" + delimiter or following in plain):
            out.append(following if following in "'\"\\" + delimiter else plain[following])
            keep = len(out)
            at += 2
            continue
        if char == "'" and (quoted or "'" in item[at + 1 :]):
            quoted = not quoted
            if quoted:
                keep = len(out)
        else:
            out.append(char)
            if char != " " or quoted:
                keep = len(out)
        at += 1
    return "".join(out[:keep])


def _split(text: str, delimiter: str, limit: int) -> list[str]:
    if text.startswith("^^") and len(text) > 3:
        delimiter, text = text[2], text[3:]
    items: list[str] = []
    at, start, quoted = 0, 0, False
    if delimiter == " ":
        while at < len(text) and len(items) < limit:
            if len(items) == limit - 1:
                items.append(text[at:])
                at = len(text)
                break
            start = at
            while at < len(text) and text[at] == " ":
                at += 1
            while at < len(text) and (quoted or text[at] != " "):
                if text[at] == "\\":
                    at += 1
                elif text[at] == "'":
                    quoted = not quoted
                at += 1
            items.append(text[start:at])
            while at < len(text) and text[at] == " ":
                at += 1
        return [_unquote(item, "") for item in items]
    while at < len(text) and len(items) < limit:
        if len(items) == limit - 1:
            items.append(text[at:])
            break
        start = at
        while at < len(text) and (quoted or text[at] != delimiter):
            if text[at] == "\\":
                at += 1
            elif text[at] == "'" and (quoted or "'" in text[at + 1 :]):
                quoted = not quoted
            at += 1
        items.append(text[start:at])
        at += 1
    return [_unquote(item, delimiter) for item in items]


def _brackets(text: str) -> tuple[dict[str, str], str]:
    """The variables between the braces at the front, and what follows. Braces are counted blindly."""
    if not text.startswith("{"):
        return {}, text
    depths = itertools.accumulate((char == "{") - (char == "}") for char in text)
    at = next((at for at, depth in enumerate(depths) if depth == 0), None)
    assert at is not None, "FreeSWITCH would refuse: no closing brace"
    variables: dict[str, str] = {}
    for item in _split(text[1:at], ",", 1024):
        pair = _split(item, "=", 2)
        if len(pair) == 2 and pair[1]:
            variables[pair[0]] = pair[1]
    return variables, text[at + 1 :]


def _inline(text: str) -> list[tuple[str, str]]:
    assert text[:2] == "m:" and text[3] == ":"
    apps = [item.partition(":") for item in _split(text[4:], text[2], 128)]
    return [(app.lstrip(" "), arg) for app, _, arg in apps]


def _arguments(line: str, verb: str, limit: int) -> list[str]:
    head, _, rest = line.partition(" ")
    assert head == verb
    assert "\n" not in line and "\r" not in line and "\0" not in line and ":_:" not in line
    return _split(rest.strip(" "), " ", limit)


# What goes in.

nasty = st.text(alphabet=st.sampled_from("ab,'\"\\ =^;|:&()[]<>$@%#!?*~-_.nrst0é你"), min_size=1, max_size=24)
anything = st.text(min_size=1, max_size=24)
values = st.one_of(nasty, anything)
names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)


@given(st.dictionaries(names.filter(lambda name: name != "origination_uuid"), values, max_size=5))
def test_originate_variables_come_back_whole_or_are_refused(variables: dict[str, str]) -> None:
    command = Originate("sofia/gateway/carrier/13800001234", variables, App("park"))
    try:
        line = command.line()
    except CommandError:
        assert any(_unsayable(value) for value in variables.values())
        return
    arguments = _arguments(line, "originate", 10)
    assert arguments[1:] == ["&park()"]
    read, endpoint = _brackets(arguments[0])
    assert read == variables
    assert endpoint == "sofia/gateway/carrier/13800001234"


def _unsayable(value: str) -> bool:
    try:
        commands.check_text("value", value)
    except CommandError:
        return True
    return False


@given(st.lists(st.tuples(names, st.one_of(st.just(""), values)), min_size=1, max_size=5))
def test_inline_dialplan_comes_back_whole_or_is_refused(apps: list[tuple[str, str]]) -> None:
    try:
        line = UuidTransfer(UUID, [App(name, arg) for name, arg in apps], leg="both").line()
    except CommandError:
        assert any(_unsayable(arg) or "^" in arg or "\\" in arg for _, arg in apps)
        return
    arguments = _arguments(line, "uuid_transfer", 5)
    assert arguments[:2] == [UUID, "-both"] and arguments[3:] == ["inline"]
    assert _inline(arguments[2]) == apps


@given(values)
def test_setvar_value_comes_back_whole(value: str) -> None:
    try:
        line = UuidSetvar(UUID, "note", value).line()
    except CommandError:
        assert _unsayable(value)
        return
    assert _arguments(line, "uuid_setvar", 3) == [UUID, "note", value]


@given(st.dictionaries(names, values, min_size=1, max_size=5))
def test_setvar_multi_values_come_back_whole(variables: dict[str, str]) -> None:
    try:
        line = UuidSetvarMulti(UUID, variables).line()
    except CommandError:
        assert any(_unsayable(value) for value in variables.values())
        return
    head, uuid, rest = line.split(" ", 2)
    assert (head, uuid) == ("uuid_setvar_multi", UUID)
    read = dict(item.split("=", 1) for item in _split(rest, ";", 64))
    assert read == variables


@given(names, values)
def test_broadcast_argument_comes_back_whole(app: str, arg: str) -> None:
    try:
        line = UuidBroadcast(UUID, App(app, arg)).line()
    except CommandError:
        assert _unsayable(arg) or "\\" in arg
        return
    assert _arguments(line, "uuid_broadcast", 4) == [UUID, f"{app}::{arg}", "aleg"]


@given(values, values)
def test_display_comes_back_whole(name: str, number: str) -> None:
    try:
        line = UuidDisplay(UUID, name, number).line()
    except CommandError:
        assert _unsayable(name) or _unsayable(number) or "|" in name + number
        return
    assert _arguments(line, "uuid_display", 2) == [UUID, f"{name}|{number}"]


@given(anything)
def test_cleaned_text_can_always_be_said(text: str) -> None:
    clean = commands.clean_text(text)
    assert len(clean) <= 60
    if clean:
        Originate("user/1001", {"origination_caller_id_name": clean}, App("park")).line()


@given(st.text(max_size=40))
def test_a_frame_never_holds_more_lines_than_meant(text: str) -> None:
    for make, lines in ((frames.api, 1), (lambda value: frames.bgapi(value, UUID), 2), (frames.auth, 1)):
        try:
            frame = make(text)
        except CommandError:
            continue
        assert frame.endswith(b"\n\n") and frame.count(b"\n") == lines + 1 and b"\r" not in frame


@given(st.text(max_size=20), st.text(max_size=20))
def test_endpoints_are_one_plain_word(gateway: str, number: str) -> None:
    try:
        endpoint = commands.gateway_endpoint(gateway, number)
    except CommandError:
        return
    assert not set(endpoint) & set(" ,|'\"\\{}[]<>^;&()\r\n")


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\rb", "a\0b", "${x}", "$${x}", "@{x}", "a{b", "a}b", "x:_:y", "ARRAY::a|:b", "\ud800"],
)
def test_refused_values(value: str) -> None:
    with pytest.raises(CommandError, match="note"):
        Originate("user/1001", {"note": value}, App("park")).line()
    with pytest.raises(CommandError, match="note"):
        UuidSetvar(UUID, "note", value).line()
    with pytest.raises(CommandError):
        UuidSetvarMulti(UUID, {"note": value}).line()
