"""When a claim that came back short may be worth repeating.

Owns one small calculation that the SQL store and the simulator's store must share. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MIN_PAUSE_S: Final = 0.5
"""A short claim looks at the whole list; it is not repeated sooner than this."""
BUSY_RECHECK_S: Final = 5.0
"""A lead is due and open, but its person is in another call."""
DIALING_RECHECK_S: Final = 10.0
"""A lead that is being dialed may come back when its call ends."""


def next_due_at(
    now: float, ready: Iterable[tuple[float, float]], lease_ends: float | None, dialing: bool
) -> float | None:
    """The next instant at which more leads may be claimed, None when every lead is done.

    ``ready`` holds, per set of zones, the earliest due time and the instant at which the zones are open (``now``
    when they are); ``lease_ends`` the earliest end of a lease, by whomever; ``dialing`` whether any lead has an
    open attempt.
    """
    times = []
    for due_at, opens_at in ready:
        at = max(due_at, opens_at)
        times.append(at if at > now else now + BUSY_RECHECK_S)
    if lease_ends is not None:
        times.append(lease_ends)
    if dialing:
        times.append(now + DIALING_RECHECK_S)
    return max(min(times), now + MIN_PAUSE_S) if times else None
