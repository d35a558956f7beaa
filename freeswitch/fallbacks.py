"""Calls that come in, as the switch's dialplan needs them: which numbers are ours, and where callers go by themselves.

Owns the values of the templates. Nothing that a caller can send gets into them. Must not render.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from config.inbound_schema import FallbackConfig
from config.schema import Config
from freeswitch.sounds.catalog import Prompts
from freeswitch.sounds.table import SHIPPED

ALL = "all"
"""The fallback of numbers that have none of their own."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """``rings`` are tried one after the other, each ``{endpoint, caller_id}``; then a message is taken or said."""

    ident: str
    rings: tuple[dict[str, str], ...]
    ring_s: int
    message: str
    leave: str
    voicemail: str
    voicemail_s: int


def inbound_values(config: Config) -> dict[str, object]:
    """What the templates of the dialplan need. Raises freeswitch.sounds.catalog.PromptError."""
    wanted = config.inbound
    prompts = Prompts(
        tuple(dict.fromkeys((config.prompts.language, *SHIPPED))),
        directory=config.prompts.directory,
        switch_directory=config.prompts.switch_directory,
    )
    numbers, fallbacks = [], []
    if wanted.numbers:
        fallbacks.append(_fallback(config, prompts, ALL, wanted.fallback))
    for index, entry in enumerate(wanted.numbers, 1):
        own = entry.fallback
        if own is not None:
            fallbacks.append(_fallback(config, prompts, str(index), own))
        written = "|".join(dict.fromkeys(each.lstrip("+") for each in (entry.number, *entry.also)))
        numbers.append(
            {
                "name": f"caller-{index}",
                "number": entry.number,
                "expression": f"^[+]?(?:{written})$",
                "fallback": ALL if own is None else str(index),
            }
        )
    wait_ms = round(wanted.wait_s * 1000)
    return {"numbers": numbers, "fallbacks": [asdict(each) for each in fallbacks], "wait_ms": wait_ms}


def _fallback(config: Config, prompts: Prompts, ident: str, wanted: FallbackConfig) -> Fallback:
    parts = [Path(part) if part.startswith("/") else part for part in wanted.message]
    directory = config.inbound.voicemail_directory if wanted.voicemail else None
    return Fallback(
        ident,
        tuple(_rings(config, wanted)),
        round(wanted.ring_s),
        prompts.playable(parts),
        prompts.playable(["voicemail-leave"]),
        (directory or "").rstrip("/"),
        round(config.inbound.voicemail_max_s),
    )


def _rings(config: Config, wanted: FallbackConfig) -> list[dict[str, str]]:
    """Who is rung. Neither is shown the caller's number: it is none of a seat's, and no number of ours at a carrier."""
    rings = []
    addresses = {seat: address for entry in config.seats for seat, address in entry.expand()}
    if wanted.extension is not None:
        user, _, domain = addresses[wanted.extension].removeprefix("user/").partition("@")
        rings.append({"endpoint": f"user/{user}@{domain or config.freeswitch.domain}", "caller_id": "0000000000"})
    if wanted.number is not None:
        trunk = next(trunk for trunk in config.trunks if trunk.name == wanted.trunk)
        number = trunk.prefix + (wanted.number.lstrip("+") if trunk.strip_plus else wanted.number)
        rings.append({"endpoint": f"sofia/gateway/{trunk.gateway_name}/{number}", "caller_id": trunk.caller_id})
    return rings
