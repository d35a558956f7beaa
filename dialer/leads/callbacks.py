"""What becomes of a callback: after its call, after the gate's no, and in what order callbacks come.

Owns these rules as pure functions; both stores carry them out, in the transaction that ends or refuses the attempt. A
callback is never dialed against a rule of the gate, but for the cap of attempts, which holds back calls that nobody
asked for (``dialer.leads.eligibility``). Reasons are sentences for people and hold no phone number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dialer.domain.callbacks import AGAIN_SOON_S, CallbackSettings, CallbackState
from dialer.domain.outcomes import Outcome
from dialer.leads.eligibility import ATTEMPTS, DNC, WINDOW, Verdict
from dialer.leads.recycle import NUMBER_IS_DEAD

NEWER_WISH: Final = "a newer wish of this customer counts"
CALLERS: Final = "callers"
"""The list of callers who were no lead and wish to be called back."""
CALLED_IN: Final = "called_in"
"""Why such a lead rests."""
UNCOUNTED: Final = frozenset({Outcome.INTERRUPTED, Outcome.SHUTDOWN})
"""Ended by our own fault: no try of the customer's."""
_IN_WORDS: Final = {
    Outcome.NO_ANSWER: "nobody answered",
    Outcome.BUSY: "busy",
    Outcome.REJECTED: "the call was rejected",
    Outcome.MACHINE: "a machine answered",
    Outcome.MESSAGE_PLAYED: "only the message was heard",
    Outcome.HUNG_UP_EARLY: "hung up before an agent was there",
    Outcome.ABANDONED: "no agent was there in time",
    Outcome.CARRIER_FAILURE: "the carrier failed",
    Outcome.CANCELLED: "the call was cancelled",
    Outcome.INTERRUPTED: "the call was interrupted",
    Outcome.SHUTDOWN: "the dialer was shut down",
}


@dataclass(frozen=True, slots=True)
class CallbackFate:
    """Where a callback goes; with OPEN, when it is due. ``wanted``: that is also when it is wanted from now on.

    ``uncounted``: the call was no try.
    """

    state: CallbackState
    reason: str
    due_at: float | None = None
    wanted: bool = False
    uncounted: bool = False


def after_call(outcome: Outcome, tries: int, rules: CallbackSettings, ended_at: float) -> CallbackFate:
    """The fate of a callback whose call ended; ``tries`` counts that call."""
    if outcome is Outcome.CONNECTED:
        return CallbackFate(CallbackState.DONE, "spoken with")
    if outcome in NUMBER_IS_DEAD:
        return CallbackFate(CallbackState.FAILED, "the number does not exist")
    words = _IN_WORDS.get(outcome, outcome.value)
    if outcome in UNCOUNTED:
        return CallbackFate(CallbackState.OPEN, f"{words}: again soon", ended_at + AGAIN_SOON_S, uncounted=True)
    told = f"try {tries} of {rules.tries}: {words}"
    if tries >= rules.tries:
        return CallbackFate(CallbackState.FAILED, told)
    return CallbackFate(CallbackState.OPEN, told, ended_at + rules.retry_s)


def after_refusal(verdict: Verdict, now: float) -> CallbackFate:
    """The fate of a callback that the gate did not let through. Calling hours that open again move the wish itself."""
    if verdict.rule == DNC and verdict.for_good:
        return CallbackFate(CallbackState.CANCELLED, verdict.reason)
    if verdict.for_good or verdict.rule == ATTEMPTS:
        return CallbackFate(CallbackState.FAILED, verdict.reason)
    wait_s = verdict.retry_after_s or 0.0
    moves = verdict.rule in (WINDOW, DNC) and not verdict.never  # else it is given up when its time has passed
    return CallbackFate(CallbackState.OPEN, verdict.reason, now + wait_s, wanted=moves)


def expired(rules: CallbackSettings) -> str:
    """Why one is given up that could not be dialed for too long."""
    return f"it could not be dialed within {rules.expires_s / 3600:g} h of its time"


def undialed(queue: str) -> str:
    """Why a caller's wish stays open."""
    return f"nobody dials it: queue {queue} has no callback_campaign"
