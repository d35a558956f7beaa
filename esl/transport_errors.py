"""Failures of a connection. They hang under `ESLError` and also under greenswitch's exceptions, so that code
written for greenswitch catches them with the clauses that it has. Kept apart from `esl.errors` because
importing greenswitch imports gevent.
"""

from __future__ import annotations

from greenswitch import esl as greenswitch_esl

from esl.errors import ESLError


class NotConnectedError(ESLError, greenswitch_esl.NotConnectedError):  # type: ignore[misc]
    """There is no connection, or it went away before the answer came."""


class ConnectTimeout(NotConnectedError):
    """The server did not accept, or did not speak, in time."""


class CommandTimeout(NotConnectedError):
    """No reply before the command's deadline. Whether the command was carried out is not known."""


class PeerSilent(NotConnectedError):
    """Nothing came for so long that the connection counts as dead."""


class SendStalled(NotConnectedError):
    """The server takes no more bytes."""


class AccessDenied(NotConnectedError):
    """The server's access list refuses this address (rude rejection)."""


class AuthenticationError(NotConnectedError, ValueError):
    """The password is wrong. Also a ValueError, as greenswitch raises."""


class CommandRefused(ESLError):
    """The server answered a command of the set-up with an error; `reply` is its text."""

    def __init__(self, command: str, reply: str) -> None:
        super().__init__(f"{command} was refused: {reply}")
        self.command = command
        self.reply = reply


class OutboundSessionHasGoneAway(NotConnectedError, greenswitch_esl.OutboundSessionHasGoneAway):  # type: ignore[misc]
    """The caller of an outbound session has hung up."""
