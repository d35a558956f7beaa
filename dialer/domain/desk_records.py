"""What the store keeps of agents' work beside the calls themselves: recordings, callbacks, refusals for good, agents'
own calls.

Owns these orders to the store, as frozen facts; times on the engine clock. None has an answer, and each may be sent
again without a second effect. How to read them back is ``dialer.store``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GOING: Final = "recording"
TO_UPLOAD: Final = "to_upload"
WRITTEN: Final = "written"
FAILED: Final = "failed"
"""A recording goes on; is finished, and its file is still to be brought here; is finished; was not made at all."""


@dataclass(frozen=True, slots=True)
class SaveRecording:
    """What is known of a recording of ``leg`` in ``path``, as the switch ``node`` calls it: from its start on, so that
    a later run knows it, and once more when it is over with ``duration_s``.

    ``masked`` are spans of silence put in while something was spoken that must not be kept, in seconds from the start;
    ``masked_at`` is where one begins that has not ended. ``problem`` says in words what is wrong with it.
    The same node and path again is the same recording; one whose end is told stays ended.
    """

    attempt_id: str
    campaign: str
    agent: str
    node: str
    leg: str
    path: str
    started_at: float
    duration_s: float
    masked: tuple[tuple[float, float], ...] = ()
    masked_at: float | None = None
    state: str = WRITTEN
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RequestCallback:
    """The customer of an attempt wants to be called again at ``due_at``; the last request of an attempt counts.

    ``agent`` is who must do it (empty: anyone), ``by_agent`` who says so, ``zone`` by whose clock the time was said.
    """

    attempt_id: str
    by_agent: str
    due_at: float
    at: float
    agent: str = ""
    note: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class AddDoNotCall:
    """The customer of an attempt is never to be called again, by any campaign: the dialed number is blocked and the
    lead closed; one that is claimed or in a call is refused by the gate when its turn comes. ``by_agent`` is empty when
    the customer said so by key.
    """

    attempt_id: str
    by_agent: str
    at: float


@dataclass(frozen=True, slots=True)
class SaveOwnCall:
    """A call of an agent's own is over. ``target`` says whom it was for, ``number`` is an outside one's, which saw the
    number ``shown``; ``reason`` is the switch's word for the end, or ours. The same ``ident`` again is the same call.
    """

    ident: str
    agent: str
    seat: str
    target: str
    number: str
    trunk: str
    began_at: float
    answered_at: float | None
    ended_at: float
    reason: str
    shown: str = ""


DeskRecord = SaveRecording | RequestCallback | AddDoNotCall | SaveOwnCall
