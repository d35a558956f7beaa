"""The recordings that ship with the project, and where they are on this machine.

``prompts.csv`` is the table of everything that is said, ``make`` makes recordings of it, ``catalog`` finds the one to
play, ``words`` puts numbers and times together. No text names a company: every operator records a safe-harbour message
of its own that does (the law of most countries asks for it) and names it in the campaign's ``message``, or puts it in
place of ours.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

SAFE_HARBOUR = "safe-harbour.wav"


def safe_harbour_path(language: str = "en") -> Path:
    """The absolute path of the message for people whom nobody could speak with.

    Raises FileNotFoundError for a language without a recording.
    """
    if not language.isalpha():
        raise FileNotFoundError(f"sounds/{language!r}: expected a language code such as en")
    with as_file(files(__name__) / language / SAFE_HARBOUR) as path:
        absolute = path.resolve()
    if not absolute.is_file():
        raise FileNotFoundError(f"{absolute}: expected a recording for language {language}")
    return absolute
