"""Lines out in the engine: which one a call takes, what happens when it fails, and what all of them leave room for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_kit import NODE, START, Floor, agents, campaign, lead, one, settings, trunk

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.lines import SaveShownNumber, ShownFact
from dialer.domain.settings import EngineSettings, LineSettings, Mode, PoolSettings, TrunkSettings
from pacing.board import Phase
from routing.caller_ids import ReputationPolicy
from routing.costs import CostRow, CostTable
from routing.trunks import Rewrite

FAILS = "NORMAL_TEMPORARY_FAILURE"


def costs(price: float) -> CostTable:
    return CostTable(f"at {price}", "UTC", (CostRow("+", price),))


def two(
    *more: TrunkSettings, people: int = 1, lines: LineSettings | None = None, wanted: dict[str, Any] | None = None
) -> EngineSettings:
    """Campaign c1 on the trunks a and b (and ``more``), b being dearer."""
    trunks = more or (trunk("a", costs=costs(0.01)), trunk("b", costs=costs(0.02)))
    first, *others = (each.name for each in trunks)
    made = campaign(trunk=first, further_trunks=tuple(others), **(wanted or {}))
    config = settings(made, people=agents(people), trunks=trunks)
    return config if lines is None else replace(config, lines=lines)


def gateways(f: Floor) -> list[str]:
    return [c.gateway for c in f.of(cmd.OriginateCall)]


def condition(f: Floor, name: str = "a") -> str:
    return str(f.live.trunks[name].health.condition.value)


def fail(f: Floor, uuid: str, cause: str = FAILS, **more: Any) -> list[cmd.Command]:
    return f.hang_up(uuid, cause, **more)


# ---- the choice --------------------------------------------------------------------------------------------


def test_a_call_takes_the_cheapest_line_and_the_next_one_when_that_is_full() -> None:
    f = Floor(two(trunk("a", 1, costs=costs(0.02)), trunk("b", 2, costs=costs(0.01)), people=3)).up()
    assert gateways(f) == ["gw-b", "gw-b", "gw-a"]
    assert [c.trunk for c in f.of(cmd.OpenAttempt)] == ["b", "b", "a"]
    reasons = [note.text for note in f.notes("line_chosen")]
    assert "trunk b, cheapest of 2, 0.0250 for 150 s" not in reasons[0] and "not a: costs" in reasons[0]
    assert "not b: all 2 channels are in use" in reasons[2]


def test_one_trunk_is_dialed_as_ever_and_says_nothing_of_lines() -> None:
    f = Floor(settings(people=agents(1))).up()
    sent, opened = one(f.log, cmd.OriginateCall), one(f.log, cmd.OpenAttempt)
    assert (sent.number, sent.gateway, sent.caller_id) == ("49300000001", "gw-t1", "4930999")
    assert (opened.trunk, opened.shown, opened.retries) == ("t1", "4930999", 0)
    assert not f.notes("line_chosen")
    fail(f, sent.uuid)
    assert f.outcome(sent.uuid) == "carrier_failure" and not f.closed(sent.uuid).again


def test_numbers_are_written_as_each_line_wants_them() -> None:
    rules = (Rewrite("+4930", 3, "0"), Rewrite("+4", 0, "99"))
    all_numbers = (Rewrite("+", 1, "00"),)
    for rewrite, expected in (
        (rules, "0300000001"), ((), "849300000001"), (rules[1:], "99+49300000001"), (all_numbers, "0049300000001"),
    ):  # fmt: skip
        f = Floor(two(trunk("a", prefix="8", rewrite=rewrite))).up()
        assert one(f.log, cmd.OriginateCall).number == expected


def test_lines_kept_for_callers_are_not_taken() -> None:
    f = Floor(two(trunk("a", 3, reserved_inbound=2), trunk("b", 3, reserved_inbound=2), people=5)).up()
    f.step(2)
    assert gateways(f) == ["gw-a", "gw-b"]
    assert f.live.campaigns["c1"].decision.reason.startswith(
        "start 0: trimmed to 0 by trunks a (1 channels), b (1 channels); wanted "
    )
    assert f.live.trunks["a"].passed == {"kept_for_callers": 1}


# ---- failing over --------------------------------------------------------------------------------------------


def test_a_call_whose_line_fails_goes_on_on_another_one_as_an_attempt_of_its_own() -> None:
    f = Floor(two()).up()
    (first,) = f.dialed()
    out = fail(f, first, sip_status="503")
    closed = one(out, cmd.CloseAttempt)
    assert closed.outcome.value == "carrier_failure" and closed.again
    opened, sent = one(out, cmd.OpenAttempt), one(out, cmd.OriginateCall)
    assert out.index(closed) < out.index(opened)  # one live attempt on a person at a time
    before = f.of(cmd.OpenAttempt)[0]
    assert opened.lead_id == before.lead_id and opened.attempt_id != first == before.attempt_id
    assert (opened.trunk, opened.retries, sent.gateway, sent.uuid) == ("b", 1, "gw-b", opened.attempt_id)
    assert (f.live.trunks["a"].legs, f.live.trunks["b"].legs) == (0, 1)
    view = f.engine.status(f.now).campaigns[0]
    assert view.attempts == 2 and view.outcomes == {"carrier_failure": 1}
    f.talk(sent.uuid)
    assert f.state() == "talking"


@pytest.mark.parametrize(
    ("cause", "more"),
    [
        ("UNALLOCATED_NUMBER", {"sip_status": "404"}),
        ("USER_BUSY", {}),
        ("NO_ANSWER", {}),
        ("CALL_REJECTED", {"sip_status": "603"}),
        ("NORMAL_CLEARING", {}),
        ("SOMETHING_NEW", {}),
        ("DESTINATION_OUT_OF_ORDER", {}),
    ],
)
def test_what_is_not_the_lines_fault_is_not_tried_again(cause: str, more: dict[str, str]) -> None:
    f = Floor(two(), leads=1).up()
    (first,) = f.dialed()
    fail(f, first, cause, **more)
    f.step(1)
    assert f.dialed() == [first] and not f.closed(first).again
    assert f.live.trunks["a"].health.evidence == 0.0


def test_a_phone_that_rang_is_not_rung_again() -> None:
    f = Floor(two(), leads=1).up()
    (first,) = f.dialed()
    f.ring(first)
    fail(f, first)
    f.step(1)
    assert f.dialed() == [first] and not f.closed(first).again


@pytest.mark.parametrize("way", ["pause", "stop", "store", "switch", "drain"])
def test_nobody_dials_on_when_dialing_has_ended_meanwhile(way: str) -> None:
    f = Floor(two(), leads=1).up()
    (first,) = f.dialed()
    events: dict[str, ev.Event] = {
        "pause": ev.CampaignOrder(1, "c1", "pause"),
        "stop": ev.CampaignOrder(1, "c1", "stop"),
        "store": ev.StoreFailed("disk full"),
        "switch": ev.SwitchGap(NODE, 3),
        "drain": ev.Shutdown(30.0),
    }
    f.lists = False
    f.send(events[way])
    fail(f, first)
    assert f.dialed() == [first]
    assert all(not close.again for close in f.of(cmd.CloseAttempt))


def test_a_call_is_tried_on_each_line_once() -> None:
    trunks = tuple(trunk(name, costs=costs(n)) for n, name in enumerate("abc", 1))
    f = Floor(two(*trunks), leads=1).up()
    for place, name in enumerate("abc"):
        uuid = f.dialed()[place]
        assert gateways(f)[place] == f"gw-{name}"
        fail(f, uuid)
    f.step(1)
    assert len(f.dialed()) == 3
    assert [c.retries for c in f.of(cmd.OpenAttempt)] == [0, 1, 2]
    assert [c.again for c in f.of(cmd.CloseAttempt)] == [True, True, False]
    last = f.of(cmd.CloseAttempt)[-1]
    assert last.recycle_after_s == 600.0 and not last.lead_done


def test_where_the_other_line_has_no_room_this_instant_the_lead_is_the_next_one() -> None:
    trunks = trunk("a", 5, costs=costs(0.01)), trunk("b", 5, calls_per_second=10.0, costs=costs(0.02))
    f = Floor(two(*trunks, people=2, wanted={"max_attempts": 1}), leads=2).up()
    failed = f.dialed()
    assert gateways(f) == ["gw-a"] * 2
    for uuid in failed:
        fail(f, uuid)
    assert gateways(f)[2:] == ["gw-b"] and all(close.again for close in f.of(cmd.CloseAttempt))
    f.step(0.5)
    assert gateways(f)[2:] == ["gw-b"] * 2
    opened = f.of(cmd.OpenAttempt)
    assert sorted(c.lead_id for c in opened[:2]) == sorted(c.lead_id for c in opened[2:])
    assert [c.retries for c in opened] == [0, 0, 1, 1]


def test_a_lead_that_waited_is_dialed_on_the_line_that_failed_rather_than_block_the_others() -> None:
    f = Floor(two(trunk("a", 9, costs=costs(0.01)), trunk("b", 1, costs=costs(0.02)), people=3), leads=3).up()
    for uuid in f.dialed():
        fail(f, uuid)
    f.step(1)
    assert gateways(f) == ["gw-a"] * 3 + ["gw-b", "gw-a", "gw-a"]


def test_a_lead_that_failed_twice_on_a_line_while_the_others_are_full_waits_its_pause() -> None:
    trunks = trunk("a", 9, costs=costs(0.01)), trunk("b", 1, costs=costs(0.02))
    f = Floor(two(*trunks, people=2, wanted={"max_attempts": 9}), leads=2).up()
    for _ in range(50):  # nothing ever works on a; one call keeps b full
        for call in [call for call in f.live.calls.values() if call.trunk == "a"]:
            fail(f, call.id)
        f.step(0.1)
    opened = f.of(cmd.OpenAttempt)
    assert [c.trunk for c in opened].count("b") == 1
    unlucky = {c.lead_id for c in opened} - {c.lead_id for c in opened if c.trunk == "b"}
    assert [(c.trunk, c.retries) for c in opened if c.lead_id in unlucky] == [("a", 0), ("a", 1)]
    last = [c for c in f.of(cmd.CloseAttempt) if c.lead_id in unlucky][-1]
    assert not last.again and last.recycle_after_s == 600.0


def test_what_failed_before_a_lead_was_given_back_is_forgotten() -> None:
    trunks = trunk("a", 9, costs=costs(0.01)), trunk("b", 1, costs=costs(0.02))
    f = Floor(two(*trunks, people=2), leads=2).up()
    for uuid in f.dialed():
        fail(f, uuid)
    (waits,) = f.live.campaigns["c1"].hopper.peek(9, f.now)[0]
    f.send(ev.CampaignOrder(1, "c1", "stop"))
    assert waits.lead_id in one(f.log, cmd.ReleaseLeads).lead_ids
    f.send(ev.CampaignOrder(2, "c1", "start"))
    # Since then another dialer has tried it and given it back.
    f.send(ev.LeadsClaimed("c1", (replace(lead(waits.lead_id), attempts=2),), 20))
    f.step(1)
    again = f.of(cmd.OpenAttempt)[-1]
    assert (again.lead_id, again.trunk, again.retries) == (waits.lead_id, "a", 0)


def test_an_originate_that_fails_without_a_channel_goes_on_too_once_it_is_certain() -> None:
    f = Floor(two(), leads=1).up()
    (first,) = f.dialed()
    f.send(ev.OriginateReplied(first, False, cause="INVALID_GATEWAY"))
    assert f.dialed() == [first]
    f.step(3)
    assert gateways(f) == ["gw-a", "gw-b"]


def test_the_agent_of_a_preview_waits_on_for_the_customer() -> None:
    f = Floor(two(wanted={"mode": Mode.PREVIEW})).up()
    f.send(ev.PreviewAccept(1, "a1"))
    (first,) = f.dialed()
    out = fail(f, first)
    second = one(out, cmd.OriginateCall).uuid
    assert one(out, cmd.OpenAttempt).agent == "a1"
    assert f.state() == "reserved" and f.agent().call is f.call(second)
    f.talk(second)
    assert f.state() == "talking"


def test_a_refusal_by_the_gate_ends_it_and_frees_the_line() -> None:
    f = Floor(two(), leads=1).up()
    (first,) = f.dialed()
    f.gate = False
    opened = one(fail(f, first), cmd.OpenAttempt)
    f.send(ev.AttemptRefused(opened.attempt_id, "window", "it is late"))
    assert f.dialed() == [first] and f.live.trunks["b"].legs == 0 and not f.live.calls


def test_events_of_the_first_leg_that_come_late_do_not_touch_the_second() -> None:
    f = Floor(two(), leads=1).up()
    (first,) = f.dialed()
    fail(f, first)
    (_, second) = f.dialed()
    f.send(ev.OriginateReplied(first, False, cause=FAILS), ev.LegRinging(first, f.now))
    fail(f, first)
    f.step(3)
    assert f.call(second).rang_at is None and f.live.trunks["b"].legs == 1
    assert len(f.of(cmd.CloseAttempt)) == 1


# ---- sickness ------------------------------------------------------------------------------------------------


def test_a_dead_line_rests_the_other_takes_its_calls_and_probes_bring_it_back() -> None:
    f = Floor(two(people=5)).up()
    for uuid in f.dialed():
        fail(f, uuid)
    sick = f.live.trunks["a"]
    assert condition(f) == "cooling" and f.note("trunk_sick").text.startswith("trunk a: fails too")
    assert gateways(f) == ["gw-a"] * 5 + ["gw-b"] * 5
    calls = f.dialed()[5:]
    for uuid in calls:
        fail(f, uuid, "USER_BUSY")
    f.step(1)
    assert set(gateways(f)[10:]) == {"gw-b"} and sick.passed["sick"] > 0
    f.step(60)
    for uuid in f.dialed()[10:]:
        fail(f, uuid, "USER_BUSY")
    f.step(1)
    assert gateways(f)[15:].count("gw-a") == 1 and len(f.dialed()) == 20  # one probe at a time
    for _ in range(3):
        probe = next(c for c in reversed(f.of(cmd.OriginateCall)) if c.gateway == "gw-a")
        fail(f, probe.uuid, "USER_BUSY")
        f.step(1)
    assert condition(f) == "healthy"
    assert f.note("trunk_well").text == "trunk a: 3 probes in a row worked"


def silence(f: Floor, *uuids: str) -> None:
    """The carrier says nothing at all until our switch gives up."""
    f.step(30)
    for uuid in uuids:
        fail(f, uuid, "NO_ANSWER")


def test_a_line_that_swallows_calls_without_a_word_is_sick_and_nobody_is_dialed_again_at_once() -> None:
    f = Floor(two(people=5), leads=40).up()
    first = f.dialed()
    assert gateways(f) == ["gw-a"] * 5
    silence(f, *first)
    assert condition(f) == "cooling" and f.live.trunks["a"].ends == {"carrier": 5}
    assert {f.outcome(uuid) for uuid in first} == {"no_answer"}
    assert not any(f.closed(uuid).again for uuid in first)  # who knows whether a phone rang
    f.step(1)
    assert gateways(f)[5:] == ["gw-a"] + ["gw-b"] * 4  # one was dialed before the fifth was given up


def test_a_carrier_that_never_tells_of_ringing_is_not_sick_for_it() -> None:
    f = Floor(two(people=8), leads=90).up()
    answered, *others = f.dialed()
    f.answer(answered)  # it did its work, and said nothing before
    silence(f, *others)
    assert condition(f) == "healthy" and f.live.trunks["a"].ends["unknown"] == 7


def test_a_call_that_was_given_up_before_a_carrier_must_have_said_something_says_nothing() -> None:
    f = Floor(two(people=8), leads=90).up()
    f.step(5)
    for uuid in f.dialed():
        fail(f, uuid, "NO_ANSWER")
    assert f.live.trunks["a"].ends == {"unknown": 8}


def test_a_probe_that_the_gate_refuses_lets_the_next_one_go() -> None:
    f = Floor(two(people=5)).up()
    for uuid in f.dialed():
        fail(f, uuid)
    for uuid in f.dialed()[5:]:
        fail(f, uuid, "USER_BUSY")
    f.step(29)
    for uuid in list(f.live.calls):
        f.ring(uuid)
    f.step(31)
    f.gate = False
    fail(f, next(iter(f.live.calls)), "USER_BUSY")
    f.step(0.2)
    probe = f.of(cmd.OpenAttempt)[-1]
    assert probe.trunk == "a" and f.live.trunks["a"].health.probe_out
    f.send(ev.AttemptRefused(probe.attempt_id, "dnc", "on the list"))
    f.step(0.2)
    again = f.of(cmd.OpenAttempt)[-1]
    assert again is not probe and again.trunk == "a"


def test_one_line_alone_is_dialed_on_however_sick_and_its_health_is_told() -> None:
    f = Floor(settings(people=agents(8))).up()
    for uuid in f.dialed():
        fail(f, uuid)
    f.step(1)
    assert len(f.dialed()) == 16
    assert condition(f, "t1") == "cooling"
    assert all(not close.again for close in f.of(cmd.CloseAttempt))


def test_with_all_lines_sick_nothing_is_dialed_and_the_reason_says_so() -> None:
    f = Floor(two(people=5)).up()
    for _ in range(2):
        for uuid in list(f.live.calls):
            fail(f, uuid)
    f.step(1)
    assert not f.live.calls
    reason = f.live.campaigns["c1"].decision.reason
    assert "trimmed to 0 by trunks a (fails too many calls; cools down for 59 s more), b (fails too many" in reason


# ---- pacing --------------------------------------------------------------------------------------------------


def predictive(people: int, *trunks: TrunkSettings) -> Floor:
    return Floor(two(*trunks, people=people, wanted={"mode": Mode.PREDICTIVE}), leads=500).up()


def test_pacing_learns_nothing_from_a_line_that_fails_while_there_is_another() -> None:
    f = predictive(3)
    pool = f.engine._feed.pool
    before = pool.counts("c1", f.now).answer_probability
    for _ in range(20):
        for call in [c for c in f.live.calls.values() if c.trunk == "a"]:
            fail(f, call.id)
        f.step(61)
    assert pool.counts("c1", f.now).answer_probability == before
    alone = Floor(settings(campaign(mode=Mode.PREDICTIVE), people=agents(3)), leads=500).up()
    for _ in range(20):
        for uuid in list(alone.live.calls):
            fail(alone, uuid)
        alone.step(1)
    assert alone.engine._feed.pool.counts("c1", alone.now).answer_probability < before - 0.05


def test_the_room_for_pacing_is_that_of_all_lines_together() -> None:
    f = predictive(30, trunk("a", 4), trunk("b", 3, calls_per_second=1.0), trunk("c", 2, reserved_inbound=1))
    f.step(5)
    assert [f.live.trunks[name].legs for name in "abc"] == [4, 3, 1]
    assert "a (4 channels), b (3 channels), c (1 channels)" in f.live.campaigns["c1"].decision.reason
    assert f.engine._feed.pool.phase_of("a1") is Phase.IDLE


def test_a_slow_line_is_asked_again_as_soon_as_it_takes_a_call() -> None:
    f = Floor(two(trunk("a", 50, calls_per_second=2.0), trunk("b", 50, calls_per_second=2.0), people=12)).up()
    f.step(3.2)
    assert len(f.dialed()) == 12 and sorted(gateways(f)).count("gw-a") == 6
    gaps = [b - a for a, b in zip(f.times, f.times[1:], strict=False)]
    assert max(gaps) <= 1.0


# ---- numbers to show -----------------------------------------------------------------------------------------


def pool(*numbers: str, cap: int | None = None, block: int = 200) -> LineSettings:
    pools = {"p": PoolSettings("p", numbers, cap)}
    return LineSettings(pools=pools, reputation=ReputationPolicy(block=block))


def shown(f: Floor) -> list[str]:
    return [c.caller_id for c in f.of(cmd.OriginateCall)]


def test_the_nearest_number_is_shown_then_the_one_shown_least_and_none_beyond_its_cap() -> None:
    lines = pool("+4930100", "+4930200", "+4989300", cap=2)
    f = Floor(two(trunk("a", pool="p"), people=8, lines=lines))
    f.now = 86_400.0 - 60.0
    f.up()
    assert shown(f) == ["+4930100", "+4930200", "+4930100", "+4930200", "+4989300", "+4989300"]
    assert [c.shown for c in f.of(cmd.OpenAttempt)] == shown(f)
    f.step(1)
    reason = f.live.campaigns["c1"].decision.reason
    assert len(f.dialed()) == 6
    assert reason.startswith("start 0: trimmed to 0 by trunk a: the numbers that it may show today; wanted ")
    f.step(60)
    assert len(f.dialed()) == 8  # a new day in UTC


def test_a_call_that_the_gate_refuses_shows_no_number() -> None:
    f = Floor(two(trunk("a", pool="p"), lines=pool("+4930100", cap=1)), gate=False).up()
    first = one(f.log, cmd.OpenAttempt)
    f.send(ev.AttemptRefused(first.attempt_id, "dnc", "on the list"))
    f.gate = True
    f.step(1)
    assert len(f.of(cmd.OpenAttempt)) == 2 and len(f.dialed()) == 0
    f.send(ev.AttemptOpened(f.of(cmd.OpenAttempt)[1].attempt_id))


def test_todays_calls_and_rests_outlive_a_restart_and_yesterdays_do_not_count() -> None:
    lines = pool("+4930100", "+4930200", "+4930300", cap=5)
    f = Floor(two(trunk("a", pool="p"), people=20, lines=lines))
    f.now = START + 86_400.0
    today = 86_400.0
    facts = (
        ShownFact("+4930100", quarters=((today - 900.0, 5), (today, 3))),
        ShownFact("+4930200", "resting", 1, today + 1e6, today - 1e5),
        ShownFact("+4930999", quarters=((today, 9),)),  # no longer ours
    )
    f.send(ev.Recovered(shown=facts))
    f.up()
    f.step(1)
    assert sorted(shown(f)) == ["+4930100"] * 2 + ["+4930300"] * 5


def test_a_campaigns_own_number_is_shown_where_the_carrier_allots_it() -> None:
    strict = trunk("a", costs=costs(0.01), cli_allotted_only=True, allotted=frozenset({"4930999"}))
    other = trunk("b", costs=costs(0.02))
    f = Floor(two(strict, other, wanted={"caller_id": "4930111"})).up()
    assert (gateways(f), shown(f)) == (["gw-b"], ["4930111"])
    f = Floor(two(strict, other)).up()
    assert (gateways(f), shown(f)) == (["gw-a"], ["4930999"])
    f = Floor(two(strict, wanted={"caller_id": "4930111"})).up()
    assert f.dialed() == [] and "the numbers that it may show today" in f.live.campaigns["c1"].decision.reason


def test_a_number_that_nobody_answers_rests_and_the_store_is_told() -> None:
    lines = replace(pool("+4930100", "+4930200"), reputation=ReputationPolicy(block=50))
    f = Floor(two(trunk("a", pool="p"), lines=lines, people=1), leads=400).up()
    for _ in range(100):
        call = next(iter(f.live.calls.values()))
        answers = call.choice.shown == "+4930200"
        if answers:
            f.ring(call.id)
            leg = one(f.answer(call.id), cmd.Bridge).agent_uuid
            f.step(0.1)
            f.bridged(call.id, leg)
            f.hang_up(call.id)
            f.park(leg)
            f.send(ev.AgentReady(1, "a1"))
        else:
            fail(f, call.id, "NO_ANSWER")
        f.step(0.2)
    (saved,) = [c for c in f.of(SaveShownNumber) if c.standing != "good"]
    assert (saved.number, saved.standing, saved.rests) == ("+4930100", "resting", 1)
    assert f.note("shown_number").text.startswith("pool p: +****100 is resting: 0.0% of its calls")
    f.step(1)
    fail(f, next(iter(f.live.calls)), "NO_ANSWER")
    f.step(1)
    assert next(iter(f.live.calls.values())).choice.shown == "+4930200"


def restore(f: Floor, number: str) -> cmd.Reply:
    return f.reply(lambda n: ev.RestoreNumber(n, number, "the carrier has cleared it, told +4917012345678"))


@pytest.mark.parametrize("standing", ["resting", "retired"])
def test_an_operator_brings_a_number_back_with_a_reason(standing: str) -> None:
    """As if it had never been judged, at once and for the next start; written with or without its plus."""
    f = Floor(two(trunk("a", pool="p"), lines=pool("+4930100")))
    f.send(ev.Recovered(shown=(ShownFact("+4930100", standing, 2, START + 1e6, START - 5, 60, 1, (), "too few"),)))
    f.up()
    assert f.dialed() == []
    assert restore(f, "4930100").ok
    f.step(1)
    assert shown(f) == ["+4930100"]
    (saved,) = f.of(SaveShownNumber)
    assert (saved.standing, saved.rests, saved.rests_until) == ("good", 0, 0.0)
    assert saved.reason.startswith("the carrier has cleared it")
    (view,) = f.engine.status(f.now).shown
    assert view.reason == "the carrier has cleared it, told +491****5678", "no role of the API may see whole numbers"
    again = restore(f, "+4930100")
    assert not again.ok and "neither resting nor retired" in again.text and "4930100" not in again.text
    unknown = restore(f, "+4930999")
    assert not unknown.ok and "expected a number of `dialer numbers list`" in unknown.text
    assert len(f.of(SaveShownNumber)) == 1


def test_a_lead_whose_number_no_line_may_call_stays_in_the_hopper() -> None:
    lines = pool("+4930100", cap=1)
    both = trunk("a", pool="p"), trunk("b", pool="p")
    f = Floor(two(*both, lines=lines, people=2), leads=5).up()
    f.step(2)
    assert len(f.dialed()) == 1  # each line believes in the pool's last call
    assert len(f.live.campaigns["c1"].hopper) == 4
    assert lead(1).number not in f.live.campaigns["c1"].decision.reason
