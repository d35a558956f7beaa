"""What the modelled world saw: calls that left the switch, and what every answered party heard.

The judge of "no answered call stays silent" and of "as many INVITEs as attempts".  Must not influence the
switch.  `heard` is [from, to, [sounds]] for each answered leg, sounds as `hearing` names them.  Moments are
wall-clock seconds since 1970, durations seconds.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from freeswitch.standin.channel import Heard, Leg, Recording

HEARD_KEEP = 5000
"""Ended legs of which it is kept what they heard and when; older ones keep their sums only."""


class Audit:
    """Counters from the switch's start, and a record for every answered leg that has ended (`keep` of them
    at most).
    """

    def __init__(self, epoch_s: float, keep: int) -> None:
        self._epoch_s = epoch_s
        self._keep = keep
        self.originates = 0
        self.invites = 0
        self.phone_invites = 0
        self.refused: Counter[str] = Counter()
        self.results: Counter[str] = Counter()
        self._ended: list[dict[str, Any]] = []
        self._detailed: deque[dict[str, Any]] = deque()
        self._recordings: deque[dict[str, Any]] = deque(maxlen=HEARD_KEEP)
        self.systems: deque[str] = deque(maxlen=HEARD_KEEP)
        """What would have been run on the switch's host."""
        self.records_lost = 0

    def ended(self, leg: Leg, now: float) -> None:
        """Note a leg that is gone; only answered ones leave a record."""
        kind = "phone" if leg.plan is None else "carrier"
        outcome = "answered" if leg.moment_answered is not None else (leg.cause or "vanished")
        self.results[f"{kind}:{outcome}"] += 1
        if leg.moment_answered is None:
            return
        if len(self._ended) >= self._keep:
            self.records_lost += 1
            return
        record = self._record(leg, now, over=True)
        self._ended.append(record)
        self._detailed.append(record)
        if len(self._detailed) > HEARD_KEEP:
            old = self._detailed.popleft()
            old["heard"] = old["heard_keys"] = None

    def recorded(self, recording: Recording, now: float, seconds: float, size: int) -> None:
        """Note a recording that is finished."""
        self._recordings.append(
            {
                "uuid": recording.target.uuid,
                "path": recording.argument,
                "stereo": recording.stereo,
                "started_at": round(self._epoch_s + recording.since, 4),
                "stopped_at": round(self._epoch_s + now, 4),
                "seconds": seconds,
                "masked_s": round(recording.masked_s, 4),
                "bytes": size,
                "complete": recording.until is None,
            }
        )

    def report(self, live: list[Leg], now: float, legs: bool = True) -> dict[str, Any]:
        """Everything as JSON-ready data; live answered legs come with `hungup_at` null."""
        report: dict[str, Any] = {
            "now": self._epoch_s + now,
            "originates": self.originates,
            "invites": self.invites,
            "phone_invites": self.phone_invites,
            "refused": dict(self.refused),
            "results": dict(self.results),
            "channels": len(live),
            "records_lost": self.records_lost,
        }
        if legs:
            report["recordings"] = list(self._recordings)
            report["legs"] = self._ended + [
                self._record(leg, now, over=False) for leg in live if leg.moment_answered is not None
            ]
        return report

    def _record(self, leg: Leg, now: float, over: bool) -> dict[str, Any]:
        seconds = dict(leg.heard_s)
        if leg.heard is not None:
            seconds[leg.heard] = seconds.get(leg.heard, 0.0) + now - leg.heard_since

        def wall(moment: float | None) -> float | None:
            return None if moment is None else round(self._epoch_s + moment, 4)

        return {
            "uuid": leg.uuid,
            "kind": "phone" if leg.plan is None else "carrier",
            "direction": leg.identity.direction,
            "seat": leg.seat,
            "number": leg.identity.number,
            "presence_data": leg.shown.presence_data,
            "answered_at": wall(leg.moment_answered),
            "bridged_at": wall(leg.moment_bridged),
            "message_started_at": wall(leg.message_at),
            "hungup_at": wall(now) if over else None,
            "hangup_by": leg.by or None,
            "cause": leg.cause,
            "silence_s": round(seconds.get(Heard.SILENCE, 0.0), 4),
            "message_s": round(seconds.get(Heard.MESSAGE, 0.0), 4),
            "bridged_s": round(seconds.get(Heard.PARTY, 0.0), 4),
            "heard": _spans(leg, now, self._epoch_s),
            "heard_keys": [[wall(moment), key] for moment, key in leg.heard_keys],
            "vanished_at": wall(leg.vanished_at),
            "displayed": list(leg.displayed),
        }


def _spans(leg: Leg, now: float, epoch_s: float) -> list[list[Any]]:
    """[from, to, [sounds]] of everything that the party heard; silence has no sounds. Empty at the very answer."""
    ends = [*(since for since, _ in leg.hearing[1:]), now]
    return [
        [round(epoch_s + since, 4), round(epoch_s + until, 4), list(sounds)]
        for (since, sounds), until in zip(leg.hearing, ends, strict=False)
        if until > since
    ]
