"""Ratio dialing: a fixed number of lines for each free agent.

Owns this rule only. It knows nothing of abandonment: the operator chose the ratio.
"""

from __future__ import annotations

import math

from pacing.snapshot import Decision, Snapshot, counted


def decide(snapshot: Snapshot) -> Decision:
    """Keep ``free × lines_per_agent`` calls (rounded down, at least one an agent) on their way."""
    wanted = max(snapshot.free, math.floor(snapshot.free * snapshot.lines_per_agent + 1e-9))
    lines = max(0, wanted - snapshot.pending)
    return Decision(
        lines,
        f"start {lines}: {counted(snapshot.free, 'free agent')} x {snapshot.lines_per_agent:g} lines = {wanted} "
        f"wanted, {counted(snapshot.pending, 'call')} already on their way",
    )
