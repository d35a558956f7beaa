"""The virtual switch: a FreeSWITCH as a pure model with a clock that the caller advances.

This is the public face; the layers under it, each built on the one before, are `kernel`, `legs`, `hearing`,
`taps`, `recording`, `apps`, `bridging`, `holding`, `keys`, `dialing`, `phones`, `phone_commands` and
`commands`. All times are model seconds that never go back; the switch reads no clock, opens no socket and draws
only from the generators it was given, so that a seed reproduces a shift exactly. No command and no sequence of
them may raise.

    world = World(WorldSpec(), random.Random(1))
    switch = Switch(world, random.Random(2), emit={"CHANNEL_ANSWER", "BACKGROUND_JOB"})
    switch.bgapi("originate {origination_uuid=...}sofia/gateway/g/100 &park()", "job-1", now)
    while (due := switch.next_due()) is not None:
        switch.advance(due)
        for event in switch.take_events(): ...
"""

from __future__ import annotations

from typing import Any

from freeswitch.standin.channel import Reply
from freeswitch.standin.commands import Commands
from freeswitch.standin.events import SwitchEvent
from freeswitch.standin.hearing import heard_by
from freeswitch.standin.kernel import ALL, Job, Limits, SwitchError, Timing

__all__ = ["ALL", "Limits", "Switch", "SwitchError", "SwitchEvent", "Timing"]


class Switch(Commands):
    """See the module.  Built as `Kernel`: (world, rng, *, node_name, limits, timing, emit, epoch_s,
    heartbeat_s).
    """

    def api(self, line: str, now: float) -> str:
        """Run one command and return its reply.

        An originate blocks on a real switch until it is decided, which a model cannot: unless it fails at
        once it goes on without a reply, and this returns `-ERR still dialing`.  Use `bgapi` or `submit` for
        it.
        """
        replies: list[str] = []
        self.submit(line, now, replies.append)
        return replies[0] if replies else "-ERR still dialing\n"

    def submit(self, line: str, now: float, reply: Reply) -> None:
        """Run one command; `reply` is called once with the text, before this returns or while time
        advances.
        """
        self.clock.advance(now)
        command, _, argument = line.strip().partition(" ")
        sequence, stamp = self.reserve(), self.clock.micros()

        def answered(text: str) -> None:
            self.api_event(command, argument.strip(), sequence, stamp)
            reply(text)

        self.execute(line, answered)

    def bgapi(self, line: str, job_uuid: str, now: float) -> None:
        """Start one command in the background; its reply comes as a BACKGROUND_JOB event."""
        self.clock.advance(now)
        command, _, argument = line.strip().partition(" ")
        self.clock.at(
            self.after(self.timing.job), self._run_job, Job(job_uuid, command, argument.strip()), line
        )

    def _run_job(self, job: Job, line: str) -> None:
        sequence, stamp = self.reserve(), self.clock.micros()
        self.execute(line, lambda text: self.command_done(job, sequence, stamp, text))

    def sendmsg(self, uuid: str, headers: dict[str, str], now: float) -> str:
        """A `sendmsg <uuid>` with these headers; returns the text of the reply."""
        self.clock.advance(now)
        return self.message(uuid, headers)

    # -- what phones do, for simulations -----------------------------------------------------------

    def press(self, who: str, keys: str, now: float) -> bool:
        """The party on a leg (its UUID, its seat's user or its number) presses keys; False when there is none."""
        self.clock.advance(now)
        leg = self.leg_at(who)
        return leg is not None and self.pressed(leg, keys)

    def phone_dials(self, user: str, digits: str, now: float) -> str:
        """A seat's phone calls us; the UUID of its leg, or nothing when it is refused."""
        self.clock.advance(now)
        leg = self.call_in(user, digits, seat=True)
        return leg.uuid if leg is not None else ""

    def outsider_dials(self, number: str, digits: str, now: float) -> str:
        """An outside phone calls us over a trunk; the UUID of its leg, or nothing when it is refused."""
        self.clock.advance(now)
        leg = self.call_in(number, digits, seat=False)
        return leg.uuid if leg is not None else ""

    def phone_hangs_up(self, who: str, now: float) -> bool:
        """The party on a leg hangs up, refuses, or gives its call up; False when there is none."""
        self.clock.advance(now)
        leg = self.leg_at(who)
        return leg is not None and self.hangs_up(leg)

    def phone_holds(self, who: str, now: float, on: bool = True) -> bool:
        """The phone's own hold button; False when there is no such leg, or nothing changes."""
        self.clock.advance(now)
        leg = self.leg_at(who)
        return leg is not None and self.button(leg, on)

    def phone_vanishes(self, who: str, now: float) -> bool:
        """The phone loses its power or its network; False when it has no answered leg."""
        self.clock.advance(now)
        leg = self.leg_at(who)
        return leg is not None and self.vanishes(leg)

    def heard(self, who: str) -> tuple[str, ...]:
        """What the party on a leg hears now: `leg:<uuid>` and `file:<path>`; nothing: silence, or no such leg."""
        leg = self.leg_at(who)
        return heard_by(leg) if leg is not None else ()

    # -- time and accounts -------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """When something happens next by itself; None when nothing will."""
        return self.clock.next_due()

    def advance(self, now: float) -> None:
        """Let the time pass until `now`; everything due happens, each at its own moment."""
        self.clock.advance(now)

    def audit_report(self, legs: bool = True) -> dict[str, Any]:
        """What the world saw so far (`Audit.report`): INVITEs, results, and what each answered party
        heard.
        """
        return self.audit.report(list(self.legs.values()), self.clock.now, legs)

    @property
    def channels(self) -> int:
        """How many channels exist."""
        return len(self.legs)

    def restart(self, now: float) -> None:
        """The switch crashes and comes back: every channel and pending job is gone without an event."""
        self.clock.advance(now)
        self.clock.clear()
        for leg in self.legs.values():
            leg.by = leg.by or "crash"
            leg.hears(None, self.clock.now)
            self.audit.ended(leg, self.clock.now)
        self.legs.clear()
        self.holders.clear()
        self._events.clear()
        self._sequence = 0
        self.started_s = self.clock.now
        self.sessions = self.sessions_peak = self.rate_peak = self.rate_last = 0
        self.paused = self.down = False
        self.node = self.node._replace(core_uuid=self.new_uuid())
        self._start_heartbeat()

    def shutdown(self, now: float) -> None:
        """A clean shutdown: SHUTDOWN, then every channel ends with SYSTEM_SHUTDOWN; new calls are refused."""
        self.clock.advance(now)
        self.go_down()
