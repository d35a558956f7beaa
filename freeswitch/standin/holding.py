"""Hold: `uuid_hold` and the phone's own button, with the events and the music of the real one.

A hold by command answers after CHANNEL_HOLD; the partner's music starts 100-180 ms later and is stopped before
CHANNEL_UNHOLD, whose call state is ACTIVE; a phone's own UNHOLD still says UNHELD.  Without `hold_music`, or with
`silence`, the partner hears nothing.  Must not know commands.
"""

from __future__ import annotations

from freeswitch.standin.bridging import Bridging
from freeswitch.standin.channel import BY_COMMAND, BY_PHONE, Heard, Leg, Sounding


class Holding(Bridging):
    """Bridging plus hold."""

    def hold(self, leg: Leg, by: str) -> bool:
        """Put a leg on hold; False: it is already."""
        if leg.held or leg.moment_answered is None or not leg.alive:
            return False
        leg.held = by
        leg.hold_us = (self.clock.micros(), leg.hold_us[1])
        self.call_state(leg, "HELD")
        self.play_hold_music(leg)
        self._hold_event(leg, "CHANNEL_HOLD")
        self.note_hearing(leg)
        return True

    def play_hold_music(self, leg: Leg) -> None:
        """The partner of a holding leg, if there is one yet, hears its music."""
        partner = leg.partner
        music = leg.variables.get("hold_music", self.globals.get("hold_music", ""))
        if partner is not None and music and music != "silence":
            self.broadcast(partner, Sounding(music, loop=True))

    def forget_hold(self, leg: Leg) -> None:
        """A held leg without a partner is bridged or transferred: the switch no longer knows of the hold, and no event
        says so.
        """
        if leg.held:
            self._release(leg)
            self.call_state(leg, "ACTIVE")

    def unhold(self, leg: Leg) -> bool:
        """Take a leg back; False: it is not held."""
        if not leg.held:
            return False
        partner = leg.partner
        by = self._release(leg)
        if by == BY_PHONE and partner is not None:
            self._stop_music(partner)
        self.call_state(leg, "UNHELD")
        if by == BY_COMMAND:
            if partner is not None:
                self._stop_music(partner)
            self.call_state(leg, "ACTIVE")
        self._hold_event(leg, "CHANNEL_UNHOLD")
        if by == BY_PHONE:
            self.call_state(leg, "ACTIVE")
        self.note_hearing(leg)
        return True

    def drop_hold(self, leg: Leg) -> None:
        """A held leg hangs up, or its partner left: the hold is over."""
        if not leg.held:
            return
        self._release(leg)
        self.holders.add(leg)
        self.call_state(leg, "UNHELD")
        self._hold_event(leg, "CHANNEL_UNHOLD")
        self.call_state(leg, "ACTIVE")

    def _release(self, leg: Leg) -> str:
        by, leg.held = leg.held, ""
        leg.hold_us = (leg.hold_us[0], leg.hold_us[1] + self.clock.micros() - leg.hold_us[0])
        return by

    def _stop_music(self, partner: Leg) -> None:
        partner.queue.clear()
        if self.end_overlay(partner, "FILE PLAYED", "break"):
            self.hear(partner, Heard.PARTY)

    def _hold_event(self, leg: Leg, name: str) -> None:
        leg.note_shown("")
        self.emit(name, leg)
