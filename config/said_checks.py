"""What callers and customers are told: prompts that there are, and recordings that are there.

Owns these comparisons. A switch leaves out what it does not find, and tells nobody: people would hear nothing. Which
prompts there are is told by whoever has the table of them. What the sections themselves may say is theirs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from typing import TYPE_CHECKING

from config.agentless_schema import SAY

if TYPE_CHECKING:
    from config.schema import Config

Said = tuple[tuple[str | int, ...], str]
"""A path, and what is said there: a prompt's id, a recording's path or a text."""


def said(config: Config) -> Iterator[Said]:
    """Everything that is said, each part with its path."""
    for path, words in config.inbound.words():
        yield from ((("inbound", *path), part) for parts in words.values() for part in parts)
    for index, queue in enumerate(config.inbound.queues):
        yield ("inbound", "queues", index, "music"), queue.music
    for index, tier in enumerate(config.routing.tiers):
        for parts in (tier.message or {}).values():
            yield from ((("routing", "tiers", index, "message"), part) for part in parts)
    for index, campaign in enumerate(config.campaigns):
        if campaign.agentless is not None:
            sounds = campaign.agentless.sounds()
            yield from ((("campaigns", index, "agentless", key), part) for key, part in sounds)


def said_faults(config: Config, prompts: Set[str] | None) -> Iterator[tuple[tuple[str | int, ...], object, str]]:
    """Path, value and what was expected. ``prompts``: the ids that there are; None: nobody knows."""
    for path, part in said(config):
        named = part and "://" not in part and not part.startswith(("/", SAY))
        if named and prompts is not None and part not in prompts:
            yield path, part, "the id of a prompt that there is, a recording's absolute path, or {say: TEXT}"


def not_here(config: Config) -> Iterator[Said]:
    """Recordings that this machine does not have. The switch may be another one, and have them."""
    if config.prompts.switch_directory is None:
        yield from ((path, part) for path, part in said(config) if part.startswith("/") and not os.path.isfile(part))
