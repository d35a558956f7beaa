"""``show channels as json`` → the facts that the engine compares itself with.

Owns the reading of a channel's state: ``application`` and ``call_uuid`` are stale after a re-park, so a leg is judged
by its state first (measured, agent-facts). Only channels whose presence data is ours are told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dialer.domain.events import ChannelFact
from dialer.switch.inbound import LONGEST_CALLER
from dialer.switch.originate import PRESENCE

KINDS = ("call", "agent", "seat", "party", "inbound", "fallback")
_BRIDGED_STATES = frozenset({"CS_SOFT_EXECUTE", "CS_EXCHANGE_MEDIA"})
_UNANSWERED = frozenset({"DOWN", "DIALING", "RINGING", "EARLY", "RING_WAIT", "HANGUP", ""})


class SnapshotError(Exception):
    """The list of channels could not be read."""


def parse(text: str) -> tuple[tuple[ChannelFact, ...], int]:
    """Our channels, and how many others there are. Raises SnapshotError when the text is no such list."""
    try:
        data = json.loads(text)
        rows = data.get("rows", [])
        if int(data["row_count"]) != len(rows):
            # Half a list would make the other half of the calls look dead.
            raise ValueError(f"{len(rows)} rows of {data['row_count']}")
        held = _held_pairs(rows)
        facts = [_fact(row, held) for row in rows]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise SnapshotError(f"show channels as json: {error} in {text[:80]!r}") from None
    ours = tuple(fact for fact in facts if fact is not None)
    return ours, len(facts) - len(ours)


def _held_pairs(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Who is bridged to whom where one phone holds: the other's application is the hold music, its own none (measured).

    Only these are joined by ``call_uuid``; a leg in another state may still name one that it was bridged to before.
    """
    bridged = {str(row.get("uuid")): row for row in rows if row.get("state") in _BRIDGED_STATES}
    pairs: dict[str, str] = {}
    for uuid, row in bridged.items():
        first = str(row.get("call_uuid"))
        if first != uuid and first in bridged and "HELD" in (row.get("callstate"), bridged[first].get("callstate")):
            pairs |= {uuid: first, first: uuid}
    return pairs


def _fact(row: dict[str, Any], held: Mapping[str, str]) -> ChannelFact | None:
    presence = str(row.get("presence_data", "")).split("/", 2)
    uuid = row.get("uuid")
    if not uuid or len(presence) != 3 or presence[0] != PRESENCE or presence[1] not in KINDS:
        return None
    state, application = row.get("state", ""), row.get("application", "")
    if state in ("CS_HANGUP", "CS_REPORTING", "CS_DESTROY"):
        return None
    bridged = state in _BRIDGED_STATES and application == "uuid_bridge"
    peer = str(row.get("application_data", "")) or None if bridged else None
    created = str(row.get("created_epoch", "0"))
    return ChannelFact(
        uuid=str(uuid),
        kind=presence[1],
        ident=presence[2],
        answered=row.get("callstate", "") not in _UNANSWERED,
        peer=held.get(str(uuid), peer),
        created_at=float(created) if created.isascii() and created.isdigit() and len(created) < 16 else 0.0,
        held=row.get("callstate", "") == "HELD",
        caller=str(row.get("cid_num", ""))[:LONGEST_CALLER] if presence[1] == "inbound" else "",
        parked=state == "CS_PARK" or (state == "CS_EXECUTE" and application == "park"),
    )
