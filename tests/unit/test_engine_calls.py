"""The life of one call, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.hearing import ScreeningSettings
from dialer.domain.settings import Mode


def floor(people: int = 1, leads: int = 100, **more: object) -> Floor:
    """One progressive campaign with ``people`` agents, switch up; one call is dialed for each."""
    config = settings(campaign(**more), people=agents(people, login=True))  # type: ignore[arg-type]
    return Floor(config, leads).up()


def test_a_normal_call_is_connected_wrapped_up_and_followed_by_the_next() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.step(5)
    bridge = one(f.answer(uuid), cmd.Bridge)
    assert bridge.call_uuid == uuid and bridge.agent_uuid == f.agent().leg and bridge.answered_at == f.now
    assert f.state() == "reserved"
    f.step(0.06)
    f.bridged(uuid, bridge.agent_uuid)
    assert f.state() == "talking" and f.call(uuid).state.value == "connected"
    f.step(30)
    none(f.hang_up(uuid), cmd.ParkLeg)
    f.park(bridge.agent_uuid)
    assert f.outcome(uuid) == "connected" and f.closed(uuid).agent == "a1"
    assert (f.state(), f.line()) == ("wrap_up", "parked")
    f.step(10.2)
    assert f.state() == "ready" and len(f.dialed()) == 2


def test_the_attempt_is_committed_before_the_originate_and_carries_the_fail_safe() -> None:
    f = Floor(settings(people=agents(1)), gate=False).up()
    opened = one(f.log, cmd.OpenAttempt)
    assert f.dialed() == []
    sent = one(f.send(ev.AttemptOpened(opened.attempt_id)), cmd.OriginateCall)
    assert sent.uuid == opened.attempt_id and sent.message == "safe.wav" and 0 < sent.wait_ms < 2000
    assert sent.number == "49300000001" and opened.number == "+49300000001"


@pytest.mark.parametrize(("keep", "hopper"), [(False, "the lead is the store's"), (True, "the lead is dialed again")])
def test_gate_refusal(keep: bool, hopper: str) -> None:
    f = Floor(settings(people=agents(1)), leads=1, gate=False).up()
    first = one(f.log, cmd.OpenAttempt)
    f.send(ev.AttemptRefused(first.attempt_id, "dnc", "on the list", keep))
    f.step(1)
    assert not f.of(cmd.OriginateCall) and not f.of(cmd.CloseAttempt)
    again = [c.lead_id for c in f.of(cmd.OpenAttempt)[1:]]
    assert again == ([first.lead_id] if keep else []), hopper
    view = f.engine.status(f.now).campaigns[0]
    assert view.attempts == 0 and view.refusals == {"dnc": 1}


def test_a_refused_lead_that_is_kept_goes_back_to_the_store_once_the_campaign_is_stopped() -> None:
    f = Floor(settings(people=agents(1)), leads=1, gate=False).up()
    first = one(f.log, cmd.OpenAttempt)
    f.send(ev.CampaignOrder(1, "c1", "stop"))
    out = f.send(ev.AttemptRefused(first.attempt_id, "store", "locked", True))
    assert one(out, cmd.ReleaseLeads).lead_ids == (first.lead_id,)


def test_nobody_free_until_the_limit_is_abandoned_and_the_switch_plays_the_message() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.send(ev.AgentPause(1, "a1", "tea"))
    none(f.answer(uuid), cmd.Bridge)
    assert f.call(uuid).state.value == "waiting"
    f.step(1.79)
    assert f.call(uuid).state.value == "waiting"
    out = f.step(0.02)
    assert f.call(uuid).state.value == "abandoning"
    none(out, cmd.HangUp, cmd.WaitAgain)
    none(f.send(ev.AgentReady(2, "a1")), cmd.Bridge)
    f.step(6)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned"


def test_an_agent_who_comes_free_within_the_limit_takes_the_customer_who_waits_longest() -> None:
    f = floor(2)
    first, second = f.dialed()
    f.send(ev.AgentPause(1, "a1", "tea"), ev.AgentPause(1, "a2", "tea"))
    f.answer(first)
    f.step(0.5)
    f.answer(second)
    f.step(0.5)
    assert one(f.send(ev.AgentReady(2, "a2")), cmd.Bridge).call_uuid == first
    assert one(f.send(ev.AgentReady(2, "a1")), cmd.Bridge).call_uuid == second


def test_a_customer_who_leaves_before_the_limit_hung_up_early() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.send(ev.AgentPause(1, "a1", "tea"))
    f.answer(uuid)
    f.step(1.0)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "hung_up_early"


def test_a_bridge_that_stands_only_after_the_limit_counts_as_abandoned() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    f.step(2.1)
    f.bridged(uuid, leg)
    assert f.state() == "talking"
    f.step(20)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned" and f.closed(uuid).bridged_at is not None
    assert f.state() == "wrap_up"


def test_an_answer_found_out_after_the_limit_is_offered_to_nobody() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.step(5)
    none(f.send(ev.LegAnswered(uuid, f.now - 3)), cmd.Bridge)
    assert f.call(uuid).state.value == "abandoning"


def test_a_refused_bridge_goes_to_another_agent() -> None:
    f = floor(2)
    uuid = f.dialed()[0]
    bridge = one(f.answer(uuid), cmd.Bridge)
    out = f.send(ev.BridgeReplied(uuid, bridge.agent_uuid, False, "-ERR"))
    other = one(out, cmd.Bridge)
    assert other.agent_uuid != bridge.agent_uuid
    assert one(out, cmd.ParkLeg).uuid == bridge.agent_uuid
    none(out, cmd.WaitAgain)


def test_a_refused_bridge_without_another_agent_puts_the_customer_back_into_the_bounded_wait() -> None:
    f = floor()
    (uuid,) = f.dialed()
    bridge = one(f.answer(uuid), cmd.Bridge)
    f.step(0.5)
    out = f.send(ev.BridgeReplied(uuid, bridge.agent_uuid, False, "-ERR"))
    again = one(out, cmd.WaitAgain)
    assert again.uuid == uuid and again.wait_ms == 1400 and again.message == "safe.wav"
    assert (f.state(), f.line()) == ("ready", "unsure")
    none(f.step(0.1), cmd.Bridge)
    assert one(f.park(bridge.agent_uuid), cmd.Bridge).call_uuid == uuid


def test_a_bridge_waits_for_the_originates_own_reply() -> None:
    f = floor()
    (uuid,) = f.dialed()
    none(f.send(ev.LegAnswered(uuid, f.now)), cmd.Bridge)
    f.step(0.02)
    assert one(f.send(ev.OriginateReplied(uuid, True)), cmd.Bridge).call_uuid == uuid


def test_a_lost_reply_of_the_originate_holds_the_bridge_up_only_shortly() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.send(ev.LegAnswered(uuid, f.now))
    none(f.step(0.1), cmd.Bridge)
    assert one(f.step(0.06), cmd.Bridge).call_uuid == uuid


def test_a_customer_whom_the_switch_drops_with_the_agents_line_is_abandoned_not_early() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    f.step(0.05)
    f.hang_up(leg)
    f.hang_up(uuid, hangup_disposition="send_bye")
    assert f.outcome(uuid) == "abandoned"


def test_a_customer_gone_before_the_bridge_stood_frees_the_agent_only_at_channel_park() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    out = f.hang_up(uuid)
    assert one(out, cmd.ParkLeg).uuid == leg
    assert f.outcome(uuid) == "hung_up_early"
    assert (f.state(), f.line()) == ("ready", "unsure") and not f.agent().free
    f.park(leg)
    assert not f.agent().free, "this may have been the leg's own way to park: our order may still be on its way"
    f.step(0.11)
    assert f.agent().free


@pytest.mark.parametrize("taken", [True, False])
def test_a_bridge_that_both_lists_show_as_lost_is_made_with_another_agent_in_time(taken: bool) -> None:
    f = floor(2)
    uuid, other = f.dialed()
    f.hang_up(other, "USER_BUSY")
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    apart = [replace(fact, parked=True) if fact.uuid == leg else fact for fact in f.facts(NODE)]
    assert not [fact for fact in apart if fact.uuid == leg and fact.peer]
    f.channels[NODE] = tuple(apart)
    if taken:
        f.send(ev.BridgeReplied(uuid, leg, True, "+OK"))
    out = f.step(1.0)
    if not taken:
        none(out, cmd.ParkLeg, cmd.Bridge)  # the switch may not have come to it yet
        return
    again = one(out, cmd.Bridge)
    assert again.call_uuid == uuid and again.agent_uuid != leg
    assert leg in [park.uuid for park in f.of(cmd.ParkLeg, out)] and f.counter("bridges_never_stood") == 1


def test_a_bridge_that_one_list_does_not_show_yet_is_waited_for() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    f.send(ev.BridgeReplied(uuid, leg, True, "+OK"))
    f.channels[NODE] = tuple(replace(fact, parked=True) if fact.uuid == leg else fact for fact in f.facts(NODE))
    f.step(0.5)
    f.bridged(uuid, leg)
    none(f.step(1.0), cmd.Bridge, cmd.WaitAgain, cmd.ParkLeg)
    assert f.state() == "talking"


def test_a_bridge_that_never_stands_is_asked_about_and_given_up() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.answer(uuid)
    out = f.step(17)
    assert f.of(cmd.TakeSnapshot, out) and one(out, cmd.HangUp).uuid == uuid
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned"


FAILURES = [
    # cause, rang, SIP status, outcome
    ("USER_BUSY", False, "486", "busy"),
    ("BUSY_EVERYWHERE", True, "600", "busy"),
    ("NO_ANSWER", True, None, "no_answer"),
    ("RECOVERY_ON_TIMER_EXPIRE", True, "408", "no_answer"),
    ("RECOVERY_ON_TIMER_EXPIRE", False, "408", "carrier_failure"),
    ("CALL_REJECTED", True, "603", "rejected"),
    ("DECLINE", True, "603", "rejected"),
    ("CALL_REJECTED", False, "407", "carrier_failure"),
    ("UNALLOCATED_NUMBER", False, "404", "invalid_number"),
    ("NORMAL_TEMPORARY_FAILURE", False, "503", "carrier_failure"),
    ("SYSTEM_SHUTDOWN", True, None, "interrupted"),
    ("SOMETHING_NEW", True, None, "carrier_failure"),
]


@pytest.mark.parametrize("job", ["none", "before", "after"])
@pytest.mark.parametrize(("cause", "rang", "sip", "outcome"), FAILURES)
def test_failed_calls(cause: str, rang: bool, sip: str | None, outcome: str, job: str) -> None:
    f = floor()
    (uuid,) = f.dialed()
    if rang:
        f.ring(uuid)
    f.step(1)
    if job == "before":
        f.send(ev.OriginateReplied(uuid, False, cause))
        none(f.step(0.02), cmd.CloseAttempt)
    f.hang_up(uuid, cause, sip_status=sip)
    if job == "after":
        f.send(ev.OriginateReplied(uuid, False, cause))
    f.step(5)
    assert f.outcome(uuid) == outcome and f.closed(uuid).cause == cause


@pytest.mark.parametrize(
    ("cause", "outcome", "within_s"),
    [
        ("DESTINATION_OUT_OF_ORDER", "carrier_failure", 2.1),
        ("INVALID_GATEWAY", "carrier_failure", 2.1),
        ("INVALID_NUMBER_FORMAT", "invalid_number", 2.1),
        ("NOT_SENT", "interrupted", 0.0),
    ],
)
def test_an_originate_that_fails_without_any_channel_event(cause: str, outcome: str, within_s: float) -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.send(ev.OriginateReplied(uuid, False, cause))
    f.step(within_s)
    assert f.outcome(uuid) == outcome


@pytest.mark.parametrize(("dead_numbers", "waited_s"), [(False, 0.75), (True, 0.0)])
def test_a_customer_was_answered_by_the_time_the_originate_returned(dead_numbers: bool, waited_s: float) -> None:
    """However late CHANNEL_ANSWER is. With early media the originate returns while it rings: it says nothing then."""
    f = floor(screening=ScreeningSettings(dead_numbers=dead_numbers))
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.step(1)
    f.send(ev.OriginateReplied(uuid, True))
    f.step(0.75)
    f.send(ev.LegAnswered(uuid, f.now))
    assert f.call(uuid).clock_from == pytest.approx(f.now - waited_s)


def test_a_late_failure_of_the_originate_does_not_touch_a_conversation() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.talk(uuid)
    f.send(ev.OriginateReplied(uuid, False, "USER_BUSY"))
    none(f.step(60), cmd.HangUp, cmd.CloseAttempt)


def test_a_ringing_call_that_outlives_its_timeout_is_hung_up_after_the_minimum_ring() -> None:
    f = floor(ring_timeout_s=10.0, min_ring_s=25.0)
    (uuid,) = f.dialed()
    f.step(3)
    f.ring(uuid)
    none(f.step(24.9), cmd.HangUp)
    assert one(f.step(0.2), cmd.HangUp).uuid == uuid
    f.hang_up(uuid)
    assert f.outcome(uuid) == "cancelled"


def test_an_answer_that_crosses_our_hangup_is_abandoned_and_takes_no_agent() -> None:
    f = floor(ring_timeout_s=10.0)
    (uuid,) = f.dialed()
    f.ring(uuid)
    assert one(f.step(20.5), cmd.HangUp).uuid == uuid
    none(f.answer(uuid), cmd.Bridge)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned"


def test_a_lost_hangup_command_is_sent_again_until_the_switch_says_the_call_is_gone() -> None:
    f = floor(ring_timeout_s=10.0)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.step(20.5)
    assert one(f.step(5), cmd.HangUp).uuid == uuid
    f.channels[NODE] = [fact for fact in f.facts(NODE) if fact.uuid != uuid]
    f.send(ev.CommandRefused(uuid, "HangUp", "-ERR No such channel!"))
    f.step(5)
    assert f.outcome(uuid) == "cancelled"


def test_doubled_and_reordered_events_change_nothing() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    before = len(f.of(cmd.Bridge))
    f.send(ev.AttemptOpened(uuid))
    f.ring(uuid)
    f.answer(uuid)
    f.bridged(uuid, leg)
    f.bridged("nobody", leg)
    assert len(f.of(cmd.Bridge)) == before and len(f.of(cmd.OriginateCall)) == 1 and f.state() == "talking"
    f.hang_up(uuid)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "connected"


def test_the_numbers_of_attempts_and_outcomes_agree_in_the_status() -> None:
    f = floor(3, mode=Mode.RATIO, lines_per_agent=2.0)
    assert len(f.dialed()) == 6
    for uuid in f.dialed():
        f.hang_up(uuid, "USER_BUSY")
    view = f.engine.status(f.now).campaigns[0]
    assert view.attempts == sum(view.outcomes.values()) + sum(view.calls.values())
