"""FreeSWITCH events → domain events.

Owns the reading of event headers. Correlates by channel UUID only: after a bridge the caller fields are flipped, and
a value may hold anything that a caller can put into a SIP header. A broken event is None, never an exception.
"""

from __future__ import annotations

from dialer.domain import events as ev
from dialer.switch import clock, inbound, phones
from esl.headers import EventLike

SUBSCRIPTIONS: tuple[str, ...] = (
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_PARK",
    "CHANNEL_HANGUP_COMPLETE",
    "BACKGROUND_JOB",
    "HEARTBEAT",
    "SHUTDOWN",
    inbound.EVENT,
    *phones.SUBSCRIPTIONS,
)
"""What the dialer listens to; narrow, because a slow listener endangers the whole switch."""

HEADERS: frozenset[str] = phones.HEADERS | inbound.HEADERS | frozenset(
    {
        "Event-Name",
        clock.HEADER,
        "Unique-ID",
        "Bridge-A-Unique-ID",
        "Bridge-B-Unique-ID",
        "Other-Leg-Unique-ID",
        "Hangup-Cause",
        "Job-UUID",
        "variable_hangup_cause_q850",
        "variable_sip_term_status",
        "variable_sip_hangup_disposition",
        "variable_billsec",
        "variable_originate_disposition",
    }
)
"""All that is ever read of an event; the rest need not be kept."""


class Translator:
    """The translation for the event socket of ``node``; ``clock`` tells when the events on it happened."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.clock = clock.SwitchClock()

    def read(self, event: EventLike, read_at: float) -> ev.SwitchEvent | None:
        """The domain event for a FreeSWITCH event read at ``read_at`` (engine clock), or None.

        Every event of the connection must come by, HEARTBEATs too: they say how far the clocks are apart.
        """
        return translate(event, self.node, self.clock.happened_at(event.get(clock.HEADER), read_at), read_at)


def translate(event: EventLike, node: str, at: float, read_at: float) -> ev.SwitchEvent | None:
    """The domain event for a FreeSWITCH event that happened at ``at`` and was read at ``read_at`` (engine clock), or
    None when it says nothing to us.
    """
    name = event.name
    if name == "CHANNEL_BRIDGE":
        a_uuid = event.get("Bridge-A-Unique-ID") or event.get("Unique-ID")
        b_uuid = event.get("Bridge-B-Unique-ID") or event.get("Other-Leg-Unique-ID")
        return ev.LegsBridged(a_uuid, b_uuid, at) if a_uuid and b_uuid else None
    uuid = event.get("Unique-ID")
    if not uuid:
        return None
    if name == "CHANNEL_PROGRESS":
        return ev.LegRinging(uuid, at)
    if name == "CHANNEL_PROGRESS_MEDIA":
        return ev.LegRinging(uuid, at, early_media=True)
    if name == "CHANNEL_ANSWER":
        return phones.phone_called(event, node, uuid, at) or ev.LegAnswered(uuid, at, read_at)
    if name == "CHANNEL_UNBRIDGE":
        return ev.LegUnbridged(uuid, at)
    if name == "CHANNEL_PARK":
        return ev.LegParked(uuid, at)
    if name == "CHANNEL_HANGUP_COMPLETE":
        return ev.LegHungUp(
            uuid=uuid,
            at=at,
            cause=event.get("Hangup-Cause") or "UNKNOWN",
            q850=_whole(event.get("variable_hangup_cause_q850")),
            sip_status=event.get("variable_sip_term_status"),
            hangup_disposition=event.get("variable_sip_hangup_disposition"),
            billsec=_whole(event.get("variable_billsec")),
        )
    if name == inbound.EVENT:
        return inbound.translate(event, node, uuid, at)
    return phones.translate(event, uuid, at)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
