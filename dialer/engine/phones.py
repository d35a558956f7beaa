"""Phones that call us: logging in by agent number and PIN, and what becomes of the leg.

Owns the sessions: a leg that called, from the first event until it is an agent's line, a supervisor's, or gone. Every
step ends by itself. Who may log in where is decided here; the agent's states are ``agents``', what supervisors do is
``supervision``'s. Must not know PINs: the store checks them, and counts the wrong ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from dialer.domain.agent import AgentState, Line
from dialer.domain.commands import HangUp
from dialer.domain.events import LegHungUp, LegParked
from dialer.domain.phones import CheckPin, EndLater, EndNotLater, KeyPressed, PhoneCalled, PinChecked, TakeLeg
from dialer.domain.settings import SeatMode, SeatSettings
from dialer.engine.live import Agent, Live
from dialer.engine.phone_records import Session, Step
from dialer.engine.speaking import Voice
from dialer.engine.watch_legs import SUPERVISING
from freeswitch.sounds import words

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk

TAKE_S: Final = 2.0
"""How soon a taken leg must have parked; asked once more, then let go: the switch's own wait ends at 5 s."""
CHECK_S: Final = 5.0
LAST_WORDS_S: Final = 3.0
"""How long after its last words a leg may still be there before it is hung up by command."""
LONGEST: Final = 20
UNTENDED_S: Final = 60.0
"""So much longer than twice an entry the switch lets a phone key in number and PIN. Then it says that we are not
available and hangs up by itself: a dialer that was killed leaves nobody in silence.
"""
SPARE_S: Final = 15.0
"""So long before that we end the call ourselves."""
OUTSIDE: Final = "outside"
_BUSY: Final = frozenset({AgentState.RESERVED, AgentState.TALKING})
_AT_WORK: Final = frozenset({AgentState.READY, AgentState.PREVIEWING, AgentState.WRAP_UP})
_ASKED: Final = {Step.NUMBER: "enter-agent-number", Step.PIN: "enter-pin"}


class Supervisors(Protocol):
    """What is needed of the supervision desk."""

    def may(self, name: str, agent: Agent | None = None) -> str | None:
        """Why this person may not supervise, or None."""

    def begin(self, uuid: str, node: str, supervisor: str) -> None:
        """Take over a parked leg, already counted among the node's, whose party is ``supervisor``."""


class PhoneDesk:
    """Talks with phones that called us."""

    def __init__(self, live: Live, voice: Voice) -> None:
        self.live = live
        self.voice = voice
        self.agents: AgentDesk
        self.supervisors: Supervisors

    # ---- what the switch says ------------------------------------------------------------------------------

    def called(self, event: PhoneCalled) -> None:
        """A phone dialed one of our codes and waits."""
        live = self.live
        node = live.nodes.get(event.node)
        if node is None:
            live.odd("node", f"a phone's call from switch {event.node}, which is not configured")
            return
        if live.others(event.instance):
            live.counters["others_phones_called"] += 1
            live.note("info", "others_phone", f"a phone's call is for dialer {event.instance}, says the dialplan")
            return
        if event.uuid in live.sessions or event.uuid in live.legs or event.uuid in live.watches:
            live.odd("phone_called", "a phone's call that is known already")
            return
        if live.draining or not live.store_ok:
            live.counters["phones_turned_away"] += 1
            return  # the switch itself says that we are not available, and hangs up
        session = Session(event.uuid, event.node, event.seat, live.now)
        codes = live.settings.phones
        fitting = [each for each in (codes.login_code, codes.supervise_code) if event.dialed.startswith(each)]
        code = max(fitting, key=len, default="")
        if not code:
            session.farewell = ("unknown-code",)
        session.supervises = code == codes.supervise_code
        session.agent = "".join(key for key in event.dialed[len(code) :] if key.isdecimal())[:LONGEST]
        live.sessions[event.uuid] = session
        node.legs += 1
        live.counters["phones_called"] += 1
        self._take(session)
        bound_s = UNTENDED_S + 2 * codes.entry_limit_s
        session.ends_at = live.now + bound_s - SPARE_S
        if node.up:
            live.emit(EndLater(session.node, session.uuid, bound_s, ("dialer-not-available",), codes.language))

    def _take(self, session: Session) -> None:
        if self.live.nodes[session.node].up:
            self.live.emit(TakeLeg(session.node, session.uuid))
        self._limit(session, TAKE_S)

    def parked(self, event: LegParked) -> bool:
        """CHANNEL_PARK of a phone's leg; False when it is none of ours."""
        session = self.live.sessions.get(event.uuid)
        if session is not None:
            self.seen_parked(session)
        return session is not None

    def seen_parked(self, session: Session) -> None:
        """The leg is ours now: ask for what is missing."""
        if session.step is not Step.TAKING:
            return
        session.tries = 0
        if session.farewell:
            self._end(session, *session.farewell)
        elif session.agent:
            self._number(session, session.agent)
        else:
            self._ask(session, Step.NUMBER)

    def hung_up(self, event: LegHungUp) -> bool:
        """The phone hung up; False when the leg is none of ours."""
        session = self.live.sessions.get(event.uuid)
        if session is not None:
            self.gone(session)
        return session is not None

    def refused(self, uuid: str) -> None:
        """A command on the leg was refused: taking one that is gone already."""
        session = self.live.sessions.get(uuid)
        if session is not None and session.step is Step.TAKING:
            self._hang_up(session)

    def gone(self, session: Session) -> None:
        """The leg is no longer on the switch."""
        if self._forget(session):
            self.live.nodes[session.node].legs -= 1

    def _forget(self, session: Session) -> bool:
        live = self.live
        self.voice.forget(session.uuid)
        live.timers.cancel(("session", "limit", session.uuid))
        return live.sessions.pop(session.uuid, None) is not None

    # ---- keys ----------------------------------------------------------------------------------------------

    def pressed(self, event: KeyPressed) -> bool:
        """A key on a phone's leg; False when the leg is none of ours."""
        session = self.live.sessions.get(event.uuid)
        if session is None:
            return False
        if session.step not in _ASKED:
            return True
        self.voice.hush(session.node, session.uuid)
        if event.key == "#":
            self._entered(session)
        elif event.key == "*":
            self._back(session)
        elif event.key.isdecimal() and len(session.digits) < LONGEST:
            session.digits += event.key
            self._limit(session, self.live.settings.phones.digit_gap_s)
        return True

    def _back(self, session: Session) -> None:
        """Entry anew; from an empty PIN back to the number, from an empty number out."""
        if session.digits:
            self._ask(session, session.step)
        elif session.step is Step.PIN:
            self._ask(session, Step.NUMBER)
        else:
            self._end(session, "cancelled")

    def over(self, uuid: str) -> None:
        """The time of a step is over."""
        session = self.live.sessions.get(uuid)
        if session is None:
            return
        if session.step is Step.TAKING:
            session.tries += 1
            if session.tries > 1:
                self._hang_up(session)
            else:
                self._take(session)
        elif session.step is Step.CHECKING:
            self._end(session, "error")
        elif session.step is Step.LEAVING:
            self._hang_up(session)
        elif self.live.now >= session.ends_at:
            self._end(session, "no-input", "goodbye")
        else:
            self._entered(session)

    def _entered(self, session: Session) -> None:
        digits, session.digits = session.digits, ""
        if not digits:
            session.silences += 1
            if session.silences > 1:
                self._end(session, "no-input")
            else:
                self._ask(session, session.step, "no-input")
        elif session.step is Step.NUMBER:
            self._number(session, digits)
        else:
            session.step = Step.CHECKING
            self._limit(session, CHECK_S)
            lock_after = self.live.settings.phones.lock_after
            self.live.emit(CheckPin(session.uuid, session.agent, digits, self.live.now, lock_after))

    def _number(self, session: Session, digits: str) -> None:
        if digits in self.live.agents:
            session.agent = digits
            self._ask(session, Step.PIN)
        else:
            self._wrong(session, Step.NUMBER, "wrong-agent")

    def _wrong(self, session: Session, step: Step, *prompts: str) -> None:
        session.tries += 1
        if session.tries >= self.live.settings.phones.tries:
            self.live.counters["phone_logins_given_up"] += 1
            self._end(session, *prompts, "goodbye")
        else:
            self._ask(session, step, *prompts)

    def _ask(self, session: Session, step: Step, *before: str) -> None:
        session.step, session.digits = step, ""
        lasts = self.voice.say(session.node, session.uuid, *before, _ASKED[step])
        self._limit(session, lasts + self.live.settings.phones.entry_limit_s)

    def _limit(self, session: Session, seconds: float) -> None:
        due = self.live.now + seconds
        if session.step in _ASKED:
            due = max(self.live.now, min(due, session.ends_at))
        self.live.timers.set(("session", "limit", session.uuid), due)

    # ---- logging in ----------------------------------------------------------------------------------------

    def pin_checked(self, event: PinChecked) -> None:
        """The store's word on a PIN."""
        live = self.live
        session = live.sessions.get(event.session)
        if session is None or session.step is not Step.CHECKING or session.agent != event.agent:
            live.odd("pin_checked", "a PIN's answer that nobody waits for")
        elif event.problem:
            live.note("warning", "pin_unchecked", f"agent {event.agent} cannot log in: {event.problem}")
            self._end(session, "error")
        elif event.locked_s > 0:
            live.note("warning", "pin_locked", f"agent {event.agent} is locked out for {event.locked_s:.0f} s more")
            self._end(session, *words.locked_out(event.locked_s))
        elif not event.ok:
            live.counters["pins_wrong"] += 1
            self._wrong(session, Step.PIN, "wrong-pin")
        elif session.supervises:
            self._supervise(session)
        else:
            self._log_in(session, live.agents[session.agent])

    def _supervise(self, session: Session) -> None:
        problem = self.supervisors.may(session.agent)
        if problem is not None:
            self.live.note("warning", "supervision_refused", problem)
            self._end(session, "not-allowed")
            return
        self.keep(session.node, session.uuid)
        self._forget(session)  # the node's legs still count it, for the supervisor
        self.supervisors.begin(session.uuid, session.node, session.agent)

    def _log_in(self, session: Session, agent: Agent) -> None:
        live = self.live
        name, seat = agent.settings.agent, self._seat(session)
        sitting = self._sitting(seat, agent)
        if live.draining:
            self._end(session, "dialer-not-available")
        elif agent.state in _BUSY or agent.call is not None or agent.party is not None:
            self._end(session, "already-logged-in", "not-now")
        elif sitting is not None and _is_there(sitting):
            live.note("info", "seat_taken", f"agent {name}: seat {seat.seat} is taken by {sitting.settings.agent}")
            self._end(session, "seat-taken", *words.agent(sitting.settings.agent))
        else:
            if sitting is not None:
                self.agents.leave(sitting, f"agent {name} has logged in at this phone")
            self._sit_down(session, agent, seat)

    def _sit_down(self, session: Session, agent: Agent, seat: SeatSettings) -> None:
        live = self.live
        moves = agent.state is not AgentState.LOGGED_OUT
        ready = moves and _wants_customers(agent)
        reason = agent.reason if agent.state is AgentState.PAUSED else "login"
        if moves:
            self.part(agent, "logged-in-elsewhere")
            self.agents.leave(agent, "moved to another phone")
        if reason == SUPERVISING and not any(w.supervisor == agent.settings.agent for w in live.watches.values()):
            ready, reason = True, "login"  # that has ended with the line that they left
        agent.seat = seat
        said = "logged-in-moved" if moves else "logged-in"
        live.counters["phone_logins"] += 1
        if seat.mode is SeatMode.ON_CALL:
            self.agents.login(agent, ready=ready, reason=reason)
            self._end(session, said)
            return
        self.keep(session.node, session.uuid)
        self.gone(session)
        self.agents.login_on(agent, session.uuid, session.node, ready=ready, reason=reason)
        self.voice.tell(agent, said)

    def keep(self, node: str, uuid: str) -> None:
        """The leg is somebody's line from now on, without a bound."""
        if self.live.nodes[node].up:
            self.live.emit(EndNotLater(node, uuid))

    def _seat(self, session: Session) -> SeatSettings:
        """Where the phone stands: a seat of the configuration, or one of its own for as long as this leg lives."""
        known = self.live.settings.seats.get(session.seat)
        if known is not None:
            return known
        return outside(session.seat or f"{OUTSIDE}-{session.uuid[:8]}")

    def _sitting(self, seat: SeatSettings, agent: Agent) -> Agent | None:
        others = (other for other in self.live.agents.values() if other is not agent)
        logged_in = (other for other in others if other.state is not AgentState.LOGGED_OUT)
        return next((other for other in logged_in if other.seat.seat == seat.seat), None)

    # ---- the end -------------------------------------------------------------------------------------------

    def part(self, agent: Agent, *prompts: str) -> None:
        """Take an idle agent's open line from them with some last words; nothing when there is none that is parked."""
        live = self.live
        uuid, node = self.agents.part(agent)
        if uuid is not None:
            session = live.sessions[uuid] = Session(uuid, node, agent.seat.seat, live.now)
            live.nodes[node].legs += 1
            self._end(session, *prompts)

    def _end(self, session: Session, *prompts: str) -> None:
        session.step, session.digits = Step.LEAVING, ""
        self._limit(session, self.voice.farewell(session.node, session.uuid, *prompts) + LAST_WORDS_S)

    def _hang_up(self, session: Session) -> None:
        """The leg should be gone and is not, as far as we know: its hangup event will find nobody."""
        if self.live.nodes[session.node].up:
            self.live.emit(HangUp(session.node, session.uuid, "NORMAL_CLEARING"))
        self.gone(session)


def outside(name: str) -> SeatSettings:
    """A seat that is where a phone calls from: it cannot be rung."""
    return SeatSettings(name, "", SeatMode.NAILED_UP)


def _is_there(agent: Agent) -> bool:
    """Whether an agent is at the seat, as far as a dialer can see: an open line, or a phone that is rung only when
    needed and was not lost.
    """
    if agent.leg is not None and agent.line is not Line.DIALING:
        return True
    return not agent.nailed_up and agent.state is not AgentState.UNAVAILABLE


def _wants_customers(agent: Agent) -> bool:
    if agent.after_call is not None:
        return False
    return agent.state in _AT_WORK or (
        agent.state in (AgentState.CONNECTING, AgentState.UNAVAILABLE) and agent.want_ready
    )
