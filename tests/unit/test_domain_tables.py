"""The state tables and the table of outcomes."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from dialer.domain.agent import AGENT_TABLE, AgentState
from dialer.domain.call import CALL_TABLE, CallState, CallTrigger
from dialer.domain.callbacks import CALLBACK_TABLE, CallbackState
from dialer.domain.campaign import CAMPAIGN_TABLE, CampaignState
from dialer.domain.lead import LEAD_TABLE, LeadState, LeadTrigger
from dialer.domain.outcomes import CAUSE_OUTCOMES, Outcome, unanswered_outcome
from dialer.domain.transitions import Table
from esl.commands import HANGUP_CAUSES

TABLES = [
    (CALL_TABLE, CallState.RESERVED, CallState, {CallState.RECOVERING, CallState.ARRIVED}),
    (AGENT_TABLE, AgentState.LOGGED_OUT, AgentState, set()),
    (CAMPAIGN_TABLE, CampaignState.STOPPED, CampaignState, set()),
    (LEAD_TABLE, LeadState.READY, LeadState, set()),
    (CALLBACK_TABLE, CallbackState.OPEN, CallbackState, set()),
]


@pytest.mark.parametrize(("table", "start", "states", "entries"), TABLES, ids=lambda v: getattr(v, "__name__", ""))
def test_every_state_can_be_reached(
    table: Table[Any, Any], start: Enum, states: type[Enum], entries: set[Enum]
) -> None:
    reached = {start, *entries}
    while more := {target for state, _, target in table if state in reached} - reached:
        reached |= more
    assert reached == set(states)


@pytest.mark.parametrize(("table", "final"), [(CALL_TABLE, CallState.ENDED), (LEAD_TABLE, LeadState.DONE)])
def test_a_final_state_is_left_by_nothing_and_reached_from_everywhere(table: Table[Any, Any], final: Enum) -> None:
    rows = list(table)
    assert not [row for row in rows if row[0] is final and row[1] is not LeadTrigger.CALL_BACK]
    good = {final}
    while more := {state for state, _, target in rows if target in good} - good:
        good |= more
    assert good == set(type(final))


def test_only_a_call_with_a_channel_can_be_hung_up() -> None:
    for state in CallState:
        hangs_up = CALL_TABLE.next(state, CallTrigger.HANGUP) is CallState.ENDED
        assert hangs_up is (state not in (CallState.RESERVED, CallState.ENDED))


def test_what_a_table_does_not_know_is_none() -> None:
    assert CALL_TABLE.next(CallState.ENDED, CallTrigger.ANSWER) is None


@pytest.mark.parametrize("cause", sorted(HANGUP_CAUSES))
def test_every_cause_of_the_switch_has_an_outcome_that_an_unanswered_call_can_have(cause: str) -> None:
    for rang in (False, True):
        assert unanswered_outcome(cause, rang=rang) in {
            Outcome.BUSY,
            Outcome.NO_ANSWER,
            Outcome.REJECTED,
            Outcome.INVALID_NUMBER,
            Outcome.CARRIER_FAILURE,
            Outcome.INTERRUPTED,
        }


def test_the_table_names_only_causes_that_the_switch_knows() -> None:
    assert set(CAUSE_OUTCOMES) <= HANGUP_CAUSES


def test_outcome_names_are_a_contract() -> None:
    assert [o.value for o in Outcome] == [
        "connected", "abandoned", "hung_up_early", "machine", "message_played", "busy", "no_answer", "rejected",
        "invalid_number", "dead_number", "carrier_failure", "cancelled", "interrupted", "shutdown",
    ]  # fmt: skip
