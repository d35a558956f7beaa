"""States of one lead, the table that moves them, and the facts about a claimed lead.

Owns the table and the frozen ``ClaimedLead``. The store holds every lead; the engine holds only claimed ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dialer.domain.transitions import Table
from routing.outbound import NOT_RANKED, Rank


class LeadState(StrEnum):
    """Where a lead is. Exactly one at any time."""

    READY = "ready"  # may be claimed once due
    CLAIMED = "claimed"  # in a hopper, under a lease
    DIALING = "dialing"  # has one open attempt
    DONE = "done"  # will not be dialed again; the reason is kept


class LeadTrigger(StrEnum):
    """What can happen to a lead."""

    CLAIM = "claim"
    RELEASE = "release"
    REFUSE_FOR_NOW = "refuse_for_now"
    REFUSE_FOR_GOOD = "refuse_for_good"
    OPEN = "open"
    RECYCLE = "recycle"
    FINISH = "finish"
    AGAIN = "again"
    CALL_BACK = "call_back"  # a callback's call is opened, whatever the lead was resting from


_S, _T = LeadState, LeadTrigger

LEAD_TABLE: Table[LeadState, LeadTrigger] = Table(
    {
        _S.READY: {_T.CLAIM: _S.CLAIMED, _T.FINISH: _S.DONE, _T.CALL_BACK: _S.DIALING},
        _S.CLAIMED: {
            _T.CLAIM: _S.CLAIMED,
            _T.RELEASE: _S.READY,
            _T.REFUSE_FOR_NOW: _S.READY,
            _T.REFUSE_FOR_GOOD: _S.DONE,
            _T.OPEN: _S.DIALING,
            _T.CALL_BACK: _S.DIALING,
        },
        _S.DIALING: {_T.RECYCLE: _S.READY, _T.FINISH: _S.DONE, _T.AGAIN: _S.CLAIMED},
        _S.DONE: {_T.CALL_BACK: _S.DIALING},
    }
)
"""CLAIM from CLAIMED is a lease that ran out and was taken again. AGAIN: a line failed, another one is tried."""


@dataclass(frozen=True, slots=True)
class ClaimedLead:
    """A lead that this dialer may dial until ``lease_until`` (engine clock, seconds).

    ``number`` is E.164 with its plus sign. ``attempts`` counts those already made, ``last_outcome`` is the last one's
    (empty: none). ``line_type`` is mobile, fixed, mixed, voip, other, or empty when unknown. ``rank`` is what the
    customer is to us, judged when the lead was claimed. ``failed_on`` are the trunks that have just failed a call to it
    before anything rang. ``zones`` bind its number. ``callback``: dialed for that one (0: for none).
    """

    lead_id: int
    campaign: str
    number_id: int
    number: str
    person: str
    attempts: int
    lease_until: float
    name: str = ""
    priority: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    list_name: str = ""
    last_outcome: str = ""
    line_type: str = ""
    rank: Rank = NOT_RANKED
    failed_on: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    callback: int = 0
