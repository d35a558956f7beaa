"""What is known of a lead before it is dialed, as far as it tells whether somebody will answer.

Owns the frozen facts and how they become features. Learning is ``pacing.answer``'s. Holds no number and no name.
"""

from __future__ import annotations

from dataclasses import dataclass

ATTEMPTS_TOLD_APART = 6


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """``hour`` is the UTC hour of dialing, ``attempt`` how often the lead was dialed before.

    ``given`` is a probability known from outside (the planner's "what if we knew"); None: learn it.
    """

    list_name: str = ""
    hour: int = 0
    attempt: int = 0
    line_type: str = ""
    last_outcome: str = ""
    given: float | None = None

    def features(self) -> tuple[str, ...]:
        """Names of the effects that this lead's chance is made of; what is not known has none."""
        return (
            *((f"list={self.list_name}",) if self.list_name else ()),
            f"hour={self.hour}",
            f"attempt={min(self.attempt, ATTEMPTS_TOLD_APART)}",
            *((f"line={self.line_type}",) if self.line_type else ()),
            *((f"last={self.last_outcome}",) if self.last_outcome else ()),
        )


UNKNOWN_LEAD = LeadFacts()
