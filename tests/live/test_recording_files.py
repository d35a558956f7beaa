"""What a real FreeSWITCH writes is where the policy says, sound, in stereo, and as long as it tells."""

from __future__ import annotations

import time
import uuid
import wave
from pathlib import Path

from harness.witness import Witness
from test_prompts import agent

from dialer import soundfiles
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from freeswitch.sounds.catalog import Prompts

__all__ = ["agent"]  # a fixture


def _record(witness: Witness, leg: str, policy: RecordingPolicy) -> tuple[Path, float]:
    """Record some prompts; the path on the switch and the seconds that it told."""
    path = policy.path(time.time(), campaign="bank", attempt=str(uuid.uuid4()), agent="1001", node="fs1")
    assert witness.api(f"uuid_setvar {leg} RECORD_STEREO true").startswith("+OK")
    witness.subscribe(("RECORD_STOP",))
    mark = witness.mark()
    assert witness.api(f"uuid_record {leg} start {path}").startswith("+OK")
    witness.api(f"uuid_broadcast {leg} playback::{Prompts().playable(('help-keys',))} aleg")
    witness.wait_for("PLAYBACK_STOP", leg, 20.0, start=mark)
    witness.api(f"uuid_record {leg} stop {path}")
    stopped = witness.wait_for("RECORD_STOP", leg, start=mark)
    return Path(path), int(stopped["variable_record_ms"] or 0) / 1000.0


def test_a_shared_directory(witness: Witness, agent: str, tmp_path: Path) -> None:
    policy = RecordingPolicy(RecordingMode.ALL, directory=str(tmp_path), switch_directory=str(tmp_path))
    path, told_s = _record(witness, agent, policy)
    found = soundfiles.inspect(path, told_s)
    assert found is not None and found.problem == "" and found.seconds is not None
    assert abs(found.seconds - told_s) < 0.5 and policy.ours(str(path)) == str(path)
    with wave.open(str(path)) as sound:
        assert sound.getnchannels() == 2
