"""Which line out a call takes, what a campaign's lines leave room for, and how each line and each number shown fares.

Owns the facts that ``routing.trunks`` chooses by (channels, speed, health, numbers shown today) and what calls that end
teach of them. The choice itself is routing's, and is made when an attempt is opened. How many calls there are is the
pacer's. Must not dial.

A campaign with one line dials on it whatever its health: there is no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from dialer.domain.commands import Reply
from dialer.domain.events import RestoreNumber
from dialer.domain.lines import SaveShownNumber, ShownFact
from dialer.domain.outcomes import ANSWERED_BY_PERSON, NOT_ANSWERED_BY_ONE, Outcome
from dialer.domain.settings import TrunkSettings
from dialer.engine.live import Call, Campaign, Live, Trunk
from dialer.masking import mask_number
from routing import caller_ids
from routing.calendars import find_zone
from routing.caller_ids import ShownNumber, Standing
from routing.causes import Blame, blame, may_fail_over, silent
from routing.health import NEW, Condition, dialed, ended, may_dial
from routing.trunks import TrunkChoice, TrunkFacts, Why, choose_trunk

TALK_S = 120.0
"""The conversation that costs are compared for, where pacing expects none."""
LOOK_AGAIN_S = 1.0
SILENT_S = 15.0
"""A carrier that has not said a word of a call for so long has not done its work, if it usually does."""
_SOON = frozenset({Why.FULL, Why.KEPT, Why.SPEED})
_NOT_THE_LINE = frozenset({Outcome.INTERRUPTED, Outcome.SHUTDOWN})


@dataclass(frozen=True, slots=True)
class LineRoom:
    """How many calls a campaign's lines take now, and what limits them; ``tokens`` by their speed alone."""

    calls: int
    by: str
    tokens: int
    tokens_by: str


class TrunkDesk:
    """Chooses lines and keeps their books."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.settings = live.settings.lines
        self._shown = {
            number: ShownNumber(number, daily_cap=pool.daily_cap)
            for pool in self.settings.pools.values()
            for number in pool.numbers
        }
        self._own = {name: (ShownNumber(trunk.caller_id),) for name, trunk in live.settings.trunks.items()}
        self._zone = find_zone(self.settings.zone)
        self._day_ends = 0.0

    # ---- what there is ---------------------------------------------------------------------------------------

    def lines(self, campaign: Campaign) -> list[Trunk]:
        """The lines that a campaign's calls may go out on, in its order."""
        trunks = self.live.trunks
        return [trunks[name] for name in campaign.settings.trunks if name in trunks]

    def pool(self, trunk: TrunkSettings) -> tuple[ShownNumber, ...]:
        """The numbers that a line may show, as they are now."""
        pool = self.settings.pools.get(trunk.pool)
        return self._own[trunk.name] if pool is None else self.members(pool.name)

    def members(self, pool: str) -> tuple[ShownNumber, ...]:
        """The numbers of a pool, as they are now."""
        self._new_day()
        numbers = self.settings.pools[pool].numbers
        return tuple(caller_ids.rested(self._shown[number], self.live.now) for number in numbers)

    def put(self, number: ShownNumber) -> None:
        """A number as it is from now on."""
        self._shown[number.number] = number

    def facts(self, lines: Sequence[Trunk]) -> list[TrunkFacts]:
        """What routing chooses by. One line alone is taken for well."""
        now, alone = self.live.now, len(lines) == 1
        return [
            TrunkFacts(
                name=trunk.settings.name,
                channels=trunk.settings.channels,
                in_use=trunk.legs,
                tokens=trunk.bucket.available(now),
                reserved_inbound=trunk.settings.reserved_inbound,
                health=NEW if alone else trunk.health,
                rewrites=trunk.settings.rewrites,
                costs=trunk.settings.costs,
                pool=self.pool(trunk.settings),
                allotted=trunk.settings.allotted,
                cli_allotted_only=trunk.settings.cli_allotted_only,
                order=order,
            )
            for order, trunk in enumerate(lines)
        ]

    def choice(
        self,
        lines: Sequence[Trunk],
        number: str,
        campaign: Campaign | None,
        not_on: frozenset[str] = frozenset(),
        at: float | None = None,
    ) -> TrunkChoice:
        """The line for a call to ``number`` now, or by the prices and rests of ``at``; nothing is taken yet."""
        own = None if campaign is None else campaign.settings.caller_id or None
        expected = None if campaign is None else campaign.settings.pacing
        talk_s = TALK_S if expected is None else expected.prior_talk_s
        now = self.live.now if at is None else at
        return choose_trunk(number, self.facts(lines), now, talk_s=talk_s, not_on=not_on, show=own)

    # ---- room ------------------------------------------------------------------------------------------------

    def room(self, campaign: Campaign) -> LineRoom:
        """How many calls all lines of a campaign together take now."""
        lines = self.lines(campaign)
        if len(lines) == 1:
            (trunk,) = lines
            settings = trunk.settings
            calls, by = settings.outbound - trunk.legs, f"{settings.outbound} channels"
            if (left := self._numbers_left(trunk, campaign)) < calls:
                calls, by = int(left), "the numbers that it may show today"
            name = f"trunk {settings.name}: "
            speed = f"{name}{settings.calls_per_second:g} calls a second"
            return LineRoom(max(0, calls), name + by, trunk.bucket.available(self.live.now), speed)
        calls = tokens = 0
        told = []
        for trunk in lines:
            left, why, speed_left = self._left(trunk, campaign)
            calls += left
            tokens += speed_left
            told.append(f"{trunk.settings.name} ({why})")
        by = f"trunks {', '.join(told)}"
        return LineRoom(calls, by, tokens, by)

    def _left(self, trunk: Trunk, campaign: Campaign) -> tuple[int, str, int]:
        """How many calls one of several lines takes, what limits it, and how many by its speed alone."""
        settings, now = trunk.settings, self.live.now
        if (sick := may_dial(trunk.health, now)) is not None:
            return 0, sick, 0
        left, why = max(0, settings.outbound - trunk.legs), f"{settings.outbound} channels"
        tokens = trunk.bucket.available(now)
        open_tokens = tokens if left else 0
        limits: list[tuple[float, str]] = [
            (tokens, f"{settings.calls_per_second:g} calls a second"),
            (self._numbers_left(trunk, campaign), "the numbers that it may show today"),
        ]
        if trunk.health.condition is not Condition.HEALTHY:
            limits.append((1, f"one call at a time: {trunk.health.reason}"))
        for limit, what in limits:
            if limit < left:
                left, why = int(limit), what
        return left, why, open_tokens

    def _numbers_left(self, trunk: Trunk, campaign: Campaign) -> float:
        """How many calls the numbers that a line may show are good for."""
        settings, own = trunk.settings, campaign.settings.caller_id
        allotted = settings.allotted if settings.cli_allotted_only else None
        if own:
            return float("inf") if allotted is None or own in allotted else 0.0
        return caller_ids.left_today(self.pool(settings), self.live.now, allotted)

    def wait_s(self, campaign: Campaign) -> float:
        """Seconds until a line of the campaign that has a channel takes one more call by its speed; 0: one does."""
        lines, now = self.lines(campaign), self.live.now
        if len(lines) == 1:
            return lines[0].bucket.wait_s(now)
        fit = [t for t in lines if t.legs < t.settings.outbound and may_dial(t.health, now) is None]
        return min((trunk.bucket.wait_s(now) for trunk in fit), default=LOOK_AGAIN_S)

    def full(self, campaign: Campaign) -> str | None:
        """Why no line of the campaign takes one more call, in words; None when one does."""
        room = self.room(campaign)
        if room.calls < 1:
            return f"no line is free: {room.by}"
        return f"{room.tokens_by}: try again" if room.tokens < 1 else None

    # ---- a call's way ----------------------------------------------------------------------------------------

    def take(self, campaign: Campaign, number: str, not_on: frozenset[str] = frozenset()) -> TrunkChoice | None:
        """Choose a line for a call that is opened now and count it there; None: no line may take it."""
        live = self.live
        choice = self.choice(self.lines(campaign), number, campaign, not_on)
        for name, why in choice.passed:
            live.trunks[name].passed[why] += 1
        if choice.trunk is None:
            return None
        trunk = live.trunks[choice.trunk]
        trunk.bucket.take(1, live.now)
        trunk.health = dialed(trunk.health, live.now)
        trunk.chosen += 1
        self.show(choice.shown, 1)
        return choice

    def show(self, number: str | None, calls: int) -> None:
        """So many calls more show the number today."""
        known = self._shown.get(number or "")
        if known is not None:
            self._new_day()
            self.put(replace(known, today=max(0, known.today + calls)))

    def withdrawn(self, call: Call) -> None:
        """A call that was opened is not dialed after all."""
        trunk = self.live.trunks.get(call.trunk)
        if call.choice is not None and trunk is not None:
            self.show(call.choice.shown, -1)
            self._health(trunk, call, Blame.OURS)

    def answered(self, call: Call) -> None:
        """Whether a line tells of ringing is known by the calls that were answered."""
        if (trunk := self.live.trunks.get(call.trunk)) is not None and call.choice is not None:
            trunk.told += call.rang_at is not None
            trunk.untold += call.rang_at is None

    def ended(self, call: Call, outcome: Outcome, cause: str, sip_status: str) -> None:
        """What a call's end says of its line and of the number it showed. A former run's calls say nothing."""
        if call.dialed_at is None:
            self.withdrawn(call)
        trunk = self.live.trunks.get(call.trunk)
        if call.choice is None or call.dialed_at is None or trunk is None:
            return
        whose = _whose(trunk, call, outcome, cause, sip_status)
        trunk.ends[whose] += 1
        several = len(self.lines(call.campaign)) > 1
        call.line_failed = several and call.rang_at is None and whose in (Blame.CARRIER, Blame.ROUTE)
        self._health(trunk, call, whose)
        self._liked(call, outcome)

    def goes_on(self, call: Call, cause: str, sip_status: str) -> bool:
        """Whether a call that failed is to be tried on another line: one takes it now, or, with no agent waiting for
        it, as soon as it has a channel and the speed. A line that has failed it twice is not tried a third time."""
        failed_on = call.lead.failed_on
        if not call.line_failed or call.trunk in failed_on:
            return False
        if not may_fail_over(cause, call.rang_at is not None, sip_status):
            return False
        tried = frozenset((*failed_on, call.trunk))
        choice = self.choice(self.lines(call.campaign), call.lead.number, call.campaign, tried)
        soon = call.bound_agent is None and any(why in _SOON for _, why in choice.passed)
        return choice.trunk is not None or soon

    def _health(self, trunk: Trunk, call: Call, whose: Blame) -> None:
        live, before = self.live, trunk.health
        # One number that fails again and again counts once; by its id, so that no number is kept.
        key = str(call.lead.number_id)
        trunk.health = now = ended(before, whose, key, call.opened_at, live.now, self.settings.health)
        name = trunk.settings.name
        if now.condition is Condition.COOLING and before.condition is not Condition.COOLING:
            live.counters["trunks_found_sick"] += 1
            text = f"trunk {name}: {now.reason}; rests for {now.until - live.now:.0f} s where there is another line"
            live.note("warning", "trunk_sick", text)
            self._look_again(name)
        elif now.condition is Condition.HEALTHY and before.condition is not Condition.HEALTHY:
            live.note("info", "trunk_well", f"trunk {name}: {now.reason}")
            self._look_again(name)

    def _look_again(self, name: str) -> None:
        for campaign in self.live.campaigns.values():
            campaign.dirty = campaign.dirty or name in campaign.settings.trunks

    # ---- numbers shown ---------------------------------------------------------------------------------------

    def _liked(self, call: Call, outcome: Outcome) -> None:
        known = self._shown.get((call.choice.shown if call.choice is not None else None) or "")
        if known is None or outcome not in ANSWERED_BY_PERSON | NOT_ANSWERED_BY_ONE:
            return
        answered = known.answered + (outcome in ANSWERED_BY_PERSON)
        self.put(replace(known, dialed=known.dialed + 1, answered=answered))
        if known.dialed + 1 >= self.settings.reputation.block:
            self._judge(known.number)

    def _judge(self, number: str) -> None:
        live = self.live
        pool = next(pool for pool in self.settings.pools.values() if number in pool.numbers)
        for new, verdict in caller_ids.judged(self.members(pool.name), live.now, self.settings.reputation):
            self.put(new)
            until = new.rests_until if new.standing is Standing.RESTING else 0.0
            live.emit(SaveShownNumber(new.number, new.standing.value, new.rests, until, live.now, new.reason))
            if verdict is not None:
                live.counters["shown_numbers_put_away"] += 1
                text = f"pool {pool.name}: {mask_number(new.number)} is {new.standing.value}: {verdict.reason}"
                live.note("warning", "shown_number", text)

    def restore(self, event: RestoreNumber) -> None:
        """An operator wants a number shown again that rests or is retired."""
        live, digits = self.live, event.number.removeprefix("+")
        for name in [number for number in self._shown if number.removeprefix("+") == digits]:
            known = caller_ids.rested(self._shown[name], live.now)
            if known.standing is Standing.GOOD:
                text = f"{mask_number(name)} is good: neither resting nor retired"
                live.emit(Reply(event.request_id, False, text))
                return
            was = known.standing.value
            self.put(caller_ids.restored(known, event.reason))
            live.emit(SaveShownNumber(name, Standing.GOOD.value, 0, 0.0, live.now, event.reason))
            live.counters["shown_numbers_restored"] += 1
            live.note("info", "shown_number", f"{mask_number(name)}, {was}, is shown again: {event.reason}")
            for campaign in live.campaigns.values():
                campaign.dirty = True
            live.emit(Reply(event.request_id, True, f"{mask_number(name)} was {was} and is shown again"))
            return
        text = f"{mask_number(event.number)} is in no pool; expected a number of `dialer numbers list`"
        live.emit(Reply(event.request_id, False, text))

    def recovered(self, facts: Iterable[ShownFact]) -> None:
        """What the store knows of our numbers: how they were judged, what they showed today."""
        self._new_day()
        begins = self._day_begins()
        for fact in facts:
            known = self._shown.get(fact.number)
            if known is None:
                continue
            self.put(
                replace(
                    known,
                    standing=Standing(fact.standing) if fact.standing in set(Standing) else Standing.GOOD,
                    today=sum(calls for at, calls in fact.quarters if at >= begins),
                    dialed=fact.dialed,
                    answered=fact.answered,
                    rests=fact.rests,
                    rests_until=fact.rests_until,
                    reason=fact.reason,
                )
            )

    def _new_day(self) -> None:
        """At midnight of the zone the caps begin anew."""
        if self.live.now < self._day_ends:
            return
        local = datetime.fromtimestamp(self.live.now, self._zone)
        tomorrow = datetime.combine(local.date() + timedelta(days=1), time.min, self._zone)
        self._day_ends = max(tomorrow.timestamp(), self.live.now + LOOK_AGAIN_S)
        self._shown = {number: replace(shown, today=0) for number, shown in self._shown.items()}

    def _day_begins(self) -> float:
        local = datetime.fromtimestamp(self.live.now, self._zone)
        return datetime.combine(local.date(), time.min, self._zone).timestamp()


def _whose(trunk: Trunk, call: Call, outcome: Outcome, cause: str, sip_status: str) -> Blame:
    """Whose doing a call's end was."""
    rang = call.rang_at is not None
    if call.answered_at is not None:
        return Blame.CALLEE
    if call.kill_as is not None or outcome in _NOT_THE_LINE:
        return Blame.CALLEE if rang else Blame.OURS
    if silent(cause, rang, sip_status):
        lasted_s = (call.ended_at or call.since) - (call.dialed_at or call.opened_at)
        return Blame.CARRIER if lasted_s >= SILENT_S and trunk.told >= trunk.untold else Blame.UNKNOWN
    return blame(cause, rang, sip_status)
