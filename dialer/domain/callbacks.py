"""Callbacks: customers who are to be called again at a time. Their states, what a campaign allows, the orders to the
store and its answers.

Owns the table and the frozen facts. What an ended call makes of a callback is ``dialer.leads.callbacks``', who dials it
and when is ``dialer.engine.callbacks``'. Times in UTC epoch seconds on the engine clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dialer.domain.lead import ClaimedLead
from dialer.domain.transitions import Table

WISH: Final = "callback"
RECONTACT: Final = "recontact"
"""Kinds of a callback: the customer asked for it; quality control wants the customer to be contacted again."""
AGAIN_SOON_S: Final = 60.0
"""After a call that ended by our own fault it is due again so soon."""


class CallbackState(StrEnum):
    """Where a callback is. Exactly one at any time."""

    OPEN = "open"  # to be dialed when it is due
    CLAIMED = "claimed"  # an agent is reserved for it, under a lease
    DIALING = "dialing"  # has one open attempt
    DONE = "done"  # the customer was spoken with
    FAILED = "failed"  # given up; the reason is kept
    CANCELLED = "cancelled"  # not wanted any more


class CallbackTrigger(StrEnum):
    """What can happen to a callback."""

    CLAIM = "claim"
    PUT_BACK = "put_back"  # not dialed, or dialed in vain: open again, perhaps later
    DIAL = "dial"
    AGAIN = "again"  # its line failed before anything rang: on another one at once
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"
    ASK_AGAIN = "ask_again"  # the customer of that very call wishes it anew


_S, _T = CallbackState, CallbackTrigger

CALLBACK_TABLE: Table[CallbackState, CallbackTrigger] = Table(
    {
        _S.OPEN: {
            _T.CLAIM: _S.CLAIMED,
            _T.PUT_BACK: _S.OPEN,
            _T.FINISH: _S.DONE,
            _T.FAIL: _S.FAILED,
            _T.CANCEL: _S.CANCELLED,
            _T.ASK_AGAIN: _S.OPEN,
        },
        _S.CLAIMED: {
            _T.CLAIM: _S.CLAIMED,
            _T.PUT_BACK: _S.OPEN,
            _T.DIAL: _S.DIALING,
            _T.FINISH: _S.DONE,
            _T.FAIL: _S.FAILED,
            _T.CANCEL: _S.CANCELLED,
        },
        _S.DIALING: {
            _T.PUT_BACK: _S.OPEN,
            _T.AGAIN: _S.CLAIMED,
            _T.FINISH: _S.DONE,
            _T.FAIL: _S.FAILED,
            _T.CANCEL: _S.CANCELLED,
        },
        _S.DONE: {},
        _S.FAILED: {_T.ASK_AGAIN: _S.OPEN},
        _S.CANCELLED: {_T.ASK_AGAIN: _S.OPEN},
    }
)
"""CLAIM from CLAIMED is a lease that ran out, or an answer that got lost. Only the end of its call moves a callback on
that is being dialed."""

ACTIVE: Final = (CallbackState.OPEN, CallbackState.CLAIMED, CallbackState.DIALING)
"""While a callback is one of these, its campaign leaves the lead alone otherwise."""


class Away(StrEnum):
    """What becomes of a callback when neither its agent nor their team had time."""

    ANYONE = "anyone"  # anybody who serves the campaign
    LATER = "later"  # due again after ``later_s``
    WAIT = "wait"  # goes on waiting for them


@dataclass(frozen=True, slots=True)
class CallbackSettings:
    """How a campaign dials its callbacks.

    ``own``: a callback by keypad is the agent's who promised it. Such a one waits ``own_s`` for its agent, then
    ``team_s`` for those of the agent's team or groups, then does ``away``. At most ``share`` of the campaign's agents
    (one at least) are kept for callbacks at once, each no sooner than ``ahead_s`` before the time. Nobody answers:
    again after ``retry_s``, at most ``tries`` calls. One that could not be dialed for ``expires_s`` has failed.
    """

    own: bool = True
    own_s: float = 900.0
    team_s: float = 300.0
    away: Away = Away.ANYONE
    later_s: float = 3600.0
    share: float = 0.25
    ahead_s: float = 30.0
    tries: int = 3
    retry_s: float = 1800.0
    expires_s: float = 86_400.0


# ---- orders to the store -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookCallbacks:
    """Tell the open callbacks of ``campaigns`` that are due by ``until``, the oldest first, at most ``count``.

    On the way those that nobody could dial for too long are given up, and leases that ran out end.
    """

    campaigns: tuple[str, ...]
    until: float
    count: int = 1000


@dataclass(frozen=True, slots=True)
class ClaimCallback:
    """Take a callback that is due for ``agent``, who is reserved. Repeating it gives the same answer."""

    callback: int
    campaign: str
    agent: str
    lease_s: float


@dataclass(frozen=True, slots=True)
class PutBackCallback:
    """Open again, if this run had claimed it or nobody has; due at ``due_at`` unless that is None."""

    callback: int
    reason: str
    due_at: float | None = None


# ---- the store's answers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallbackFact:
    """An open callback. ``agent`` is who promised it (empty: anyone may), ``tries`` calls were made for it; ``queue``
    is the one that the customer had called, empty for one whom we had called.

    ``wanted_at`` is when the customer is to be called, ``due_at`` when it is to be tried next.
    """

    callback: int
    kind: str
    campaign: str
    lead_id: int
    agent: str
    due_at: float
    wanted_at: float
    tries: int = 0
    reason: str = ""
    queue: str = ""


@dataclass(frozen=True, slots=True)
class CallbacksSeen:
    """The answer to LookCallbacks. ``counts``: how many of each campaign are open, due or not. ``expired``: how many
    were given up now, because they could not be dialed for too long."""

    callbacks: tuple[CallbackFact, ...]
    counts: tuple[tuple[str, int], ...] = ()
    expired: int = 0


@dataclass(frozen=True, slots=True)
class CallbackClaimed:
    """It is ours; ``lead`` names it (``ClaimedLead.callback``) and may be dialed until its lease ends."""

    callback: int
    lead: ClaimedLead
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallbackGone:
    """It is not ours to dial, and why."""

    callback: int
    reason: str


CallbackOrder = LookCallbacks | ClaimCallback | PutBackCallback
CallbackAnswer = CallbacksSeen | CallbackClaimed | CallbackGone
