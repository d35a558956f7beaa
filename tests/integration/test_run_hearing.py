"""A shift on the embedded switch whose callees speak: persons reach agents, machines do not, dead numbers are told."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from run_kit import configuration, running, until

from dialer.store import queries


def screened(folder: Path, **changes: object) -> Path:
    return configuration(
        folder,
        leads=200,
        agents=8,
        embedded__callees__answer_probability=0.6,
        embedded__callees__machine_share=0.4,
        embedded__callees__invalid_share=0.2,
        embedded__carrier__announced_share=1.0,
        hearing__folder=str(folder / "taps"),
        campaigns__0__dead_numbers=True,
        campaigns__0__answering_machines={
            "policy": "message", "clock": "greeting_end", "message": str(folder / "message.wav"),
        },
        **changes,
    )  # fmt: skip


def attempts(config: Path) -> list[dict[str, object]]:
    return [dict(row) for row in queries.attempts(f"sqlite:///{config.parent / 'data' / 'dialer.db'}")]


def test_persons_machines_and_dead_numbers(tmp_path: Path) -> None:
    config = screened(tmp_path)
    with running(config, "--for", "25s", "--drain", "20s") as service:
        service.up()
        assert service.exit_code(90.0) == 0, service.log()[-3000:]
        report = service.summary()
    outcomes = report["outcomes"]
    assert outcomes["connected"] > 3 and outcomes["message_played"] > 1 and outcomes["dead_number"] > 1, outcomes
    assert report["leads_unaccounted"] == report["channels_left"] == 0
    rows = attempts(config)
    for row in rows:
        if row["outcome"] == "connected":
            assert row["heard"] in ("human", "unsure"), row
        elif row["outcome"] in ("machine", "message_played"):
            assert row["heard"] == "machine" and str(row["heard_reason"]).startswith("machine"), row
        elif row["outcome"] == "dead_number":
            assert row["heard"] == "dead_number" and row["answered_at"] is None, row
    persons = [row for row in rows if row["heard"] == "human" and row["bridged_at"] is not None]
    assert persons and all(row["bridged_at"] - row["clock_at"] < 2.0 for row in persons)  # type: ignore[operator]
    assert list((tmp_path / "taps").iterdir()) == []


def test_what_a_killed_dialer_left_is_removed(tmp_path: Path) -> None:
    """Killed with its listeners: the next start removes what was recorded."""
    config = screened(tmp_path)
    taps = tmp_path / "taps"
    with running(config) as service:
        service.up()
        until(lambda: list(taps.glob("*.raw")), "a callee is listened to")
        service.process.kill()
    until(lambda: not list(taps.glob("*.raw")), "the listeners' process sees that its dialer is gone")
    (taps / "0000-aa.1.raw").write_bytes(b"words")
    with running(config) as service:
        service.up()
        until(lambda: not (taps / "0000-aa.1.raw").exists(), "the next start removes it")
        service.process.send_signal(signal.SIGTERM)
        assert service.exit_code(60.0) == 0
    assert os.listdir(taps) == []
