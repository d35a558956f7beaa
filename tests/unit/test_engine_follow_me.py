"""Follow-me in the engine: desk, mobile, leader's mobile, mailbox, task; who is joined with whom and who never is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, none, one
from follow_kit import ACCEPT_S, ANNA, DESK, LEADER, MOBILE, SEAT, Followed, followed, settings
from inbound_kit import SALES, said

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain import phones as ph
from dialer.domain.agent import Line
from dialer.domain.tiers import TierCount
from dialer.http.tier_metrics import counts
from routing.followme import Phone

REASON = "plan ann: "


def at_mobile(floor: Followed) -> str:
    """The desk is away, the mobile rings."""
    floor.busy()
    uuid = floor.waits(ANNA)
    assert floor.rings().number.endswith("491701")
    return uuid


# ---- who takes it ----------------------------------------------------------------------------------------------


def test_the_desk_that_is_free_gets_the_caller_on_its_open_line() -> None:
    floor = followed()
    uuid = floor.waits(ANNA)
    none(floor.log, ph.OriginateParty)
    assert floor.talks(uuid) == "a1" and floor.state("a1") == "talking"
    floor.step(30)
    floor.hang_up(uuid)
    over = floor.over(uuid)
    assert over.ending is inb.Ending.SERVED and over.agent == "a1"
    assert over.reason == "spoke with agent a1; plan ann: desk answered" and floor.state("a1") == "wrap_up"
    assert not floor.tasks()
    floor.all_over()


def test_an_outside_phone_is_joined_only_after_its_key() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    rung = floor.rings()
    assert (rung.ask, rung.ring_timeout_s, rung.bounded_ms) == ("ask.wav", 25.0, 14_000)
    assert rung.caller_id == "4930999", "the trunk's number is shown, not the caller's"
    floor.step(8)
    phone = floor.picks_up()
    floor.step(4)
    none(floor.log, ph.Join)
    assert floor.in_state(uuid) == "following"
    floor.presses(phone)
    floor.joined(uuid, phone)
    assert floor.in_state(uuid) == "connected" and floor.call(uuid).party.uuid == phone
    floor.step(60)
    floor.hang_up(uuid)
    over = floor.over(uuid)
    assert (over.ending, over.agent) == (inb.Ending.SERVED, "")
    assert over.reason == "spoke at mobile; plan ann: mobile accepted by key (before: desk: agent a1 is paused)"
    assert over.waited_s == pytest.approx(12.05, abs=0.1)
    assert one(floor.of(cmd.HangUp), cmd.HangUp).uuid == phone
    floor.all_over()


def test_the_phone_that_hangs_up_ends_the_callers_call() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    phone = floor.picks_up()
    floor.step(1)
    floor.presses(phone)
    floor.joined(uuid, phone)
    floor.step(20)
    floor.hang_up(phone)
    assert floor.of(cmd.HangUp)[-1].uuid == uuid
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "served"
    floor.all_over()


def test_a_mailbox_presses_nothing_and_the_caller_goes_on_to_the_leader() -> None:
    """The mailbox answers, and is hung up; the leader presses 1."""
    floor = followed()
    uuid = at_mobile(floor)
    mailbox = floor.picks_up()
    floor.step(ACCEPT_S + 0.1)
    assert [c.uuid for c in floor.of(cmd.HangUp)] == [mailbox]
    leader = floor.rings()
    assert leader.number.endswith("491702") and leader.ring_timeout_s == 15.0
    floor.presses(mailbox)  # too late
    phone = floor.picks_up()
    floor.step(3)
    floor.presses(phone)
    floor.joined(uuid, phone)
    floor.hang_up(uuid)
    before = "before: desk: agent a1 is paused; mobile: answered, nobody pressed 1"
    assert floor.over(uuid).reason == f"spoke at leader; plan ann: leader accepted by key ({before})"
    floor.all_over()


def test_any_other_key_declines() -> None:
    floor = followed()
    at_mobile(floor)
    phone = floor.picks_up()
    floor.presses(phone, "5")
    assert floor.of(cmd.HangUp)[-1].uuid == phone and floor.rings().number.endswith("491702")
    assert floor.counter("follow_me_declined") == 1


@pytest.mark.parametrize(
    ("cause", "told"),
    [("USER_BUSY", "busy"), ("NO_ANSWER", "not answered"), ("CALL_REJECTED", "refused"),
     ("UNALLOCATED_NUMBER", "unallocated number")],
)  # fmt: skip
def test_a_phone_that_does_not_come_is_followed_by_the_next_at_once(cause: str, told: str) -> None:
    floor = followed()
    uuid = at_mobile(floor)
    floor.fails(cause)
    assert floor.rings().number.endswith("491702")
    floor.hang_up(uuid)
    assert f"mobile: {told}" in floor.over(uuid).reason


def test_a_phone_that_rings_too_long_is_given_up_and_its_late_answer_hung_up() -> None:
    floor = followed()
    at_mobile(floor)
    mobile = floor.rings().uuid
    floor.step(25.1)
    assert floor.rings().uuid != mobile and floor.of(cmd.HangUp)[-1].uuid == mobile
    floor.send(ev.OriginateReplied(mobile, True))
    assert [c.uuid for c in floor.of(cmd.HangUp)] == [mobile, mobile]
    none(floor.log, ph.Join)
    floor.accounted()


# ---- the desk --------------------------------------------------------------------------------------------------


def test_a_desk_in_a_call_is_not_disturbed() -> None:
    floor = followed()
    first = floor.waits(ANNA)
    floor.talks(first)
    second = floor.waits("+4917099999")
    assert floor.rings().number.endswith("491701")
    floor.hang_up(second)
    assert "desk: agent a1 is talking" in floor.over(second).reason


def test_the_seat_of_an_agent_who_is_not_logged_in_is_rung_and_needs_no_key() -> None:
    floor = followed()
    floor.send(ev.AgentLogout(1, "a1"))
    uuid = floor.waits(ANNA)
    rung = floor.rings()
    assert rung.address == "sip:a1@10.0.0.1" and not rung.ask and rung.bounded_ms == 10_000
    phone = floor.picks_up()
    floor.joined(uuid, phone)
    floor.hang_up(uuid)
    assert floor.over(uuid).reason == "spoke at seat s-a1; plan ann: desk answered"
    floor.all_over()


def test_an_on_call_desk_is_rung_and_kept_from_customers_meanwhile() -> None:
    floor = followed(settings(on_call=True))
    uuid = floor.waits(ANNA)
    assert floor.rings().address == "sip:a1@10.0.0.1" and floor.state("a1") == "reserved"
    floor.step(20.1)
    assert floor.state("a1") == "ready" and floor.rings().number.endswith("491701")
    floor.hang_up(uuid)
    floor.all_over()


def test_an_on_call_phone_that_is_still_up_is_not_rung_anew() -> None:
    """It is kept for the next lead: the caller is joined with it."""
    floor = followed(settings(on_call=True))
    agent, leg = floor.agent(), "88888888-0000-4000-8000-000000000001"
    agent.leg, agent.node, agent.line = leg, NODE, Line.PARKED
    floor.live.legs[leg] = agent
    floor.live.nodes[NODE].legs += 1
    uuid = floor.waits(ANNA)
    none(floor.log, ph.OriginateParty)
    assert floor.talks(uuid) == "a1"


def test_a_seat_where_nobody_sits_is_rung() -> None:
    floor = followed(settings(SEAT))
    floor.waits(ANNA)
    assert floor.rings().address == "user/700" and floor.rings().ring_timeout_s == 10.0


def test_a_phone_of_the_plan_that_calls_is_not_rung_for_itself() -> None:
    """Who calls from their own mobile, or their leader's, is led on to the next at once."""
    floor = followed(settings(DESK, replace(MOBILE, number=ANNA), LEADER))
    floor.busy()
    uuid = floor.waits(ANNA)
    assert floor.rings().number.endswith("491702") and len(floor.rung()) == 1
    floor.hang_up(uuid)
    assert "mobile: it is the phone that calls" in floor.over(uuid).reason
    floor.all_over()


def test_a_dedicated_seat_takes_no_ordinary_caller() -> None:
    floor = followed(settings(dedicated={"s-a1": frozenset({"vip"})}))
    uuid = floor.waits(ANNA)
    assert floor.rings().number.endswith("491701")
    floor.hang_up(uuid)
    assert "the seat of agent a1 is kept for vip" in floor.over(uuid).reason
    floor.rank(ANNA, vip=True)
    assert floor.talks(floor.waits(ANNA)) == "a1"


def test_a_bridge_to_the_desk_that_fails_is_followed_by_the_mobile() -> None:
    floor = followed()
    uuid = floor.waits(ANNA)
    join = one(floor.of(ph.Join), ph.Join)
    floor.send(ev.BridgeReplied(uuid, join.b_uuid, False, "-ERR"))
    assert floor.in_state(uuid) == "following" and floor.rings().number.endswith("491701")
    assert uuid not in floor.live.waiting and len(floor.held(uuid)) == 2, "put back into a bounded wait"
    floor.send(ev.LegParked(join.b_uuid, floor.now))
    floor.step(3)
    assert floor.state("a1") == "ready" and floor.agent("a1").free
    floor.hang_up(uuid)
    floor.all_over()


def test_a_bridge_to_a_mobile_that_never_stands_is_tried_again_and_then_the_next_is_rung() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    phone = floor.picks_up()
    floor.presses(phone)
    floor.step(9.5)
    assert len(floor.of(ph.Join)) == 3
    assert floor.rings().number.endswith("491702") and floor.of(cmd.HangUp)[-1].uuid == phone
    assert len(floor.held(uuid)) == 2, "the caller may have been taken out of the wait"
    floor.hang_up(uuid)
    assert "mobile: answered, and could not be joined" in floor.over(uuid).reason
    floor.all_over()


def test_a_bridge_of_which_nothing_was_heard_is_found_in_the_list_and_not_ordered_again() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    phone = floor.picks_up()
    floor.presses(phone)
    floor.lists_bridges = True
    floor.step(9)
    assert floor.in_state(uuid) == "connected" and len(floor.of(ph.Join)) == 1
    floor.hang_up(phone)
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "served"
    floor.all_over()


def test_a_key_tells_that_a_phone_was_answered_where_nothing_else_did() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    phone = floor.rings().uuid
    floor.presses(phone)
    floor.joined(uuid, phone)
    assert floor.in_state(uuid) == "connected"


def test_who_has_lost_their_agent_may_be_followed_too() -> None:
    """The queue's last way is the plan; the agent whom it reaches has them again."""
    follow = inb.Way(inb.Kind.FOLLOW, "ann")
    floor = followed(settings(way=inb.Way(inb.Kind.QUEUE, SALES), queue_more={"nobody": follow}))
    uuid = floor.waits(ANNA)
    first = floor.talks(uuid)
    other = "a2" if first == "a1" else "a1"
    floor.busy(other)
    floor.send(ev.LegUnbridged(uuid, floor.now))
    floor.hang_up(floor.agent(first).leg, "MEDIA_TIMEOUT")
    floor.busy(first)
    floor.step(0.5)
    assert floor.in_state(uuid) == "waiting"
    floor.step(121)
    phone = floor.picks_up()
    floor.presses(phone)
    floor.joined(uuid, phone)
    floor.hang_up(uuid)
    assert floor.over(uuid).ending is inb.Ending.SERVED and "spoke at mobile" in floor.over(uuid).reason
    assert not floor.live.parties


def test_a_phone_that_hangs_up_while_it_is_asked_or_joined_is_followed_by_the_next() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    floor.hang_up(floor.picks_up())
    phone = floor.picks_up()
    floor.presses(phone)
    floor.hang_up(phone)
    floor.step(0.2)
    floor.hang_up(uuid)
    told = "mobile: answered and hung up; leader: answered and hung up"
    assert told in floor.over(uuid).reason
    floor.all_over()


# ---- nobody ----------------------------------------------------------------------------------------------------


def to_the_end(floor: Followed) -> str:
    uuid = at_mobile(floor)
    floor.fails()
    floor.fails("NO_ANSWER")
    return uuid


def test_nobody_is_reached_a_message_is_left_and_somebody_has_to_call_back() -> None:
    floor = followed()
    uuid = to_the_end(floor)
    floor.step(0.2)
    message = floor.dismissed(uuid)
    assert message.path == f"/vm/{SALES}-{uuid}.wav" and message.sounds == ("leave.wav",)
    assert not floor.tasks()
    floor.step(8)
    floor.recorded(uuid, 6.0)
    floor.hang_up(uuid)
    over, (task,) = floor.over(uuid), floor.tasks()
    assert over.ending is inb.Ending.VOICEMAIL and over.voicemail == message.path
    tried = "before: desk: agent a1 is paused; mobile: busy; leader: not answered"
    assert over.reason == f"left a message of 6 s; plan ann: left a message ({tried})"
    assert (task.attempt_id, task.agent, task.by_agent, task.due_at) == (uuid, "a1", "", floor.now)
    assert task.note == f"missed call for a1: plan ann: left a message ({tried}); the message is {message.path}"
    floor.all_over()


def test_who_leaves_no_message_is_to_be_called_back_too() -> None:
    floor = followed()
    uuid = to_the_end(floor)
    floor.step(2)
    floor.hang_up(uuid)
    (task,) = floor.tasks()
    assert floor.ending(uuid) == "turned_away" and "hung up in voicemail" in task.note


def test_without_a_mailbox_they_are_told_so_and_somebody_has_to_call_back() -> None:
    floor = followed(settings(voicemail=False, task_for="night"))
    uuid = to_the_end(floor)
    floor.step(0.2)
    assert floor.dismissed(uuid).sounds == ("gone.wav",) and not floor.dismissed(uuid).path
    floor.step(4)
    floor.hang_up(uuid)
    (task,) = floor.tasks()
    assert task.agent == "" and task.note.startswith("missed call for night: plan ann: nobody was reached")
    assert floor.ending(uuid) == "turned_away" and "nobody was reached" in floor.over(uuid).reason
    floor.all_over()


@pytest.mark.parametrize("when", ["rings", "asked", "joining"])
def test_a_caller_who_gives_up_leaves_no_phone_ringing_and_a_task(when: str) -> None:
    floor = followed()
    uuid = at_mobile(floor)
    phone = floor.rings().uuid
    if when != "rings":
        floor.picks_up()
    if when == "joining":
        floor.presses(phone)
    floor.step(1)
    floor.hang_up(uuid)
    assert floor.of(cmd.HangUp)[-1].uuid == phone
    (task,) = floor.tasks()
    assert floor.ending(uuid) == "lost" and "hung up while mobile" in task.note
    floor.all_over()


def test_nobody_can_call_back_who_hides_their_number() -> None:
    floor = followed()
    floor.busy()
    uuid = floor.waits("anonymous")
    floor.hang_up(uuid)
    assert not floor.tasks() and "hides their number" in floor.over(uuid).reason


def test_callers_of_a_plan_are_offered_connected_and_lost_in_the_counts_of_tiers_but_of_no_queue() -> None:
    floor = followed()
    served = floor.waits(ANNA)
    floor.talks(served)
    floor.hang_up(served)
    floor.step(20)
    lost = at_mobile(floor)
    floor.step(5)
    floor.hang_up(lost)
    status = floor.engine.status(floor.now)
    assert counts(status) == [TierCount("ordinary", "inbound", 2, offered=2, connected=1, lost=1, in_target=1)]
    assert (status.queues[0].offered, status.queues[0].lost, status.queues[0].service_level) == (0, 0, 1.0)


# ---- calendars, lines, switch ------------------------------------------------------------------------------------


def test_a_phone_outside_of_its_calendar_is_left_out_with_a_reason() -> None:
    floor = followed(settings(DESK, replace(MOBILE, calendar="night"), LEADER))
    floor.busy()
    uuid = floor.waits(ANNA)
    assert floor.rings().number.endswith("491702")
    floor.hang_up(uuid)
    assert "mobile: outside night" in floor.over(uuid).reason


@pytest.mark.parametrize(("channels", "reserved", "why"), [(1, 0, "all 1 channels"), (2, 1, "kept")])
def test_the_trunks_channels_hold_and_those_kept_for_callers(channels: int, reserved: int, why: str) -> None:
    floor = followed(settings(channels=channels, reserved=reserved))
    first = at_mobile(floor)
    second = floor.waits("+4917099999")
    assert len(floor.live.parties) == 1, "both mobiles are passed over"
    floor.step(0.2)
    assert floor.dismissed(second).path
    floor.hang_up(second)
    assert "mobile: trunk t1: " in floor.over(second).reason and why in floor.over(second).reason
    floor.hang_up(first)
    floor.all_over()


def test_a_line_that_is_too_fast_at_the_moment_is_asked_again() -> None:
    floor = followed()
    floor.live.trunks["t1"].bucket.take(floor.live.trunks["t1"].bucket.available(floor.now), floor.now)
    floor.live.trunks["t1"].bucket = type(floor.live.trunks["t1"].bucket)(1.0, 1.0, floor.now)
    floor.live.trunks["t1"].bucket.take(1, floor.now)
    floor.busy()
    floor.waits(ANNA)
    none(floor.log, ph.OriginateParty)
    floor.step(1.5)
    assert floor.rings().number.endswith("491701")


def test_a_switch_that_is_away_is_waited_for() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    floor.send(ev.SwitchDown(NODE, "eof"))
    floor.step(40)
    assert floor.in_state(uuid) == "following" and len(floor.rung()) == 1
    floor.send(ev.SwitchUp(NODE))
    floor.step(2)
    assert floor.rings().number.endswith("491702")


def test_an_order_to_wait_that_the_switch_refused_is_given_again_but_not_across_a_bridge() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    floor.step(20)
    floor.send(ev.CommandRefused(uuid, "HoldCaller", "-ERR timeout"))
    floor.step(1)
    assert [hold.limit_ms for hold in floor.held(uuid)] == [47_000, pytest.approx(26_700, abs=100)]
    phone = floor.picks_up()
    floor.step(2)
    floor.send(ev.CommandRefused(uuid, "HoldCaller", "-ERR timeout"))
    floor.presses(phone)
    floor.step(1)
    assert len(floor.held(uuid)) == 2
    floor.hang_up(uuid)
    floor.all_over()


@pytest.mark.parametrize("first", [(), (DESK,)])
def test_a_plan_that_began_while_the_switch_was_away_lets_its_caller_wait_on(first: tuple[Phone, ...]) -> None:
    follow = inb.Overflow(inb.Way(inb.Kind.FOLLOW, "ann"), after_s=30.0)
    queue, more = inb.Way(inb.Kind.QUEUE, SALES), {"overflow": (follow,)}
    floor = followed(settings(*first, MOBILE, way=queue, queue_more=more))
    floor.busy()
    floor.busy("a2")
    uuid = floor.waits(ANNA)
    floor.step(29)
    floor.send(ev.SwitchDown(NODE, "eof"))
    floor.step(2)
    assert floor.in_state(uuid) == "following" and len(floor.held(uuid)) == 1
    floor.send(ev.SwitchUp(NODE))
    floor.step(1)
    assert floor.rings().number.endswith("491701") and len(floor.held(uuid)) == 2, "the queue's order ends after 40 s"
    floor.hang_up(uuid)
    floor.all_over()


def test_the_switch_lets_a_caller_wait_as_long_as_the_phone_may_take_and_ends_it_itself() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    (first,) = floor.held(uuid)
    assert first.music == "music.wav" and first.limit_ms == round((25 + ACCEPT_S + 10) * 1000)
    floor.step(25.1)
    bound = floor.held(uuid)[-1].limit_ms
    assert len(floor.held(uuid)) == 2 and bound == round((15 + ACCEPT_S + 10) * 1000)


def test_nobody_is_joined_while_an_order_is_on_its_way() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    floor.step(25.0)
    phone = floor.picks_up()
    floor.presses(phone)
    none(floor.log, ph.Join)
    floor.step(0.2)
    floor.joined(uuid, phone)


def test_a_shutdown_sends_them_to_the_fallback_and_rings_nobody() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    phone = floor.rings().uuid
    floor.send(ev.Shutdown(5.0))
    floor.step(5.1)
    assert [c.uuid for c in floor.of(inb.SendToFallback)] == [uuid] and floor.of(cmd.HangUp)[-1].uuid == phone
    floor.fell_back(uuid)
    assert floor.ending(uuid) == "fallback" and not floor.tasks()
    floor.all_over()


def test_a_caller_who_fell_back_by_themselves_leaves_no_phone_ringing() -> None:
    floor = followed()
    uuid = at_mobile(floor)
    phone = floor.rings().uuid
    floor.fell_back(uuid)
    assert floor.ending(uuid) == "fallback" and floor.of(cmd.HangUp)[-1].uuid == phone
    floor.all_over()


# ---- ways in -----------------------------------------------------------------------------------------------------


def test_an_extension_of_a_menu_is_an_agents_plan() -> None:
    floor = followed(settings(way=inb.Way(inb.Kind.EXTENSION)))
    floor.busy()
    uuid = floor.waits(ANNA)
    floor.press(uuid, "11#")
    floor.step(0.3)
    assert floor.in_state(uuid) == "following" and floor.live.calls[uuid].arrival.follow.person == "a1"


def test_an_agent_without_a_plan_is_waited_for_in_the_queue() -> None:
    floor = followed(settings(way=inb.Way(inb.Kind.AGENT, "a2")))
    floor.busy("a2")
    uuid = floor.waits(ANNA)
    floor.step(0.2)
    assert floor.taken(uuid) == "a1" or floor.in_state(uuid) == "waiting"
    assert floor.call(uuid).lead.rank.agent == "a2"


def test_a_queue_may_end_in_a_plan() -> None:
    follow = inb.Way(inb.Kind.FOLLOW, "ann")
    floor = followed(settings(way=inb.Way(inb.Kind.QUEUE, SALES), queue_more={"max_wait_s": 20.0, "nobody": follow}))
    floor.busy("a1")
    floor.busy("a2")
    uuid = floor.waits(ANNA)
    assert floor.in_state(uuid) == "waiting"
    floor.step(20.3)
    assert floor.in_state(uuid) == "following" and uuid not in floor.live.waiting
    assert floor.rings().number.endswith("491701")
    floor.send(ev.AgentReady(1, "a2"))
    floor.step(1)
    assert floor.agent("a2").free, "they wait in no queue any more"
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "lost"
    floor.all_over()


def test_the_greeting_comes_first() -> None:
    floor = followed(settings(number_more={"greeting": said("hello.wav", 3.0)}))
    floor.busy()
    uuid = floor.waits(ANNA)
    assert floor.held(uuid)[0].sounds == ("hello.wav",)
    none(floor.log, ph.OriginateParty)
    floor.press(uuid, "1")
    floor.step(3)
    assert floor.rings().number.endswith("491701")


def test_the_numbers_of_a_plan_and_of_callers_are_in_no_note() -> None:
    floor = followed()
    uuid = to_the_end(floor)
    floor.hang_up(uuid)
    for note in floor.of(cmd.Note):
        assert ANNA[1:] not in note.text and "491701" not in note.text
