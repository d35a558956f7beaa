"""The listeners' process and its client: real files that grow as a switch writes them, deaths and restarts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest

from dialer.domain.hearing import (
    Announcement,
    AnnouncementHeard,
    BeepHeard,
    CalleeRecorded,
    Heard,
    HearingEvent,
    Listen,
    ListenKind,
    StopListening,
    Verdict,
    WordsHeard,
)
from dialer.hearing import client as client_module
from dialer.hearing.client import ClientSettings, HearingClient
from dialer.hearing.prints import EMPTY, MatchSettings, learn
from dialer.hearing.printsfile import save
from dialer.hearing.sound import FRAME_S
from dialer.hearing.wavefile import frames, read_8k

RATE = 8000
ENGINE_AHEAD_S = 1_000_000.0


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.float32)


def words(seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * 130 * n * t + n * n) / n for n in range(2, 12))
    return (0.1 * sound * (0.04 + np.abs(np.sin(np.pi * 5 * t)))).astype(np.float32)


def tone(hz: float, seconds: float) -> np.ndarray:
    return (0.2 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


PERSON = np.concatenate([quiet(0.7), words(0.5), quiet(2.0)])
MACHINE = np.concatenate([quiet(0.4), words(3.6), quiet(0.4), tone(1000, 0.4), quiet(1.0)])


class House:
    """A client with its worker, and the switch's part: recordings that grow in real time."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.told: list[HearingEvent | CalleeRecorded] = []
        self.taps: dict[str, str] = {}
        self.closed: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.sound: dict[str, np.ndarray] = {}
        self.writers: list[gevent.Greenlet] = []
        self.folder = folder / "taps"
        self.client = HearingClient(
            ClientSettings(folder=str(self.folder), **settings),
            self.told.append,
            self._on_tap,
            clock=self.now,
            on_closed=lambda order, path: self.closed.append((order.uuid, path)),
            on_fault=self.faults.append,
        )

    def now(self) -> float:
        return time.monotonic() + ENGINE_AHEAD_S

    def _on_tap(self, order: Listen, path: str) -> None:
        self.taps[order.uuid] = path
        if order.uuid in self.sound:
            self.writers.append(gevent.spawn(self.record, path, self.sound[order.uuid]))

    def record(self, path: str, sound: np.ndarray) -> None:
        """As FreeSWITCH does it: one frame, nothing for half a second, then everything, then frame by frame."""
        began = time.monotonic()
        pieces = frames(sound)
        with open(path, "wb", buffering=0) as file:
            written = 0
            while written < len(pieces):
                due = int((time.monotonic() - began) / FRAME_S)
                if written and due < 28:
                    due = 1
                for piece in pieces[written:due]:
                    file.write(piece)
                written = max(written, due)
                gevent.sleep(0.01)

    def listen(
        self,
        call: str,
        sound: np.ndarray | None = None,
        kind: ListenKind = ListenKind.ANSWERED,
        record: str = "",
    ) -> float:
        if sound is not None:
            self.sound[call] = sound
        at = self.now()
        self.client.listen(Listen("fs1", call, kind, at, record))
        return at

    def heard(self, call: str) -> list[HearingEvent]:
        """What was told of a call, but that somebody speaks still."""
        kept_back = (WordsHeard, CalleeRecorded)
        return [event for event in self.told if event.call == call and not isinstance(event, kept_back)]

    def recorded(self) -> list[CalleeRecorded]:
        return [event for event in self.told if isinstance(event, CalleeRecorded)]


def wait(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        gevent.sleep(0.01)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    one = House(tmp_path)
    one.client.start()
    wait(lambda: one.client._heard)
    yield one
    one.client.stop()
    gevent.killall(one.writers)


def test_a_person_and_a_machine_at_the_same_time(house: House) -> None:
    at = house.listen("person", PERSON)
    house.listen("machine", MACHINE)
    wait(lambda: len(house.heard("machine")) == 2)
    (person,) = house.heard("person")
    machine, beep = house.heard("machine")
    assert isinstance(person, Heard) and person.verdict is Verdict.HUMAN
    assert person.greeting_end_at is not None
    assert 1.1 <= person.greeting_end_at - at <= 1.4  # on the engine's clock
    assert person.at - person.greeting_end_at <= 0.5
    assert isinstance(machine, Heard) and machine.verdict is Verdict.MACHINE
    assert isinstance(beep, BeepHeard) and "1000 Hz" in beep.reason
    wait(lambda: ("person", house.taps["person"]) in house.closed)
    assert not Path(house.taps["person"]).exists()  # nothing that was said is kept
    house.client.stop_listening(StopListening("fs1", "machine"))
    wait(lambda: ("machine", house.taps["machine"]) in house.closed)
    assert list(house.folder.iterdir()) == []
    assert house.client.listening == 0
    assert house.client.counters["human"] == house.client.counters["machine"] == house.client.counters["beeps"] == 1


def test_what_a_machine_says_is_kept_where_that_is_asked_and_nobody_elses(house: House, tmp_path: Path) -> None:
    """From the answer to the end of listening; not of a person, nor of who was routed to an agent all the same."""
    files = {name: tmp_path / "kept" / "2026" / f"{name}.wav" for name in ("machine", "person", "back")}
    house.listen("machine", MACHINE, record=str(files["machine"]))
    house.listen("back", MACHINE, record=str(files["back"]))
    house.listen("person", PERSON, record=str(files["person"]))
    house.listen("spoilt", MACHINE, record="/proc/nowhere/a.wav")
    house.listen("unasked", MACHINE)
    calls = ("machine", "back", "spoilt", "unasked")
    wait(lambda: all(house.heard(call) for call in (*calls, "person")))
    for call in calls:
        house.client.stop_listening(StopListening("fs1", call, keep=call != "back"))
    house.client.stop_listening(StopListening("fs1", "person", keep=True))
    wait(lambda: len(house.recorded()) == 2)
    wait(lambda: house.client.listening == 0 and len(house.closed) == 5)
    told = {event.call: event for event in house.recorded()}
    assert set(told) == {"machine", "spoilt"}
    assert "/proc/nowhere" in told["spoilt"].problem
    kept = read_8k(files["machine"])
    assert told["machine"].duration_s == pytest.approx(len(kept) / RATE) and 3.0 < len(kept) / RATE < 4.5
    assert np.abs(kept[: int(0.35 * RATE)]).max() < 0.01 and np.abs(kept[int(0.5 * RATE) :]).max() > 0.05
    assert [file.name for file in (tmp_path / "kept").rglob("*") if file.is_file()] == ["machine.wav"]
    assert house.client.counters["recorded"] == house.client.counters["not_recorded"] == 1


def test_a_ringing_leg_goes_on_over_the_same_recording_when_it_is_answered(house: House) -> None:
    busy = np.concatenate([np.concatenate([tone(425, 0.5), quiet(0.5)])] * 6)
    house.listen("busy", busy, ListenKind.EARLY)
    house.listen("leg", np.concatenate([tone(425, 1.0), PERSON]), ListenKind.EARLY)
    gevent.sleep(1.0)
    house.listen("leg")
    wait(lambda: house.heard("leg") and house.heard("busy"))
    (event,) = house.heard("leg")
    assert isinstance(event, Heard) and event.verdict is Verdict.HUMAN
    (announced,) = house.heard("busy")
    assert isinstance(announced, AnnouncementHeard) and announced.what is Announcement.BUSY
    assert len(house.writers) == 2  # no second recording was asked for


def test_taught_announcements_are_used(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    t = np.arange(1600) / RATE
    parts = [
        sum(np.sin(2 * np.pi * hz * t) for hz in rng.uniform(250, 3200, 5)) * rng.uniform(0.1, 1) for _ in range(25)
    ]
    sound = (0.1 * np.concatenate(parts)).astype(np.float32)
    save(learn(EMPTY, [("dead.wav", Announcement.DEAD_NUMBER, sound)], MatchSettings())[0], tmp_path / "a.npz")
    house = House(tmp_path, prints=str(tmp_path / "a.npz"))
    house.client.start()
    try:
        wait(lambda: house.client._heard)
        house.listen("leg", np.concatenate([quiet(0.4), sound]), ListenKind.EARLY)
        wait(lambda: house.heard("leg"))
    finally:
        house.client.stop()
    (event,) = house.heard("leg")
    assert isinstance(event, AnnouncementHeard) and event.what is Announcement.DEAD_NUMBER
    assert "dead.wav" in event.reason
    assert house.faults == []


def test_a_switch_that_records_nothing_is_unsure_in_time(house: House) -> None:
    at = house.listen("leg")
    wait(lambda: house.heard("leg"))
    (event,) = house.heard("leg")
    assert isinstance(event, Heard) and event.verdict is Verdict.UNSURE
    assert event.reason == "unsure: no sound came from the switch"
    assert event.at - at < 3.0
    wait(lambda: house.client.counters["unused"] == 1)


def test_the_workers_death_is_noticed_and_calls_go_on_unsure(house: House) -> None:
    house.listen("one")
    house.listen("ringing", kind=ListenKind.EARLY)
    wait(lambda: len(house.taps) == 2)
    pid = house.client.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(lambda: house.heard("one"))
    (event,) = house.heard("one")
    assert isinstance(event, Heard) and event.verdict is Verdict.UNSURE
    assert "process ended" in event.reason
    assert house.heard("ringing") == []
    house.listen("between")
    wait(lambda: house.heard("between"))
    wait(lambda: house.client.up and house.client.restarts == 1)
    wait(lambda: len(house.closed) == 2)  # so that the switch ends both recordings
    house.listen("after", PERSON)
    wait(lambda: house.heard("after"))
    assert house.heard("after")[0].verdict is Verdict.HUMAN  # type: ignore[union-attr]
    assert any("ended with code" in fault for fault in house.faults)


def test_a_worker_that_hangs_is_killed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "HANGS_AFTER_S", 0.5)
    monkeypatch.setattr(client_module, "PING_EVERY_S", 0.2)
    pid = house.client.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    wait(lambda: house.client.restarts == 1)
    wait(lambda: house.client.up and house.client.worker_pid not in (None, pid))


def test_more_calls_than_it_listens_to_are_unsure(tmp_path: Path) -> None:
    house = House(tmp_path, most=2)
    house.client.start()
    try:
        wait(lambda: house.client._heard)
        for call in ("a", "b", "c"):
            house.listen(call)
        wait(lambda: house.heard("c"))
        assert "2 calls are listened to already" in house.heard("c")[0].reason
        assert house.client.counters["refused"] == 1
    finally:
        house.client.stop()


def test_a_folder_that_cannot_be_used_is_said_and_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "taps").write_text("a file")
    house = House(tmp_path)
    house.client.start()
    try:
        wait(lambda: house.faults)
        house.listen("leg")
        wait(lambda: house.heard("leg"))
        assert house.heard("leg")[0].verdict is Verdict.UNSURE  # type: ignore[union-attr]
    finally:
        house.client.stop()


def test_a_strange_call_id_is_no_path(house: House) -> None:
    house.listen("../../etc/passwd")
    wait(lambda: house.heard("../../etc/passwd"))
    assert house.taps == {}


def test_what_a_former_process_left_is_removed(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.folder.mkdir()
    (house.folder / "0000-aa.7.raw").write_bytes(b"words")
    (house.folder / "notes.txt").write_text("somebody else's")
    house.client.start()
    try:
        wait(lambda: house.client._heard)
        assert [one.name for one in house.folder.iterdir()] == ["notes.txt"]
    finally:
        house.client.stop()
