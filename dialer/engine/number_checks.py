"""May an outside number that an agent keyed in be called now? The store's word on it, before anything is rung.

Owns the questions that are open, and what is told of a refusal. Do-not-call lists and calling hours hold for an agent's
own calls, consultations and transfers alike. What is done with the answer is the asking desk's. Must ring nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from dialer.domain.phones import CheckNumber, NumberChecked
from dialer.engine.acts import Problem
from dialer.engine.live import Agent, Live
from dialer.engine.targets import Target

CHECK_S: Final = 5.0
PROMPTS: Final = {"dnc": "number-do-not-call", "window": "number-outside-hours", "store": "error"}
"""What an agent is told of a number that may not be called, by the rule that says so."""
STORE_TROUBLE: Final = Problem("the store is in trouble: no outside number is called")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a number is not called: the rule's short name, and the prompt that says it."""

    rule: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: who wants to call whom, and who is told. Cleared targets only may be rung."""

    agent: Agent
    target: Target
    cleared: Callable[[Target], None]
    refused: Callable[[Refusal], None]


class NumberDesk:
    """Asks the store."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self._asked: dict[str, Asked] = {}

    def ask(self, ident: str, asked: Asked) -> None:
        """Find out about the target; exactly one of the two is called later, unless the question is taken back."""
        live, target = self.live, asked.target
        self._asked[ident] = asked
        live.timers.set(("number", "check", ident), live.now + CHECK_S)
        live.emit(CheckNumber(ident, target.campaign, target.e164, live.now))

    def asking(self, agent: Agent) -> bool:
        """Whether a number that this agent wants to call is being asked about."""
        return any(asked.agent is agent for asked in self._asked.values())

    def forget(self, ident: str) -> Asked | None:
        """Nobody wants to know any more."""
        self.live.timers.cancel(("number", "check", ident))
        return self._asked.pop(ident, None)

    def answered(self, event: NumberChecked) -> None:
        """The store's word on a number."""
        asked = self.forget(event.session)
        if asked is None:
            self.live.odd("number_checked", "a number's answer that nobody waits for")
        elif event.ok:
            asked.cleared(replace(asked.target, cleared=True))
        else:
            self._refuse(asked, event.rule, event.reason)

    def overdue(self, ident: str) -> None:
        """The store does not answer: nothing is dialed unchecked."""
        asked = self.forget(ident)
        if asked is not None:
            self._refuse(asked, "store", "the store did not answer")

    def _refuse(self, asked: Asked, rule: str, reason: str) -> None:
        live = self.live
        live.counters[f"numbers_refused_{rule}"] += 1
        live.note("info", "number_refused", f"agent {asked.agent.settings.agent}: {rule}: {reason}")
        asked.refused(Refusal(rule, PROMPTS.get(rule, "number-not-allowed")))
