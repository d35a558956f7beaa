"""What a recorded run must not hold of phones' keypads: PINs, telephone numbers, what customers key in.

Owns which keys of an event are blanked before it is written down. A blanked key is a ``0``, so that an engine that
reads the recording sees as many keys as there were and, as a rule, decides the same. Must change nothing in the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from dialer.domain.phones import AgentAct, KeyPressed, PhoneCalled
from dialer.engine.live import Live
from dialer.engine.phone_records import Step

SHOWN_DIGITS: Final = 6
"""So much of what may be a telephone number is kept: an extension is not longer, and a number is not known by it."""
_NUMBERS: Final = frozenset({"dial", "transfer", "consult"})
_SECRETS: Final = frozenset({"send_keys"})
_BLANK: Final = "0"


def hushed(event: Any, live: Live) -> Any:
    """``event`` as it may be written down, before the engine whose state is ``live`` has read it."""
    match event:
        case KeyPressed() if event.key.isdecimal() and _secret(event, live):
            return replace(event, key=_BLANK)
        case PhoneCalled():
            codes = live.settings.phones
            known = [code for code in (codes.login_code, codes.supervise_code) if event.dialed.startswith(code)]
            code = max(known, key=len, default="")
            return replace(event, dialed=code + _shortened(event.dialed[len(code) :]))
        case AgentAct() if event.act in _NUMBERS:
            return replace(event, argument=_shortened(event.argument))
        case AgentAct() if event.act in _SECRETS:
            return replace(event, argument=blanked(event.argument))
    return event


def _secret(event: KeyPressed, live: Live) -> bool:
    session = live.sessions.get(event.uuid)
    if session is not None:
        return session.step is not Step.NUMBER
    agent = live.legs.get(event.uuid)
    if agent is not None:
        typed = agent.typed
        if typed is None or not typed.act:
            return False
        return typed.act in _SECRETS or (typed.act in _NUMBERS and len(typed.digits) >= SHOWN_DIGITS)
    party = live.parties.get(event.uuid)
    if event.uuid in live.watches or (party is not None and party.follow):
        return False  # a phone of a follow-me plan is asked for one key
    call = live.calls.get(event.uuid)
    return call is None or call.bridged_at is not None  # a customer's menu is answered before that


def _shortened(keys: str) -> str:
    return keys[:SHOWN_DIGITS] + blanked(keys[SHOWN_DIGITS:])


def blanked(keys: str) -> str:
    """As many keys, of which no digit tells anything."""
    return "".join(_BLANK if key.isdecimal() else key for key in keys)
