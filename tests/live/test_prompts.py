"""A real FreeSWITCH plays our prompts, joined prompts and run-time speech, for as long as the catalogue says.

What is heard is read from a recording that the switch makes of the leg.
"""

from __future__ import annotations

import shutil
import uuid
import wave
from pathlib import Path

import numpy as np
import pytest
from conftest import Stage
from harness.witness import Witness

from dialer.domain import commands as cmd
from dialer.speech import Kind, Speech, SpeechSettings
from dialer.switch.originate import to_esl
from freeswitch.sounds import words
from freeswitch.sounds.catalog import Prompts


@pytest.fixture
def agent(stage: Stage, witness: Witness) -> str:
    """A nailed-up agent's leg, parked."""
    leg = str(uuid.uuid4())
    order = cmd.OriginateAgent(
        node="fs1",
        uuid=leg,
        agent="1001",
        address=f"sip:1001@127.0.0.1:{stage.seats.port}",
        profile="internal",
        ring_timeout_s=10.0,
        auto_answer=False,
        media_timeout_s=0.0,
        caller_id="dialer",
        epoch="live",
    )
    witness.bgapi(to_esl(order).line())
    witness.wait_for("CHANNEL_PARK", leg)
    return leg


def _played(witness: Witness, leg: str, playable: str, record: Path) -> float:
    """Seconds from PLAYBACK_START to PLAYBACK_STOP, while the leg is recorded."""
    assert witness.api(f"uuid_record {leg} start {record}").startswith("+OK")
    mark = witness.mark()
    assert witness.api(f"uuid_broadcast {leg} playback::{playable} aleg").startswith("+OK")
    started = witness.wait_for("PLAYBACK_START", leg, start=mark)
    stopped = witness.wait_for("PLAYBACK_STOP", leg, 20.0, start=mark)
    witness.api(f"uuid_record {leg} stop {record}")
    return stopped.at - started.at


def _loud_seconds(record: Path) -> float:
    """How much of a recording is no silence, in steps of 20 ms."""
    with wave.open(str(record)) as sound:
        rate, channels = sound.getframerate(), sound.getnchannels()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").reshape(-1, channels).max(axis=1)
    step = rate // 50
    steps = samples[: len(samples) // step * step].reshape(-1, step).astype(float)
    return float((np.sqrt((steps**2).mean(axis=1)) > 300).sum()) / 50


@pytest.mark.parametrize("language", ["en", "zh"])
def test_prompts_are_heard(witness: Witness, agent: str, tmp_path: Path, language: str) -> None:
    prompts = Prompts()
    record = tmp_path / "heard.wav"
    for parts in [("enter-agent-number",), words.help_call("1001"), ("beep",) * 4]:
        seconds = _played(witness, agent, prompts.playable(parts, language), record)
        assert seconds == pytest.approx(prompts.seconds(parts, language), abs=0.15)
        expected = prompts.seconds(parts, language)
        assert 0.4 * expected < _loud_seconds(record) < expected + 0.1
        record.unlink()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_speech_made_at_run_time_is_heard_between_prompts(witness: Witness, agent: str, tmp_path: Path) -> None:
    prompts, speech = Prompts(), Speech(SpeechSettings(tmp_path / "speech"))
    speech.start()
    try:
        speech.prepare("Li Lei", "en", Kind.NAME)
        assert speech.wait_idle(10.0)
        made = speech.ready("Li Lei", "en", Kind.NAME)
    finally:
        speech.stop()
    assert made is not None
    record = tmp_path / "heard.wav"
    parts = ("next-customer", made, "tier-gold")
    seconds = _played(witness, agent, prompts.playable(parts), record)
    assert seconds == pytest.approx(prompts.seconds(parts), abs=0.15)
    assert _loud_seconds(record) > 1.0
