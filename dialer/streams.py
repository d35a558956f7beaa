"""Standard input, output and error of the service's process: there even when nobody is.

Owns what is said to the person at the terminal outside the log.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def open_standard_streams() -> None:
    """A supervisor may start us with some of 0, 1 and 2 closed: no socket or file of ours may get their numbers."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)


def complain(text: str) -> None:
    """For the person at the terminal; nobody may be there."""
    with suppress(OSError):
        print(f"dialer: {text}", file=sys.stderr)
