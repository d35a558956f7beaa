"""SIGSTOP in the middle of the work: what happened meanwhile is read in one burst, and recorded as it happened."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from run_kit import WAIT_LIMIT_S, carrier_legs, configuration, running, silent, until

STANDSTILL_S = 7.0
CLOSE_S = 0.3
"""How far record and world may be apart on a busy test machine."""
BUSY: dict[str, Any] = {
    "drain_seconds": 30,
    "leads": 600,
    "agents": 12,
    "embedded__callees": {
        "answer_probability": 0.7,
        "ring_to_answer": {"mean_s": 3, "sd_s": 1.5, "max_s": 7},
        "patience_s": 3,
    },
    "embedded__talk": {"mean_s": 4, "sd_s": 2, "min_s": 2, "max_s": 9},
    "trunks__0__cps": 50,
    "campaigns__0__ring_timeout_s": 8,
    "campaigns__0__min_ring_s": 6,
    "campaigns__0__lines_per_agent": 4,
}


def truth(leg: dict[str, Any]) -> str:
    """The outcome of an answered call by what the world saw; empty when it is too close to tell."""
    until_s = (leg["bridged_at"] or leg["hungup_at"]) - leg["answered_at"]
    if abs(until_s - WAIT_LIMIT_S) < CLOSE_S:
        return ""
    if leg["bridged_at"] is None:
        return "hung_up_early" if until_s < WAIT_LIMIT_S else "abandoned"
    return "connected" if until_s < WAIT_LIMIT_S else "abandoned"


def test_a_standstill_changes_no_record(tmp_path: Path) -> None:
    with running(configuration(tmp_path, **BUSY)) as service:
        service.up()
        switch = service.switch
        until(lambda: len(switch.ringing()) >= 15 and len(switch.talks()) >= 5, "15 ring and 5 talk", 30)
        service.send(signal.SIGSTOP)
        began = time.time()
        until(lambda: time.time() > began + STANDSTILL_S, "it stands still", 30)
        service.send(signal.SIGCONT)
        ended = time.time()
        until(lambda: any(a["opened_at"] > ended for a in service.attempts()), "it dials again", 20)
        service.send(signal.SIGTERM)
        until(lambda: not switch.calls(), "every call ends", 30)
        audit = switch.audit()
        assert service.exit_code() == 0, service.log()[-3000:]
        attempts = {attempt["id"]: attempt for attempt in service.attempts()}

    legs = [leg for leg in carrier_legs(audit) if leg["answered_at"] is not None]
    meanwhile = [leg for leg in legs if began < leg["answered_at"] < ended - 2.5]
    assert len(meanwhile) >= 5
    assert not silent(audit)
    wrong = []
    for leg in legs:
        attempt = attempts[leg["uuid"]]
        expected = truth(leg)
        apart = {
            name: round((attempt[name] or 0.0) - (leg[theirs] or 0.0), 2)
            for name, theirs in (
                ("answered_at", "answered_at"),
                ("bridged_at", "bridged_at"),
                ("ended_at", "hungup_at"),
            )
        }
        if any(abs(each) > CLOSE_S for each in apart.values()) or expected not in ("", attempt["outcome"]):
            wrong.append((attempt["outcome"], expected, apart, round(leg["answered_at"] - began, 2)))
    assert not wrong, f"{len(wrong)} of {len(legs)}: {wrong}"
