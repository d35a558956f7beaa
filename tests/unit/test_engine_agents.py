"""The life of an agent and of the agent's line, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from engine_kit import NODE, Floor, agents, campaign, none, one, settings, trunk
from exchange import Hall

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.acts import PhoneSettings
from dialer.domain.settings import Mode
from dialer.engine.live import Agent


def floor(people: int = 1, **more: object) -> Floor:
    return Floor(settings(campaign(**more), people=agents(people))).up()  # type: ignore[arg-type]


def previewing(on_call: bool = False, *, phones: bool = True, **more: object) -> Floor:
    config = settings(campaign(mode=Mode.PREVIEW, **more), people=agents(1), on_call=on_call)  # type: ignore[arg-type]
    f = Floor(config, phones=phones).up()
    f.step(1)
    assert f.state() == "previewing" and not f.of(cmd.OpenAttempt)
    return f


def test_park_a_moment_before_the_customers_hangup_makes_the_agent_free_without_a_cure() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    f.send(ev.LegParked(leg, f.now), ev.LegUnbridged(uuid, f.now))
    assert f.state() == "talking"
    f.step(0.001)
    f.hang_up(uuid)
    assert (f.state(), f.line()) == ("wrap_up", "parked")
    none(f.step(10.1), cmd.ParkLeg)
    assert f.agent().free


def test_a_phone_that_answers_after_its_agent_has_left_is_hung_up() -> None:
    """The hangup that was sent right behind the originate overtook it, and found nobody."""
    f = Floor(settings(campaign(), people=agents(1)), phones=False).up()
    f.send(ev.AgentLogout(1, "a1"))
    leg = one(f.log, cmd.OriginateAgent).uuid
    assert one(f.log, cmd.HangUp).uuid == leg and f.state() == "logged_out"
    f.send(ev.CommandRefused(leg, "HangUp", "-ERR No such channel!"))
    f.step(0.2)
    f.log.clear()
    f.send(ev.LegParked(leg, f.now), ev.OriginateReplied(leg, True))
    assert one(f.log, cmd.HangUp).uuid == leg and not f.live.dropped


def test_limbo_is_cured_by_parking_the_leg() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    f.channels[NODE] = []
    f.lists = False
    f.hang_up(uuid)
    assert one(f.step(1.01), cmd.ParkLeg).uuid == leg
    f.park(leg)
    none(f.step(20), cmd.ParkLeg)


def test_a_line_that_never_parks_is_dropped_and_rung_anew_with_growing_pauses() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    f.lists = f.phones = False
    f.hang_up(uuid)
    out = f.step(1 + 3 * 2 + 0.1)
    assert len(f.of(cmd.ParkLeg, out)) == 3 and one(out, cmd.HangUp).uuid == leg
    assert f.state() == "unavailable" and f.counter("agent_lines_stuck") == 1
    pauses = []
    for _ in range(6):
        since = f.now
        while not (rung := f.of(cmd.OriginateAgent, f.step(0.5))):
            assert f.now - since < 100
        pauses.append(f.now - since)
        f.send(ev.OriginateReplied(rung[0].uuid, False, "NO_ANSWER"))
    assert pauses == pytest.approx([2, 5, 10, 20, 40, 60], abs=0.6)


def test_a_lost_channel_park_is_found_in_the_list_before_the_line_is_dropped() -> None:
    f = floor()
    (uuid,) = f.dialed()
    f.talk(uuid)
    f.hang_up(uuid)
    out = f.step(11)
    assert f.counter("agent_lines_stuck") == 0
    none(out, cmd.HangUp)
    assert f.agent().free


STATES = ["ready", "reserved", "talking", "wrap_up", "previewing"]


@pytest.mark.parametrize("state", STATES)
def test_a_phone_that_is_lost_is_rung_again_and_its_agent_comes_back_ready(state: str) -> None:
    f = previewing(preview_timeout_s=500.0) if state == "previewing" else floor()
    uuid = f.dialed()[0] if f.dialed() else ""
    leg = f.agent().leg
    if state == "reserved":
        f.answer(uuid)
    if state in ("talking", "wrap_up"):
        f.talk(uuid)
    if state == "wrap_up":
        f.hang_up(uuid)
    assert f.state() == state
    out = f.send(ev.LegHungUp(leg, f.now, "MEDIA_TIMEOUT"))
    assert (f.state(), f.line()) == ("unavailable", "none")
    if state == "reserved":
        assert one(out, cmd.WaitAgain).uuid == uuid
    if state == "previewing":
        assert one(out, cmd.ReleaseLeads).lead_ids
    if state == "talking":
        f.hang_up(uuid)
        assert f.outcome(uuid) == "connected" and f.state() == "unavailable"
    f.step(5.5)
    assert f.state() in ("ready", "previewing") and f.line() == "parked"


def test_a_phone_that_is_lost_while_it_is_rung() -> None:
    f = Floor(settings(people=agents(1)), phones=False).up()
    leg = one(f.log, cmd.OriginateAgent).uuid
    f.hang_up(leg, "USER_NOT_REGISTERED")
    f.send(ev.OriginateReplied(leg, False, "USER_NOT_REGISTERED"))
    assert f.state() == "unavailable" and f.counter("agent_lines_lost") == 1


def test_after_a_restart_of_the_switch_phones_are_not_rung_all_at_once() -> None:
    f = floor(20)
    f.send(ev.SwitchDown(NODE, "eof"))
    f.channels[NODE] = []
    f.send(ev.SwitchUp(NODE))
    del f.channels[NODE]
    first = len(f.log)
    f.step(20)
    pairs = zip(f.log[first:], f.times[first:], strict=True)
    times = [at for c, at in pairs if isinstance(c, cmd.OriginateAgent)]
    assert len(times) == 20 and all(b - a >= 0.049 for a, b in pairwise(times))


@pytest.mark.parametrize(("order", "end"), [(ev.AgentLogout, "logged_out"), (ev.AgentPause, "paused")])
def test_orders_during_a_conversation_wait_for_its_end(order: type, end: str) -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    assert f.reply(lambda n: order(n, "a1")).ok
    assert f.state() == "talking"
    f.hang_up(uuid)
    f.park(leg)
    assert f.state() == "wrap_up"
    f.step(10.1)
    assert f.state() == end and bool(f.agent().leg) == (end == "paused")


def test_a_pause_asked_for_before_the_phone_was_lost_does_not_come_back_later() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    f.send(ev.AgentPause(1, "a1", "tea"), ev.LegHungUp(leg, f.now, "NORMAL_CLEARING"))
    f.hang_up(uuid)
    f.send(ev.AgentReady(1, "a1"))
    f.step(5.5)
    second = f.dialed()[-1]
    leg = f.talk(second)
    f.hang_up(second)
    f.park(leg)
    f.step(10.2)
    assert f.state() == "ready"


def test_ready_ends_wrap_up_early_and_a_logged_out_agent_cannot_be_ordered() -> None:
    f = floor()
    (uuid,) = f.dialed()
    leg = f.talk(uuid)
    f.hang_up(uuid)
    f.park(leg)
    assert f.reply(lambda n: ev.AgentReady(n, "a1")).ok and f.state() == "ready"
    assert f.reply(lambda n: ev.AgentLogout(n, "a1")).ok and f.state() == "logged_out"
    for order in (ev.AgentLogout, ev.AgentPause, ev.AgentReady, ev.PreviewAccept, ev.PreviewSkip):
        assert not f.reply(lambda n, order=order: order(n, "a1")).ok  # type: ignore[misc]
        assert not f.reply(lambda n, order=order: order(n, "nobody")).ok  # type: ignore[misc]


@pytest.mark.parametrize(
    ("who", "seat", "word"),
    [("a1", "s-a2", "taken"), ("a1", "s-zz", "no seat"), ("zz", None, "no agent"), ("a2", None, "already")],
)
def test_a_login_that_cannot_be(who: str, seat: str | None, word: str) -> None:
    f = floor(2)
    f.send(ev.AgentLogout(1, "a1"))
    reply = f.reply(lambda n: ev.AgentLogin(n, who, seat))
    assert not reply.ok and word in reply.text


def test_a_disposition_must_be_one_of_the_campaigns() -> None:
    f = floor(dispositions=("sold", "no"))
    assert not f.reply(lambda n: ev.AgentDispose(n, "a1", "sold")).ok
    (uuid,) = f.dialed()
    f.talk(uuid)
    assert not f.reply(lambda n: ev.AgentDispose(n, "a1", "maybe")).ok
    assert f.reply(lambda n: ev.AgentDispose(n, "a1", "sold")).ok
    assert one(f.log, cmd.SaveDisposition).attempt_id == uuid


# ---- preview -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_call", [False, True])
def test_an_accepted_preview_is_dialed_and_bridged_to_its_agent(on_call: bool) -> None:
    f = previewing(on_call)
    out = f.send(ev.PreviewAccept(1, "a1"))
    opened = one(out, cmd.OpenAttempt)
    assert opened.agent == "a1" and f.state() == "reserved"
    leg = f.agent().leg
    assert one(f.answer(opened.attempt_id), cmd.Bridge).agent_uuid == leg
    f.step(0.06)
    f.bridged(opened.attempt_id, leg)
    f.step(9)
    out = f.hang_up(opened.attempt_id)
    assert f.outcome(opened.attempt_id) == "connected" and f.state() == "wrap_up"
    none(out, cmd.HangUp)
    f.park(leg)
    none(f.step(10.5), cmd.HangUp)
    assert f.state() == "previewing" and f.agent().leg == leg, "the next lead is shown over the same leg"


@pytest.mark.parametrize("on_call", [False, True])
def test_a_preview_whose_customer_is_not_reached_frees_its_agent(on_call: bool) -> None:
    f = previewing(on_call)
    uuid = one(f.send(ev.PreviewAccept(1, "a1")), cmd.OpenAttempt).attempt_id
    f.hang_up(uuid, "USER_BUSY")
    f.step(0.2)
    assert f.outcome(uuid) == "busy" and f.state() in ("ready", "previewing")


def test_a_refused_preview_frees_its_agent() -> None:
    f = previewing()
    f.gate = False
    uuid = one(f.send(ev.PreviewAccept(1, "a1")), cmd.OpenAttempt).attempt_id
    f.send(ev.AttemptRefused(uuid, "dnc", "no"))
    assert f.state() in ("ready", "previewing") and f.agent().call is None


def test_a_skipped_lead_is_not_shown_again_for_an_hour() -> None:
    f = previewing()
    shown = f.agent().preview[1].lead_id
    released = one(f.send(ev.PreviewSkip(1, "a1")), cmd.ReleaseLeads)
    assert released.lead_ids == (shown,) and released.after_s == 3600
    f.step(0.2)
    assert f.agent().preview[1].lead_id != shown


@pytest.mark.parametrize(("rule", "state"), [("skip", "previewing"), ("dial", "reserved"), ("pause", "paused")])
def test_a_preview_that_runs_out(rule: str, state: str) -> None:
    f = previewing(preview_on_timeout=rule, preview_timeout_s=30.0)
    out = f.step(29.5)
    assert f.state() == state
    assert bool(f.of(cmd.OpenAttempt, out)) is (rule == "dial")


@pytest.mark.parametrize("accepts", [False, True])
def test_an_on_call_phone_that_does_not_answer_pauses_its_agent_and_frees_the_lead(accepts: bool) -> None:
    f = previewing(True, phones=False, preview_rings=not accepts)
    shown = f.agent().preview[1].lead_id
    if accepts:
        f.send(ev.PreviewAccept(1, "a1"))
    leg = one(f.log, cmd.OriginateAgent).uuid
    out = f.send(ev.OriginateReplied(leg, False, "NO_ANSWER"))
    assert one(out, cmd.ReleaseLeads).lead_ids == (shown,) and f.state() == "unavailable"
    f.step(6)
    assert f.state() == "paused" and not f.of(cmd.OpenAttempt)


def test_a_preview_obeys_the_trunk_and_the_campaign() -> None:
    config = settings(campaign(mode=Mode.PREVIEW), people=agents(2), trunks=(trunk(channels=1),))
    f = Floor(config).up()
    f.step(1)
    assert f.reply(lambda n: ev.PreviewAccept(n, "a1")).ok
    full = f.reply(lambda n: ev.PreviewAccept(n, "a2"))
    assert not full.ok and "1 channels" in full.text and f.state("a2") == "previewing"
    f.hang_up(f.dialed()[0], "USER_BUSY")
    f.send(ev.CampaignOrder(1, "c1", "pause"))
    assert "paused" in f.reply(lambda n: ev.PreviewAccept(n, "a2")).text
    f.send(ev.CampaignOrder(1, "c1", "start"), ev.StoreFailed("full"))
    assert "store" in f.reply(lambda n: ev.PreviewAccept(n, "a2")).text


def test_a_floor_that_logs_in_at_once_is_rung_one_phone_after_another_and_nobody_asks_in_vain() -> None:
    f = Floor(settings(people=agents(300)))
    tries: list[str] = []
    ring = f.engine._agents.ring

    def count(agent: Agent) -> None:
        tries.append(agent.settings.agent)
        ring(agent)

    f.engine._agents.ring = count  # type: ignore[method-assign]
    f.up()
    rung = [t for c, t in zip(f.log, f.times, strict=True) if isinstance(c, cmd.OriginateAgent)]
    assert len(rung) == 300
    assert min(b - a for a, b in pairwise(rung)) >= 0.05 - 1e-6
    assert rung[-1] - rung[0] <= 300 * 0.05 + 1.5
    assert len(tries) <= 3 * 300


# ---- a phone that never answers ------------------------------------------------------------------------------


def deaf_floor(tries: int = 3) -> Hall:
    f = Hall(replace(settings(campaign(), people=agents(1)), phones=PhoneSettings(ring_tries=tries)))
    f.leads["c1"].clear()
    f.up()
    f.deaf.add("a1")
    f.dies(f.agent().leg, "NORMAL_TEMPORARY_FAILURE")
    f.step(3600)
    return f


def rung(f: Hall) -> int:
    return len(f.of(cmd.OriginateAgent)) - 1  # the first one was answered


def test_a_phone_that_never_answers_is_rung_some_times_and_no_more() -> None:
    f = deaf_floor()
    assert rung(f) == 3 and f.state() == "unavailable" and f.counter("agents_given_up") == 1
    assert "NO_ANSWER" in f.agent().reason and "3 times" in f.agent().reason
    assert f.send(ev.AgentPause(1, "a1", "lunch")) and "3 times" in f.agent().reason, "the reason stays to be seen"
    f.step(3600)
    assert rung(f) == 3
    f.accounted()


def test_an_agent_whose_phone_is_rung_no_more_comes_back_when_ready() -> None:
    f = deaf_floor()
    f.deaf.clear()
    assert f.reply(lambda n: ev.AgentReady(n, "a1")).ok
    f.step(1)
    assert rung(f) == 4 and f.agent().free
    f.deaf.add("a1")
    f.dies(f.agent().leg, "MEDIA_TIMEOUT")
    f.step(3600)
    assert rung(f) == 7 and f.counter("agents_given_up") == 2, "the count begins anew"
    assert f.reply(lambda n: ev.AgentLogout(n, "a1")).ok and f.state() == "logged_out"
    f.accounted()


def test_a_phone_that_is_back_for_a_while_is_counted_anew() -> None:
    f = deaf_floor(tries=4)
    f.deaf.clear()
    f.reply(lambda n: ev.AgentReady(n, "a1"))
    f.step(90)
    for _ in range(6):
        f.dies(f.agent().leg, "MEDIA_TIMEOUT")
        f.step(90)
        assert f.agent().free


@pytest.mark.parametrize("order", ["pause", "stop"])
def test_a_lead_accepted_by_phone_is_not_dialed_once_its_campaign_is_paused(order: str) -> None:
    """The phone rings for a while; what was allowed when the agent accepted may be forbidden when they pick up."""
    f = previewing(True, phones=False)
    f.send(ev.PreviewAccept(1, "a1"))
    leg = one(f.log, cmd.OriginateAgent).uuid
    f.step(5)
    f.send(ev.CampaignOrder(2, "c1", order))
    f.send(ev.LegParked(leg, f.now), ev.OriginateReplied(leg, True))
    none(f.log, cmd.OpenAttempt)
    assert f.state() == "ready" and f.agent().preview is None and {c.uuid for c in f.of(cmd.HangUp)} == {leg}
    assert [c for c in f.of(cmd.ReleaseLeads) if c.lead_ids == (1,)], "the lead is the store's again"
