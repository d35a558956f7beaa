"""How a call that is over counts: its one outcome and the reason in words.

Owns the rule from a call's times and the switch's last words to an outcome (definitions: compliance page). Pure;
changes nothing. The table from causes to outcomes is ``dialer.domain.outcomes``'s.
"""

from __future__ import annotations

from dialer.domain.agentless import ASKED
from dialer.domain.call import CallState
from dialer.domain.hearing import Verdict
from dialer.domain.outcomes import Outcome, unanswered_outcome
from dialer.engine.live import Call

CROSSED = "the answer crossed our hang-up"
SWITCH_ENDS = ("SYSTEM_SHUTDOWN", "MANAGER_REQUEST")
WE_HUNG_UP = "send_bye"
"""``sip_hangup_disposition`` of an answered leg that our side ended."""


def late(call: Call) -> bool:
    """Whether the agent came on the line only after the limit: abandoned, although connected."""
    if call.clock_from is None or call.bridged_at is None:
        return False
    return call.bridged_at - call.clock_from > call.campaign.settings.wait_limit_s


def from_notes(call: Call) -> tuple[Outcome, str]:
    """Outcome and reason of a former run's call that ended before anyone saw it again: what that run had written."""
    answered_at, bridged_at = call.noted_answer, call.noted_bridge
    if answered_at is None and bridged_at is None:
        return Outcome.INTERRUPTED, "the dialer restarted during this call"
    says_message = call.campaign.settings.agentless is not None and not call.lead.callback
    if bridged_at is None and says_message and call.heard != ASKED:
        return Outcome.MESSAGE_PLAYED, "the dialer restarted during the message, which the switch says by itself"
    if bridged_at is None and call.heard == Verdict.MACHINE:
        return Outcome.MACHINE, "a machine answered; the dialer restarted meanwhile"
    if bridged_at is None:
        return Outcome.ABANDONED, "the dialer died before an agent was there"
    start = answered_at if call.clock_at is None else call.clock_at
    if start is not None and bridged_at - start > call.campaign.settings.wait_limit_s:
        return Outcome.ABANDONED, "an agent came on the line only after the limit"
    return Outcome.CONNECTED, "talked to an agent; the dialer restarted meanwhile"


def judge(call: Call, at: float, cause: str, sip_status: str = "", disposition: str = "") -> tuple[Outcome, str]:
    """Outcome and reason of a call whose leg ended at ``at`` (engine clock) with the switch's ``cause``."""
    if call.announced is not None and call.answered_at is None and call.bridged_at is None:
        return call.announced
    if call.kill_as is not None and call.killed_ringing and call.answered_at is not None:
        return Outcome.ABANDONED, CROSSED
    if call.kill_as is not None and not (call.state is CallState.ABANDONING or late(call)):
        return call.kill_as, call.kill_reason
    if call.state is CallState.RECOVERING:
        return from_notes(call)
    if call.answered_at is None and call.bridged_at is None:
        rang = call.rang_at is not None or call.state is CallState.RINGING
        how = f"{cause or 'unknown cause'}{'' if rang else ', never rang'}"
        return unanswered_outcome(cause, rang=rang, sip_status=sip_status), how
    if call.bridged_at is not None:
        if late(call):
            return Outcome.ABANDONED, "an agent came on the line only after the limit"
        return Outcome.CONNECTED, "talked to an agent"
    if call.heard == Verdict.MACHINE and call.state in (CallState.MACHINE, CallState.ABANDONING):
        return machine(call, played=disposition == WE_HUNG_UP and cause not in SWITCH_ENDS)
    if cause in SWITCH_ENDS and call.state not in (CallState.ABANDONING, CallState.MESSAGE):
        return Outcome.INTERRUPTED, "the switch ended the call"
    if call.state is CallState.MESSAGE:
        ended = disposition == WE_HUNG_UP and cause not in SWITCH_ENDS
        how = "heard to the end" if ended else f"over {max(0.0, at - (call.answered_at or at)):.0f} s after the answer"
        return Outcome.MESSAGE_PLAYED, f"{heard(call)}; {how}"
    limit = call.campaign.settings.wait_limit_s
    # Whoever left before we gave up on them left early, though we hear of it only afterwards, in a burst of old events.
    given_up = call.state is CallState.ABANDONING and at >= call.since
    if given_up or at - (call.clock_from or 0.0) >= limit:
        return Outcome.ABANDONED, f"no agent within {limit:g} s"
    if disposition == WE_HUNG_UP:
        return Outcome.ABANDONED, "the agent's line broke while they were being connected, and the call with it"
    return Outcome.HUNG_UP_EARLY, f"hung up before the limit of {limit:g} s"


def heard(call: Call) -> str:
    """What a customer of a campaign without agents did while the message was said."""
    pressed = "" if call.told is None else call.told.pressed
    return f"pressed the key for {pressed}" if pressed else "the message was played, no key was pressed"


def machine(call: Call, *, played: bool) -> tuple[Outcome, str]:
    """Of a call that a machine answered; ``played``: our side ended it, so a message that was begun was heard whole."""
    outcome = call.screening.outcome(played) if call.screening is not None else None
    if outcome is Outcome.MESSAGE_PLAYED:
        return outcome, "the message was left on a machine"
    return Outcome.MACHINE, "a machine answered"


def counts_as_abandoned(call: Call, outcome: Outcome) -> bool | None:
    """What an ended call is in the abandon ledger; None: not answered by a person.

    An answered call that ended otherwise (shut down, the switch died) was connected if an agent came in time, and is
    abandoned if not: nobody can say better. The store counts former runs' calls by the same rule.
    """
    if call.answered_at is None or outcome in (Outcome.MACHINE, Outcome.MESSAGE_PLAYED):
        return None
    if outcome in (Outcome.CONNECTED, Outcome.HUNG_UP_EARLY):
        return False
    return outcome is Outcome.ABANDONED or call.bridged_at is None or late(call)
