"""A whole service with three carriers over TCP, one dead and one that fails half of its calls: all is accounted for."""

from __future__ import annotations

import json
import signal
from collections import Counter
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from run_kit import Service, configuration, nothing_dialed_twice, running, until

TRUNK = {"channels": 30, "cps": 30}
TRUNKS = [
    {"name": "dead", **TRUNK, "caller_id": "+12025550101"},
    {"name": "half", **TRUNK, "caller_id": "+12025550102", "pool": "local"},
    {"name": "good", **TRUNK, "caller_id": "+12025550103", "reserved_inbound": 5},
]
POOL = ["+12125550104", "+13105550105"]


def config_of(folder: Path, cap: int) -> Path:
    """Campaign bank on three trunks, dead being the first."""
    config = configuration(
        folder,
        trunks=TRUNKS,
        lines={"pools": [{"name": "local", "numbers": POOL, "daily_cap": cap}], "health": {"cool_down": "3s"}},
        embedded__carrier__failing={"dead": "100%", "half": "50%"},
        embedded__carrier__failure_share=0,
        campaigns__0__trunks=["dead", "half", "good"],
    )
    text = config.read_text()
    assert text.count("  trunk: carrier\n") == 1
    config.write_text(text.replace("  trunk: carrier\n", ""))
    return config


def test_carriers_that_fail_are_left_and_every_attempt_is_accounted_for(tmp_path: Path) -> None:
    config = config_of(tmp_path, 1000)
    with running(config, "--drain", "3s") as service:
        service.up()
        until(lambda: len(service.lines("trunk_sick")) >= 2, "both are found sick", 40)
        until(lambda: service.campaign()["connected"] >= 20, "the campaign runs", 60)
        told = json.loads(service.dialer("explain", "trunk", "+12125551234", "--campaign", "bank", "--json").stdout)
        assert {view["trunk"] for view in told["trunks"]} == {"dead", "half", "good"}
        assert "5551234" not in json.dumps(told)
        trunks = {view["trunk"]: view for view in json.loads(service.get("/v1/trunks")[1])["trunks"]}
        assert trunks["dead"]["ends"].keys() == {"carrier"} and trunks["dead"]["gone_on"] >= 5
        _, metrics = service.get("/metrics")
        assert 'dialer_trunk_ended_total{trunk="dead",whose="carrier"}' in metrics
        audit = service.switch.audit()
        service.send(signal.SIGTERM)
        assert service.exit_code() == 0, service.log()[-3000:]
        report = service.summary()
        assert report["leads_unaccounted"] == report["channels_left"] == report["attempts_open"] == 0
        assert sum(report["outcomes"].values()) == report["attempts"]
        nothing_dialed_twice(service, audit)
        attempts = sorted(service.attempts(), key=lambda a: (a["lead_id"], a["opened_at"]))
        assert sum(a["trunk"] == "dead" for a in attempts) < 0.5 * len(attempts)
        assert sum(a["trunk"] == "good" and a["outcome"] == "connected" for a in attempts) > 0
        # Whoever was not reached over one line was tried on another one at once.
        lasts = Counter(list(made)[-1]["outcome"] for _, made in groupby(attempts, key=lambda a: a["lead_id"]))
        assert lasts["carrier_failure"] <= 0.05 * sum(lasts.values()), lasts


def test_a_kill_while_calls_go_on_elsewhere_loses_no_lead_and_dials_none_twice(tmp_path: Path) -> None:
    """Killed soon after calls have failed on one line and gone on on another; the switch lives on."""
    config = config_of(tmp_path, 1000)
    with ExitStack() as services:
        for n in range(3):
            killed = services.enter_context(running(config, name=f"killed {n}")).up()
            until(lambda run=killed, n=n: gone_on(run) > 2 * n, "calls go on", 40, every_s=0.01)  # type: ignore[misc]
            switch = killed.switch
            killed.kill()
        last = services.enter_context(running(config, "--drain", "3s", name="last")).up()
        assert last.said("embedded_switch")["found_running"] is True
        until(lambda: last.campaign()["connected"] >= 3, "the campaign runs on", 40)
        audit = switch.audit()
        last.send(signal.SIGTERM)
        assert last.exit_code() == 0, last.log()[-3000:]
        report = last.summary()
        assert report["leads_unaccounted"] == report["channels_left"] == report["attempts_open"] == 0
        nothing_dialed_twice(last, audit)
        made = sorted(last.attempts(), key=lambda a: (a["lead_id"], a["opened_at"]))
        for _, chain in groupby(made, key=lambda a: a["lead_id"]):
            *before, _ = (each["outcome"] for each in chain)
            # Whoever may have been reached is due again in minutes or hours, after this test.
            assert set(before) <= {"carrier_failure", "interrupted", "shutdown"}, before


def test_what_was_shown_today_is_known_after_a_restart(tmp_path: Path) -> None:
    config = config_of(tmp_path, 6)
    with running(config, "--drain", "1s") as service:
        service.up()
        until(lambda: sum(shown(service.get("/v1/trunks")[1])) >= 6, "numbers are shown", 40)
        service.kill()
    with running(config, "--drain", "1s") as service:
        service.up()
        today = shown(service.get("/v1/trunks")[1])
        assert 6 <= sum(today) <= 12 and max(today) <= 6
        service.send(signal.SIGTERM)
        assert service.exit_code() == 0, service.log()[-3000:]
        made = Counter(attempt.get("shown", "") for attempt in service.attempts())
        assert all(made[number] <= 6 for number in POOL if number in made)


def gone_on(service: Service) -> int:
    """How many calls failed on one line and went on on another one."""
    return sum(trunk["gone_on"] for trunk in json.loads(service.get("/v1/trunks")[1])["trunks"])


def shown(answer: str) -> list[int]:
    """How often each number of the pool was shown today."""
    return [number["today"] for number in json.loads(answer)["shown"]]
