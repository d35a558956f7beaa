"""Two carriers on a real switch: the cheaper one answers 503, so calls go on on the other, and it is left for a while.

A number that the failing carrier knows not to exist is nobody's fault and is not dialed anywhere else. Later the first
carrier works again: a probe finds out, and it gets its calls back.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from conftest import Stage, Stages
from harness.floor import CAMPAIGN, Dialer
from harness.plays import PLAYS, numbers
from harness.ports import LOOPBACK
from harness.scenarios import carrier as carrier_scenario
from harness.sipp import Sipp
from harness.waiting import until

from routing.health import HealthPolicy

GONE, TALKS = 40, (10, 11, 12)
COOL_DOWN_S = 6.0
FAILS = carrier_scenario(
    play if play.code == GONE else replace(play, kind="refuse", ring_s=0.0, status="503 Service Unavailable")
    for play in PLAYS
)


def build(stages: Stages, dialed: list[str], scenario: str) -> tuple[Stage, Sipp]:
    """A stage whose campaign has the trunks ``first`` (cheaper, playing ``scenario``) and ``carrier``."""
    first = stages.sipp("first", scenario)
    stage = stages.build(dialed, start_switch=False, agents=4, campaign={"dead_numbers": False})
    tree: dict[str, Any] = stage.floor.tree
    (carrier,) = tree["trunks"]
    tree["trunks"].append(carrier | {"name": "first", "port": first.port, "caller_id": "+12025550177"})
    rows = {"prefix": "+", "per_minute": 0.02}
    tree["lines"] = {
        "costs": [
            {"name": "dear", "zone": "UTC", "trunks": ["carrier"], "rows": [rows]},
            {"name": "cheap", "zone": "UTC", "trunks": ["first"], "rows": [rows | {"per_minute": 0.01}]},
        ],
        "health": {"cool_down": f"{COOL_DOWN_S:g}s"},
    }
    campaign = tree["campaigns"][0]
    del campaign["trunk"]
    campaign |= {"trunks": ["carrier", "first"], "max_attempts": 1}
    stage.floor.write()
    assert tree["trunks"][1]["proxy"] == LOOPBACK
    stage.switch.render()
    stage.switch.start()
    return stage, first


def start(stage: Stage) -> Dialer:
    """The dialer at work; a machine that does much else takes its time."""
    dialer = stage.floor.run("--for", "240s", "--drain", "20s")
    until((stage.floor.data_dir / "run" / "dialer.json").exists, 120.0, "the dialer to listen", 0.2)
    dialer.until_ready(60.0)
    return dialer


def attempts(stage: Stage) -> dict[str, list[tuple[str, str, str, float, float]]]:
    """(trunk, outcome, shown, opened, ended) of all ended attempts, by number, in order."""
    found: dict[str, list[tuple[str, str, str, float, float]]] = {}
    rows = stage.floor.query(
        "SELECT number, trunk, outcome, shown, opened_at, ended_at FROM attempts WHERE outcome IS NOT NULL"
        " ORDER BY opened_at"
    )
    for number, *rest in rows:
        found.setdefault(number, []).append(tuple(rest))  # type: ignore[arg-type]
    return found


def metric(dialer: Dialer, name: str) -> float:
    _, text = dialer.get("/metrics")
    line = next(line for line in str(text).splitlines() if line.startswith(name))
    return float(line.rpartition(" ")[2])


def test_a_carrier_that_answers_503_is_left_and_its_calls_go_on(stages: Stages) -> None:
    gone, people = numbers([GONE], 2), numbers(TALKS, 40)
    dialed = [*gone, *people]
    stage, first = build(stages, dialed, FAILS)
    dialer = start(stage)
    sick = 'dialer_trunk_state{state="cooling",trunk="first"}'
    until(lambda: metric(dialer, sick) == 1.0, 60.0, "the first carrier to be found sick", 0.2)
    told = explain(stage, people[0])
    until(lambda: len(attempts(stage)) == len(dialed) and not stage.floor.open_attempts(), 150.0, "all calls", 0.5)
    gone_on = metric(dialer, 'dialer_trunk_gone_on_total{trunk="first"}')
    summary = dialer.stop()

    found = attempts(stage)
    for number in gone:
        assert [made[:2] for made in found[number]] == [("first", "invalid_number")]
    both = {number: made for number, made in found.items() if len(made) == 2}
    for number, (failed, then) in both.items():
        assert (failed[:3], then[0]) == (("first", "carrier_failure", "+12025550177"), "carrier"), number
        assert then[2] == "+12025550100" and 0.0 <= then[3] - failed[4] < 1.0, number
    last = Counter(made[-1][1] for number, made in found.items() if number in people)
    assert last == {"connected": len(people)}
    # The first test of 5 failures, and one probe after each cool-down; a call or two were on their way.
    assert 5 <= len(both) <= 20 and gone_on == len(both)
    assert stage.carrier.invites() == Counter(n for n, made in found.items() for m in made if m[0] == "carrier")
    assert first.invites() == Counter(n for n, made in found.items() for m in made if m[0] == "first")
    assert "goes out on carrier" in told and "not first: fails too many calls; cools down for" in told
    assert people[0] not in told and people[0][1:] not in told
    assert summary["attempts"] == len(dialed) + len(both) == sum(summary["outcomes"].values())
    assert summary["leads_unaccounted"] == 0 and summary["channels_left"] == 0
    gaps = sorted(then[3] - failed[4] for failed, then in both.values())
    sickness = [line["text"] for line in dialer.lines("trunk_sick")]
    print(f"\n{len(both)} calls went on, {gaps[0] * 1000:.0f} to {gaps[-1] * 1000:.0f} ms after the 503")
    print(*sickness, told, sep="\n")


def test_a_carrier_that_works_again_gets_its_calls_back(stages: Stages) -> None:
    people = numbers(TALKS, 90)
    stage, first = build(stages, people, FAILS)
    dialer = start(stage)
    sick, well = (f'dialer_trunk_state{{state="{state}",trunk="first"}}' for state in ("cooling", "healthy"))
    until(lambda: metric(dialer, sick) == 1.0, 60.0, "the first carrier to be found sick", 0.1)
    first.play(carrier_scenario(PLAYS))
    until(lambda: metric(dialer, well) == 1.0, 60.0, "three probes in a row to work", 0.2)
    calls = metric(dialer, 'dialer_trunk_calls_total{trunk="first"}')
    until(
        lambda: metric(dialer, 'dialer_trunk_calls_total{trunk="first"}') >= calls + 8, 60.0, "calls on it again", 0.2
    )
    summary = dialer.stop()
    assert summary["leads_unaccounted"] == 0 and summary["channels_left"] == 0
    assert [line["text"] for line in dialer.lines("trunk_well")] == [
        f"trunk first: {HealthPolicy().probes} probes in a row worked"
    ]
    probing = Counter(made[-1][1] for made in attempts(stage).values())
    assert set(probing) <= {"connected", "shutdown"}, probing


def explain(stage: Stage, number: str) -> str:
    """What ``dialer explain trunk`` says."""
    program = Path(sys.executable).with_name("dialer")
    command = [program, "explain", "trunk", number, "--campaign", CAMPAIGN, "--config", stage.floor.config_file]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout
