"""Customers by tier and direction over a span of time: dialed or came in, offered, connected, lost.

Owns the two questions; what the words mean is ``dialer.domain.tiers``'s. Runs in the command line's or a one-shot
job's process, never in the daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from dialer.domain.inbound import UNSERVED_IN_QUEUE, Ending
from dialer.domain.tiers import UNSERVED, TierCount, called_in, dialed
from dialer.store.queries import connected
from dialer.store.statements import ATTEMPTS, INBOUND

USUAL_TARGET_S = 20.0


def tiers(url: str, since: float, until: float, targets: Mapping[str, float]) -> list[TierCount]:
    """Calls opened or arrived from ``since`` until before ``until`` (UTC epoch seconds) that have ended, by tier.

    ``targets``: the wait that callers of a tier may expect at most. A tier is as it was judged when the call was made;
    empty for calls of which nobody has said it. Raises StoreUnavailable, StoreUrlError.
    """
    with connected(url) as conn:
        spans = and_(ATTEMPTS.c.opened_at >= since, ATTEMPTS.c.opened_at < until, ATTEMPTS.c.outcome.is_not(None))
        query = select(ATTEMPTS.c.tier, ATTEMPTS.c.outcome, func.count().label("calls")).where(spans)
        outcomes: dict[str, dict[str, int]] = {}
        for row in conn.execute(query.group_by(ATTEMPTS.c.tier, ATTEMPTS.c.outcome)):
            outcomes.setdefault(row.tier, {})[row.outcome] = int(row.calls)
        words: dict[str, dict[str, int]] = {}
        for row in conn.execute(_came_in(since, until, targets)):
            _add(words.setdefault(row.tier, {}), row)
    found = [dialed(tier, counts) for tier, counts in outcomes.items()]
    found += [called_in(tier, counts) for tier, counts in words.items()]
    return sorted(found, key=lambda each: (each.tier, each.direction))


def _came_in(since: float, until: float, targets: Mapping[str, float]) -> Any:
    limit: Any = USUAL_TARGET_S
    if targets:
        limit = case(*((INBOUND.c.tier == tier, target_s) for tier, target_s in targets.items()), else_=USUAL_TARGET_S)
    was_served = INBOUND.c.ending == Ending.SERVED.value
    # Callers of a plan wait, and are in no queue.
    wanted = or_(INBOUND.c.queued_at.is_not(None), INBOUND.c.waited_s > 0, was_served)
    served = and_(was_served, INBOUND.c.waited_s <= limit)
    return (
        select(
            INBOUND.c.tier,
            INBOUND.c.ending,
            func.count().label("calls"),
            func.sum(case((wanted, 1), else_=0)).label("wanted"),
            func.coalesce(func.sum(case((served, 1), else_=0)), 0).label("in_target"),
        )
        .where(INBOUND.c.arrived_at >= since, INBOUND.c.arrived_at < until, INBOUND.c.ended_at.is_not(None))
        .group_by(INBOUND.c.tier, INBOUND.c.ending)
    )


def _add(words: dict[str, int], row: Any) -> None:
    wanted = int(row.wanted)
    words[row.ending] = words.get(row.ending, 0) + int(row.calls)
    words["offered"] = words.get("offered", 0) + wanted
    words["in_target"] = words.get("in_target", 0) + int(row.in_target)
    if row.ending in {ending.value for ending in UNSERVED_IN_QUEUE}:
        words[UNSERVED] = words.get(UNSERVED, 0) + wanted
