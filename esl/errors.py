"""The exception tree of the event socket's pure half. Must not import gevent, sockets or greenswitch.

Transport failures (`esl.transport_errors`) hang under the same root, `ESLError`; they live in a module of
their own because they also inherit from greenswitch's exceptions, whose import brings gevent in.
"""

from __future__ import annotations

from collections.abc import Sequence


class ESLError(Exception):
    """Root of everything that this package raises."""


class ProtocolError(ESLError):
    """The byte stream can't be framed any more: costs the connection.

    `messages` are the sound messages that the same `feed` call had decoded before the fault.
    """

    def __init__(self, reason: str, messages: Sequence[object] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.messages = tuple(messages)


class MalformedFrame(ESLError):
    """One frame's content is unusable while its framing is sound: costs that frame only.

    The decoder reports it as a `Malformed` message; it is raised only where a caller waits for that very
    reply.
    """


class HeaderNotKept(ESLError, KeyError):
    """A header was read from a compact event that had not been told to keep it: a bug in the reader's header
    set.
    """

    def __init__(self, name: str, kept: Sequence[str]) -> None:
        super().__init__(name)
        self.name = name
        self.kept = tuple(kept)

    def __str__(self) -> str:
        return f"header {self.name!r} was not kept; this event keeps: {', '.join(self.kept)}"


class CommandError(ESLError, ValueError):
    """A command can't be built: `field` is the argument at fault, the text says what was expected."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
