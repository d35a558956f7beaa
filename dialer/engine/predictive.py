"""Predictive campaigns, decided together: what the pool is asked, and what is made of its answer.

Owns the moment of the pool's decision (after changes, at least once a second, at most every ``decide_every_s``; none
for a second after the clock jumped), the room that trunks and switches leave, and the note of what was decided. The
rule is ``pacing``'s; hanging up is the call desk's, which refuses before the minimum ring. Must not dial anything that
the gate has not let through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dialer.domain.call import CallState
from dialer.domain.campaign import CampaignState
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import Mode
from dialer.engine.feed import HOUR_S, Feed
from dialer.engine.live import Campaign, Live, Node
from dialer.leads.recycle import dials_within
from dialer.leads.windows import closes_at, shift_ends_at
from pacing.leads import LeadFacts
from pacing.snapshot import Ask, Decision, Policy, limited

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.hoppers import HopperDesk
    from dialer.engine.trunks import TrunkDesk

DECIDE_AT_LEAST_EVERY_S = 1.0
ROUNDING_S = 1e-6
"""A timer set for a moment may find a sum of floats just short of it; without this it would be set anew for ever."""
JUMP_S = 5.0
"""No decision for so long although one was due each second: the process stood still, or the clock was set."""
CLOSING_EVERY_S = 10.0
HOLD_S = 1.0
"""What happened meanwhile has to be heard first."""
LEADS_SHOWN = 24
TELL_EVERY_S = 10.0
CANCEL_CAUSE = "ORIGINATOR_CANCEL"
"""What FreeSWITCH itself says of a caller who gives up: the callee's switch sees a CANCEL, and no fault."""

PACE = ("pool", "pace")


@dataclass(slots=True)
class _Shown:
    """The facts of a hopper's next leads, good while the hopper and the hour are the same."""

    version: int
    hour: int
    until: float
    facts: tuple[LeadFacts, ...]


class Predictive:
    """Decides for all predictive campaigns of the pool, switch by switch.

    ``policies`` puts another rule in the place of the predictive one for single campaigns (benchmarks only).
    """

    def __init__(
        self, live: Live, feed: Feed, hoppers: HopperDesk, policies: Mapping[str, Policy], trunks: TrunkDesk
    ) -> None:
        self.live = live
        self.trunks = trunks
        self.feed = feed
        self.hoppers = hoppers
        self.calls: CallDesk
        self.policies = policies
        self.campaigns = [
            campaign
            for name, campaign in live.campaigns.items()
            if campaign.settings.mode is Mode.PREDICTIVE or name in policies
        ]
        self.names = frozenset(campaign.name for campaign in self.campaigns)
        self.decided_at: float | None = None
        self.decisions = 0
        self.hold_until = 0.0
        self.hold_why = ""
        self._shown: dict[str, _Shown] = {}
        self._told_at: dict[str, float] = {}
        self._closing_told_at = -math.inf

    def answer_probability(self, campaign: Campaign) -> float:
        """How likely a call of this campaign is to be answered, as far as is known."""
        return self.feed.pool.counts(campaign.name, self.live.now).answer_probability

    # ---- the moment ----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Decide if something changed, or the last decision is a second old."""
        if not self.campaigns:
            return
        live = self.live
        running = [campaign for campaign in self.campaigns if campaign.state is CampaignState.RUNNING]
        if not running:
            self.decided_at = None
            return
        if self.decided_at is not None:
            age = live.now - self.decided_at
            if age < live.settings.decide_every_s - ROUNDING_S:
                if self._dirty(running):
                    live.timers.set_by(PACE, self.decided_at + live.settings.decide_every_s)
                return
            if age < DECIDE_AT_LEAST_EVERY_S and not self._dirty(running):
                return
            if age > JUMP_S:
                self._hold(age)
        self._decide(running)

    def _dirty(self, running: list[Campaign]) -> bool:
        return self.feed.dirty or any(campaign.dirty for campaign in running)

    def _tell_closing(self, running: list[Campaign]) -> None:
        """Tell pacing when dialing ends and how many leads are left: a budget must not count on answers beyond."""
        live = self.live
        if live.now < self._closing_told_at + CLOSING_EVERY_S:
            return
        self._closing_told_at = live.now
        for campaign in running:
            rules, hopper = campaign.settings, campaign.hopper
            told = [live.settings.ends_at]
            if rules.shift_ends is not None:
                told.append(shift_ends_at(rules.windows.default_zone, rules.shift_ends, live.now))
            shift = [end for end in told if end is not None and end > live.now]
            hours = closes_at(rules.windows, live.now)
            end = min([*shift, *([hours] if hours is not None and hours > live.now else [])], default=math.inf)
            # Calling hours tell nothing of how long agents stay.
            known = shift and hopper.told
            dials = hopper.left * dials_within(end - live.now, rules) if known else math.inf
            self.feed.pool.closes(campaign.name, end, hopper.left, dials)

    def _hold(self, age: float) -> None:
        live = self.live
        live.counters["clock_jumps"] += 1
        self.hold_until = live.now + HOLD_S
        self.hold_why = f"the clock jumped {age:.0f} s: what happened meanwhile is heard first"
        live.note("warning", "clock_jump", f"no decision for {age:.0f} s: nothing is started for {HOLD_S:g} s")

    def _decide(self, running: list[Campaign]) -> None:
        live = self.live
        self.decided_at = live.now
        self.feed.dirty = False
        for campaign in running:
            campaign.decided_at = live.now
            campaign.dirty = False
        live.timers.set(PACE, live.now + DECIDE_AT_LEAST_EVERY_S)
        stopped = live.stopped_by() or (self.hold_why if live.now < self.hold_until - ROUNDING_S else "")
        if stopped:
            for campaign in running:
                campaign.decision = Decision(0, f"start 0: {stopped}")
            return
        self.decisions += 1
        self._tell_closing(running)
        for campaign in running:
            self.hoppers.refill(campaign)
        nodes = [node for node in live.nodes.values() if node.usable]
        made: dict[str, list[Decision]] = {campaign.name: [] for campaign in running}
        for node in nodes:
            for campaign, decision in self._decide_on(node, running):
                made[campaign.name].append(decision)
        for campaign in running:
            decisions = made[campaign.name]
            campaign.decisions += 1
            campaign.decision = decisions[0] if len(nodes) == 1 else _together(nodes, decisions)
            self._tell(campaign)

    def _decide_on(self, node: Node, running: list[Campaign]) -> list[tuple[Campaign, Decision]]:
        live, pool = self.live, self.feed.pool
        asks, decisions = [], {}
        for campaign in running:
            if (policy := self.policies.get(campaign.name)) is not None:
                decisions[campaign.name] = policy.decide(pool.counts(campaign.name, live.now))
            else:
                room, by = self._room(campaign, node)
                asks.append(Ask(campaign.name, room, self._leads(campaign), by))
        if asks:
            decisions.update(pool.decide(live.now, node.name, asks))
        # The pool's own order: whose turn it was there finds the room that was promised here.
        order = {name: place for place, name in enumerate(decisions)}
        turns = sorted(running, key=lambda campaign: order[campaign.name])
        return [(campaign, self._carry_out(campaign, node, decisions[campaign.name])) for campaign in turns]

    # ---- room and leads ------------------------------------------------------------------------------------

    def _room(self, campaign: Campaign, node: Node) -> tuple[int, str]:
        """How many calls may start on ``node`` now, and what limits them."""
        lines = self.trunks.room(campaign)
        room, by = lines.calls, lines.by
        if (left := max(0, node.capacity - node.legs)) < room:
            room, by = left, f"switch {node.name}: capacity {node.capacity} legs"
        if lines.tokens < room:
            room, by = lines.tokens, lines.tokens_by
        return room, by

    def _leads(self, campaign: Campaign) -> tuple[LeadFacts, ...]:
        now, hopper = self.live.now, campaign.hopper
        shown = self._shown.get(campaign.name)
        hour = int(now // HOUR_S)
        if shown is None or shown.version != hopper.version or shown.hour != hour or now >= shown.until:
            leads = self.hoppers.peek(campaign, LEADS_SHOWN)
            facts = tuple(self.feed.facts(lead, now) for lead in leads)
            shown = _Shown(hopper.version, hour, self.hoppers.good_until(leads), facts)
            self._shown[campaign.name] = shown
        return shown.facts

    # ---- what is made of it --------------------------------------------------------------------------------

    def _carry_out(self, campaign: Campaign, node: Node, decision: Decision) -> Decision:
        live = self.live
        if decision.hang_up:
            self._hang_up(campaign, decision)
        room, by = self._room(campaign, node)
        wanted = max(0, decision.lines)
        if not wanted and room:
            if len(campaign.hopper):
                return decision
            return replace(decision, reason=limited(0, [self.hoppers.why_empty(campaign)], decision.reason))
        lines = min(wanted, room)
        limits: list[str] = []
        if lines < wanted:
            limits.append(f"trimmed to {lines} by {by}")
        elif not room:
            limits.append(f"no room: {by}")
        started = barred = 0
        for lead in self._take(campaign, decision, lines):
            if self.calls.open(campaign, lead, node.name) is None:
                campaign.hopper.put_back(lead)
                barred += 1
            else:
                started += 1
        if barred:
            limits.insert(0, self.trunks.room(campaign).by)
        elif started < lines:
            limits.insert(0, self.hoppers.why_empty(campaign))
        if started == room and (wait_s := self.trunks.wait_s(campaign)) > 0.0:
            # More may be wanted than the trunk takes at once: decide again when it takes the next one.
            pause = max(wait_s, live.settings.decide_every_s)
            live.timers.set(PACE, min(live.now + pause, live.now + DECIDE_AT_LEAST_EVERY_S))
        if started:
            self.hoppers.refill(campaign)
        if started == decision.lines and not limits:
            return decision
        return replace(decision, lines=started, reason=limited(started, limits, decision.reason))

    def _take(self, campaign: Campaign, decision: Decision, lines: int) -> list[ClaimedLead]:
        if lines <= 0:
            return []
        if decision.picks:
            return campaign.hopper.take_at(decision.picks[:lines])
        taken: list[ClaimedLead] = []
        while len(taken) < lines and (lead := self.hoppers.take(campaign)) is not None:
            taken.append(lead)
        return taken

    def _hang_up(self, campaign: Campaign, decision: Decision) -> None:
        live = self.live
        for call_id in decision.hang_up:
            call = live.calls.get(call_id)
            fit = call is not None and call.state is CallState.RINGING and call.rang_at is not None
            if call is None or not fit or call.kill_as is not None or live.now < self.calls.rings_until(call):
                live.counters["hang_ups_refused"] += 1
                continue
            rang_s = live.now - (call.rang_at or live.now)
            why = f"hung up after {rang_s:.0f} s of ringing: the next answers would probably find nobody"
            campaign.hung_up_ringing += 1
            self.calls.hang_up(call, CANCEL_CAUSE, Outcome.CANCELLED, why)

    def _tell(self, campaign: Campaign) -> None:
        live, decision = self.live, campaign.decision
        told_at = self._told_at.get(campaign.name)
        if decision.lines or decision.hang_up or told_at is None or live.now - told_at >= TELL_EVERY_S:
            self._told_at[campaign.name] = live.now
            live.note("debug", "pacing_decision", f"campaign {campaign.name}: {decision.reason}")


def _together(nodes: list[Node], decisions: list[Decision]) -> Decision:
    """One campaign's decisions on several switches as one, for people."""
    reason = "; ".join(f"{node.name}: {made.reason}" for node, made in zip(nodes, decisions, strict=True))
    hang_up = tuple(call for made in decisions for call in made.hang_up)
    return Decision(sum(made.lines for made in decisions), reason or "start 0: no switch", hang_up)
