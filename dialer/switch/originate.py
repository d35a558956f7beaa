"""Engine commands → event-socket commands: which variables a leg gets, and why.

Owns dial strings, channel variables and the fail-safe's inline dialplan. Escaping is ``esl.commands``'s.
"""

from __future__ import annotations

import math

from dialer.domain import commands as cmd
from dialer.domain.hearing import TapLeg, UntapLeg
from dialer.domain.inbound import DismissCaller, HoldCaller, SendToFallback
from dialer.switch import inbound, phones
from esl import commands as esl
from esl import leg_commands as leg
from esl.errors import CommandError

PRESENCE = "dialer"
"""``presence_data`` is ``dialer/<kind>/<id>``: it shows in ``show channels``, so one query finds every leg of ours."""


RESCUE = "dialer_rescue:XML:dialer"
"""Where the switch keeps a customer whose agent's leg has died: a short silence, ``dialer_message``, a hangup. The
dialplan of ``freeswitch/conf`` has it."""


def bounded_wait(wait_ms: int, message: str) -> list[esl.App]:
    """Silence, then the message, then a hangup: what the switch does by itself with a customer nobody bridges.

    A uuid_bridge takes the leg out of it; nothing needs to be cancelled (measured, agent-facts).
    """
    steps = [esl.App("playback", f"silence_stream://{wait_ms}")] if wait_ms > 0 else []
    if message:
        steps.append(esl.App("playback", message))
    return [*steps, esl.App("hangup", "NORMAL_CLEARING")]


def recital(sounds: tuple[str, ...]) -> list[esl.App]:
    """Sounds one after the other, then a hangup."""
    return [*(esl.App("playback", sound) for sound in sounds), esl.App("hangup", "NORMAL_CLEARING")]


POLL_MS = 100
"""How often ``wait_for_answer`` looks."""
SETTLE_MS = 40
"""So long after the answer the end of ``_RING_MS`` may come: a sleep of that takes it, not the bounded wait."""
_RING_MS, _SETTLE_MS = "dialer_ring_ms", "dialer_settle_ms"


def early_media(uuid: str, ring_s: int) -> tuple[dict[str, str | int | bool], list[esl.App]]:
    """Variables and first steps of a leg whose ring is listened to: it rests until the answer, and bounds its ring.

    ``wait_for_answer`` throws away every 100 ms what waits to be read: a third of the sound. A ``sleep`` loses none.
    Only a 183 makes it last, the answer ends it; ``wait_for_answer`` behind it is for one that never began or ended
    early. An answer makes it 0 before it ends it, so one that comes before the sleep begins is no less noticed. What
    ends it is armed by the 183, too, so that the bounded wait of a leg without one is never cut short.
    """
    armed = f"{_SETTLE_MS}={SETTLE_MS};api_on_answer_ring=uuid_break {uuid};{_RING_MS}={(ring_s + 10) * 1000}"
    variables: dict[str, str | int | bool] = {
        _RING_MS: 0,
        _SETTLE_MS: 0,
        "execute_on_pre_answer": f"multiset ^^;{armed}",
        "execute_on_answer": f"set {_RING_MS}=0",
        "execute_on_media": f"sched_hangup +{ring_s} NO_ANSWER",
        "api_on_answer": f"sched_del {uuid}",
    }
    sleeps = [esl.App("sleep", variable=_RING_MS), esl.App("wait_for_answer"), esl.App("sleep", variable=_SETTLE_MS)]
    return variables, sleeps


def customer(command: cmd.OriginateCall) -> esl.Originate:
    """The originate of a customer's leg.

    ``ignore_early_media`` keeps a 183 from ending the originate before the answer. A leg whose agent's leg ends goes to
    ``RESCUE``, or ends with its conversation where the switch has no such place. ``ignore_display_updates`` keeps the
    agent's extension from the carrier, ``playback_terminators`` keeps a customer's ``*`` from cutting the wait short or
    the message off, ``bridge_filter_dtmf`` the keys of one party from the other: agents' codes are
    for us. With ``early_media`` a 183 ends the originate before the answer (only
    CHANNEL_ANSWER tells of that), so that its sound can be recorded; the ring's limit then runs anew, in the
    leg itself.
    """
    ring_s = max(1, math.ceil(command.ring_timeout_s))
    variables: dict[str, str | int | bool] = {
        "origination_uuid": command.uuid,
        "ignore_early_media": not command.early_media,
        "hangup_after_bridge": True,
        "transfer_after_bridge": RESCUE,
        "bridge_filter_dtmf": True,
        "playback_terminators": "none",
        "ignore_display_updates": True,
        "RECORD_STEREO": True,  # here, since the switch carries commands out in no certain order
        "presence_data": f"{PRESENCE}/call/{command.uuid}",
        "dialer_attempt": command.uuid,
        "dialer_campaign": command.campaign,
        "dialer_epoch": command.epoch,
    }
    if command.message:
        variables["dialer_message"] = command.message
    if command.caller_id:
        variables["origination_caller_id_number"] = command.caller_id
        variables["origination_caller_id_name"] = command.caller_id
    script = recital(command.script) if command.script else []
    then = script or bounded_wait(command.wait_ms, command.message)
    if command.early_media:
        # The wait begins only when the answer was noticed: what that may take is taken off.
        more, rings = early_media(command.uuid, ring_s)
        variables |= more
        then = [*rings, *(script or bounded_wait(max(1, command.wait_ms - POLL_MS), command.message))]
    return esl.Originate(
        endpoint=esl.gateway_endpoint(command.gateway, command.number),
        variables=variables,
        then=then,
        timeout_s=ring_s,
    )


def agent(command: cmd.OriginateAgent) -> esl.Originate:
    """The originate of an agent's leg, parked once answered.

    ``park_after_bridge`` brings the leg back to park after each conversation. ``send_silence_when_idle`` keeps
    RTP flowing, since many phones and NATs drop a line that stays silent for minutes. ``media_timeout`` notices a
    phone that vanished; it cannot be set later. ``playback_terminators``: a key must not end the sound of waiting.
    """
    variables: dict[str, str | int | bool] = {
        "origination_uuid": command.uuid,
        "presence_data": f"{PRESENCE}/agent/{command.agent}",
        "dialer_agent": command.agent,
        "dialer_epoch": command.epoch,
        "ignore_display_updates": True,
        "bridge_filter_dtmf": True,
        "playback_terminators": "none",
        "park_after_bridge": True,
        "send_silence_when_idle": -1,
    }
    if command.auto_answer:
        variables |= phones.AUTO_ANSWER
    if command.media_timeout_s > 0:
        variables["media_timeout"] = round(command.media_timeout_s * 1000)
    if command.caller_id:
        variables["origination_caller_id_name"] = command.caller_id
    address = command.address
    if address.startswith("user/"):
        endpoint = esl.check_endpoint(address)
    else:
        endpoint = esl.sip_endpoint(command.profile, address)
    return esl.Originate(
        endpoint=endpoint,
        variables=variables,
        then=esl.App("park"),
        timeout_s=max(1, math.ceil(command.ring_timeout_s)),
    )


def no_sounds(prompts: tuple[str, ...], language: str) -> str:
    """The catalogue of a driver that was given none."""
    raise CommandError("prompts", "cannot be said: there is no catalogue of prompts")


def to_esl(command: cmd.SwitchCommand, playable: phones.Playable = no_sounds) -> esl.ApiCommand:
    """The event-socket command for any command to the switch; ``playable`` finds the recordings of prompts.

    Raises esl.errors.CommandError on unsafe values.
    """
    match command:
        case cmd.OriginateCall():
            return customer(command)
        case cmd.OriginateAgent():
            return agent(command)
        case cmd.Bridge():
            return esl.UuidBridge(command.call_uuid, command.agent_uuid)
        case cmd.HangUp():
            return esl.UuidKill(command.uuid, command.cause)
        case cmd.ParkLeg():
            return phones.parked(command.uuid)
        case cmd.WaitAgain():
            return esl.UuidTransfer(command.uuid, bounded_wait(command.wait_ms, command.message))
        case cmd.Recite():
            return esl.UuidTransfer(command.uuid, recital(command.sounds))
        case cmd.TakeSnapshot():
            return esl.ShowChannelsJson()
        case TapLeg():
            return leg.UuidTap(command.uuid, command.path)
        case UntapLeg():
            return leg.UuidRecord(command.uuid, "stop", command.path)
        case HoldCaller() | DismissCaller() | SendToFallback():
            return inbound.to_esl(command, playable)
        case _:
            return phones.to_esl(command, playable)
