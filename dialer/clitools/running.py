"""The commands around one configuration: loading, checking and running it, writing the switch's side of it.

Owns how faults and warnings are printed and which exit code they have. What runs is ``dialer.app``'s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dialer.clitools.options import (
    EXIT_CONFIG,
    EXIT_USAGE,
    CliError,
    RunOptions,
    find_config,
    settings_override,
    switch_override,
)
from dialer.clitools.output import complain, say
from dialer.clitools.service import Service, from_run_dir, from_url

if TYPE_CHECKING:
    from config.loader import LoadedConfig


@dataclass(frozen=True, slots=True)
class Where:
    """The flags that say which configuration, or which service, a command is about."""

    config: Path | None = None
    url: str | None = None
    token_file: Path | None = None
    settings: tuple[str, ...] = ()


def load(where: Where, extra: Mapping[str, str] | None = None) -> LoadedConfig:
    """The checked configuration. Faults go to stderr; raises CliError with exit code 78 then."""
    from config.errors import ConfigError

    try:
        return _load(where, extra)
    except ConfigError as error:
        for fault in error.faults:
            complain(fault)
        count = len(error.faults)
        raise CliError(f"{count} fault{'' if count == 1 else 's'} in the configuration", EXIT_CONFIG) from error


def _load(where: Where, extra: Mapping[str, str] | None) -> LoadedConfig:
    from config import loader
    from freeswitch.sounds.table import prompts

    try:
        overrides = settings_override(where.settings)
    except ValueError as error:
        raise CliError(f"--set: {error}", EXIT_USAGE) from error
    found, known = find_config(where.config, os.environ), frozenset(prompts())
    return loader.load(found, os.environ, {**overrides, **(extra or {})}, known)


def check(where: Where) -> int:
    """``dialer check``: each fault a line on stdout, warnings on stderr; 78 when there are faults."""
    from config.errors import ConfigError

    try:
        loaded = _load(where, None)
    except ConfigError as error:
        for fault in error.faults:
            say(fault)
        return EXIT_CONFIG
    _warn(loaded)
    config = loaded.config
    seats = sum(len(entry.expand()) for entry in config.agents)
    switch = "embedded" if config.switch.embedded else ", ".join(node.name for node in config.switch.nodes)
    say(
        f"{loaded.files[0]}: fine: {_many(len(config.campaigns), 'campaign')}, {_many(seats, 'agent')}, "
        f"{_many(len(config.trunks), 'trunk')}, switch {switch}, {_many(len(loaded.files), 'file')}, "
        f"hash {loaded.hash[:12]}"
    )
    return 0


def run(where: Where, options: RunOptions) -> int:
    """``dialer run``: the service, until it ends; its exit code."""
    extra: dict[str, str] = {}
    if options.switch is not None:
        try:
            extra = switch_override(options.switch)
        except ValueError as error:
            raise CliError(f"--switch: {error}", EXIT_USAGE) from error
    for flag, file in (("--summary", options.summary), ("--record", options.record)):
        if file is not None and not os.access(file.absolute().parent, os.W_OK):
            raise CliError(f"{flag}: {file}: expected a file in a directory that you may write", EXIT_USAGE)
    loaded = load(where, extra)
    if options.fresh and not loaded.config.switch.embedded:
        raise CliError(
            "--fresh: it forgets all leads and attempts; expected switch: embedded, not a real floor's database",
            EXIT_USAGE,
        )
    _warn(loaded)
    from dialer import app

    return int(app.run(loaded, options))


def render(where: Where, out: Path, node: str | None) -> None:
    """``dialer freeswitch render``: the XML for a real switch, made from the configuration."""
    loaded = load(where)
    _warn(loaded)
    from freeswitch import render as renderer

    try:
        done = renderer.render(loaded.config, out, node)
    except renderer.RenderError as error:
        raise CliError(str(error)) from error
    for missing in done.left_out:
        complain(f"left out: {missing}")
    files, gateways, seats = len(done.files), done.gateways, done.seats
    say(f"{done.directory}: {_many(files, 'file')}, {_many(gateways, 'gateway')}, {_many(seats, 'seat')}")


def sounds(where: Where, out: Path) -> None:
    """``dialer freeswitch sounds``: a copy of every prompt, own ones in place of ours, for a switch elsewhere."""
    loaded = load(where)
    from dialer.voice import configured_prompts
    from freeswitch.sounds.catalog import PromptError

    try:
        prompts = configured_prompts(loaded.config)
        count = prompts.export(out)
    except (PromptError, OSError) as error:
        raise CliError(str(error)) from error
    for stray in prompts.strays():
        complain(f"replaces nothing: {stray}: expected <language>/<id>.wav with an id of the table of prompts")
    own = sum(prompts.recording(ident, language).own for language in prompts.languages for ident in prompts)
    say(f"{out}: {_many(count, 'recording')}, {own} of your own")


def service(where: Where) -> Service:
    """The running service that a command is about. Raises CliError."""
    return locator(where)()


def locator(where: Where) -> Callable[[], Service]:
    """What finds the running service, again and again: the configuration is read once. Raises CliError."""
    url, token_file = where.url, where.token_file
    if url is not None:
        if token_file is None:
            raise CliError("--url needs --token-file: expected the file with the service's token", EXIT_USAGE)
        return lambda: from_url(url, token_file)
    loaded = load(where)
    http = loaded.config.http
    token = http.token.get_secret_value() if http.token is not None else None
    start_with = f"dialer run --config {loaded.files[0]}"
    return lambda: from_run_dir(run_dir(loaded), http.host, http.port, token, start_with)


def run_dir(loaded: LoadedConfig) -> Path:
    """Where the service of this configuration keeps its run file and its token."""
    return loaded.config.data_path / "run"


def _warn(loaded: LoadedConfig) -> None:
    for warning in loaded.warnings:
        complain(f"warning: {warning}")


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
