"""What the switch does with a call that comes in: its dialplan, read from FreeSWITCH's own XML.

Owns the reading of contexts, extensions, conditions and actions, and their expansion of `$1` and `${variable}`.
`DEFAULT` stands for the tree that `dialer freeswitch render` writes: phones' calls are marked, answered, wait for
five seconds and hear that nobody is there.  Must not run anything.

Left out: nested conditions, `break` other than `on-false`, times of day, inline execution (all actions run in the
dialplan), API calls in `${...}`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from freeswitch.standin.events import Identity

DEFAULT: Final = """
<section name="dialplan">
  <context name="seats">
    <extension name="dialer">
      <condition field="destination_number" expression="^([0-9*#+]{1,40})$">
        <action application="set" data="dialer_seat=${sip_auth_username}"/>
        <action application="set" data="dialer_dialed=$1"/>
        <action application="set" data="presence_data=dialer/seat/${sip_auth_username}"/>
        <action application="set" data="media_timeout=10000"/>
        <action application="set" data="park_after_bridge=true"/>
        <action application="set" data="bridge_filter_dtmf=true"/>
        <action application="set" data="send_silence_when_idle=-1"/>
        <action application="set" data="ignore_display_updates=true"/>
        <action application="answer"/>
        <action application="playback" data="silence_stream://5000"/>
        <action application="playback" data="dialer-not-available.wav"/>
        <action application="hangup" data="NORMAL_CLEARING"/>
      </condition>
    </extension>
  </context>
  <context name="public">
    <extension name="dialer">
      <condition field="destination_number" expression="^([0-9*#+]{1,40})$">
        <action application="set" data="dialer_seat="/>
        <action application="set" data="dialer_dialed=$1"/>
        <action application="set" data="presence_data=dialer/seat/outside"/>
        <action application="set" data="media_timeout=10000"/>
        <action application="set" data="park_after_bridge=true"/>
        <action application="set" data="bridge_filter_dtmf=true"/>
        <action application="set" data="send_silence_when_idle=-1"/>
        <action application="set" data="ignore_display_updates=true"/>
        <action application="answer"/>
        <action application="playback" data="silence_stream://5000"/>
        <action application="playback" data="dialer-not-available.wav"/>
        <action application="hangup" data="NORMAL_CLEARING"/>
      </condition>
    </extension>
  </context>
  <context name="dialer">
    <extension name="rescue-with-message">
      <condition field="destination_number" expression="^dialer_rescue$"/>
      <condition field="${dialer_message}" expression="^.+$">
        <action application="set" data="transfer_after_bridge=dialer_rescue:XML:dialer"/>
        <action application="playback" data="silence_stream://4000"/>
        <action application="playback" data="${dialer_message}"/>
        <action application="hangup" data="NORMAL_CLEARING"/>
      </condition>
    </extension>
    <extension name="rescue">
      <condition field="destination_number" expression="^dialer_rescue$">
        <action application="set" data="transfer_after_bridge=dialer_rescue:XML:dialer"/>
        <action application="playback" data="silence_stream://4000"/>
        <action application="hangup" data="NORMAL_CLEARING"/>
      </condition>
    </extension>
  </context>
</section>
"""
_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
_GROUP: Final = re.compile(r"\$([0-9])")


class DialplanError(ValueError):
    """A dialplan cannot be read; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` must match `expression`; then `actions` are taken, otherwise `otherwise`."""

    field: str
    expression: re.Pattern[str] | None
    actions: tuple[tuple[str, str], ...]
    otherwise: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Extension:
    conditions: tuple[Condition, ...]
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Dialplan:
    """Extensions by context."""

    contexts: Mapping[str, tuple[Extension, ...]]

    @classmethod
    def read(cls, text: str = "") -> Dialplan:
        """From XML that holds `<context>` elements somewhere; empty text gives `DEFAULT`. Raises DialplanError."""
        try:
            root = ElementTree.fromstring(f"<all>{_without_heads(text.strip() or DEFAULT)}</all>")
            contexts: dict[str, tuple[Extension, ...]] = {}
            for context in root.iter("context"):
                name = context.get("name", "")
                contexts[name] = contexts.get(name, ()) + tuple(map(_extension, context.iter("extension")))
        except (ElementTree.ParseError, re.error) as error:
            raise DialplanError(f"{error}; dialplan XML was expected") from error
        return cls(contexts)

    def route(
        self, context: str, number: str, who: Identity, variables: Mapping[str, str]
    ) -> tuple[tuple[str, str], ...]:
        """The applications for a call to `number`; none: there is no route.

        `${...}` is expanded when an application starts (`expand`), `$1` here.
        """
        steps: list[tuple[str, str]] = []
        for extension in self.contexts.get(context, ()):
            found, passed = _try(extension, _fields(context, number, who), variables)
            steps += found
            if passed and not extension.goes_on:
                break
        return tuple(steps)


def expand(text: str, who: Identity, variables: Mapping[str, str]) -> str:
    """Put in the variables of a call; an unknown one is empty."""
    if "${" not in text:
        return text
    fields = _fields(who.context, who.number, who)
    return _VARIABLE.sub(lambda found: variables.get(found[1], fields.get(found[1], "")), text)


def _fields(context: str, number: str, who: Identity) -> dict[str, str]:
    return {
        "destination_number": number,
        "context": context,
        "caller_id_number": who.caller_number,
        "caller_id_name": who.caller_name,
        "ani": who.caller_number,
        "username": who.username,
        "network_addr": who.network_addr,
        "chan_name": who.name,
        "channel_name": who.name,
        "uuid": who.uuid,
        "dialplan": "XML",
    }


def _try(
    extension: Extension, fields: Mapping[str, str], variables: Mapping[str, str]
) -> tuple[list[tuple[str, str]], bool]:
    steps: list[tuple[str, str]] = []
    for condition in extension.conditions:
        name = condition.field
        asked = _VARIABLE.sub(lambda found: variables.get(found[1], fields.get(found[1], "")), name)
        value = asked if "${" in name else fields.get(name, variables.get(name, ""))
        match = condition.expression.search(value) if condition.expression is not None else True
        if not match:
            return steps + list(condition.otherwise), False
        groups = ("", *match.groups("")) if isinstance(match, re.Match) else ("",)
        steps += [(app, _with_groups(data, groups)) for app, data in condition.actions]
    return steps, True


def _with_groups(text: str, groups: tuple[str, ...]) -> str:
    return _GROUP.sub(lambda found: groups[int(found[1])] if int(found[1]) < len(groups) else "", text)


def _extension(element: ElementTree.Element) -> Extension:
    conditions = tuple(
        Condition(
            condition.get("field", ""),
            re.compile(condition.get("expression", "")) if condition.get("field") else None,
            _actions(condition, "action"),
            _actions(condition, "anti-action"),
        )
        for condition in element.iter("condition")
    )
    return Extension(conditions, element.get("continue", "") == "true")


def _actions(condition: ElementTree.Element, kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((action.get("application", ""), action.get("data", "")) for action in condition.findall(kind))


def seats_of(text: str) -> str:
    """The contexts in which seats' phones call, of a dialplan."""
    root = ElementTree.fromstring(f"<all>{text.strip()}</all>")
    seats = [context for context in root.iter("context") if context.get("name") == "seats"]
    return "".join(ElementTree.tostring(context, encoding="unicode") for context in seats)


def _without_heads(text: str) -> str:
    return re.sub(r"<\?xml[^>]*\?>", "", text)
