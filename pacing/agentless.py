"""Dialing without agents: as many lines as are allowed, fewer where free agents could not take those who ask for one.

Owns this rule and the estimate of the share that asks. Must not know what is said to customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pacing.snapshot import Decision, counted

WEIGHT: Final = 20.0
"""The configured share counts as much as so many calls that have ended."""
LEAST_SHARE: Final = 0.002
"""A campaign in which nobody has asked yet may have its first ten customers at once tomorrow."""


@dataclass(frozen=True, slots=True)
class Lines:
    """One campaign on one switch at one moment.

    ``in_flight`` counts its calls that no agent has, ``here`` those of them on this switch. ``per_second`` is what its
    own limit of new calls takes now (None: it has none). ``free`` counts agents for those who ask, None where no key
    asks for one; ``asking`` the customers who wait for an agent.
    """

    in_flight: int
    here: int
    most: int
    per_second: int | None = None
    free: int | None = None
    asking: int = 0
    share: float = 1.0


def share(asked: int, ended: int, expected: float) -> float:
    """What share of calls comes to ask for an agent."""
    return max(LEAST_SHARE, min(1.0, (asked + WEIGHT * expected) / (ended + WEIGHT)))


def decide(lines: Lines) -> Decision:
    """Fill the lines, as far as each limit allows; the reason names the one that decides."""
    told = f"{lines.in_flight} of {lines.most} lines in use"
    wanted = max(0, lines.most - lines.in_flight)
    if lines.free is not None:
        unused = max(0, lines.free - lines.asking)
        room = max(0, int(unused / lines.share + 1e-9) - lines.here)
        if room < wanted:
            wanted = room
            told += f"; {counted(lines.free, 'free agent')} for {lines.asking} who ask and "
            told += f"{counted(lines.here, 'call')} of which "
            told += f"{lines.share:.1%} may"
    if lines.per_second is not None and lines.per_second < wanted:
        wanted = lines.per_second
        told += f"; the campaign's own calls a second leave {wanted}"
    return Decision(wanted, f"start {wanted}: {told}")
