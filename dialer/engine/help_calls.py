"""Agents' calls for help: which supervisor is told or rung, who answers, and when the agent hears that nobody can.

Owns the records ``Help``. Supervisors who have a line are told over it; if there is none, phones are rung one after
the other. Must not listen to anybody itself: that is ``supervision``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialer.engine.acts import Problem
from dialer.engine.live import Agent, Help, Watch
from freeswitch.sounds import words

if TYPE_CHECKING:
    from dialer.engine.supervision import SupervisionDesk

HELP_S: Final = 60.0
"""How long an agent's call for help stands before it is told that nobody came."""


class HelpDesk:
    """Finds a supervisor for agents who ask for one."""

    def __init__(self, desk: SupervisionDesk) -> None:
        self.live = desk.live
        self.desk = desk

    def ask(self, agent: Agent) -> str | None:
        """An agent asks for help; what is wrong, or None."""
        live, name = self.live, agent.settings.agent
        problem = self.desk.unheard(agent)
        if problem is not None:
            return Problem(problem)
        if name in live.helps:
            return None
        live.helps[name] = Help(live.now)
        if not self._reach(name):
            self.drop(name)
            return Problem("no supervisor can be reached", "help-nobody")
        live.timers.set(("help", "over", name), live.now + HELP_S)
        live.note("info", "help_asked", f"agent {name} asks for help")
        return None

    def oldest(self, supervisor: str) -> Agent | None:
        """The agent who has waited longest for this supervisor's help."""
        live = self.live
        mine = [name for name in live.helps if self.desk.may(supervisor, live.agents[name]) is None]
        return live.agents[min(mine, key=lambda name: live.helps[name].since)] if mine else None

    def _reach(self, name: str) -> bool:
        """Ask supervisors who were not asked yet: all who have a line, or the next who can be rung."""
        live, agent, tried = self.live, self.live.agents[name], self.live.helps[name].tried
        known = (each for each in sorted(live.agents) if each != name and each not in tried)
        helpers = [each for each in known if self.desk.may(each, agent) is None]
        lines = [watch for watch in live.watches.values() if watch.supervisor in helpers]
        told = [watch for watch in lines if watch.call is None and not watch.ringing]
        for watch in told:
            self._tell(watch, name)
        if told or any(watch.offer == name for watch in lines):
            return True
        return any(self.desk.open_line(each, agent, "whisper", name) is None for each in helpers) or bool(lines)

    def _tell(self, watch: Watch, name: str) -> None:
        if watch.offer:
            return  # one at a time: the others when that is settled
        watch.offer = name
        keys = ("help-keys",) if watch.parked else ()
        self.desk.wait(watch, self.desk.say(watch, "help-call", *words.digits(_digits(name)), *keys))

    def offer_to(self, watch: Watch) -> bool:
        """A supervisor's line has nothing else to do: whether an agent's call for help is offered."""
        live, name = self.live, watch.offer
        mine = [each for each in live.helps if self.desk.may(watch.supervisor, live.agents[each]) is None]
        mine = [each for each in mine if watch.supervisor not in live.helps[each].tried]
        watch.offer = ""
        if not name and mine:
            name = min(mine, key=lambda each: live.helps[each].since)
        if name in mine:
            self._tell(watch, name)
        return name in mine

    def refuse(self, watch: Watch) -> None:
        """This supervisor does not come."""
        name, watch.offer = watch.offer, ""
        if name in self.live.helps:
            self.live.helps[name].tried.add(watch.supervisor)
        if watch.own_line and watch.agent is None:
            self.desk.forget(watch)
        elif watch.parked:
            self.desk.alone(watch)
        self._on(name)

    def ended(self, watch: Watch) -> None:
        """A supervisor's line is gone: whoever they were asked to help needs somebody else."""
        name, watch.offer = watch.offer, ""
        if name in self.live.helps:
            self.live.helps[name].tried.add(watch.supervisor)
            self._on(name)

    def _on(self, name: str) -> None:
        if name in self.live.helps and not self._reach(name):
            self.over(name)

    def answered(self, name: str) -> None:
        """A supervisor is with the agent."""
        if name in self.live.helps:
            self.drop(name)
            self.desk.voice.tell(self.live.agents[name], "help-coming")

    def over(self, name: str) -> None:
        """Nobody came in time, or nobody is left: the agent is told."""
        if name in self.live.helps:
            self.drop(name)
            self.desk.voice.tell(self.live.agents[name], "help-nobody")
            self.live.note("warning", "help_unanswered", f"agent {name} asked for help and nobody came")

    def drop(self, name: str) -> None:
        """The call for help is settled, and nobody is asked any more."""
        live = self.live
        live.helps.pop(name, None)
        live.timers.cancel(("help", "over", name))
        for watch in [watch for watch in live.watches.values() if watch.offer == name]:
            watch.offer = ""
            if watch.ringing:
                self.desk.close(watch)
            elif watch.own_line and watch.agent is None and watch.call is None:
                self.desk.forget(watch)


def _digits(name: str) -> str:
    """An agent's number as it can be said; letters are left out."""
    return "".join(each for each in name if each in "0123456789")
