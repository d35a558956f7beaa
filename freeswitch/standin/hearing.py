"""Who hears what: for every leg, the sounds that reach its party, and a log of them for the audit.

Owns the rules of mixing, as FreeSWITCH's bridge, playback and media bugs have them: a sound played to a leg shuts
out its partner, both ways; a held leg hears and says nothing; bugs act in the order in which they were set, and one
that changes what a leg hears only works while frames go out to it (a parked leg that sends no silence gets none).
Must not emit events, nor set timers.

A sound is named `leg:<uuid>` (the voice of that leg's party) or `file:<path>`.
"""

from __future__ import annotations

from freeswitch.standin.channel import Bug, Doing, Heard, Leg
from freeswitch.standin.legs import Legs
from freeswitch.standin.sounds import is_silent

Sounds = list[str]


def heard_by(leg: Leg) -> tuple[str, ...]:
    """What the party on a leg hears at this moment."""
    if not leg.alive or not leg.up or leg.held or leg.phone_holds or leg.vanished_at is not None:
        return ()
    return tuple(dict.fromkeys(_written(leg, None, frozenset())))


def flows(leg: Leg) -> bool:
    """Whether frames go out to the leg's phone, so that a bug can change them."""
    if leg.held or not leg.up:
        return False
    if leg.overlay is not None or leg.playing is not None or leg.bridge is not None or leg.bug is not None:
        return True
    return leg.variables.get("send_silence_when_idle", "0").strip() not in ("", "0")


def circle(leg: Leg) -> set[Leg]:
    """The leg and everyone whose hearing may depend on it."""
    found: set[Leg] = set()
    waiting = [leg]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        if one.bridge is not None:
            waiting.append(one.bridge.partner(one))
        if one.bug is not None:
            waiting.append(one.bug.target)
        waiting.extend(bug.owner for bug in one.bugs if bug.owner is not None)
    return found


def _voice(leg: Leg) -> Sounds:
    mute = not leg.alive or leg.held or leg.phone_holds or leg.vanished_at is not None or not leg.up
    return [] if mute else [f"leg:{leg.uuid}"]


def _read(leg: Leg, before: Bug | None, seen: frozenset[Leg]) -> Sounds:
    """What comes in from a leg, as the bug `before` (None: everything behind all bugs) finds it."""
    sounds = _voice(leg)
    for bug in leg.bugs:
        if bug is before:
            break
        if bug.to_partner and bug.owner is not None:
            sounds += _voice(bug.owner)
    return sounds


def _written(leg: Leg, before: Bug | None, seen: frozenset[Leg]) -> Sounds:
    """What goes out to a leg, as the bug `before` finds it."""
    if leg in seen:
        return []
    sounds = _base(leg, seen | {leg})
    flowing = flows(leg)
    for bug in leg.bugs:
        if bug is before:
            break
        if not flowing:
            continue
        if bug.to_target and bug.owner is not None:
            sounds += _voice(bug.owner)
        elif bug.kind == "displace":
            sounds = (sounds if bug.mux else []) + ([] if bug.silent else [f"file:{bug.argument}"])
    return sounds


def _base(leg: Leg, seen: frozenset[Leg]) -> Sounds:
    if leg.overlay is not None:
        return [] if is_silent(leg.overlay.path) else [f"file:{leg.overlay.path}"]
    partner = leg.partner
    if partner is not None:
        return [] if partner.overlay is not None else _read(partner, None, seen)
    if leg.playing is not None:
        return [] if is_silent(leg.playing) else [f"file:{leg.playing}"]
    bug = leg.bug
    if bug is not None:
        mine = f"leg:{leg.uuid}"
        sounds = _read(bug.target, bug, seen) + _written(bug.target, bug, seen)
        return [sound for sound in sounds if sound != mine]
    return []


class Hearing(Legs):
    """Legs plus the account of what is heard."""

    def note_hearing(self, leg: Leg) -> None:
        """Something about a leg's sound changed: bring the logs of all concerned up to date."""
        if leg.bridge is None and leg.bug is None and not leg.bugs:
            self._note(leg)
            return
        for one in circle(leg):
            self._note(one)

    def hear(self, leg: Leg, what: Heard) -> None:
        """The party on a leg hears something else from now on."""
        leg.hears(what, self.clock.now)
        self.note_hearing(leg)

    def _note(self, leg: Leg) -> None:
        if leg.moment_answered is None:
            return
        self._wake_bugs(leg)
        now, log = self.clock.now, leg.hearing
        sounds = heard_by(leg) if leg.doing is not Doing.GONE else ()
        if log and log[-1][0] >= now:
            log.pop()
        if not log or log[-1][1] != sounds:
            log.append((now, sounds))

    def _wake_bugs(self, leg: Leg) -> None:
        """Frames may have begun or ceased to flow to the leg.  Given by the layers above."""
        raise NotImplementedError
