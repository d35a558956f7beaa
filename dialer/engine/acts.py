"""What an agent may do, by key or by API: one registry, one check whether it is possible now, one answer in words.

Owns the acts on the agent's own state and last call. Those with third parties, help and recording are other desks',
which register them. Must not read keys (``keys``) and must not choose what is said beyond the words of an answer.

An act's handler takes the agent and the argument, and returns None or what is wrong: a sentence for people, best as a
``Problem``, which knows the prompt that says so. ``done`` sets what is said when it went well.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dialer.domain.acts import ACTS, When
from dialer.domain.agent import AgentState, Line
from dialer.domain.call import CallState
from dialer.domain.commands import Reply
from dialer.domain.desk_records import AddDoNotCall, RequestCallback
from dialer.domain.phones import AgentAct, SendKeys
from dialer.engine.live import Agent, Call, Live
from dialer.leads.moments import LATEST_DAYS, in_days, next_time, zone_for
from dialer.leads.windows import open_in_all
from freeswitch.sounds import words

if TYPE_CHECKING:
    from dialer.engine.agents import AgentDesk
    from dialer.engine.calls import CallDesk
    from dialer.engine.orders import OrderDesk
    from dialer.engine.phones import PhoneDesk
    from dialer.engine.previews import PreviewDesk

EXTENSIONS: Final = 3
"""How often one wrap-up may be extended, each time by the campaign's own."""
NO_EXTENSION = "wrap-up cannot be extended any more"


class Problem(str):
    """What is wrong, in words, and the prompts that say so on a phone."""

    __slots__ = ("prompts",)
    prompts: tuple[str, ...]

    def __new__(cls, text: str, *prompts: str) -> Problem:
        """Without prompts it is said that this is not possible now."""
        problem = super().__new__(cls, text)
        problem.prompts = prompts or ("not-now",)
        return problem


Handler = Callable[[Agent, str], "str | None"]


def situation(agent: Agent) -> When:
    """In which situation an agent who is logged in presses keys."""
    if agent.party is not None:
        return When.CONSULTING
    if agent.state is AgentState.PREVIEWING:
        return When.PREVIEW
    if agent.state is AgentState.TALKING or agent.lent is not None or agent.own is not None:
        return When.TALKING
    return When.WRAP_UP if agent.state is AgentState.WRAP_UP else When.IDLE


class ActDesk:
    """Knows every act and carries it out."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.agents: AgentDesk
        self.calls: CallDesk
        self.orders: OrderDesk
        self.phones: PhoneDesk
        self.previews: PreviewDesk
        self.words: tuple[str, ...] = ()  # what the act at hand answers when it went well
        self._handlers: dict[str, Handler] = {}
        self.register("ready", self._ready)
        self.register("pause", self._pause)
        self.register("logout", self._logout)
        self.register("accept", lambda agent, _: self.previews.accept(agent))
        self.register("skip", lambda agent, _: self.previews.skip(agent))
        self.register("dispose", self._dispose)
        self.register("callback", self._callback)
        self.register("more_time", self._more_time)
        self.register("do_not_call", self._do_not_call)
        self.register("send_keys", self._send_keys)

    # ---- the registry --------------------------------------------------------------------------------------

    def register(self, name: str, handler: Handler) -> None:
        """Let ``handler`` carry out the act ``name``, in place of whoever did before."""
        self._handlers[name] = handler

    def done(self, *prompts: str) -> None:
        """What is to be said if the act at hand goes well, in place of its usual words; nothing: silence."""
        self.words = prompts

    def do(self, agent: Agent, name: str, argument: str = "") -> str | None:
        """Carry an act out, or say what is wrong. Afterwards ``words`` is what is to be said when it went well."""
        act, handler = ACTS.get(name), self._handlers.get(name)
        self.words = SAID.get(name, ())
        if act is None:
            return Problem(f"act {name!r}: expected one of {', '.join(ACTS)}", "unknown-code")
        if agent.state is AgentState.LOGGED_OUT:
            return Problem("the agent is not logged in", "not-logged-in")
        when = situation(agent)
        if when not in act.when:
            return Problem(f"{name} is not possible while the agent is {agent.state.value}", *NOT_THEN.get(name, ()))
        if handler is None:
            return Problem(f"{name} is not part of this installation")
        return handler(agent, argument)

    def order(self, event: AgentAct) -> None:
        """An act by API."""
        agent = self.live.agents.get(event.agent)
        if agent is None:
            problem: str | None = f"no agent {event.agent} in the configuration"
        else:
            problem = self.do(agent, event.act, event.argument)
        state = "" if agent is None else agent.state.value
        self.live.emit(Reply(event.request_id, problem is None, str(problem or f"agent {event.agent}: {state}")))

    def choices(self, agent: Agent, name: str) -> tuple[str, ...]:
        """The arguments that an act takes from keys, where only some mean something; empty: any digits do."""
        if name == "pause":
            return tuple(self.live.settings.phones.pause_reasons)
        if name == "dispose":
            codes = self.live.dispositions(agent.last_call)
            return (*(str(n) for n in range(1, len(codes) + 1)), *(code for code in codes if code.isdecimal()))
        return ()

    # ---- the agent's own state -----------------------------------------------------------------------------

    def _ready(self, agent: Agent, _: str) -> str | None:
        if agent.state is AgentState.READY:
            self.done("already-ready")
        else:
            self._last_words(agent, *self.words)
        return self.agents.ready(agent)

    def _pause(self, agent: Agent, argument: str) -> str | None:
        reasons = self.live.settings.phones.pause_reasons
        reason = reasons.get(argument, argument)
        if argument and reasons and reason not in reasons.values():
            known = ", ".join(f"{key} {text}" for key, text in reasons.items())
            return Problem(f"pause reason {argument!r}: expected one of {known}", "unknown-reason")
        problem = self.agents.pause(agent, reason)
        said = f"reason-{reason.lower().replace('_', '-').replace(' ', '-')}"
        why = (said,) if said in self.live.settings.phones.prompt_seconds else ()
        self.done("paused" if agent.after_call is None else "pause-after-call", *why)
        return problem

    def _logout(self, agent: Agent, _: str) -> str | None:
        if agent.state in (AgentState.TALKING, AgentState.RESERVED):
            self.done("logout-after-call")
        else:
            self.done()
            self.phones.part(agent, "logged-out")
        return self.agents.logout(agent, "logout")

    def _more_time(self, agent: Agent, _: str) -> str | None:
        live = self.live
        campaign = live.campaigns.get(agent.last_campaign or "")
        key = ("agent", "wrap", agent.settings.agent)
        due = live.timers.due(key)
        if campaign is None or due is None or agent.extended >= EXTENSIONS:
            return Problem(NO_EXTENSION, "wrap-up-limit")
        agent.extended += 1
        live.timers.set(key, due + campaign.settings.wrap_up_s)
        return None

    # ---- the last call -------------------------------------------------------------------------------------

    def _dispose(self, agent: Agent, argument: str) -> str | None:
        codes = self.live.dispositions(agent.last_call)
        code = argument
        if argument not in codes and argument.isdecimal() and 1 <= int(argument) <= len(codes):
            code = codes[int(argument) - 1]
        problem = self.orders.keep_disposition(agent, code) if code else "no disposition was given"
        if problem is not None:
            return Problem(problem, "no-call-to-dispose" if agent.last_attempt is None else "unknown-disposition")
        self._last_words(agent, f"disposition-{code.replace('_', '-')}", "disposition-saved")
        return None

    def _last_words(self, agent: Agent, *prompts: str) -> None:
        """What is said when an act went well; an on-call phone has heard all then, and is let go, unless the next lead
        is announced over it.
        """
        campaign = self.live.campaigns.get(agent.last_campaign or "")
        stays = agent.nailed_up or (campaign is not None and campaign.settings.preview_rings)
        if stays or agent.state is not AgentState.WRAP_UP or agent.line is not Line.PARKED:
            self.done(*prompts)
        else:
            self.done()
            self.phones.part(agent, *self.phones.voice.known(prompts))

    def _callback(self, agent: Agent, argument: str) -> str | None:
        live = self.live
        call = agent.last_call
        if agent.last_attempt is None or call is None:
            return Problem("the agent has had no customer yet", "no-call-to-dispose")
        campaign, zones = live.calls_back(call), call.lead.zones
        default = "UTC" if campaign is None else campaign.settings.windows.default_zone
        zone = zone_for(zones, default)
        now = datetime.fromtimestamp(live.now, zone)
        due = callback_time(argument, now)
        if due is None:
            return Problem("expected HHMM or DDHHMM, DD days from today, in the future", "invalid-time")
        moved: tuple[str, ...] = ()
        hours = None if campaign is None else open_in_all(campaign.settings.windows, zones, due.timestamp())
        if hours is not None and not hours.open:
            # What is promised must be kept: the agent hears for when it is, and may say another time.
            moved = ("time-outside-hours",)
            if hours.next_open_at is None:
                return Problem(hours.reason, *moved)
            due = datetime.fromtimestamp(hours.next_open_at, zone)
        name, rules = agent.settings.agent, None if campaign is None else campaign.settings.callbacks
        theirs = name if rules is not None and rules.own else ""
        live.emit(RequestCallback(agent.last_attempt, name, due.timestamp(), live.now, theirs, zone=zone.key))
        self.done(*moved, *words.callback_set(due, now.date()))
        return None

    def _do_not_call(self, agent: Agent, _: str) -> str | None:
        if agent.call is None and situation(agent) is When.TALKING:
            return Problem("no customer is on the line")  # a colleague is, or somebody whom the agent called
        attempt = agent.call.id if agent.call is not None else agent.last_attempt
        if attempt is None:
            return Problem("the agent has had no customer yet")
        self.live.emit(AddDoNotCall(attempt, agent.settings.agent, self.live.now))
        return None

    # ---- the call at hand ----------------------------------------------------------------------------------

    def _send_keys(self, agent: Agent, argument: str) -> str | None:
        call = connected(agent)
        if call is None or call.aside:
            return Problem("no customer is on the line")
        if not argument or not set(argument) <= set("0123456789*#"):
            return Problem("keys: expected digits, * and #", "no-input")
        if self.live.nodes[call.node].up:
            self.live.emit(SendKeys(call.node, call.id, argument))
        return None


SAID: Final = {
    "ready": ("ready",),
    "pause": ("paused",),
    "accept": ("dialing",),
    "skip": ("skipped",),
    "dial": ("dialing",),
    "redial": ("dialing",),
    "more_time": ("wrap-up-extended",),
    "transfer": ("transferring",),
    "consult": ("dialing",),
    "complete": ("transferred",),
    "help": ("help-requested",),
    "do_not_call": ("dnc-added",),
    "hang_up": (),
}
"""What is said when an act went well, unless its handler says otherwise."""
NOT_THEN: Final = {"dispose": ("no-call-to-dispose",), "accept": ("preview-none",), "skip": ("preview-none",)}
"""What is said of an act at the wrong moment, where there is something better than that it is not possible."""


def connected(agent: Agent) -> Call | None:
    """The customer whom the agent speaks with, or has set aside."""
    call = agent.call
    talks = agent.state is AgentState.TALKING and call is not None and call.state is CallState.CONNECTED
    return call if talks else None


def callback_time(digits: str, now: datetime) -> datetime | None:
    """When ``HHMM`` (the next time that it is so late) or ``DDHHMM`` (in DD days) is, or None if it is no such time.

    In ``now``'s zone; for days on which its clock changes see ``leads.moments``.
    """
    if not digits.isdecimal() or not digits.isascii() or len(digits) not in (4, 6):
        return None
    days = int(digits[:-4] or 0)
    hour, minute = int(digits[-4:-2]), int(digits[-2:])
    if hour > 23 or minute > 59 or days > LATEST_DAYS:
        return None
    zone, at = now.tzinfo or UTC, now.timestamp()
    due = next_time(hour, minute, zone, at) if len(digits) == 4 else in_days(days, hour, minute, zone, at)
    return datetime.fromtimestamp(due, zone) if due > at else None
