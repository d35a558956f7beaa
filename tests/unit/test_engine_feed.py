"""What pacing is told: every call once, every answered person once, every agent as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine_kit import NODE, START, Floor, agents, campaign, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.settings import Mode
from pacing.board import Phase
from pacing.pool import Ending, Pool
from pacing.settings import CampaignPacing
from pacing.windows import AbandonWindow

TWO_S = 2.0


def floor(mode: Mode = Mode.PROGRESSIVE, people: int = 1, **more: Any) -> Floor:
    return Floor(settings(campaign(mode=mode, **more), people=agents(people))).up()


def pool(f: Floor) -> Pool:
    return f.engine._feed.pool


def ledger(f: Floor, name: str = "c1") -> tuple[int, int]:
    counts = pool(f).counts(name, f.now)
    return counts.answered_today, counts.abandoned_today


def endings(f: Floor) -> list[Ending]:
    """Every ending from now on."""
    told: list[Ending] = []
    ended = pool(f).ended

    def spy(call: str, at: float, ending: Ending) -> None:
        told.append(ending)
        ended(call, at, ending)

    pool(f).ended = spy  # type: ignore[method-assign]
    return told


# ---- calls -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "ending"),
    [
        ("NO_ANSWER", Ending.NO_ANSWER),
        ("USER_BUSY", Ending.FAILED),
        ("CALL_REJECTED", Ending.FAILED),
        ("UNALLOCATED_NUMBER", Ending.FAILED),
        ("NETWORK_OUT_OF_ORDER", Ending.FAILED),
        ("SYSTEM_SHUTDOWN", Ending.UNSEEN),
    ],
)
def test_how_an_unanswered_call_ends(cause: str, ending: Ending) -> None:
    f = floor()
    f.step(1)
    told = endings(f)
    f.hang_up(f.dialed()[0], cause)
    assert told == [ending]


def test_calls_whose_end_nobody_saw_weigh_on_the_ledger_in_the_same_run() -> None:
    f = predictive().up()
    f.step(1)
    assert len(f.dialed()) == 4
    f.send(ev.SwitchDown(NODE, "broken"))
    f.channels[NODE] = [fact for fact in f.channels.get(NODE, []) if fact.kind == "agent"]
    f.send(ev.SwitchUp(NODE))
    f.step(30)
    told: Any = f.engine.explain("c1", f.now)
    assert [f.outcome(uuid) for uuid in f.dialed()[:4]] == ["interrupted"] * 4
    assert told["unknown"] == pytest.approx(4 * 0.25, abs=0.2)
    assert all(w["abandoned"] == told["unknown"] for w in told["windows"])


def test_a_refusal_of_the_gate_tells_nothing() -> None:
    f = Floor(settings(people=agents(1)), gate=False).up()
    f.step(1)
    told = endings(f)
    asked = f.of(cmd.OpenAttempt)[-1].attempt_id
    assert asked in pool(f).calls
    f.send(ev.AttemptRefused(asked, "dnc", "no"))
    assert told[0] is Ending.VOID and asked not in pool(f).calls


def test_a_preview_is_none_of_the_pools_business() -> None:
    f = floor(Mode.PREVIEW, preview_on_timeout="dial", preview_timeout_s=1.0)
    f.step(2)
    uuid = f.dialed()[0]
    assert pool(f).calls == frozenset()
    assert pool(f).phase_of("a1") is Phase.RESERVED
    f.talk(uuid)
    assert pool(f).phase_of("a1") is Phase.TALKING
    assert ledger(f) == (1, 0)
    assert not pool(f).dropped


# ---- the ledger --------------------------------------------------------------------------------------------


def test_connected_in_time_is_counted_when_the_bridge_stands() -> None:
    f = floor()
    f.step(1)
    uuid = f.dialed()[0]
    f.ring(uuid)
    out = f.answer(uuid)
    assert ledger(f) == (0, 0)
    f.bridged(uuid, one(out, cmd.Bridge).agent_uuid)
    assert ledger(f) == (1, 0)
    f.step(30)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "connected" and ledger(f) == (1, 0)
    assert one([c for c in f.log if isinstance(c, cmd.NoteAnswer)], cmd.NoteAnswer).attempt_id == uuid
    assert one([c for c in f.log if isinstance(c, cmd.NoteBridge)], cmd.NoteBridge).agent == "a1"


def test_nobody_in_time_is_counted_when_the_limit_passes() -> None:
    f = floor(Mode.RATIO, lines_per_agent=2.0)
    _, second = f.one_too_many()
    f.step(1.7)
    assert ledger(f) == (1, 0)
    f.step(0.2)
    assert ledger(f) == (2, 1)
    assert pool(f).counts("c1", f.now).waiting == 0
    f.hang_up(second)
    assert f.outcome(second) == "abandoned" and ledger(f) == (2, 1)


def test_an_agent_who_came_too_late_is_an_abandoned_call() -> None:
    f = floor()
    f.step(1)
    uuid = f.dialed()[0]
    f.ring(uuid)
    out = f.answer(uuid)
    f.step(2.5)
    f.bridged(uuid, one(out, cmd.Bridge).agent_uuid)
    assert ledger(f) == (1, 1)
    f.hang_up(uuid)
    assert f.outcome(uuid) == "abandoned" and ledger(f) == (1, 1)


def test_hung_up_early_is_an_answer_and_no_abandonment() -> None:
    f = floor(Mode.RATIO, lines_per_agent=2.0)
    _, second = f.one_too_many()
    f.step(0.5)
    f.hang_up(second)
    assert f.outcome(second) == "hung_up_early" and ledger(f) == (2, 0)


def test_what_is_hung_up_at_shutdown_counts_as_the_store_will_count_it() -> None:
    f = floor(Mode.RATIO, lines_per_agent=2.0)
    first, second = f.one_too_many()
    f.send(ev.Shutdown(0.5))
    f.step(1)
    f.hang_up(first)
    f.hang_up(second)
    assert (f.outcome(first), f.outcome(second)) == ("shutdown", "shutdown")
    assert ledger(f) == (2, 1)


def test_a_machine_leaves_the_ledger_whether_the_agent_says_so_in_the_talk_or_after_it() -> None:
    f = floor(wrap_up_s=1.0)
    for number, when in enumerate(("talk", "wrap")):
        f.step(3)
        uuid = f.dialed()[number]
        leg = f.talk(uuid)
        assert ledger(f) == (1, 0)
        if when == "talk":
            f.send(ev.AgentDispose(1, "a1", "machine"))
        f.hang_up(uuid)
        f.park(leg)
        if when == "wrap":
            f.send(ev.AgentDispose(1, "a1", "machine"), ev.AgentDispose(1, "a1", "answering_machine"))
        assert f.outcome(uuid) == "connected" and ledger(f) == (0, 0)
    f.send(ev.AgentDispose(1, "a1", "sold"))
    assert ledger(f) == (1, 0)
    assert not pool(f).dropped


# ---- agents ------------------------------------------------------------------------------------------------


def test_the_agents_phases() -> None:
    f = floor(wrap_up_s=0.5)
    believed = pool(f).phase_of
    assert believed("a1") is Phase.IDLE
    f.step(1)
    uuid = f.dialed()[0]
    f.ring(uuid)
    leg = one(f.answer(uuid), cmd.Bridge).agent_uuid
    assert believed("a1") is Phase.RESERVED
    f.bridged(uuid, leg)
    assert believed("a1") is Phase.TALKING
    f.hang_up(uuid)
    assert believed("a1") is Phase.WRAP
    f.step(0.6)
    assert (f.state(), f.line()) == ("ready", "unsure") and believed("a1") is Phase.AWAY
    f.park(leg)
    assert believed("a1") is Phase.IDLE
    f.send(ev.AgentPause(1, "a1", "tea"))
    assert believed("a1") is Phase.AWAY


def test_whoever_leaves_after_the_customer_at_hand_is_nobody_to_dial_for() -> None:
    f = floor()
    f.step(1)
    f.talk(f.dialed()[0])
    f.send(ev.AgentPause(1, "a1", "tea"))
    assert pool(f).phase_of("a1") is Phase.LEAVING
    f.send(ev.AgentReady(1, "a1"))
    assert pool(f).phase_of("a1") is Phase.TALKING


def test_agents_on_a_lost_switch_are_away_until_it_is_back_and_compared() -> None:
    f = floor(people=2)
    f.send(ev.SwitchDown(NODE, "eof"))
    assert {pool(f).phase_of(a) for a in ("a1", "a2")} == {Phase.AWAY}
    f.lists = False
    f.send(ev.SwitchUp(NODE))
    assert pool(f).phase_of("a1") is Phase.AWAY
    f.send(f.snapshot(*f.facts(NODE)))
    assert pool(f).phase_of("a1") is Phase.IDLE


# ---- restarts ----------------------------------------------------------------------------------------------


def open_attempt(uuid: str = "old", **times: float) -> ev.OpenAttemptFact:
    return ev.OpenAttemptFact(uuid, "c1", 7, 7, "+49301", "p7", NODE, START - 20.0, 1, "t1", **times)


def test_a_former_runs_call_is_taken_over_with_what_was_written_of_it() -> None:
    f = Floor(settings(people=agents(1)))
    f.send(ev.Recovered((open_attempt(rang_at=START - 18.0),)))
    assert pool(f).calls == {"old"}
    f.channels[NODE] = [f.call_fact("old")]
    f.send(ev.SwitchUp(NODE))
    assert f.call("old").rang_at == START - 18.0
    f.hang_up("old", "NO_ANSWER")
    assert pool(f).calls == frozenset()


@pytest.mark.parametrize(
    ("times", "outcome", "counted"),
    [
        ({}, "interrupted", (0, 0)),
        ({"answered_at": START - 9.0}, "abandoned", (1, 1)),
        ({"answered_at": START - 9.0, "bridged_at": START - 8.5}, "connected", (1, 0)),
        ({"answered_at": START - 9.0, "bridged_at": START - 5.0}, "abandoned", (1, 1)),
    ],
)
def test_a_call_that_ended_while_no_dialer_ran_counts_by_what_was_written(
    times: dict[str, float], outcome: str, counted: tuple[int, int]
) -> None:
    f = Floor(settings(people=agents(1)))
    f.send(ev.Recovered((open_attempt(**times),)))
    f.channels[NODE] = []
    f.send(ev.SwitchUp(NODE))
    assert f.outcome("old") == outcome
    assert ledger(f) == counted
    campaign = f.live.campaigns["c1"]
    assert campaign.answered == counted[0]


def test_a_conversation_taken_over_keeps_the_times_of_its_answer_and_bridge() -> None:
    f = Floor(settings(people=agents(1)))
    f.send(ev.Recovered((open_attempt(answered_at=START - 9.0, bridged_at=START - 8.5),)))
    agent = ev.ChannelFact("leg", "agent", "a1", True, "old", START - 60)
    f.channels[NODE] = [agent, f.call_fact("old", answered=True, peer="leg")]
    f.send(ev.SwitchUp(NODE))
    call = f.call("old")
    assert (call.answered_at, call.bridged_at) == (START - 9.0, START - 8.5)
    assert ledger(f) == (1, 0) and pool(f).phase_of("a1") is Phase.TALKING
    assert f.live.campaigns["c1"].answered == 1
    f.hang_up("old")
    assert f.outcome("old") == "connected"


# ---- memory ------------------------------------------------------------------------------------------------

DAY = AbandonWindow(0.03, "day")


def predictive(people: int = 4) -> Floor:
    mode = campaign(mode=Mode.PREDICTIVE, pacing=CampaignPacing("c1", windows=(DAY, AbandonWindow(0.03, "shift"))))
    return Floor(settings(mode, people=agents(people)))


def worked(seconds: float = 130.0) -> Floor:
    """A floor where some calls have come and gone."""
    f = predictive().up()
    for _ in range(int(seconds // 10)):
        f.step(10)
        for uuid in [c.id for c in f.live.calls.values() if c.answered_at is None]:
            f.hang_up(uuid, "NO_ANSWER")
    return f


def saved(f: Floor) -> cmd.SavePacing:
    return f.of(cmd.SavePacing)[-1]


def test_what_was_learnt_is_saved_each_minute_when_it_changed_and_at_the_end() -> None:
    f = predictive().up()
    f.step(130)
    assert not f.of(cmd.SavePacing)
    f = worked()
    times = [t for c, t in zip(f.log, f.times, strict=True) if isinstance(c, cmd.SavePacing)]
    assert len(times) == 2 and times[1] - times[0] == pytest.approx(60.0)
    before = len(f.of(cmd.SavePacing))
    f.send(ev.Shutdown(0.0))
    assert len(f.of(cmd.SavePacing)) > before
    assert json.loads(saved(f).value)["pool"]["version"]


def test_a_restart_goes_on_with_what_was_learnt_and_with_its_shift() -> None:
    f = worked()
    g = predictive().restarted(f.now + 30)
    fact = ev.PacingFact("c1", saved(f).value, f.now, ((f.now - 60.0, "abandoned"), (f.now - 50.0, "connected")))
    g.send(ev.Recovered(pacing=(fact,)))
    note = g.note("pacing_start")
    assert note.text.startswith("campaign c1: pacing starts warm: what was learnt before the restart")
    assert note.text.endswith("ledger: 1 of 2 answers abandoned")
    assert ledger(g) == (2, 1)
    g.up()
    g.step(2)
    windows = {w["window"]: w for w in g.engine.explain("c1", g.now)["windows"]}  # type: ignore[index,union-attr]
    assert windows["shift"]["since"] == START and windows["shift"]["abandoned"] == 1


def test_calls_of_which_nobody_knows_count_with_the_answer_rate_in_the_windows_they_ended_in() -> None:
    f = predictive()
    ended = (START - 30 * 86400.0, START - 26 * 3600.0, START - 24 * 3600.0, START - 60.0, START - 5.0)
    f.send(ev.Recovered(pacing=(ev.PacingFact("c1", unknown=ended),)))
    note = f.note("pacing_start")
    assert note.text.endswith("0 of 0 answers abandoned, and 0.8 more for calls of which nobody knows")
    told: Any = f.engine.explain("c1", f.now)
    p = told["learnt"]["answer_probability"]
    assert told["unknown"] == pytest.approx(3 * p)
    assert {w["window"]: w["abandoned"] for w in told["windows"]} == {"day": pytest.approx(2 * p), "shift": 0.0}


def test_a_service_that_was_away_for_hours_begins_a_new_shift() -> None:
    f = worked()
    g = predictive().restarted(f.now + 7200)
    fact = ev.PacingFact("c1", saved(f).value, f.now, ((f.now - 60.0, "abandoned"),))
    g.send(ev.Recovered(pacing=(fact,)))
    g.up()
    g.step(2)
    windows = {w["window"]: w for w in g.engine.explain("c1", g.now)["windows"]}  # type: ignore[index,union-attr]
    assert windows["shift"]["abandoned"] == 0


def history(count: int, **changes: Any) -> tuple[ev.HistoryRow, ...]:
    rows = []
    for n in range(count):
        at = START - 90_000 + 10 * n
        row = {"opened_at": at, "rang_at": at + 1, "answered_at": None, "bridged_at": None, "ended_at": at + 28}
        row |= {"outcome": "no_answer", "list_name": "l", "attempt_no": 0, "line_type": "", "prior_outcome": ""}
        if n % 4 == 0:
            row |= {"answered_at": at + 11, "bridged_at": at + 11.1, "ended_at": at + 100, "outcome": "connected"}
        rows.append(ev.HistoryRow(**(row | changes)))
    return tuple(rows)


@pytest.mark.parametrize("state", ["", "{", "[]", '{"pool": 3}', '{"pool": {"version": 999}}', "[" * 5000])
def test_without_a_state_that_fits_it_starts_warm_from_the_history(state: str) -> None:
    f = predictive()
    f.send(ev.Recovered(pacing=(ev.PacingFact("c1", state, START - 5, history=history(200)),)))
    note = f.note("pacing_start")
    assert "pacing starts warm: the last 200 calls of its history" in note.text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("pool", "beliefs", "ring", "exposure", 3), 1e308),
        (("pool", "beliefs", "ring", "answers", 0), 1e6),
        (("pool", "beliefs", "answer", "level"), 1e308),
        (("shift_at",), -1e308),
        (("shift_at",), START + 1e6),
        (("shift_at",), None),
    ],
)
def test_a_state_with_absurd_numbers_is_not_used_and_that_is_said(path: tuple[Any, ...], value: Any) -> None:
    state = inner = json.loads(saved(worked()).value)
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    f = predictive()
    f.send(ev.Recovered(pacing=(ev.PacingFact("c1", json.dumps(state), START - 5, history=history(40)),)))
    note = f.note("pacing_state_refused")
    assert "unreadable, too old or impossible, and is not used" in note.text
    assert f.engine._memory.shift_at == START
    note = f.note("pacing_start")
    assert "the last 40 calls" in note.text


def test_an_old_state_says_less_than_the_calls_since() -> None:
    state = saved(worked()).value
    f = predictive()
    f.send(ev.Recovered(pacing=(ev.PacingFact("c1", state, START - 31 * 86400, history=history(40)),)))
    note = f.note("pacing_start")
    assert "the last 40 calls" in note.text


@pytest.mark.parametrize(
    "changes", [{"ended_at": -5.0, "answered_at": None, "outcome": "no_answer"}, {"opened_at": float("nan")}]
)
def test_a_history_from_a_broken_clock_leaves_it_with_its_priors(changes: dict[str, Any]) -> None:
    f = predictive()
    f.send(ev.Recovered(pacing=(ev.PacingFact("c1", history=history(30, **changes)),)))
    note = f.note("pacing_start")
    assert "pacing starts cold: priors only" in note.text


def test_facts_of_campaigns_that_are_gone_are_nobodys() -> None:
    f = predictive()
    f.send(ev.Recovered(pacing=(ev.PacingFact("gone", history=history(3)),)))
    assert not f.notes("pacing_start")
