"""How many calls are started: numbers, trims, hopper, stops."""

from __future__ import annotations

from itertools import pairwise

import pytest
from engine_kit import NODE, Floor, agents, campaign, lead, none, one, settings, trunk

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.settings import Mode
from dialer.leads.hopper import Hopper


@pytest.mark.parametrize(
    ("mode", "lines", "people", "calls"),
    [
        (Mode.PROGRESSIVE, 1.0, 3, 3),
        (Mode.PROGRESSIVE, 5.0, 3, 3),
        (Mode.RATIO, 1.0, 3, 3),
        (Mode.RATIO, 1.5, 3, 4),
        (Mode.RATIO, 3.0, 2, 6),
        (Mode.RATIO, 2.0, 0, 0),
    ],
)
def test_lines_per_free_agent(mode: Mode, lines: float, people: int, calls: int) -> None:
    f = Floor(settings(campaign(mode=mode, lines_per_agent=lines), people=agents(people, login=True))).up()
    f.step(3)
    assert len(f.dialed()) == calls


def test_two_campaigns_do_not_count_a_shared_agent_twice() -> None:
    config = settings(campaign("c1"), campaign("c2"), people=agents(4, "c1", "c2"))
    f = Floor(config).up()
    f.step(3)
    assert len(f.dialed()) == 4


def test_a_preview_campaign_leaves_shared_agents_for_calls_on_their_way() -> None:
    config = settings(campaign("c1"), campaign("c2", Mode.PREVIEW), people=agents(2, "c1", "c2"))
    f = Floor(config).up()
    f.step(5)
    assert len(f.dialed()) == 2
    assert [a.state.value for a in f.live.agents.values()] == ["ready", "ready"]


def test_calls_are_counted_against_the_agents_of_their_own_switch() -> None:
    config = settings(people=agents(4), nodes={"fs1": 1000, "fs2": 1000})
    f = Floor(config, gate=False)
    f.send(ev.SwitchUp("fs1"), ev.SwitchUp("fs2"))
    f.step(0.5)
    for agent in list(f.live.agents.values())[:2]:
        f.send(ev.LegHungUp(agent.leg, f.now, "NORMAL_CLEARING"))
    f.send(ev.SwitchDown("fs1", "eof"))
    f.step(6)
    for uuid in [c.attempt_id for c in f.of(cmd.OpenAttempt)]:
        f.send(ev.AttemptRefused(uuid, "dnc", "no"))
    f.send(ev.SwitchUp("fs1"))
    first = len(f.of(cmd.OpenAttempt))
    f.step(1)
    where = {n: sum(a.node == n for a in f.live.agents.values() if a.free) for n in ("fs1", "fs2")}
    placed = f.of(cmd.OpenAttempt)[first:]
    assert sum(where.values()) == 4
    for node, count in where.items():
        assert sum(c.node == node and c.attempt_id in f.live.calls for c in placed) <= count


def test_trim_by_calls_per_second_resumes_by_its_own_timer() -> None:
    config = settings(people=agents(10), trunks=(trunk(calls_per_second=4.0),))
    f = Floor(config)
    f.up()
    started = f.now
    f.step(2.0)
    times = [t for c, t in zip(f.log, f.times, strict=True) if isinstance(c, cmd.OriginateCall)]
    assert 8 <= len(times) <= 12 and all(b - a >= 0.24 for a, b in pairwise(times))
    assert times[-1] > started
    f.step(2.0)
    assert len(f.dialed()) == 10


@pytest.mark.parametrize(
    ("channels", "capacity", "dialed", "why"),
    [(3, 1000, 3, "3 channels"), (100, 14, 4, "capacity 14 legs"), (100, 10, 0, "capacity 10 legs")],
)
def test_trim_by_channels_and_capacity(channels: int, capacity: int, dialed: int, why: str) -> None:
    later = campaign(autostart=False)
    config = settings(later, people=agents(10), trunks=(trunk(channels=channels),), nodes={NODE: capacity})
    f = Floor(config).up()
    f.send(ev.CampaignOrder(1, "c1", "start"))
    f.step(1.0)
    assert len(f.dialed()) == dialed
    assert why in f.engine.status(f.now).campaigns[0].decision_reason
    if dialed:
        f.hang_up(f.dialed()[0], "USER_BUSY")
        f.step(0.2)
        assert len(f.dialed()) == dialed + 1


def test_a_change_just_after_a_decision_is_decided_upon_within_a_tenth_of_a_second() -> None:
    f = Floor(settings(people=agents(1))).up()
    f.step(0.55)
    f.hang_up(f.dialed()[-1], "USER_BUSY")
    assert len(f.dialed()) == 2
    f.step(0.01)
    f.hang_up(f.dialed()[-1], "USER_BUSY")
    assert len(f.dialed()) == 2
    f.step(0.11)
    assert len(f.dialed()) == 3


def test_leads_that_come_right_after_the_claim_are_not_left_until_the_list_is_asked_again() -> None:
    f = Floor(settings(people=agents(1)), leads=0)
    f.store = False
    f.up()
    claim = f.of(cmd.ClaimLeads)[-1]
    f.send(ev.LeadsClaimed("c1", (lead(1),), claim.count, None))
    f.step(0.2)
    assert len(f.dialed()) == 1


def test_the_hopper_refills_at_half_and_asks_an_exhausted_list_again() -> None:
    f = Floor(settings(campaign(hopper_size=10), people=agents(1)), leads=12)
    f.up()
    assert [c.count for c in f.of(cmd.ClaimLeads)] == [10]
    for _ in range(20):
        if f.live.calls:
            f.hang_up(f.dialed()[-1], "USER_BUSY")
        f.step(0.2)
    assert len(f.dialed()) == 12 and f.engine.status(f.now).campaigns[0].exhausted
    asked = len(f.of(cmd.ClaimLeads))
    none(f.step(25), cmd.ClaimLeads)
    f.leads["c1"] = [lead(99)]
    f.step(10)
    assert len(f.of(cmd.ClaimLeads)) > asked and len(f.dialed()) == 13


def test_a_claim_that_is_never_answered_is_asked_anew() -> None:
    f = Floor(settings(people=agents(1)))
    f.store = False
    f.up()
    f.store = True
    f.step(32)
    assert f.counter("claims_overdue") == 1 and len(f.dialed()) == 1


def test_a_lead_whose_lease_is_about_to_end_is_given_back_not_dialed() -> None:
    f = Floor(settings(campaign(lease_s=60.0), people=agents(1)), leads=0)
    f.store = False
    f.up()
    out = f.send(ev.LeadsClaimed("c1", (lead(1), lead(2)), 20)) + f.step(0.2)
    assert one(out, cmd.OpenAttempt).lead_id == 1
    f.answer(f.dialed()[0])
    f.step(52)
    out = f.hang_up(f.dialed()[0]) + f.step(15)
    assert one(out, cmd.ReleaseLeads).lead_ids == (2,)
    none(out, cmd.OpenAttempt)


def test_a_lead_claimed_twice_is_in_the_hopper_once_with_its_new_lease() -> None:
    hopper = Hopper(10)
    assert hopper.add([lead(1, lease_until=5.0), lead(2)]) == []
    assert [d.lead_id for d in hopper.add([lead(1, lease_until=99.0)])] == [1]
    taken, stale = hopper.take(50.0)
    assert taken is not None and (taken.lead_id, taken.lease_until, stale, len(hopper)) == (1, 99.0, [], 1)


def test_stop_gives_the_hopper_back_and_pause_keeps_it() -> None:
    f = Floor(settings(people=agents(1)), leads=10).up()
    none(f.send(ev.CampaignOrder(1, "c1", "pause")), cmd.ReleaseLeads)
    f.hang_up(f.dialed()[0], "USER_BUSY")
    none(f.step(3), cmd.OpenAttempt)
    out = f.send(ev.CampaignOrder(1, "c1", "stop"))
    assert len(one(out, cmd.ReleaseLeads).lead_ids) == 9
    assert one(out, cmd.SaveCampaignState).state == "stopped"


@pytest.mark.parametrize(
    ("name", "order", "ok"), [("c1", "dance", False), ("zz", "start", False), ("c1", "start", True)]
)
def test_orders_that_make_no_sense_get_a_sentence(name: str, order: str, ok: bool) -> None:
    assert Floor(settings()).reply(lambda n: ev.CampaignOrder(n, name, order)).ok is ok


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.PREDICTIVE])
def test_with_nothing_to_dial_the_reason_begins_with_that(mode: Mode) -> None:
    f = Floor(settings(campaign(mode=mode), people=agents(3)), leads=0).up()
    f.step(2)
    reason = f.engine.status(f.now).campaigns[0].decision_reason
    assert reason.startswith("start 0: the hopper is empty, nothing is due in its lists; "), reason
    assert mode is Mode.PREDICTIVE or "wanted 3: 3 free agents, 1 line each" in reason
    assert not f.dialed()


def test_a_store_in_trouble_stops_dialing_while_calls_go_on_and_recovery_resumes() -> None:
    f = Floor(settings(people=agents(2)), leads=50).up()
    first, second = f.dialed()
    leg = f.talk(first)
    f.send(ev.StoreFailed("database is locked"))
    f.hang_up(second, "USER_BUSY")
    none(f.step(5), cmd.OpenAttempt)
    assert "locked" in f.engine.status(f.now).campaigns[0].decision_reason
    f.hang_up(first)
    f.park(leg)
    assert f.outcome(first) == "connected"
    f.send(ev.StoreRecovered())
    f.step(0.2)
    assert len(f.dialed()) == 3
