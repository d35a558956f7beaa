"""A predictive campaign on a real switch: three answers in ten calls, rings as of real phones, and what pacing does.

    DIALER_LIVE_PREDICTIVE_MINUTES   how long it dials (default 3; ten and more is the longer form)
    DIALER_LIVE_PREDICTIVE_AGENTS    nailed-up seats (default 30)
    DIALER_LIVE_PREDICTIVE_TALK_S    mean talk (default 40, in the longer form 60)
    DIALER_LIVE_PREDICTIVE_SEED      of the people that the carrier plays

The carrier's callees are drawn anew for each call, so every lead is answered with the same probability, whatever
became of it before. In any form nobody among the first 33 answers may be abandoned: a 3 % window bears no abandonment
before the 34th, so it dials one call for each free agent. At the end the rate is at or below the limit; the short
form, where one call is 1 to 3 %, is let off with one call above it. The longer form is told when it ends (`--for`),
as a shift is; a budget plans to there, and a run of three minutes would have nothing to risk: so the short form is
stopped unforeseen.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Stage, Stages
from harness.floor import CAMPAIGN, NEVER, Dialer
from harness.people import ANSWERING, RINGING, Crowd, Kind, Person, Played, deal, played
from harness.plays import numbers
from harness.waiting import until

from bench import account
from bench.realtime import LONG_MINUTES, wrongs

MINUTES = float(os.environ.get("DIALER_LIVE_PREDICTIVE_MINUTES", "3"))
AGENTS = int(os.environ.get("DIALER_LIVE_PREDICTIVE_AGENTS", "30"))
LONG = MINUTES >= LONG_MINUTES
TALK_S = float(os.environ.get("DIALER_LIVE_PREDICTIVE_TALK_S", "60" if LONG else "40"))
WRAP_S = 10.0 if LONG else 5.0
SEED = int(os.environ.get("DIALER_LIVE_PREDICTIVE_SEED", "1"))
CHANNELS = 200
MIN_RING_S = 15.0
DRAIN_S = 40.0
SAMPLE_EVERY_S = 5.0
LAST_LOOK_S = 10.0
"""So long before the end the last sample is taken, and `dialer explain` asked."""
BACK_AFTER_S = 45.0
LIMIT = 0.03
ONE_ANSWER = 0.3
CROWD = Crowd(answers=ONE_ANSWER, talk_s=(TALK_S, 1.0))
PACING = {
    "abandon": [
        {"limit": "3%", "period": "30d", "since": "2026-01-01"},
        {"limit": "3%", "trailing": "24h"},
    ],
    "expect": {"answer_probability": "30%", "talk_s": TALK_S},
    "spare_list": False,  # a short list is to be dialed predictively here
}
EXPECTED = {
    Kind.ANSWERS: {"connected", "abandoned"},
    Kind.ANSWERS_EARLY: {"connected", "abandoned"},
    Kind.RINGS: {"no_answer"},
    Kind.RINGS_ON: {"no_answer"},
    Kind.BUSY: {"busy"},
    Kind.FAILS: {"carrier_failure"},
    Kind.NO_SUCH: {"invalid_number"},
}


@pytest.mark.slow
@pytest.mark.timeout(60 * MINUTES + 300)
def test_a_predictive_campaign(stages: Stages) -> None:
    """Everything accounted, no phone cut off too soon, the ledger kept, and reasons that make sense."""
    dials = AGENTS * 60.0 * MINUTES / (TALK_S + WRAP_S) / ONE_ANSWER
    # Few in the longer form, so that leads come back within it.
    leads = max(200, min(6900, round((0.5 if LONG else 1.5) * dials)))
    people = CROWD.draw(round(2 * dials) + 500, SEED)
    stage = stages.build(
        numbers(range(100), leads),
        people=deal(people),
        agents=AGENTS,
        campaign={
            "mode": "predictive",
            "ring_timeout_s": 30,
            "min_ring_s": MIN_RING_S,
            "wrap_up_s": WRAP_S,
            "hopper_size": 200,
            "max_attempts": 6,
            "pacing": PACING,
            "recycle": dict.fromkeys(NEVER, "never")
            | {"no_answer": "60s", "busy": "30s", "carrier_failure": "30s", "cancelled": f"{BACK_AFTER_S:g}s"},
        },
        trunk={"channels": CHANNELS, "cps": 20},
    )
    ending = ("--for", f"{60 * MINUTES:g}s") if LONG else ()
    dialer = stage.floor.run("--drain", f"{DRAIN_S:g}s", *ending)
    ends_at = time.monotonic() + 60.0 * MINUTES
    dialer.until_ready()
    samples = _watch(dialer, stage, ends_at - LAST_LOOK_S)
    told_by_command = _explained(stage)
    _, metrics = dialer.get("/metrics")
    summary = dialer.finish(LAST_LOOK_S + DRAIN_S + 90.0) if LONG else dialer.stop(DRAIN_S + 90.0)

    attempts = account.attempts_of(stage.floor.data_dir / "dialer.db")
    found = account.reasons(dialer.lines(), CAMPAIGN)
    calls = played(stage.carrier)
    bounds = account.Bounds(AGENTS, CHANNELS, MIN_RING_S, hang_up_share=0.25, max_theta=0.30)
    print("\n" + _table(summary, attempts, samples, found, calls, people))

    wrong = wrongs(summary, attempts, found, samples, bounds, limit=LIMIT, more=0.0 if LONG else 1.0)
    assert not wrong, wrong[:20]
    assert stage.carrier.running and stage.seats.running, stage.carrier.errors()
    assert stage.carrier.invites() == stage.floor.attempts_by_number()
    assert summary["leads_total"] == leads
    assert summary["agents"] == AGENTS
    assert summary["counters"].get("agent_lines_lost", 0) == 0
    assert not stage.switch.errors(), stage.switch.errors()[:5]
    assert stage.switch.api("show channels count").strip().startswith("0 total")

    assert not _unexpected(attempts, calls, people)
    soonest = min(
        (call.rang_before_cancel_s for call in calls if call.rang_before_cancel_s is not None), default=math.inf
    )
    assert soonest >= MIN_RING_S, f"a phone was cut off after {soonest:.3f} s"

    assert set(told_by_command) == set(samples[-1].told)
    assert not account.impossible_sample(account.Sample(60.0 * MINUTES, told_by_command), bounds)
    assert not [name for name in account.METRICS if f"\n{name}{{" not in metrics and f"\n{name} " not in metrics]
    learnt = samples[-1].told["learnt"]
    assert learnt["answer_probability_low"] - 0.05 <= ONE_ANSWER <= learnt["answer_probability_high"] + 0.05
    if LONG:
        cuts = account.hung_up_by_pacing(attempts)
        assert cuts, "no overdue ring was hung up"
        assert len(cuts) <= 0.27 * summary["attempts"]
        assert account.came_back(attempts)[1] > 0, "no lead that was hung up was dialed again"
        _pauses_kept(attempts)


def _watch(dialer: Dialer, stage: Stage, ends_at: float) -> list[account.Sample]:
    """Samples of the API until then; the switch and SIPp must live as long."""
    began = time.monotonic()
    samples: list[account.Sample] = []
    while (now := time.monotonic()) < ends_at:
        due = min(ends_at, now + SAMPLE_EVERY_S)
        until(partial(_is_past, due), 60.0, "time to pass", 0.25)
        status, told = dialer.get(f"/v1/campaigns/{CAMPAIGN}/pacing")
        assert status == 200, told
        assert stage.carrier.running and stage.seats.running and stage.switch.running, stage.carrier.errors()
        samples.append(account.Sample(time.monotonic() - began, told))
    return samples


def _is_past(due: float) -> bool:
    return time.monotonic() >= due


def _explained(stage: Stage) -> dict[str, Any]:
    """``dialer explain pacing live --json``, and that it has words for people."""
    command = [str(Path(sys.executable).with_name("dialer")), "explain", "pacing", CAMPAIGN]
    command += ["--config", str(stage.floor.config_file)]
    words = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "last decision" in words and "abandon windows" in words, words
    print("\n" + words)
    told: dict[str, Any] = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=True).stdout
    )
    return told


def _pairs(attempts: list[account.Attempt], calls: list[Played]) -> list[tuple[account.Attempt, Played]]:
    """Attempts with the calls they became: the same number, in the same order."""
    by_number: dict[str, list[Played]] = {}
    for call in calls:
        by_number.setdefault(call.number, []).append(call)
    return [(attempt, by_number[attempt.number].pop(0)) for attempt in attempts]


def _unexpected(
    attempts: list[account.Attempt], calls: list[Played], people: list[Person]
) -> list[tuple[account.Attempt, Played, Person]]:
    """Attempts that did not end as the carrier played them."""
    wrong = []
    for attempt, call in _pairs(attempts, calls):
        person = people[call.person]
        allowed = EXPECTED[person.kind]
        if call.at("cancel") is not None and call.at("answered") is None:
            allowed = {"cancelled", "no_answer"} if person.kind in RINGING else {"shutdown"}
        if call.at("late-cancel") is not None:
            allowed = {"abandoned", "cancelled"}
        if person.kind is Kind.RINGS and call.at("refused-480") is not None:
            allowed = {"no_answer", "cancelled"}  # the carrier gave up while our hang-up was on its way
        # Talks that the end of the drain cut off, and rings that it met.
        ended_by_us = attempt.outcome == "shutdown" and attempt.reason == "hung up at shutdown"
        if attempt.outcome not in allowed and not ended_by_us:
            wrong.append((attempt, call, person))
    return wrong


def _pauses_kept(attempts: list[account.Attempt]) -> None:
    last: dict[int, account.Attempt] = {}
    for attempt in attempts:
        before = last.get(attempt.lead)
        if before is not None and before.outcome == "cancelled":
            assert attempt.opened_at >= (before.ended_at or 0.0) + BACK_AFTER_S, (before, attempt)
        last[attempt.lead] = attempt


def _table(
    summary: dict[str, Any],
    attempts: list[account.Attempt],
    samples: list[account.Sample],
    found: list[account.Reason],
    calls: list[Played],
    people: list[Person],
) -> str:
    dealt = [people[call.person] for call in calls]
    answering = [person for person in dealt if person.kind in ANSWERING]
    rings = sorted(call.rang_before_cancel_s for call in calls if call.rang_before_cancel_s is not None)
    to_answer = [person.delay_s + person.ring_s for person in answering]
    lost = [call for call in calls if people[call.person].kind in ANSWERING and call.at("cancel") is not None]
    more = {
        "dealt by the carrier": f"{len(answering)} of {len(dealt)} would answer ({len(answering) / len(dealt):.3f}), "
        f"after {statistics.mean(to_answer):.1f} s; {len(lost)} of them were hung up before they did",
        "CANCELs at the carrier": f"{len(rings)}, the soonest {rings[0]:.3f} s after its 180" if rings else "none",
    }
    return account.table(
        f"predictive, {MINUTES:g} minutes on FreeSWITCH and SIPp",
        minutes=MINUTES,
        agents=AGENTS,
        true_answer_probability=ONE_ANSWER,
        summary=summary,
        attempts=attempts,
        samples=samples,
        found=found,
        more=more,
    )


# ---- hanging up what rings ------------------------------------------------------------------------------------


FEW = 8
SPREAD_S = 0.06
QUICK_RING_S = 5.0
GENEROUS = {
    # Another limit than anybody's rules, so that it over-dials at once and hangs up what it can.
    "abandon": [{"limit": "60%", "period": "day"}],
    "aim": "100%",
    "min_agents": 1,
    "hang_up_over": "1%",
    "hang_up_share": "90%",
    "max_theta": "90%",
    "expect": {"answer_probability": "30%", "talk_s": 8},
}


def _greedy(stages: Stages, people: list[Person], leads: int) -> Stage:
    return stages.build(
        numbers(range(100), leads),
        people=deal(people),
        agents=FEW,
        campaign={
            "mode": "predictive",
            "ring_timeout_s": 20,
            "min_ring_s": QUICK_RING_S,
            "wrap_up_s": 1,
            "pacing": GENEROUS,
        },
        trunk={"channels": 100, "cps": 15},
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_ringing_call_that_pacing_hangs_up(stages: Stages) -> None:
    """CANCEL past the minimum ring, 487, ORIGINATOR_CANCEL; and a 200 that crosses it leaves nobody in silence.

    Half of those who do not answer play a crossing: they answer the CANCEL with a 200 to the INVITE, as a callee does
    who picks up while the CANCEL is on its way. The switch says ACK and BYE at once.
    """
    chance = Crowd(answers=0.35, fails=0.0, to_answer_s=(3.0, 1.0, 8.0), rings_s=(18.0, 19.0), talk_s=(8.0, 0.5))
    people = chance.draw(2000, SEED)
    for index, person in enumerate(people):
        if person.kind in (Kind.RINGS, Kind.RINGS_ON) and index % 2:
            people[index] = Person(Kind.CROSSES, person.delay_s, 18.0)
    stage = _greedy(stages, people, 400)
    witness = stage.switch.witness(("CHANNEL_PROGRESS", "CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE"))
    dialer = stage.floor.run("--drain", "25s")
    until(lambda: stage.floor.ended_attempts() >= 220, 100.0, "calls to be hung up", 0.5)
    summary = dialer.stop(90.0)
    attempts = account.attempts_of(stage.floor.data_dir / "dialer.db")
    until(lambda: not _on_the_line(stage), 40.0, "the last BYE to be heard")
    pairs = _pairs(attempts, played(stage.carrier))
    crossed = [(a, c) for a, c in pairs if c.at("crossed") or c.at("late-cancel")]
    cut = [(a, c) for a, c in pairs if a.outcome == "cancelled" and (a, c) not in crossed]
    ends: dict[str, list[Any]] = {}
    for event in witness.events:
        if event.name in ("CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE"):
            ends.setdefault(event.uuid, []).append(event)

    def seen(attempt: account.Attempt) -> str:
        said = []
        for event in ends.get(attempt.id, []):
            if event.name == "CHANNEL_ANSWER":
                said.append("ANSWER")
            else:
                said.append(
                    f"{event['Hangup-Cause']} q850 {event['variable_hangup_cause_q850'] or '-'} status "
                    f"{event['variable_sip_term_status'] or '-'} {event['variable_sip_hangup_disposition']}"
                )
        return ", ".join(said)

    said_cut = Counter((a.outcome, a.cause, a.sip_status, seen(a)) for a, _ in cut)
    said_crossed = Counter((a.outcome, a.reason, a.cause, a.sip_status, seen(a)) for a, _ in crossed)
    picked_up = [(c.at("crossed") or c.at("picks-up") or 0.0, c.at("hung-up")) for _, c in crossed]
    longest = max((end - begin for begin, end in picked_up if end is not None), default=math.nan)
    soonest = min(c.rang_before_cancel_s or 0.0 for _, c in [*cut, *crossed])
    print(
        f"\n{summary['outcomes']}\nhung up {len(cut)}: {dict(said_cut)}\ncrossed {len(crossed)}: {dict(said_crossed)}"
    )
    print(f"the soonest CANCEL {soonest:.3f} s after its 180; from picking up to the BYE at most {longest:.3f} s")

    assert len(cut) >= 10 and len(crossed) >= 10, Counter(a.outcome for a in attempts)
    assert soonest >= QUICK_RING_S
    assert {(cause, outcome) for outcome, cause, _, _ in said_cut} == {("ORIGINATOR_CANCEL", "cancelled")}
    # Exactly one outcome each, nobody left in silence: the switch says ACK and BYE to a 200 that comes too late. It
    # says so to nobody else: no CHANNEL_ANSWER, and CHANNEL_HANGUP_COMPLETE is over by then. So `cancelled` it is.
    assert {outcome for outcome, *_ in said_crossed} <= {"cancelled", "abandoned"}
    assert all(end is not None for _, end in picked_up)
    assert not [c for _, c in pairs if c.at("left-in-silence") or c.at("left-unheard")]
    assert longest < 3.0  # with the BYE said again, should SIPp have missed the first
    _all_well(stage, summary)


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="in the longer form: SIPp misses a BYE now and then when the machine is busy")
@pytest.mark.timeout(240)
def test_answers_at_the_moment_of_the_hang_up(stages: Stages) -> None:
    """Phones picked up around the end of the minimum ring, at the very moment at which the end of a run hangs them up.

    The drain hangs up each ringing call exactly at its minimum ring, so answers meet the command at every stage of its
    way: before it is sent, in the switch, on the wire. Each attempt has one outcome; nobody stays in silence; whoever
    was answered after our hang-up counts as abandoned.
    """
    count = 80
    spread = [QUICK_RING_S - SPREAD_S / 3 + SPREAD_S * index / count for index in range(count)]
    people = [Person(Kind.ANSWERS, 0.1, ring_s, 20.0) for ring_s in spread]
    stage = stages.build(
        numbers(range(100), count),
        people=deal(people),
        agents=FEW,
        campaign={
            "mode": "ratio",
            "lines_per_agent": 10,
            "ring_timeout_s": 20,
            "min_ring_s": QUICK_RING_S,
            "hopper_size": 200,
        },
        trunk={"channels": 100, "cps": 50},
    )
    witness = stage.switch.witness(("CHANNEL_PROGRESS", "CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_PARK"))
    dialer = stage.floor.run("--drain", "1s")
    until(lambda: stage.carrier.now_in("ringing") >= count, 20.0, "all to ring", 0.05)
    summary = dialer.stop(60.0)
    attempts = account.attempts_of(stage.floor.data_dir / "dialer.db")
    until(lambda: not witness.channels(), 10.0, "all channels to end", 0.2)
    until(lambda: not _on_the_line(stage), 40.0, "the last BYE to be heard")
    pairs = _pairs(attempts, played(stage.carrier))

    def kind(call: Played) -> str:
        if call.at("late-cancel") is not None:
            return "200 crossed the CANCEL"
        if call.at("cancel") is not None:
            return "CANCEL first"
        return "answered"

    answered = {event.uuid for event in witness.events if event.name == "CHANNEL_ANSWER"}
    story = Counter(
        (kind(c), "ANSWER seen" if a.id in answered else "no ANSWER", a.outcome, a.reason) for a, c in pairs
    )
    for line, times in sorted(story.items()):
        print(f"\n{times:3d} × {' · '.join(line)}", end="")
    rings = [c.rang_before_cancel_s for _, c in pairs if c.rang_before_cancel_s is not None]
    silent = [
        c.steps["hung-up"] - c.steps["picks-up"]
        for a, c in pairs
        if c.at("picks-up") and c.at("hung-up") and a.bridged_at is None
    ]
    print(f"\nthe soonest CANCEL {min(rings, default=math.nan):.3f} s after its 180; whoever got no agent was hung up "
          f"within {max(silent, default=math.nan):.3f} s")  # fmt: skip

    assert len(attempts) == count
    assert all(ring >= QUICK_RING_S for ring in rings)
    assert {a.outcome for a in attempts} <= {"connected", "abandoned", "shutdown"}
    assert max(silent, default=0.0) < 3.0
    crossed = [a for a, _ in pairs if a.reason == "the answer crossed our hang-up"]
    assert crossed, "no answer met the hang-up: nothing was tested"
    assert {a.outcome for a in crossed} == {"abandoned"} and all(a.id in answered for a in crossed)
    _all_well(stage, summary)


def _on_the_line(stage: Stage) -> list[Played]:
    """Who picked up and was not hung up yet. SIPp may miss a BYE between two steps; the switch says it again."""
    return [
        call
        for call in played(stage.carrier)
        if (call.at("picks-up") or call.at("crossed")) and not (call.at("hung-up") or call.at("far-end-hung-up"))
    ]


def _all_well(stage: Stage, summary: dict[str, Any]) -> None:
    """Attempts, outcomes, leads, channels and agents' lines of a run that is over."""
    assert summary["attempts"] == sum(summary["outcomes"].values()) == sum(stage.floor.attempts_by_number().values())
    assert stage.carrier.invites() == stage.floor.attempts_by_number()
    assert summary["leads_unaccounted"] == 0
    assert summary["channels_left"] == 0
    assert summary["counters"].get("agent_lines_lost", 0) == 0
    assert stage.carrier.running and stage.seats.running, stage.carrier.errors()
    assert not stage.switch.errors(), stage.switch.errors()[:5]
    opened = Counter(step.number for step in stage.seats.steps() if step.step == "invite")
    assert set(opened.values()) == {1}, f"an agent's line was opened again: {opened}"
