"""What routing refuses to work with: the room's one family of errors."""

from __future__ import annotations


class RoutingError(Exception):
    """Something that was given can not be worked with. The text says what was wrong and what was expected."""


class UnknownZoneError(RoutingError):
    """A time zone that is not of the IANA list: nobody knows when it is open there."""


class PlanError(RoutingError):
    """Hours, steps or rows that contradict themselves."""
