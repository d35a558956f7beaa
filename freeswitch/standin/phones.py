"""What phones do by themselves: call the switch, hang up, press hold, vanish; and whether one is free to be called.

Owns legs that come in: the order of their events, the authentication of a seat's phone (its user stands in
`sip_auth_username`), the run of the dialplan.  A phone that vanishes, or holds, sends nothing more: the switch hangs
up after `media_timeout`, as that was set when the media began or when a phone held or resumed last, else never.  When
its partner leaves a phone that holds, or its parked leg is bridged or transferred, the switch takes the hold for over
and the phone does not; its own resume then makes no event (measured).  Must not know what a call is for.
"""

from __future__ import annotations

from typing import Final

from freeswitch.standin.channel import BY_PHONE, Leg
from freeswitch.standin.dialing import Dialing
from freeswitch.standin.events import Identity
from freeswitch.standin.legs import media_limit
from freeswitch.standin.world import CallPlan, PhonePlan

SEATS, PUBLIC = "seats", "public"
_MEDIA_AGAIN_S: Final = 0.3
"""How long after CHANNEL_HOLD or CHANNEL_UNHOLD the variable is read: set at once, it still counts (measured)."""


class Phones(Dialing):
    """Dialing plus what phones do."""

    def call_in(
        self, caller: str, number: str, *, seat: bool, uuid: str = "", plan: CallPlan | None = None
    ) -> Leg | None:
        """A phone calls us: a seat's, known by its user, or one outside; None: the switch refuses at once, without
        any channel event. With a ``plan`` it is a caller with that patience, talk and keys.

        A phone with a call of its own puts that on hold first.
        """
        if seat and caller in self.world.spec.phones_unregistered:
            self.audit.refused["unregistered"] += 1
            return None
        if (uuid and uuid in self.legs) or not self.admit():
            return None
        if seat:
            for other in self.legs_of(caller):
                self.button(other, True)
        domain, context = self.globals["domain"], SEATS if seat else PUBLIC
        profile = "internal" if seat else "external"
        identity = Identity(
            uuid=uuid or self.new_uuid(),
            session_id=self.sessions,
            name=f"sofia/{profile}/{caller}@{domain}",
            number=number,
            gateway="",
            profile=profile,
            caller_name=caller,
            caller_number=caller,
            presence_id=f"{caller}@{domain}" if seat else "",
            presence_data="",
            network_addr="127.0.0.1",
            direction="inbound",
            context=context,
            username=caller,
        )
        leg = Leg(identity, plan, None if plan is not None else PhonePlan(), self.clock.micros())
        leg.seat = caller if seat else ""
        leg.seen = True
        leg.put(sip_req_user=number)
        if seat:
            leg.put(
                sip_authorized="true",
                sip_auth_username=caller,
                user_name=caller,
                domain_name=domain,
                user_context=SEATS,
            )
        self.legs[leg.uuid] = leg
        self._begin_inbound(leg)
        return leg

    def _begin_inbound(self, leg: Leg) -> None:
        leg.inbound_like = True
        leg.state_number = 0
        leg.state = "CS_NEW"
        self.emit("CHANNEL_STATE", leg)
        leg.state, leg.state_number = "CS_INIT", 1
        self.emit("CHANNEL_STATE", leg)
        leg.state_number = 2
        leg.put(endpoint_disposition="DELAYED NEGOTIATION")
        self.emit("CHANNEL_CREATE", leg)
        leg.state = "CS_ROUTING"
        self.call_state(leg, "RINGING")
        number, context = leg.identity.number, leg.identity.context
        self.run(leg, self.dialplan.route(context, number, leg.identity, leg.variables), routed=True)

    def answer_call(self, leg: Leg) -> None:
        """The switch answers a call that came in."""
        if not leg.identity.inbound or leg.moment_answered is not None:
            return
        self.codecs(leg)
        self.early_media(leg, codecs=False)
        self.answered(leg)
        leg.put(endpoint_disposition="ANSWER")
        if leg.plan is not None:
            self._wait(leg)
            if leg.plan.keys:
                self.press_later(leg, leg.plan.keys, leg.plan.keys_s)

    # -- by the phone ------------------------------------------------------------------------------

    def legs_of(self, who: str) -> list[Leg]:
        """The living legs of a phone: a seat's by its user, any other by its number."""
        found = [leg for leg in self.legs.values() if leg.alive and leg.seat and leg.seat == who]
        if found:
            return found
        return [leg for leg in self.legs.values() if leg.alive and not leg.seat and self._number(leg) == who]

    @staticmethod
    def _number(leg: Leg) -> str:
        return leg.identity.caller_number if leg.identity.inbound else leg.identity.number

    def leg_at(self, who: str) -> Leg | None:
        """The leg that a name means: its UUID, or a phone; of several legs the youngest that is not on hold."""
        leg = self.find(who)
        if leg is not None:
            return leg
        legs = self.legs_of(who)
        legs = [leg for leg in legs if not leg.held] or legs
        return legs[-1] if legs else None

    def hangs_up(self, leg: Leg) -> bool:
        """The party on a leg hangs up; before its answer it gives the call up, or refuses it."""
        if leg.vanished_at is not None:
            return False
        if leg.moment_answered is None and not leg.identity.inbound:
            self.refused(leg, 603)
        else:
            self.far_end_hung_up(leg, "phone" if leg.plan is None else "callee")
        return True

    def button(self, leg: Leg, on: bool) -> bool:
        """The phone's own hold button."""
        if leg.vanished_at is not None or on is leg.phone_holds:
            return False
        leg.phone_holds = on
        self.clock.at(self.clock.now + _MEDIA_AGAIN_S, self._media_again, leg)
        done = self.hold(leg, BY_PHONE) if on else self.unhold(leg)
        if on:
            self._silent(leg)
        else:
            leg.silent_since = None
        self.note_hearing(leg)
        return done or not on

    def vanishes(self, leg: Leg) -> bool:
        """The phone loses its power or its network: it says and hears nothing more."""
        if leg.moment_answered is None or leg.vanished_at is not None:
            return False
        leg.vanished_at = self.clock.now
        if leg.far_timer is not None:
            leg.far_timer.cancel()
        self.note_hearing(leg)
        if leg.silent_since is None:
            self._silent(leg)
        return True

    def _media_again(self, leg: Leg) -> None:
        """The new media begin: what `media_timeout` says now is what holds for them."""
        leg.media_limit_s = media_limit(leg)
        if leg.alive and leg.silent_since is not None and leg.media_limit_s is not None:
            until = leg.silent_since + leg.media_limit_s
            self.clock.at(max(self.clock.now, until), self._media_lost, leg, leg.silent_since)

    def _silent(self, leg: Leg) -> None:
        leg.silent_since = since = self.clock.now
        if leg.media_limit_s is not None:
            self.clock.at(since + leg.media_limit_s, self._media_lost, leg, since)

    def _media_lost(self, leg: Leg, since: float) -> None:
        limit = leg.media_limit_s
        if leg.alive and leg.silent_since == since and limit is not None and self.clock.now >= since + limit - 1e-6:
            self.hang_up(leg, "MEDIA_TIMEOUT", "media")
