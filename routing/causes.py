"""Whose fault a failed call is, and whether another line may be tried for it.

Owns the table of hang-up causes. A number that does not exist, a busy or silent phone are the callee's and say that the
line works. A cause that is not in the table is nobody's: it neither makes a line sick nor is the call tried again,
since a customer might be called twice. Must not know lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Blame(StrEnum):
    """Whose fault."""

    CARRIER = "carrier"
    NUMBER = "number"
    """The number cannot be reached by anybody: another line would say so too."""
    CALLEE = "callee"
    ROUTE = "route"
    """This carrier has no way there: worth another line, and no sign of sickness."""
    OURS = "ours"
    UNKNOWN = "unknown"


CAUSES: Final[Mapping[str, Blame]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "NORMAL_TEMPORARY_FAILURE",
                "NETWORK_OUT_OF_ORDER",
                "GATEWAY_DOWN",
                "SWITCH_CONGESTION",
                "NORMAL_CIRCUIT_CONGESTION",
                "REQUESTED_CHAN_UNAVAIL",
                "RECOVERY_ON_TIMER_EXPIRE",
                "PROGRESS_TIMEOUT",
                "SERVICE_UNAVAILABLE",
                "PROTOCOL_ERROR",
                "MEDIA_TIMEOUT",
                "INVALID_GATEWAY",  # our switch has no such gateway: as good as a line that is down
            ),
            Blame.CARRIER,
        ),
        **dict.fromkeys(
            ("NO_ROUTE_DESTINATION", "NO_ROUTE_TRANSIT_NET", "BEARERCAPABILITY_NOTAVAIL", "OUTGOING_CALL_BARRED"),
            Blame.ROUTE,
        ),
        **dict.fromkeys(
            ("UNALLOCATED_NUMBER", "INVALID_NUMBER_FORMAT", "NUMBER_CHANGED", "DOES_NOT_EXIST_ANYWHERE"),
            Blame.NUMBER,
        ),
        **dict.fromkeys(
            (
                "NORMAL_CLEARING",
                "USER_BUSY",
                "NO_ANSWER",
                "NO_USER_RESPONSE",
                "CALL_REJECTED",
                "SUBSCRIBER_ABSENT",
                "USER_NOT_REGISTERED",
                "ALLOTTED_TIMEOUT",
                "NO_PICKUP",
                "BUSY_EVERYWHERE",
                "DECLINE",
                "UNWANTED",
            ),
            Blame.CALLEE,
        ),
        **dict.fromkeys(
            (
                "ORIGINATOR_CANCEL",
                "LOSE_RACE",
                "MANAGER_REQUEST",
                "SYSTEM_SHUTDOWN",
                "INVALID_PROFILE",
                "INCOMPATIBLE_DESTINATION",
                "MANDATORY_IE_MISSING",
                "DESTINATION_OUT_OF_ORDER",  # what our switch says at its own limits, without a call
            ),
            Blame.OURS,
        ),
    }
)


TURNS_US_AWAY: Final = frozenset({"401", "402", "407"})
"""SIP codes with which a carrier refuses its customer, not the callee the call; the switch says CALL_REJECTED."""


OUR_LIMIT: Final = frozenset({"NO_ANSWER", "ALLOTTED_TIMEOUT", "NO_PICKUP"})
"""With a SIP code the carrier's word that nobody answered; without one, our switch's that it has waited long enough."""


def silent(cause: str, rang: bool, sip_status: str) -> bool:
    """Whether our switch gave up a call of which the carrier never said anything."""
    return not rang and not sip_status and cause in OUR_LIMIT


def blame(cause: str, rang: bool, sip_status: str = "") -> Blame:
    """Whose fault it is that a call ended so. A line on which the phone rang has done its work."""
    found = Blame.CARRIER if sip_status in TURNS_US_AWAY else CAUSES.get(cause, Blame.UNKNOWN)
    return Blame.CALLEE if rang and found in (Blame.CARRIER, Blame.ROUTE, Blame.NUMBER) else found


def may_fail_over(cause: str, rang: bool, sip_status: str = "") -> bool:
    """Whether the call may be tried on another line: nobody's phone rang, and another line could do better."""
    return not rang and blame(cause, rang, sip_status) in (Blame.CARRIER, Blame.ROUTE)
