"""The ``dialer`` command.

Owns the order in which things happen at a start: gevent patches the standard library for ``dialer run``
before anything else is imported, and for no other command; then the commands' tree is loaded, and errors
become exit codes: 0 fine, 1 failure, 2 usage, 78 configuration. Must import nothing at its top that touches
sockets or threads.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

_WITH_VALUE = frozenset({"--config", "-c", "--url", "--token-file"})


def command_word(argv: Sequence[str]) -> str | None:
    """The command among the arguments: the first that is no flag and no flag's value."""
    words = iter(argv)
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    args = list(sys.argv[1:] if argv is None else argv)
    if command_word(args) == "run":
        from gevent import monkey

        monkey.patch_all()
    from dialer.clitools.options import CliError
    from dialer.clitools.output import complain
    from dialer.clitools.tree import app

    try:
        app(args, prog_name="dialer")
    except CliError as error:
        complain(f"dialer: {error}")
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


if __name__ == "__main__":
    main()
