"""The shape of ``campaigns.….callbacks``: whether and how customers are called again who asked for it.

Owns keys, limits and defaults, and the rules between them, like ``config.schema``, of which it is a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from config.section import DAY, HOUR, Section
from config.values import Flag, Share, duration, whole

CallbacksFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""


class CallbacksConfig(Section):
    """Callbacks are dialed at their time, each for an agent who is reserved first; with ``dial: false`` only listed.

    One by keypad is ``promised_to`` the agent, or to anyone. It waits ``own_agent_s`` for its agent, then ``team_s``
    for those of the agent's team or groups, and then: ``anyone`` of the campaign, ``later`` (after ``later_s``), or it
    goes on waiting (``wait``). At most ``share`` of the campaign's agents at work are kept for callbacks at once (one
    in any case), each ``ahead_s`` before the time. Nobody answers: again after ``retry_after_s``, at most ``tries``
    calls. One that could not be dialed for ``expires_s`` has failed.
    """

    dial: Flag = True
    promised_to: Literal["agent", "anyone"] = "agent"
    own_agent_s: Annotated[float, duration(0, 7 * DAY)] = 900.0
    team_s: Annotated[float, duration(0, 7 * DAY)] = 300.0
    then: Literal["anyone", "later", "wait"] = "anyone"
    later_s: Annotated[float, duration(60, 30 * DAY)] = HOUR
    share: Share = 0.25
    ahead_s: Annotated[float, duration(0, 600)] = 30.0
    tries: Annotated[int, whole(1, 20)] = 3
    retry_after_s: Annotated[float, duration(60, 7 * DAY)] = 1800.0
    expires_s: Annotated[float, duration(HOUR, 90 * DAY)] = DAY


def callbacks_faults(section: CallbacksConfig, given: frozenset[str]) -> Iterator[CallbacksFault]:
    """Every fault of one campaign's section, whose keys ``given`` were written."""
    if section.then != "later" and "later_s" in given:
        yield ("later_s",), f"{section.later_s:g}", f"no such key with then: {section.then}; it is for then: later"
    waits_s, again_s = section.own_agent_s + section.team_s, (section.tries - 1) * section.retry_after_s
    put_off_s = section.later_s if section.then == "later" else 0.0
    for least_s, what in (
        (waits_s, f"own_agent_s and team_s together, {waits_s:g}: it would fail before others may take it"),
        (waits_s + put_off_s, f"own_agent_s, team_s and later_s together, {waits_s + put_off_s:g}: it never comes"),
        (again_s, f"what tries take by retry_after_s, {again_s:g}: the last would never be made"),
    ):
        if section.dial and least_s >= section.expires_s:
            yield ("expires_s",), f"{section.expires_s:g}", f"more than {what}"
            return
