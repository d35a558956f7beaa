"""Answers that do not depend on the database: to a command that was not executed, and what is made of the facts on a
number. Pure: shared by worker, services and client.
"""

from __future__ import annotations

from collections.abc import Sequence

from dialer.domain.callbacks import CallbackGone, CallbacksSeen, ClaimCallback, LookCallbacks
from dialer.domain.commands import ClaimLeads, OpenAttempt, StoreCommand
from dialer.domain.events import AttemptRefused, LeadsClaimed, StoreEvent
from dialer.domain.inbound import ArrivalJudged, JudgeArrival
from dialer.domain.phones import CheckNumber, CheckPin, NumberChecked, PinChecked
from dialer.domain.settings import CampaignSettings
from dialer.leads.eligibility import STORE, DncHit, judge_own_call
from dialer.leads.numbers import zones_of
from dialer.store.pins import PinRight

CAMPAIGN = "campaign"
"""The rule that says no to a number when there is no campaign whose calling hours could hold."""
ANSWERED = (OpenAttempt, ClaimLeads, CheckPin, PinRight, CheckNumber, LookCallbacks, ClaimCallback, JudgeArrival)
"""Commands that somebody waits for: they are answered now, if only by a refusal. All others are kept until they can be
executed."""


def failed_answer(command: StoreCommand | PinRight, reason: str, *, keep: bool) -> StoreEvent | None:
    """A refusal, an empty claim, or None for a command that has no answer."""
    match command:
        case OpenAttempt():
            return AttemptRefused(command.attempt_id, STORE, reason, keep=keep)
        case ClaimLeads():
            return LeadsClaimed(command.campaign, (), command.count)
        case CheckPin():
            return PinChecked(command.session, command.agent, False, problem=reason)
        case CheckNumber():
            return NumberChecked(command.session, False, STORE, reason)
        case JudgeArrival():
            return ArrivalJudged(command.call_id, problem=reason)
        case LookCallbacks():
            return CallbacksSeen(())
        case ClaimCallback():
            return CallbackGone(command.callback, reason)
        case PinRight():
            return PinChecked(command.session, command.agent, True)  # it was; only the tries stay counted
    return None


def number_verdict(
    command: CheckNumber, rules: CampaignSettings | None, hits: Sequence[DncHit], now: float
) -> NumberChecked:
    """The answer to a question about a number, with what a store's do-not-call list has on it."""
    if rules is None:
        return NumberChecked(command.session, False, CAMPAIGN, f"campaign {command.campaign} is not configured")
    judged = judge_own_call(hits, zones_of(command.number), rules, now)
    return NumberChecked(command.session, judged.ok, judged.rule, judged.reason)
