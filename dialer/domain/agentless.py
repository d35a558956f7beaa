"""Campaigns without agents: a message for whoever answers, and what the keys mean that they press.

Owns the settings of such a campaign as frozen facts, and the names of its keys' meanings. What is done when a key is
pressed is ``dialer.engine.agentless``'s. Sounds are what the switch's playback takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TRANSFER: Final = "transfer"
DO_NOT_CALL: Final = "do_not_call"
REPEAT: Final = "repeat"
END: Final = "end"
"""What a key may mean; every other word is a disposition, which is written down."""

ASKED: Final = "asked"
"""Written of a call (``NoteHeard``) whose customer pressed the key for an agent: the abandon clock starts there."""


@dataclass(frozen=True, slots=True)
class AgentlessSettings:
    """What a campaign says and which ``keys`` mean what.

    Answered, a customer hears ``message`` after ``lead_in_s``, has ``answer_s`` for a key, hears ``goodbye`` and is
    hung up, all of it by the switch itself. Who asks for an agent hears ``connecting`` and ``music`` for at most the
    campaign's ``wait_limit_s``, then ``nobody``; and is to be called back after ``callback_after_s`` (None: no).
    ``removed`` is said to who wants no more calls, ``noted`` after a key that is a disposition.

    At most ``most_lines`` calls at once that no agent has, ``calls_per_second`` new ones (None: what the trunk takes).
    ``share`` is what share of calls is taken to ask for an agent until it is known.
    """

    message: str
    goodbye: str
    removed: str
    noted: str
    connecting: str
    nobody: str
    music: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    lead_in_s: float = 0.3
    answer_s: float = 5.0
    repeats: int = 3
    callback_after_s: float | None = 3600.0
    most_lines: int = 10
    calls_per_second: float | None = None
    share: float = 0.1

    @property
    def transfers(self) -> bool:
        """Whether a key asks for an agent."""
        return TRANSFER in self.keys.values()

    def script(self, lead_in_s: float) -> tuple[str, ...]:
        """All that the switch plays from the answer, or from a repetition, to its hang-up."""
        return (*_silence(lead_in_s), self.message, *_silence(self.answer_s), self.goodbye)


def _silence(seconds: float) -> tuple[str, ...]:
    return (f"silence_stream://{round(seconds * 1000)}",) if seconds > 0 else ()
