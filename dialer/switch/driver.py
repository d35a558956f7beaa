"""Carries the engine's switch commands to one node's event socket and its answers back.

Owns the pairing of commands with replies and the two latencies that start at an ANSWER. Sends without blocking; what
cannot be sent or is refused comes back as a domain event. Must decide nothing and keep no call state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.phones import AskHold, HoldTold, Join, OriginateParty, Record, Upload, UploadReplied
from dialer.engine.calls import NOT_SENT
from dialer.switch.originate import no_sounds, to_esl
from dialer.switch.phones import Playable, hold_told, upload_told
from dialer.switch.resync import SnapshotError, parse
from esl.commands import ApiCommand
from esl.errors import CommandError
from esl.jobs import JobReply, ReplyHandler

ORIGINATE_SLACK_S = 20.0
"""How long past its ring timeout an originate's BACKGROUND_JOB may take."""
COMMAND_DEADLINE_S = 10.0
UPLOAD_DEADLINE_S = 600.0
NUMBER_REFUSED = "INVALID_NUMBER_FORMAT"
VALUE_REFUSED = "INVALID_URL"
"""Causes, in the switch's words, for an originate that ``esl.commands`` refused to write: no use in trying again."""


Originating = cmd.OriginateCall | cmd.OriginateAgent | OriginateParty


class Sender(Protocol):
    """The part of ``esl.client.Client`` that the driver needs."""

    def bgapi(self, command: ApiCommand | str, on_reply: ReplyHandler, deadline_s: float = 30.0) -> str: ...


class Driver:
    """One node's commands. ``feed`` puts a domain event into the engine's inbox; ``now`` is the engine clock.

    ``playable`` finds the recordings of prompts.
    """

    def __init__(
        self,
        node: str,
        sender: Sender,
        feed: Callable[[ev.SwitchEvent], None],
        now: Callable[[], float],
        bridge_sent: Callable[[float], None],
        playable: Playable = no_sounds,
    ) -> None:
        self.node = node
        self._sender = sender
        self._feed = feed
        self._now = now
        self._bridge_sent = bridge_sent
        self._playable = playable

    def execute(self, command: cmd.SwitchCommand) -> None:
        """Send ``command``; its answer, refusal or loss comes back through ``feed``."""
        asked_at = self._now()
        deadline_s = COMMAND_DEADLINE_S
        if isinstance(command, Originating):
            deadline_s = command.ring_timeout_s + ORIGINATE_SLACK_S
        elif isinstance(command, Upload):
            deadline_s = UPLOAD_DEADLINE_S
        try:
            line = to_esl(command, self._playable)
            self._sender.bgapi(line, lambda reply: self._replied(command, reply, asked_at), deadline_s=deadline_s)
        except CommandError as error:
            self._not_sent(command, str(error), NUMBER_REFUSED if error.field == "number" else VALUE_REFUSED)
            return
        if isinstance(command, cmd.Bridge):
            self._bridge_sent(self._now() - command.answered_at)

    def _not_sent(self, command: cmd.SwitchCommand, error: str, cause: str = NOT_SENT) -> None:
        match command:
            case cmd.OriginateCall() | cmd.OriginateAgent() | OriginateParty():
                self._feed(ev.CommandRefused(command.uuid, "originate", error))
                self._feed(ev.OriginateReplied(command.uuid, False, cause))
            case cmd.Bridge():
                self._feed(ev.BridgeReplied(command.call_uuid, command.agent_uuid, False, error))
            case Join():
                self._feed(ev.BridgeReplied(command.a_uuid, command.b_uuid, False, error))
            case cmd.TakeSnapshot():
                self._feed(ev.SnapshotFailed(self.node, error))
            case Upload():
                self._feed(UploadReplied(command.node, command.path, False, error))
            case AskHold():
                self._feed(HoldTold(command.uuid, None))
            case _:
                self._feed(ev.CommandRefused(command.uuid, _name(command), error))

    def _replied(self, command: cmd.SwitchCommand, reply: JobReply, asked_at: float) -> None:
        text = reply.text.strip()
        if reply.kind == "not_sent":
            self._not_sent(command, text)
            return
        match command:
            case cmd.TakeSnapshot():
                self._snapshot(reply, asked_at)
            case cmd.OriginateCall() | cmd.OriginateAgent() | OriginateParty():
                if reply.kind in ("reply", "refused"):
                    cause = "" if reply.ok else text.removeprefix("-ERR").strip().split(" ", 1)[0] or "UNKNOWN"
                    self._feed(ev.OriginateReplied(command.uuid, reply.ok, cause))
                elif reply.kind == "timeout":
                    self._feed(ev.CommandRefused(command.uuid, "originate", "no answer from the switch"))
            case cmd.Bridge():
                if reply.kind != "disconnected":
                    self._feed(ev.BridgeReplied(command.call_uuid, command.agent_uuid, reply.ok, text))
            case Join():
                if reply.kind != "disconnected":
                    self._feed(ev.BridgeReplied(command.a_uuid, command.b_uuid, reply.ok, text))
            case Upload():
                ran = upload_told(command, text)
                ok = ran.ok and reply.kind == "reply"
                self._feed(ran if ok else UploadReplied(command.node, command.path, False, ran.text))
            case AskHold():
                self._feed(hold_told(command.uuid, text if reply.kind == "reply" else "-ERR"))
            case _:
                if not reply.ok and reply.kind != "disconnected":
                    self._feed(ev.CommandRefused(command.uuid, _name(command), text))

    def _snapshot(self, reply: JobReply, asked_at: float) -> None:
        if not reply.ok and reply.kind != "reply":
            self._feed(ev.SnapshotFailed(self.node, reply.text))
            return
        try:
            channels, foreign = parse(reply.text)
        except SnapshotError as error:
            self._feed(ev.SnapshotFailed(self.node, str(error)))
            return
        self._feed(ev.SwitchSnapshot(self.node, asked_at, channels, foreign))


def _name(command: cmd.SwitchCommand) -> str:
    """What an order is called where it was refused; of a recording's orders, which one."""
    return f"Record {command.what}" if isinstance(command, Record) else type(command).__name__
