"""What a pacing policy may look at, and what it returns.

Owns the frozen input and output of all policies. Ages and durations are seconds at the moment of the snapshot.
Predictive policies need every agent's elapsed time and every call's ring age, so both are here already.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgentPhase:
    """One agent who serves the campaign: ``phase`` is the agent's state name, ``elapsed_s`` the time in it."""

    phase: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class CallPhase:
    """One call in flight that may still need an agent: state name and age in that state."""

    phase: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One campaign at one moment.

    ``free`` counts ready agents with an open line that no call of another campaign is going to need;
    ``agents`` and ``calls`` hold the details behind it. ``lines_per_agent`` is the campaign's setting.
    """

    campaign: str
    at: float
    free: int
    agents: tuple[AgentPhase, ...]
    calls: tuple[CallPhase, ...]
    lines_per_agent: float = 1.0

    @property
    def pending(self) -> int:
        """Calls started that may still ask for an agent."""
        return len(self.calls)


@dataclass(frozen=True, slots=True)
class Decision:
    """How many calls to start now (never negative), and why, for a person to read."""

    lines: int
    reason: str
