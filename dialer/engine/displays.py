"""What an agent's phone displays while its agent speaks with a customer: by the centre's rule, and never the number.

Owns the words. The leg of every seat ignores what the switch itself would tell it, whatever happens to the call; this
is the one thing that is let through. Must not hold up a bridge: the display follows it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from dialer.domain.phones import Display
from dialer.engine.live import Agent, Call, Live
from dialer.leads.numbers import national
from dialer.masking import mask_text

if TYPE_CHECKING:
    from dialer.domain.acts import PhoneSettings

LONGEST: Final = 40
NOBODY: Final = "-"
"""Shown where the rule shows nothing of a kind."""
_KEPT: Final = frozenset("LNM")
_ALSO: Final = frozenset(" .-_")


class DisplayDesk:
    """Tells phones what to display."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def talking(self, agent: Agent, call: Call) -> None:
        """The agent and this customer hear each other."""
        live, phones = self.live, self.live.settings.phones
        if phones.display and agent.leg is not None and live.nodes[agent.node].up:
            lead, rank = call.lead, call.lead.rank
            words = {"name": lead.name, "campaign": live.booked(call).name, "tier": rank.tier, "tag": rank.tag}
            name, number = shown(phones, words, lead.number)
            live.emit(Display(agent.node, agent.leg, name, number))

    def over(self, agent: Agent) -> None:
        """The customer is gone and the line stays open: nobody's name stays on the phone."""
        live = self.live
        if live.settings.phones.display and agent.leg is not None and agent.nailed_up and live.nodes[agent.node].up:
            live.emit(Display(agent.node, agent.leg, NOBODY, NOBODY))


def shown(phones: PhoneSettings, words: Mapping[str, str], number: str) -> tuple[str, str]:
    """Words and number as a phone displays them by the rule, without what could give orders on their way."""
    said = " ".join(text for part in phones.display if (text := _plain(words.get(part, ""))))
    masked = hidden(number, *phones.display_digits) if "number" in phones.display else NOBODY
    return said[:LONGEST].strip() or NOBODY, masked


def hidden(number: str, first: int, last: int) -> str:
    """``+8613812341234`` as ``138****1234``: of the number as it is dialed within its country. At least four digits are
    hidden, whatever the rule says.
    """
    digits = national(number)
    last = min(last, max(0, len(digits) - 4))
    first = min(first, max(0, len(digits) - 4 - last))
    return f"{digits[:first]}****{digits[len(digits) - last :] if last else ''}"


def _plain(text: str) -> str:
    kept = (c if unicodedata.category(c)[0] in _KEPT or c in _ALSO else " " for c in mask_text(text))
    return " ".join("".join(kept).split())
