"""A carrier whose callees are drawn before the run: one line of a CSV file for each call, whichever number it dials.

Owns the drawing, the file and the scenario that plays it. What a call was dealt is in SIPp's log (``dealt-<line>``), so
that a test can say afterwards what should have become of it. Ring and talk times are continuous, as people are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from harness.scenarios import _ENDINGS, _document, _goto, _label, _log, _send, _set_up
from harness.sipp import Sipp


class Kind(IntEnum):
    """What a callee does."""

    ANSWERS = 1
    ANSWERS_EARLY = 2  # 183 with media instead of 180
    RINGS = 3  # nobody there: 480 in the end
    RINGS_ON = 4  # nobody there, and the carrier never gives up
    BUSY = 5
    FAILS = 6
    NO_SUCH = 7
    CROSSES = 8  # nobody answers, but a CANCEL meets a 200 on its way


ANSWERING = frozenset({Kind.ANSWERS, Kind.ANSWERS_EARLY})
RINGING = frozenset({*ANSWERING, Kind.RINGS, Kind.RINGS_ON, Kind.CROSSES})
_REFUSALS = {
    Kind.RINGS: "480 Temporarily Unavailable",
    Kind.BUSY: "486 Busy Here",
    Kind.FAILS: "503 Service Unavailable",
    Kind.NO_SUCH: "404 Not Found",
}


@dataclass(frozen=True)
class Person:
    """One call's fate. ``delay_s`` from INVITE to 180 (or to the refusal), ``ring_s`` from there on."""

    kind: Kind
    delay_s: float
    ring_s: float = 0.0
    talk_s: float = 0.0


@dataclass(frozen=True)
class Crowd:
    """Where people are drawn from. Means in seconds; ``answers`` and ``fails`` are shares of all calls."""

    answers: float = 0.3
    fails: float = 0.1
    early: float = 0.08
    rings_on: float = 0.2
    to_answer_s: tuple[float, float, float] = (12.0, 6.0, 29.0)
    """Mean, standard deviation, at most; from the INVITE, lognormal."""
    rings_s: tuple[float, float] = (25.0, 30.0)
    talk_s: tuple[float, float] = (60.0, 1.0)
    """Mean and coefficient of variation, lognormal."""

    def draw(self, count: int, seed: int) -> list[Person]:
        """``count`` people, the same for the same seed."""
        chance = random.Random(seed)
        return [self._one(chance) for _ in range(count)]

    def _one(self, chance: random.Random) -> Person:
        delay_s = chance.uniform(0.1, 0.6)
        which = chance.random()
        if which < self.answers:
            mean_s, sd_s, most_s = self.to_answer_s
            after_s = most_s + 1.0
            while after_s > most_s:
                after_s = _lognormal(chance, mean_s, sd_s / mean_s)
            kind = Kind.ANSWERS_EARLY if chance.random() < self.early else Kind.ANSWERS
            talk_s = min(max(4.0, _lognormal(chance, *self.talk_s)), 20 * self.talk_s[0])
            return Person(kind, delay_s, max(0.2, after_s - delay_s), talk_s)
        if which < self.answers + self.fails:
            kind = chance.choices((Kind.BUSY, Kind.FAILS, Kind.NO_SUCH), (5, 3, 2))[0]
            return Person(kind, chance.uniform(1.0, 3.0))
        if chance.random() < self.rings_on:
            return Person(Kind.RINGS_ON, delay_s, 600.0)
        return Person(Kind.RINGS, delay_s, chance.uniform(*self.rings_s) - delay_s)


def _lognormal(chance: random.Random, mean: float, cv: float) -> float:
    sigma = math.sqrt(math.log(1.0 + cv * cv))
    return chance.lognormvariate(math.log(mean) - sigma * sigma / 2.0, sigma)


def deal(people: Iterable[Person]) -> str:
    """The file that SIPp reads, one line a call."""
    lines = [
        f"{int(person.kind)};{person.delay_s * 1000:.0f};{person.ring_s * 1000:.0f};{person.talk_s * 1000:.0f};{index}"
        for index, person in enumerate(people)
    ]
    return "\n".join(["SEQUENTIAL", *lines]) + "\n"


def _field(name: str, field: int) -> str:
    return (
        f'    <assignstr assign_to="{name}_text" value="[field{field}]"/>\n'
        f'    <todouble assign_to="{name}" variable="{name}_text"/>\n'
    )


def _if(kind: Kind, label: str) -> str:
    return (
        f'  <nop next="{label}" test="is{int(kind)}"><action>'
        f'<test assign_to="is{int(kind)}" variable="kind" compare="equal" value="{int(kind)}"/></action></nop>\n'
    )


_NOW = (
    '<gettimeofday assign_to="seconds,micros"/><multiply assign_to="seconds" value="1000"/>'
    '<divide assign_to="micros" value="1000"/><add assign_to="seconds" variable="micros"/>'
)
"""Milliseconds of the wall clock in ``seconds``."""
_STEPS_MS = (1000, 100, 10, 2)


def _wait(variable: str, request: str, then: str, tag: str) -> str:
    """Wait the milliseconds in ``variable``, unless ``request`` comes: then go on at ``then``.

    SIPp takes neither a variable as a timeout nor an optional message before a pause. So: fixed steps, each as long as
    what is left by the clock allows, because a timeout of SIPp's comes some milliseconds late.
    """
    text = f'  <nop><action>{_NOW}<add assign_to="{variable}" variable="seconds"/></action></nop>\n'
    text += _label(f"{tag}_wait")
    text += f'  <nop><action>{_NOW}<subtract assign_to="seconds" variable="{variable}"/></action></nop>\n'
    for step in _STEPS_MS:
        text += (
            f'  <nop next="{tag}_{step}" test="left"><action><test assign_to="left" variable="seconds" '
            f'compare="less_than_equal" value="-{step}"/></action></nop>\n'
        )
    text += _goto(f"{tag}_over")
    for step in _STEPS_MS:
        text += _label(f"{tag}_{step}")
        text += f'  <recv request="{request}" timeout="{step}" ontimeout="{tag}_wait" next="{then}"/>\n'
    return text + _label(f"{tag}_over")


def _refusals() -> str:
    text = ""
    for kind, status in _REFUSALS.items():
        text += _label(f"refuse{int(kind)}") + _send(status, retrans=True) + '  <recv request="ACK"/>\n'
        text += _log(f"refused-{status[:3]}") + _goto("end")
    return text


_ACK_THEN_BYE = (
    '  <recv request="ACK"{timeout}>\n    <action><gettimeofday assign_to="seconds,micros"/>'
    '<log message="[$seconds] [$micros] {step} [$number] [call_id]"/></action>\n  </recv>\n'
    '  <recv request="BYE" timeout="{wait}" ontimeout="{then}" next="ended"/>\n'
)
"""The BYE may come in the same breath as the ACK: SIPp must not be between two steps then, or it drops it."""
_TALK = (
    _label("talk")
    + _log("picks-up")
    + _send("200 OK", sdp=True, retrans=True, cseq="CSeq: [$cseq] INVITE")
    + '  <recv request="CANCEL" optional="true" next="late"/>\n'
    + _ACK_THEN_BYE.format(timeout="", step="answered", wait=100, then="up")
    + _label("up")
    + _wait("talk", "BYE", "ended", "talks")
    + _goto("far_end_bye")
    + _label("late")
    + _log("late-cancel")
    + _send("200 OK")
    + _ACK_THEN_BYE.format(timeout="", step="answered", wait=100, then="up")
    + _goto("up")
)
_CROSSES = (
    _label("crosses")
    + _log("cancel")
    + _log("crossed")
    + _send("200 OK")
    + _send("200 OK", sdp=True, retrans=True, cseq="CSeq: [$cseq] INVITE")
    + _ACK_THEN_BYE.format(timeout=' timeout="8000" ontimeout="unheard"', step="crossed-ack", wait=8000, then="silence")
    + _label("silence")
    + _log("left-in-silence")
    + _goto("far_end_bye")
    + _label("unheard")
    + _log("left-unheard")
    + _goto("end")
)


def carrier_of_people() -> str:
    """The carrier for ``deal``'s file. 100 at once; 180 or 183 after the delay; then as dealt."""
    actions = "".join(_field(name, field) for field, name in enumerate(("kind", "delay", "ring", "talk")))
    fields = f"  <nop><action>\n{actions}  </action></nop>\n"
    body = _set_up().replace('      <todouble assign_to="play" variable="code"/>\n', "")
    body += fields + _log("dealt-[field4]") + _send("100 Trying") + _wait("delay", "CANCEL", "cancelled", "delays")
    body += "".join(_if(kind, f"refuse{int(kind)}") for kind in _REFUSALS if kind is not Kind.RINGS)
    body += _if(Kind.ANSWERS_EARLY, "early") + _send("180 Ringing") + _goto("ringing")
    body += _label("early") + _send("183 Session Progress", sdp=True)
    body += _label("ringing") + _log("ringing") + _if(Kind.CROSSES, "crossing")
    body += _wait("ring", "CANCEL", "cancelled", "rings")
    body += _if(Kind.ANSWERS, "talk") + _if(Kind.ANSWERS_EARLY, "talk")
    body += _goto("refuse3")
    body += _label("crossing") + _wait("ring", "CANCEL", "crosses", "may_cross") + _goto("refuse3")
    body += _refusals() + _TALK + _CROSSES
    body += _ENDINGS.replace(_label("cancelled"), _label("cancelled") + _log("cancel"), 1)
    return _document("people", body).replace(
        'variables="uri,uri2,line,play"', 'variables="uri,uri2,line,code,kind_text,delay_text,ring_text,talk_text"'
    )


@dataclass(frozen=True)
class Played:
    """One call as the carrier saw it. Times are epoch seconds, None where it did not happen."""

    number: str
    person: int
    steps: dict[str, float]

    def at(self, step: str) -> float | None:
        """When it first came to this step."""
        return self.steps.get(step)

    @property
    def rang_before_cancel_s(self) -> float | None:
        """From our 180 or 183 to the CANCEL; None without a CANCEL. Without a 180 before it: 0."""
        cancel = self.steps.get("cancel", self.steps.get("late-cancel"))
        return None if cancel is None else cancel - min(cancel, self.steps.get("ringing", cancel))


def played(carrier: Sipp) -> list[Played]:
    """All calls in the order of their INVITEs."""
    calls: dict[str, tuple[str, dict[str, float]]] = {}
    for step in carrier.steps():
        _, steps = calls.setdefault(step.call_id, (step.number, {}))
        steps.setdefault(step.step, step.at)
    found = []
    for number, steps in calls.values():
        dealt = next((name for name in steps if name.startswith("dealt-")), "dealt--1")
        found.append(Played(f"+{number}", int(dealt.removeprefix("dealt-")), steps))
    return sorted(found, key=lambda call: call.steps.get("invite", math.inf))
