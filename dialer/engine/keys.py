"""An agent's keypad: from keys on the agent's own leg to acts and their arguments.

Owns the reading: which act the keys mean in the agent's situation, the collection of an argument (ended by ``#``, by
silence, or because no further digit can mean anything), and the spoken answer. ``*`` cancels. What an act does is
``acts``'. Keys of customers never come here: the leg decides whose they are (``dispatch``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dialer.domain.acts import ACTS, When
from dialer.domain.agent import Line
from dialer.engine.acts import ActDesk, Problem, situation
from dialer.engine.live import Agent, Live
from dialer.engine.phone_records import Typed
from dialer.engine.speaking import Voice

CANCEL, END = "*", "#"
RESULT_S: Final = 0.3
"""How long after a conversation its agent is asked for the result: the line parks within 50 ms (measured)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an argument: the prompt that asks for it, how many digits at most, and what silence means."""

    prompt: str
    longest: int
    default: str | None = None
    pad: int = 0  # filled with zeros in front to so many digits


PARTS: Final[Mapping[str, tuple[Part, ...]]] = {
    "pause": (Part("enter-pause-reason", 2, ""),),
    "dial": (Part("enter-number", 20),),
    "transfer": (Part("enter-transfer-number", 20),),
    "consult": (Part("enter-conference-number", 20),),
    "dispose": (Part("enter-disposition", 2),),
    "callback": (
        Part("enter-callback-day", 2, "0", 2),
        Part("enter-callback-hour", 2, None, 2),
        Part("enter-callback-minute", 2, "0", 2),
    ),
    "send_keys": (Part("", 20),),
}
"""Of what the arguments consist. An act with an argument that is not here takes it in one part, without being asked."""
_ASKED: Final = PARTS["dispose"][0].prompt
WITH_CUSTOMER: Final = frozenset({When.TALKING, When.CONSULTING, When.WRAP_UP})
"""Where what is keyed in is about the customer of that moment, and about no other."""
AFTERWARDS: Final = frozenset({When.IDLE, When.WRAP_UP})
"""Where an agent is whose customer has left."""
AT_ONCE: Final = frozenset({"pause"})
"""Acts that are carried out as soon as their keys are pressed, and again with the argument: no customer may come while
the agent keys in why they want none."""


class KeyDesk:
    """Reads agents' keys."""

    def __init__(self, live: Live, acts: ActDesk, voice: Voice) -> None:
        self.live = live
        self.acts = acts
        self.voice = voice
        self._tables = {when: table(live.settings.phones.keys, when) for when in When}
        named = [(keys, name) for known in self._tables.values() for keys, name in known.items() if keys]
        self._anywhere = dict(sorted(named, key=lambda each: bool(ACTS[each[1]].argument)))  # those with one win

    def pressed(self, agent: Agent, key: str) -> None:
        """A key on the agent's leg."""
        if agent.leg is not None:
            self.voice.hush(agent.node, agent.leg)
        self.live.timers.cancel(("key", "result", agent.settings.agent))
        typed = Typed() if agent.typed is None else agent.typed
        if self._outlived(agent, typed):
            self._forget(agent)
            if typed.act:
                self._say(agent, "cancelled")
                return
            typed = Typed()
        if typed.act:
            self._argument(agent, typed, key)
        else:
            self._act(agent, typed, key)

    def _forget(self, agent: Agent) -> None:
        agent.typed = None
        self.live.timers.cancel(("key", "gap", agent.settings.agent))

    def gone(self, agent: Agent) -> None:
        """The agent's leg is gone, and what was keyed in on it."""
        self._forget(agent)

    @staticmethod
    def _outlived(agent: Agent, typed: Typed) -> bool:
        """Whether another customer has come since: what was meant for the one before must not happen to them."""
        return typed.customer is not None and typed.customer != agent.last_attempt

    # ---- the result of a call ------------------------------------------------------------------------------

    def talk_over(self, agent: Agent) -> None:
        """A conversation is over. Who has a phone and nothing else must hear that, and what is wanted."""
        self.live.timers.set(("key", "result", agent.settings.agent), self.live.now + RESULT_S)

    def ask_result(self, agent: Agent) -> None:
        """Ask for it, after what is being said, where plain digits are the answer."""
        uuid, live = agent.leg, self.live
        if uuid is None or agent.typed is not None or "" not in self._tables[situation(agent)]:
            return
        sound = live.sounds.get(uuid)
        busy_until = 0.0 if sound is None or sound.music else max(sound.until, sound.hushed_until)
        if agent.line is not Line.PARKED or busy_until > live.now:
            live.timers.set(("key", "result", agent.settings.agent), max(busy_until, live.now + RESULT_S))
        elif self.acts.choices(agent, "dispose"):
            self._say(agent, _ASKED)

    # ---- which act -----------------------------------------------------------------------------------------

    def _act(self, agent: Agent, typed: Typed, key: str) -> None:
        known, keys = self._tables[situation(agent)], typed.keys + key
        name = known.get(keys)
        if name is not None:
            self._chosen(agent, Typed(keys, name))
        elif any(longer.startswith(keys) for longer in known if longer):
            self._wait(agent, Typed(keys), 0.0)
        elif keys.isdecimal() and "" in known:
            self._chosen(agent, Typed("", known[""]), keys)
        elif keys == END:
            self._forget(agent)  # ends a number that silence has ended already
        elif (elsewhere := self._anywhere.get(keys)) is not None:
            self._not_now(agent, Typed(keys, elsewhere, void=True))
        elif self._begins(keys):
            self._wait(agent, Typed(keys), 0.0)
        else:
            self._forget(agent)
            self._say(agent, "unknown-code")

    def _begins(self, keys: str) -> bool:
        return any(longer.startswith(keys) for longer in self._anywhere)

    def _not_now(self, agent: Agent, typed: Typed) -> None:
        """An act of another situation, most often because the customer has left meanwhile."""
        self._forget(agent)
        lasts = self._say(agent, "not-now")
        if self._parts(agent, typed.act):
            self._wait(agent, typed, lasts)

    def _chosen(self, agent: Agent, typed: Typed, first: str = "") -> None:
        name = typed.act
        parts = self._parts(agent, name)
        if not parts:
            self._do(agent, name, "")
            return
        if name in AT_ONCE:
            problem = self.acts.do(agent, name)
            if problem is not None:
                self._forget(agent)
                self._answer(agent, problem)
                return
        if first:
            self._argument(agent, typed, first)
        else:
            self._ask(agent, typed, parts[0])

    def _parts(self, agent: Agent, name: str) -> tuple[Part, ...]:
        act = ACTS[name]
        if not act.argument or (name == "pause" and not self.live.settings.phones.pause_reasons):
            return ()
        return PARTS.get(name, (Part("", act.longest),))

    # ---- its argument --------------------------------------------------------------------------------------

    def _ask(self, agent: Agent, typed: Typed, part: Part) -> None:
        lasts = self._say(agent, part.prompt) if part.prompt else 0.0
        self._wait(agent, typed, lasts)

    def _wait(self, agent: Agent, typed: Typed, more_s: float) -> None:
        if agent.typed is not typed and situation(agent) in WITH_CUSTOMER:
            typed.customer = agent.last_attempt
        if agent.leg is None:
            return  # what was keyed in has ended the leg
        agent.typed = typed
        gap_s = self.live.settings.phones.digit_gap_s
        self.live.timers.set(("key", "gap", agent.settings.agent), self.live.now + more_s + gap_s)

    def _argument(self, agent: Agent, typed: Typed, key: str) -> None:
        if key == CANCEL:
            self._forget(agent)
            self._say(agent, "cancelled")
        elif key == END and typed.full:
            typed.full = False  # it ends the part before, which its length had ended already
            self._ask(agent, typed, self._parts(agent, typed.act)[len(typed.parts)])
        elif key == END:
            self._part_over(agent, typed)
        elif key in "0123456789":
            typed.digits, typed.full = typed.digits + key, False
            part = self._parts(agent, typed.act)[len(typed.parts)]
            if len(typed.digits) >= part.longest or self._complete(agent, typed):
                typed.full = True
                self._part_over(agent, typed)
            else:
                self._wait(agent, typed, 0.0)

    def _complete(self, agent: Agent, typed: Typed) -> bool:
        """Whether no further digit can mean anything."""
        choices = self.acts.choices(agent, typed.act)
        longer = any(choice != typed.digits and choice.startswith(typed.digits) for choice in choices)
        return bool(choices) and not longer

    def _part_over(self, agent: Agent, typed: Typed) -> None:
        parts = self._parts(agent, typed.act)
        part = parts[len(typed.parts)]
        digits = typed.digits or part.default
        if digits is None:
            self._forget(agent)
            if not typed.void:
                self._say(agent, "no-input", "cancelled")
            return
        typed.parts, typed.digits = (*typed.parts, digits.zfill(part.pad)), ""
        if typed.void:
            self._forget(agent)
        elif len(typed.parts) < len(parts):
            self._ask(agent, typed, parts[len(typed.parts)])
        else:
            self._do(agent, typed.act, "".join(typed.parts))

    def silence(self, agent: Agent) -> None:
        """No key for as long as ends a number."""
        typed = agent.typed
        if typed is None:
            return
        if self._outlived(agent, typed):
            self._forget(agent)
        elif typed.act:
            self._part_over(agent, typed)
        else:
            self._forget(agent)
            begun = self._begins(typed.keys) and not any(
                longer.startswith(typed.keys) for longer in self._tables[situation(agent)]
            )
            self._say(agent, "cancelled" if typed.keys == CANCEL else "not-now" if begun else "unknown-code")

    # ---- the answer ----------------------------------------------------------------------------------------

    def _do(self, agent: Agent, name: str, argument: str) -> None:
        self._forget(agent)
        self._answer(agent, self.acts.do(agent, name, argument))

    def _answer(self, agent: Agent, problem: str | None) -> None:
        if problem is None:
            self._say(agent, *self.acts.words)
            return
        live = self.live
        live.counters["keys_refused"] += 1
        live.note("info", "keys_refused", f"agent {agent.settings.agent}: {problem}")
        self._say(agent, *(problem.prompts if isinstance(problem, Problem) else ("not-now",)))

    def _say(self, agent: Agent, *prompts: str) -> float:
        return self.voice.tell(agent, *prompts)


def table(keys: Mapping[str, str], when: When) -> dict[str, str]:
    """The acts by their keys in one situation; empty keys stand for plain digits. Acts without keys are left out."""
    found = {keys[name]: name for name, act in ACTS.items() if when in act.when and keys.get(name)}
    plain = ACTS["dispose"]
    if when in plain.when and keys.get(plain.name) == "":
        found[""] = plain.name
    return found


def clashes(keys: Mapping[str, str]) -> list[tuple[str, str, When]]:
    """Pairs of acts that cannot be told apart by their keys in some situation: one's begin with the other's."""
    found = []
    for when in When:
        known = sorted((k, name) for k, name in (
            (keys.get(name, ""), name) for name, act in ACTS.items() if when in act.when
        ) if k)  # fmt: skip
        for index, (first, name) in enumerate(known):
            found += [(name, other, when) for longer, other in known[index + 1 :] if longer.startswith(first)]
        plain = when in ACTS["dispose"].when and keys.get("dispose") == ""
        found += [("dispose", name, when) for k, name in known if plain and k[0].isdecimal()]
    return found + list(_afterwards(keys))


def _afterwards(keys: Mapping[str, str]) -> Iterator[tuple[str, str, When]]:
    """Acts that take an argument once the customer has left, and whose keys begin those of an act in a conversation:
    the rest of these would be read as the argument.
    """
    for name, act in ACTS.items():
        first = keys.get(name, "")
        if not first or not act.argument or not act.when & AFTERWARDS:
            continue
        for other, theirs in ACTS.items():
            longer = keys.get(other, "")
            if longer != first and longer.startswith(first) and not theirs.when & act.when:
                yield name, other, next(when for when in When if when in theirs.when)
