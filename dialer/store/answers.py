"""The answer to a store command that was not executed. Pure: shared by worker, service and client."""

from __future__ import annotations

from dialer.domain.commands import ClaimLeads, OpenAttempt, StoreCommand
from dialer.domain.events import AttemptRefused, LeadsClaimed, StoreEvent
from dialer.leads.eligibility import STORE


def failed_answer(command: StoreCommand, reason: str, *, keep: bool) -> StoreEvent | None:
    """A refusal, an empty claim, or None for a command that has no answer."""
    match command:
        case OpenAttempt():
            return AttemptRefused(command.attempt_id, STORE, reason, keep=keep)
        case ClaimLeads():
            return LeadsClaimed(command.campaign, (), command.count)
    return None
