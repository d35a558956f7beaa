"""Whom calls go to, as the engine needs it: the knobs of the queue, and the seats that are kept for some callers.

Owns the frozen settings, built from the checked configuration by ``dialer.routing_settings``. What a customer is to us
is judged where their records are, in the store's process, by ``routing.intake.Rules``: the name of a campaign's team is
all that both sides must agree on. No rule lives here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.facts import RoutingPolicy


def team_of(campaign: str) -> str:
    """The group of the agents who serve a campaign; no configured group can be called so."""
    return f"campaign {campaign}"


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """``dedicated``: by seat, whom it serves only: ``vip``, or names of tiers. A seat that is not in it serves all."""

    policy: RoutingPolicy = field(default_factory=RoutingPolicy)
    dedicated: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookupSettings:
    """How the business system is asked who is a VIP.

    ``keep_s``: how long an answer holds. ``deadline_s``: how long a caller waits for one.
    """

    url: str
    token: str | None
    deadline_s: float
    keep_s: float

    def __repr__(self) -> str:
        """Without the token."""
        return f"LookupSettings({self.url!r})"
