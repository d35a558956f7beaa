"""Follow-me as the engine is given it: a plan with its calendars, and what is said to outside phones and to callers.

Owns these settings. The plan's way is ``routing.followme``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dialer.domain.spoken import Words
from routing.calendars import Calendar
from routing.followme import FollowMePlan

ACCEPT_KEY: Final = "1"


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """A plan. ``calendars`` are those that its phones name; ``ask`` is what an outside phone hears, as the switch plays
    it; a caller hears ``leave`` before the mailbox, or ``unavailable`` where there is none."""

    plan: FollowMePlan
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    ask: str = ""
    leave: Words = field(default_factory=dict)
    unavailable: Words = field(default_factory=dict)
