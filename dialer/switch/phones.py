"""Phones' side of the translation: FreeSWITCH's events of keys, calls from phones, holding and recording → facts, and
orders on phones' legs → event-socket commands.

Owns dial strings of third parties, and which key makes an eavesdropping leg do what. Where recordings of prompts are
is told by ``Playable``. Must decide nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

from dialer.domain import phones as ph
from esl import commands as esl
from esl import leg_commands as leg
from esl.headers import EventLike

Playable = Callable[[tuple[str, ...], str], str]
"""Prompts and a language → what the switch's playback takes. Raises esl.errors.CommandError for an unknown one."""

SUBSCRIPTIONS: Final = ("DTMF", "CHANNEL_HOLD", "CHANNEL_UNHOLD", "RECORD_STOP")
SEAT, DIALED, INSTANCE = "variable_dialer_seat", "variable_dialer_dialed", "variable_dialer_instance"
TAP: Final = "Recording-Variable-dialer_tap"
"""Marks the end of a recording by which callees are listened to."""
HEADERS: Final = frozenset(
    {
        "DTMF-Digit",
        SEAT,
        DIALED,
        INSTANCE,
        "Caller-Caller-ID-Number",
        "Record-File-Path",
        "variable_record_ms",
        "variable_record_file_size",
        "variable_record_file_path",
        TAP,
    }
)
_KEY: Final = re.compile(r"[0-9*#A-D]", re.ASCII)
_DIALED: Final = re.compile(r"[0-9*#+]{1,40}", re.ASCII)
_CALLER: Final = re.compile(r"\+?[0-9]{1,20}", re.ASCII)
_SEAT: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
WAV_HEADER_BYTES: Final = 44
STEREO_BYTES_PER_S: Final = 8000 * 2 * 2
HOLDING: Final = frozenset({"a=sendonly", "a=inactive"})
ASIDE_TIMES: Final = 9
"""How often a hold sound is played, strung together as it is: a file of a second lasts as long as any hold."""
ASIDE_LONGEST: Final = 6000
AUTO_ANSWER: Final[Mapping[str, str | int | bool]] = {
    "sip_auto_answer": True,
    "sip_h_Alert-Info": "<http://127.0.0.1>;info=alert-autoanswer;delay=0",
    "sip_h_Answer-Mode": "Auto",
}
"""How phones are asked to pick up by themselves: each make knows one of the ways. All arrive as they are (measured)."""
LISTENING_KEYS: Final = {"listen": "0", "customer": "1", "whisper": "2", "barge": "3"}
"""What an eavesdropping leg is told by keys (measured)."""


def translate(event: EventLike, uuid: str, at: float) -> ph.PhoneEvent | None:
    """The fact in an event of the leg ``uuid``, or None when it says nothing to us."""
    name = event.name
    if name == "DTMF":
        key = event.get("DTMF-Digit") or ""
        return ph.KeyPressed(uuid, key, at) if _KEY.fullmatch(key) else None
    if name in ("CHANNEL_HOLD", "CHANNEL_UNHOLD"):
        return ph.LegHeld(uuid, name == "CHANNEL_HOLD", at)
    if name == "RECORD_STOP":
        return _recording(event, uuid, at)
    return None


def phone_called(event: EventLike, node: str, uuid: str, at: float) -> ph.PhoneCalled | None:
    """The fact in a CHANNEL_ANSWER of a leg that the dialplan marked as a phone's call to us; None for all others."""
    dialed, seat = event.get(DIALED), event.get(SEAT) or ""
    if dialed is None or not _DIALED.fullmatch(dialed) or (seat and not _SEAT.fullmatch(seat)):
        return None
    caller = event.get("Caller-Caller-ID-Number") or ""
    caller = caller if _CALLER.fullmatch(caller) else ""
    return ph.PhoneCalled(node, uuid, seat, dialed, caller, at, event.get(INSTANCE) or "")


def _recording(event: EventLike, uuid: str, at: float) -> ph.RecordingStopped | None:
    if event.get(TAP):
        return None
    path = event.get("Record-File-Path") or event.get("variable_record_file_path")
    length = event.get("variable_record_ms") or ""
    known = length.isascii() and length.isdigit() and len(length) < 12
    if not path:
        return None
    return ph.RecordingStopped(uuid, path, int(length) / 1000.0 if known else 0.0, at, _kept_s(event))


def _kept_s(event: EventLike) -> float | None:
    """How many seconds of a recording reached the disk: its size is what is really there (measured on a full one)."""
    size = event.get("variable_record_file_size") or ""
    known = size.isascii() and size.isdigit() and len(size) < 16
    return max(0.0, int(size) - WAV_HEADER_BYTES) / STEREO_BYTES_PER_S if known else None


def hold_told(uuid: str, answer: str) -> ph.HoldTold:
    """What the phone's last SDP says. A phone that holds sends ``sendonly`` or ``inactive``, else none of the two."""
    if answer.startswith("-ERR"):
        return ph.HoldTold(uuid, None)
    return ph.HoldTold(uuid, any(line.strip() in HOLDING for line in answer.splitlines()))


def upload_told(command: ph.Upload, answer: str) -> ph.UploadReplied:
    """Whether the command ended well: it is run by a shell, which says so in the last line."""
    said = answer.strip()
    done = said.endswith(leg.RunOnFile.DONE)
    text = said.removesuffix(leg.RunOnFile.DONE).strip() or ("" if done else "said nothing")
    return ph.UploadReplied(command.node, command.path, done, text)


def to_esl(command: ph.PhoneCommand, playable: Playable) -> esl.ApiCommand:
    """The event-socket command for an order on a phone's leg. Raises esl.errors.CommandError on unsafe values."""
    match command:
        case ph.TakeLeg():
            return parked(command.uuid)
        case ph.EndLater():
            words = esl.App("playback", playable(command.prompts, command.language))
            last = [words, esl.App("hangup", "NORMAL_TEMPORARY_FAILURE")]
            return leg.SchedTransfer(command.uuid, math.ceil(command.after_s), last)
        case ph.EndNotLater():
            return leg.SchedDel(command.uuid)
        case ph.Say():
            words = esl.App("playback", playable(command.prompts, command.language))
            if command.last:
                return esl.UuidTransfer(command.uuid, [words, esl.App("hangup", "NORMAL_CLEARING")])
            return esl.UuidBroadcast(command.uuid, words)
        case ph.Music():
            return leg.UuidMusic(command.uuid, command.sound)
        case ph.Hush():
            return leg.UuidBreak(command.uuid)
        case ph.Murmur():
            return esl.UuidDisplace(command.uuid, playable(command.prompts, command.language), mux=True)
        case ph.HoldLeg():
            return leg.UuidHold(command.uuid, command.on)
        case ph.PutAside():
            return esl.UuidTransfer(command.uuid, aside(command))
        case ph.OriginateParty():
            return party(command)
        case ph.Join():
            return esl.UuidBridge(command.a_uuid, command.b_uuid)
        case ph.JoinThree():
            return esl.UuidTransfer(command.uuid, [esl.App("three_way", command.into), esl.App("park")])
        case ph.Eavesdrop():
            return esl.UuidTransfer(command.uuid, [esl.App("eavesdrop", command.target), esl.App("park")])
        case ph.SetListening():
            return leg.UuidRecvDtmf(command.uuid, LISTENING_KEYS[command.mode])
        case ph.SendKeys():
            return leg.UuidSendDtmf(command.uuid, command.keys)
        case ph.SetVariables():
            return esl.UuidSetvarMulti(command.uuid, dict(command.variables))
        case ph.Display():
            return leg.ShowOnly(command.uuid, command.name, command.number)
        case ph.Record():
            return leg.UuidRecord(command.uuid, command.what, command.path)
        case ph.Upload():
            return leg.RunOnFile(command.command, command.path)
        case ph.AskHold():
            return leg.UuidGetvar(command.uuid, "switch_r_sdp")


def aside(command: ph.PutAside) -> list[esl.App]:
    """Sound or silence for a bounded time, the message, a hangup. A sound that is too short is played over and over."""
    limit_s = max(2, math.ceil(command.limit_ms / 1000))
    if command.sound:
        # Ends *all* playing together after so long; the message must not count (from the source, switch_ivr_play_file).
        wait = [
            esl.App("set", f"playback_timeout_sec_cumulative={limit_s}"),
            esl.App("set", "playback_timeout_as_success=true"),
            *[esl.App("playback", leg.over_and_over(command.sound, ASIDE_LONGEST))] * ASIDE_TIMES,
            esl.App("unset", "playback_timeout_sec_cumulative"),
        ]
    else:
        wait = [esl.App("playback", f"silence_stream://{max(1, command.limit_ms)}")]
    words = [esl.App("playback", command.words)] if command.words else []
    message = [esl.App("playback", command.message)] if command.message else []
    return [*words, *wait, *message, esl.App("hangup", "NORMAL_CLEARING")]


def parked(uuid: str) -> esl.UuidTransfer:
    """Park a leg, whatever it does. uuid_park would make a leg deaf that has parked again after a bridge: no keys, no
    prompts, until the next bridge (measured); a transfer into park is right in every state and always tells.
    """
    return esl.UuidTransfer(uuid, [esl.App("park")])


def party(command: ph.OriginateParty) -> esl.Originate:
    """The originate of a third party's leg: parked once answered, and parked again after each conversation; or bounded,
    so that it ends by itself when it is joined with nobody, and with its conversation."""
    variables: dict[str, str | int | bool] = {
        "origination_uuid": command.uuid,
        "presence_data": f"dialer/party/{command.ident}",
        "dialer_epoch": command.epoch,
        "ignore_early_media": True,
        "ignore_display_updates": True,
        "bridge_filter_dtmf": True,
    }
    bounded = command.bounded_ms > 0
    if bounded:
        variables |= {"hangup_after_bridge": True, "playback_terminators": "none"}
    else:
        variables["park_after_bridge"] = True
    if command.caller_id:
        variables["origination_caller_id_number"] = command.caller_id
        variables["origination_caller_id_name"] = command.caller_id
    if command.auto_answer:
        variables |= AUTO_ANSWER
    if command.media_timeout_s > 0:
        variables["media_timeout"] = round(command.media_timeout_s * 1000)
    if command.hold_sound:
        variables["hold_music"] = command.hold_sound
    if command.number:
        endpoint = esl.gateway_endpoint(command.gateway, command.number)
    elif command.address.startswith("user/"):
        endpoint = esl.check_endpoint(command.address)
    else:
        endpoint = esl.sip_endpoint(command.profile, command.address)
    then = asked(command.ask, command.bounded_ms) if bounded else [esl.App("park")]
    return esl.Originate(endpoint, variables, then, max(1, math.ceil(command.ring_timeout_s)))


ASK_PAUSE_MS: Final = 1500


def asked(ask: str, for_ms: int) -> list[esl.App]:
    """A question, twice, then silence, then a hang-up: what the switch does by itself with a leg that nobody takes."""
    words = [esl.App("playback", ask)] if ask else []
    again = [esl.App("playback", f"silence_stream://{ASK_PAUSE_MS}"), *words] if ask else []
    return [*words, *again, esl.App("playback", f"silence_stream://{for_ms}"), esl.App("hangup", "NORMAL_CLEARING")]
