"""The life of one leg: state changes, ringing, answer, hangup, and the events of each in their measured
order.

Must not know why a leg is called or hung up, nor what an application or a bridge is: `_wind_down` is the hook
by which the layers above say what a leg leaves behind when it ends.
"""

from __future__ import annotations

from freeswitch.standin.causes import sip_cause
from freeswitch.standin.channel import STATE_NUMBER, Doing, Heard, Leg
from freeswitch.standin.kernel import Kernel

# Values of `Leg.by` for an end that the party on the leg brought about (a BYE came in).
FAR_SIDE = frozenset({"callee", "phone"})
CALL_STATE_NUMBER = {
    "DOWN": "0",
    "DIALING": "1",
    "RINGING": "2",
    "EARLY": "3",
    "ACTIVE": "4",
    "HELD": "5",
    "UNHELD": "6",
    "HANGUP": "7",
}


class Legs(Kernel):
    """Kernel plus the life of a leg."""

    def _wind_down(self, leg: Leg) -> None:
        """Emit what ends with `leg` (its application, its bridge) and settle its partner.  Given by the
        layers above.
        """
        raise NotImplementedError

    def end_recordings(self, leg: Leg) -> None:
        """Whatever sits on the sound of a leg that has hung up comes off.  Given by the layers above."""
        raise NotImplementedError

    def drop_hold(self, leg: Leg) -> None:
        """A held leg is so no longer.  Given by the layers above."""
        raise NotImplementedError

    # -- states ------------------------------------------------------------------------------------

    def enter(self, leg: Leg, state: str) -> None:
        """The channel runs in a new state: CHANNEL_STATE."""
        leg.state = state
        leg.state_number = STATE_NUMBER[state]
        self.emit("CHANNEL_STATE", leg)

    def call_state(self, leg: Leg, state: str) -> None:
        before, leg.call_state = leg.call_state, state
        self.emit(
            "CHANNEL_CALLSTATE",
            leg,
            extra={
                "Original-Channel-Call-State": before,
                "Channel-Call-State-Number": CALL_STATE_NUMBER[state],
            },
        )

    # -- before the answer -------------------------------------------------------------------------

    def begin(self, leg: Leg) -> None:
        """The channel is made and the INVITE leaves."""
        self.emit("CHANNEL_OUTGOING", leg)
        leg.state = "CS_INIT"
        self.emit("CHANNEL_STATE", leg)
        leg.state_number = STATE_NUMBER["CS_ROUTING"]
        self.emit("CHANNEL_CREATE", leg)
        leg.note_shown()
        self.emit("CHANNEL_ORIGINATE", leg)
        self.enter(leg, "CS_ROUTING")
        self.enter(leg, "CS_CONSUME_MEDIA")

    def ringing(self, leg: Leg) -> None:
        """A 180 came."""
        leg.seen = True
        if not leg.times.progress:
            leg.times = leg.times._replace(progress=self.clock.micros())
        self.emit("CHANNEL_PROGRESS", leg)
        self.call_state(leg, "RINGING")

    def early_media(self, leg: Leg, codecs: bool = True) -> None:
        """A 183 with media came, or was sent."""
        leg.seen = True
        leg.early = True
        leg.answer_state = "early"
        leg.times = leg.times._replace(progress_media=self.clock.micros())
        leg.put(endpoint_disposition="EARLY MEDIA")
        self.emit("CHANNEL_PROGRESS_MEDIA", leg)
        self.call_state(leg, "EARLY")
        if codecs:
            self.codecs(leg)

    def answered(self, leg: Leg) -> None:
        """A 200 came."""
        now = self.clock.now
        leg.seen = True
        if not leg.early:
            self.codecs(leg)
        leg.answer_state = "answered"
        leg.times = leg.times._replace(answered=self.clock.micros())
        leg.moment_answered = now
        leg.media_limit_s = media_limit(leg)
        self.emit("CHANNEL_ANSWER", leg)
        self.call_state(leg, "ACTIVE")
        # What was heard in early media does not count as heard on the answered call.
        heard, leg.heard, leg.message_at = leg.heard or Heard.SILENCE, None, None
        leg.heard_s.clear()
        leg.hears(heard, now)

    def update_caller(self, leg: Leg) -> None:
        """After the answer the switch flips caller and callee: CALL_UPDATE."""
        leg.flipped = True
        leg.put(
            endpoint_disposition="ANSWER" if leg.moment_answered is not None else "EARLY MEDIA",
            channel_cid_flipped="yes",
        )
        self.emit("CALL_UPDATE", leg, front={"Direction": "RECV"})

    def codecs(self, leg: Leg) -> None:
        self.codec(leg, "read")
        self.codec(leg, "write")

    def codec(self, leg: Leg, way: str) -> None:
        self.emit(
            "CODEC",
            leg,
            extra={
                f"channel-{way}-codec-name": "PCMA",
                f"channel-{way}-codec-rate": "8000",
                f"channel-{way}-codec-bit-rate": "64000",
            },
        )

    def originate_done(self, leg: Leg) -> None:
        """The originate of this leg succeeded: flip the parties and answer the command."""
        if leg.limit_timer is not None:
            leg.limit_timer.cancel()
        self.update_caller(leg)
        waiting, leg.on_final = leg.on_final, None
        if waiting is not None:
            waiting(f"+OK {leg.uuid}\n")

    # -- the end -----------------------------------------------------------------------------------

    def refused(self, leg: Leg, status: int, unreachable: bool = False) -> None:
        """The far side refused the INVITE with a final response."""
        cause, phrase = sip_cause(status)
        leg.put(
            sip_hangup_disposition="recv_refuse",
            sip_invite_failure_status=str(status),
            sip_invite_failure_phrase=phrase,
            sip_term_status=str(status),
            proto_specific_hangup_cause=f"sip:{status}",
        )
        leg.seen = leg.seen or not unreachable
        self.hang_up(leg, cause, "refused")

    def far_end_hung_up(self, leg: Leg, by: str) -> None:
        """The party on this leg hung up: a BYE came."""
        if not leg.alive or leg.vanished_at is not None:
            return
        leg.put(sip_term_status="200", proto_specific_hangup_cause="sip:200", sip_term_cause="16")
        self.hang_up(leg, "NORMAL_CLEARING", by)

    def hang_up(self, leg: Leg, cause: str, by: str) -> None:
        """Begin the end of a leg: CHANNEL_HANGUP now, everything else when its thread notices."""
        if self._mark_hung_up(leg, cause, by):
            self.clock.at(self.after(self.timing.hangup), self.finish, leg)

    def hang_up_at_once(self, leg: Leg, cause: str, by: str) -> None:
        """As `hang_up`, for a leg whose own thread does it: the rest follows in the same moment."""
        if self._mark_hung_up(leg, cause, by):
            self.finish(leg)

    def _mark_hung_up(self, leg: Leg, cause: str, by: str) -> bool:
        if not leg.alive:
            return False
        self.drop_hold(leg)
        leg.cause, leg.by = cause, by
        leg.answer_state = "hangup"
        leg.state_number = STATE_NUMBER["CS_HANGUP"]
        for timer in (leg.far_timer, leg.app_timer, leg.overlay_timer, leg.limit_timer, leg.progress_timer):
            if timer is not None:
                timer.cancel()
        if leg.bridge is not None and leg.bridge.joined:
            leg.put(last_bridge_role="originator" if leg is leg.bridge.a else "originatee")
        self.emit("CHANNEL_HANGUP", leg)
        if leg.by == "limit":
            self._final(leg)
        return True

    def finish(self, leg: Leg) -> None:
        """The rest of the end: what the leg was doing, its report, and its removal."""
        if leg.doing is Doing.GONE or leg.ending:
            return
        leg.ending = True
        self._disposition(leg)
        self._wind_down(leg)
        if leg.moment_answered is not None and leg.by not in FAR_SIDE:
            leg.put(sip_hangup_disposition="send_bye")
        leg.doing = Doing.ENDING
        self.enter(leg, "CS_HANGUP")
        self.end_recordings(leg)
        self.call_state(leg, "HANGUP")
        leg.state = "CS_REPORTING"
        leg.state_number = STATE_NUMBER["CS_REPORTING"]
        self.emit("CHANNEL_STATE", leg)
        if leg.by == "refused" and not leg.seen:
            self._final(leg)
        leg.times = leg.times._replace(hangup=self.clock.micros())
        self.emit("CHANNEL_HANGUP_COMPLETE", leg, front={"Hangup-Cause": leg.cause or "NORMAL_CLEARING"})
        self._final(leg)
        leg.state_number = STATE_NUMBER["CS_DESTROY"]
        self.emit("CHANNEL_DESTROY", leg)
        leg.state = "CS_DESTROY"
        self.emit("CHANNEL_STATE", leg)
        leg.hears(None, self.clock.now)
        leg.doing = Doing.GONE
        leg.hearing.append((self.clock.now, ()))
        del self.legs[leg.uuid]
        self.audit.ended(leg, self.clock.now)

    def _disposition(self, leg: Leg) -> None:
        """Who ended it in SIP terms; a BYE or CANCEL of ours is known only now."""
        if leg.by == "refused":
            return
        if leg.moment_answered is None and leg.identity.inbound:
            leg.put(sip_hangup_disposition="send_refuse")
        elif leg.moment_answered is None:
            leg.put(
                sip_hangup_disposition="send_cancel",
                sip_invite_failure_status="487",
                sip_invite_failure_phrase="CANCEL",
            )
        elif leg.by in FAR_SIDE:
            leg.put(sip_hangup_disposition="recv_bye")

    def _final(self, leg: Leg) -> None:
        """Answer the originate that still waits for this leg."""
        waiting, leg.on_final = leg.on_final, None
        if waiting is not None:
            waiting(f"-ERR {leg.cause}\n")


def media_limit(leg: Leg) -> float | None:
    """How long the phone may send nothing before the switch hangs up: read when media begins, again at a hold."""
    for name, unit in (("media_timeout", 1000.0), ("rtp_timeout_sec", 1.0)):
        text = leg.variables.get(name, "")
        if text.isdecimal() and len(text) < 10 and int(text):
            return int(text) / unit
    return None
