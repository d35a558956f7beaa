"""The ``routing`` section within a whole configuration: what it names must be there, what it does not do is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load
from dialer.settings import build

BASE = """
data_dir: var
switch: embedded
trunks: [{name: t, channels: 10, cps: 5, caller_id: "+12125550100"}]
seats: [{id: 1-4}]
agents:
  - {id: 1-3, groups: [gold], team: red}
  - {id: "4"}
lists: [{name: main, region: US}]
campaigns: [{name: sales, mode: progressive, lists: [main], trunk: t}]
routing:
"""


def written(folder: Path, *lines: str) -> Path:
    file = folder / "dialer.yaml"
    file.write_text(BASE + "".join(f"  {line}\n" for line in lines))
    return file


def test_rules_reach_the_store_and_kept_seats_and_groups_the_engine(tmp_path: Path) -> None:
    made = build(
        load(written(
            tmp_path,
            "own_agent: {age: 10d}",
            "vips: [{name: board, companies: [Acme], agent: '1', group: red}]",
            "seat_groups: [{name: kept, seats: [3-4], serves: [vip]}]",
        )),
        "epoch",
    )  # fmt: skip
    assert made.rules.own_age_s == 10 * 86_400.0 and made.rules.vips[0].agent == "1"
    assert made.rules.agent_groups == {name: {"gold", "red"} for name in ("1", "2", "3")}
    assert made.engine.routing.dedicated == {"3": {"vip"}, "4": {"vip"}}
    assert made.engine.agents["1"].groups == {"gold"} and made.engine.agents["4"].groups == frozenset()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("vips: [{name: a, numbers: ['+4930111'], agent: '9'}]", "routing.vips.a.agent: 9: a configured agent"),
        ("vips: [{name: a, numbers: ['+4930111'], group: gild}]",
         "routing.vips.a.group: gild: a group that an agent is in: gold, red"),
        ("tiers: [{name: high, target_s: 5, groups: [blue]}, {name: ordinary, target_s: 20}]",
         "routing.tiers.high.groups.0: blue: a group that an agent is in: gold, red"),
        ("seat_groups: [{name: a, seats: [3-5], serves: [vip]}]",
         "routing.seat_groups.a.seats.0: 5: a configured seat"),
        ("follow_me: [{name: a, phones: [{name: d, agent: '9'}]}]",
         "routing.follow_me.a.phones.d.agent: 9: a configured agent"),
        ("follow_me: [{name: a, phones: [{name: d, seat: '9'}]}]",
         "routing.follow_me.a.phones.d.seat: 9: a configured seat"),
        ("follow_me: [{name: a, phones: [{name: d, number: '+49170', trunk: x}]}]",
         "routing.follow_me.a.phones.d.trunk: x: a configured trunk"),
        ("follow_me: [{name: a, phones: [{name: d, seat: '1'}], task_for: blue}]",
         "routing.follow_me.a.task_for: blue: a group (gold, red), or a configured agent"),
    ],
)  # fmt: skip
def test_who_is_not_there_is_told_with_file_and_line(tmp_path: Path, line: str, fault: str) -> None:
    file = written(tmp_path, line)
    with pytest.raises(ConfigError) as caught:
        load(file)
    (told,) = caught.value.faults
    assert str(told).startswith(f"{file}:12: {fault}")


def test_what_no_call_is_routed_by_yet_is_told(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "choice: most_skilled",
        "calendars: [{name: office, zone: Europe/Berlin, hours: {mon-fri: '09:00-17:00'}}]",
        "follow_me: [{name: ann, phones: [{name: desk, seat: '1'}]}]",
    )
    words = ("no call is routed by it yet", "no number that people call is open by it", "nobody is followed by it")
    told = [text for notice in load(file).warnings if any(word in (text := str(notice)) for word in words)]
    assert sorted(text.split(":")[1] for text in told) == ["12", "13", "14"]
