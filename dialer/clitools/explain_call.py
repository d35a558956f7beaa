"""``dialer explain call``: what became of one call and why, step by step, with who answered and how that was heard.

Owns the wording and order of what is printed; what is known is ``dialer.store.attempts``'s. Asks the database, not the
running service. Prints no whole number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import CliError
from dialer.clitools.output import duration, say, stamp
from dialer.masking import mask_record

_STEPS: Final = (("rang_at", "rings"), ("answered_at", "answered"), ("clock_at", "abandon clock starts"))


def call(where: running.Where, which: str, limit: int, *, as_json: bool) -> None:
    """The newest attempts that ``which`` names. Raises CliError."""
    from dialer.store import attempts

    with database(running.load(where)) as url:
        found = [mask_record(each) for each in attempts.find(url, which[:64], limit)]
    if not found:
        expected = f"an attempt's id, at least {attempts.LEAST_OF_AN_ID} signs of its beginning, or a number as +49…"
        raise CliError(f"no call {mask_record(which[:64])}: expected {expected}")
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for each in found:
        for line in text_of(each):
            say(line)


def text_of(told: Mapping[str, Any]) -> Iterator[str]:
    """An attempt as lines for a person."""
    opened = told["opened_at"]
    yield f"attempt {told['id']}: campaign {told['campaign']}, lead {told['lead_id']}, number {told['number']}"
    shown = f", showing {told['shown']}" if told["shown"] else ""
    wished = f", for callback {told['callback']}" if told["callback"] else ""
    yield f"  {stamp(opened)}  opened, on switch {told['node']} over trunk {told['trunk']}{shown}{wished}"
    steps = [(told[name], what) for name, what in _STEPS if told[name] is not None]
    if told["bridged_at"] is not None:
        steps.append((told["bridged_at"], f"talks with agent {told['agent']}"))
    if told["ended_at"] is not None:
        why = f": {told['reason']}" if told["reason"] else ""
        steps.append((told["ended_at"], f"ended as {told['outcome']}{why}{_in_brackets(told)}"))
    for at, what in sorted(steps, key=lambda step: step[0]):
        yield f"  {at - opened:+9.2f} s  {what}"
    if told["ended_at"] is None:
        yield "  has not ended"
    yield from _heard(told)
    for said in told["dispositions"]:
        yield f"  {stamp(said['at'])}  agent {said['agent']} says: {said['code']}"
    for file in told["recordings"]:
        yield f"  recording {file['id']}: {file['state']}, {duration(file['duration_s'])}, {file['path']}"


def _in_brackets(told: Mapping[str, Any]) -> str:
    causes = [word for word in (told["cause"], told["sip_status"] and f"SIP {told['sip_status']}") if word]
    return f" ({', '.join(causes)})" if causes else ""


def _heard(told: Mapping[str, Any]) -> Iterator[str]:
    """Who answered, or what was announced while it rang."""
    if not told["heard"]:
        if told["answered_at"] is not None:
            yield "  who answered: nobody listened"
        return
    answered, clock = told["answered_at"], told["clock_at"]
    verdict, reason = told["heard"], told["heard_reason"].removeprefix(f"{told['heard']}: ")
    yield f"  {'who answered' if answered is not None else 'heard while it rang'}: {verdict}: {reason}"
    if clock is not None and answered is not None:
        yield f"  the greeting ended {clock - answered:.2f} s after the answer: the abandon clock starts there"
