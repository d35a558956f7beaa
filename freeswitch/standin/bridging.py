"""Joining two legs: uuid_bridge with its delays and races, the end of a bridge, park and transfer of a
bridged leg.

Modelled as measured: `+OK` at once; both legs leave what they do within 25 ms; CHANNEL_BRIDGE once, on the
leg named first, 43-64 ms after the command.  A leg that dies before that leaves the other one dead, parked
again, or in limbo (`Timing.limbo_probability`, `agent_lost_probability`); a leg that still rings kills both.
A bridge to a leg that is bridged or being bridged steals it: its partner parks, transfers or hangs up by its
own variables.

A leg held by command is taken back by a new bridge or a transfer (from the source); the hold of a phone's own
button is forgotten then without an event, but for the one that its partner's leaving makes (measured).  A leg
that hangs up while it holds its partner takes the partner with it, whatever that one's variables say (from the
source).

Left out: bridges inside a dialplan (the `bridge` application).
"""

from __future__ import annotations

from freeswitch.standin.apps import Apps
from freeswitch.standin.channel import BY_COMMAND, STATE_NUMBER, Bridge, Doing, Heard, Leg
from freeswitch.standin.dialstring import clean, split_arguments
from freeswitch.standin.events import OtherLeg


class Bridging(Apps):
    """Apps plus bridges."""

    def unhold(self, leg: Leg) -> bool:
        """Take a held leg back.  Given by the layers above."""
        raise NotImplementedError

    def forget_hold(self, leg: Leg) -> None:
        """A held leg is so no longer, and nothing says so.  Given by the layers above."""
        raise NotImplementedError

    def play_hold_music(self, leg: Leg) -> None:
        """The partner of a holding leg hears its music.  Given by the layers above."""
        raise NotImplementedError

    # -- making a bridge ---------------------------------------------------------------------------

    def bridge(self, a: Leg, b: Leg) -> None:
        """uuid_bridge of two living legs, already answered to the caller with +OK."""
        joining = Bridge(a, b)
        for leg in (a, b):
            self._abandon_joining(leg)
            if leg.held == BY_COMMAND:
                self.unhold(leg)
            leg.joining = joining
        for leg, other, role in ((a, b, "originatee"), (b, a, "originator")):
            leg.other = OtherLeg(role, other.identity, other.times)
            leg.inbound_like = True
            leg.profile_index += 1
            leg.times = leg.times._replace(profile_created=self.clock.micros())
            leg.state_number = STATE_NUMBER["CS_HIBERNATE"]
            leg.put(
                bridge_channel=other.identity.name,
                bridge_uuid=other.uuid,
                signal_bond=other.uuid,
            )
        joining.timer = self.clock.at(
            self.after(self.timing.bridge_leave), self._leave_for_bridge, joining, self.clock.now
        )

    def _leave_for_bridge(self, joining: Bridge, asked: float) -> None:
        a, b = joining.a, joining.b
        if any(leg.alive and not leg.ready for leg in (a, b)):
            self._ruin_ringing(joining)
            return
        # Whoever is in no bridge is away first: what it listens to ends before its target parks.
        for leg in (a, b) if b.bridge is not None else (b, a) if a.bridge is not None else (a, b):
            if leg.alive:
                # The leg named second is woken by the first: without that one it stays at CS_RESET.
                self._leave_bridge_or_app(leg, woken=leg is a or a.alive)
        if a.alive and b.alive:
            due = max(self.after(self.timing.bridge_join) - self.clock.now + asked, self.clock.now)
            joining.timer = self.clock.at(due, self._join, joining)
        else:
            joining.timer = None
            self._settle_race(joining, a if a.alive else b)

    def _leave_bridge_or_app(self, leg: Leg, woken: bool = True) -> None:
        if leg.doing is Doing.BRIDGED:
            second = leg.bridge is not None and leg is leg.bridge.b
            self._part(leg)
            if second:
                self.enter(leg, "CS_HIBERNATE")
        else:
            if leg.doing is Doing.DIALING:
                # Answered a moment ago, its originate has not come back yet: it succeeds, its steps are never
                # begun.
                self.originate_done(leg)
            self.leave_app(leg)
            self.forget_hold(leg)
            self.enter(leg, "CS_HIBERNATE")
        leg.queue.clear()  # sounds asked for before the bridge are never played (measured)
        leg.doing = Doing.JOINING
        self.hear(leg, Heard.SILENCE)
        self.enter(leg, "CS_RESET")
        if woken:
            self.enter(leg, "CS_SOFT_EXECUTE")
        else:
            leg.state = "CS_SOFT_EXECUTE"

    def _join(self, joining: Bridge) -> None:
        a, b = joining.a, joining.b
        joining.timer = None
        if not (a.alive and b.alive):
            # The dead one's own end settles the race.
            return
        now, micros = self.clock.now, self.clock.micros()
        joining.joined = True
        for leg in (a, b):
            leg.joining = None
            leg.bridge = joining
            leg.doing = Doing.BRIDGED
            leg.app = "uuid_bridge"
            leg.app_data = joining.partner(leg).uuid
            leg.filtered = leg.flag("bridge_filter_dtmf")
            leg.times = leg.times._replace(bridged=micros)
        b.call_uuid = a.uuid
        self._execute(a)
        self._execute(b)
        ends = {"Bridge-A-Unique-ID": a.uuid, "Bridge-B-Unique-ID": b.uuid}
        self.emit("CHANNEL_BRIDGE", a, front=ends)
        self.enter(b, "CS_EXCHANGE_MEDIA")
        for owner in [bug.owner for leg in (a, b) for bug in leg.bugs if bug.owner is not None]:
            self.emit("CALL_UPDATE", owner, front={"Direction": "SEND"})
        for leg in (a, b):
            other = joining.partner(leg)
            leg.put(bridge_to=other.uuid, last_bridge_to=other.uuid)
            self.emit("CALL_UPDATE", leg, front={"Direction": "SEND", "Bridged-To": other.uuid})
            leg.hears(Heard.PARTY, now)
            self._talk(leg)
            self._pump_soon(leg)
            if leg.held:
                self.play_hold_music(leg)  # held while it was being joined
        self.note_hearing(a)

    def _ruin_ringing(self, joining: Bridge) -> None:
        """A leg of the two still rings: both calls die, as measured."""
        joining.timer = None
        for leg in (joining.b, joining.a):
            if not leg.alive:
                continue
            if leg.ready:
                self._leave_bridge_or_app(leg)
            else:
                self.enter(leg, "CS_HIBERNATE")
                self.enter(leg, "CS_RESET")
                waiting, leg.on_final = leg.on_final, None
                if waiting is not None:
                    waiting("-ERR ORIGINATOR_CANCEL\n")
                self.enter(leg, "CS_SOFT_EXECUTE")
                leg.doing = Doing.JOINING
        for leg in (joining.b, joining.a):
            leg.joining = None
            answered = leg.moment_answered is not None
            self.hang_up(leg, "ORIGINATOR_CANCEL" if answered else "DESTINATION_OUT_OF_ORDER", "race")

    def _settle_race(self, joining: Bridge, survivor: Leg) -> None:
        """One of two legs died before the bridge stood: what becomes of the other."""
        first = survivor is joining.a
        for leg in (joining.a, joining.b):
            if leg.joining is joining:
                leg.joining = None
        if not survivor.alive:
            return
        draw = self.rng.random()
        if first and draw < self.timing.agent_lost_probability:
            self.hang_up(survivor, "ORIGINATOR_CANCEL", "race")
        elif not first and draw < self.timing.limbo_probability:
            survivor.doing = Doing.LIMBO
            survivor.app = "park"
            survivor.app_data = ""
        else:
            self._after_bridge(survivor, first)

    def _abandon_joining(self, leg: Leg) -> None:
        """A newer command takes a leg out of a bridge that did not stand yet: its intended partner is
        dropped.
        """
        joining = leg.joining
        if joining is None:
            return
        if joining.timer is not None:
            joining.timer.cancel()
        other = joining.partner(leg)
        leg.joining = other.joining = None
        orphaned = other.doing is Doing.BRIDGED and other.bridge is None
        if other.alive and (other.doing is Doing.JOINING or orphaned):
            self._after_bridge(other, other is joining.a)

    # -- the end of a bridge -----------------------------------------------------------------------

    def _part(self, leg: Leg) -> None:
        """`leg` leaves its bridge; its partner goes where its variables say."""
        bridge = leg.bridge
        if bridge is None:
            return
        other = bridge.partner(leg)
        for each in (leg, other):
            self.end_overlay(each, "FILE PLAYED", "break")
        leg.bridge = other.bridge = None
        for each in (leg, other):
            self.drop_hold(each)
            self.note_hearing(each)
            self._stop_talk(each)
            each.drop("bridge_to")
            each.put(last_bridge_role="originator" if each is bridge.a else "originatee")
            each.call_uuid = each.uuid
        dropped = leg in self.holders and not leg.alive
        self.holders -= {leg, other}
        if leg is bridge.a:
            if other.alive:
                self._after_bridge(other, False, dropped)
            self._unbridge(bridge)
        else:
            self._unbridge(bridge)
            if other.alive:
                self._after_bridge(other, True, dropped)

    def _unbridge(self, bridge: Bridge) -> None:
        ends = {"Bridge-A-Unique-ID": bridge.a.uuid, "Bridge-B-Unique-ID": bridge.b.uuid}
        self.emit("CHANNEL_UNBRIDGE", bridge.a, front=ends)

    def _after_bridge(self, leg: Leg, was_first: bool, dropped: bool = False) -> None:
        """Where a leg goes when its partner left: park > transfer > hangup, by its variables; `dropped`: it was on
        hold when its partner hung up.
        """
        if leg.joining is not None and leg.joining.timer is not None:
            # It is being taken elsewhere at this moment; the other bridge decides.
            return
        transfer = leg.variables.get("transfer_after_bridge", "")
        if dropped:
            leg.doing = Doing.ENDING
            self.hang_up_at_once(leg, "NORMAL_CLEARING", "bridge")
        elif leg.flag("park_after_bridge"):
            self.park_again(leg)
            self._wait(leg)
        elif transfer:
            # `<extension>:<dialplan>[:<context>]`; the extension of an inline dialplan holds colons itself.
            inline = transfer.endswith(":inline")
            parts = [transfer.removesuffix(":inline"), "inline"] if inline else split_arguments(transfer, ":")
            steps = self.steps_for(leg, clean(parts[0]), *parts[1:3])
            self.hear(leg, Heard.SILENCE)
            self._wait(leg)
            self.run(leg, steps, routed=True)
        else:
            if was_first and not leg.flag("hangup_after_bridge"):
                self.enter(leg, "CS_EXECUTE")
            # The leg is out of every application now: only its own end is left to tell.
            leg.doing = Doing.ENDING
            self.hang_up_at_once(leg, "NORMAL_CLEARING", "bridge")

    def _wind_down(self, leg: Leg) -> None:
        self.end_bugs(leg)
        self._wind_down_calls(leg)
        self.holders.discard(leg)

    def end_recordings(self, leg: Leg) -> None:
        super().end_recordings(leg)
        for bug in list(leg.bugs):
            self.remove_bug(bug)

    def _wind_down_calls(self, leg: Leg) -> None:
        joining = leg.joining
        if joining is not None:
            other = joining.partner(leg)
            self._leave_before_end(leg)
            if joining.timer is None or leg.doing is Doing.JOINING:
                if joining.timer is not None:
                    joining.timer.cancel()
                    joining.timer = None
                self._settle_race(joining, other)
            return
        self._leave_before_end(leg)

    def _leave_before_end(self, leg: Leg) -> None:
        if leg.doing is Doing.BRIDGED:
            bridge = leg.bridge
            if bridge is not None and leg is bridge.b and not bridge.a.alive:
                # Both are ending: the first-named leg's own end tells UNBRIDGE.
                return
            self._part(leg)
        elif leg.doing is not Doing.JOINING:
            self.leave_app(leg)

    # -- commands on a leg -------------------------------------------------------------------------

    def park(self, leg: Leg) -> None:
        """uuid_park: harmless on a parked leg, cures limbo, takes a leg out of its bridge or its dialplan."""
        if (
            leg.doing is Doing.DIALING
            or leg.doing is Doing.PARKED
            or (leg.doing is Doing.RUNNING and leg.app == "park")
        ):
            return
        self.clock.at(self.after(self.timing.interrupt), self._interrupt, leg, None)

    def transfer(self, leg: Leg, extension: str, dialplan: str = "XML", context: str = "") -> None:
        """uuid_transfer of a living leg."""
        if leg.doing is not Doing.DIALING:
            if leg.held == BY_COMMAND:
                self.unhold(leg)
            steps = self.steps_for(leg, extension, dialplan, context)
            leg.other = None
            leg.profile_index += 1
            self.clock.at(self.after(self.timing.interrupt), self._interrupt, leg, steps)

    def _interrupt(self, leg: Leg, steps: tuple[tuple[str, str], ...] | None) -> None:
        """Take the leg out of whatever it does, then park it (no steps given) or run the steps."""
        if not leg.alive:
            return
        self._abandon_joining(leg)
        if not leg.alive:
            return
        if leg.doing is Doing.BRIDGED:
            self._part(leg)
        elif leg.doing in (Doing.RUNNING, Doing.PARKED):
            self.leave_app(leg)
        self.forget_hold(leg)
        self._wait(leg)
        if steps is None:
            self.park_again(leg)
        else:
            self.hear(leg, Heard.SILENCE)
            self.run(leg, steps, routed=True)

    # -- the callee behind the leg -----------------------------------------------------------------

    def _talk(self, leg: Leg) -> None:
        """The callee has somebody to talk to: it stays for its conversation."""
        if leg.plan is None:
            return
        self._far_in(leg, leg.talk_left_s)

    def _stop_talk(self, leg: Leg) -> None:
        if leg.plan is None or leg.far_timer is None or leg.talk_left_s is None:
            return
        if leg.far_timer.callback is not None:
            leg.talk_left_s = max(0.0, leg.far_timer.due - self.clock.now)

    def _wait(self, leg: Leg) -> None:
        """The callee is alone on the line: its patience runs (again)."""
        if leg.plan is not None:
            self._far_in(leg, leg.plan.patience_s)

    def _far_in(self, leg: Leg, seconds: float | None) -> None:
        """The callee will hang up after `seconds` (None: not by itself), or earlier by its `hangup_s`."""
        if leg.far_timer is not None:
            leg.far_timer.cancel()
            leg.far_timer = None
        plan = leg.plan
        if plan is None:
            return
        due = None if seconds is None else self.clock.now + seconds
        if plan.hangup_s is not None and leg.moment_answered is not None:
            fixed = leg.moment_answered + plan.hangup_s
            due = fixed if due is None else min(due, fixed)
        if due is not None and leg.alive:
            leg.far_timer = self.clock.at(due, self.far_end_hung_up, leg, "callee")
