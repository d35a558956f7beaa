"""A phone's own hold button: shown, no customer for a line that holds, and when a hold is really over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, Floor, agents, campaign, none, one, settings
from exchange import Hall
from phones_kit import PhoneFloor
from test_engine_parties import consulting, over

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import PhoneSettings
from dialer.engine.asides import ASIDE_S, JOIN_CHECK_S, JOINS
from dialer.engine.holds import ASK_AGAIN_S, LOOK_S, REARM_S

MUSIC = "tone_stream://%(300,100,1000);loops=-1"


def floor(media_s: float = 7.0) -> Floor:
    plain = settings(campaign(wrap_up_s=0.0), people=agents(1))
    seats = {name: replace(seat, media_timeout_s=media_s) for name, seat in plain.seats.items()}
    f = Floor(replace(plain, seats=seats, phones=PhoneSettings(hold_sound=MUSIC)))
    f.holding = None
    f.up()
    return f


def button(f: Floor, on: bool) -> list[cmd.Command]:
    return f.send(ph.LegHeld(f.agent().leg or "", on, f.now))


def last_word(f: Floor, held: bool | None) -> list[cmd.Command]:
    return f.send(ph.HoldTold(f.agent().leg or "", held))


def sets(f: Floor) -> list[dict[str, str]]:
    return [dict(command.variables) for command in f.of(ph.SetVariables)]


def line_of(f: Floor) -> str:
    return f.engine.status(f.now).agents[0].line


def test_the_switch_knows_beforehand_what_a_hold_is() -> None:
    assert sets(floor()) == [{"hold_music": MUSIC, "media_timeout": "600000"}]
    f = floor(media_s=0.0)
    assert sets(f) == [{"hold_music": MUSIC}], "a phone that may go silent may do so on hold"


def test_hold_and_resume_in_a_talk_are_shown_and_rearm_the_watch_over_the_phone() -> None:
    f = floor()
    f.talk(f.dialed()[0])
    button(f, True)
    assert line_of(f) == "held" and f.state() == "talking" and f.counter("phones_held") == 1
    assert len(sets(f)) == 1, "at once it would still be this hold's"
    f.step(REARM_S + 0.1)
    assert sets(f)[-1] == {"media_timeout": "7000"}, "what holds after the resume"
    one(button(f, False), ph.AskHold)
    assert line_of(f) == "held", "the switch may be wrong"
    last_word(f, False)
    assert line_of(f) == "bridged" and sets(f)[-1] == {"media_timeout": "600000"}
    assert f.live.timers.due(("agent", "hold", "a1")) is None


def test_a_line_whose_phone_still_holds_gets_no_customer() -> None:
    """The customer leaves a phone that holds: the switch says UNHOLD and PARK in one breath, and it holds still."""
    f = floor()
    first = f.dialed()[0]
    leg = f.talk(first)
    button(f, True)
    button(f, False)
    f.park(leg)
    f.hang_up(first)
    assert f.state() == "ready" and not f.agent().free
    last_word(f, True)
    f.step(30)
    assert len(f.of(cmd.OriginateCall)) == 1, "nobody is dialed for it"
    asked = len(f.of(ph.AskHold))
    assert asked >= 20, "the phone's own resume makes no event"
    last_word(f, None)
    assert not f.agent().free
    last_word(f, False)
    assert f.agent().free and len(f.of(cmd.OriginateCall)) == 2
    none(f.step(5 * ASK_AGAIN_S), ph.AskHold)


def test_a_customer_who_waits_goes_to_the_line_that_comes_back_from_hold() -> None:
    f = floor()
    uuid = f.dialed()[0]
    button(f, True)
    f.answer(uuid)
    none(f.log, cmd.Bridge)
    button(f, False)
    one(last_word(f, False), cmd.Bridge)


def unheard(f: Floor) -> str:
    """A customer is bridged, and only then the phone tells that it holds."""
    uuid = f.dialed()[0]
    f.talk(uuid)
    last_word(f, True)
    one(f.log, ph.PutAside)
    assert f.call(uuid).aside == "joining", "music, and the line parks"
    f.park(f.agent().leg or "")
    return uuid


def test_whoever_begins_to_talk_is_asked_whether_the_phone_holds() -> None:
    f = floor()
    uuid = f.dialed()[0]
    f.talk(uuid)
    one(f.log, ph.AskHold)
    last_word(f, False)
    last_word(f, None)
    none(f.log, ph.PutAside)
    assert line_of(f) == "bridged" and not f.call(uuid).aside


def test_a_customer_bridged_to_a_phone_that_holds_hears_music_until_it_is_back() -> None:
    f = floor()
    uuid = unheard(f)
    f.step(JOIN_CHECK_S)
    none(f.log, ph.Join)
    one(last_word(f, False), ph.Join)
    f.send(ev.LegsBridged(uuid, f.agent().leg or "", f.now))
    assert f.state() == "talking" and not f.call(uuid).aside and len(f.of(ph.AskHold)) > 2, "and is asked again"


def test_music_that_the_switch_refused_is_ordered_again() -> None:
    """Or the customer stays with a phone that holds, and hears nothing."""
    f = floor()
    uuid = unheard(f)
    first = len(f.of(ph.PutAside))
    f.send(ev.CommandRefused(uuid, "PutAside", "-ERR refused"))
    assert len(f.of(ph.PutAside)) == first
    f.step(0.4)
    assert [put.uuid for put in f.of(ph.PutAside)[first:]] == [uuid]
    f.send(ev.CommandRefused(uuid, "PutAside", "-ERR No such channel!"))
    f.step(0.4)
    assert len(f.of(ph.PutAside)) == first + 1, "who is gone needs none"


def test_a_customer_bridged_to_a_phone_that_holds_on_goes_to_somebody_else() -> None:
    f = floor()
    uuid = unheard(f)
    f.step(JOINS * JOIN_CHECK_S + 1)
    none(f.log, ph.Join)
    assert f.call(uuid).queued_again and f.counter("customers_queued_again") == 1
    assert not f.agent().free


@pytest.mark.parametrize(("known", "aside"), [("hold", False), ("hold, resume", True)])
def test_the_hold_of_a_conversation_is_music_by_the_switch(known: str, aside: bool) -> None:
    """Until it says that the hold is over: if the phone says otherwise then, nobody hears anything."""
    f = floor()
    f.talk(f.dialed()[0])
    for act in known.split(", "):
        button(f, act == "hold")
    last_word(f, True)
    assert bool(f.of(ph.PutAside)) is aside


def test_a_hold_from_before_the_bridge_is_none_that_the_switch_remembers() -> None:
    """CHANNEL_HOLD that is read when the bridge is on its way already."""
    f = floor()
    uuid = f.dialed()[0]
    before = f.now
    f.step(1)
    f.answer(uuid)
    f.send(ph.LegHeld(f.agent().leg or "", True, before))
    f.send(ev.LegsBridged(uuid, f.agent().leg or "", f.now))
    last_word(f, True)
    one(f.log, ph.PutAside)


def test_the_end_of_a_hold_that_was_not_heard_may_be_none() -> None:
    """The customer has left a phone that holds, and CHANNEL_HOLD was lost."""
    f = floor()
    first = f.dialed()[0]
    leg = f.talk(first)
    last_word(f, False)
    button(f, False)
    f.park(leg)
    f.hang_up(first)
    assert not f.agent().free
    last_word(f, True)
    f.step(5)
    assert not f.agent().free and f.counter("phones_held") == 1
    last_word(f, False)
    assert f.agent().free


@pytest.mark.parametrize("word", [False, None])
def test_a_line_in_doubt_is_free_as_soon_as_nothing_speaks_for_a_hold(word: bool | None) -> None:
    f = floor()
    button(f, False)
    assert not f.agent().free
    last_word(f, word)
    assert f.agent().free and f.counter("phones_held") == 0
    assert len(sets(f)) == 1, "nothing was changed"


def test_after_a_reconnect_all_lines_are_asked() -> None:
    f = floor()
    f.send(ev.SwitchDown(NODE, "gone"))
    f.up()
    one(f.log, ph.AskHold)
    last_word(f, True)
    assert not f.agent().free


def test_a_resume_that_was_not_heard_is_found_out() -> None:
    f = floor()
    f.talk(f.dialed()[0])
    button(f, True)
    f.step(REARM_S + 0.1)
    one(f.step(LOOK_S + 0.1), ph.AskHold)
    last_word(f, False)
    assert line_of(f) == "bridged"


def test_a_lost_phone_is_not_on_hold_any_more() -> None:
    f = floor()
    f.talk(f.dialed()[0])
    button(f, True)
    f.send(ev.LegHungUp(f.agent().leg or "", "MEDIA_TIMEOUT", f.now))
    assert not f.agent().held and f.live.timers.due(("agent", "hold", "a1")) is None
    f.send(ph.HoldTold("gone", True))
    f.step(30)


def test_while_the_switch_is_away_nothing_is_asked() -> None:
    f = floor()
    button(f, True)
    f.send(ev.SwitchDown(NODE, "gone"))
    none(f.step(10 * ASK_AGAIN_S), ph.AskHold)
    f.up()
    f.step(ASK_AGAIN_S)
    assert f.of(ph.AskHold)


@pytest.mark.parametrize("held", [True, False])
def test_a_phone_that_called_us_is_watched_by_the_dialplans_time(held: bool) -> None:
    f = PhoneFloor(hold_sound=MUSIC)
    f.up()
    f.log_in("1001")
    assert {"hold_music": MUSIC, "media_timeout": "600000"} in sets(f)
    assert f.of(ph.AskHold), "a leg that was there before may be on hold"
    leg = f.agent("1001").leg or ""
    f.holding |= {leg} if held else set()
    f.send(ph.HoldTold(leg, held))
    f.step(REARM_S + 0.1)
    assert f.agent("1001").held is held
    assert (sets(f)[-1] == {"media_timeout": "10000"}) is held


def test_a_colleague_whose_phone_holds_is_not_asked() -> None:
    f = PhoneFloor()
    f.up()
    f.log_in("1001", "s1")
    f.log_in("1002", "s2")
    f.serve("1001")
    f.key("1002", "*1")
    f.holding.add(f.agent("1002").leg or "")
    f.send(ph.LegHeld(f.agent("1002").leg or "", True, f.now))
    assert "party-busy" in f.said(f.key("1001", "*71002#"))


def test_what_a_hold_is_is_said_again_until_the_switch_takes_it() -> None:
    f = floor()
    leg = f.agent().leg or ""
    for times in (2, 3):
        f.send(ev.CommandRefused(leg, "SetVariables", "-ERR refused"))
        f.step(ASK_AGAIN_S + 0.1)
        assert sets(f) == [{"hold_music": MUSIC, "media_timeout": "600000"}] * times
    f.step(10)
    assert len(sets(f)) == 3
    f.send(ev.CommandRefused(leg, "SetVariables", "-ERR refused"))
    f.send(ev.SwitchDown(NODE, "eof"))
    f.step(10)
    assert len(sets(f)) == 3, "there is no switch to say it to"


def test_a_hold_that_began_before_the_switch_took_up_the_bridge_is_forgotten_by_it() -> None:
    """Read after our command went out, and before its answer: the customer would hear nothing."""
    f = floor()
    uuid = f.dialed()[0]
    f.answer(uuid)
    leg = one(f.log, cmd.Bridge).agent_uuid
    f.send(ph.LegHeld(leg, True, f.now + 0.003))
    f.send(ev.BridgeReplied(uuid, leg, True, "+OK"))
    f.send(ev.LegsBridged(uuid, leg, f.now + 0.05))
    last_word(f, True)
    one(f.log, ph.PutAside)


def test_a_hold_from_before_the_bridge_that_is_read_late_plays_no_music() -> None:
    f = floor()
    f.talk(f.dialed()[0])
    f.send(ph.LegHeld(f.agent().leg or "", True, f.now - 0.1))
    last_word(f, True)
    one(f.log, ph.PutAside)


def test_an_answer_that_is_lost_is_asked_for_once_more() -> None:
    f = floor()
    f.talk(f.dialed()[0])
    for times, word in ((2, None), (2, None), (2, False), (3, None), (3, True)):
        last_word(f, word)
        assert len(f.of(ph.AskHold)) == times
    one(f.log, ph.PutAside)


# ---- third parties -----------------------------------------------------------------------------------------


def handed_over(complete: str = "complete") -> tuple[Hall, str, str, str]:
    """A third party whose phone holds in a conversation of three, and the customer who is left with them."""
    f, uuid, leg, x = consulting()
    f.act("a1", "conference")
    f.step(1)
    f.send(ph.LegHeld(x, True, f.now))
    assert f.holding is not None
    f.holding.add(x)
    if complete == "complete":
        assert f.act("a1", "complete").ok
    else:
        f.dies(leg)
    return f, uuid, leg, x


@pytest.mark.parametrize("how", ["complete", "the agent's phone dies"])
def test_a_customer_left_with_a_third_party_whose_phone_holds_hears_music_until_it_is_back(how: str) -> None:
    f, uuid, leg, x = handed_over(how)
    f.step(10)
    assert len(f.of(ph.PutAside)) == 2, "for the consultation, and now"
    assert f.counter("customers_unheard") == 1 and f.call(uuid).aside == "transfer"
    assert f.with_whom(uuid) is None and len(f.of(ph.AskHold)) >= 9
    assert f.holding is not None
    f.holding.discard(x)
    f.step(2)
    assert f.with_whom(uuid) == x and f.call(uuid).party.state.value == "moved" and not f.call(uuid).aside
    f.dies(x)
    f.park(leg)
    over(f, uuid)


def test_a_third_party_who_holds_while_talking_with_the_customer_plays_the_music_by_itself() -> None:
    f, uuid, _leg, x = consulting()
    f.act("a1", "complete")
    f.step(1)
    f.send(ph.LegHeld(x, True, f.now))
    assert f.holding is not None
    f.holding.add(x)
    f.step(20)
    assert f.with_whom(uuid) == x and f.counter("customers_unheard") == 0
    f.send(ph.LegHeld(x, False, f.now))
    f.step(1)
    assert f.counter("customers_unheard") == 1, "the switch forgot, and the phone holds on"
    f.holding.discard(x)
    f.step(2)
    assert f.with_whom(uuid) == x
    f.dies(uuid)
    over(f, uuid)


def test_a_third_party_who_holds_for_ever_is_left_when_the_music_ends() -> None:
    f, uuid, _leg, x = handed_over()
    f.step(ASIDE_S + 2)
    assert f.call(uuid).queued_again or f.call(uuid).agent is not None
    assert f.legs[x].state == "dead"
