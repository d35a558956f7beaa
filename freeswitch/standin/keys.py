"""Keys: pressed by a phone or a callee, or by command, and where they arrive.

A DTMF event comes on the pressing leg, whatever it does.  In a bridge the key reaches the partner 100 ms later,
unless the presser had `bridge_filter_dtmf` when the bridge began, or has `drop_dtmf`; an eavesdropper's keys choose
whom it speaks to; `*` ends what is being played to a leg, unless `playback_terminators` says otherwise (from the
source).  Must not give keys a meaning beyond that.

Left out: `play_and_get_digits`, `bind_digit_action`, `bind_meta_app`.
"""

from __future__ import annotations

from typing import Final

from freeswitch.standin.channel import Doing, Leg
from freeswitch.standin.holding import Holding

KEYS: Final = frozenset("0123456789*#ABCD")
_PLAYING: Final = ("playback", "endless_playback")
_GAP_S: Final = 0.3


class Keys(Holding):
    """Holding and what is below plus keys."""

    def pressed(self, leg: Leg, keys: str, info: bool = False) -> bool:
        """The party on an answered leg presses keys, told by SIP INFO if so wished; False: there is none who could.
        """
        if not leg.alive or leg.moment_answered is None or leg.vanished_at is not None:
            return False
        for key in keys:
            if key in KEYS:
                self._key(leg, key, *(("ENDPOINT", "1280") if info else ("RTP", "960")))
        return True

    def received(self, leg: Leg, keys: str) -> None:
        """uuid_recv_dtmf: as if the party had pressed them."""
        for key in keys.partition("@")[0]:
            if key in KEYS:
                self._key(leg, key, "APP", "2000")

    def sent(self, leg: Leg, keys: str) -> None:
        """uuid_send_dtmf: they arrive at the party on the leg."""
        for key in keys.partition("@")[0]:
            if key in KEYS:
                self.clock.at(self.after(self.timing.keys), self._arrive, leg, key)

    def press_later(self, leg: Leg, keys: str, seconds: float) -> None:
        """A callee will press keys by itself."""
        for place, key in enumerate(keys):
            self.clock.at(self.clock.now + seconds + place * _GAP_S, self.pressed, leg, key)

    def _key(self, leg: Leg, key: str, source: str, duration: str) -> None:
        extra = {"DTMF-Digit": key, "DTMF-Duration": duration, "DTMF-Source": source}
        self.emit("DTMF", leg, extra=extra)
        if leg.bug is not None:
            self.tap_key(leg, key)
            return
        playing = leg.overlay is not None or (leg.doing is Doing.RUNNING and leg.app in _PLAYING)
        if playing:
            ends = leg.variables.get("playback_terminators", "*")
            if ends == "any" or (ends != "none" and key in ends):
                self.break_playing(leg, False)
            return
        partner = leg.partner
        if partner is not None and not leg.filtered and not leg.flag("drop_dtmf"):
            self.clock.at(self.after(self.timing.keys), self._arrive, partner, key)

    def _arrive(self, leg: Leg, key: str) -> None:
        if leg.alive and leg.up and leg.vanished_at is None:
            leg.heard_keys.append((self.clock.now, key))
