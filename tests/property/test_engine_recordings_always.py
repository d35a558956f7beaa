"""Random talk, masks, refusals, lost events: every recording is written down once, and no mask ends by itself."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine_kit import NODE, Floor, agents, campaign
from engine_kit import settings as engine_settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.desk_records import FAILED, GOING, TO_UPLOAD, WRITTEN, SaveRecording
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.engine.recordings import STOP_S


class Switch:
    """The recordings that the switch makes, and the store's table of them."""

    def __init__(self, seed: int, consent: str, upload: str, mode: RecordingMode) -> None:
        self.rng = random.Random(seed)
        policy = RecordingPolicy(mode, 0.5, "/rec", "/rec", "{attempt}", consent=consent, upload=upload)
        self.f = Floor(engine_settings(campaign(recording=policy, wrap_up_s=0.0), people=agents(2)), 200)
        self.f.up()
        self.read = 0
        self.going: dict[str, tuple[str, float]] = {}  # path by leg, and since when
        self.masked: set[str] = set()
        self.table: dict[str, SaveRecording] = {}
        self.acted = False

    def carry_out(self) -> None:
        """What has been ordered since; some of it fails."""
        f = self.f
        while self.read < len(f.log):
            command = f.log[self.read]
            self.read += 1
            if isinstance(command, SaveRecording):
                former = self.table.get(command.path)
                assert former is None or former.state in (GOING, TO_UPLOAD), "what is over stays over"
                assert former is None or former.started_at == command.started_at, "no file is written over"
                self.table[command.path] = command
            elif isinstance(command, ph.Record):
                self._record(command)
            elif isinstance(command, ph.Upload) and self.rng.random() < 0.9:
                ok = self.rng.random() < 0.6
                f.send(ph.UploadReplied(command.node, command.path, ok, "no"))

    def _record(self, command: ph.Record) -> None:
        f, leg = self.f, command.uuid
        if command.what == "unmask":
            assert self.acted, "nobody asked for sound"
        refused = leg not in f.live.calls or self.rng.random() < 0.1
        if command.what == "start" and not refused:
            self.going[leg] = (command.path, f.now)
        elif refused or leg not in self.going:
            f.send(ev.CommandRefused(leg, f"Record {command.what}", "-ERR"))
        elif command.what == "stop":
            self.stop(leg)
        elif command.what == "mask":
            self.masked.add(leg)
        else:
            self.masked.discard(leg)

    def stop(self, leg: str) -> None:
        path, since = self.going.pop(leg)
        self.masked.discard(leg)
        if self.rng.random() < 0.9:  # else the event is lost
            self.f.send(ph.RecordingStopped(leg, path, self.f.now - since, self.f.now, self.f.now - since))

    # ---- steps ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        what = self.rng.choice((self.talk, self.talk, self.act, self.act, self.act, self.hang_up, self.connection))
        self.acted = False
        what()
        self.carry_out()
        self.acted = False
        self.f.step(self.rng.choice((0.1, 1.0, 5.0, 5.0, 130.0)))
        self.carry_out()

    def talk(self) -> None:
        f = self.f
        ringing = [u for u in f.dialed() if u in f.live.calls and f.call(u).answered_at is None]
        if ringing:
            for bridge in [c for c in f.answer(ringing[0]) if isinstance(c, cmd.Bridge)]:
                f.send(ev.LegsBridged(bridge.call_uuid, bridge.agent_uuid, f.now))

    def act(self) -> None:
        self.acted = True
        name = self.rng.choice(("a1", "a2"))
        self.f.send(ph.AgentAct(1, name, self.rng.choice(("mask", "mask", "record"))))

    def hang_up(self) -> None:
        talking = [call.id for call in self.f.live.calls.values() if call.bridged_at is not None]
        if talking:
            leg = self.rng.choice(talking)
            agent = self.f.call(leg).agent
            if leg in self.going:
                self.stop(leg)
            self.f.hang_up(leg)
            if agent is not None and agent.leg is not None:
                self.f.park(agent.leg)

    def connection(self) -> None:
        self.acted = True  # what was asked for before is asked for again
        self.f.send(ev.SwitchDown(NODE, "gone"))
        self.f.up()

    def end(self) -> None:
        for _ in range(6):
            self.hang_up()
            self.carry_out()
        self.acted = True
        self.f.step(STOP_S + 1)
        self.carry_out()
        self.f.step(100.0)
        self.carry_out()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 2**32),
    st.sampled_from(["", "consent"]),
    st.sampled_from(["", "/opt/bring"]),
    st.sampled_from([RecordingMode.ALL, RecordingMode.ON_DEMAND, RecordingMode.SHARE]),
)
def test_every_recording_is_written_down(seed: int, consent: str, upload: str, mode: RecordingMode) -> None:
    switch = Switch(seed, consent, upload, mode)
    for _ in range(30):
        switch.step()
        for leg in switch.masked & set(switch.going):
            recording = switch.f.live.recordings.get(leg)
            assert recording is None or recording.masked_at is not None or recording.path != switch.going[leg][0]
    switch.end()
    talking = {call.id for call in switch.f.live.calls.values() if call.bridged_at is not None}
    assert set(switch.f.live.recordings) <= talking
    started = {c.path for c in switch.f.of(ph.Record) if c.what == "start"}
    left = {recording.path for recording in switch.f.live.recordings.values()}
    assert started == set(switch.table)
    over = {path: saved.state for path, saved in switch.table.items() if path not in left}
    assert set(over.values()) <= {WRITTEN, FAILED} | ({TO_UPLOAD} if upload else set()), over
    assert not [c for c in switch.f.log if isinstance(c, cmd.Note) and c.topic == "illegal"]
