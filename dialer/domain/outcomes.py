"""Outcomes of an attempt and how a switch's hangup cause becomes one.

Owns the names (a contract with reports and API: exactly one per attempt, and they sum to the attempts) and the
table from FreeSWITCH causes, measured with a live server, to outcomes. Must not know about leads' recycling.
"""

from __future__ import annotations

from enum import StrEnum

from routing.causes import TURNS_US_AWAY


class Outcome(StrEnum):
    """How an attempt ended. Exactly one per attempt."""

    CONNECTED = "connected"
    ABANDONED = "abandoned"
    HUNG_UP_EARLY = "hung_up_early"
    MACHINE = "machine"
    MESSAGE_PLAYED = "message_played"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    DEAD_NUMBER = "dead_number"
    CARRIER_FAILURE = "carrier_failure"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    SHUTDOWN = "shutdown"


ANSWERED_OUTCOMES = frozenset(
    {Outcome.CONNECTED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY, Outcome.MACHINE, Outcome.MESSAGE_PLAYED}
)
"""Outcomes that only an answered call can have. SHUTDOWN and INTERRUPTED may be either."""

ANSWERED_BY_PERSON = frozenset({Outcome.CONNECTED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY, Outcome.MESSAGE_PLAYED})
NOT_ANSWERED_BY_ONE = frozenset(
    {Outcome.NO_ANSWER, Outcome.BUSY, Outcome.REJECTED, Outcome.CANCELLED, Outcome.MACHINE}
)
"""The callee's phone got the call, with the number that we show. Both say how such a number is liked; other outcomes do
not."""

CAUSE_OUTCOMES: dict[str, Outcome] = {
    "USER_BUSY": Outcome.BUSY,
    "NO_ANSWER": Outcome.NO_ANSWER,
    "NO_USER_RESPONSE": Outcome.NO_ANSWER,
    "PROGRESS_TIMEOUT": Outcome.NO_ANSWER,
    "ALLOTTED_TIMEOUT": Outcome.NO_ANSWER,
    "SUBSCRIBER_ABSENT": Outcome.NO_ANSWER,
    "ORIGINATOR_CANCEL": Outcome.NO_ANSWER,
    "NO_PICKUP": Outcome.NO_ANSWER,
    "BUSY_EVERYWHERE": Outcome.BUSY,
    "CALL_REJECTED": Outcome.REJECTED,
    "DECLINE": Outcome.REJECTED,
    "UNWANTED": Outcome.REJECTED,
    "BEARERCAPABILITY_NOTAUTH": Outcome.REJECTED,
    "UNALLOCATED_NUMBER": Outcome.INVALID_NUMBER,
    "INVALID_NUMBER_FORMAT": Outcome.INVALID_NUMBER,
    "NUMBER_CHANGED": Outcome.INVALID_NUMBER,
    "DOES_NOT_EXIST_ANYWHERE": Outcome.INVALID_NUMBER,
    "SYSTEM_SHUTDOWN": Outcome.INTERRUPTED,
    "MANAGER_REQUEST": Outcome.INTERRUPTED,
}
"""Causes of a leg that was never answered. Every cause that is not named here is the carrier's failure."""

RANG_THEN_SILENT = frozenset({"RECOVERY_ON_TIMER_EXPIRE", "NORMAL_UNSPECIFIED", "NORMAL_CLEARING"})
"""Causes that mean a fault when nothing rang, and an unanswered phone when it did."""


def unanswered_outcome(cause: str, *, rang: bool, sip_status: str = "") -> Outcome:
    """The outcome of a leg that ended without an answer, for the switch's hangup cause and the final SIP code."""
    if sip_status in TURNS_US_AWAY:
        return Outcome.CARRIER_FAILURE
    known = CAUSE_OUTCOMES.get(cause)
    if known is not None:
        return known
    if rang and cause in RANG_THEN_SILENT:
        return Outcome.NO_ANSWER
    return Outcome.CARRIER_FAILURE
