"""A campaign's checked section ``agentless`` → what the engine works from, and the texts that have to be spoken for it.

Owns the translation of its sounds into what the switch plays, and the speaking of texts once, at a start, into files
named by what is said. Defaults and limits are ``config.agentless_schema``'s. Must not run in a call's way.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from config.agentless_schema import SAY, AgentlessConfig
from config.campaign_schema import CampaignConfig
from config.inbound_schema import spoken_texts
from config.schema import Config
from dialer.domain.agentless import AgentlessSettings
from dialer.speech import ESPEAK, filled
from dialer.speech_sound import SpeechError, write_trimmed
from freeswitch.sounds.catalog import PromptError, Prompts, check_path

LONGEST_S: Final = 300.0
TIME_LIMIT_S: Final = 30.0
WORDS_A_MINUTE: Final = 160
SILENCE: Final = "silence_stream://20"


class MessageError(Exception):
    """A campaign's text cannot be spoken; says which campaign, why, and what to do."""


def agentless_settings(campaign: CampaignConfig, config: Config, prompts: Prompts) -> AgentlessSettings | None:
    """What the engine knows of such a campaign. Raises freeswitch.sounds.catalog.PromptError."""
    wanted = campaign.agentless
    if wanted is None:
        return None
    language = wanted.language or config.prompts.language

    def sound(parts: tuple[str, ...]) -> str:
        found = [spoken_path(config, part, language) if part.startswith(SAY) else _place(part) for part in parts]
        return prompts.playable(found, language)

    return AgentlessSettings(
        message=sound(wanted.message),
        goodbye=sound(wanted.goodbye),
        removed=sound(wanted.removed),
        noted=sound(wanted.noted),
        connecting=sound(wanted.connecting),
        nobody=sound(wanted.nobody),
        music=wanted.music or "",
        keys=dict(wanted.keys),
        lead_in_s=wanted.lead_in_s,
        answer_s=wanted.answer_s,
        repeats=wanted.repeats,
        callback_after_s=wanted.callback_after_s,
        most_lines=wanted.max_lines,
        calls_per_second=wanted.cps,
        share=wanted.expected_share,
    )


def _place(part: str) -> str | Path:
    return Path(part) if part.startswith("/") else part


def _command(config: Config) -> tuple[str, ...]:
    return tuple(ESPEAK if config.speech.command is None else config.speech.command)


def spoken_path(config: Config, part: str, language: str) -> Path:
    """Where the recording of a text is, or is going to be: named by all that makes it sound as it does."""
    said = "\0".join((*_command(config), language, part))
    folder = Path(config.speech.cache_dir).parent if config.speech.cache_dir else config.data_path
    return folder / "messages" / (hashlib.sha256(said.encode()).hexdigest()[:40] + ".wav")


def texts(config: Config) -> Iterable[tuple[str, str, str]]:
    """Section, text and language of all that is to be spoken."""
    for language, part in spoken_texts(config.inbound):
        usual = (config.prompts.language, *config.inbound.languages())
        yield from (("inbound", part, each) for each in dict.fromkeys((language,) if language else usual))
    for campaign in config.campaigns:
        wanted: AgentlessConfig | None = campaign.agentless
        if wanted is None:
            continue
        language = wanted.language or config.prompts.language
        section = f"campaigns.{campaign.name}.agentless"
        yield from ((section, part, language) for _, part in wanted.sounds() if part.startswith(SAY))


def speak_messages(config: Config) -> int:
    """Have every text spoken that has no recording yet, before anybody is dialed; how many. Raises MessageError."""
    made = 0
    for section, part, language in texts(config):
        path = spoken_path(config, part, language)
        if path.is_file():
            continue
        try:
            check_path(str(path))
            _speak(_command(config), part.removeprefix(SAY), language, path)
        except (SpeechError, OSError, PromptError, subprocess.TimeoutExpired) as error:
            raise MessageError(
                f"{section}: a text cannot be spoken: {error}; expected a speaking program "
                "(speech.command, or espeak-ng installed), or a recording's path instead of say"
            ) from error
        made += 1
    return made


def _speak(command: tuple[str, ...], text: str, language: str, path: Path) -> None:
    if not command or shutil.which(command[0]) is None:
        raise SpeechError(f"{command[0] if command else 'speech.command'} is not installed")
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as scratch:
        raw, done = Path(scratch, "raw.wav"), Path(scratch, "done.wav")
        with raw.open("wb") as out:
            ran = subprocess.run(
                filled(command, language, WORDS_A_MINUTE, raw),
                input=text.encode(),
                stdout=out,
                stderr=subprocess.DEVNULL,
                timeout=TIME_LIMIT_S,
                check=False,
            )
        if ran.returncode != 0:
            raise SpeechError(f"{command[0]} ended with code {ran.returncode}")
        write_trimmed(raw, done, LONGEST_S)
        done.chmod(0o640)
        os.replace(done, path)
