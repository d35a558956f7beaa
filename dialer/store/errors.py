"""What can go wrong with the store: one exception tree for the room."""

from __future__ import annotations


class StoreError(Exception):
    """Base of everything that this package raises."""


class StoreUrlError(StoreError):
    """The database URL is not one that the store can use."""


class StoreSchemaError(StoreError):
    """The database's schema is newer than this program, or is not the store's."""


class StoreUnavailable(StoreError):
    """The database could not do it, and nothing of the batch is in it: locked, full, gone."""


class StoreDoubtful(StoreError):
    """The commit failed: the batch may be in the database whole, or not at all."""


class StoreTimeout(StoreError):
    """The store's worker did not answer in time."""


class FrameError(StoreError):
    """Bytes between client and worker that are no frame."""
