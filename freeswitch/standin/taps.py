"""Media bugs: eavesdropping and three-way calls, sounds mixed over a conversation.

Owns the list of bugs on each leg, MEDIA_BUG_START and _STOP, and what an eavesdropper's keys do.  As in the real one
an eavesdropper hears what its target says and hears; `2` lets the target hear it, `1` the target's partner, `3` both,
`0` nobody, `*` ends it; a three-way leg is heard by both and has no keys.  It outlives changes of the target's
partner, and ends with the target.  Must not know bridges or recordings.

Left out: `eavesdrop_require_group`, `eavesdrop all`, announcements, displacing what a leg says (flag `r`).
"""

from __future__ import annotations

from typing import Final

from freeswitch.standin.channel import Bug, Doing, Leg, Recording
from freeswitch.standin.hearing import Hearing, flows
from freeswitch.standin.sounds import measure

WAIT_FOR_MEDIA_S: Final = 6.0
_POLL_S: Final = 0.1
# key: (the target hears the eavesdropper, its partner does)
_MODES: Final = {"0": (False, False), "1": (False, True), "2": (True, False), "3": (True, True)}
TAPPING: Final = ("eavesdrop", "three_way")


class Taps(Hearing):
    """Hearing plus media bugs."""

    def _app_over(self, leg: Leg) -> None:
        """The application on a leg ended by itself.  Given by the layers above."""
        raise NotImplementedError

    # -- bugs --------------------------------------------------------------------------------------

    def add_bug(self, bug: Bug) -> None:
        bug.target.bugs.append(bug)
        if bug.owner is not None:
            bug.owner.bug = bug
        self._bug_event("MEDIA_BUG_START", bug)
        self.note_hearing(bug.target)

    def remove_bug(self, bug: Bug) -> None:
        target, owner = bug.target, bug.owner
        if bug not in target.bugs:
            return
        if bug.timer is not None:
            bug.timer.cancel()
            bug.timer = None
        target.bugs.remove(bug)
        if owner is not None:
            owner.bug = None
        self._bug_event("MEDIA_BUG_STOP", bug)
        self.note_hearing(target)
        if owner is not None:
            self.codec(owner, "read")
            self.note_hearing(owner)

    def end_bugs(self, leg: Leg) -> None:
        """A leg hangs up: whoever eavesdrops on it is done."""
        for bug in list(leg.bugs):
            owner = bug.owner
            if owner is not None:
                self.remove_bug(bug)
                self._app_over(owner)

    def _bug_event(self, name: str, bug: Bug) -> None:
        front = {"Media-Bug-Function": bug.kind, "Media-Bug-Target": bug.argument}
        self.emit(name, bug.target, front=front)

    # -- eavesdropping -----------------------------------------------------------------------------

    def start_tap(self, leg: Leg, app: str, uuid: str) -> bool:
        """The application `eavesdrop` or `three_way` begins; False: there is nothing to hear, it is over."""
        if uuid == leg.uuid or not leg.up:
            return False
        return self._try_tap(leg, app, uuid, self.clock.now + WAIT_FOR_MEDIA_S)

    def _try_tap(self, leg: Leg, app: str, uuid: str, until: float) -> bool:
        target = self.find(uuid)
        if target is None or (not target.up and self.clock.now >= until):
            return False
        if not target.up:
            leg.app_timer = self.clock.at(self.clock.now + _POLL_S, self._tap_later, leg, app, uuid, until)
            return True
        bug = Bug("eavesdrop", target, uuid, leg, since=self.clock.now)
        if app == "three_way":
            bug.to_target = bug.to_partner = True
            bug.keys = False
        else:
            bug.to_target = leg.flag("eavesdrop_whisper_bleg")
            bug.to_partner = leg.flag("eavesdrop_whisper_aleg")
            bug.keys = "eavesdrop_enable_dtmf" not in leg.variables or leg.flag("eavesdrop_enable_dtmf")
        self.codec(leg, "read")
        self.add_bug(bug)
        self.emit("CALL_UPDATE", leg, front={"Direction": "SEND"})
        return True

    def _tap_later(self, leg: Leg, app: str, uuid: str, until: float) -> None:
        waits = leg.alive and leg.doing is Doing.RUNNING and leg.app == app and leg.bug is None
        if waits and not self._try_tap(leg, app, uuid, until):
            self._app_over(leg)

    def tap_key(self, leg: Leg, key: str) -> None:
        """An eavesdropping leg got a key."""
        bug = leg.bug
        if bug is None or not bug.keys:
            return
        if key == "*":
            self.remove_bug(bug)
            self._app_over(leg)
        elif key in _MODES:
            bug.to_target, bug.to_partner = _MODES[key]
            self.note_hearing(bug.target)

    # -- sounds over a conversation ----------------------------------------------------------------

    def displace(self, leg: Leg, path: str, limit_s: int, flags: str) -> bool:
        """uuid_displace start; False: refused."""
        if not leg.up or any(bug.kind == "displace" and bug.argument == path for bug in leg.bugs):
            return False
        sound = measure(path, self.world.file_duration_s)
        seconds = None if "l" in flags else sound.seconds
        if limit_s:
            seconds = float(limit_s) if seconds is None else min(seconds, float(limit_s))
        self.add_bug(Bug("displace", leg, path, mux="m" in flags, silent=sound.silent, left_s=seconds))
        return True

    def stop_displacing(self, leg: Leg, path: str) -> bool:
        for bug in leg.bugs:
            if bug.kind == "displace" and bug.argument == path:
                self.remove_bug(bug)
                return True
        return False

    def _wake_bugs(self, leg: Leg) -> None:
        """A displacing sound goes on only while frames go out to the leg."""
        if not leg.bugs:
            return
        running, now = flows(leg), self.clock.now
        for bug in leg.bugs:
            if bug.kind != "displace" or bug.left_s is None:
                continue
            if running and bug.timer is None:
                bug.since = now
                bug.timer = self.clock.at(now + bug.left_s, self._displaced, bug)
            elif not running and bug.timer is not None:
                bug.timer.cancel()
                bug.timer = None
                bug.left_s = max(0.0, bug.left_s - (now - bug.since))

    def _displaced(self, bug: Bug) -> None:
        bug.timer = None
        self.remove_bug(bug)

    @staticmethod
    def recordings_of(leg: Leg) -> list[Recording]:
        return [bug for bug in leg.bugs if isinstance(bug, Recording)]
