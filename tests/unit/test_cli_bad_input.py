"""`dialer check` on rules that contradict or leave gaps: refused, each with file, line, key and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.cli import main

CONFIG = """\
instance: t
switch: embedded
trunks:
  - {name: carrier, channels: 10, cps: 5, caller_id: "+12025550100"}
seats: [{id: 1001-1003}]
agents: [{id: 1001-1003}]
lines:
  costs:
    - name: gappy
      trunks: [carrier]
      zone: America/New_York
      rows:
        - {prefix: "+1", per_minute: 0.01, hours: "08:00-20:00"}
routing:
  vips:
    - {name: one, numbers: ["+4930111"], agent: "1001"}
    - {name: two, ranges: [{first: "+4930100", last: "+4930199"}], agent: "1002"}
  seat_groups:
    - {name: a, seats: ["1001"], serves: [vip]}
    - {name: b, seats: ["1001"], serves: [red]}
  calendars:
    - {name: office, zone: OFFICE, hours: {mon-fri: "09:00-17:00"}}
"""
ZONE = "22: routing.calendars.office.zone: Europe/Atlantis: a time zone of the IANA list, such as Europe/Berlin"
FAULTS = (
    "13: lines.costs.gappy.rows.0.prefix: +1: a row for every hour, its own or of a shorter prefix; none from Monday",
    "17: routing.vips.two: two: customers whom no other rule names; one has the number …0111 in a range too",
    "20: routing.seat_groups.b.seats.0: 1001: seats of one group only; a has 1001 too",
)


def check(folder: Path, zone: str) -> tuple[int, str]:
    file = folder / "dialer.yaml"
    file.write_text(CONFIG.replace("OFFICE", zone))
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(file), "check"])
    return int(ended.value.code or 0), str(file)


def test_overlapping_vips_a_seat_in_two_groups_and_a_table_with_gaps(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, file = check(tmp_path, "Europe/Berlin")
    told = capfd.readouterr()
    lines = (told.out + told.err).splitlines()
    assert code == 78
    for fault in FAULTS:
        assert any(line.startswith(f"{file}:{fault}") for line in lines), (fault, lines)


def test_a_calendar_of_an_unknown_zone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, file = check(tmp_path, "Europe/Atlantis")
    told = capfd.readouterr()
    assert code == 78 and f"{file}:{ZONE}" in (told.out + told.err).splitlines()
