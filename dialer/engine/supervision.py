"""Supervisors: listening to an agent, whispering, barging in, taking a customer over, ending a call, answering help.

Owns what supervisors may do, by keypad and by API. Their legs are ``watch_legs``', agents' calls for help
``help_calls``'. While a leg listens the switch itself obeys the keys 0 (listen), 1 (speak to the customer alone),
2 (whisper), 3 (barge) and ``*`` (leave); the others are ours. Must not route customers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialer.domain.agent import AgentState, Line
from dialer.domain.call import CallState
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import KeyPressed, SetListening
from dialer.engine.acts import Problem
from dialer.engine.help_calls import HelpDesk
from dialer.engine.live import Agent, Call, Live, Watch
from dialer.engine.records import APART_S
from dialer.engine.watch_legs import JOIN_S, WatchLegs

if TYPE_CHECKING:
    from dialer.engine.recordings import RecordingDesk
    from dialer.engine.speaking import Voice

MODE_S: Final = 0.5
"""How long after a leg was told to listen it is told how: the switch obeys only once it listens."""
MODES: Final = {"0": "listen", "1": "customer", "2": "whisper", "3": "barge"}
MODE_OF: Final = {"listen": "listen", "whisper": "whisper", "barge": "barge", "conference": "barge"}
KEYS: Final = {"4": "takeover", "5": "hangup", "7": "previous", "8": "answer_help", "9": "next"}
LONGEST_NUMBER: Final = 12
SILENCES: Final = 2
"""So often a supervisor's line stays silent before it is let go."""
NO_CUSTOMER: Final = "the agent has no customer on the line"


class SupervisionDesk(WatchLegs):
    """Carries out what supervisors want of agents."""

    def __init__(self, live: Live, voice: Voice) -> None:
        super().__init__(live, voice)
        self.help = HelpDesk(self)
        self.recordings: RecordingDesk

    # ---- who may -------------------------------------------------------------------------------------------

    def may(self, name: str, agent: Agent | None = None) -> str | None:
        """Why this person may not supervise (that agent), or None."""
        live = self.live
        person = live.agents.get(name)
        if person is None:
            return f"no agent {name} in the configuration"
        if person.settings.role not in live.settings.phones.supervisor_roles:
            return f"agent {name} is no supervisor"
        if agent is not None and person.settings.team and agent.settings.team != person.settings.team:
            return f"agent {agent.settings.agent} is not in the team of supervisor {name}"
        return None

    def unheard(self, agent: Agent) -> str | None:
        """Why an agent cannot be listened to, or None."""
        if agent.leg is None or agent.line in (Line.NONE, Line.DIALING):
            return f"agent {agent.settings.agent} has no open line"
        if agent.leg in self.live.watches:
            return f"agent {agent.settings.agent} is supervising"
        return None

    # ---- orders --------------------------------------------------------------------------------------------

    def order(self, supervisor: str, act: str, name: str) -> str | None:
        """An order by API; what is wrong, or None. Without a line the supervisor's phone is rung first."""
        agent = self.live.agents.get(name) if name else None
        if name and agent is None:
            return f"no agent {name} in the configuration"
        problem = self.may(supervisor, agent)
        if problem is not None:
            return problem
        if act == "hangup" and agent is not None:
            return self._end(supervisor, agent)  # needs no ear on the line
        watch = self.of(supervisor)
        if watch is not None:
            return self.do(watch, act, agent)
        if act == "answer_help":
            agent = agent or self.help.oldest(supervisor)
            if agent is None or agent.settings.agent not in self.live.helps:
                return "nobody asks for help"
        if agent is not None and (act in MODE_OF or act == "answer_help"):
            return self.unheard(agent) or self.open_line(supervisor, agent, MODE_OF.get(act, "whisper"))
        return f"supervisor {supervisor} has no line: listen to an agent first"

    def do(self, watch: Watch, act: str, agent: Agent | None = None) -> str | None:
        """Carry an act out on the agent who is watched, or another; what is wrong, or None."""
        if act == "leave":
            return self._leave(watch)
        if watch.ringing:
            return f"the phone of supervisor {watch.supervisor} is ringing"
        if act in MODE_OF:
            return self._listen(watch, agent or watch.agent, MODE_OF[act])
        if act == "answer_help":
            return self._answer_help(watch, agent)
        if act in ("next", "previous"):
            return self._step(watch, 1 if act == "next" else -1)
        if act not in ("hangup", "takeover"):
            return f"{act}: expected listen, whisper, barge, conference, takeover, hangup, next, previous, leave"
        if act == "hangup" and agent is None and watch.call is not None:
            return self._hang_up(watch.supervisor, watch.call)
        target = agent or watch.agent
        if act == "hangup":
            return self._end(watch.supervisor, target)
        call = _customer_of(target)
        if target is None or call is None:
            return Problem(NO_CUSTOMER, "agent-not-in-call")
        return self._take_over(watch, target, call)

    def _end(self, supervisor: str, agent: Agent | None) -> str | None:
        call = _customer_of(agent)
        if call is None:
            return Problem(NO_CUSTOMER, "agent-not-in-call")
        return self._hang_up(supervisor, call)

    def _hang_up(self, supervisor: str, call: Call) -> str | None:
        self.calls.hang_up(call, "NORMAL_CLEARING", Outcome.CONNECTED, f"ended by supervisor {supervisor}")
        return None

    def _listen(self, watch: Watch, agent: Agent | None, mode: str) -> str | None:
        live = self.live
        if agent is None:
            return "no agent was named"
        if watch.call is not None:
            return "a customer is on the line"
        if agent.leg == watch.uuid:
            return "this is the supervisor's own line"
        problem = self.may(watch.supervisor, agent)
        if problem is not None:
            return Problem(problem, "not-allowed")
        problem = self.unheard(agent)
        if problem is not None:
            return Problem(problem, "agent-not-logged-in")
        if agent.node != watch.node:
            return f"agent {agent.settings.agent} is on another switch"
        if not live.nodes[watch.node].up:
            return f"switch {watch.node} is not connected"
        if watch.agent is not agent:
            self._begin(watch, agent)
        if watch.mode != mode:
            watch.mode = mode
            self._log(watch, f"{mode}s with" if mode == "barge" else f"{mode}s to")
            due = max(watch.since + MODE_S, watch.mode_at + APART_S)  # orders overtake each other: the last wish counts
            if live.now < due:
                live.timers.set(("watch", "mode", watch.uuid), due)
            else:
                self.set_mode(watch.uuid)
        return None

    def _begin(self, watch: Watch, agent: Agent) -> None:
        live = self.live
        watch.agent, watch.mode = agent, "listen"
        watch.parked, watch.digits, watch.silences = False, "", 0
        live.timers.cancel(("watch", "idle", watch.uuid))
        live.timers.cancel(("watch", "mode", watch.uuid))
        self.voice.forget(watch.uuid)
        watch.since = self.send(watch)
        self._log(watch, "listens to")

    def set_mode(self, uuid: str) -> None:
        """The leg listens by now, and takes an order."""
        watch = self.live.watches.get(uuid)
        if watch is not None and watch.agent is not None and self.live.nodes[watch.node].up:
            watch.mode_at = self.live.now
            self.live.emit(SetListening(watch.node, uuid, watch.mode))

    def _step(self, watch: Watch, step: int) -> str | None:
        """The next agent, by number, who has somebody on the line."""
        live = self.live
        busy = sorted(
            name
            for name, agent in live.agents.items()
            if agent.state is AgentState.TALKING
            and agent.node == watch.node
            and self.unheard(agent) is None
            and self.may(watch.supervisor, agent) is None
        )
        now = "" if watch.agent is None else watch.agent.settings.agent
        others = [name for name in busy if name != now]
        if not others:
            return Problem("no other agent is talking", "no-other-agent")
        after = [name for name in others if (name > now) == (step > 0)]
        ordered = sorted(after or others, reverse=step < 0)
        return self._listen(watch, live.agents[ordered[0]], "listen")

    def _leave(self, watch: Watch) -> str | None:
        if watch.call is not None:
            return "a customer is on the line"
        if watch.offer and watch.agent is None and not watch.ringing:
            self.help.refuse(watch)
        elif watch.rung:
            self.close(watch)
        elif not watch.parked:
            self.to_park(watch)
        return None

    def _take_over(self, watch: Watch, agent: Agent, call: Call) -> str | None:
        """The supervisor has the customer from now on; the agent is released to wrap-up."""
        live = self.live
        if watch.call is not None or agent.leg == watch.uuid:
            return "a customer is on the line"
        problem = self.may(watch.supervisor, agent)
        if problem is not None:
            return Problem(problem, "not-allowed")
        if call.aside or call.party is not None or agent.party is not None:
            return "the customer is with a third party or on hold"
        if not live.nodes[watch.node].up or call.node != watch.node:
            return "the customer is on another switch"
        if live.agents[watch.supervisor].held if watch.own_line else watch.held:
            self.holds.watch_ask(watch)  # its end is told by no event
            return f"the phone of supervisor {watch.supervisor} is on hold"
        watch.agent, watch.mode, watch.call, watch.joined = None, "", call, False
        watch.released, watch.parked, watch.digits = agent, False, ""
        watch.hold_told = False
        live.timers.cancel(("watch", "idle", watch.uuid))
        live.timers.cancel(("watch", "mode", watch.uuid))
        self.voice.cut(watch.uuid)
        call.agent, call.supervised = None, True
        watch.since = self.send(watch)
        live.timers.set(("watch", "join", watch.uuid), watch.since + JOIN_S)
        live.note("info", "taken_over", f"attempt {call.id}: supervisor {watch.supervisor} took it over")
        self.agents.customer_gone(agent, call)
        return None

    def _answer_help(self, watch: Watch, agent: Agent | None) -> str | None:
        agent = agent or self.help.oldest(watch.supervisor)
        if agent is None or agent.settings.agent not in self.live.helps:
            return "nobody asks for help"
        problem = self._listen(watch, agent, "whisper")
        if problem is None:
            watch.offer = ""
            self.help.answered(agent.settings.agent)
        return problem

    # ---- what becomes of the leg ---------------------------------------------------------------------------

    def there(self, watch: Watch) -> None:
        """The leg is there and parked."""
        wanted, watch.wanted = watch.wanted, None
        if wanted is None:
            self.alone(watch)
            return
        watch.offer = ""
        problem = self._listen(watch, *wanted)
        if problem is None:
            self.help.answered(wanted[0].settings.agent)
        elif watch.own_line:
            self.forget(watch)
        else:
            self._told(watch, problem)
            self.alone(watch)

    def alone(self, watch: Watch) -> None:
        """The leg listens to nobody: is there somebody to help, or whom else is it to listen to?"""
        watch.digits = ""
        if not self.help.offer_to(watch) and not watch.own_line:
            self.wait(watch, self.say(watch, "supervise-enter-agent"))

    def wait(self, watch: Watch, lasts_s: float) -> None:
        """A parked line does not stay silent for ever."""
        if watch.parked and not watch.own_line:
            limit_s = self.live.settings.phones.entry_limit_s
            self.live.timers.set(("watch", "idle", watch.uuid), self.live.now + lasts_s + limit_s)

    def idle(self, uuid: str) -> None:
        """Nothing was keyed in."""
        watch = self.live.watches.get(uuid)
        if watch is None or not watch.parked:
            return
        watch.silences += 1
        if watch.silences < SILENCES:
            self.alone(watch)
        elif watch.silences == SILENCES:
            self.wait(watch, self.voice.farewell(watch.node, uuid, "supervision-ended", "goodbye"))
        else:
            self.close(watch)

    def ended(self, watch: Watch) -> None:
        """The leg is forgotten."""
        self.help.ended(watch)

    def agent_gone(self, agent: Agent) -> None:
        """An agent's line is gone, and whatever they asked for over it."""
        super().agent_gone(agent)
        self.help.drop(agent.settings.agent)

    # ---- keys ----------------------------------------------------------------------------------------------

    def key(self, event: KeyPressed) -> bool:
        """A key on a supervisor's leg; False when it is none."""
        watch = self.live.watches.get(event.uuid)
        if watch is None:
            return False
        if watch.parked:
            self.voice.hush(watch.node, watch.uuid)
        if watch.call is not None:
            self._in_call(watch, watch.call, event.key)
        elif watch.agent is not None and event.key in MODES:
            watch.mode = MODES[event.key]  # the switch has obeyed already
        elif watch.agent is not None:
            if event.key in KEYS:
                self._told(watch, self.do(watch, KEYS[event.key]))
        elif watch.offer and not watch.digits and event.key in "12":
            if event.key == "2":
                self.help.refuse(watch)
            else:
                self._told(watch, self._answer_help(watch, self.live.agents[watch.offer]))
        elif watch.parked and not watch.own_line and watch.silences < SILENCES:
            self._number(watch, event.key)
        return True

    def _in_call(self, watch: Watch, call: Call, key: str) -> None:
        """With a customer: the same keys as an agent's end the call, or stop and start its recording's sound."""
        keys = self.live.settings.phones.keys
        watch.digits = (watch.digits + key)[-LONGEST_NUMBER:]
        act = next((name for name in ("hang_up", "mask") if keys.get(name) and watch.digits.endswith(keys[name])), "")
        if act:
            watch.digits = ""
        if act == "hang_up":
            self._hang_up(watch.supervisor, call)
        elif act == "mask":
            problem, said = self.recordings.toggle(call)
            if problem is None:
                self.say(watch, said)
            self._told(watch, problem)

    def _number(self, watch: Watch, key: str) -> None:
        watch.silences = 0
        if key == "#":
            digits, watch.digits = watch.digits, ""
            agent = self.live.agents.get(digits)
            problem = Problem("no such agent", "no-such-agent") if agent is None else None
            self._told(watch, problem or self._listen(watch, agent, "listen"))
        else:
            watch.digits = (watch.digits + key)[:LONGEST_NUMBER] if key.isdecimal() else ""
        self.wait(watch, 0.0)

    def _told(self, watch: Watch, problem: str | None) -> None:
        if problem is not None:
            self.say(watch, *(problem.prompts if isinstance(problem, Problem) else ("not-now",)))
            self.live.note("info", "supervision_refused", f"supervisor {watch.supervisor}: {problem}")

    def _log(self, watch: Watch, does: str) -> None:
        name = "" if watch.agent is None else watch.agent.settings.agent
        self.live.note("info", "supervision", f"supervisor {watch.supervisor} {does} agent {name}")


def _customer_of(agent: Agent | None) -> Call | None:
    """Whom the agent has on the line, or aside, unless that is ending already."""
    call = None if agent is None else agent.call
    ends = call is None or call.state is not CallState.CONNECTED or call.kill_as is not None
    return None if ends else call
