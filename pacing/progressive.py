"""Progressive dialing: one call for each free agent, so that an answer always finds one.

Owns this rule only. Must not look at answer rates.
"""

from __future__ import annotations

from pacing.snapshot import Decision, Snapshot, counted


def decide(snapshot: Snapshot) -> Decision:
    """Start as many calls as there are free agents without a call on its way to them."""
    lines = max(0, snapshot.free - snapshot.pending)
    return Decision(
        lines,
        f"start {lines}: {counted(snapshot.free, 'free agent')}, 1 line each, "
        f"{counted(snapshot.pending, 'call')} already on their way",
    )
