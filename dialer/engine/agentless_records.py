"""The engine's mutable record of a customer who hears a campaign's message. Written by ``agentless`` alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Told:
    """``pressed``: the last key that meant something, and what, in words. ``over``: the last words are being said."""

    since: float
    pressed: str = ""
    repeats: int = 0
    asked: bool = False
    over: bool = False
    held: bool = False  # hears the music
    words: tuple[str, ...] = ()  # what is to be said next
