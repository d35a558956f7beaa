"""Applications on a leg: park, playback, sleep, hangup, answer, set, and what a transfer or a broadcast does.

Owns the running of a list of steps (an inline dialplan) and the events EXECUTE, EXECUTE_COMPLETE, PARK,
UNPARK and PLAYBACK_*.  Must not know bridges; it only leaves a leg free to be taken by one.

Sounds by `uuid_broadcast` wait in a queue, each is played when the leg is parked or bridged; a sound that loops but
lasts less than half a second is played once (from the source).

A caller speaks to a mailbox for some seconds; a `bridge` of the dialplan rings in vain for `call_timeout`.

Left out: who would answer a `bridge` of the dialplan, every other application (an unknown one ends the leg, as on the
real switch), `execute_on_*` and `api_on_*` variables but for those of `dialing` (kept and shown, never run), a
broadcast to a leg that runs another application (it waits for the next park).  The state sequence of an inline
originate (ROUTING, then EXECUTE) is taken from captured transfers.
"""

from __future__ import annotations

from freeswitch.standin.causes import known_cause
from freeswitch.standin.channel import STATE_NUMBER, Doing, Heard, Leg, Sounding, Step
from freeswitch.standin.dialplan import expand
from freeswitch.standin.dialstring import parse_steps, split_arguments
from freeswitch.standin.recording import Recordings
from freeswitch.standin.sounds import Sound, measure
from freeswitch.standin.taps import TAPPING

_PLAYERS = ("playback", "endless_playback")
_IDLE = ("echo", "delay_echo")
# Applications that change nothing the model knows.
_DEAF = ("log", "info", "ring_ready", "pre_answer", "sched_hangup", "block_dtmf", "unblock_dtmf")
SETTERS = ("set", "export", "multiset")
_LOOP_LEAST_S = 0.5
POLL_S = 0.1
_MESSAGE_S = 8.0
"""How long a caller speaks to a mailbox, the silence that ends it included."""
_BRIDGE_S = 60.0


def set_by(leg: Leg, app: str, data: str) -> None:
    """The applications `set`, `export` and `multiset` (whose list may name its delimiter: `^^;a=b;c=d`)."""
    parts = [data]
    if app == "multiset":
        parts = data[3:].split(data[2]) if data.startswith("^^") and len(data) > 2 else data.split(" ")
    for part in parts:
        name, equals, value = part.partition("=")
        if equals and name and value:
            leg.put_all({name: value})
        elif equals:
            leg.drop(name)


class Apps(Recordings):
    """Recordings and what is below plus applications."""

    def answer_call(self, leg: Leg) -> None:
        """The application `answer` on a leg that called us.  Given by the layers above."""
        raise NotImplementedError

    # -- running steps -----------------------------------------------------------------------------

    def run(self, leg: Leg, steps: tuple[Step, ...], *, routed: bool) -> None:
        """Start a list of steps; `routed` for a dialplan (it passes CS_ROUTING first)."""
        leg.doing = Doing.RUNNING
        leg.steps = steps
        flickers = routed and leg.identity.inbound and leg.moment_answered is not None
        if routed:
            leg.note_shown()
            if flickers:
                leg.state, leg.state_number = "CS_ROUTING", STATE_NUMBER["CS_ROUTING"]
                self.call_state(leg, "RINGING")
            self.enter(leg, "CS_ROUTING")
            if not steps:
                self.hang_up(leg, "NO_ROUTE_DESTINATION", "dialplan")
                return
        if flickers:
            leg.state, leg.state_number = "CS_EXECUTE", STATE_NUMBER["CS_EXECUTE"]
            self.call_state(leg, "ACTIVE")
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
        data = expand(data, leg.identity, leg.variables)
        leg.app, leg.app_data = app, data
        leg.put(current_application=app)
        if app == "park":
            self._execute(leg)
            self.emit("CHANNEL_PARK", leg)
            self.hear(leg, Heard.SILENCE)
            self._pump_soon(leg)
            return True
        self._execute(leg)
        if app in _PLAYERS:
            sound = measure(data, self.world.file_duration_s)
            if app == "endless_playback":
                sound = Sound(None, sound.silent)
            self._play(leg, sound)
            return True
        if app == "sleep":
            self.hear(leg, Heard.SILENCE)
            milliseconds = min(int(data), 10**10) if data.strip().isdecimal() else 0
            if not milliseconds:
                self._execute_complete(leg)
                return False
            leg.app_timer = self.clock.at(now + milliseconds / 1000, self._app_over, leg)
            return True
        if app == "wait_for_answer":
            if leg.moment_answered is None:
                self._poll_answer(leg)
                return True
            self._execute_complete(leg)
            return False
        if app in _IDLE:
            self.hear(leg, Heard.SILENCE)
            return True
        if app == "record":
            words = data.split()
            limit = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
            if words and self.record(leg, words[0], 0):
                self.hear(leg, Heard.SILENCE)
                lasts = min(_MESSAGE_S, limit or _MESSAGE_S)
                leg.app_timer = self.clock.at(now + lasts, self._app_over, leg)
                return True
        elif app == "bridge":
            seconds = leg.variables.get("call_timeout", "")
            self.hear(leg, Heard.SILENCE)
            lasts = float(seconds) if seconds.isdecimal() else _BRIDGE_S
            leg.app_timer = self.clock.at(now + lasts, self._app_over, leg)
            return True
        if app in TAPPING:
            if self.start_tap(leg, app, data.strip()):
                leg.hears(Heard.PARTY, now)
                return True
            self._execute_complete(leg)
            return False
        if app == "hangup":
            self.hang_up(leg, known_cause(data or "NORMAL_CLEARING"), "dialplan")
            return True
        if app in SETTERS:
            set_by(leg, app, data)
        elif app == "unset":
            leg.drop(data.strip())
        elif app == "transfer":
            self._execute_complete(leg)
            leg.app = ""
            parts = split_arguments(data) or [""]
            self.run(leg, self.steps_for(leg, *parts[:3]), routed=True)
            return True
        elif app == "answer":
            self.answer_call(leg)
        elif app == "ring_ready":
            if leg.moment_answered is None and not leg.rang:
                leg.rang = True
                self.emit("CHANNEL_PROGRESS", leg)
        elif app == "event":
            pairs = (pair.partition("=") for pair in data.split(","))
            headers = {name.strip(): value for name, equals, value in pairs if equals}
            self.emit("CHANNEL_APPLICATION", leg, extra=headers)
        elif app not in _DEAF and app != "record":
            self.hang_up(leg, "DESTINATION_OUT_OF_ORDER", "dialplan")
            return True
        self._execute_complete(leg)
        return False

    def _poll_answer(self, leg: Leg) -> None:
        """`wait_for_answer` looks every 100 ms."""
        if leg.moment_answered is not None:
            self._app_over(leg)
        elif leg.alive and leg.doing is Doing.RUNNING and leg.app == "wait_for_answer":
            leg.app_timer = self.clock.at(self.clock.now + POLL_S, self._poll_answer, leg)

    def steps_for(self, leg: Leg, extension: str, dialplan: str = "XML", context: str = "") -> tuple[Step, ...]:
        """Where a transfer leads: an inline dialplan, or an extension of the switch's own."""
        if extension.startswith("&") or dialplan.lower() == "inline":
            return parse_steps(extension, dialplan)[0]
        where = context or leg.identity.context
        if leg.identity.inbound:
            leg.identity = leg.identity._replace(number=extension, context=where)
        return self.dialplan.route(where, extension, leg.identity, leg.variables)

    def _play(self, leg: Leg, sound: Sound) -> None:
        leg.playing = leg.app_data
        self.hear(leg, Heard.SILENCE if sound.silent else Heard.MESSAGE)
        self.emit("PLAYBACK_START", leg, extra=self._playback_headers(leg.app_data))
        if sound.seconds is not None:
            leg.app_timer = self.clock.at(self.clock.now + sound.seconds, self._app_over, leg)

    def _app_over(self, leg: Leg, status: str = "done") -> None:
        """The application on the leg ended by itself, or was told to."""
        if not leg.alive or leg.doing is not Doing.RUNNING:
            return
        if leg.app_timer is not None:
            leg.app_timer.cancel()
        if leg.app == "record":
            self.stop_recording(leg, leg.app_data.partition(" ")[0], "success-silence")
        if leg.app in _PLAYERS:
            self._stopped(leg, leg.app_data, status)
            self._execute_complete(leg, "FILE PLAYED")
        else:
            self._execute_complete(leg)
        leg.playing = None
        self.hear(leg, Heard.SILENCE)
        self._next_step(leg)

    # -- leaving an application --------------------------------------------------------------------

    def leave_app(self, leg: Leg) -> None:
        """Whatever the leg is busy with is cut short: by a bridge, a transfer, a park or its own end."""
        if leg.app_timer is not None:
            leg.app_timer.cancel()
            leg.app_timer = None
        # A park that is cut short during a broadcast reports the broadcast's end as its own.
        response = "_none_" if leg.overlay is None else "PLAYBACK ERROR"
        self.end_overlay(leg)
        if leg.bug is not None:
            self.remove_bug(leg.bug)
        if leg.doing is Doing.PARKED:
            self.emit("CHANNEL_UNPARK", leg)
        elif leg.doing is Doing.RUNNING and leg.app:
            if leg.app == "park":
                self.emit("CHANNEL_UNPARK", leg)
                self._execute_complete(leg, response)
            elif leg.app == "record":
                self.stop_recording(leg, leg.app_data.partition(" ")[0])
                self._execute_complete(leg)
            elif leg.app in _PLAYERS:
                self._stopped(leg, leg.app_data, "done")
                self._execute_complete(leg, "PLAYBACK ERROR")
            else:
                self._execute_complete(leg)
        leg.playing = None
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
        self.hear(leg, Heard.SILENCE)
        self._pump_soon(leg)

    # -- sounds over a parked or bridged leg -------------------------------------------------------

    def broadcast(self, leg: Leg, sounding: Sounding) -> None:
        """uuid_broadcast: after a moment, and what was asked for before, it plays to the leg, which stays where it
        is.
        """
        leg.queue.append(sounding)
        self._pump_soon(leg)

    def _pump_soon(self, leg: Leg) -> None:
        if leg.queue:
            self.clock.at(self.after(self.timing.broadcast), self._pump, leg)

    def _pump(self, leg: Leg) -> None:
        if leg.alive and leg.queue and leg.overlay is None and (leg.idle or leg.partner is not None):
            self._play_over(leg, leg.queue.pop(0))

    def _play_over(self, leg: Leg, sounding: Sounding) -> None:
        sound = measure(sounding.path, self.world.file_duration_s)
        leg.overlay = sounding
        leg.put(current_application="playback")
        self._execute(leg, "playback", sounding.path)
        self.emit("PLAYBACK_START", leg, extra=self._playback_headers(sounding.path))
        if leg.partner is None:
            self.hear(leg, Heard.SILENCE if sound.silent else Heard.MESSAGE)
        else:
            self.note_hearing(leg)
        if sound.seconds is not None:
            again = sounding.loop and sound.seconds >= _LOOP_LEAST_S
            due = self.clock.now + sound.seconds
            leg.overlay_timer = self.clock.at(due, self._overlay_over, leg, again)

    def _overlay_over(self, leg: Leg, again: bool) -> None:
        sounding = leg.overlay
        if not leg.alive or sounding is None:
            return
        self.end_overlay(leg, "FILE PLAYED")
        if again:
            self._play_over(leg, sounding)
        else:
            self._rest(leg)

    def _rest(self, leg: Leg) -> None:
        self.hear(leg, Heard.PARTY if leg.partner is not None else Heard.SILENCE)
        self._pump_soon(leg)

    def end_overlay(self, leg: Leg, response: str = "PLAYBACK ERROR", status: str = "done") -> bool:
        """What is played over a leg stops; False: nothing is."""
        sounding, leg.overlay = leg.overlay, None
        if leg.overlay_timer is not None:
            leg.overlay_timer.cancel()
            leg.overlay_timer = None
        if sounding is not None:
            self._stopped(leg, sounding.path, status)
            self._execute_complete(leg, response, "playback", sounding.path)
        return sounding is not None

    def break_playing(self, leg: Leg, everything: bool) -> None:
        """uuid_break, or a key that ends playing: the sound ends, with `everything` those that wait too."""
        if everything:
            leg.queue.clear()
        if self.end_overlay(leg, "FILE PLAYED", "break"):
            self._rest(leg)
        elif leg.doing is Doing.RUNNING and leg.app in (*_PLAYERS, "sleep"):
            self._app_over(leg, "break")

    # -- events ------------------------------------------------------------------------------------

    def _stopped(self, leg: Leg, path: str, status: str) -> None:
        self.emit("PLAYBACK_STOP", leg, extra={**self._playback_headers(path), "Playback-Status": status})

    @staticmethod
    def _playback_headers(path: str) -> dict[str, str]:
        headers = {"Playback-File-Path": path}
        if path.startswith("tone_stream://") or "://" not in path:
            headers["Playback-File-Type"] = "tone_stream" if "://" in path else "file"
        return headers

    def _execute(self, leg: Leg, app: str = "", data: str = "") -> None:
        headers = self._app_headers(app or leg.app, data if app else leg.app_data)
        leg.note_shown(headers["Application"], headers.get("Application-Data", ""))
        self.emit("CHANNEL_EXECUTE", leg, extra=headers)

    def _execute_complete(self, leg: Leg, response: str = "_none_", app: str = "", data: str = "") -> None:
        headers = self._app_headers(app or leg.app, data if app else leg.app_data)
        headers["Application-Response"] = response
        self.emit("CHANNEL_EXECUTE_COMPLETE", leg, extra=headers)

    @staticmethod
    def _app_headers(app: str, data: str) -> dict[str, str]:
        return {"Application": app, "Application-Data": data} if data else {"Application": app}
