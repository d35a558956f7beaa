"""Hangup causes as a FreeSWITCH names them: their Q.850 numbers and the SIP responses that lead to them.

Facts only, measured on a real server; nothing here decides anything.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

# Q.850 number by cause, as in variable_hangup_cause_q850: FreeSWITCH's own causes (above 127) are shown as
# 16.  A name not listed is not a cause: uuid_kill then falls back to NORMAL_CLEARING like the real one.
Q850: Final = MappingProxyType(
    {
        "UNALLOCATED_NUMBER": 1,
        "NO_ROUTE_DESTINATION": 3,
        "NORMAL_CLEARING": 16,
        "USER_BUSY": 17,
        "NO_USER_RESPONSE": 18,
        "NO_ANSWER": 19,
        "SUBSCRIBER_ABSENT": 20,
        "CALL_REJECTED": 21,
        "NUMBER_CHANGED": 22,
        "DESTINATION_OUT_OF_ORDER": 27,
        "INVALID_NUMBER_FORMAT": 28,
        "NORMAL_UNSPECIFIED": 31,
        "NORMAL_CIRCUIT_CONGESTION": 34,
        "NETWORK_OUT_OF_ORDER": 38,
        "NORMAL_TEMPORARY_FAILURE": 41,
        "SWITCH_CONGESTION": 42,
        "REQUESTED_CHAN_UNAVAIL": 44,
        "BEARERCAPABILITY_NOTAVAIL": 58,
        "SERVICE_UNAVAILABLE": 63,
        "INCOMPATIBLE_DESTINATION": 88,
        "RECOVERY_ON_TIMER_EXPIRE": 102,
        "INTERWORKING": 127,
        "ORIGINATOR_CANCEL": 16,
        "SYSTEM_SHUTDOWN": 16,
        "LOSE_RACE": 16,
        "MANAGER_REQUEST": 16,
        "BLIND_TRANSFER": 16,
        "ATTENDED_TRANSFER": 16,
        "ALLOTTED_TIMEOUT": 16,
        "USER_CHALLENGE": 16,
        "MEDIA_TIMEOUT": 16,
        "PICKED_OFF": 16,
        "USER_NOT_REGISTERED": 16,
        "PROGRESS_TIMEOUT": 16,
        "INVALID_GATEWAY": 16,
    }
)

# Final SIP response of a refused call: (hangup cause, reason phrase).
SIP_CAUSES: Final = MappingProxyType(
    {
        403: ("CALL_REJECTED", "Forbidden"),
        404: ("UNALLOCATED_NUMBER", "Not Found"),
        408: ("RECOVERY_ON_TIMER_EXPIRE", "Request Timeout"),
        410: ("NUMBER_CHANGED", "Gone"),
        480: ("NO_USER_RESPONSE", "Temporarily Unavailable"),
        484: ("INVALID_NUMBER_FORMAT", "Address Incomplete"),
        486: ("USER_BUSY", "Busy Here"),
        487: ("ORIGINATOR_CANCEL", "Request Terminated"),
        488: ("INCOMPATIBLE_DESTINATION", "Not Acceptable Here"),
        500: ("NORMAL_TEMPORARY_FAILURE", "Server Internal Error"),
        502: ("NETWORK_OUT_OF_ORDER", "Bad Gateway"),
        503: ("NORMAL_TEMPORARY_FAILURE", "Service Unavailable"),
        600: ("USER_BUSY", "Busy Everywhere"),
        603: ("CALL_REJECTED", "Decline"),
        604: ("NO_ROUTE_DESTINATION", "Does Not Exist Anywhere"),
    }
)


def sip_cause(status: int) -> tuple[str, str]:
    """(cause, phrase) of a final response; an unlisted one reads as NORMAL_UNSPECIFIED."""
    return SIP_CAUSES.get(status, ("NORMAL_UNSPECIFIED", "Unknown"))


def known_cause(name: str) -> str:
    """The cause that a command named, or NORMAL_CLEARING for a name that no FreeSWITCH knows."""
    wanted = name.strip().upper()
    return wanted if wanted in Q850 else "NORMAL_CLEARING"
