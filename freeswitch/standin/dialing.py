"""originate: admission, the far side's plan played out, timeouts, and what the leg does once it is up.

Owns everything between the command and the answer.  Like the real one, `originate_timeout` runs on a
whole-second clock, a duplicate UUID or an exhausted limit leaves no channel event at all, and without
`ignore_early_media` a 183 lets the originate succeed before the answer.  `progress_timeout` ends a call
without 180 or 183 with PROGRESS_TIMEOUT (from the real one's documentation, not measured).

What a leg does at its 183 and its answer: `execute_on_pre_answer`, `execute_on_media` and `execute_on_answer` with
`set`, `multiset` and `sched_hangup`, `api_on_answer…` with `sched_del` and `uuid_break`.

Left out: `originate_retries`, `leg_timeout`, several legs, all other `execute_on_*` and `api_on_*`; such variables
are kept and shown only.
"""

from __future__ import annotations

from freeswitch.standin.apps import SETTERS, set_by
from freeswitch.standin.causes import known_cause
from freeswitch.standin.channel import Doing, Leg, Reply
from freeswitch.standin.dialstring import DialStringError, OriginateRequest, parse_originate
from freeswitch.standin.events import Identity
from freeswitch.standin.keys import Keys
from freeswitch.standin.world import BUSY, CallPlan, PhonePlan

DEFAULT_TIMEOUT_S = 60


class Dialing(Keys):
    """Keys and what is below plus originate."""

    def originate(self, argument: str, reply: Reply) -> None:
        """Start an originate; `reply` gets `+OK <uuid>` or `-ERR <cause>` when it is decided, once."""
        try:
            request = parse_originate(argument)
        except DialStringError as error:
            reply(f"-ERR {error}\n" if not str(error).startswith("USAGE") else f"-USAGE: {str(error)[7:]}\n")
            return
        variables, endpoint = request.variables, request.endpoint
        self.audit.originates += 1
        wanted = variables.get("origination_uuid", "")
        if wanted and wanted in self.legs:
            self.audit.refused["duplicate-uuid"] += 1
            reply("-ERR DESTINATION_OUT_OF_ORDER\n")
            return
        phone: PhonePlan | None = None
        call: CallPlan | None = None
        if endpoint.is_phone:
            phone = self.world.plan_phone(endpoint.dialstring, self.clock.now)
            if not phone.registered:
                self.audit.refused["unregistered"] += 1
                reply("-ERR USER_NOT_REGISTERED\n")
                return
            if self._engaged(endpoint.number):
                phone = PhonePlan(sip_status=BUSY, final_s=phone.ring_s or 0.01, ring_s=None)
        if not self.admit():
            reply("-ERR DESTINATION_OUT_OF_ORDER\n")
            return
        uuid = wanted or self.new_uuid()
        if not endpoint.is_phone:
            if not self.world.gateway_exists(endpoint.gateway) and endpoint.profile != endpoint.gateway:
                self._unknown_gateway(uuid)
                reply("-ERR INVALID_GATEWAY\n")
                return
            call = self.world.plan_call(endpoint.gateway, endpoint.number, self.clock.now)
        leg = Leg(self._identify(uuid, request), call, phone, self.clock.micros())
        leg.seat = endpoint.number if endpoint.is_phone else ""
        leg.put_all(variables)
        leg.put(originate_early_media="false" if leg.flag("ignore_early_media") else "true")
        self.legs[uuid] = leg
        if phone is not None:
            self.audit.phone_invites += 1
        elif call is not None and not call.unreachable:
            self.audit.invites += 1
        leg.on_final = reply
        self.begin(leg)
        self._play_out(leg, request)

    def _engaged(self, user: str) -> bool:
        """A phone that has a call takes no second one, unless its owner wants that."""
        if self.world.call_waits(user):
            return False
        return any(leg.seat == user and leg.alive for leg in self.legs.values())

    def _identify(self, uuid: str, request: OriginateRequest) -> Identity:
        variables, endpoint = request.variables, request.endpoint
        return Identity(
            uuid=uuid,
            session_id=self.sessions,
            name=endpoint.channel_name,
            number=endpoint.number,
            gateway="" if endpoint.is_phone or endpoint.gateway == endpoint.profile else endpoint.gateway,
            profile=endpoint.profile,
            caller_name=variables.get("origination_caller_id_name", ""),
            caller_number=variables.get("origination_caller_id_number", "0000000000"),
            presence_id=f"{endpoint.number}@{endpoint.domain}" if endpoint.domain else "",
            presence_data=variables.get("presence_data", ""),
            network_addr="127.0.0.1",
        )

    def _unknown_gateway(self, uuid: str) -> None:
        identity = Identity(uuid, self.sessions, "N/A", "", "", "", "", "", "", "", "")
        ghost = Leg(identity, None, None, self.clock.micros())
        ghost.state_number = 0
        self.audit.refused["unknown-gateway"] += 1
        self.emit("CHANNEL_DESTROY", ghost)
        ghost.state = "CS_DESTROY"
        self.emit("CHANNEL_STATE", ghost)

    # -- the far side ------------------------------------------------------------------------------

    def _play_out(self, leg: Leg, request: OriginateRequest) -> None:
        now, clock = self.clock.now, self.clock
        plan: CallPlan | PhonePlan | None = leg.plan or leg.phone
        if plan is None:
            return
        if leg.plan is not None and leg.plan.unreachable:
            self.refused(leg, leg.plan.sip_status, unreachable=True)
            return
        self._limits(leg)
        if plan.ring_s is not None and (plan.ring_s < plan.final_s or not plan.sip_status):
            clock.at(now + plan.ring_s, self._on_ringing, leg)
        early = leg.plan.early_media_s if leg.plan is not None else None
        if early is not None and (early < plan.final_s or not plan.sip_status):
            clock.at(now + early, self._on_early_media, leg, request)
        if plan.sip_status == 200:
            leg.far_timer = clock.at(now + plan.final_s, self._on_answer, leg, request)
        elif plan.sip_status:
            leg.far_timer = clock.at(now + plan.final_s, self._on_refused, leg, plan.sip_status)

    def _limits(self, leg: Leg) -> None:
        timeout = _seconds(leg.variables.get("originate_timeout", ""), DEFAULT_TIMEOUT_S)
        leg.limit_timer = self.clock.at(self._whole_second(timeout), self._timed_out, leg, "NO_ANSWER")
        progress = _seconds(leg.variables.get("progress_timeout", ""), 0)
        if progress:
            leg.progress_timer = self.clock.at(
                self._whole_second(progress), self._timed_out, leg, "PROGRESS_TIMEOUT"
            )

    def _whole_second(self, seconds: int) -> float:
        """When a limit of so many seconds is seen to have passed by a clock that only knows whole seconds."""
        wall = self.clock.wall_s()
        return self.clock.now + (int(wall) + seconds - wall) + 0.01

    def _timed_out(self, leg: Leg, cause: str) -> None:
        if leg.alive and leg.doing is Doing.DIALING:
            self.hang_up(leg, cause, "limit")

    def _on_refused(self, leg: Leg, status: int) -> None:
        if leg.alive:
            self.refused(leg, status)

    def _on_ringing(self, leg: Leg) -> None:
        if leg.alive and leg.moment_answered is None and not leg.early and leg.doing is Doing.DIALING:
            self._progressed(leg)
            self.ringing(leg)

    def _on_early_media(self, leg: Leg, request: OriginateRequest) -> None:
        if not leg.alive or leg.moment_answered is not None or leg.doing is not Doing.DIALING:
            return
        self._progressed(leg)
        self.early_media(leg)
        self._execute_on(leg, "execute_on_pre_answer")
        self._execute_on(leg, "execute_on_media")
        if not leg.flag("ignore_early_media"):
            self._settle(leg, request)

    def _execute_on(self, leg: Leg, prefix: str) -> None:
        """Applications that are run by something that happens, not by the leg itself."""
        for value in [value for name, value in leg.variables.items() if name.startswith(prefix)]:
            app, _, data = value.partition(" ")
            if app in SETTERS:
                self._execute(leg, app, data)
                set_by(leg, app, data)
            elif app == "sched_hangup" and data:
                self._execute(leg, app, data)
                after, _, cause = data.partition(" ")
                due = self._whole_second(_seconds(after.removeprefix("+"), DEFAULT_TIMEOUT_S))
                leg.ring_limit = self.clock.at(due, self._overdue, leg, cause or "NORMAL_CLEARING")

    def _api_on_answer(self, leg: Leg) -> None:
        for value in [value for name, value in leg.variables.items() if name.startswith("api_on_answer")]:
            if value == f"sched_del {leg.uuid}" and leg.ring_limit is not None:
                leg.ring_limit.cancel()
            elif value == f"uuid_break {leg.uuid}":
                self.break_playing(leg, False)

    def _overdue(self, leg: Leg, cause: str) -> None:
        """`sched_hangup`: answered or not."""
        if leg.alive:
            self.hang_up(leg, known_cause(cause), "limit")

    def _on_answer(self, leg: Leg, request: OriginateRequest) -> None:
        if not leg.alive:
            return
        leg.far_timer = None
        self._progressed(leg)
        waiting = leg.doing is Doing.DIALING
        self.answered(leg)
        self._execute_on(leg, "execute_on_answer")
        self._api_on_answer(leg)
        if leg.phone is not None:
            if leg.phone.drop_s is not None:
                leg.far_timer = self.clock.at(
                    self.clock.now + leg.phone.drop_s, self.far_end_hung_up, leg, "phone"
                )
        else:
            self._wait(leg)
            if leg.plan is not None and leg.plan.keys:
                self.press_later(leg, leg.plan.keys, leg.plan.keys_s)
        if waiting:
            if leg.phone is not None and "@" in leg.identity.name and leg.identity.presence_id:
                # Seen on `user/` legs only: the user endpoint announces its leg a second time.
                self.emit("CHANNEL_OUTGOING", leg)
            self.clock.at(self.after(self.timing.answer_to_reply), self._settle, leg, request)
        else:
            leg.put(endpoint_disposition="ANSWER")

    def _progressed(self, leg: Leg) -> None:
        if leg.progress_timer is not None:
            leg.progress_timer.cancel()

    def _settle(self, leg: Leg, request: OriginateRequest) -> None:
        """The originate succeeded: say so, and let the leg do what it was dialed for."""
        if not leg.alive or leg.doing is not Doing.DIALING:
            return
        self.originate_done(leg)
        self.run(leg, request.steps, routed=request.inline)


def _seconds(text: str, default: int) -> int:
    return min(int(text), 86_400) if text.isdecimal() and len(text) < 8 else default
