"""``dialer agents set-pin`` and ``unlock``: PINs go from a person's keyboard into the store and nowhere else.

Owns how a PIN is asked for. Works beside a running service or without one; effective at once.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_USAGE, CliError
from dialer.clitools.output import say


def set_pin(where: running.Where, agent: str, *, stdin: bool, generate: bool) -> None:
    """Give an agent a PIN. Raises CliError."""
    if stdin and generate:
        raise CliError("--stdin and --generate: expected one of them", EXIT_USAGE)
    loaded = running.load(where)
    _known(loaded.config.agents, [agent])
    from dialer.store import pin_admin, pins

    pin = pins.generated(agent) if generate else _from_stdin() if stdin else _asked(agent)
    try:
        pins.checked(pin, agent)
    except pins.PinError as error:
        raise CliError(f"PIN of agent {agent}: {error}", EXIT_USAGE) from error
    with database(loaded) as url:
        pin_admin.set_pin(url, agent, pin)
    if generate:
        print(f"agent {agent}: PIN {pin}")  # the only time that it is shown
    else:
        say(f"agent {agent}: the PIN is set")


def unlock(where: running.Where, agents: Sequence[str]) -> None:
    """End lock-outs. Raises CliError."""
    loaded = running.load(where)
    _known(loaded.config.agents, agents)
    from dialer.store import pin_admin

    with database(loaded) as url:
        locked = pin_admin.unlock(url, agents)
    for agent in agents:
        say(f"agent {agent}: {'unlocked' if agent in locked else 'was not locked'}")


def _known(entries: Sequence[object], agents: Sequence[str]) -> None:
    from config.schema import AgentConfig

    ids = [ident for entry in entries if isinstance(entry, AgentConfig) for ident, _ in entry.expand()]
    for agent in agents:
        if agent not in ids:
            shown = f"{', '.join(ids[:12])}{', …' if len(ids) > 12 else ''}" if ids else "which names none"
            raise CliError(f"no agent {agent}: expected an agent of the configuration: {shown}", EXIT_USAGE)


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _asked(agent: str) -> str:
    if not sys.stdin.isatty():
        raise CliError("no terminal to ask at: expected --stdin or --generate", EXIT_USAGE)
    first = getpass.getpass(f"PIN of agent {agent}: ")
    if getpass.getpass("The same again: ") != first:
        raise CliError("the two PINs differ: expected the same twice", EXIT_USAGE)
    return first
