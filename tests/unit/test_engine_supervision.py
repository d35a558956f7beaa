"""Supervision: who may, whom they hear, who has the customer afterwards, and who comes when an agent asks for help."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, none, one
from office import Office

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.engine.help_calls import HELP_S


def listening(f: Office, mode: str = "listen") -> tuple[str, str, str]:
    """b1 listens to a1, who talks: the customer, the agent's leg, the supervisor's."""
    uuid, leg = f.talking()
    assert f.order(mode, "a1").ok
    boss = f.rings()
    f.step(1)
    assert f.hears(boss) == leg
    return uuid, leg, boss


# ---- from listening to taking over -------------------------------------------------------------------------


def test_listen_whisper_barge_take_over_by_api() -> None:
    f = Office()
    uuid, leg, boss = listening(f)
    assert f.modes() == []
    for mode in ("whisper", "barge", "conference", "listen"):
        assert f.order(mode).ok
        f.step(0.2)
    assert f.modes() == ["whisper", "barge", "listen"], "a conference is a barge"
    assert f.order("takeover").ok
    assert f.with_whom(uuid) == boss and f.state("a1") == "wrap_up" and f.line("a1") == "parked"
    assert "taken-from-you" in f.said(leg)
    f.step(20)
    assert f.state("a1") == "ready" and f.with_whom(uuid) == boss, "the lists do not contradict it"
    f.accounted()
    f.dies(uuid)
    assert f.outcome(uuid) == "connected" and f.said(boss)[-1] == "supervise-enter-agent"
    assert f.watch(boss).parked
    f.over()


def test_orders_that_follow_each_other_at_once_cannot_overtake_each_other() -> None:
    """A switch carries out what is sent together in any order: the last wish is sent when it can only be the last."""
    f = Office()
    uuid, _, _ = listening(f)
    other = f.dialed()[1]
    f.picks_up(other)
    second = f.call(other).agent.leg

    def told(*orders: tuple[str, str]) -> list[cmd.Command]:
        first = len(f.log)
        f.send(*[ph.SupervisorAct(n, "b1", act, name) for n, (act, name) in enumerate(orders)])
        return f.log[first:]

    out = told(("whisper", ""), ("barge", ""), ("listen", ""))
    assert [order.mode for order in f.of(ph.SetListening, out)] == ["whisper"]
    assert [order.mode for order in f.of(ph.SetListening, f.step(0.2))] == ["listen"]
    out = told(("listen", "a2"), ("listen", "a1"), ("listen", "a2"))
    assert [order.target for order in f.of(ph.Eavesdrop, out)] == [second]
    out = f.step(0.05) + told(("takeover", "")) + f.step(0.01)
    none(out, ph.Eavesdrop, ph.Join)
    assert one(f.step(0.2), ph.Join).a_uuid == other
    f.settle()
    f.dies(uuid)
    f.dies(other)
    f.over()


def test_who_leaves_while_the_switch_is_away_listens_no_longer_once_it_is_back() -> None:
    f = Office()
    uuid, leg = f.talking()
    boss = f.calls_in()
    f.send(ph.SupervisorAct(1, "b1", "listen", "a1"))
    f.settle()
    f.step(1)
    assert f.hears(boss) == leg
    f.send(ev.SwitchDown(NODE, "eof"))
    assert f.order("leave").ok
    f.step(3)
    f.send(ev.SwitchUp(NODE))
    assert one(f.step(2), cmd.ParkLeg).uuid == boss
    assert f.hears(boss) == ""
    f.dies(uuid)
    f.over()


def test_who_leaves_as_soon_as_they_listen_is_asked_what_next_within_seconds() -> None:
    """The CHANNEL_PARK comes so early that it looks like the one from before."""
    f = Office()
    uuid, _ = f.talking()
    boss = f.calls_in()
    f.send(ph.SupervisorAct(1, "b1", "listen", "a1"))
    f.settle()
    f.send(ph.KeyPressed(boss, "*", f.now))
    f.step(0.03)
    f.park_leg(f.legs[boss])
    f.step(0.1)
    assert not f.watch(boss).parked
    f.step(5)
    assert f.watch(boss).parked and f.said(boss)[-1] == "supervise-enter-agent"
    f.dies(uuid)
    f.over()


def test_a_key_just_after_the_order_to_listen_is_kept_to() -> None:
    """The order how to listen comes half a second later, and holds what the supervisor has chosen meanwhile."""
    f = Office()
    uuid, _ = f.talking()
    boss = f.calls_in()
    f.send(ph.SupervisorAct(1, "b1", "whisper", "a1"))
    f.step(0.2)
    f.send(ph.KeyPressed(boss, "1", f.now))
    f.step(1)
    assert f.modes() == ["customer"]
    f.dies(uuid)
    f.over()


def test_a_supervisors_phone_that_is_rung_is_missed_when_it_dies() -> None:
    f = Office()
    f.live.agents["b1"].seat = replace(f.live.agents["b1"].seat, media_timeout_s=10.0)
    listening(f)
    assert one(f.log, ph.OriginateParty).media_timeout_s == 10.0


def test_listen_whisper_barge_take_over_by_keypad() -> None:
    f = Office()
    uuid, leg = f.talking()
    boss = f.calls_in()
    assert f.said(boss)[-1] == "supervise-enter-agent"
    f.live.agents["1"] = f.live.agents["a1"]  # as if it had a number
    f.key(boss, "1", "#")
    del f.live.agents["1"]
    assert f.hears(boss) == leg
    for key, mode in (("2", "whisper"), ("3", "barge"), ("1", "customer"), ("0", "listen")):
        f.key(boss, key)
        assert f.watch(boss).mode == mode
    assert f.modes() == [], "the switch obeys these keys itself"
    f.key(boss, "*")
    assert f.watch(boss).parked and f.said(boss)[-1] == "supervise-enter-agent"
    assert f.order("listen", "a1").ok and f.hears(boss) == leg
    f.key(boss, "4")
    assert f.with_whom(uuid) == boss
    f.key(boss, "1", "*", "#")
    assert f.legs[uuid].state == "dead" and f.outcome(uuid) == "connected"
    f.over()


def test_the_mode_is_sent_when_the_leg_listens() -> None:
    f = Office()
    f.talking()
    f.order("barge", "a1")
    boss = f.rings()
    assert f.of(ph.Eavesdrop) and not f.modes()
    f.step(0.6)
    assert f.modes() == ["barge"] and f.watch(boss).mode == "barge"


def test_hangup_by_a_supervisor() -> None:
    f = Office()
    uuid, _, boss = listening(f)
    f.key(boss, "5")
    assert f.closed(uuid).reason == "ended by supervisor b1" and f.watch(boss).agent is f.agent("a1")
    assert f.order("hangup").text == "the agent has no customer on the line"
    assert f.order("takeover").text == "the agent has no customer on the line"
    f.over()


@pytest.mark.parametrize("rings", [False, True])
def test_hangup_by_a_supervisor_without_a_line(rings: bool) -> None:
    f = Office()
    uuid, _ = f.talking()
    assert not f.order("hangup").ok, "whose call?"
    if rings:
        assert f.order("listen", "a1").ok
    rung = len(f.of(ph.OriginateParty))
    assert f.order("hangup", "a2").text == "the agent has no customer on the line"
    assert f.order("hangup", "a1", "a2").text == "agent a2 is no supervisor"
    assert f.order("hangup", "a1").ok
    assert f.closed(uuid).reason == "ended by supervisor b1" and len(f.of(ph.OriginateParty)) == rung
    assert f.order("hangup", "a1").text == "the agent has no customer on the line"


def test_the_watch_stays_with_the_agent_from_customer_to_customer() -> None:
    f = Office(1)
    uuid, leg, boss = listening(f)
    f.dies(uuid)
    f.step(15)
    assert f.state("a1") == "ready" and f.hears(boss) == leg and f.watch(boss).agent is f.agent("a1")


def test_next_and_previous() -> None:
    f = Office(4)
    f.step(0.2)
    for uuid in f.dialed()[:3]:
        f.picks_up(uuid)
    busy = sorted(a for a in ("a1", "a2", "a3", "a4") if f.state(a) == "talking")
    assert len(busy) == 3
    f.order("listen", busy[0])
    boss = f.rings()
    seen = []
    for act in ("next", "next", "next", "previous", "previous"):
        assert f.order(act).ok
        seen.append(f.watch(boss).agent.settings.agent)
        assert f.hears(boss) == f.watch(boss).agent.leg and f.watch(boss).mode == "listen"
    assert seen == [busy[1], busy[2], busy[0], busy[2], busy[1]]
    f.key(boss, "9")
    assert f.watch(boss).agent.settings.agent == busy[2]
    f.key(boss, "7")
    assert f.watch(boss).agent.settings.agent == busy[1]
    f.over()


def test_nobody_else_to_listen_to() -> None:
    f = Office()
    _, _, boss = listening(f)
    assert f.order("next").text == "no other agent is talking"
    f.key(boss, "9")
    assert f.said(boss)[-1] == "no-other-agent" and isinstance(f.of(ph.Murmur)[-1], ph.Murmur)


# ---- who may -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("supervisor", "agent", "problem"),
    [
        ("b1", "a1", ""),
        ("b2", "a1", ""),
        ("b3", "a1", "agent a1 is not in the team of supervisor b3"),
        ("a2", "a1", "agent a2 is no supervisor"),
        ("zz", "a1", "no agent zz in the configuration"),
        ("b1", "zz", "no agent zz in the configuration"),
        ("b2", "b1", "agent b1 has no open line"),
        ("b1", "", "supervisor b1 has no line: listen to an agent first"),
    ],
)
@pytest.mark.parametrize("act", ["listen", "whisper", "barge", "conference"])
def test_roles_and_teams(supervisor: str, agent: str, problem: str, act: str) -> None:
    f = Office()
    f.talking()
    reply = f.order(act, agent, supervisor)
    assert (reply.ok, "" if reply.ok else reply.text) == (not problem, problem)
    assert bool(f.of(ph.OriginateParty)) == (not problem)


@pytest.mark.parametrize("act", ["takeover", "next", "leave", "answer_help", "dance"])
def test_acts_that_need_a_line(act: str) -> None:
    f = Office()
    f.talking()
    assert not f.order(act, "a1").ok
    none(f.log, ph.OriginateParty)


def test_another_teams_agent_is_not_stepped_to_or_taken_over() -> None:
    f = Office()
    uuid, leg, _boss = listening(f)
    f.agent("a1").settings = replace(f.agent("a1").settings, team="blue")
    assert "team" in f.order("takeover").text and "team" in f.order("whisper").text
    assert f.with_whom(uuid) == leg


def test_a_customer_on_hold_is_not_taken_over() -> None:
    f = Office()
    _uuid, _, _ = listening(f)
    assert f.act("a1", "hold").ok
    assert f.order("takeover").text == "the customer is with a third party or on hold"
    f.act("a1", "hold")
    f.step(1)
    assert f.order("takeover").ok
    f.over()


def test_a_supervisor_whose_phone_rings_or_who_has_a_customer() -> None:
    f = Office()
    uuid, _ = f.talking()
    assert f.order("listen", "a1").ok
    assert "is ringing" in f.order("whisper", "a1").text
    f.rings()
    f.order("takeover")
    assert f.order("listen", "a2").text == "a customer is on the line"
    assert f.order("leave").text == "a customer is on the line"
    assert f.order("hangup").ok and f.closed(uuid).reason == "ended by supervisor b1"
    f.over()


# ---- phones that are lost ----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["ringing", "listening", "barging", "parked"])
def test_a_supervisors_phone_that_is_lost_leaves_the_conversation_alone(step: str) -> None:
    f = Office()
    uuid, leg = f.talking()
    f.order("barge" if step == "barging" else "listen", "a1")
    boss = f.party()
    if step != "ringing":
        f.picks_up(boss)
    if step == "parked":
        f.key(boss, "*")
    f.dies(boss, "NO_ANSWER" if step == "ringing" else "MEDIA_TIMEOUT")
    assert not f.live.watches and f.with_whom(uuid) == leg and f.state() == "talking"
    f.accounted()
    f.over()


def test_a_supervisor_who_hangs_up_on_a_customer_ends_the_call() -> None:
    f = Office()
    uuid, _, boss = listening(f)
    f.order("takeover")
    f.dies(boss)
    assert f.legs[uuid].state == "dead" and f.closed(uuid).reason == "the supervisor hung up"
    f.over()


@pytest.mark.parametrize("joined", [True, False])
def test_a_customer_whose_supervisors_phone_is_lost_goes_to_an_agent(joined: bool) -> None:
    f = Office()
    uuid, _, boss = listening(f)
    f.reply(lambda n: ph.SupervisorAct(n, "b1", "takeover"))
    f.step(0.2 if joined else 0.01)
    f.dies(boss, "MEDIA_TIMEOUT")
    f.step(15)
    assert f.with_whom(uuid) in (f.agent("a1").leg, f.agent("a2").leg)
    f.accounted()
    f.over()


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_a_take_over_that_fails_brings_the_customer_to_an_agent(how: str) -> None:
    f = Office()
    uuid, _, boss = listening(f)
    real, f.join = f.join, lambda a, b: None  # type: ignore[method-assign]
    f.reply(lambda n: ph.SupervisorAct(n, "b1", "takeover"))
    f.step(0.1)
    f.join = real  # type: ignore[method-assign]
    if how == "refused":
        f.send(ev.BridgeReplied(uuid, boss, False, "-ERR"))
    f.step(16)
    assert f.with_whom(uuid) in (f.agent("a1").leg, f.agent("a2").leg)
    assert f.watch(boss).parked and f.note("take_over_failed")
    f.over()


@pytest.mark.parametrize("sound", ["/hold.wav", ""])
def test_the_switch_knows_beforehand_what_is_heard_while_a_supervisors_phone_holds(sound: str) -> None:
    f = Office(hold_sound=sound)
    _, _, boss = listening(f)
    assert one(f.log, ph.OriginateParty).hold_sound == sound
    f = Office(hold_sound=sound)
    boss = f.calls_in()
    told = [command.variables for command in f.of(ph.SetVariables) if command.uuid == boss]
    assert told == ([(("hold_music", sound),)] if sound else [])


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_nobody_is_taken_over_by_a_phone_that_holds(own: bool, known: bool) -> None:
    """It would be silent both ways. A hold of which only the phone knows is found out when the bridge stands."""
    f = Office(1, sits=("b1",)) if own else Office()
    uuid, leg, boss = listening(f) if not own else (f.dialed()[0], f.agent("a1").leg, f.agent("b1").leg)
    if own:
        f.send(ev.AgentPause(1, "b1", "x"))
        f.picks_up(uuid)
        f.order("listen", "a1")
    assert boss is not None and f.holding is not None and f.with_whom(uuid) == leg
    f.holding.add(boss)
    if known:
        f.send(ph.LegHeld(boss, True, f.now))
        assert f.order("takeover").text == "the phone of supervisor b1 is on hold"
        assert f.with_whom(uuid) == leg and f.state("a1") == "talking"
        f.send(ph.LegHeld(boss, False, f.now))
        assert not f.order("takeover").ok, "the switch says so, the phone does not"
        f.holding.clear()
        f.step(2)  # the phone resumes, and no event tells
        assert own or not f.order("takeover").ok
        assert f.order("takeover").ok and f.with_whom(uuid) == boss
        f.holding.add(boss)
        f.send(ph.LegHeld(boss, True, f.now))
        f.step(5)
        assert f.with_whom(uuid) == boss, "on hold in the conversation they hear the switch's music"
    else:
        f.order("takeover")
        assert f.note("take_over_failed") and f.with_whom(uuid) != boss
        f.step(15)
        assert f.with_whom(uuid) not in (None, boss)
    f.over()


def test_a_customer_who_hangs_up_during_the_take_over() -> None:
    f = Office()
    uuid, _leg, boss = listening(f)
    f.reply(lambda n: ph.SupervisorAct(n, "b1", "takeover"))
    f.dies(uuid)
    f.step(4)
    assert f.watch(boss).parked and f.outcome(uuid) == "connected"
    f.over()


def test_an_agents_phone_that_is_lost_while_watched() -> None:
    f = Office()
    uuid, leg, boss = listening(f)
    f.dies(leg, "MEDIA_TIMEOUT")
    assert f.watch(boss).agent is None and f.watch(boss).parked
    assert f.said(boss)[-1] == "supervise-enter-agent"
    f.step(3)
    assert f.with_whom(uuid) == f.agent("a2").leg, "the customer goes to another agent"
    assert f.order("listen", "a2").ok and f.hears(boss) == f.agent("a2").leg
    f.over()


def test_a_leg_that_parks_unheard_is_found_by_the_list() -> None:
    f = Office()
    _uuid, _leg, boss = listening(f)
    f.lossy = lambda event: isinstance(event, ev.LegParked) and event.uuid == boss
    f.key(boss, "*")
    assert not f.watch(boss).parked
    f.step(70)
    f.lossy = lambda event: False
    assert boss not in f.live.watches or f.watch(boss).parked


def test_a_leg_that_is_gone_unheard_is_found_by_the_list() -> None:
    f = Office()
    _uuid, _leg, boss = listening(f)
    f.order("takeover")
    f.lossy = lambda event: isinstance(event, ev.LegHungUp) and event.uuid == boss
    f.dies(boss)
    f.lossy = lambda event: False
    f.step(70)
    assert not f.live.watches
    f.over()


def test_the_switch_goes_away_and_comes_back() -> None:
    f = Office()
    _uuid, leg, boss = listening(f)
    f.send(ev.SwitchDown(NODE, "gone"))
    assert "not connected" in f.order("listen", "a2").text
    f.step(2)
    f.send(ev.SwitchUp(NODE))
    f.step(1)
    assert f.hears(boss) == leg and f.watch(boss).agent is f.agent("a1") and f.legs[boss].state == "three"
    f.send(ev.SwitchDown(NODE, "gone"))
    f.legs[boss].state = "dead"
    f.send(ev.SwitchUp(NODE))
    f.step(1)
    assert boss not in f.live.watches
    f.accounted()


def test_a_supervisors_leg_of_a_former_run_is_hung_up_and_one_that_is_watched_is_not() -> None:
    f = Office()
    _, _, boss = listening(f)
    stray = type(f.legs[boss])("00000000-0000-4000-8000-0000000000ff", "party", "three", since=f.now)
    f.legs[stray.uuid] = stray
    f.step(70)
    assert stray.state == "dead" and f.legs[boss].state == "three"


def test_a_phone_that_is_not_answered() -> None:
    f = Office()
    f.talking()
    f.order("listen", "a1")
    boss = f.party()
    f.step(35)
    assert not f.live.watches and f.legs[boss].state == "dead"
    f.over()


def test_a_silent_line_is_let_go() -> None:
    f = Office(entry_limit_s=10.0)
    f.talking()
    boss = f.calls_in()
    f.step(60)
    assert f.said(boss).count("supervise-enter-agent") == 2 and f.said(boss)[-1] == "goodbye"
    assert boss not in f.live.watches and f.legs[boss].state == "dead"


@pytest.mark.parametrize("by", ["key", "api", "leave"])
def test_leaving(by: str) -> None:
    f = Office()
    uuid, leg = f.talking()
    boss = f.calls_in()
    assert f.order("listen", "a1").ok and f.hears(boss) == leg
    if by == "key":
        f.key(boss, "*")
    else:
        assert f.order("leave").ok
    assert f.watch(boss).parked and f.watch(boss).agent is None and f.with_whom(uuid) == leg
    f.dies(boss)
    f.over()


def test_leaving_hangs_up_a_phone_that_we_rang() -> None:
    f = Office()
    _, _, boss = listening(f)
    assert f.order("leave").ok and f.legs[boss].state == "dead" and not f.live.watches
    f.order("listen", "a1")
    ringing = f.party()
    assert f.order("leave").ok and not f.live.watches
    f.picks_up(ringing)
    f.step(1)
    assert f.legs[ringing].state == "dead", "an answer that crossed our hangup"
    f.over()


@pytest.mark.parametrize(
    ("keys", "word"), [("77#", "no-such-agent"), ("#", "no-such-agent"), ("7*7#", "no-such-agent")]
)
def test_numbers_that_nobody_has(keys: str, word: str) -> None:
    f = Office()
    f.talking()
    boss = f.calls_in()
    f.key(boss, *keys)
    assert f.said(boss)[-1] == word and f.watch(boss).parked


# ---- a supervisor's own open line --------------------------------------------------------------------------


@pytest.mark.parametrize("was", ["ready", "paused"])
def test_the_own_open_line_listens_and_takes_no_customers(was: str) -> None:
    f = Office(1, sits=("b1",))
    f.step(0.2)
    if was == "paused":
        f.send(ev.AgentPause(1, "b1", "lunch"))
    else:
        f.send(ev.AgentReady(1, "b1"))
    f.send(ev.AgentPause(1, "a1", "x"), ev.AgentReady(2, "a1"))
    uuid = f.dialed()[0]
    if was == "ready":
        f.send(ev.AgentPause(1, "b1", "x"))
    f.picks_up(uuid)
    if was == "ready":
        f.send(ev.AgentReady(1, "b1"))
    own = f.agent("b1").leg
    assert f.with_whom(uuid) == f.agent("a1").leg
    assert f.order("listen", "a1").ok
    none(f.log, ph.OriginateParty)
    assert f.hears(own) == f.agent("a1").leg and f.state("b1") == "paused" and f.line("b1") == "bridging"
    f.send(ev.AgentReady(1, "b1"))
    f.send(ev.AgentPause(1, "b1", "supervising" if was == "ready" else "lunch"))
    f.accounted()
    f.key(own, "*")
    assert not f.live.watches and f.state("b1") == was and f.line("b1") == "parked"
    f.over()


def test_the_own_open_line_takes_over_and_is_free_again() -> None:
    f = Office(1, sits=("b1",))
    f.step(0.2)
    uuid = f.dialed()[0]
    f.send(ev.AgentPause(1, "b1", "x"))
    f.picks_up(uuid)
    f.send(ev.AgentReady(1, "b1"))
    f.order("listen", "a1")
    assert f.order("takeover").ok
    own = f.agent("b1").leg
    assert f.with_whom(uuid) == own and f.state("b1") == "paused"
    f.step(40)
    assert f.with_whom(uuid) == own and f.line("b1") == "bridging", "lists do not part them"
    f.dies(uuid)
    f.step(3)
    assert not f.live.watches and f.state("b1") == "ready" and f.line("b1") == "parked"
    f.over()


@pytest.mark.parametrize("how", ["lost", "logout"])
@pytest.mark.parametrize("takes", [True, False])
def test_the_own_open_line_is_lost(how: str, takes: bool) -> None:
    f = Office(1, sits=("b1",))
    f.step(0.2)
    uuid = f.dialed()[0]
    f.send(ev.AgentPause(1, "b1", "x"))
    f.picks_up(uuid)
    f.order("listen", "a1")
    if takes:
        f.order("takeover")
    if how == "lost":
        f.dies(f.agent("b1").leg, "MEDIA_TIMEOUT")
    else:
        f.send(ev.AgentLogout(1, "b1"))
    assert not f.live.watches
    f.step(12)
    assert f.with_whom(uuid) == f.agent("a1").leg
    f.accounted()
    f.over()


# ---- help --------------------------------------------------------------------------------------------------


def test_a_call_for_help_rings_the_supervisor_of_the_team_who_whispers() -> None:
    f = Office()
    _uuid, leg = f.talking()
    assert f.act("a1", "help").ok and f.act("a1", "help").ok
    rung = one(f.log, ph.OriginateParty)
    assert rung.ident == "supervisor-b1" and rung.address == "user/b1" and not rung.auto_answer
    boss = f.rings()
    f.step(1)
    assert f.hears(boss) == leg and f.modes() == ["whisper"] and not f.live.helps
    assert "help-coming" in f.said(leg)
    f.over()


def test_nobody_answers_and_the_next_supervisor_is_rung_until_nobody_is_left() -> None:
    f = Office()
    uuid, leg = f.talking()
    f.act("a1", "help")
    f.dies(f.party(), "USER_BUSY")
    assert f.of(ph.OriginateParty)[-1].ident == "supervisor-b2"
    f.dies(f.party(), "NO_ANSWER")
    assert len(f.of(ph.OriginateParty)) == 2 and f.said(leg)[-1] == "help-nobody" and not f.live.helps
    assert f.with_whom(uuid) == leg
    f.over()


def test_help_that_nobody_takes_in_time() -> None:
    f = Office(entry_limit_s=300.0)
    _, leg = f.talking()
    boss = f.calls_in()
    f.act("a1", "help")
    none(f.log, ph.OriginateParty)
    assert f.said(boss)[-1] == "help-keys" and "help-call" in f.said(boss)
    f.step(HELP_S + 1)
    assert f.said(leg)[-1] == "help-nobody" and not f.live.helps and not f.watch(boss).offer
    f.over()


def test_help_is_offered_on_a_parked_line_and_taken_or_refused_by_key() -> None:
    f = Office()
    _, leg = f.talking()
    boss = f.calls_in()
    f.act("a1", "help")
    f.key(boss, "2")
    assert f.of(ph.OriginateParty)[-1].ident == "supervisor-b2", "the next one is rung"
    f.dies(f.party(), "NO_ANSWER")
    assert f.said(leg)[-1] == "help-nobody"
    f.act("a1", "help")
    f.key(boss, "1")
    f.step(1)
    assert f.hears(boss) == leg and f.modes() == ["whisper"] and not f.live.helps
    f.over()


def test_several_ask_at_once_and_a_listening_supervisor_takes_them_one_by_one() -> None:
    f = Office(3)
    f.step(0.2)
    for uuid in f.dialed()[:3]:
        f.picks_up(uuid)
    f.order("listen", "a3")
    boss = f.rings()
    for name in ("a2", "a1"):
        assert f.act(name, "help").ok
        f.step(1)
    assert "help-call" in f.said(boss)
    f.key(boss, "8")
    assert f.hears(boss) == f.agent("a2").leg and set(f.live.helps) == {"a1"}
    f.key(boss, "*")
    assert f.said(boss)[-1] == "help-keys"
    f.key(boss, "1")
    assert f.hears(boss) == f.agent("a1").leg and not f.live.helps
    f.over()


def test_help_by_api() -> None:
    f = Office()
    _, leg = f.talking()
    f.act("a1", "help")
    f.dies(f.party(), "NO_ANSWER")
    assert f.order("answer_help", supervisor="b1").ok, "not asked any more, but willing"
    boss = f.rings()
    f.step(1)
    assert f.hears(boss) == leg and not f.live.helps
    assert [w.uuid for w in f.live.watches.values()] == [boss], "nobody else is rung any more"
    assert f.order("answer_help").text == "nobody asks for help"
    f.over()


def test_help_on_the_own_open_line_is_offered_first() -> None:
    f = Office(1, sits=("b1",))
    f.step(0.2)
    f.send(ev.AgentPause(1, "b1", "x"))
    f.picks_up(f.dialed()[0])
    f.send(ev.AgentReady(1, "b1"))
    own, leg = f.agent("b1").leg, f.agent("a1").leg
    f.act("a1", "help")
    assert f.said(own)[-1] == "help-keys" and f.state("b1") == "paused"
    none(f.log, ph.Eavesdrop, ph.OriginateParty)
    f.key(own, "2")
    assert f.state("b1") == "ready" and f.line("b1") == "parked" and own not in f.live.watches
    f.dies(f.party(), "NO_ANSWER")
    f.act("a1", "help")
    f.key(own, "1")
    assert f.hears(own) == leg
    f.over()


def test_the_agent_who_asked_is_lost() -> None:
    f = Office()
    _, leg = f.talking()
    f.act("a1", "help")
    boss = f.party()
    f.dies(leg, "MEDIA_TIMEOUT")
    assert not f.live.helps and not f.live.watches and f.legs[boss].state == "dead"
    f.over()


def test_nobody_to_ask() -> None:
    f = Office()
    f.talking()
    f.agent("a1").settings = replace(f.agent("a1").settings, team="green")
    f.agent("b2").settings = replace(f.agent("b2").settings, role="agent")
    assert f.act("a1", "help").text == "no supervisor can be reached" and not f.live.helps


# ---- the end -----------------------------------------------------------------------------------------------


def test_shutdown_hangs_supervisors_up() -> None:
    f = Office()
    uuid, _, boss = listening(f)
    f.send(ev.Shutdown(1.0))
    f.dies(uuid)
    f.step(60)
    assert f.of(cmd.Drained) and f.legs[boss].state == "dead"
