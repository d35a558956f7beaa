"""Phones that call us: login by number and PIN, one agent at two phones, two at one, and what time and faults do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, none, one
from phones_kit import PhoneFloor

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import PhoneSettings
from dialer.engine.phones import OUTSIDE


def floor(**more: object) -> PhoneFloor:
    f = PhoneFloor(**more)
    f.up()
    return f


def last_words(f: PhoneFloor, uuid: str) -> tuple[str, ...]:
    """What was said to a leg before the switch hangs it up."""
    (say,) = [c for c in f.of(ph.Say) if c.uuid == uuid and c.last]
    return say.prompts


def test_a_phone_that_calls_is_taken_asked_and_becomes_the_agents_open_line() -> None:
    f = floor()
    uuid = f.dial("s2")
    assert one(f.log, ph.TakeLeg).uuid == uuid and f.said() == ["enter-agent-number"]
    out = f.press(uuid, "1001#")
    assert one(out, ph.Hush).uuid == uuid, "the first key ends the prompt"
    assert f.said(out) == ["enter-pin"]
    check = one(f.press(uuid, "10019#"), ph.CheckPin)
    assert (check.session, check.agent, check.pin) == (uuid, "1001", "10019") and "10019" not in repr(check)
    assert (f.state("1001"), f.line("1001"), f.agent("1001").seat.seat) == ("paused", "parked", "s2")
    f.step(0.5)
    assert f.said()[-1] == "logged-in" and uuid in f.live.legs and not f.live.sessions
    assert [(log.seat, log.line) for log in f.of(cmd.LogAgentState) if log.state == "paused"] == [("s2", uuid)]
    none(f.log, cmd.OriginateAgent, cmd.HangUp)
    f.accounted()


def test_the_agents_number_may_be_dialed_with_the_code() -> None:
    f = floor()
    uuid = f.dial("s1", "*101002")
    assert f.said() == ["enter-pin"]
    f.press(uuid, "10029#")
    assert f.state("1002") == "paused"


def test_silence_ends_a_number_as_the_hash_does() -> None:
    f = floor()
    uuid = f.dial("s1")
    f.press(uuid, "1001")
    assert f.said(f.step(3.1)) == ["enter-pin"]
    f.press(uuid, "10019")
    f.step(3.1)
    assert f.state("1001") == "paused"


def test_customers_come_over_the_line_with_a_beep_before_the_bridge() -> None:
    f = floor()
    leg = f.log_in("1001")
    f.send(ev.AgentReady(1, "1001"))
    f.step(1)
    (uuid,) = f.dialed()
    f.ring(uuid)
    out = [c for c in f.answer(uuid) if isinstance(c, ph.Murmur | cmd.Bridge)]
    assert [type(c) for c in out] == [ph.Murmur, cmd.Bridge]
    assert out[0].prompts == ("beep",) and out[0].uuid == leg == out[1].agent_uuid  # type: ignore[union-attr]


@pytest.mark.parametrize(("key", "words"), [("9999#", "wrong-agent"), ("1001#1234#", "wrong-pin")])
def test_what_is_wrong_is_said_and_after_three_tries_it_is_over(key: str, words: str) -> None:
    f = floor()
    uuid = f.dial("s1")
    f.press(uuid, key)
    f.step(0.5)
    assert f.said()[-2] == words
    again = key.rpartition("1001#")[2]
    f.press(uuid, again)
    f.step(1)
    f.press(uuid, again)
    assert last_words(f, uuid) == (words, "goodbye")
    assert f.state("1001") == "logged_out" and f.counter("phone_logins_given_up") == 1
    f.hang_up(uuid)
    assert not f.live.sessions
    f.accounted()


def test_a_lock_out_is_spoken_with_how_long_it_lasts() -> None:
    f = floor()
    f.locked_s = 130.0
    uuid = f.dial("s1", "*101001")
    f.press(uuid, "10019#")
    assert last_words(f, uuid) == ("locked-out", "wait-minutes-3") and f.state("1001") == "logged_out"


def test_the_store_is_told_after_how_many_wrong_pins_a_login_is_locked() -> None:
    f = floor(lock_after=3)
    f.press(f.dial("s1"), "1001#0815#")
    assert one(f.log, ph.CheckPin).lock_after == 3
    assert PhoneSettings().lock_after == 5 > PhoneSettings().tries == 3


def test_the_star_goes_back_a_step() -> None:
    f = floor()
    uuid = f.dial("s1", "*101002")
    assert f.said(f.press(uuid, "12*")) == ["enter-pin"]
    f.step(4)
    assert f.said(f.press(uuid, "*")) == ["enter-agent-number"]
    f.press(uuid, "1001#10019#")
    assert (f.state("1001"), f.state("1002")) == ("paused", "logged_out")
    other = f.dial("s2")
    f.press(other, "*")
    assert last_words(f, other) == ("cancelled",)


def test_a_second_login_moves_the_agent_and_tells_the_first_phone() -> None:
    f = floor()
    first = f.log_in("1001", "s1")
    f.send(ev.AgentReady(1, "1001"))
    second = f.log_in("1001", "s2")
    assert last_words(f, first) == ("logged-in-elsewhere",)
    assert f.agent("1001").leg == second and f.agent("1001").seat.seat == "s2" and f.state("1001") == "ready"
    assert f.said()[-1] == "logged-in-moved"
    f.accounted()
    f.hang_up(first)
    assert f.agent("1001").leg == second and f.state("1001") == "ready"
    f.accounted()


def test_an_agent_who_talks_is_not_moved() -> None:
    f = floor()
    first = f.log_in("1001", "s1")
    f.serve("1001")
    second = f.log_in("1001", "s2")
    assert last_words(f, second) == ("already-logged-in", "not-now")
    assert f.agent("1001").leg == first and f.state("1001") == "talking"


def test_a_phone_whose_agent_is_there_is_taken_and_says_by_whom() -> None:
    f = floor()
    f.log_in("1001", "s1")
    second = f.log_in("1002", "s1")
    assert last_words(f, second) == ("seat-taken", "agent", "digit-1", "digit-0", "digit-0", "digit-1")
    assert f.state("1002") == "logged_out" and f.state("1001") == "paused"


def test_when_the_first_has_logged_out_or_hung_up_the_phone_is_free() -> None:
    f = floor()
    first = f.log_in("1001", "s1")
    f.key("1001", "*0")
    assert last_words(f, first) == ("logged-out",)
    f.log_in("1002", "s1")
    assert (f.state("1001"), f.state("1002")) == ("logged_out", "paused")
    f.phones = False
    f.hang_up(f.agent("1002").leg)
    assert f.state("1002") == "unavailable", "the seat can be rung, and will be"
    f.log_in("1003", "s1")
    assert (f.state("1002"), f.state("1003")) == ("logged_out", "paused")
    f.accounted()


def test_a_registered_seats_lost_line_is_rung_again() -> None:
    f = floor()
    leg = f.log_in("1001", "s2")
    f.send(ev.AgentReady(1, "1001"))
    f.hang_up(leg, "MEDIA_TIMEOUT")
    assert f.state("1001") == "unavailable"
    out = f.step(2.5)
    assert one(out, cmd.OriginateAgent).address == "user/s2" and f.state("1001") == "ready"
    f.accounted()


def test_an_outside_phone_is_a_seat_as_long_as_it_is_on_the_line() -> None:
    f = floor()
    uuid = f.log_in("1001", "")
    agent = f.agent("1001")
    assert agent.seat.seat.startswith(OUTSIDE) and f.line("1001") == "parked"
    call = f.serve("1001")
    f.hang_up(call)
    assert f.state("1001") == "wrap_up"
    f.hang_up(uuid)
    assert f.state("1001") == "logged_out" and agent.seat.seat == "s1", "nobody knows where to ring it"
    none(f.step(120), cmd.OriginateAgent)
    f.accounted()


def test_an_outside_phone_that_dies_in_a_talk_leaves_nobody_behind() -> None:
    f = floor()
    uuid = f.log_in("1001", "")
    call = f.serve("1001")
    f.hang_up(uuid)
    assert f.state("1001") == "logged_out"
    if call in f.live.calls:
        f.hang_up(call)
    f.step(200)
    assert call not in f.live.calls and f.outcome(call) == "connected"
    f.accounted()


def test_an_on_call_seat_is_logged_in_and_its_phone_let_go() -> None:
    f = floor()
    uuid = f.log_in("1001", "c1")
    assert last_words(f, uuid) == ("logged-in",) and f.state("1001") == "paused" and f.line("1001") == "none"
    assert f.agent("1001").seat.seat == "c1"
    f.hang_up(uuid)
    f.accounted()


# ---- what time and faults do ---------------------------------------------------------------------------------


def test_silence_is_asked_once_more_and_then_over() -> None:
    f = floor(entry_limit_s=10.0)
    uuid = f.dial("s1")
    f.step(14)
    assert f.said() == ["enter-agent-number", "no-input", "enter-agent-number"]
    f.step(17)
    assert last_words(f, uuid) == ("no-input",)
    out = f.step(10)
    assert one(out, cmd.HangUp).uuid == uuid, "the switch did not hang up by itself"
    f.accounted()


def test_an_unknown_code_is_answered() -> None:
    f = floor()
    uuid = f.dial("s1", "*77")
    assert last_words(f, uuid) == ("unknown-code",)


def test_a_store_that_says_nothing_ends_in_words() -> None:
    f = floor()
    f.pins = False
    uuid = f.dial("s1", "*101001")
    f.press(uuid, "10019#")
    f.step(5.1)
    assert last_words(f, uuid) == ("error",)
    f.send(ph.PinChecked(uuid, "1001", True))
    assert f.state("1001") == "logged_out" and f.counter("illegal_pin_checked") == 1


def test_with_a_broken_store_or_at_shutdown_the_switch_is_left_to_say_so() -> None:
    f = floor()
    f.send(ev.StoreFailed("full"))
    f.dial("s1")
    f.send(ev.StoreRecovered(), ev.Shutdown(60.0))
    f.dial("s1")
    none(f.log, ph.TakeLeg)
    assert f.counter("phones_turned_away") == 2
    f.accounted()


# ---- nobody is left in silence by a dialer that dies ---------------------------------------------------------


def test_the_switch_ends_by_itself_what_is_keyed_in_until_it_is_somebodys_line() -> None:
    f = floor()
    uuid = f.dial("s1")
    bound = one(f.log, ph.EndLater)
    assert (bound.uuid, bound.after_s, bound.prompts) == (uuid, 100.0, ("dialer-not-available",))
    f.press(uuid, "1001#")
    none(f.log, ph.EndNotLater)
    f.press(uuid, "10019#")
    assert one(f.log, ph.EndNotLater).uuid == uuid == f.agent("1001").leg
    assert len(f.of(ph.EndLater)) == 1


def test_a_supervisors_leg_is_kept_too() -> None:
    f = floor(boss="1003")
    uuid = f.dial("s1", "*201003")
    f.press(uuid, "10039#")
    assert one(f.log, ph.EndNotLater).uuid == uuid and uuid in f.live.watches


def test_a_phone_that_keys_in_for_ever_is_let_go_before_the_switch_does_it() -> None:
    f = floor(tries=99)
    uuid = f.dial("s1")
    ends = f.now + 100.0
    while uuid in f.live.sessions and f.now < ends:
        f.press(uuid, "7")
    assert last_words(f, uuid) == ("no-input", "goodbye") and f.now <= ends - 5.0
    f.step(20)
    assert not f.live.sessions
    f.accounted()


def test_a_leg_that_does_not_park_is_taken_again_and_then_let_go() -> None:
    f = floor()
    f.takes = f.lists = False
    uuid = f.dial("s1")
    out = f.step(4.5)
    assert len(f.of(ph.TakeLeg)) == 2 and one(out, cmd.HangUp).uuid == uuid and not f.live.sessions
    f.accounted()


def test_a_leg_that_is_gone_when_we_take_it() -> None:
    f = floor()
    f.takes = False
    uuid = f.dial("s1")
    f.send(ev.CommandRefused(uuid, "TakeLeg", "-ERR No such channel!"))
    assert not f.live.sessions
    f.accounted()


@pytest.mark.parametrize("keys", ["", "10", "1001#", "1001#99"])
def test_a_phone_that_hangs_up_halfway_leaves_nothing(keys: str) -> None:
    f = floor()
    f.pins = False
    uuid = f.dial("s1")
    f.press(uuid, keys)
    f.hang_up(uuid)
    assert not f.live.sessions and not f.live.sounds
    f.accounted()
    none(f.step(60), ph.Say, cmd.HangUp)


def test_a_session_that_the_switch_no_longer_lists_is_over() -> None:
    f = floor()
    f.dial("s1")
    f.step(4)
    f.channels[NODE] = []
    f.send(ev.SwitchGap(NODE, 3))
    f.step(4)
    assert not f.live.sessions
    f.accounted()


def test_a_taken_legs_lost_park_is_found_in_the_list() -> None:
    f = floor()
    f.takes = False
    uuid = f.dial("s1")
    f.send(f.snapshot(ev.ChannelFact(uuid, "seat", "s1", True, None, f.now, True)))
    assert f.said() == ["enter-agent-number"]


def test_a_doubled_call_is_one_session() -> None:
    f = floor()
    uuid = f.dial("s1")
    f.send(ph.PhoneCalled(NODE, uuid, "s1", "*10", "", f.now))
    assert len(f.of(ph.TakeLeg)) == 1
    f.send(ph.PhoneCalled("fs9", "x", "s1", "*10", "", f.now))
    f.accounted()


def restarted(f: PhoneFloor, *facts: ev.ChannelFact, agents: tuple[ev.AgentFact, ...]) -> None:
    f.restarted(f.now + 5)
    f.log.clear()
    f.channels[NODE] = list(facts)
    f.send(ev.Recovered(agents=agents))
    f.send(ev.SwitchUp(NODE))
    f.step(2.0)


@pytest.mark.parametrize("seat", ["s2", ""])
def test_a_leg_of_a_former_run_is_adopted_and_no_phone_rings(seat: str) -> None:
    f = floor()
    uuid = f.log_in("1001", seat)
    name = f.agent("1001").seat.seat
    fact = ev.ChannelFact(uuid, "seat", seat, True, None, f.now - 60, True)
    restarted(f, fact, agents=(ev.AgentFact("1001", "ready", "", name, uuid),))
    assert (f.state("1001"), f.line("1001"), f.agent("1001").seat.seat) == ("ready", "parked", name)
    assert f.agent("1001").dialed_in
    none(f.log, cmd.OriginateAgent, cmd.HangUp)
    f.accounted()


@pytest.mark.parametrize("usual", ["c1", "s1"])
def test_who_logs_in_at_every_start_is_found_at_the_phone_where_they_sit(usual: str) -> None:
    """And not at the seat of the configuration, be it one that is only rung when needed."""
    f = floor()
    uuid = f.log_in("1001", "")
    name = f.agent("1001").seat.seat
    person = replace(f.config.agents["1001"], seat=usual, login_at_start=True)
    f.config = replace(f.config, agents={**f.config.agents, "1001": person})
    fact = ev.ChannelFact(uuid, "seat", "", True, None, f.now - 60, True)
    restarted(f, fact, agents=(ev.AgentFact("1001", "ready", "", name, uuid),))
    assert (f.state("1001"), f.line("1001"), f.agent("1001").seat.seat) == ("ready", "parked", name)
    none(f.log, cmd.OriginateAgent, cmd.HangUp)
    f.accounted()


def test_the_leg_of_a_former_run_is_gone() -> None:
    f = floor()
    outside = ev.AgentFact("1001", "ready", "", "outside-c0000000", "gone")
    restarted(f, agents=(outside, ev.AgentFact("1002", "ready", "", "s2", "gone")))
    assert f.state("1001") == "logged_out", "an outside phone cannot be rung"
    assert one(f.log, cmd.OriginateAgent).address == "user/s2" and f.state("1002") == "ready"
    f.accounted()


def test_a_parked_leg_that_nobody_knows_is_hung_up_and_a_waiting_one_is_left_to_the_switch() -> None:
    f = floor()
    old = ev.ChannelFact("c1", "seat", "s1", True, None, f.now - 60, True)
    fresh = ev.ChannelFact("c2", "seat", "s2", True, None, f.now, False)
    restarted(f, old, fresh, agents=())
    assert one(f.log, cmd.HangUp).uuid == "c1" and f.counter("orphan_seat_legs") == 1


@pytest.mark.parametrize(("age_s", "hung_up"), [(20.0, False), (60.0, True)])
def test_a_leg_that_nobody_knows_does_not_stay_because_words_or_a_hold_hide_that_it_is_parked(
    age_s: float, hung_up: bool
) -> None:
    """The switch's own bounded wait would have ended it."""
    f = floor()
    restarted(f, ev.ChannelFact("c1", "seat", "s1", True, None, f.now - age_s, False), agents=())
    assert [c.uuid for c in f.of(cmd.HangUp)] == (["c1"] if hung_up else [])
    talking = ev.ChannelFact("c1", "seat", "s1", True, "somebody", f.now - 90, False)
    restarted(f, talking, agents=())
    none(f.log, cmd.HangUp)


def test_a_cut_connection_keeps_the_agent_on_the_line() -> None:
    f = floor()
    uuid = f.log_in("1001", "s2")
    f.send(ev.SwitchDown(NODE, "eof"))
    f.step(5)
    f.up()
    assert f.agent("1001").leg == uuid and f.line("1001") == "parked"


# ---- supervisors ---------------------------------------------------------------------------------------------


def test_the_supervisors_code_asks_who_and_hands_the_leg_over() -> None:
    f = floor(boss="1003")
    uuid = f.dial("s3", "*20")
    f.press(uuid, "1003#10039#")
    assert uuid in f.live.watches and not f.live.sessions and f.state("1003") == "logged_out"
    f.accounted()
    f.hang_up(uuid)
    f.accounted()


def test_a_supervisor_who_moves_to_another_phone_while_listening_no_longer_supervises() -> None:
    f = floor(boss="1003")
    f.log_in("1001")
    f.log_in("1003", "s2")
    f.send(ev.AgentReady(1, "1003"))
    f.send(ph.SupervisorAct(3, "1003", "listen", "1001"))
    f.step(1.0)
    assert (f.state("1003"), f.agent("1003").reason) == ("paused", "supervising") and f.live.watches
    uuid = f.dial("s3", "*10")
    f.press(uuid, "1003#10039#")
    f.step(1.0)
    assert f.agent("1003").leg == uuid and not f.live.watches
    assert f.state("1003") == "ready"
    f.accounted()


def test_others_may_not() -> None:
    f = floor(boss="1003")
    uuid = f.dial("s1", "*20")
    f.press(uuid, "1001#10019#")
    assert last_words(f, uuid) == ("not-allowed",) and not f.live.watches


# ---- the sound of waiting ------------------------------------------------------------------------------------


def test_a_waiting_line_hears_its_sound_again_after_words_and_after_each_customer() -> None:
    f = floor(wait_sound="/s/music.wav", prompt_seconds=dict.fromkeys(("logged-in", "ready", "beep"), 1.0))
    leg = f.log_in("1001")
    none(f.log, ph.Music)
    assert one(f.step(1.5), ph.Music) == ph.Music(NODE, leg, "/s/music.wav")
    out = f.key("1001", "*1")
    assert [type(c) for c in out if isinstance(c, ph.Hush | ph.Say | ph.Music)] == [ph.Hush, ph.Say]
    assert one(f.step(2), ph.Music).uuid == leg
    call = f.serve("1001")
    none(f.step(5), ph.Music)
    f.send(ev.LegParked(leg, f.now))
    f.hang_up(call)
    f.send(ev.LegParked(leg, f.now))
    assert one(f.step(1), ph.Music).uuid == leg


@pytest.mark.parametrize(("later_s", "stops"), [(0.0, 1), (1.0, 0)])
def test_a_sound_that_may_overtake_a_bridge_is_stopped_once_more(later_s: float, stops: int) -> None:
    """Heard of after the bridge, the switch would play it over the customer's voice, and without an end."""
    f = floor(wait_sound="/s/music.wav", prompt_seconds=dict.fromkeys(("logged-in", "ready", "beep"), 1.0))
    leg = f.log_in("1001")
    f.send(ev.AgentReady(1, "1001"))
    f.step(0.3)
    uuid = f.dialed()[0]
    f.ring(uuid)
    while not f.of(ph.Music):
        f.step(0.05)
    f.step(later_s)
    f.log.clear()
    f.talk(uuid)
    f.step(0.5)
    assert f.of(ph.Hush) == [ph.Hush(NODE, leg)] * stops


# ---- the phone's own hold button -----------------------------------------------------------------------------


def test_a_phone_on_hold_by_its_own_button_gets_no_customer() -> None:
    """They would hear silence, and the agent nothing of them."""
    f = floor()
    leg = f.log_in("1001")
    f.holding.add(leg)
    f.send(ph.LegHeld(leg, True, f.now), ev.AgentReady(1, "1001"))
    f.step(5)
    assert f.state("1001") == "ready" and not f.agent("1001").free and not f.dialed()
    f.holding.clear()
    f.send(ph.LegHeld(leg, False, f.now))
    f.step(1)
    assert f.agent("1001").free and f.dialed()
    f.accounted()


def test_a_customer_who_waits_goes_to_an_agent_as_soon_as_the_phone_is_taken_back() -> None:
    f = floor()
    leg = f.log_in("1001")
    f.send(ev.AgentReady(1, "1001"))
    f.step(1)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.holding.add(leg)
    f.send(ph.LegHeld(leg, True, f.now))
    f.answer(uuid)
    none(f.log, cmd.Bridge)
    f.step(0.5)
    f.holding.clear()
    f.send(ph.LegHeld(leg, False, f.now))
    assert one(f.log, cmd.Bridge).agent_uuid == leg


def test_a_hold_that_was_not_heard_is_found_in_the_list() -> None:
    f = floor()
    leg = f.log_in("1001")
    for held in (True, False):
        f.holding = {leg} if held else set()
        fact = ev.ChannelFact(leg, "seat", "s1", True, None, f.now - 60, True, held)
        for _ in range(2):
            f.step(5)
            f.send(ev.SwitchSnapshot(NODE, f.now, (fact,)))
        assert f.agent("1001").held is held
    f.send(ph.LegHeld(leg, True, f.now))
    f.hang_up(leg)
    assert not f.agent("1001").held
