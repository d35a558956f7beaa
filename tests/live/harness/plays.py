"""What the carrier plays, by the last two digits of the dialed number, and what the dialer must make of it.

Owns the table. Numbers are of the range that is reserved for fiction (+1 NPA 555-01xx), so that the two digits are
free in every area.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

AREAS = (
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234,
    239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304, 305, 307, 308, 309,
    310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 330, 334, 336, 337, 339, 347, 351, 352, 360, 361, 386,
)  # fmt: skip


@dataclass(frozen=True)
class Play:
    """One behaviour. Times in seconds; ``talk_s`` None: the far end never hangs up by itself."""

    code: int
    kind: str
    outcome: str
    """What an attempt must end as, when an agent is free at once."""
    ring_s: float = 0.0
    talk_s: float | None = None
    status: str = ""
    trying_s: float = 0.0


def _answers(first: int, ring_s: float, talks: Iterable[float | None]) -> Iterator[Play]:
    for index, talk_s in enumerate(talks):
        yield Play(first + index, "answer", "connected", ring_s=ring_s + 0.3 * index, talk_s=talk_s)


def _refuses(first: int, outcome: str, status: str, rings: Iterable[float]) -> Iterator[Play]:
    for index, ring_s in enumerate(rings):
        yield Play(first + index, "refuse", outcome, ring_s=ring_s, status=status)


PLAYS: tuple[Play, ...] = (
    *_answers(0, 1.0, (5, 7, 8, 10, 12, 13, 15, 17, 18, 20)),
    *_answers(10, 0.5, (2, 3, 4)),
    Play(13, "answer", "connected", ring_s=1.0, talk_s=None),
    Play(14, "answer", "connected", ring_s=8.0, talk_s=None),
    Play(15, "answer", "connected", ring_s=9.0, talk_s=3),
    Play(16, "answer", "connected", ring_s=0.5, talk_s=30),
    Play(17, "answer", "hung_up_early", ring_s=0.5, talk_s=0.0),
    *_refuses(20, "busy", "486 Busy Here", (0.5, 0.0, 1.0, 2.0, 1.5, 0.0)),
    *(Play(30 + index, "no_answer", "no_answer") for index in range(2)),
    *_refuses(40, "invalid_number", "404 Not Found", (0.0, 0.0, 0.5)),
    *_refuses(50, "carrier_failure", "503 Service Unavailable", (0.0, 0.0, 1.0)),
    *_refuses(60, "rejected", "603 Decline", (1.0, 2.0, 3.0)),
    Play(70, "early", "connected", ring_s=1.5, talk_s=3),
    Play(71, "early", "connected", ring_s=3.0, talk_s=None),
    Play(80, "answer", "connected", trying_s=3.0, ring_s=2.0, talk_s=3),
    Play(90, "silent", "connected", talk_s=3),
    Play(91, "silent", "connected", talk_s=None),
)  # fmt: skip

BY_CODE = {play.code: play for play in PLAYS}


def play_of(number: str) -> Play:
    """What the carrier plays for a number."""
    return BY_CODE[int(number[-2:])]


def numbers(codes: Iterable[int], count: int) -> list[str]:
    """``count`` different numbers in E.164 that take turns through ``codes``."""
    codes = tuple(codes)
    wanted = [f"+1{area}55501{code:02d}" for area in AREAS for code in codes]
    assert count <= len(wanted), f"only {len(wanted)} numbers for these {len(codes)} codes"
    return wanted[:count]


def busy_floor(count: int) -> list[str]:
    """Numbers of a working day: 15 of 100 answer and talk 5 to 20 s, 10 ring in vain, the rest are refused."""
    refused = (20, 21, 22, 23, 24, 25, 40, 41, 42, 50, 51, 52, 60, 61, 62)
    wanted = []
    for index, area in enumerate(AREAS):
        answered = tuple((3 * index + step) % 10 for step in range(3))
        # Spread over the list, so that no second of it is all answers.
        codes = [30, *refused, 31]
        for step, code in enumerate(answered):
            codes.insert(3 + 6 * step, code)
        wanted += [f"+1{area}55501{code:02d}" for code in codes]
    assert count <= len(wanted), f"only {len(wanted)} numbers"
    return wanted[:count]
