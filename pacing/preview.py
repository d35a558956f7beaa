"""Preview dialing: a lead for each free agent, dialed only when the agent says so.

Owns this rule only. ``lines`` counts leads to show, not calls to start.
"""

from __future__ import annotations

from pacing.snapshot import Decision, Snapshot, counted


def decide(snapshot: Snapshot) -> Decision:
    """Show a lead to every free agent."""
    return Decision(snapshot.free, f"show {snapshot.free}: {counted(snapshot.free, 'free agent')} without a lead")
