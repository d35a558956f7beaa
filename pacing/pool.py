"""All pacing memory of one pool of agents: what is in flight, what was learnt, ledgers, thresholds; its one door.

Owns what each report of the engine means for boards, beliefs, ledgers and thresholds; decisions are
``pacing.deciding``'s, views ``pacing.explaining``'s. Pure: times come in, nothing is read. Never raises for what the
world can say: an unknown call, a time that is no number or lies before its beginning is dropped and counted in
``dropped``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from pacing import explaining
from pacing.beliefs import Beliefs, PastCall
from pacing.board import Agents, Phase
from pacing.deciding import Decider
from pacing.hold import LONGEST_S
from pacing.leads import UNKNOWN_LEAD, LeadFacts
from pacing.memory import Call, Person, PoolState
from pacing.settings import CampaignPacing
from pacing.snapshot import Ask, Counts, Decision
from pacing.threshold import Threshold

SAVED_VERSION = 1
REFRESH_AFTER_S = 5.0
LATEST = 1e11
"""No clock tells a time (epoch seconds) after this one, or before 0: calendars and tables could not bear it."""


class Ending(StrEnum):
    """How a call ended, as far as pacing learns from it."""

    NO_ANSWER = "no_answer"
    FAILED = "failed"  # busy, rejected, invalid, dead, the carrier
    CUT = "cut"  # we hung up while it rang
    UNSEEN = "unseen"  # it was sent, and nobody saw how it ended: somebody may have answered
    VOID = "void"  # never sent, refused by the gate: tells nothing
    OVER = "over"  # it had been answered


class Pool:
    """Everything pacing knows of one pool. ``settings`` by campaign."""

    def __init__(self, settings: Mapping[str, CampaignPacing]) -> None:
        self._state = PoolState(settings)
        self._decider = Decider(self._state)

    @property
    def dropped(self) -> Counter[str]:
        """What was refused as impossible, by kind."""
        return self._state.dropped

    def __contains__(self, campaign: str) -> bool:
        return campaign in self._state.memories

    @property
    def calls(self) -> frozenset[str]:
        """The calls that are known here."""
        return frozenset(self._state.calls)

    def phase_of(self, agent: str) -> Phase | None:
        """What the agent is believed to do."""
        person = self._state.people.get(agent)
        return None if person is None else person.phase

    def chance(self, campaign: str, lead: LeadFacts) -> float:
        """P(this lead would answer now)."""
        model = self._state.memories[campaign].beliefs.answer
        return model.chance(model.score(lead))

    # ---- calls ---------------------------------------------------------------------------------------------

    def dialed(self, call: str, campaign: str, node: str, at: float, lead: LeadFacts | None = None) -> None:
        """A call is opened: it counts from now on, its ring age from ``sent``."""
        memory = self._state.memories.get(campaign)
        if memory is None or call in self._state.calls or not 0.0 <= at <= LATEST:
            self._state.dropped["dialed"] += 1
            return
        facts = UNKNOWN_LEAD if lead is None else lead
        score = memory.beliefs.answer.score(facts)
        entry = memory.beliefs.answer.dialed(at, facts, score)
        self._state.calls[call] = Call(campaign, node, facts, score, entry, at)
        self._state.ringing(node, campaign).add(call, at, score)
        memory.count_dial(at)
        # A mode that asks for no decisions is learnt from all the same.
        since = at - memory.watched_at
        if REFRESH_AFTER_S < since < LONGEST_S:
            self._decider.refresh(at, campaign, node)
        elif not 0.0 <= since < LONGEST_S:
            # The first dial, one after a night, or one of a broken clock: only the next ones say which.
            memory.watched_at = at

    def sent(self, call: str, at: float) -> None:
        """The originate is sent."""
        known = self._known(call, at)
        if known is not None and known.ringing:
            known.launched, known.sent = at, True
            self._state.ringing(known.node, known.campaign).relaunch(call, at)

    def rang(self, call: str, at: float) -> None:
        """The first 180 or 183."""
        known = self._known(call, at)
        if known is not None and known.ringing:
            self._state.ringing(known.node, known.campaign).ring(call, at)

    def answered(self, call: str, at: float) -> None:
        """It waits for an agent from now on."""
        known = self._known(call, at)
        if known is None or not known.ringing:
            return
        self._stop_ringing(call, known, at, answered=True, cut=False)
        known.waiting = True
        self._state.waiting[known.node, known.campaign] += 1

    def screened(self, call: str, at: float) -> None:
        """Answered; ``answered`` tells that a person did, ``machine`` that none did."""
        known = self._known(call, at)
        if known is not None and known.ringing and known.screened is None:
            self._state.ringing(known.node, known.campaign).remove(call)
            known.screened = at
            self._state.screened[known.node, known.campaign] += 1

    def called(self, call: str, campaign: str, node: str, at: float) -> None:
        """A caller is on the line and may ask for an agent; ``asked`` says when they do."""
        self.dialed(call, campaign, node, at)
        self.sent(call, at)
        self.screened(call, at)

    def asked(self, call: str, at: float) -> None:
        """A caller asks for an agent, for the first time or again."""
        known = self._known(call, at)
        if known is None:
            return
        if known.ringing:
            self._state.memories[known.campaign].callers.asked(at, at - known.launched)
            self.answered(call, at)
        else:
            self.untaken(call)

    def machine(self, call: str) -> None:
        """A machine answered a screened call: for pacing nobody did."""
        known = self._state.calls.get(call)
        if known is not None and known.ringing and known.screened is not None:
            self._stop_ringing(call, known, known.screened, answered=False, cut=False)

    def taken(self, call: str, agent: str, at: float) -> None:
        """An agent is reserved for it."""
        known = self._known(call, at)
        if known is None:
            return
        self._no_longer_waits(known)
        if (person := self._state.people.get(agent)) is not None:
            person.campaign = known.campaign
            board = self._state.agents[person.node]
            if (seat := board.seat(agent)) is not None:
                board.campaign[seat.slot] = self._state.numbers[known.campaign]

    def untaken(self, call: str) -> None:
        """The bridge failed: it waits again."""
        known = self._state.calls.get(call)
        if known is not None and not known.ringing and not known.waiting:
            known.waiting = True
            self._state.waiting[known.node, known.campaign] += 1

    def bridged(self, call: str, at: float) -> None:
        """It talks to its agent."""
        known = self._known(call, at)
        if known is not None:
            if known.ringing:  # adopted in conversation: nobody knows how long it rang
                self._leave_ringing(call, known)
                self._state.memories[known.campaign].beliefs.answer.void(known.entry)
            self._no_longer_waits(known)

    def limit_passed(self, call: str, at: float) -> None:
        """The abandon clock ran out: no agent will be given to it."""
        known = self._known(call, at)
        if known is not None:
            self._no_longer_waits(known)

    def ended(self, call: str, at: float, ending: Ending) -> None:
        """It is over."""
        known = self._state.calls.pop(call, None)
        if known is None:
            self._state.dropped["ended"] += 1
            return
        memory = self._state.memories[known.campaign]
        memory.alive -= 1
        self._no_longer_waits(known)
        if not known.ringing:
            return
        if known.screened is not None and ending is Ending.OVER:
            self._stop_ringing(call, known, at, answered=True, cut=False)  # they left before they were judged
            return
        told = ending in (Ending.NO_ANSWER, Ending.FAILED, Ending.CUT) and known.sent
        if ending is Ending.CUT:
            memory.count_cut()
        if told and math.isfinite(at):
            self._stop_ringing(call, known, at, answered=False, cut=ending is Ending.CUT)
        else:
            if told:
                self._state.dropped["ring_time"] += 1
            self._leave_ringing(call, known)
            memory.beliefs.answer.void(known.entry)
            if ending is Ending.UNSEEN and known.sent and math.isfinite(at):
                # Nobody knows how long it rang on unseen: its chance is that of a whole ring.
                memory.ledger.unsee(at, memory.beliefs.answer.chance(known.score))
                memory.counted = False

    def judged(self, campaign: str, answered_at: float, *, abandoned: bool) -> None:
        """A call answered by a person is settled: somebody took it in time, or not."""
        memory = self._state.memories.get(campaign)
        if memory is None or not math.isfinite(answered_at):
            self._state.dropped["judged"] += 1
            return
        memory.ledger.judge(answered_at, abandoned=abandoned)
        memory.counted = False
        if not memory.sparing.on:  # 1:1 tells nothing of how θ and abandonment relate
            memory.threshold.judged(memory.target * memory.ease, abandoned=abandoned)

    def unjudged(self, campaign: str, answered_at: float, *, abandoned: bool) -> None:
        """A judged call turns out to have been a machine."""
        memory = self._state.memories.get(campaign)
        if memory is None or not memory.ledger.take_back(answered_at, abandoned=abandoned):
            self._state.dropped["unjudged"] += 1
            return
        memory.ledger.machines += 1
        memory.counted = False

    def _known(self, call: str, at: float) -> Call | None:
        known = self._state.calls.get(call)
        if known is None or not 0.0 <= at <= LATEST:
            self._state.dropped["call"] += 1
            return None
        return known

    def _stop_ringing(self, call: str, known: Call, at: float, *, answered: bool, cut: bool) -> None:
        if known.screened is not None:
            at = known.screened
            self._state.memories[known.campaign].count_screened(answered)
        self._leave_ringing(call, known)
        age = at - known.launched
        if not 0.0 <= age <= LONGEST_S or not known.sent:
            self._state.dropped["ring_time"] += 1
            self._state.memories[known.campaign].beliefs.answer.void(known.entry)
            return
        beliefs = self._state.memories[known.campaign].beliefs
        beliefs.call_over(known.entry, known.score, age, answered=answered, cut=cut)

    def _leave_ringing(self, call: str, known: Call) -> None:
        if known.screened is not None:
            known.screened = None
            self._state.screened[known.node, known.campaign] -= 1
        self._state.ringing(known.node, known.campaign).remove(call)
        known.ringing = False

    def _no_longer_waits(self, known: Call) -> None:
        if known.waiting:
            known.waiting = False
            self._state.waiting[known.node, known.campaign] -= 1

    # ---- agents --------------------------------------------------------------------------------------------

    def agent(self, agent: str, phase: Phase, at: float, node: str, campaigns: frozenset[str]) -> None:
        """The agent does something else from ``at`` on, or serves other campaigns, or sits on another switch."""
        if not math.isfinite(at):
            self._state.dropped["agent"] += 1
            return
        person = self._state.people.get(agent)
        if person is None:
            person = self._state.people[agent] = Person(node)
        if person.node != node:
            old = self._state.agents.get(person.node)
            if old is not None and (left := old.seat(agent)) is not None:
                old.phase[left.slot] = int(Phase.AWAY)
            person.node = node
        board = self._state.agents.get(node)
        if board is None:
            board = self._state.agents[node] = Agents()
        seat = board.put(agent, campaigns & self._state.memories.keys())
        if phase is not person.phase:
            self._learn_phase(agent, person, phase, at)
            if not _same_talk(person, phase):
                person.since = at
            person.phase = phase
        board.phase[seat.slot], board.since[seat.slot] = int(phase), person.since
        board.campaign[seat.slot] = self._state.numbers.get(person.campaign, -1)

    def _learn_phase(self, agent: str, person: Person, phase: Phase, at: float) -> None:
        memory = self._state.memories.get(person.campaign)
        if _same_talk(person, phase):
            return
        if phase is Phase.TALKING:
            person.talk_since = at
            return
        talked_since, person.talk_since = person.talk_since, None
        if memory is None:
            return
        if talked_since is not None and phase in (Phase.WRAP, Phase.IDLE, Phase.LEAVING):
            if 0.0 <= at - talked_since <= LONGEST_S:
                memory.beliefs.talked(agent, at - talked_since)
                board = self._state.agents[person.node]
                if (seat := board.seat(agent)) is not None:
                    board.speed[seat.slot] = memory.beliefs.hold.speed_class(agent)
            else:
                self._state.dropped["talk_time"] += 1
            if phase is Phase.IDLE:
                memory.beliefs.wrapped(0.0)
        elif person.phase is Phase.WRAP and phase in (Phase.IDLE, Phase.AWAY):
            if 0.0 <= at - person.since <= LONGEST_S:
                memory.beliefs.wrapped(at - person.since)
            else:
                self._state.dropped["wrap_time"] += 1

    # ---- decisions -----------------------------------------------------------------------------------------

    def decide(self, now: float, node: str, asks: Sequence[Ask]) -> dict[str, Decision]:
        """What each of these campaigns should do on ``node`` now.

        Campaigns that share agents see each other's calls; the one that has had least of its weight chooses first.
        """
        if not 0.0 <= now <= LATEST:
            self._state.dropped["decide"] += 1
            return {ask.campaign: Decision(0, "start 0: the clock tells an impossible time") for ask in asks}
        return self._decider.decide(now, node, asks)

    def counts(self, campaign: str, now: float) -> Counts:
        """The campaign in numbers, over all switches."""
        return explaining.counts(self._state, campaign, now)

    def explain(self, campaign: str, now: float) -> dict[str, object]:
        """What the last decision stood on, for people: JSON-able."""
        if 0.0 <= now <= LATEST:
            self._decider.count(now, campaign)
        return explaining.explain(self._state, campaign, now)

    def closes(
        self, campaign: str, at: float, leads_left: float = math.inf, dials_left: float = math.inf
    ) -> None:
        """Dialing ends at ``at`` (infinity: nobody knows), and there are so many leads to dial until then.

        ``dials_left``: how many calls those leads can take; infinity also where nobody knows how long agents stay.
        """
        memory = self._state.memories.get(campaign)
        if memory is not None and not any(math.isnan(each) for each in (at, leads_left, dials_left)):
            memory.closing_at, memory.leads_left, memory.dials_left = at, leads_left, dials_left

    def begins_shift(self, at: float) -> None:
        """A shift begins: windows of that kind count from here."""
        if not 0.0 <= at <= LATEST:
            self._state.dropped["shift"] += 1
            return
        for memory in self._state.memories.values():
            memory.ledger.begin_shift(at)
            memory.counted = False

    # ---- memory --------------------------------------------------------------------------------------------

    def state(self, campaign: str) -> dict[str, object]:
        """What is worth keeping over a restart, JSON-able; the ledger is the store's own."""
        memory = self._state.memories[campaign]
        return {
            "version": SAVED_VERSION,
            "beliefs": memory.beliefs.state(),
            "threshold": memory.threshold.state(),
        }

    def restore(self, campaign: str, state: Mapping[str, object]) -> bool:
        """Take over a saved state; False (and fresh beliefs) when it does not fit."""
        memory = self._state.memories.get(campaign)
        if memory is None:
            return False
        beliefs, threshold = state.get("beliefs"), state.get("threshold")
        try:
            if state.get("version") != SAVED_VERSION:
                raise ValueError("another version")
            if not (isinstance(beliefs, dict) and isinstance(threshold, dict)):
                raise ValueError("a part of the saved state is missing")
            memory.beliefs.restore(beliefs)
            memory.threshold.restore(threshold)
        except (ValueError, KeyError, TypeError, OverflowError, IndexError):
            memory.beliefs = Beliefs(memory.settings)
            memory.threshold = Threshold(memory.settings.max_theta)
            self._state.dropped["state"] += 1
            return False
        memory.beliefs.origin = f"warm: what was learnt before the restart, from {memory.beliefs.ring.calls:.0f} dials"
        return True

    def warm(self, campaign: str, past: Iterable[PastCall]) -> str:
        """Learn from the store's history; returns in words what it started from."""
        memory = self._state.memories[campaign]
        _, dropped = memory.beliefs.warm(past)
        if dropped:
            self._state.dropped["history"] += dropped
        return memory.beliefs.origin

    def ledger(
        self,
        campaign: str,
        recent: Iterable[tuple[float, bool]],
        hourly: Iterable[tuple[float, int, int]] = (),
        unseen: Iterable[float] = (),
    ) -> None:
        """What the store knows of judged calls: (answered_at, abandoned), and older ones by the hour.

        ``unseen`` are the ends of calls that may have been answered while no dialer ran: as many as answer on average
        count as abandoned.
        """
        memory = self._state.memories.get(campaign)
        if memory is None:
            return
        usual = memory.beliefs.answer.usual
        memory.ledger.load(recent, hourly, ((at, usual) for at in unseen))
        memory.counted = False


def _same_talk(person: Person, phase: Phase) -> bool:
    """Whether the talk goes on: a wish to leave afterwards, or its withdrawal, does not end it."""
    talking = (Phase.TALKING, Phase.LEAVING)
    return phase in talking and person.phase in talking and person.talk_since is not None
