"""Customers by tier and direction: the store's records, the command, and the metrics, which count alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pg import require_server
from prometheus_client.parser import text_string_to_metric_families as parse_text
from stores import NOW, SqlBench, attempt, closing
from typer.testing import CliRunner

from dialer.clitools.tree import app
from dialer.domain.commands import NoteBridge, StoreCommand
from dialer.domain.inbound import CloseInbound, Ending, NoteInbound, OpenInbound
from dialer.domain.outcomes import Outcome
from dialer.domain.status import QueueView
from dialer.domain.tiers import TierCount, called_in
from dialer.http.app import make_app
from dialer.http.testing import FakePort, sample_status
from dialer.store.tier_report import tiers

TARGETS = {"high": 10.0, "ordinary": 20.0}
CONFIG = """
data_dir: {folder}
switch: embedded
trunks: [{{name: t1, channels: 10, cps: 5, caller_id: "+12125550100"}}]
seats: [{{id: 1-3}}]
agents: [{{id: 1-3}}]
lists: [{{name: main, region: US}}]
routing:
  tiers: [{{name: high, target_s: 10}}, {{name: ordinary, target_s: 20}}]
  tier_rules: {{otherwise: ordinary}}
campaigns: [{{name: sales, mode: progressive, lists: [main], trunk: t1}}]
"""


def caller(ident: str, tier: str, ending: Ending, waited_s: float, at: float = NOW) -> list[StoreCommand]:
    """A call that came in and has ended; without a tier it was in no queue."""
    orders: list[StoreCommand] = [OpenInbound(ident, "n1", "t1", f"+1212555{ident[1:]:0>4}", "+12025550111", "q", at)]
    if tier:
        orders.append(NoteInbound(ident, at, "q", at + 1, tier, False))
    served = at + 1 + waited_s if ending is Ending.SERVED else None
    agent = "1" if served else ""
    return [*orders, CloseInbound(ident, ending, "why", at + 100, at, served, waited_s, agent, "q", "", "")]


def fill(bench: SqlBench) -> None:
    """Four attempts to high ones and two to ordinary ones; five callers; and a day before, one of each."""
    outcomes = {
        "high": (Outcome.CONNECTED, Outcome.CONNECTED, Outcome.ABANDONED, Outcome.NO_ANSWER),
        "ordinary": (Outcome.HUNG_UP_EARLY, Outcome.BUSY),
    }
    count = 0
    for tier, ends in outcomes.items():
        for outcome in ends:
            count += 1
            bench.add_lead([f"+1212555{count:04d}"])
            (lead,) = bench.claim(1).leads
            opened = attempt(lead, f"a{count}", tier=tier)
            talked = [NoteBridge(f"a{count}", NOW + 2, "1")] if outcome is Outcome.CONNECTED else []
            answered = None if outcome in (Outcome.NO_ANSWER, Outcome.BUSY) else NOW + 1
            bench.execute([opened, *talked, closing(opened, outcome, NOW + 9, answered_at=answered)])
    for orders in (
        caller("c1", "high", Ending.SERVED, 9.0),
        caller("c2", "high", Ending.SERVED, 11.0),
        caller("c3", "high", Ending.LOST, 40.0),
        caller("c4", "high", Ending.VOICEMAIL, 60.0),
        caller("c5", "", Ending.REFUSED, 0.0),
        caller("c6", "ordinary", Ending.SERVED, 1.0, NOW - 86_400.0),
    ):
        bench.execute(orders)


EXPECTED = [
    TierCount("", "inbound", 1, 0, 0, 0, 0),
    TierCount("high", "inbound", 4, 4, 2, 1, 1),
    TierCount("high", "outbound", 4, 3, 2, 1),
    TierCount("ordinary", "outbound", 2, 1, 0, 1),
]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_records_are_counted(kind: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db" if kind == "sqlite" else require_server().new_database()
    fill(SqlBench(url))
    found = tiers(url, NOW - 3600, NOW + 3600, TARGETS)
    assert found == EXPECTED
    assert (found[2].connect_rate, found[2].loss_rate) == (2 / 3, 1 / 3)
    assert (found[0].connect_rate, found[0].loss_rate) == (None, None)
    assert tiers(url, NOW + 3600, NOW + 7200, {}) == []


def test_callers_of_a_plan_who_were_in_no_queue_wanted_somebody_too(tmp_path: Path) -> None:
    """Connected are never more than offered."""
    bench = SqlBench(f"sqlite:///{tmp_path}/s.db")
    for ident, ending, waited_s in (("c1", Ending.SERVED, 9.0), ("c2", Ending.SERVED, 11.0), ("c3", Ending.LOST, 30.0),
                                    ("c4", Ending.VOICEMAIL, 40.0), ("c5", Ending.LEFT, 0.0)):  # fmt: skip
        note = NoteInbound(ident, NOW, tier="high", vip=False)
        bench.execute([order if not isinstance(order, NoteInbound) else note
                       for order in caller(ident, "high", ending, waited_s)])  # fmt: skip
    assert tiers(bench.url, NOW - 3600, NOW + 3600, TARGETS) == [TierCount("high", "inbound", 5, 4, 2, 1, 1)]


@pytest.fixture
def report(tmp_path: Path) -> Any:
    fill(SqlBench(f"sqlite:///{tmp_path}/dialer.db"))
    (tmp_path / "dialer.yaml").write_text(CONFIG.format(folder=tmp_path))

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["report", "tiers", *words, "--config", str(tmp_path / "dialer.yaml")])

    return run


def test_the_command(report: Any) -> None:
    """NOW is 2026-09-21 14:13 UTC."""
    told = report("--day", "2026-09-21").output
    assert "2026-09-21 00:00 to 2026-09-22 00:00 UTC" in told
    (line,) = (line for line in told.splitlines() if "high" in line and "inbound" in line)
    assert line.split()[2:] == ["4", "4", "2", "50.0%", "1", "25.0%", "25.0%"]
    found = json.loads(report("--day", "2026-09-20", "--json").stdout)["tiers"]
    assert [(each["tier"], each["connected"]) for each in found] == [("ordinary", 1)]
    assert json.loads(report("--json").stdout)["tiers"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--day", "yesterday"), "expected a day (UTC)"),
        (("--day", "9999-12-31"), "expected a day (UTC)"),
        (("--day", "2026-09-21", "--since", "1h"), "one of them"),
    ],
)
def test_what_was_wrong_is_said(report: Any, words: tuple[str, ...], said: str) -> None:
    result = report(*words)
    assert result.exit_code == 2 or result.exception
    assert said in str(result.exception)


def test_a_span_that_began_before_the_epoch_begins_with_it(report: Any) -> None:
    result = report("--since", "99999999h")
    assert result.exit_code == 0, result.exception
    assert result.output.startswith("1970-01-01 00:00 to ")


def test_the_api_asks_for_a_span() -> None:
    port = FakePort(answers={"tiers": {"since": 1.0, "until": 2.0, "tiers": []}})
    client = make_app(port, "t").test_client()
    asked = {"headers": {"Authorization": "Bearer t"}, "json": {"since": 1, "until": 2.5}}
    assert client.post("/v1/reports/tiers", **asked).status_code == 200
    assert port.asked[-1] == ("tiers", {"since": 1, "until": 2.5})
    wrong = client.post("/v1/reports/tiers", **{**asked, "json": {"since": "today"}})
    assert wrong.status_code == 422


def test_metrics_add_queues_up_and_count_who_was_sent_on_once() -> None:
    first = {"offered": 5, "overflowed": 2, "served": 2, "lost": 1, "unserved": 1, "in_target": 2}
    second = {"offered": 2, "served": 1, "turned_away": 1, "unserved": 1}
    queues = tuple(
        QueueView(name, 0, 0, 0.0, 3, 1, 150.0, 0, 0, 0, 1.0, {"high": words})
        for name, words in (("a", first), ("b", second))
    )
    port = FakePort(sample_status(tiers={"high": {"connected": 6, "abandoned": 2, "no_answer": 9}}, queues=queues))
    text = make_app(port, "t").test_client().get("/metrics").text
    found = {
        (sample.name, sample.labels["direction"]): sample.value
        for family in parse_text(text)
        for sample in family.samples
        if family.name.startswith("dialer_tier_") and sample.labels.get("direction")
    }
    assert found == {
        ("dialer_tier_offered_total", "inbound"): 5,
        ("dialer_tier_connected_total", "inbound"): 3,
        ("dialer_tier_lost_total", "inbound"): 2,
        ("dialer_tier_offered_total", "outbound"): 8,
        ("dialer_tier_connected_total", "outbound"): 6,
        ("dialer_tier_lost_total", "outbound"): 2,
    }
    assert called_in("high", first).calls == 3
