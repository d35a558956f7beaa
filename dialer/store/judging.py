"""What a caller is to us, from what the store knows: the one way from rows to ``routing.intake``, shared by all stores.

Pure: the rows are given. Owns how far back they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dialer.domain.inbound import ArrivalJudged, JudgeArrival
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


def judged(
    command: JudgeArrival,
    rules: Rules,
    leads: Iterable[KnownLead],
    conversations: Iterable[Conversation],
    attempts: Iterable[Attempt],
) -> ArrivalJudged:
    """The answer. Of several leads the newest is the caller, unless they return the call to another."""
    known = list(leads)
    lead = known[0] if known else KnownLead(0, "", "", {})
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
    )
    intake = judge(arrival, rules, conversations, attempts)
    call = intake.call
    if call is None:
        rank = Rank(intake.tier.name, False, None, (), intake.reasons)
        return ArrivalJudged(command.call_id, rank, intake.tier.target_s, refused=True, lead_id=lead.lead_id)
    groups = tuple(step.groups for step in call.steps[: len(call.steps) - len(command.queue.steps)])
    returned = next((each for each in known if str(each.lead_id) == intake.lead), lead)
    return ArrivalJudged(
        command.call_id,
        Rank(call.tier, call.vip, call.own_agent, groups, intake.reasons, intake.tier.tag or ""),
        call.target_s,
        max(0.0, call.own_until - command.at) if call.own_agent is not None else 0.0,
        lead_id=int(intake.lead) if intake.lead else returned.lead_id,
        campaign=call.campaign,
        person=returned.person,
        name=returned.name,
        fields=returned.fields,
    )
