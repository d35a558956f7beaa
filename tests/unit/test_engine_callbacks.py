"""Callbacks in the engine: who is kept and reserved, when, and why one waits; the call is never anybody else's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine_kit import NODE, START, Floor, agents, campaign, lead, none, one, settings, trunk

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.callbacks import (
    Away,
    CallbackClaimed,
    CallbackFact,
    CallbackGone,
    CallbackSettings,
    CallbacksSeen,
    ClaimCallback,
    LookCallbacks,
    PutBackCallback,
)
from dialer.domain.settings import EngineSettings, Mode
from dialer.engine.promises import whose_turn
from routing.facts import Direction

RULES = CallbackSettings(own_s=120.0, team_s=60.0, share=0.5, ahead_s=30.0)


class CallbackFloor(Floor):
    """A store with callbacks; ``due`` are open ones, ``claims`` False: it does not answer claims."""

    def __init__(self, config: EngineSettings, due: Iterable[CallbackFact] = (), leads: int = 0) -> None:
        self.due = {fact.callback: fact for fact in due}
        self.claims = True
        super().__init__(config, leads)

    def _answers(self, command: cmd.Command) -> list[ev.Event]:
        match command:
            case LookCallbacks():
                found = sorted((f for f in self.due.values() if f.due_at <= command.until), key=lambda f: f.due_at)
                return [CallbacksSeen(tuple(found), (("c1", len(self.due)),))]
            case ClaimCallback() if self.claims:
                fact = self.due.pop(command.callback, None)
                if fact is None:
                    return [CallbackGone(command.callback, "gone")]
                known = replace(lead(9000 + fact.callback), callback=fact.callback, name="Ann Lee")
                return [CallbackClaimed(fact.callback, known, "likes tea")]
            case PutBackCallback():
                pass
        return super()._answers(command)

    def why(self, ident: int = 1) -> str:
        told = {row["callback"]: str(row["waits"]) for row in self.engine.callbacks(self.now)}
        return told[ident]


def fact(ident: int = 1, due: float = START + 60, agent: str = "a1", **more: Any) -> CallbackFact:
    return CallbackFact(ident, "callback", "c1", 9000 + ident, agent, due, due, **more)


def floor(*due: CallbackFact, count: int = 2, leads: int = 0, rules: CallbackSettings = RULES, on_call: bool = False,
          team: str = "", **more: Any) -> CallbackFloor:  # fmt: skip
    people = [replace(each, team=team) for each in agents(count)]
    config = settings(campaign(callbacks=rules, **more), people=people, on_call=on_call)
    made = CallbackFloor(config, due, leads)
    made.up()
    return made


def test_the_agent_is_kept_then_reserved_and_only_then_the_customer_is_dialed() -> None:
    f = floor(fact())
    f.step(25)
    assert not f.agent("a1").kept
    f.step(10)
    assert f.agent("a1").kept and f.state("a1") == "ready" and "kept" in f.why()
    assert f.live.free_agents(f.live.campaigns["c1"]) == [f.agent("a2")]
    out = f.step(START + 60 - f.now)
    claim = one(out, ClaimCallback)
    assert (claim.callback, claim.agent) == (1, "a1")
    opened = one(out, cmd.OpenAttempt)
    assert (opened.callback, opened.agent, opened.lead_id) == (1, "a1", 9001)
    order = [type(c) for c in out if isinstance(c, ClaimCallback | cmd.OpenAttempt | cmd.OriginateCall)]
    assert order == [ClaimCallback, cmd.OpenAttempt, cmd.OriginateCall] and f.state("a1") == "reserved"
    uuid = f.dialed()[0]
    f.ring(uuid)
    said = [p for c in f.step(1) + f.log if isinstance(c, ph.Say) for p in c.prompts]
    assert "callback-due" in said
    bridge = one(f.answer(uuid), cmd.Bridge)
    assert bridge.agent_uuid == f.agent("a1").leg
    f.bridged(uuid, bridge.agent_uuid)
    f.hang_up(uuid)
    closed = f.closed(uuid)
    assert (closed.outcome.value, closed.callback, closed.agent) == ("connected", 1, "a1")
    assert f.counter("callbacks_done") == 1 and not f.agent("a1").kept


def test_who_answers_before_the_agent_was_told_is_announced_at_the_bridge() -> None:
    f = floor(fact(due=START + 10))
    f.step(START + 10 - f.now)
    (uuid,) = f.dialed()
    out = f.answer(uuid)
    one(out, cmd.Bridge)
    said = [p for c in f.step(2) + out if isinstance(c, ph.Say | ph.Murmur) for p in c.prompts]
    assert said.count("callback-due") == 1


def test_pacing_dials_for_nobody_who_is_kept() -> None:
    f = floor(fact(due=START + 30), count=1, leads=50)
    f.step(25)
    assert f.agent("a1").kept and not f.dialed()
    f.step(10)
    assert [c.callback for c in f.of(cmd.OpenAttempt)] == [1]


def test_a_call_that_rings_for_the_agent_comes_first() -> None:
    f = floor(fact(due=START + 41), count=1, leads=1)
    f.step(5)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.step(30)
    assert f.agent("a1").kept and f.state("a1") == "ready", "dialed before the agent was kept"
    none(f.step(10), ClaimCallback)
    assert "ringing" in f.why()
    f.hang_up(uuid, "NO_ANSWER")
    out = f.step(1)
    assert one(out, ClaimCallback).agent == "a1"


def test_a_kept_agent_serves_a_customer_who_waits() -> None:
    f = floor(fact(due=START + 41), count=1, leads=1)
    f.step(5)
    (uuid,) = f.dialed()
    f.step(30)
    f.talk(uuid)
    f.step(60)
    assert f.state("a1") == "talking" and "talking" in f.why()
    none(f.log, ClaimCallback)
    f.hang_up(uuid)
    f.step(9)
    assert f.state("a1") == "wrap_up"
    none(f.log, ClaimCallback)
    f.park(f.agent("a1").leg)
    f.step(2)
    assert one(f.log, ClaimCallback).agent == "a1"


def test_nobody_but_the_agent_until_the_wait_is_over_then_the_team_then_anyone() -> None:
    own = fact(due=START + 10)
    team = ("a2",)
    known = ("a1", "a2", "a3")
    assert whose_turn(own, RULES, known, team, START + 129).who == ("a1",)
    assert whose_turn(own, RULES, known, team, START + 130).who == ("a1", "a2")
    turn = whose_turn(own, RULES, known, team, START + 190)
    assert (turn.who, turn.first) == (None, "a1")
    assert whose_turn(own, RULES, known, (), START + 130).who is None, "no team: no wait for one"
    wait, later = replace(RULES, away=Away.WAIT), replace(RULES, away=Away.LATER)
    assert whose_turn(own, wait, known, team, START + 999).who == ("a1", "a2")
    assert whose_turn(own, later, known, team, START + 999).later
    assert whose_turn(own, later, ("a2",), (), START).who is None, "nobody is waited for who is no more"
    assert whose_turn(fact(agent=""), RULES, known, (), START).who is None


def test_the_agent_is_away() -> None:
    f = floor(fact(due=START + 10))
    f.send(ev.AgentPause(1, "a1", "lunch"))
    f.step(60)
    assert "a1 is paused" in f.why() and "nobody else may take it before" in f.why()
    none(f.log, ClaimCallback)
    f.step(START + 131 - f.now)
    assert one(f.log, ClaimCallback).agent == "a2"


def test_the_team_is_asked_before_anybody_else() -> None:
    people = [replace(each, team="red" if each.agent in ("a1", "a3") else "blue") for each in agents(3)]
    f = CallbackFloor(settings(campaign(callbacks=RULES), people=people), [fact(due=START + 10)])
    f.up()
    f.send(ev.AgentLogout(1, "a1"))
    f.step(START + 132 - f.now)
    assert one(f.log, ClaimCallback).agent == "a3"


def test_put_off_where_that_is_the_rule() -> None:
    f = floor(fact(due=START + 10), rules=replace(RULES, away=Away.LATER, later_s=900.0))
    f.send(ev.AgentLogout(1, "a1"))
    f.step(200)
    put = f.of(PutBackCallback)[0]
    assert put.callback == 1 and put.due_at is not None and put.due_at >= START + 130 + 900 and "again at" in put.reason


def test_the_oldest_first_and_no_more_than_the_share() -> None:
    """Eight agents, a quarter of them: two are kept at once, for the two oldest."""
    due = [fact(n, START + 40 - n, agent="") for n in range(1, 6)]
    f = floor(*due, count=8, rules=replace(RULES, share=0.25), leads=0)
    f.step(45)
    assert [c.callback for c in f.of(ClaimCallback)] == [5, 4]
    assert "waits for its turn" in f.why(3) or "waits for its turn" in f.why(1)
    for uuid in f.dialed():
        f.hang_up(uuid, "NO_ANSWER")
    f.step(1)
    assert [c.callback for c in f.of(ClaimCallback)] == [5, 4, 3, 2]


def test_a_heap_of_callbacks_and_nobody_at_work_costs_no_look_at_everybody_for_each() -> None:
    """A lunch break of a large floor: 1,000 of each stopped the engine for 130 ms at every change."""
    f = floor(*(fact(n, START + 1, agent="") for n in range(1, 101)), count=50)
    for name in f.live.agents:
        f.send(ev.AgentPause(1, name, "lunch"))
    f.step(6)
    who, asked = f.engine._desks.callbacks.who, 0
    able = who.able

    def counted(*given: Any) -> bool:
        nonlocal asked
        asked += 1
        return able(*given)

    who.able = counted  # type: ignore[method-assign]
    f.engine._desks.callbacks._serve_all()
    assert 50 <= asked <= 150


def test_no_lead_is_shown_to_an_agent_who_is_kept() -> None:
    f = floor(fact(due=START + 5), mode=Mode.PREVIEW, count=1, leads=0)
    f.leads["c1"] = [lead(1), lead(2)]
    f.step(10)
    assert one(f.log, ClaimCallback).agent == "a1" and f.agent("a1").preview is None


def test_a_callback_comes_before_ordinary_leads() -> None:
    f = floor(fact(due=START + 1, agent=""), count=1, leads=50)
    f.step(10)
    first = f.of(cmd.OpenAttempt)[0]
    assert first.callback == 1


def test_nothing_is_dialed_while_the_campaign_rests_or_the_store_is_in_trouble() -> None:
    f = floor(fact(due=START + 10), autostart=False)
    f.step(60)
    none(f.log, ClaimCallback)
    assert "stopped" in f.why()
    f.send(ev.CampaignOrder(1, "c1", "start"))
    f.step(1)
    one(f.log, ClaimCallback)


def test_what_the_gate_refuses_frees_the_agent() -> None:
    f = floor(fact(due=START + 10))
    f.gate = False
    f.step(12)
    opened = one(f.log, cmd.OpenAttempt)
    f.send(ev.AttemptRefused(opened.attempt_id, "window", "outside calling hours"))
    assert f.state("a1") == "ready" and not f.live.calls
    none(f.log, cmd.OriginateCall, PutBackCallback, cmd.ReleaseLeads)


def test_a_store_in_trouble_at_the_gate_gives_the_callback_back_and_not_to_a_hopper() -> None:
    f = floor(fact(due=START + 10))
    f.gate = False
    f.step(12)
    opened = one(f.log, cmd.OpenAttempt)
    f.send(ev.AttemptRefused(opened.attempt_id, "store", "disk full", keep=True))
    assert one(f.log, PutBackCallback).callback == 1 and not len(f.live.campaigns["c1"].hopper)


def test_a_claim_that_is_not_answered_frees_the_agent_and_is_given_back_when_it_comes() -> None:
    f = floor(fact(due=START + 10))
    f.claims = False
    f.step(12)
    assert f.state("a1") == "reserved"
    f.due.clear()
    f.step(20)
    assert f.state("a1") == "ready" and f.counter("callback_claims_overdue") == 1
    f.send(CallbackClaimed(1, replace(lead(9001), callback=1)))
    assert f.of(PutBackCallback)[-1].callback == 1
    none(f.log, cmd.OpenAttempt)


def test_one_that_somebody_else_has_frees_the_agent() -> None:
    f = floor(fact(due=START + 10))
    f.claims = False
    f.step(11)
    f.due.clear()
    f.send(CallbackGone(1, "it is not open"))
    assert f.state("a1") == "ready" and f.engine.callbacks(f.now) == []


def test_an_agent_lost_while_it_rings_is_replaced_by_who_is_ready() -> None:
    f = floor(fact(due=START + 10))
    f.step(12)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.send(ev.LegHungUp(f.agent("a1").leg, f.now, "NORMAL_TEMPORARY_FAILURE"))
    f.step(1)
    assert f.state("a2") == "reserved" and f.call(uuid).bound_agent == "a2"
    assert one(f.answer(uuid), cmd.Bridge).agent_uuid == f.agent("a2").leg


def test_nobody_replaces_a_lost_agent_for_whom_a_call_rings_already() -> None:
    f = floor(fact(due=START + 10), leads=1)
    f.step(12)
    ordinary, uuid = f.dialed()
    assert f.call(uuid).lead.callback == 1
    f.ring(ordinary)
    f.ring(uuid)
    f.send(ev.LegHungUp(f.agent("a1").leg, f.now, "NORMAL_TEMPORARY_FAILURE"))
    f.step(1)
    assert f.state("a2") == "ready"


def test_who_replaces_a_lost_agent_is_told_what_it_is() -> None:
    f = floor(fact(due=START + 10))
    f.step(12)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.send(ev.LegHungUp(f.agent("a1").leg, f.now, "NORMAL_TEMPORARY_FAILURE"))
    out = f.step(1.5)
    told = [c.uuid for c in out if isinstance(c, ph.Say) and "callback-due" in c.prompts]
    assert told == [f.agent("a2").leg]


def test_nobody_is_left_ringing_for_whom_no_agent_is_there() -> None:
    """Its agent's phone is lost and nobody takes their place: better no call than one that finds nobody."""
    f = floor(fact(due=START + 10), count=1, min_ring_s=15.0)
    f.step(12)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.phones = False
    f.send(ev.LegHungUp(f.agent("a1").leg, f.now, "NORMAL_TEMPORARY_FAILURE"))
    none(f.step(14), cmd.HangUp)
    out = f.step(3)
    assert one(out, cmd.HangUp).uuid == uuid
    f.hang_up(uuid)
    assert (f.closed(uuid).outcome.value, f.closed(uuid).callback) == ("cancelled", 1)


def test_an_agent_who_is_back_in_a_moment_keeps_the_customer() -> None:
    f = floor(fact(due=START + 10), count=1)
    f.step(12)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.send(ev.LegHungUp(f.agent("a1").leg, f.now, "NORMAL_TEMPORARY_FAILURE"))
    f.step(3.5)
    assert f.call(uuid).bound_agent == "a1" and f.state("a1") == "reserved"
    assert one(f.answer(uuid), cmd.Bridge).agent_uuid == f.agent("a1").leg


def test_who_answers_without_their_agent_comes_before_those_who_asked_for_nothing() -> None:
    f = floor(fact(due=START + 10), count=1)
    f.step(12)
    (uuid,) = f.dialed()
    f.ring(uuid)
    f.send(ev.LegHungUp(f.agent("a1").leg, f.now, "NORMAL_TEMPORARY_FAILURE"))
    f.answer(uuid)
    (waits,) = f.engine.floor(f.now).calls
    assert waits.direction is Direction.CALLBACK


def two_lines() -> CallbackFloor:
    lines = (trunk("a"), trunk("b"))
    made = campaign(callbacks=RULES, trunk="a", further_trunks=("b",))
    f = CallbackFloor(settings(made, people=agents(1), trunks=lines), [fact(due=START + 10)])
    f.up()
    f.step(12)
    return f


def test_a_line_that_fails_is_left_for_another_one_and_the_agent_waits_on() -> None:
    f = two_lines()
    (first,) = f.dialed()
    f.hang_up(first, "NETWORK_OUT_OF_ORDER")
    _, second = f.dialed()
    assert f.closed(first).again and f.closed(first).callback == 1
    assert f.of(cmd.OpenAttempt)[-1].callback == 1 and f.state("a1") == "reserved"
    none(f.log, PutBackCallback)
    f.ring(second)
    assert one(f.answer(second), cmd.Bridge).agent_uuid == f.agent("a1").leg


def test_without_a_line_that_takes_it_it_is_put_back_and_no_lead_of_a_hopper() -> None:
    f = two_lines()
    (first,) = f.dialed()
    f.live.trunks["b"].legs = f.live.trunks["b"].settings.outbound
    f.hang_up(first, "NETWORK_OUT_OF_ORDER")
    put = f.of(PutBackCallback)
    assert [each.callback for each in put] == [1] or not f.closed(first).again
    assert f.state("a1") == "ready" and not len(f.live.campaigns["c1"].hopper)


def test_a_restart_while_it_rings_reserves_an_agent_again() -> None:
    f = floor(fact(due=START + 10), count=1, leads=50)
    f.step(12)
    uuid = f.dialed()[0]
    f.ring(uuid)
    assert f.call(uuid).lead.callback == 1
    f.restarted(f.now + 1)
    made = ev.OpenAttemptFact(uuid, "c1", 9001, 9001, "+49309001", "p9001", NODE, f.now - 3, 1, "t1", f.now - 2,
                              callback=1)  # fmt: skip
    f.due.clear()
    f.channels[NODE] = [f.call_fact(uuid)]
    f.send(ev.Recovered((made,), ()))
    f.up()
    f.step(1)
    assert f.state("a1") == "reserved" and f.call(uuid).bound_agent == "a1"
    assert one(f.answer(uuid), cmd.Bridge).agent_uuid == f.agent("a1").leg


def test_an_on_call_agents_phone_rings_first() -> None:
    f = floor(fact(due=START + 10), on_call=True)
    f.phones = False
    f.step(12)
    ring = one(f.log, cmd.OriginateAgent)
    assert ring.agent == "a1"
    none(f.log, cmd.OpenAttempt)
    f.send(ev.LegAnswered(ring.uuid, f.now), ev.OriginateReplied(ring.uuid, True), ev.LegParked(ring.uuid, f.now))
    assert one(f.log, cmd.OpenAttempt).callback == 1


def test_an_on_call_agent_who_does_not_pick_up_gives_it_back() -> None:
    f = floor(fact(due=START + 10), on_call=True)
    f.phones = False
    f.step(12)
    f.send(ev.OriginateReplied(one(f.log, cmd.OriginateAgent).uuid, False, "NO_ANSWER"))
    assert one(f.log, PutBackCallback).callback == 1
    none(f.log, cmd.OpenAttempt, cmd.ReleaseLeads)


def test_a_claim_that_comes_while_we_shut_down_is_given_back() -> None:
    f = floor(fact(due=START + 10))
    f.claims = False
    f.step(12)
    f.send(ev.Shutdown(30.0))
    f.send(CallbackClaimed(1, replace(lead(9001), callback=1)))
    assert one(f.log, PutBackCallback).callback == 1
    none(f.log, cmd.OpenAttempt)


def test_without_the_section_nobody_asks() -> None:
    f = Floor(settings())
    f.up()
    f.step(60)
    none(f.log, LookCallbacks)


def test_counts_for_people() -> None:
    f = floor(fact(1, START + 10), fact(2, START + 40), fact(3, START + 9999))
    f.send(ev.AgentPause(1, "a1", "lunch"))
    f.step(90)
    view = next(c for c in f.engine.status(f.now).campaigns if c.campaign == "c1")
    assert view.callbacks == {"open": 3, "due": 2, "late": 1, "dialing": 0}




# ---- of callers --------------------------------------------------------------------------------------------


def test_a_callers_callback_is_the_queues_peoples_and_only_without_them_the_campaigns() -> None:
    """a1 dials for the campaign, q1 and q2 serve the queue that the customer had called."""
    people = [*agents(1), *agents(2, "desk", prefix="q")]
    f = CallbackFloor(settings(campaign(callbacks=RULES), people=people), [fact(agent="", queue="desk")])
    f.up()
    f.send(ev.AgentPause(1, "q1", "tea"))
    f.step(START + 60 - f.now)
    assert one(f.log, ClaimCallback).agent == "q2" and f.state("a1") == "ready"
    (uuid,) = f.dialed()
    assert one(f.answer(uuid), cmd.Bridge).agent_uuid == f.agent("q2").leg
    g = CallbackFloor(settings(campaign(callbacks=RULES), people=people), [fact(agent="", queue="desk")])
    g.up()
    for name in ("q1", "q2"):
        g.send(ev.AgentLogout(1, name))
    g.step(START + 60 - g.now)
    assert one(g.log, ClaimCallback).agent == "a1"


def test_who_takes_over_from_an_agent_who_is_lost_is_the_queues_too() -> None:
    people = [*agents(1), *agents(2, "desk", prefix="q")]
    f = CallbackFloor(settings(campaign(callbacks=RULES), people=people), [fact(agent="", queue="desk")])
    f.up()
    f.step(START + 60 - f.now)
    (uuid,) = f.dialed()
    f.ring(uuid)
    first = one(f.log, ClaimCallback).agent
    f.hang_up(f.agent(first).leg)
    f.step(2)
    other = f.agent("q2" if first == "q1" else "q1")
    assert other.call is f.call(uuid) and f.state("a1") == "ready"


def test_what_expires_is_counted() -> None:
    f = floor()
    f.send(CallbacksSeen((), (("c1", 4),), expired=3))
    f.send(CallbacksSeen((), (("c1", 4),)))
    assert f.counter("callbacks_expired") == 3
    assert "3 callbacks could not be dialed for too long" in f.note("callbacks_expired").text
