"""The commands that a call's life is written in, made from the call: asking the gate, dialing, closing.

Owns which fact goes into which field. Pure: changes no call, decides nothing, reads no clock.
"""

from __future__ import annotations

from dialer.domain.callbacks import PutBackCallback
from dialer.domain.commands import CloseAttempt, OpenAttempt, OriginateCall, ReleaseLeads
from dialer.domain.lead import ClaimedLead
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import TrunkSettings
from dialer.engine.live import Call
from dialer.leads import recycle
from routing.trunks import TrunkChoice

MESSAGE_MARGIN_S = 0.1
"""The switch starts the message this long before the limit, so that it is heard within it."""
APART_S = 0.15
"""The switch carries commands out in no certain order: what must follow another one is sent so much later."""
SPARE_S = 30.0
"""The switch's own bound of a customer's wait beside an agent comes so much later than ours."""


ALONE_S = 2.0
"""A customer of a campaign without agents is called back by one: should that one be lost, the message comes as soon."""


def wait_ms(left_s: float) -> int:
    """How long the switch lets a customer wait in silence whose limit is ``left_s`` away."""
    return max(0, round((left_s - MESSAGE_MARGIN_S) * 1000))


def open_attempt(call: Call) -> OpenAttempt:
    """The question to the gate."""
    lead = call.lead
    return OpenAttempt(
        attempt_id=call.id,
        campaign=call.campaign.name,
        lead_id=lead.lead_id,
        number_id=lead.number_id,
        number=lead.number,
        person=lead.person,
        node=call.node,
        trunk=call.trunk,
        shown=call.choice.shown or "" if call.choice is not None else "",
        retries=len(lead.failed_on),
        agent=call.bound_agent,
        opened_at=call.opened_at,
        callback=lead.callback,
        tier=lead.rank.tier,
    )


def originate(call: Call, choice: TrunkChoice, trunk: TrunkSettings, epoch: str) -> OriginateCall:
    """The dialing of an attempt that the gate let through."""
    settings, told = call.campaign.settings, call.campaign.settings.agentless
    return OriginateCall(
        node=call.node,
        uuid=call.id,
        campaign=settings.name,
        number=choice.dial,
        gateway=trunk.gateway,
        caller_id=choice.shown or "",
        ring_timeout_s=settings.ring_timeout_s,
        wait_ms=wait_ms(settings.wait_limit_s if told is None else min(settings.wait_limit_s, ALONE_S)),
        message=settings.message,
        epoch=epoch,
        early_media=settings.screening.dead_numbers,
        script=told.script(told.lead_in_s) if told is not None and not call.lead.callback else (),
    )


def give_back(lead: ClaimedLead, reason: str, after_s: float = 0.0) -> ReleaseLeads | PutBackCallback:
    """A claimed lead that is not dialed, or the callback that it was claimed for, is anybody's again."""
    if lead.callback:
        return PutBackCallback(lead.callback, reason)
    return ReleaseLeads(lead.campaign, (lead.lead_id,), reason, after_s)


def close_attempt(
    call: Call, outcome: Outcome, reason: str, ended_at: float, cause: str, sip: str, *, again: bool = False
) -> CloseAttempt:
    """How it ended, and what becomes of its lead; ``again``: it is tried on another line at once."""
    fate = recycle.after(outcome, call.lead.attempts + 1, call.campaign.settings)
    return CloseAttempt(
        attempt_id=call.id,
        lead_id=call.lead.lead_id,
        number_id=call.lead.number_id,
        outcome=outcome,
        reason=reason,
        ended_at=ended_at,
        rang_at=call.rang_at,
        answered_at=call.answered_at,
        bridged_at=call.bridged_at,
        agent=call.agent_id if call.bridged_at is not None or call.bound_agent else None,
        cause=cause,
        sip_status=sip,
        lead_done=fate.done,
        lead_reason=fate.reason,
        recycle_after_s=fate.after_s,
        number_dead=fate.number_dead,
        callback=call.lead.callback,
        again=again,
    )
