"""Engine commands → event-socket commands: which variables a leg gets, and why.

Owns dial strings, channel variables and the fail-safe's inline dialplan. Escaping is ``esl.commands``'s.
"""

from __future__ import annotations

import math

from dialer.domain import commands as cmd
from esl import commands as esl

PRESENCE = "dialer"
"""``presence_data`` is ``dialer/<kind>/<id>``: it shows in ``show channels``, so one query finds every leg of ours."""


def bounded_wait(wait_ms: int, message: str) -> list[esl.App]:
    """Silence, then the message, then a hangup: what the switch does by itself with a customer nobody bridges.

    A uuid_bridge takes the leg out of it; nothing needs to be cancelled (measured, agent-facts).
    """
    steps = [esl.App("playback", f"silence_stream://{wait_ms}")] if wait_ms > 0 else []
    if message:
        steps.append(esl.App("playback", message))
    return [*steps, esl.App("hangup", "NORMAL_CLEARING")]


def customer(command: cmd.OriginateCall) -> esl.Originate:
    """The originate of a customer's leg.

    ``ignore_early_media`` keeps a 183 from ending the originate before the answer. ``hangup_after_bridge`` ends the
    leg with its conversation. ``ignore_display_updates`` keeps the agent's extension from the carrier.
    """
    variables: dict[str, str | int | bool] = {
        "origination_uuid": command.uuid,
        "ignore_early_media": True,
        "hangup_after_bridge": True,
        "ignore_display_updates": True,
        "presence_data": f"{PRESENCE}/call/{command.uuid}",
        "dialer_attempt": command.uuid,
        "dialer_campaign": command.campaign,
        "dialer_epoch": command.epoch,
    }
    if command.caller_id:
        variables["origination_caller_id_number"] = command.caller_id
        variables["origination_caller_id_name"] = command.caller_id
    return esl.Originate(
        endpoint=esl.gateway_endpoint(command.gateway, command.number),
        variables=variables,
        then=bounded_wait(command.wait_ms, command.message),
        timeout_s=max(1, math.ceil(command.ring_timeout_s)),
    )


def agent(command: cmd.OriginateAgent) -> esl.Originate:
    """The originate of an agent's leg, parked once answered.

    ``park_after_bridge`` brings a nailed-up leg back to park after each customer. ``send_silence_when_idle`` keeps
    RTP flowing, since many phones and NATs drop a line that stays silent for minutes. ``media_timeout`` notices a
    phone that vanished; it cannot be set later.
    """
    variables: dict[str, str | int | bool] = {
        "origination_uuid": command.uuid,
        "presence_data": f"{PRESENCE}/agent/{command.agent}",
        "dialer_agent": command.agent,
        "dialer_epoch": command.epoch,
        "ignore_display_updates": True,
    }
    if command.keep:
        variables["park_after_bridge"] = True
        variables["send_silence_when_idle"] = -1
    else:
        variables["hangup_after_bridge"] = True
    if command.auto_answer:
        variables["sip_auto_answer"] = True
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


def to_esl(command: cmd.SwitchCommand) -> esl.ApiCommand:
    """The event-socket command for any command to the switch. Raises esl.errors.CommandError on unsafe values."""
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
            return esl.UuidPark(command.uuid)
        case cmd.WaitAgain():
            return esl.UuidTransfer(command.uuid, bounded_wait(command.wait_ms, command.message))
        case cmd.TakeSnapshot():
            return esl.ShowChannelsJson()
