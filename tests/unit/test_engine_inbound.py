"""Calls that come in, step by step: answered or not, where they go, and how each one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from engine_kit import NODE, agents, none, one
from inbound_kit import DID, SALES, SUPPORT, Desk, desk, number, office, pause_all, queue, said

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain.desk_records import RequestCallback
from dialer.domain.phones import Join
from routing.calendars import Calendar, Holiday

ANNA, BORIS = "+4917012345", "+4917099999"


def test_a_caller_comes_to_a_free_agent() -> None:
    """Judged, answered, joined, written down once."""
    floor = desk()
    uuid = floor.caller(ANNA)
    assert one(floor.of(inb.OpenInbound), inb.OpenInbound).number == ANNA
    hold = one(floor.held(uuid), inb.HoldCaller)
    assert hold.music == "music.wav" and hold.limit_ms == 40_000
    assert not floor.of(Join), "nobody is bridged before the answer: the switch would end both legs"
    floor.up_(uuid)
    agent = floor.talks(uuid)
    assert floor.state(agent) == "talking"
    floor.step(30)
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "served"
    assert floor.over(uuid).waited_s == pytest.approx(0.06, abs=0.01)
    assert floor.state(agent) == "wrap_up"
    assert not floor.live.calls
    assert floor.of(cmd.NoteBridge) and not floor.of(cmd.CloseAttempt), "it is no attempt"


def test_who_waits_is_told_and_let_wait_again_and_again() -> None:
    """Place and wait as prompts; the switch's own bound is always later than our next word."""
    floor = desk()
    pause_all(floor)
    first, second = floor.waits(ANNA), floor.waits(BORIS)
    floor.step(31)
    told = floor.held(second)[-1]
    assert told.prompts[:2] == ("queue-place", "digit-2")
    assert floor.held(first)[-1].prompts[0] == "queue-next"
    floor.step(300)
    for one_ in (first, second):
        times = [at for at, c in zip(floor.times, floor.log, strict=True)
                 if isinstance(c, inb.HoldCaller) and c.uuid == one_]  # fmt: skip
        assert all(b - a <= 40 for a, b in pairwise(times))
    floor.send(ev.AgentReady(1, "a1"))
    floor.step(0.2)
    assert floor.taken(first) == "a1"


def test_nobody_is_joined_while_an_order_is_on_its_way() -> None:
    """The switch carries orders out in no certain order: a bridge waits for the one before."""
    floor = desk()
    pause_all(floor)
    uuid = floor.waits()
    floor.step(29.95)
    told = len(floor.held(uuid))
    floor.step(0.05)  # counted from the order, which the answer followed
    assert len(floor.held(uuid)) == told + 1
    floor.send(ev.AgentReady(1, "a1"))
    assert not floor.of(Join)
    floor.step(0.2)
    assert floor.taken(uuid) == "a1"


def test_a_caller_who_gives_up_is_lost_and_one_who_never_came_so_far_has_left() -> None:
    floor = desk()
    pause_all(floor)
    waits, rings = floor.waits(), floor.caller(BORIS)
    floor.step(12)
    floor.hang_up(waits)
    floor.hang_up(rings, "ORIGINATOR_CANCEL")
    assert floor.ending(waits) == "lost" and floor.over(waits).waited_s == pytest.approx(12, abs=0.1)
    assert floor.ending(rings) == "left" and floor.over(rings).waited_s == 0


@pytest.mark.parametrize(("entry", "who"), [(ANNA, ANNA), ("+4917*", BORIS), ("+4989111", "089 111")])
def test_the_blacklist_is_refused_before_the_answer(entry: str, who: str) -> None:
    """By number, by its beginning, and however the network writes it."""
    if who.startswith("089"):
        entry, who = "+498954321", "08954321"
    floor = desk(office(blacklist=(entry,)))
    uuid = floor.caller(who)
    assert one(floor.of(cmd.HangUp), cmd.HangUp) == cmd.HangUp(NODE, uuid, "CALL_REJECTED")
    none(floor.log, inb.HoldCaller, inb.DismissCaller, inb.JudgeArrival)
    floor.hang_up(uuid, "CALL_REJECTED")
    assert floor.ending(uuid) == "refused"


def test_a_tier_that_is_refused_is_not_answered() -> None:
    floor = desk()
    floor.rank(ANNA, "black", refused=True)
    uuid = floor.caller(ANNA)
    none(floor.log, inb.HoldCaller, inb.DismissCaller)
    floor.hang_up(uuid, "CALL_REJECTED")
    assert floor.ending(uuid) == "refused" and "black" in floor.over(uuid).reason


@pytest.mark.parametrize("who", ["", "anonymous", "Bob'); DROP TABLE", "\r\nuuid_kill", "1" * 300, "0", "+" * 50])
def test_hostile_callers_are_ordinary_ones(who: str) -> None:
    """Whatever they send is in no order; they are served."""
    floor = desk()
    uuid = floor.waits(who)
    assert floor.talks(uuid) in ("a1", "a2")
    assert all(who not in repr(command) for command in floor.log if who.strip("+01"))


def test_a_store_that_says_nothing_makes_an_ordinary_caller() -> None:
    """After its time the call goes to its queue, and the reason is noted; a late answer changes nothing."""
    floor = desk(judges=False)
    uuid = floor.caller()
    none(floor.log, inb.HoldCaller)
    floor.step(1.05)
    floor.up_(uuid)
    assert floor.talks(uuid)
    floor.send(inb.ArrivalJudged(uuid, refused=True))
    assert floor.in_state(uuid) == "connected"
    assert floor.counter("callers_unjudged") == 1
    noted = [c for c in floor.of(inb.NoteInbound) if c.reason]
    assert "did not say in time" in noted[-1].reason


def test_a_store_in_trouble_is_not_asked() -> None:
    floor = desk()
    floor.send(ev.StoreFailed("disk"))
    uuid = floor.waits()
    none(floor.log, inb.JudgeArrival)
    assert floor.talks(uuid)


def test_closed_hours_are_told_and_written() -> None:
    """1970-01-01 is a holiday: the caller hears so and is hung up by the switch."""
    week = (((0, 1440),),) * 7
    office_hours = Calendar("office", "UTC", week, {date(1970, 1, 1): Holiday("New Year")})
    closed = inb.Way(inb.Kind.MESSAGE, words=said("closed.wav", 3))
    floor = desk(office(numbers=(number(calendar=office_hours, closed=closed),)))
    uuid = floor.caller()
    assert floor.dismissed(uuid).sounds == ("closed.wav",)
    floor.up_(uuid)
    assert floor.in_state(uuid) == "closing"
    floor.step(3)
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "closed" and "New Year" in floor.over(uuid).reason


def test_last_words_that_never_end_are_ended() -> None:
    """Only who has heard them is hung up by us."""
    closed = inb.Way(inb.Kind.MESSAGE, words=said("closed.wav", 3))
    shut = Calendar("never", "UTC", ((),) * 7)
    floor = desk(office(numbers=(number(calendar=shut, closed=closed),)))
    uuid = floor.waits()
    floor.step(12)
    none(floor.log, cmd.HangUp)
    floor.step(10)
    assert {c.uuid for c in floor.of(cmd.HangUp)} == {uuid}
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "closed"


def test_a_greeting_is_heard_to_its_end() -> None:
    """The wait begins with it over, whoever is free."""
    floor = desk(office(numbers=(number(greeting=said("hello.wav", 4)),)))
    uuid = floor.waits()
    assert floor.held(uuid)[0].sounds == ("hello.wav",)
    floor.step(3.9)
    assert not floor.of(Join) and floor.in_state(uuid) == "message"
    floor.step(0.2)
    floor.talks(uuid)
    assert floor.in_state(uuid) == "connected"


def menu_floor(**more: object) -> Desk:
    ways = {
        "1": inb.Way(inb.Kind.QUEUE, SALES),
        "2": inb.Way(inb.Kind.QUEUE, SUPPORT, language="zh"),
        "9": inb.Way(inb.Kind.EXTENSION, words=said("which.wav", 1)),
    }
    menu = inb.Menu("main", said("menu.wav", 5), ways, inb.Way(inb.Kind.QUEUE, SALES), unknown=said("what.wav", 1))
    config = office(
        queue(SALES), queue(SUPPORT), numbers=(number(way=inb.Way(inb.Kind.MENU, "main")),), menus={"main": menu},
        extensions={"77": "a2", "770": "a1"}, **more,
    )  # fmt: skip
    return desk(config)


def test_a_menu_leads_to_a_queue() -> None:
    floor = menu_floor()
    uuid = floor.waits()
    assert floor.held(uuid)[0].sounds == ("menu.wav",)
    floor.press(uuid, "2")
    floor.step(0.2)
    call = floor.live.calls[uuid]
    assert call.campaign.name == SUPPORT and call.arrival.language == "zh"
    floor.talks(uuid)
    floor.hang_up(uuid)
    assert floor.over(uuid).queue == SUPPORT


def test_a_key_without_meaning_and_no_key() -> None:
    """Told so, and asked once more; then the usual queue."""
    floor = menu_floor()
    uuid = floor.waits()
    floor.press(uuid, "7")
    assert floor.held(uuid)[-1].sounds == ("what.wav", "menu.wav")
    floor.step(30)
    assert floor.talks(uuid)
    assert floor.live.calls[uuid].campaign.name == SALES


def test_an_extension_is_its_agents_who_is_waited_for() -> None:
    """a2 is busy: the caller waits for a2 though a1 is free; after the limit anybody takes them."""
    floor = menu_floor()
    busy = floor.waits(BORIS)
    floor.press(busy, "9")
    floor.step(0.2)
    floor.press(busy, "77#")
    floor.step(0.2)
    assert floor.talks(busy) == "a2"
    uuid = floor.waits()
    floor.press(uuid, "9")
    floor.step(0.3)
    floor.press(uuid, "77")
    floor.step(5)
    assert floor.in_state(uuid) == "waiting"
    floor.step(61)
    assert floor.taken(uuid) == "a1"


def test_a_repeat_caller_waits_for_the_agent_who_knows_them() -> None:
    floor = desk()
    floor.rank(BORIS, agent="a1")
    first = floor.waits(BORIS)
    assert floor.talks(first) == "a1"
    floor.rank(ANNA, agent="a1", own_limit_s=60.0)
    second = floor.waits(ANNA)
    assert floor.in_state(second) == "waiting"
    floor.step(20)
    floor.hang_up(first)
    floor.park(floor.agent("a1").leg)
    floor.step(10.5)
    assert floor.taken(second) == "a1"


def test_a_vip_is_ahead_of_all_who_wait() -> None:
    floor = desk()
    pause_all(floor)
    others = [floor.waits(f"+49170{n:06d}") for n in range(3)]
    floor.rank(ANNA, "red", vip=True)
    vip = floor.waits(ANNA)
    floor.step(5)
    floor.send(ev.AgentReady(1, "a2"))
    floor.step(0.3)
    assert floor.taken(vip) == "a2"
    assert all(floor.in_state(uuid) == "waiting" for uuid in others)


def test_a_queue_that_is_full_sends_elsewhere_and_a_long_wait_too() -> None:
    over = (
        inb.Overflow(inb.Way(inb.Kind.QUEUE, SUPPORT), waiting=1),
        inb.Overflow(inb.Way(inb.Kind.VOICEMAIL, words=said("leave.wav")), after_s=60.0),
    )
    people = agents(1, SUPPORT) + agents(1, SALES, prefix="b")
    floor = desk(office(queue(SALES, overflow=over), queue(SUPPORT), people=people, voicemail="/var/vm"))
    pause_all(floor)
    first, second = floor.waits(ANNA), floor.waits(BORIS)
    assert floor.live.calls[first].campaign.name == SALES
    assert floor.live.calls[second].campaign.name == SUPPORT
    floor.step(61)
    assert floor.dismissed(first).path == f"/var/vm/{SALES}-{first}.wav"
    floor.step(5)
    floor.recorded(first, 3.0)
    floor.hang_up(first)
    assert floor.ending(first) == "voicemail" and floor.over(first).voicemail.startswith("/var/vm/")
    floor.hang_up(second)
    assert floor.ending(second) == "lost"


def test_a_mailbox_that_hears_nothing_took_no_message() -> None:
    over = (inb.Overflow(inb.Way(inb.Kind.VOICEMAIL), after_s=10.0),)
    floor = desk(office(queue(overflow=over), voicemail="/var/vm"))
    pause_all(floor)
    uuid = floor.waits()
    floor.step(11)
    floor.recorded(uuid, 0.4)
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "turned_away"


def test_queues_that_are_full_of_each_others_callers_do_not_turn_in_circles() -> None:
    floor = desk(
        office(
            queue(SALES, overflow=(inb.Overflow(inb.Way(inb.Kind.QUEUE, SUPPORT), waiting=0),)),
            queue(SUPPORT, overflow=(inb.Overflow(inb.Way(inb.Kind.QUEUE, SALES), waiting=0),)),
        )
    )
    uuid = floor.waits()
    floor.step(1)
    assert floor.talks(uuid)


def test_a_callback_keeps_the_place() -> None:
    """Offered after a while, taken by key, due since the wait began."""
    offer = inb.CallbackOffer("1", said("offer.wav"), said("noted.wav"), after_s=20)
    floor = desk(office(queue(callback=offer)))
    pause_all(floor)
    uuid = floor.waits(ANNA)
    since = floor.now
    floor.press(uuid, "1")
    assert floor.in_state(uuid) == "waiting", "it is not offered yet"
    floor.step(31)
    assert "offer.wav" in floor.held(uuid)[-1].sounds
    floor.press(uuid, "1", 2.0)
    wish = one(floor.of(RequestCallback), RequestCallback)
    assert wish.attempt_id == uuid and wish.due_at == pytest.approx(since, abs=0.1)
    assert floor.dismissed(uuid).sounds == ("noted.wav",)
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "callback"


def test_who_hides_their_number_is_offered_no_callback() -> None:
    floor = desk(office(queue(callback=inb.CallbackOffer("1", said("offer.wav"), said("noted.wav"), 5.0))))
    pause_all(floor)
    uuid = floor.waits("anonymous")
    floor.step(31)
    assert "offer.wav" not in floor.held(uuid)[-1].sounds
    floor.press(uuid, "1")
    assert floor.in_state(uuid) == "waiting"


def test_after_the_longest_wait_nobody() -> None:
    floor = desk(office(queue(max_wait_s=50.0, nobody=inb.Way(inb.Kind.MESSAGE, words=said("sorry.wav")))))
    pause_all(floor)
    uuid = floor.waits()
    floor.step(51)
    assert floor.dismissed(uuid).sounds == ("sorry.wav",)
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "turned_away" and floor.over(uuid).waited_s == pytest.approx(51, abs=1)


def test_regions_have_their_own_queue() -> None:
    floor = desk(office(queue(SALES), queue(SUPPORT), numbers=(number(regions=(("+4989", SUPPORT),)),)))
    assert floor.live.calls[floor.waits("+498912345")].campaign.name == SUPPORT
    assert floor.live.calls[floor.waits("08912345")].campaign.name == SUPPORT
    assert floor.live.calls[floor.waits("+493012345")].campaign.name == SALES


def test_a_menu_leads_the_callers_of_a_region_to_their_queue() -> None:
    """By key, by no key at all, and behind an extension; where a key leads to another queue it is that one."""
    for keys, expected in (("1", "munich"), ("", "munich"), ("977#", "munich"), ("2", SUPPORT)):
        menu = {
            "1": inb.Way(inb.Kind.QUEUE, SALES), "2": inb.Way(inb.Kind.QUEUE, SUPPORT),
            "9": inb.Way(inb.Kind.EXTENSION, words=said("which.wav", 1)),
        }  # fmt: skip
        main = inb.Menu("main", said("menu.wav", 5), menu, inb.Way(inb.Kind.QUEUE, SALES))
        did = number(way=inb.Way(inb.Kind.MENU, "main"), regions=(("+4989", "munich"),))
        floor = desk(office(queue(SALES), queue(SUPPORT), queue("munich"), numbers=(did,), menus={"main": main},
                            extensions={"77": "a2"}))  # fmt: skip
        uuid = floor.waits("+498912345")
        floor.press(uuid, keys)
        floor.step(30)
        assert floor.live.calls[uuid].campaign.name == expected, keys
        other = floor.waits("+493012345")
        floor.press(other, "1")
        floor.step(0.5)
        assert floor.live.calls[other].campaign.name == SALES


def test_a_star_begins_an_extension_anew_and_gives_time_for_it() -> None:
    floor = menu_floor()
    uuid = floor.waits()
    floor.press(uuid, "9")
    floor.step(1.2)
    floor.press(uuid, "12", every_s=1.0)
    floor.step(3.0)
    floor.press(uuid, "*")
    floor.step(3.0)
    floor.press(uuid, "77#")
    floor.step(0.3)
    assert floor.taken(uuid) == "a2" and "what.wav" not in str(floor.held(uuid))


def test_a_failed_bridge_lets_them_wait_on() -> None:
    floor = desk()
    uuid = floor.waits()
    leg = floor.of(Join)[-1].b_uuid
    told = len(floor.held(uuid))
    floor.send(ev.BridgeReplied(uuid, leg, False, "-ERR"))
    assert len(floor.of(Join)) > 1 or len(floor.held(uuid)) > told
    floor.step(5)
    assert floor.talks(uuid)


def test_an_agent_whose_phone_dies_leaves_the_caller_to_the_next() -> None:
    """Ahead of all; and if nobody comes in time they go where the queue sends who waits in vain."""
    floor = desk(office(queue(nobody=inb.Way(inb.Kind.MESSAGE, words=said("sorry.wav")))))
    uuid = floor.waits()
    first = floor.talks(uuid)
    other = "a2" if first == "a1" else "a1"
    floor.send(ev.AgentPause(1, other, ""))
    floor.phones = floor.lists = False
    floor.send(ev.LegUnbridged(uuid, floor.now))
    floor.hang_up(floor.agent(first).leg, "MEDIA_TIMEOUT")
    floor.step(1)
    assert floor.in_state(uuid) == "waiting"
    assert floor.held(uuid)[-1].limit_ms > 100_000
    floor.step(121)
    assert floor.dismissed(uuid).sounds == ("sorry.wav",)
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "served"


def test_the_switch_takes_a_caller_back() -> None:
    """At the fallback they are nobody of ours; what comes of the leg later is not odd."""
    floor = desk()
    pause_all(floor)
    uuid = floor.waits()
    floor.fell_back(uuid)
    assert floor.ending(uuid) == "fallback" and not floor.live.calls
    floor.hang_up(uuid)
    assert floor.ending(uuid) == "fallback"


def test_a_number_that_is_not_ours_is_left_to_the_switch() -> None:
    floor = desk()
    floor.caller(did="+4930999")
    assert not floor.live.calls and floor.counter("callers_unknown_number") == 1


def test_at_shutdown_nobody_who_waits_is_hung_up() -> None:
    """Who talks has the drain to end; who waits goes to the fallback when it is over, who calls now at once."""
    floor = desk(office(people=agents(1, SALES)))
    talking = floor.waits(BORIS)
    floor.talks(talking)
    waiting = floor.waits(ANNA)
    floor.send(ev.Shutdown(10))
    late = floor.caller("+4917055555")
    none([c for c in floor.of(inb.HoldCaller) if c.uuid == late], inb.HoldCaller)
    floor.step(4)
    floor.fell_back(late)
    assert floor.ending(late) == "fallback"
    floor.step(7)
    assert one(floor.of(inb.SendToFallback), inb.SendToFallback).uuid == waiting
    floor.fell_back(waiting)
    floor.hang_up(talking)
    floor.step(1)
    assert floor.ending(waiting) == "fallback" and floor.ending(talking) == "served"
    assert floor.of(cmd.Drained)


# ---- after a restart, and lists of channels ----------------------------------------------------------------


def fact(uuid: str, floor: Desk, kind: str = "inbound", **more: object) -> ev.ChannelFact:
    given = {"answered": True, "peer": None, "created_at": floor.now - 30} | more
    return ev.ChannelFact(uuid, kind, DID, **given)  # type: ignore[arg-type]


def restarted(*facts: ev.ChannelFact, known: inb.OpenInboundFact) -> Desk:
    floor = Desk(office())
    floor.channels[NODE] = facts  # type: ignore[assignment]
    floor.send(ev.Recovered(inbound=(known,)))
    floor.up()
    return floor


def former(**more: object) -> inb.OpenInboundFact:
    given = {"answered_at": 950.0, "queued_at": 951.0, "tier": "red"} | more
    return inb.OpenInboundFact("99999999-0000-4000-8000-000000000001", ANNA, DID, SALES, NODE, 949.0, **given)  # type: ignore[arg-type]


def test_who_still_waits_after_a_restart_is_served() -> None:
    known = former()
    floor = restarted(ev.ChannelFact(known.call_id, "inbound", DID, True, None, 949.0), known=known)
    floor.step(1)
    assert floor.talks(known.call_id)
    floor.hang_up(known.call_id)
    over = floor.over(known.call_id)
    assert over.ending is inb.Ending.SERVED and over.waited_s > 49


def test_who_is_gone_or_at_the_fallback_is_settled_once() -> None:
    known = former()
    floor = restarted(known=known)
    floor.step(3)
    assert floor.ending(known.call_id) == "interrupted"
    floor = restarted(ev.ChannelFact(known.call_id, "fallback", "all", True, None, 949.0), known=known)
    floor.step(3)
    assert floor.ending(known.call_id) == "fallback"


def test_who_talked_while_we_were_away_was_served() -> None:
    known = former(bridged_at=960.0, agent="a1")
    floor = restarted(known=known)
    floor.step(3)
    over = floor.over(known.call_id)
    assert over.ending is inb.Ending.SERVED and over.waited_s == pytest.approx(9.0)


def test_who_is_in_a_menu_at_a_restart_is_left_to_its_own_bound() -> None:
    known = former(queued_at=None)
    floor = restarted(ev.ChannelFact(known.call_id, "inbound", DID, True, None, 949.0), known=known)
    floor.step(3)
    assert floor.in_state(known.call_id) == "recovering"
    floor.fell_back(known.call_id)
    assert floor.ending(known.call_id) == "fallback"


def test_a_caller_whose_event_was_lost_is_found_in_a_list() -> None:
    floor = desk()
    uuid = "99999999-0000-4000-8000-00000000000f"
    arrived = replace(fact(uuid, floor, answered=False, created_at=floor.now - 1), caller=ANNA)
    floor.send(ev.SwitchSnapshot(NODE, floor.now, (*floor.facts(NODE), arrived)))
    assert floor.live.calls[uuid].lead.number == ANNA
    floor.up_(uuid)
    assert floor.talks(uuid)


def test_an_answer_that_was_lost_is_seen_in_two_lists() -> None:
    floor = desk()
    uuid = floor.caller()
    for _ in range(2):
        floor.step(1.5)
        listed = (*(f for f in floor.facts(NODE) if f.uuid != uuid), fact(uuid, floor))
        floor.send(ev.SwitchSnapshot(NODE, floor.now, listed))
    floor.step(0.2)
    assert floor.talks(uuid)


def test_a_connection_that_was_away_for_a_moment_strands_nobody_who_waits() -> None:
    """The order that they wait by ends 10 s after our next word was due: as soon as the switch is back, the next."""
    floor = desk()
    pause_all(floor)
    uuid = floor.waits(ANNA)
    floor.step(28)
    floor.send(ev.SwitchDown(NODE, "eof"))
    floor.step(5)
    floor.send(ev.SwitchUp(NODE))
    floor.step(2)
    assert len(floor.held(uuid)) == 2, "or the switch sends them to the fallback after 40 s"
    floor.step(28)
    assert len(floor.held(uuid)) == 2
    floor.step(5)
    assert len(floor.held(uuid)) == 3


def test_who_has_hung_up_does_not_come_in_again_by_a_list_that_lags_behind_or_a_doubled_event() -> None:
    floor = desk()
    uuid = floor.caller(ANNA)
    floor.hang_up(uuid)
    late = ev.ChannelFact(uuid, "inbound", DID, False, None, floor.now, caller=ANNA)
    floor.send(ev.SwitchSnapshot(NODE, floor.now + 0.1, (late,)))
    floor.send(inb.CallerArrived(NODE, uuid, DID, ANNA, floor.now))
    assert not floor.live.calls and floor.counter("callers_arrived") == 1
    floor.step(5)
    assert len(floor.of(inb.OpenInbound)) == len(floor.of(inb.CloseInbound)) == 1


def test_an_order_to_wait_on_that_the_switch_refused_is_given_again() -> None:
    floor = desk()
    pause_all(floor)
    uuid = floor.waits(ANNA)
    floor.step(30.2)
    floor.send(ev.CommandRefused(uuid, "HoldCaller", "-ERR timeout"))
    floor.step(1)
    assert len(floor.held(uuid)) == 3
    floor.step(25)
    assert len(floor.held(uuid)) == 3
