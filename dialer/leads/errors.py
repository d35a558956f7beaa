"""What can be wrong with leads: one exception tree for the room."""

from __future__ import annotations


class LeadsError(Exception):
    """Base of everything that this package raises."""


class NumberError(LeadsError):
    """A phone number cannot be used. The text says what was expected, and never holds the whole number."""


class LeadFileError(LeadsError):
    """A whole lead file cannot be read. ``line`` and ``byte`` (offset in the file) where they are known."""

    def __init__(self, path: str, message: str, *, line: int | None = None, byte: int | None = None) -> None:
        where = path if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {message}")
        self.path = path
        self.line = line
        self.byte = byte
