"""``dialer explain route`` on a saved floor and a real store: who gets a customer, and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stores import NOW, SqlBench, attempt, closing
from stores import campaign as rules_of
from typer.testing import CliRunner

from dialer.clitools.tree import app
from dialer.domain.commands import NoteAnswer, NoteBridge
from dialer.domain.outcomes import Outcome
from routing.facts import AgentFacts, AgentState, RoutingPolicy
from routing.snapshot import Floor, dump

KNOWN, STRANGER = "+12125550001", "+12125550999"
CONFIG = """
data_dir: {folder}
switch: embedded
trunks: [{{name: t1, channels: 10, cps: 5, caller_id: "+12125550100"}}]
seats: [{{id: 1-3}}]
agents: [{{id: 1-3, groups: [gold]}}]
lists: [{{name: main, region: US}}]
routing:
  tier_rules: {{rules: [{{tier: high, when: {{value: {{from: 1000}}}}}}], otherwise: ordinary}}
  seat_groups: [{{name: kept, seats: ["3"], serves: [vip]}}]
campaigns: [{{name: sales, mode: progressive, lists: [main], trunk: t1}}]
"""


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    """Agent 2 talked to the known number yesterday; agents 1 and 2 are free, 3 sits on a kept seat."""
    bench = SqlBench(f"sqlite:///{tmp_path}/dialer.db", campaigns={"sales": rules_of()})
    bench.add_lead([KNOWN], person="ann", fields={"value": "1500"})
    (lead,) = bench.claim(1).leads
    opened = attempt(lead)
    bench.execute([opened, NoteAnswer(opened.attempt_id, None, NOW), NoteBridge(opened.attempt_id, NOW, "2")])
    bench.execute([closing(opened, Outcome.CONNECTED, NOW, answered_at=NOW, bridged_at=NOW, agent="2")])
    team = frozenset({"campaign sales", "gold"})
    agents = tuple(
        AgentFacts(name, AgentState.FREE, 900.0, team, dedicated=frozenset({"vip"} if name == "3" else ()))
        for name in ("1", "2", "3")
    )
    (tmp_path / "dialer.yaml").write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "floor.json").write_text(json.dumps(dump(Floor(1000.0, RoutingPolicy(), agents, ()))))

    def ask(*words: str, floor: str = "floor.json") -> Any:
        where = ["--config", str(tmp_path / "dialer.yaml"), "--snapshot", str(tmp_path / floor)]
        return CliRunner().invoke(app, ["explain", "route", *words, *where])

    return ask


def test_the_agent_who_knows_them_and_why_nobody_else(asked: Any) -> None:
    told = asked(KNOWN, "--at", "2026-09-22T10:00").output
    assert "goes to agent 2: their own agent" in told
    assert "tier high: rule 1: value from 1000" in told and "2 talked to them last" in told
    assert "1 not: the seat serves vip only (3)" in told
    assert KNOWN not in told and "+121****0001" in told


def test_a_number_of_which_nobody_knows_anything(asked: Any) -> None:
    told = json.loads(asked("(212) 555-0999", "--json").output)
    assert told["match"]["agent"] == "1" and told["rank"]["tier"] == "ordinary"
    assert told["records"] == "in none of the campaign's lists"
    assert told["agents"] == {"1": None, "2": None, "3": "the seat serves vip only"}
    assert "2125550999" not in json.dumps(told)


def test_who_knew_them_too_long_ago_does_not_count(asked: Any) -> None:
    assert "goes to agent 1" in asked(KNOWN, "--at", "2027-03-01").output


@pytest.mark.parametrize(
    ("words", "floor", "said"),
    [
        (("12",), "floor.json", "NUMBER"),
        ((KNOWN, "--at", "tomorrow"), "floor.json", "expected a time such as"),
        ((KNOWN, "--campaign", "spring"), "floor.json", "no campaign spring; expected one of: sales"),
        ((KNOWN,), "nowhere.json", "nowhere.json: No such file"),
        ((KNOWN,), "dialer.yaml", "dialer.yaml"),
    ],
)
def test_what_was_wrong_is_said(asked: Any, words: tuple[str, ...], floor: str, said: str) -> None:
    result = asked(*words, floor=floor)
    assert result.exit_code != 0 and said in str(result.exception)
