"""The gate's judgement: may this claimed lead be dialed now?

Owns the rules and their order, as a pure function of facts that the store reads inside the gate's transaction.
Must not read anything itself. Reasons are sentences for people and hold no phone number.

The order matters where several rules say no: what says most about the lead for good comes before what will pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dialer.domain.lead import LeadState
from dialer.domain.settings import CampaignSettings
from dialer.leads.windows import open_in_all

CLAIM_LOST: Final = "claim_lost"
DNC: Final = "dnc"
WINDOW: Final = "window"
ATTEMPTS: Final = "attempts"
PERSON_BUSY: Final = "person_busy"
NUMBER_DEAD: Final = "number_dead"
PROMISED: Final = "promised"
"""The customer is to be called back at a time of their own."""
STORE: Final = "store"
"""Not judged at all: the store is in trouble."""

PERSON_BUSY_RETRY_S: Final = 60.0
PROMISED_RETRY_S: Final = 600.0
NEVER_OPEN_RETRY_S: Final = 86_400.0
"""A window that never opens is asked again the next day: an operator may have changed it by then."""


@dataclass(frozen=True, slots=True)
class DncHit:
    """An entry of a do-not-call list that covers a number of the lead.

    ``by_prefix`` when it names a range; ``expires_at`` (UTC epoch seconds) None for ever; ``campaign`` empty for all.
    """

    by_prefix: bool
    campaign: str
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class CallbackHeld:
    """The callback that is to be dialed: whether this run holds it, and whether the customer asked for it."""

    ours: bool
    wished: bool
    lease_until: float


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the store knows of a lead and its number at the gate.

    ``state`` is None when there is no such lead; ``ours`` when this run of this dialer holds the claim;
    ``number_known`` when the number belongs to the lead and is the one that was asked for.
    ``dnc`` holds every entry that names any of the lead's numbers, or the prefix of the one to be dialed.
    ``promised`` when a callback to the lead waits or is dialed; ``for_callback`` when this is that call, and
    ``callback`` what is held of it. Then it is the callback that is claimed: the lead may rest.
    """

    state: LeadState | None
    ours: bool
    claim_campaign: str
    lease_until: float
    number_known: bool
    number_dead: bool
    zones: tuple[str, ...]
    dnc: tuple[DncHit, ...]
    attempts: int
    person_busy: bool
    promised: bool = False
    for_callback: bool = False
    callback: CallbackHeld | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """``retry_after_s`` says when a refused lead may be asked for again; None with ``for_good``.

    With rule ``claim_lost`` neither holds: the lead is not ours to move. ``number_dead`` asks for the next number.
    ``never``: no moment is known at which the rule would say yes.
    """

    ok: bool
    rule: str = ""
    reason: str = ""
    retry_after_s: float | None = None
    for_good: bool = False
    never: bool = False


ALLOWED: Final = Verdict(True)


def judge(facts: GateFacts, rules: CampaignSettings, now: float) -> Verdict:
    """Every rule in turn; the first that says no is the verdict. ``now`` is the wall clock, UTC epoch seconds."""
    return (
        (_callback_claim(facts, now) if facts.for_callback else _claim(facts, rules, now))
        or _number(facts)
        or _do_not_call(facts.dnc, rules.name, now)
        or _attempts(facts, rules)
        or _promised(facts)
        or _person(facts)
        or _window(facts.zones, rules, now)
        or ALLOWED
    )


def judge_own_call(dnc: Sequence[DncHit], zones: tuple[str, ...], rules: CampaignSettings, now: float) -> Verdict:
    """Whether an agent may call a number of their own accord: do-not-call lists and calling hours hold for it too."""
    return _do_not_call(dnc, rules.name, now) or _window(zones, rules, now) or ALLOWED


def _claim(facts: GateFacts, rules: CampaignSettings, now: float) -> Verdict | None:
    if facts.state is None:
        reason = "there is no such lead"
    elif facts.state is not LeadState.CLAIMED:
        reason = f"the lead is {facts.state.value}, not claimed"
    elif not facts.ours:
        reason = "the lead is claimed by another dialer, or by a former run of this one"
    elif facts.claim_campaign != rules.name:
        reason = f"the lead is claimed for campaign {facts.claim_campaign}"
    elif facts.lease_until <= now:
        reason = f"the lease ran out {now - facts.lease_until:.0f} s ago"
    else:
        return None
    return Verdict(False, CLAIM_LOST, reason)


def _callback_claim(facts: GateFacts, now: float) -> Verdict | None:
    held = facts.callback
    if facts.state is None or held is None:
        reason = "there is no such lead, or no such callback"
    elif not held.ours:
        reason = "the callback is not claimed by this run of this dialer"
    elif held.lease_until <= now:
        reason = f"the lease of the callback ran out {now - held.lease_until:.0f} s ago"
    elif facts.state is LeadState.DIALING:
        return Verdict(False, PERSON_BUSY, "the lead is in a call", retry_after_s=PERSON_BUSY_RETRY_S)
    else:
        return None
    return Verdict(False, CLAIM_LOST, reason)


def _promised(facts: GateFacts) -> Verdict | None:
    if not facts.promised or facts.for_callback:
        return None
    reason = "the customer is to be called back at a time of their own"
    return Verdict(False, PROMISED, reason, retry_after_s=PROMISED_RETRY_S)


def _number(facts: GateFacts) -> Verdict | None:
    if not facts.number_known:
        return Verdict(False, NUMBER_DEAD, "the number is not the lead's any more", retry_after_s=0.0)
    if facts.number_dead:
        return Verdict(False, NUMBER_DEAD, "the number is known to be dead", retry_after_s=0.0)
    return None


def _do_not_call(hits: Sequence[DncHit], campaign: str, now: float) -> Verdict | None:
    live = [
        hit
        for hit in hits
        if (not hit.campaign or hit.campaign == campaign) and (hit.expires_at is None or hit.expires_at > now)
    ]
    if not live:
        return None
    ends = [hit.expires_at for hit in live if hit.expires_at is not None]
    worst = next((hit for hit in live if hit.expires_at is None), live[0])
    scope = f"campaign {worst.campaign}" if worst.campaign else "everybody"
    what = "its range" if worst.by_prefix else "a number of the lead"
    if len(ends) < len(live):
        return Verdict(False, DNC, f"do not call: {what} is on the list for {scope}", for_good=True)
    wait = max(ends) - now
    return Verdict(
        False, DNC, f"do not call: {what} is on the list for {scope} for {wait / 3600:.1f} h more", retry_after_s=wait
    )


def _attempts(facts: GateFacts, rules: CampaignSettings) -> Verdict | None:
    # The cap keeps us from calling again and again unasked; no law counts a call that the customer asked for.
    asked_for = facts.callback is not None and facts.callback.wished
    if facts.attempts < rules.max_attempts or asked_for:
        return None
    return Verdict(False, ATTEMPTS, f"{facts.attempts} attempts made of {rules.max_attempts} allowed", for_good=True)


def _person(facts: GateFacts) -> Verdict | None:
    if not facts.person_busy:
        return None
    return Verdict(False, PERSON_BUSY, "another call to this person is under way", retry_after_s=PERSON_BUSY_RETRY_S)


def _window(zones: tuple[str, ...], rules: CampaignSettings, now: float) -> Verdict | None:
    window = open_in_all(rules.windows, zones, now)
    if window.open:
        return None
    if window.next_open_at is None:
        return Verdict(False, WINDOW, window.reason, retry_after_s=NEVER_OPEN_RETRY_S, never=True)
    return Verdict(False, WINDOW, window.reason, retry_after_s=max(1.0, window.next_open_at - now))
