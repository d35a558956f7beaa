"""What a caller is to us, from what the store knows: the one way from rows to ``routing.intake``, shared by all stores;
and what becomes of the lead of one who returned a call.

Pure: the rows are given. Owns how far back they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from dialer.domain.inbound import ArrivalJudged, CloseInbound, Ending, JudgeArrival, OpenInbound
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CampaignSettings
from dialer.leads.recycle import after
from routing.affinity import Attempt, Conversation
from routing.callers import CallerId, CallerKind
from routing.intake import Arrival, Rules, judge
from routing.outbound import COMPANY, Rank

MOST_ROWS: Final = 50
"""Of each kind the newest: more say nothing about whom somebody talked to last."""
MOST_LEADS: Final = 10


@dataclass(frozen=True, slots=True)
class KnownLead:
    """A lead that has the caller's number; the newest first."""

    lead_id: int
    person: str
    name: str
    fields: Mapping[str, str]


NOBODY: Final = KnownLead(0, "", "", {})


def judged(
    command: JudgeArrival,
    rules: Rules,
    leads: Iterable[KnownLead],
    conversations: Iterable[Conversation],
    attempts: Iterable[Attempt],
) -> ArrivalJudged:
    """The answer. Of several leads the newest is the caller, unless they return the call to another."""
    known = list(leads)
    lead = known[0] if known else NOBODY
    caller = CallerId(CallerKind(command.kind), command.number, command.why)
    company = str(lead.fields.get(COMPANY, ""))
    arrival = Arrival(
        command.call_id,
        command.at,
        caller,
        command.dialed,
        command.queue,
        lead.person,
        company,
        lead.fields,
        command.asked,
        persons=frozenset(each.person for each in known if each.person),
    )
    called = [replace(attempt, shown=rules.ours(attempt.shown)) for attempt in attempts]
    intake = judge(arrival, rules, conversations, called)
    call = intake.call
    if call is None:
        rank = Rank(intake.tier.name, False, None, (), intake.reasons)
        return ArrivalJudged(command.call_id, rank, intake.tier.target_s, refused=True, lead_id=lead.lead_id)
    groups = tuple(step.groups for step in call.steps[: len(call.steps) - len(command.queue.steps)])
    returned = lead
    if intake.lead:
        # A lead of another number of theirs is not among those that have this one.
        other = KnownLead(int(intake.lead), _person(called, intake.lead) or lead.person, lead.name, lead.fields)
        returned = next((each for each in known if str(each.lead_id) == intake.lead), other)
    return ArrivalJudged(
        command.call_id,
        Rank(call.tier, call.vip, call.own_agent, groups, intake.reasons, intake.tier.tag or ""),
        call.target_s,
        max(0.0, call.own_until - command.at) if call.own_agent is not None else 0.0,
        lead_id=returned.lead_id,
        campaign=call.campaign,
        person=returned.person,
        name=returned.name,
        fields=returned.fields,
    )


def _person(attempts: Iterable[Attempt], lead: str) -> str:
    return next((attempt.person for attempt in attempts if attempt.lead == lead), "")


def reached(settings: CampaignSettings, attempts: int, at: float) -> tuple[bool, str, float]:
    """What becomes of a lead whose customer returned a call of the campaign, and was spoken with until ``at``: whether
    it is done, why, and when it is due."""
    fate = after(Outcome.CONNECTED, attempts, settings)
    return fate.done, "returned our call", at if fate.done else at + fate.after_s


def never_settled(command: OpenInbound) -> CloseInbound:
    """The end of a call of which the store hears late, by a run that died since: the next one was not told of it."""
    reason = "the dialer died before this could be written"
    return CloseInbound(command.call_id, Ending.INTERRUPTED, reason, command.arrived_at)
