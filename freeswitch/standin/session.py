"""What one event-socket client has asked for: subscriptions, format and filters.

Pure: decides which events go to the client and what a subscription command answers.  Must not touch a socket
or the switch.  Left out: `event xml`, `myevents`, `divert_events`, `userauth`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from freeswitch.standin.events import EVENT_NAMES, SwitchEvent
from freeswitch.standin.kernel import ALL


@dataclass(slots=True)
class Subscription:
    """Event commands add up.  `names` holds plain event names; `everything` stands for ALL."""

    names: set[str] = field(default_factory=set)
    custom: set[str] = field(default_factory=set)
    everything: bool = False
    format: str = "plain"
    filters: list[tuple[str, str]] = field(default_factory=list)

    def wants(self, event: SwitchEvent) -> bool:
        """Whether this client is sent the event."""
        if not self.everything and event.name not in self.names:
            return False
        return not self.filters or self._passes(event)

    def needed(self) -> set[str]:
        """The event names that the switch has to build for this client; ALL may be among them."""
        return {ALL} if self.everything else set(self.names)

    def _passes(self, event: SwitchEvent) -> bool:
        # Filters on different headers are OR-ed, a matching exclude vetoes, an absent header matches nothing.
        passed = False
        for name, wanted in self.filters:
            value = event.get(name)
            if value is None:
                continue
            positive = True
            while wanted[:1] in ("+", "-", " "):
                if wanted[0] != " ":
                    positive = wanted[0] == "+"
                wanted = wanted[1:]
            if positive and passed:
                continue
            if _matches(wanted, value):
                if not positive:
                    return False
                passed = True
        return passed

    def event(self, words: list[str]) -> str:
        """`event <format> <names...>`; everything after CUSTOM is a subclass."""
        if not words:
            return "-ERR no keywords supplied"
        form, names = (
            (words[0].lower(), words[1:])
            if words[0].lower() in ("plain", "json", "xml")
            else ("plain", words)
        )
        if form == "xml":
            return "-ERR xml events are not modelled"
        if not names:
            return "-ERR no keywords supplied"
        self.format = form
        custom = False
        for name in names:
            upper = name.upper()
            if custom:
                self.custom.add(name)
            elif upper == ALL:
                self.everything = True
            elif upper == "CUSTOM":
                custom = True
            else:
                self.names.add(upper)
        return f"+OK event listener enabled {form}"

    def nixevent(self, words: list[str]) -> str:
        """`nixevent <names...>`: these no longer; ALL takes every one away."""
        if not words:
            return "-ERR no keywords supplied"
        for index, name in enumerate(words):
            upper = name.upper()
            if upper == "CUSTOM":
                self.custom.difference_update(words[index + 1 :])
                break
            if upper == ALL:
                self.names.clear()
                self.everything = False
            else:
                if self.everything:
                    self.everything = False
                    self.names = set(EVENT_NAMES)
                self.names.discard(upper)
        return "+OK events nixed"

    def noevents(self) -> str:
        self.names.clear()
        self.custom.clear()
        self.everything = False
        return "+OK no longer listening for events"

    def filter(self, text: str) -> str:
        """`filter <header> <value>`, `filter delete <header>|all [<value>]`."""
        words = text.split(" ", 1)
        name, value = words[0], words[1].strip() if len(words) > 1 else ""
        if name.lower() == "delete":
            name, _, value = value.partition(" ")
            value = value.strip()
            if not name:
                return "-ERR invalid syntax"
            if name.lower() == "all":
                self.filters.clear()
            else:
                self.filters = [
                    pair
                    for pair in self.filters
                    if pair[0].lower() != name.lower() or (value and pair[1] != value)
                ]
            return f"+OK filter deleted. [{name}]=[{value}]"
        if not name or not value:
            return "-ERR invalid syntax"
        self.filters.append((name, value))
        return f"+OK filter added. [{name}]=[{value}]"


def _matches(wanted: str, value: str) -> bool:
    if len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/"):
        try:
            return re.search(wanted[1:-1], value) is not None
        except re.error:
            return False
    return wanted.lower() == value.lower()
