"""Lines out in a configuration: what may be written, and every fault with its file, line and expectation."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load
from dialer.settings import build
from routing.trunks import Rewrite, rewritten

GOOD = """\
switch: embedded
trunks:
  - name: a
    channels: 10
    cps: 5
    caller_id: "+12025550100"
  - name: b
    channels: 10
    cps: 5
    caller_id: "+12025550101"
    pool: p
lines:
  pools:
    - {name: p, numbers: ["+12125550110", "+13105550111"], daily_cap: 100}
  costs:
    - name: dear
      zone: Europe/Berlin
      trunks: [a]
      rows:
        - {prefix: "+", per_minute: 0.5}
        - {prefix: "+49", per_minute: 0.02, hours: "08:00-20:00"}
seats: [{id: 1001}]
agents: [{id: 1001}]
lists: [{name: bank}]
campaigns:
  - name: bank
    mode: ratio
    lists: [bank]
    trunks: [a, b]
"""
STRICT = "    cli_allotted_only: true"


def loaded(tmp_path: Path, text: str) -> list[str]:
    """The faults of it, without the folder."""
    file = tmp_path / "dialer.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load(file)
    except ConfigError as error:
        return [str(fault).replace(f"{tmp_path}/", "") for fault in error.faults]
    return []


def test_a_list_whose_only_entry_is_faulty_is_not_called_too_short(tmp_path: Path) -> None:
    one = GOOD.replace('        - {prefix: "+", per_minute: 0.5}\n', "").replace("0.02", "cheap")
    found = [fault for fault in loaded(tmp_path, one) if "costs" in fault]
    assert len(found) == 1 and "per_minute: cheap" in found[0]
    none = [fault for fault in loaded(tmp_path, GOOD.replace("trunks: [a]", "trunks: []")) if "costs" in fault]
    assert none == ["dialer.yaml:18: lines.costs.dear.trunks: (list): a list of at least 1 entry"]


def test_several_trunks_reach_the_engine_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "dialer.yaml"
    file.write_text(GOOD.replace("cps: 5", "cps: 5\n    rewrite: [{prefix: '+49', strip: 3, put: '0'}]", 1))
    engine = build(load(file), "epoch").engine
    bank = engine.campaigns["bank"]
    assert (bank.trunk, bank.further_trunks, bank.trunks, bank.caller_id) == ("a", ("b",), ("a", "b"), "")
    a, b = engine.trunks.values()
    assert a.rewrite == (Rewrite("+49", 3, "0"),) and rewritten("+49301", a.rewrites) == "0301"
    assert rewritten("+1212", a.rewrites) == rewritten("+1212", b.rewrites) == "1212"
    assert a.costs is not None and a.costs.longest == 3 and b.costs is None
    assert b.pool == "p" and engine.lines.pools["p"].daily_cap == 100 and engine.lines.zone == "UTC"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("    trunks: [a, b]\n", "", "26: campaigns.bank.trunk: (missing): this key, or trunks: [one, another]"),
        ("    trunks: [a, b]", "    trunk: a\n    trunks: [a, b]",
         "30: campaigns.bank.trunks: (given): either trunk or trunks, not both"),
        ("[a, b]", "[a, a]", "29: campaigns.bank.trunks.1: a: each trunk once"),
        ("[a, b]", "[a, bb]", "29: campaigns.bank.trunks.1: bb: a configured trunk"),
        ("pool: p", "pool: q", "11: trunks.b.pool: q: a pool of lines.pools: p"),
        ("pool: p", f"pool: p\n{STRICT}", "7: trunks.b.allotted: (missing): the numbers that the carrier allots"),
        ("pool: p", f"pool: p\n{STRICT}\n    allotted: ['+12125550199']",
         "11: trunks.b.pool: p: a pool with a number that the carrier allots"),
        ("    pool: p", f"{STRICT}\n    allotted: ['+12125550199']",
         "10: trunks.b.caller_id: (a number): a number that the carrier allots"),
        ("pool: p", "pool: p\n    rewrite: [{prefix: '+1', strip: 3}]",
         "12: trunks.b.rewrite.0.strip: 3: at most 2, the length of the prefix"),
        ("pool: p", "pool: p\n    rewrite: [{prefix: '1', strip: 1}]",
         "12: trunks.b.rewrite.0.prefix: 1: how numbers begin, with +"),
        ("      trunks: [a]", "      trunks: [c]", "18: lines.costs.dear.trunks.0: c: a configured trunk"),
        ('        - {prefix: "+", per_minute: 0.5}\n', "",
         "20: lines.costs.dear.rows.0.prefix: +49: a row for every hour, its own or of a shorter prefix; none from"),
        ('hours: "08:00-20:00"}',
         'hours: "08:00-20:00"}\n        - {prefix: "+49", per_minute: 1, hours: "19:00-24:00"}',
         "21: lines.costs.dear.rows.1.prefix: +49: one row for each hour; two hold on Monday 19:00"),
        ('"+13105550111"]', '"+12125550110"]', "14: lines.pools.p.numbers.1: (a number): each number once"),
        ("  pools:", "  zone: Mars/Olympus\n  pools:", "13: lines.zone: Mars/Olympus: a time zone"),
        ("  pools:", "  health: {usual: 40%}\n  pools:", "13: lines.health.sick: 0.3: above usual"),
    ],
)  # fmt: skip
def test_each_fault_has_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert GOOD.count(old) == 1
    found = loaded(tmp_path, GOOD.replace(old, new))
    assert any(line.startswith(f"dialer.yaml:{fault}") for line in found), found
    assert len(found) == 1, found


def test_numbers_of_which_a_table_says_no_price_are_told(tmp_path: Path) -> None:
    assert loaded(tmp_path, GOOD.replace('"+"', '"+1"').replace(', hours: "08:00-20:00"', "")) == []
    (told,) = [str(n) for n in load(tmp_path / "dialer.yaml").warnings if "no price" in str(n)]
    assert told.endswith(
        "dialer.yaml:16: lines.costs.dear: other numbers than +1, +49 have no price: a takes them only after trunks "
        'with one; a row with prefix "+" is for all numbers'
    )
    assert loaded(tmp_path, GOOD) == []
    assert not [n for n in load(tmp_path / "dialer.yaml").warnings if "no price" in str(n)]


def test_a_number_that_may_not_be_shown_anywhere_is_a_fault_and_on_one_line_a_warning(tmp_path: Path) -> None:
    own = GOOD.replace("[a, b]", "[a, b]\n    caller_id: '+12025550199'")
    assert loaded(tmp_path, own) == []
    strict = own.replace("    pool: p", f"{STRICT}\n    allotted: ['+12025550101']")
    assert loaded(tmp_path, strict) == []
    (told,) = [str(n) for n in load(tmp_path / "dialer.yaml").warnings if "never goes out" in str(n)]
    assert "campaigns.bank.caller_id: never goes out on b" in told and "2025550199" not in told
    own_line = '    caller_id: "+12025550100"'
    both = strict.replace(own_line, f"    caller_id: '+12025550101'\n{STRICT}\n    allotted: ['+12025550101']")
    (fault,) = loaded(tmp_path, both)
    assert "campaigns.bank.caller_id: (a number): a number that a carrier allots: a, b has cli_allotted_only" in fault
