"""Predictive campaigns in the engine: the moment of a decision, room, leads, hang-ups, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from engine_kit import NODE, START, Floor, agents, campaign, lead, one, settings, trunk

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.settings import Mode
from dialer.engine import Engine
from pacing.settings import CampaignPacing
from pacing.snapshot import Ask, Counts, Decision

Script = Callable[[float, Ask], Decision]


def predictive(name: str = "c1", **more: Any) -> Any:
    return campaign(name, Mode.PREDICTIVE, **{"hopper_size": 40, **more})


class Scripted(Floor):
    """A floor whose pool decides what the test says; ``asked`` is what it was asked, and when."""

    def __init__(self, config: Any, script: Script, **more: Any) -> None:
        super().__init__(config, **more)
        self.script = script
        self.asked: list[tuple[float, str, Ask]] = []
        self.engine._feed.pool.decide = self._decide  # type: ignore[method-assign]

    def _decide(self, now: float, node: str, asks: Sequence[Ask]) -> dict[str, Decision]:
        self.asked += [(now, node, ask) for ask in asks]
        return {ask.campaign: self.script(now, ask) for ask in asks}

    def reason(self, name: str = "c1") -> str:
        return str(self.live.campaigns[name].decision.reason)


def start(lines: int) -> Script:
    """The first ``lines`` leads, once."""
    left = [lines]

    def decide(now: float, ask: Ask) -> Decision:
        count = min(left[0], ask.room, len(ask.leads))
        left[0] -= count
        return Decision(count, f"start {count}", (), tuple(range(count)))

    return decide


def nothing(now: float, ask: Ask) -> Decision:
    return Decision(0, "start 0")


# ---- the real pool -----------------------------------------------------------------------------------------


def test_the_pool_dials_for_a_team_and_gives_its_reason() -> None:
    f = Floor(settings(predictive(), people=agents(10))).up()
    f.step(3)
    assert len(f.dialed()) >= 10
    view = f.engine.status(f.now).campaigns[0]
    assert "P(next finds nobody)" in view.decision_reason and view.pacing is not None
    assert view.pacing.decisions >= 3 and view.pacing.origin.startswith("cold")
    notes = f.notes("pacing_decision")
    assert notes and all(n.level == "debug" for n in notes)


def test_below_min_agents_it_dials_one_to_one() -> None:
    f = Floor(settings(predictive(), people=agents(2))).up()
    f.step(5)
    assert len(f.dialed()) == 2
    assert "fewer than min_agents" in f.engine.status(f.now).campaigns[0].decision_reason


def test_what_stands_behind_a_decision_can_be_asked() -> None:
    f = Floor(settings(predictive(), people=agents(10))).up()
    f.step(3)
    told = f.engine.explain("c1", f.now)
    assert told is not None
    assert told["mode"] == "predictive" and told["state"] == "running"
    assert told["decision"]["reason"] and told["decision"]["ago_s"] is not None  # type: ignore[index]
    assert told["calls"]["ringing"] == len(f.live.calls)  # type: ignore[index]
    assert f.engine.explain("nope", f.now) is None


# ---- the moment --------------------------------------------------------------------------------------------


def test_all_campaigns_are_decided_together_after_changes_and_at_least_once_a_second() -> None:
    config = settings(predictive("c1"), predictive("c2"), people=agents(4, "c1", "c2"))
    f = Scripted(config, nothing).up()
    f.step(1.5)
    f.asked.clear()
    f.step(5.0)
    times = [at for at, _, ask in f.asked if ask.campaign == "c1"]
    assert times == [at for at, _, ask in f.asked if ask.campaign == "c2"]
    assert 5 <= len(times) <= 6


def test_never_more_often_than_every_tenth_of_a_second() -> None:
    f = Scripted(settings(predictive(), people=agents(6)), start(6)).up()
    f.step(2)
    f.asked.clear()
    for uuid in f.dialed():
        f.ring(uuid)
        f.step(0.02)
    f.step(0.5)
    times = [at for at, _, _ in f.asked]
    assert len(times) >= 2
    assert min(b - a for a, b in pairwise(times)) >= 0.1 - 1e-6


def test_a_jump_of_the_clock_starts_nothing_for_a_second_and_says_so() -> None:
    f = Scripted(settings(predictive(), people=agents(6)), nothing).up()
    f.step(2)
    f.script = start(6)
    f.now += 312.0
    f.send(ev.Tick())
    assert not f.dialed()
    assert f.reason() == "start 0: the clock jumped 312 s: what happened meanwhile is heard first"
    f.step(0.9)
    assert not f.dialed()
    f.step(0.3)
    assert len(f.dialed()) == 6
    assert f.counter("clock_jumps") == 1


def test_a_campaign_that_was_paused_is_no_jump() -> None:
    f = Scripted(settings(predictive(), people=agents(6)), nothing).up()
    f.send(ev.CampaignOrder(1, "c1", "pause"))
    f.step(60)
    f.script = start(6)
    f.send(ev.CampaignOrder(1, "c1", "start"))
    assert len(f.dialed()) == 6
    assert f.counter("clock_jumps") == 0


@pytest.mark.parametrize(
    ("event", "why"),
    [(ev.StoreFailed("full"), "the store is in trouble"), (ev.SwitchDown(NODE, "eof"), "no switch is connected")],
)
def test_nothing_is_asked_while_nothing_may_be_started(event: ev.Event, why: str) -> None:
    f = Scripted(settings(predictive(), people=agents(3)), nothing).up()
    f.send(event)
    f.step(0.2)
    f.asked.clear()
    f.step(3)
    assert not f.asked
    assert why in f.reason()


# ---- room and leads ----------------------------------------------------------------------------------------


def test_room_leaves_the_channels_that_are_reserved_for_inbound() -> None:
    lines = trunk(channels=10, reserved_inbound=4)
    f = Scripted(settings(predictive(), people=agents(9), trunks=(lines,)), start(9)).up()
    f.step(2)
    assert len(f.dialed()) == 6
    assert f.asked[-1][2].room == 0
    assert f.reason() == "start 0: no room: trunk t1: 6 channels"


def test_reserved_channels_bind_the_other_modes_too() -> None:
    lines = trunk(channels=10, reserved_inbound=7)
    f = Floor(settings(campaign(mode=Mode.PROGRESSIVE), people=agents(9), trunks=(lines,))).up()
    f.step(2)
    assert len(f.dialed()) == 3
    assert "3 channels" in f.engine.status(f.now).campaigns[0].decision_reason


def test_two_campaigns_never_take_more_of_a_shared_trunk_than_there_is() -> None:
    config = settings(predictive("c1"), predictive("c2"), people=agents(9, "c1", "c2"), trunks=(trunk(channels=8),))
    f = Scripted(config, lambda now, ask: Decision(5, "start 5", (), tuple(range(min(5, len(ask.leads)))))).up()
    f.step(0.3)
    assert len(f.live.calls) == 8
    assert "trimmed to 3 by trunk t1: 8 channels" in f.reason("c2") or "trimmed to 0" in f.reason("c2")


def test_a_slow_trunk_is_asked_again_when_it_takes_the_next_call() -> None:
    config = settings(predictive(), people=agents(9), trunks=(trunk(calls_per_second=4.0),))
    f = Scripted(config, start(9)).up()
    f.step(2.0)
    assert 8 <= len(f.dialed()) <= 9
    f.step(0.6)
    assert len(f.dialed()) == 9


def test_the_leads_that_were_picked_are_dialed_and_the_others_keep_their_order() -> None:
    first = [True]

    def script(now: float, ask: Ask) -> Decision:
        if first[0] and len(ask.leads) >= 4:
            first[0] = False
            return Decision(2, "start 2", (), (3, 1))
        return Decision(0, "start 0")

    f = Scripted(settings(predictive(), people=agents(3)), script, leads=6).up()
    f.step(1)
    assert [c.lead_id for c in f.of(cmd.OpenAttempt)] == [4, 2]
    hopper = f.live.campaigns["c1"].hopper
    assert [found.lead_id for found in hopper.peek(9, f.now)[0]] == [1, 3, 5, 6]


def test_the_pool_sees_what_is_known_of_the_next_leads() -> None:
    f = Scripted(settings(predictive(hopper_size=100), people=agents(3)), nothing, leads=0)
    known = [lead(n) for n in range(1, 31)]
    object.__setattr__(known[0], "list_name", "l")
    object.__setattr__(known[0], "last_outcome", "busy")
    object.__setattr__(known[0], "line_type", "mobile")
    object.__setattr__(known[0], "attempts", 2)
    f.leads["c1"] = known
    f.up()
    f.step(1)
    shown = f.asked[-1][2].leads
    assert len(shown) == 24
    facts = shown[0]
    assert (facts.list_name, facts.attempt, facts.line_type, facts.last_outcome) == ("l", 2, "mobile", "busy")
    assert facts.hour == int(f.now // 3600) % 24
    assert facts.given is None


def test_the_facts_shown_are_renewed_when_the_hopper_or_the_hour_changes() -> None:
    f = Scripted(settings(predictive(), people=agents(3)), nothing, leads=5).up()
    f.step(1)
    before = f.asked[-1][2].leads
    f.step(1)
    assert f.asked[-1][2].leads is before
    f.step(3600 - f.now % 3600 + 1)
    after = f.asked[-1][2].leads
    assert {facts.hour for facts in after} == {(before[0].hour + 1) % 24}


def test_leads_whose_lease_is_about_to_end_are_given_back_and_not_shown() -> None:
    f = Scripted(settings(predictive(lease_s=60.0), people=agents(3)), nothing, leads=5).up()
    f.step(1)
    assert len(f.asked[-1][2].leads) == 5
    f.step(55)
    given_back = [i for c in f.of(cmd.ReleaseLeads) for i in c.lead_ids]
    assert sorted(given_back) == [1, 2, 3, 4, 5]
    assert f.asked[-1][2].leads == ()


# ---- hanging up --------------------------------------------------------------------------------------------


def ringing_floor(script: Script) -> tuple[Scripted, str]:
    f = Scripted(settings(predictive(), people=agents(1)), start(1)).up()
    f.step(1)
    (uuid,) = f.dialed()
    f.step(1)
    f.ring(uuid)
    f.script = script
    return f, uuid


def test_an_overdue_ring_is_hung_up_as_the_pool_says_and_comes_back_later() -> None:
    f, uuid = ringing_floor(nothing)
    f.step(20)
    f.script = lambda now, ask: Decision(0, "hang up 1", (uuid,))
    out = f.step(1.1)
    gone = one(out, cmd.HangUp)
    assert (gone.uuid, gone.cause) == (uuid, "ORIGINATOR_CANCEL")
    f.script = nothing
    f.hang_up(uuid, "ORIGINATOR_CANCEL")
    closed = f.closed(uuid)
    assert closed.outcome.value == "cancelled" and not closed.lead_done and closed.recycle_after_s > 0
    assert "of ringing" in closed.reason
    assert f.engine.status(f.now).campaigns[0].pacing.hung_up_ringing == 1  # type: ignore[union-attr]


def test_never_before_the_minimum_ring_counted_from_the_first_sign_of_ringing() -> None:
    f, uuid = ringing_floor(nothing)
    rang_at = f.call(uuid).rang_at
    f.script = lambda now, ask: Decision(0, "hang up 1", (uuid,))
    f.step(rang_at + 14.9 - f.now)
    assert not [c for c in f.of(cmd.HangUp) if c.uuid == uuid]
    assert f.counter("hang_ups_refused") > 0
    f.step(2)
    assert next(t - rang_at for c, t in zip(f.log, f.times, strict=True) if isinstance(c, cmd.HangUp)) >= 15.0


def test_a_call_that_never_rang_is_not_hung_up_by_pacing() -> None:
    f = Scripted(settings(predictive(), people=agents(1)), start(1)).up()
    f.step(1)
    (uuid,) = f.dialed()
    f.script = lambda now, ask: Decision(0, "hang up 1", (uuid, "nobody"))
    f.step(25)
    assert not [c for c in f.of(cmd.HangUp) if c.uuid == uuid]


def test_an_answer_that_crosses_the_hang_up_counts_as_abandoned_and_costs_no_agent() -> None:
    f, uuid = ringing_floor(nothing)
    f.step(20)
    f.script = lambda now, ask: Decision(0, "hang up 1", (uuid,))
    f.step(1.1)
    f.script = nothing
    out = f.answer(uuid)
    assert not f.of(cmd.Bridge, out)
    counts = f.engine._feed.pool.counts("c1", f.now)
    assert (counts.answered_today, counts.abandoned_today) == (1, 1)
    f.hang_up(uuid, "ORIGINATOR_CANCEL")
    assert f.outcome(uuid) == "abandoned"
    counts = f.engine._feed.pool.counts("c1", f.now)
    assert (counts.answered_today, counts.abandoned_today) == (1, 1)


def test_a_crossed_answer_whose_hangup_is_lost_is_abandoned_too() -> None:
    f, uuid = ringing_floor(nothing)
    f.step(20)
    f.script = lambda now, ask: Decision(0, "hang up 1", (uuid,))
    f.step(1.1)
    f.script = nothing
    f.answer(uuid)
    f.channels[NODE] = [fact for fact in f.facts(NODE) if fact.uuid != uuid]
    f.step(40)
    assert f.outcome(uuid) == "abandoned"


# ---- other rules and other modes ---------------------------------------------------------------------------


class Fixed:
    """A rule of the benchmark."""

    def __init__(self) -> None:
        self.seen: list[Counts] = []

    def decide(self, counts: Counts) -> Decision:
        self.seen.append(counts)
        return Decision(2 if counts.in_existence == 0 else 0, "two at a time")


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.PROGRESSIVE])
def test_another_rule_may_take_the_place_of_the_predictive_one(mode: Mode) -> None:
    rule = Fixed()
    f = Floor(settings(campaign(mode=mode), people=agents(5)))
    f.engine = Engine(f.config, START, f._new_id, policies={"c1": rule})
    f.up()
    f.step(3)
    assert len(f.dialed()) == 2
    assert rule.seen[-1].in_existence == 2 and rule.seen[-1].ready == 5
    assert f.live.campaigns["c1"].decision.reason == "two at a time"


def test_the_planner_may_tell_what_is_known_of_a_lead() -> None:
    f = Scripted(settings(predictive(), people=agents(3)), nothing, leads=3)
    f.engine = Engine(f.config, START, f._new_id, given={2: 0.9})
    f.engine._feed.pool.decide = f._decide  # type: ignore[method-assign]
    f.up()
    f.step(1)
    assert [facts.given for facts in f.asked[-1][2].leads] == [None, 0.9, None]


def test_a_progressive_campaign_leaves_agents_for_the_answers_that_a_predictive_one_expects() -> None:
    expect = CampaignPacing("c2", prior_answer=0.45)
    config = settings(campaign("c1", autostart=False), predictive("c2", pacing=expect), people=agents(6, "c1", "c2"))
    f = Scripted(config, start(8)).up()
    f.step(1)
    assert len(f.dialed()) == 8
    f.send(ev.CampaignOrder(1, "c1", "start"))
    f.step(1)
    # Eight ringing at 0.45 need four of the six agents (what they have told by ringing so far is next to nothing).
    assert sum(c.campaign == "c1" for c in f.of(cmd.OpenAttempt)) == 2


def test_each_switch_is_decided_with_its_own_agents() -> None:
    config = settings(predictive(), people=agents(6), nodes={"fs1": 1000, "fs2": 1000})
    f = Scripted(config, nothing)
    f.send(ev.SwitchUp("fs1"), ev.SwitchUp("fs2"))
    f.step(2)
    assert {node for _, node, _ in f.asked} == {"fs1", "fs2"}
    f.send(ev.SwitchDown("fs2", "eof"))
    f.asked.clear()
    f.step(2)
    assert {node for _, node, _ in f.asked} == {"fs1"}
