"""The file of learnt announcements: written by ``dialer hearing learn``, read by the listeners' process.

Owns the format and its checks; what is in it is ``prints``'.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from dialer.domain.hearing import Announcement
from dialer.hearing.errors import PrintsError
from dialer.hearing.prints import BANDS, WINDOW, Prints, Recording

_FORMAT: Final = 1


def save(prints: Prints, path: Path) -> None:
    """Write the file, whole or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        format=np.asarray(_FORMAT),
        names=np.asarray([recording.name for recording in prints.recordings], np.str_),
        whats=np.asarray([recording.what.value for recording in prints.recordings], np.str_),
        seconds=np.asarray([recording.seconds for recording in prints.recordings], np.float32),
        shapes=prints.shapes.astype(np.float16),
        owner=prints.owner,
        at=prints.at,
    )
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(buffer.getvalue())
        os.replace(beside, path)
    except OSError as error:
        raise PrintsError(f"{path}: {error.strerror or error}") from None


def load(path: Path) -> Prints:
    """Read the file. Raises PrintsError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if int(file["format"]) != _FORMAT:
                raise PrintsError(f"{path}: written by another version of this program: learn the recordings again")
            owner = file["owner"].astype(np.int32)
            names, whats, seconds = file["names"], file["whats"], file["seconds"]
            shapes, at = file["shapes"].astype(np.float32), file["at"].astype(np.float32)
            recordings = tuple(
                Recording(str(name), Announcement(str(what)), round(float(length), 2), int((owner == index).sum()))
                for index, (name, what, length) in enumerate(zip(names, whats, seconds, strict=True))
            )
    except OSError as error:
        raise PrintsError(f"{path}: {error.strerror or error}") from None
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise PrintsError(f"{path}: no file of learnt announcements: {error}") from None
    good = shapes.shape == (len(owner), WINDOW * BANDS) and at.shape == owner.shape and bool(np.isfinite(shapes).all())
    if not good or (len(owner) and not 0 <= int(owner.min()) <= int(owner.max()) < len(recordings)):
        raise PrintsError(f"{path}: no file of learnt announcements: its tables do not fit together")
    return Prints(recordings, shapes, owner, at)
