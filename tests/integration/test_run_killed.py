"""kill -9 of the dialer in the middle of its work: no answered call stays silent, and the next start settles all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from run_kit import (
    MESSAGE_S,
    EventSocket,
    Service,
    carrier_legs,
    configuration,
    nothing_dialed_twice,
    running,
    silent,
    until,
)

RINGING = 50
LONG_RINGS: dict[str, Any] = {
    "leads": 600,
    "agents": 12,
    "embedded__callees": {
        "answer_probability": 0.6,
        "ring_to_answer": {"mean_s": 5, "sd_s": 2, "max_s": 9},
        "patience_s": 30,
    },
    "embedded__talk": {"mean_s": 5, "sd_s": 1, "min_s": 4, "max_s": 6},
    "trunks__0__cps": 100,
    "campaigns__0__ring_timeout_s": 12,
    "campaigns__0__lines_per_agent": 9,
}


def kill_while_ringing(service: Service) -> tuple[EventSocket, float, list[dict[str, Any]]]:
    """Kill the dialer with 50 calls ringing and some being talked to; the switch, the moment, the talks."""
    service.up()
    switch = service.switch
    until(lambda: len(switch.ringing()) >= RINGING and len(switch.talks()) >= 3, "50 ring and 3 talk", 30)
    service.kill()
    killed_at = time.time()
    return switch, killed_at, switch.talks()


def test_no_answered_call_stays_silent_and_a_later_start_settles_everything(tmp_path: Path) -> None:
    config = configuration(tmp_path, **LONG_RINGS)
    with running(config, name="first") as first:
        switch, killed_at, talks = kill_while_ringing(first)
        left_open = [attempt for attempt in first.attempts() if attempt["ended_at"] is None]
        assert len(left_open) >= RINGING

        until(lambda: not switch.calls(), "every call ends without the dialer", 40, every_s=0.2)
        audit = switch.audit()
        legs = carrier_legs(audit)
        late = [leg for leg in legs if leg["answered_at"] > killed_at]
        assert len(late) >= 10
        assert not silent(audit)
        # Nobody was left to bridge them: each heard the message, and the switch hung up unless they had before.
        for leg in late:
            assert leg["bridged_at"] is None
            assert leg["message_s"] > 0 or leg["hungup_at"] - leg["answered_at"] < 2.0
        assert sum(leg["message_s"] > MESSAGE_S - 0.2 for leg in late) >= len(late) * 0.7
        talked = {leg["uuid"]: leg for leg in legs}
        assert all(talked[row["uuid"]]["bridged_s"] > 3.5 for row in talks), "talks went on to their own end"

        with running(config, "--for", "1s", "--drain", "1s", name="second") as second:
            assert second.exit_code() == 0, second.log()[-3000:]
            report = second.summary()
            assert report["leads_unaccounted"] == report["attempts_open"] == report["channels_left"] == 0
            assert second.said("recovered")["text"].startswith(f"{len(left_open)} attempts")
            attempts = {attempt["id"]: attempt for attempt in second.attempts()}
            assert all(attempt["outcome"] for attempt in attempts.values())
            talking = {row["uuid"] for row in talks}
            settled = {attempts[attempt["id"]]["outcome"] for attempt in left_open if attempt["id"] not in talking}
            assert "interrupted" in settled and settled <= {"interrupted", "abandoned"}
            # A talk that was written down is a talk; one that began in the dialer's last instants is judged by what the
            # store knows of it: dialed (interrupted) or answered (abandoned).
            known = {attempt["id"] for attempt in left_open if attempt["bridged_at"] is not None}
            assert {attempts[uuid]["outcome"] for uuid in talking & known} == {"connected"}
            assert {attempts[uuid]["outcome"] for uuid in talking - known} <= {"interrupted", "abandoned"}
            assert len(talking & known) >= 2
            assert audit["invites"] <= len(attempts) - report["attempts"]


def test_a_start_at_once_takes_over_calls_talks_and_agents(tmp_path: Path) -> None:
    config = configuration(tmp_path, **LONG_RINGS)
    with running(config, name="first") as first:
        switch, killed_at, talks = kill_while_ringing(first)
        phones = switch.audit()["phone_invites"]
        with running(config, name="second") as second:
            second.up()
            assert second.said("embedded_switch")["found_running"] is True
            counters = second.status()["counters"]
            assert counters["calls_adopted"] >= RINGING / 2
            assert counters.get("orphan_calls_seen", 0) == 0
            away = {"connecting", "unavailable", "logged_out"}
            until(lambda: not away & {a["state"] for a in second.agents().values()}, "agents are at work")
            until(lambda: second.campaign()["connected"] >= 5, "talks end and others begin")
            audit = switch.audit()
            assert audit["phone_invites"] == phones, "no agent's phone was rung again"
            before = {leg["uuid"]: leg for leg in carrier_legs(audit)}
            assert all(before[row["uuid"]]["bridged_s"] > 3.5 or not before[row["uuid"]]["hungup_at"] for row in talks)
            adopted = [leg for leg in before.values() if leg["answered_at"] > killed_at and leg["bridged_at"]]
            assert adopted, "a call that rang over the restart reached an agent"
            second.post("/v1/campaigns/bank/stop")
            until(lambda: not switch.calls(), "the last calls end", 25)
            audit = switch.audit()
            assert not silent(audit)
            second.process.terminate()
            assert second.exit_code() == 0, second.log()[-3000:]
            report = second.summary()
            assert report["leads_unaccounted"] == report["attempts_open"] == report["channels_left"] == 0
            nothing_dialed_twice(second, audit)
            talked = {row["uuid"] for row in talks}
            outcomes = {a["id"]: a["outcome"] for a in second.attempts()}
            assert {outcomes[uuid] for uuid in talked} == {"connected"}
