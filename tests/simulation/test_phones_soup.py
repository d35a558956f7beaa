"""Random phones against the whole engine: keys, hang-ups, lost phones, supervisors, faults; nobody is left stuck.

A failing seed reproduces exactly: ``DIALER_SOUP_SEEDS=17 pytest tests/simulation/test_phones_soup.py`` runs that one,
and its story is printed. ``DIALER_SOUP_COUNT=3000 DIALER_SOUP_MINUTES=30`` runs so many shifts of half an hour (about
5 s of a core each); the default is a few short ones.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from soup import play

MINUTES = float(os.environ.get("DIALER_SOUP_MINUTES", "4"))
PARTS = 8
FORMERLY = (146, 165, 191)
"""Seeds that failed within these minutes: a phone that held, unknown to the switch, was given a customer."""


def seeds() -> list[int]:
    if os.environ.get("DIALER_SOUP_SEEDS"):
        return [int(seed) for seed in os.environ["DIALER_SOUP_SEEDS"].split(",")]
    if os.environ.get("DIALER_SOUP_COUNT"):
        return list(range(int(os.environ["DIALER_SOUP_COUNT"])))
    return [*range(40), *FORMERLY]


@pytest.mark.timeout(120 + 60 * len(seeds()) * MINUTES / PARTS)
@pytest.mark.parametrize("first", range(PARTS))
def test_random_phones_leave_nobody_stuck(first: int) -> None:
    for seed in seeds()[first::PARTS]:
        play(seed, MINUTES * 60.0)


def test_a_soup_reproduces_exactly() -> None:
    first, second = play(3, 60.0), play(3, 60.0)
    assert list(first.story) == list(second.story)
