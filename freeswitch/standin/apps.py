"""Applications on a leg: park, playback, sleep, hangup, answer, set, and what a transfer or a broadcast does.

Owns the running of a list of steps (an inline dialplan) and the events EXECUTE, EXECUTE_COMPLETE, PARK,
UNPARK and PLAYBACK_*.  Must not know bridges; it only leaves a leg free to be taken by one.

Left out: every other application (an unknown one ends the leg, as on the real switch), `${...}` expansion,
`execute_on_*` and `api_on_*` variables (kept and shown, never run), and the CALLSTATE flicker of a
transferred inbound leg.  The state sequence of an inline originate (ROUTING, then EXECUTE) is taken from
captured transfers.
"""

from __future__ import annotations

from freeswitch.standin.causes import known_cause
from freeswitch.standin.channel import Doing, Heard, Leg, Step
from freeswitch.standin.dialstring import parse_steps, split_arguments
from freeswitch.standin.legs import Legs
from freeswitch.standin.sounds import Sound, measure

_PLAYERS = ("playback", "endless_playback")
_IDLE = ("echo", "delay_echo")


class Apps(Legs):
    """Legs plus applications."""

    # -- running steps -----------------------------------------------------------------------------

    def run(self, leg: Leg, steps: tuple[Step, ...], *, routed: bool) -> None:
        """Start a list of steps; `routed` for a dialplan (it passes CS_ROUTING first)."""
        leg.doing = Doing.RUNNING
        leg.steps = steps
        if routed:
            self.enter(leg, "CS_ROUTING")
            if not steps:
                self.hang_up(leg, "NO_ROUTE_DESTINATION", "dialplan")
                return
        self.enter(leg, "CS_EXECUTE")
        self._next_step(leg)

    def _next_step(self, leg: Leg) -> None:
        while leg.alive and leg.doing is Doing.RUNNING:
            if not leg.steps:
                leg.app = ""
                self.hang_up(leg, "NORMAL_CLEARING", "dialplan")
                return
            (app, data), leg.steps = leg.steps[0], leg.steps[1:]
            if self._start(leg, app, data):
                return

    def _start(self, leg: Leg, app: str, data: str) -> bool:
        """Start one application; True when it takes time (the leg waits in it)."""
        now = self.clock.now
        leg.app, leg.app_data = app, data
        leg.put(current_application=app)
        if app == "park":
            self._execute(leg)
            self.emit("CHANNEL_PARK", leg)
            leg.hears(Heard.SILENCE, now)
            return True
        self._execute(leg)
        if app in _PLAYERS:
            sound = measure(data, self.world.file_duration_s)
            if app == "endless_playback":
                sound = Sound(None, sound.silent)
            self._play(leg, sound)
            return True
        if app == "sleep":
            leg.hears(Heard.SILENCE, now)
            milliseconds = min(int(data), 10**10) if data.strip().isdecimal() else 0
            leg.app_timer = self.clock.at(now + milliseconds / 1000, self._app_over, leg)
            return True
        if app in _IDLE:
            leg.hears(Heard.SILENCE, now)
            return True
        if app == "hangup":
            self.hang_up(leg, known_cause(data or "NORMAL_CLEARING"), "dialplan")
            return True
        if app in ("set", "export"):
            name, equals, value = data.partition("=")
            if equals and name:
                leg.put_all({name: value})
        elif app == "transfer":
            self._execute_complete(leg)
            leg.app = ""
            self.run(leg, self._transfer_target(data), routed=True)
            return True
        elif app != "answer":
            self.hang_up(leg, "DESTINATION_OUT_OF_ORDER", "dialplan")
            return True
        self._execute_complete(leg)
        return False

    def _transfer_target(self, data: str) -> tuple[Step, ...]:
        parts = split_arguments(data)
        return parse_steps(parts[0], parts[1] if len(parts) > 1 else "")[0] if parts else ()

    def _play(self, leg: Leg, sound: Sound) -> None:
        now = self.clock.now
        leg.hears(Heard.SILENCE if sound.silent else Heard.MESSAGE, now)
        self.emit("PLAYBACK_START", leg, extra=self._playback_headers(leg.app_data))
        if sound.seconds is not None:
            leg.app_timer = self.clock.at(now + sound.seconds, self._app_over, leg)

    def _app_over(self, leg: Leg) -> None:
        """The application on the leg ended by itself."""
        if not leg.alive or leg.doing is not Doing.RUNNING:
            return
        if leg.app in _PLAYERS:
            self.emit(
                "PLAYBACK_STOP",
                leg,
                extra={**self._playback_headers(leg.app_data), "Playback-Status": "done"},
            )
            self._execute_complete(leg, "FILE PLAYED")
        else:
            self._execute_complete(leg)
        leg.hears(Heard.SILENCE, self.clock.now)
        self._next_step(leg)

    # -- leaving an application --------------------------------------------------------------------

    def leave_app(self, leg: Leg) -> None:
        """Whatever the leg is busy with is cut short: by a bridge, a transfer, a park or its own end."""
        if leg.app_timer is not None:
            leg.app_timer.cancel()
            leg.app_timer = None
        # A park that is cut short during a broadcast reports the broadcast's end as its own.
        response = "_none_" if leg.overlay is None else "PLAYBACK ERROR"
        self._end_overlay(leg)
        if leg.doing is Doing.PARKED:
            self.emit("CHANNEL_UNPARK", leg)
        elif leg.doing is Doing.RUNNING and leg.app:
            if leg.app == "park":
                self.emit("CHANNEL_UNPARK", leg)
                self._execute_complete(leg, response)
            elif leg.app in _PLAYERS:
                extra = {**self._playback_headers(leg.app_data), "Playback-Status": "done"}
                self.emit("PLAYBACK_STOP", leg, extra=extra)
                self._execute_complete(leg, "PLAYBACK ERROR")
            else:
                self._execute_complete(leg)
        leg.steps = ()

    def park_again(self, leg: Leg) -> None:
        """Park outside the dialplan (after a bridge, by uuid_park, out of limbo): state CS_PARK, no
        EXECUTE.
        """
        leg.doing = Doing.PARKED
        leg.app = "park"
        leg.steps = ()
        self.enter(leg, "CS_PARK")
        self.emit("CHANNEL_PARK", leg)
        leg.hears(Heard.SILENCE, self.clock.now)

    # -- sounds over a parked leg ------------------------------------------------------------------

    def broadcast(self, leg: Leg, data: str) -> None:
        """uuid_broadcast: after a moment the file plays to a parked or running leg, which stays where it is.

        Left out: a broadcast to a leg that plays something already, or is bridged, is dropped.
        """
        if not leg.alive or leg.overlay is not None or not self._idle(leg):
            return
        sound = measure(data, self.world.file_duration_s)
        leg.overlay = data
        leg.put(current_application="playback")
        self._execute(leg, "playback", data)
        self.emit("PLAYBACK_START", leg, extra=self._playback_headers(data))
        leg.hears(Heard.SILENCE if sound.silent else Heard.MESSAGE, self.clock.now)
        if sound.seconds is not None:
            leg.app_timer = self.clock.at(self.clock.now + sound.seconds, self._overlay_over, leg)

    def _overlay_over(self, leg: Leg) -> None:
        if leg.alive and leg.overlay is not None:
            self._end_overlay(leg, "FILE PLAYED")
            leg.hears(Heard.SILENCE, self.clock.now)

    def _end_overlay(self, leg: Leg, response: str = "PLAYBACK ERROR") -> None:
        data, leg.overlay = leg.overlay, None
        if data is not None:
            self.emit("PLAYBACK_STOP", leg, extra={**self._playback_headers(data), "Playback-Status": "done"})
            self._execute_complete(leg, response, "playback", data)

    @staticmethod
    def _idle(leg: Leg) -> bool:
        return leg.doing is Doing.PARKED or (leg.doing is Doing.RUNNING and leg.app == "park")

    # -- events ------------------------------------------------------------------------------------

    @staticmethod
    def _playback_headers(path: str) -> dict[str, str]:
        return {
            "Playback-File-Path": path,
            "Playback-File-Type": "tone_stream" if "stream://" in path else "file",
        }

    def _execute(self, leg: Leg, app: str = "", data: str = "") -> None:
        self.emit(
            "CHANNEL_EXECUTE", leg, extra=self._app_headers(app or leg.app, data if app else leg.app_data)
        )

    def _execute_complete(self, leg: Leg, response: str = "_none_", app: str = "", data: str = "") -> None:
        headers = self._app_headers(app or leg.app, data if app else leg.app_data)
        headers["Application-Response"] = response
        self.emit("CHANNEL_EXECUTE_COMPLETE", leg, extra=headers)

    @staticmethod
    def _app_headers(app: str, data: str) -> dict[str, str]:
        return {"Application": app, "Application-Data": data} if data else {"Application": app}
