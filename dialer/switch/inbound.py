"""Callers' side of the translation: what the dialplan tells of a call that came in → facts, and orders on callers' legs
→ event-socket commands.

Owns the inline dialplans of waiting, last words and messages, each of which ends by itself: at the fallback, or with a
hang-up. What a caller can send is never put into a command. Must decide nothing.
"""

from __future__ import annotations

import math
import re
from typing import Final

from dialer.domain import inbound as inb
from dialer.switch.phones import Playable
from esl import commands as esl
from esl.headers import EventLike

EVENT: Final = "CHANNEL_APPLICATION"
"""What a dialplan's application ``event`` fires, with our own headers and without the leg's variables (measured)."""
STEP, DIALED, CALLER = "dialer_step", "dialer_did", "Caller-Caller-ID-Number"
INSTANCE: Final = "dialer_instance"
ARRIVED, FELL_BACK = "arrived", "fallback"
HEADERS: Final = frozenset({STEP, DIALED, CALLER, INSTANCE})
FALLBACK: Final = "dialer_fallback XML dialer"
"""Where the dialplan of ``freeswitch/conf`` has the fallback."""
BEEP: Final = "tone_stream://%(250,0,800)"
SILENT_LEVEL, SILENT_S = 200, 5
"""A message is over after so many seconds below this level."""
LONGEST_CALLER: Final = 101
MUSIC_TIMES: Final = 100
"""Parts of one file_string; the switch takes 128."""
_NUMBER: Final = re.compile(r"\+?[0-9]{2,20}", re.ASCII)


def translate(event: EventLike, node: str, uuid: str, at: float) -> inb.InboundEvent | None:
    """The fact in a CHANNEL_APPLICATION, or None when it says nothing to us."""
    step = event.get(STEP)
    if step == FELL_BACK:
        return inb.CallerFellBack(uuid, at)
    dialed = event.get(DIALED) or ""
    if step != ARRIVED or not _NUMBER.fullmatch(dialed):
        return None
    caller = (event.get(CALLER) or "")[:LONGEST_CALLER]
    return inb.CallerArrived(node, uuid, dialed, caller, at, event.get(INSTANCE) or "")


def to_esl(command: inb.InboundCommand, playable: Playable) -> esl.UuidTransfer:
    """The event-socket command for an order on a caller's leg. Raises esl.errors.CommandError on unsafe values."""
    match command:
        case inb.HoldCaller():
            return esl.UuidTransfer(command.uuid, held(command, playable))
        case inb.DismissCaller():
            return esl.UuidTransfer(command.uuid, dismissed(command))
        case inb.SendToFallback():
            return esl.UuidTransfer(command.uuid, [esl.App("transfer", FALLBACK)])


def held(command: inb.HoldCaller, playable: Playable) -> list[esl.App]:
    """Words, then music or silence for a bounded time, then the fallback. A bound that an order before has left on the
    leg would cut the words short."""
    words = [esl.App("playback", sound) for sound in command.sounds]
    if command.prompts:
        words.append(esl.App("playback", playable(command.prompts, command.language)))
    limit_s = max(2, math.ceil(command.limit_ms / 1000))
    if command.music:
        wait = [
            esl.App("set", f"playback_timeout_sec_cumulative={limit_s}"),
            esl.App("set", "playback_timeout_as_success=true"),
            esl.App("playback", endless(command.music)),
            esl.App("unset", "playback_timeout_sec_cumulative"),
        ]
    else:
        wait = [esl.App("playback", f"silence_stream://{max(1, command.limit_ms)}")]
    return [*_ready(), *words, *wait, esl.App("transfer", FALLBACK)]


def dismissed(command: inb.DismissCaller) -> list[esl.App]:
    """Last words, perhaps a message after a beep, a hang-up."""
    words = [esl.App("playback", sound) for sound in command.sounds]
    if command.path:
        limits = f"{max(1, command.limit_s)} {SILENT_LEVEL} {SILENT_S}"
        words += [esl.App("playback", BEEP), esl.App("record", f"{command.path} {limits}")]
        words += [esl.App("playback", sound) for sound in command.thanks]
    return [*_ready(), *words, esl.App("hangup", "NORMAL_CLEARING")]


def _ready() -> list[esl.App]:
    return [esl.App("unset", "playback_timeout_sec_cumulative"), esl.App("answer")]


def endless(music: str) -> str:
    """Music as one playback: the bound ends the one that plays, and one after it would go on without (measured)."""
    return music if "://" in music else "file_string://" + "!".join([music] * MUSIC_TIMES)
