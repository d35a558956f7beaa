"""The shape of ``campaigns.….agentless``: what is said to whoever answers, and what the keys mean that they press.

Owns keys, limits and defaults, and the rules between them. Which prompts there are is the catalogue's
(``freeswitch.sounds``), which refuses an unknown one when a service starts or is checked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from config.phones_schema import Sound
from config.section import DAY, HOUR, Section
from config.values import Flag, duration, matching, number, refuse, whole

AgentlessFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""

MEANINGS: Final = ("transfer", "do_not_call", "repeat", "end")
SAYINGS: Final = ("message", "goodbye", "removed", "noted", "connecting", "nobody")
SAY: Final = "say:"
"""How a text that is to be spoken is marked among sounds."""
_SOUND: Final = re.compile(r"/[A-Za-z0-9._/-]{1,400}|[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_EXPECTED: Final = (
    "a recording's absolute path as the switch sees it, a prompt's id, or {say: TEXT} of up to 2000 characters; "
    "or a list of these"
)


def _part(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"say"} and isinstance(value["say"], str):
        text = " ".join(value["say"].split())
        if not 0 < len(text) <= 2000 or not text.isprintable():
            raise refuse(_EXPECTED)
        return SAY + text
    if isinstance(value, str) and (value.startswith(SAY) or (len(value) <= 402 and _SOUND.fullmatch(value))):
        return value
    raise refuse(_EXPECTED)


def _sounds(value: object) -> tuple[str, ...]:
    parts = tuple(_part(each) for each in value) if isinstance(value, list | tuple) else (_part(value),)
    if not 0 < len(parts) <= 20:
        raise refuse(_EXPECTED)
    return parts


Sounds = Annotated[tuple[str, ...], BeforeValidator(_sounds)]
Key = Annotated[str, matching(r"[0-9*#]", "one key, in quotes: a digit, '*' or '#'")]
Meaning = Annotated[
    str, matching(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", "transfer, do_not_call, repeat, end, or a disposition", 40)
]


def _callback(value: object) -> object:
    return None if value == "never" else value


class AgentlessConfig(Section):
    """A message, and keys.

    ``keys``: ``transfer`` asks for an agent, ``do_not_call`` ends all calls for good, ``repeat`` says the message once
    more, ``end`` thanks and hangs up; any other word is one of the campaign's dispositions. Who asks for an agent waits
    at most ``wait_s``, then hears ``nobody`` and is to be called back ``callback_after_s`` later (or ``never``).

    ``max_lines`` calls at once, ``cps`` new ones a second. Where a key asks for an agent, so many calls are started as
    free agents can take those who will: ``expected_share`` of them until it is known.
    ``prerecorded_allowed`` says that the people on the lists agreed to recorded calls, where the law wants that.
    """

    message: Sounds = ("press-1-message",)
    goodbye: Sounds = ("press-1-goodbye",)
    removed: Sounds = ("press-1-removed",)
    noted: Sounds = ("press-1-goodbye",)
    connecting: Sounds = ("press-1-connecting",)
    nobody: Sounds = ("all-busy", "goodbye")
    music: Sound | None = None
    language: Annotated[str, matching(r"[a-z]{2,8}", "a language, such as en", 8)] | None = None
    keys: dict[Key, Meaning] = Field(default={"1": "transfer", "9": "do_not_call", "*": "repeat"})
    lead_in_s: Annotated[float, duration(0, 1)] = 0.3
    answer_s: Annotated[float, duration(0, 60)] = 5.0
    repeats: Annotated[int, whole(0, 20)] = 3
    wait_s: Annotated[float, duration(2, HOUR)] = 30.0
    callback_after_s: Annotated[
        Annotated[float, duration(60, 30 * DAY)] | None, BeforeValidator(_callback)
    ] = HOUR
    max_lines: Annotated[int, whole(1, 100_000)] = 10
    cps: Annotated[float, number(0.1, 1000)] | None = None
    expected_share: Annotated[float, number(0.002, 1)] = 0.1
    prerecorded_allowed: Flag = False

    def sounds(self) -> Iterator[tuple[str, str]]:
        """The key and each part of all that is said."""
        for key in SAYINGS:
            yield from ((key, part) for part in getattr(self, key))

    @property
    def transfers(self) -> bool:
        """Whether a key asks for an agent."""
        return "transfer" in self.keys.values()


Mode = Literal["preview", "progressive", "ratio", "predictive", "agentless"]


def agentless_faults(
    section: AgentlessConfig | None,
    mode: str,
    given: frozenset[str],
    policy: str,
    dispositions: tuple[str, ...],
    agents: int,
    switch_elsewhere: bool,
) -> Iterator[AgentlessFault]:
    """Every fault of one campaign, whose keys ``given`` were written; ``policy`` is that for answering machines.

    With ``switch_elsewhere`` its recordings are on another host.
    """
    if section is None:
        if mode == "agentless":
            yield ("agentless",), "(missing)", "this section: mode agentless needs to know what to say"
        return
    if mode != "agentless":
        yield ("agentless",), "(given)", f"no such section in mode {mode}; it is for mode agentless"
        return
    if not section.prerecorded_allowed:
        expected = "true: recorded calls need the people's consent (United States, Germany, Canada, …); say so here"
        yield ("agentless", "prerecorded_allowed"), section.prerecorded_allowed, expected
    if policy != "off":
        expected = "off in mode agentless: a machine is told the message like everybody"
        yield ("answering_machines", "policy"), policy, expected
    if "wait_limit_s" in given:
        expected = "no such key in mode agentless; agentless.wait_s is how long somebody waits who asked for an agent"
        yield ("wait_limit_s",), "(given)", expected
    if section.transfers and not agents:
        yield ("agentless", "keys"), "transfer", "agents who serve the campaign, for those who ask for one"
    for key, meaning in section.keys.items():
        if meaning not in (*MEANINGS, *dispositions):
            listed = f": {', '.join(dispositions)}" if dispositions else ", of which there are none"
            expected = f"{', '.join(MEANINGS)} or one of the campaign's dispositions{listed}"
            yield ("agentless", "keys", key), meaning, expected
    # A switch leaves out what it does not find, and tells nobody: people would answer and hear nothing.
    for key, part in section.sounds():
        if part.startswith("/") and not switch_elsewhere:
            if not os.path.isfile(part):
                yield ("agentless", key), part, "a file that exists"
            elif not os.access(part, os.R_OK):
                yield ("agentless", key), part, "a file that this user may read"
        elif part.startswith(SAY) and switch_elsewhere:
            expected = (
                "a recording: texts are spoken into files on this host, and prompts.switch_directory tells of "
                "a switch on another host"
            )
            yield ("agentless", key), part.removeprefix(SAY), expected
