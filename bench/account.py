"""What a predictive run in real time says of itself: its decisions' reasons, samples of its API, attempts in its store.

Owns the reading of the reasons' sentence, the search for figures that cannot be, and the short table for people. Used
by ``bench.realtime`` (embedded switch) and by the live tests (a real one). Starts nothing and asks nobody.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

METRICS = (
    "dialer_pacing_theta",
    "dialer_pacing_p_next_abandon",
    "dialer_pacing_answer_probability",
    "dialer_pacing_decisions_total",
    "dialer_pacing_decision_cpu_seconds_bucket",
    "dialer_hung_up_ringing_total",
    "dialer_abandon_budget_calls",
    "dialer_abandon_rate",
    "dialer_abandon_limit",
)
"""Families that the metrics must have while a predictive campaign runs."""
FIRST_RISK = 33
"""Answers that must have come before a 3 % window bears the first abandonment: 34 with the one at stake."""
_HEAD = re.compile(
    r"(?:start \d+: .*?; wanted |start )(?P<lines>\d+): (?:(?:the hopper|no room).*?; )?"
    r"(?P<ready>\d+) ready and (?P<freeing>[\d.]+) freeing within (?P<within>\d+) s, "
    r"(?P<waiting>\d+) waiting, (?P<ringing>\d+) ringing expected to give (?P<answers>[\d.]+) answers, "
    r"P\(next finds nobody\) (?P<p>[\d.]+)"
)
_DETAILS = (
    re.compile(r"(?P<sign>[≤>]) θ (?P<theta>[\d.]+)"),
    re.compile(r"budget (?P<left>-?[\d.]+) of (?P<allowed>[\d.]+) left"),
    re.compile(r"risks eased to (?P<ease>\d+)%"),
    re.compile(r"\(at most (?P<safe>[\d.e-]+), or (?P<single>one call for each free agent): .* window bears no risk"),
    re.compile(r"; hang up (?P<cuts>\d+) overdue: P\(the next answers find nobody\) (?P<near>[\d.]+)"),
)
_OTHER = re.compile(
    r"start \d+: (?:.*; (?:wanted \d+: )?)?"
    r"(\d+ agents are fewer than min_agents|the list of \d+ more calls ends before the shift does at 1:1|"
    r"no agent has logged in|no switch|"
    r"(?=.*(switch|store|clock|drain|connect)))"
)
_STARTED = re.compile(r"start (\d+):")


@dataclass(frozen=True)
class Attempt:
    """A row of the store. Times are epoch seconds."""

    id: str
    lead: int
    number: str
    opened_at: float
    rang_at: float | None
    answered_at: float | None
    bridged_at: float | None
    ended_at: float | None
    outcome: str
    reason: str
    cause: str
    sip_status: str


def attempts_of(database: Path) -> list[Attempt]:
    """All attempts, in the order in which they were opened."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
    try:
        rows = connection.execute(
            "SELECT id, lead_id, number, opened_at, rang_at, answered_at, bridged_at, ended_at, "
            "coalesce(outcome, 'open'), reason, cause, sip_status FROM attempts ORDER BY opened_at, id"
        ).fetchall()
    finally:
        connection.close()
    return [Attempt(*row) for row in rows]


def log_lines(log: Path) -> list[dict[str, Any]]:
    """A JSON log's lines as objects; others are left out."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


@dataclass(frozen=True)
class Reason:
    """One decision's sentence. ``parts``: what it names; None when it is of another kind (too few agents, stopped)."""

    text: str
    parts: dict[str, str] | None

    @property
    def started(self) -> int:
        """Calls started, after what the trunk and the hopper took off."""
        found = _STARTED.match(self.text)
        return int(found[1]) if found else 0

    @property
    def cuts(self) -> int:
        """Overdue rings to be hung up."""
        return int((self.parts or {}).get("cuts") or 0)

    def number(self, name: str) -> float:
        """One of the numbers; NaN when it is not said."""
        return float((self.parts or {}).get(name) or math.nan)


def reasons(lines: Iterable[Mapping[str, Any]], campaign: str) -> list[Reason]:
    """The decisions in a log at debug, in order."""
    head = f"campaign {campaign}: "
    found = []
    for line in lines:
        text = str(line.get("text", ""))
        if line.get("event") == "pacing_decision" and text.startswith(head):
            found.append(reason_of(text.removeprefix(head)))
    return found


def reason_of(text: str) -> Reason:
    """A decision's sentence, read."""
    head = _HEAD.match(text)
    if head is None:
        return Reason(text, None)
    parts = head.groupdict()
    for detail in _DETAILS:
        if match := detail.search(text, head.end()):
            parts |= match.groupdict()
    return Reason(text, parts)


@dataclass(frozen=True)
class Sample:
    """``GET /v1/campaigns/NAME/pacing`` so many seconds after the start."""

    at_s: float
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Bounds:
    """What the figures of a run cannot exceed."""

    agents: int
    channels: int
    min_ring_s: float
    hang_up_share: float
    max_theta: float
    ring_most_s: float = 31.0


def impossible_reason(reason: Reason, bounds: Bounds) -> list[str]:
    """What of a decision's sentence cannot be, in words."""
    if reason.parts is None:
        return [] if _OTHER.match(reason.text) else [f"not understood: {reason.text}"]
    n, below = reason.number, reason.parts.get("sign") == "≤"
    free = max(0.0, n("ready") - n("waiting") - n("ringing"))
    rules = {
        "neither a threshold nor one call for each free agent": not {"sign", "single"} & reason.parts.keys(),
        "more ready and freeing than agents": n("ready") + n("freeing") > bounds.agents + 0.05,
        "more ringing than channels": n("ringing") > bounds.channels,
        "more answers than calls that ring": n("answers") > n("ringing") + 0.05,
        "a probability above 1": max(n("p"), n("theta")) > 1.0,
        "θ above its cap": n("theta") > bounds.max_theta + 1e-9,
        "the sign does not fit": (n("p") - n("theta")) * (1 if below else -1) > 0.0011,
        "more budget left than there is": n("left") > n("allowed") + 0.051,
        "started although nobody is free and the next would find nobody": (
            reason.parts.get("sign") == ">" and not reason.cuts and n("lines") > free
        ),
        "started more than one for each free agent although the next might find nobody": (
            "single" in reason.parts and not reason.cuts and n("lines") > free and n("p") > n("safe")
        ),
        "hangs up more than ring": reason.cuts > n("ringing"),
    }
    return [f"{what}: {reason.text}" for what, wrong in rules.items() if wrong]


def impossible_sample(sample: Sample, bounds: Bounds) -> list[str]:
    """What of an API answer cannot be, in words."""
    told = sample.told
    agents, calls, learnt, decision = told["agents"], told["calls"], told["learnt"], told["decision"]
    rules = {
        "mode": told["mode"] != "predictive",
        "agents do not add up": sum(agents.values()) > bounds.agents or min(agents.values()) < 0,
        "more conversations than calls": agents["talking"] > calls["all"],
        "calls": not 0 <= calls["ringing"] + calls["waiting"] <= calls["all"] <= bounds.channels,
        "θ": not 0.0 <= told["theta"] <= bounds.max_theta,
        "p_next": not 0.0 <= decision.get("p_next", 0.0) <= 1.0,
        "answer probability": not (
            0.0 < learnt["answer_probability_low"] <= learnt["answer_probability"]
            and learnt["answer_probability"] <= learnt["answer_probability_high"] < 1.0
        ),
        "time to answer": not 0.0 < learnt["time_to_answer_s"] <= bounds.ring_most_s,
        "talk and wrap": not (learnt["talk_s"] > 0.0 and learnt["wrap_s"] >= 0.0),
        "hung up share": not 0.0 <= told["hung_up_share"] <= bounds.hang_up_share + 0.02,
        "hung up count": not 0 <= told["hung_up_ringing"] <= told["dialed"],
        "decision older than two seconds": not 0.0 <= (decision.get("ago_s") or 0.0) <= 2.5,
        "the decision's reason": not str(decision["reason"]).startswith("start "),
        "observations dropped": bool(told["dropped"]),
    }
    wrong = [f"at {sample.at_s:.0f} s: {what}" for what, broken in rules.items() if broken]
    for window in told["windows"]:
        answered, abandoned = window["answered"], window["abandoned"]
        rate = abandoned / answered if answered else 0.0
        fits = math.isclose(window["rate"], rate, abs_tol=1e-6)
        fits &= math.isclose(window["left"], window["limit"] * answered - abandoned, abs_tol=1e-6)
        if not fits or abandoned > answered or window["projected"] > max(rate, window["limit"]) + 1e-6:
            wrong.append(f"at {sample.at_s:.0f} s: window {window}")
    return wrong


def impossible_run(samples: Sequence[Sample], bounds: Bounds) -> list[str]:
    """What of all samples cannot be, counters that fall among it."""
    wrong = [fault for sample in samples for fault in impossible_sample(sample, bounds)]
    return wrong + [
        f"at {after.at_s:.0f} s: {name} fell"
        for before, after in pairwise(samples)
        for name in ("dialed", "hung_up_ringing")
        if after.told[name] < before.told[name]
    ]


def abandoned_too_soon(attempts: Iterable[Attempt], first: int = FIRST_RISK) -> list[Attempt]:
    """Calls that were answered among the first ``first`` and abandoned: the window could not bear them yet."""
    answered = sorted((a for a in attempts if a.answered_at is not None), key=lambda a: a.answered_at or 0.0)
    return [attempt for attempt in answered[:first] if attempt.outcome == "abandoned"]


def hung_up_by_pacing(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Calls that pacing hung up while they rang, answers that crossed it among them."""
    return [a for a in attempts if a.outcome == "cancelled" or (a.outcome == "abandoned" and "crossed" in a.reason)]


def came_back(attempts: Sequence[Attempt]) -> tuple[int, int]:
    """(leads that were hung up by pacing, those of them that were dialed again later)."""
    last: dict[int, float] = {}
    for attempt in attempts:
        last[attempt.lead] = attempt.opened_at
    cut: dict[int, float] = {}
    for attempt in hung_up_by_pacing(attempts):
        cut.setdefault(attempt.lead, attempt.opened_at)
    return len(cut), sum(last[lead] > at for lead, at in cut.items())


def samples_of_reasons(found: Sequence[Reason]) -> list[str]:
    """Three that tell a story: one call for each free agent, a start with a risk, a hang-up."""
    sentences = [reason for reason in found if reason.parts is not None and reason.started]
    chosen = []
    if first := next((r for r in sentences if "single" in (r.parts or {})), None):
        chosen.append(first)
    risked = [r for r in sentences if r.number("theta") > 0]
    if risked:
        chosen.append(risked[len(risked) // 2])
    cuts = [r for r in found if r.cuts]
    if cuts:
        chosen.append(cuts[len(cuts) // 2])
    for reason in reversed(sentences):
        if len(chosen) >= 3:
            break
        if reason not in chosen:
            chosen.append(reason)
    return [reason.text for reason in chosen[:3]]


def table(
    title: str,
    *,
    minutes: float,
    agents: int,
    true_answer_probability: float,
    summary: Mapping[str, Any],
    attempts: Sequence[Attempt],
    samples: Sequence[Sample],
    found: Sequence[Reason],
    more: Mapping[str, str] | None = None,
) -> str:
    """The run in a few lines. The learnt figures are those of the last sample."""
    told = samples[-1].told
    learnt = told["learnt"]
    dials, answered, abandoned = summary["attempts"], summary["answered"], summary["abandoned"]
    cuts, (cut_leads, back) = hung_up_by_pacing(attempts), came_back(attempts)
    rings = [a.ended_at - a.rang_at for a in cuts if a.ended_at is not None and a.rang_at is not None]
    windows = {(w["answered"], w["abandoned"], w["limit"]): w["left"] for w in told["windows"]}
    connected = summary["connected"]
    rows = {
        "minutes": f"{minutes:g}, {summary['seconds']:.0f} s with its end",
        "agents": f"{agents}",
        "dials": f"{dials}, at most {max(s.told['calls']['all'] for s in samples)} calls at once",
        "answers": f"{answered} ({answered / dials:.1%} of dials)" if dials else "0",
        "answer probability": f"learnt {learnt['answer_probability']:.3f} ({learnt['answer_probability_low']:.3f} to "
        f"{learnt['answer_probability_high']:.3f}), true {true_answer_probability:.3f}",
        "abandoned": f"{abandoned} of {answered}: {summary['abandon_rate']:.2%}",
        "windows at the end": "; ".join(
            f"{gone:.0f} of {came:.0f}, limit {limit:.0%}, {left:.1f} calls left"
            for (came, gone, limit), left in windows.items()
        ),
        "busy share": f"{summary['busy_share']:.1%}",
        "hung up by pacing": f"{len(cuts)} ({len(cuts) / max(dials, 1):.1%} of dials)"
        + (f", the soonest after {min(rings):.3f} s of ringing" if rings else "")
        + f"; {back} of {cut_leads} leads dialed again",
        "dials per answer": f"{dials / answered:.2f}" if answered else "-",
        "connected per agent-hour": f"{connected / (agents * minutes / 60):.1f}",
        "θ at the end": f"{told['theta']:.4f} (factor {told['theta_factor']:.2f}, target {told['target']:.4f}, "
        f"risks eased to {told['ease']:.0%}); on average {statistics.mean(s.told['theta'] for s in samples):.4f}",
        "learnt times": f"to answer {learnt['time_to_answer_s']:.1f} s, talk {learnt['talk_s']:.0f} s, wrap-up "
        f"{learnt['wrap_s']:.1f} s from {learnt['talks']:.0f} talks",
        "outcomes": ", ".join(f"{n} {name}" for name, n in Counter(summary["outcomes"]).most_common()),
        "answer to agent": f"{summary['answer_to_agent_ms']} ms",
        "decision's CPU": f"{summary['pacing_decision_cpu_ms']} ms" if "pacing_decision_cpu_ms" in summary else "-",
        **(more or {}),
    }
    width = max(map(len, rows))
    lines = [title, *(f"  {name:<{width}}  {value}" for name, value in rows.items())]
    return "\n".join([*lines, *(f"  reason: {text}" for text in samples_of_reasons(found))])
