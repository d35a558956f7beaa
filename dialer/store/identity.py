"""Whose claims are ours: an instance that keeps its name over restarts, and this run of it. Owns nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Claims of the same ``owner`` and another ``epoch`` are a former run's."""

    owner: str
    epoch: str

    def __post_init__(self) -> None:
        if not self.owner or not self.epoch:
            raise ValueError("owner and epoch of a store must not be empty")


def epoch_key(owner: str) -> str:
    """Where the newest run of an instance stands in the store."""
    return f"epoch/{owner}"[:100]
