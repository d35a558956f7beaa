"""The benchmark's blended day runs, repeats itself and stays within its lines; our rule keeps its promises in it."""

from __future__ import annotations

from bench.routing.day import Shift
from bench.routing.rules import RULES
from bench.routing.world import Day

QUARTER = Day(hours=0.25, vip_share=0.2)


def test_a_quarter_of_an_hour_under_every_rule() -> None:
    for name, rule in RULES.items():
        shift = Shift(QUARTER, rule(), name == "ours", seed=3)
        figures = shift.run()
        assert figures == Shift(QUARTER, rule(), name == "ours", seed=3).run()
        assert 0 < figures["lines_peak"] <= QUARTER.lines and figures["connected"] > 200
        assert shift.lines == len(shift.ringing) + len(shift.waiting) + sum(a.talking for a in shift.agents.values())
        if name == "ours":
            assert figures["vip_calls"] > 5 and figures["vip_no_wait"] == 1.0
