"""Switches that die, are not there, or will not let us in: it says so, keeps trying, and works when they are well."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from run_kit import (
    StandIn,
    configuration,
    free_port,
    nothing_dialed_twice,
    running,
    until,
)


def test_an_embedded_switch_that_dies_is_started_again(tmp_path: Path) -> None:
    with running(configuration(tmp_path), "--drain", "1s") as service:
        service.up()
        until(lambda: service.campaign()["connected"] >= 2, "the campaign runs")
        until(lambda: len(service.switch.calls()) >= 3, "calls are on")
        former = service.switch_pid
        os.kill(former, signal.SIGKILL)
        assert "by signal 9; starting it again" in service.said("embedded_switch_died")["text"]
        until(lambda: service.lines("switch_down"), "the loss is told")
        fresh = service.said("embedded_switch_restarted")["pid"]
        assert fresh != former
        until(lambda: service.ready()[0] == 200, "ready again")
        interrupted = until(lambda: service.campaign()["outcomes"].get("interrupted"), "its calls are settled")
        assert interrupted >= 1
        connected = service.campaign()["connected"]
        until(lambda: service.campaign()["connected"] >= connected + 1, "agents are back and dialing goes on", 25)
        invites = service.switch.audit()["invites"]
        assert invites >= 3
        service.send(signal.SIGINT)
        assert service.exit_code() == 0, service.log()[-3000:]
        report = service.summary()
        assert report["leads_unaccounted"] == report["channels_left"] == report["attempts_open"] == 0
        assert sum(report["outcomes"].values()) == report["attempts"]
        assert report["outcomes"]["interrupted"] >= interrupted
        nothing_dialed_twice(service, {"invites": 0})


def test_a_switch_that_is_absent_or_refuses_us_is_told_and_tried_again(tmp_path: Path) -> None:
    port = free_port()
    config = configuration(
        tmp_path,
        switch={"nodes": [{"name": "north", "host": "127.0.0.1", "port": port, "password": "the right one"}]},
        esl={"reconnect_min_s": 0.2, "reconnect_max_s": 0.5},
    )
    world = {"answer_probability": 0.5, "ring_mean_s": 1.0, "ring_sd_s": 0.5, "talk_mean_s": 1.0, "talk_sd_s": 0.2}
    with running(config, "--drain", "1s") as service:
        service.listening()
        code, missing = until(lambda: service.ready() if "refused" in str(service.ready()[1]) else None, "503 and why")
        assert code == 503 and missing.keys() == {"switch north"}
        assert service.get("/healthz")[0] == 200
        assert until(lambda: [x for x in service.lines() if "event socket north" in x["event"]], "the log says so")
        assert service.campaign()["decision_reason"] == "start 0: no switch is connected and compared"

        stranger = StandIn(tmp_path, port, "another one", world)
        try:
            until(lambda: "authentication refused" in service.ready()[1]["switch north"], "refused at the door")
            assert "the right one" not in service.log() and "another one" not in service.log()
            assert [x for x in service.lines() if "the password was refused; next try in" in x["event"]]
            assert service.process.poll() is None
        finally:
            stranger.stop()

        good = StandIn(tmp_path, port, "the right one", world)
        try:
            until(lambda: service.ready()[0] == 200, "let in at last", 40)
            until(lambda: service.campaign()["connected"] >= 3, "it dials", 25)
            service.send(signal.SIGTERM)
            assert service.exit_code() == 0, service.log()[-3000:]
            report = service.summary()
            assert report["switch"] == "north"
            assert report["leads_unaccounted"] == report["channels_left"] == 0
            audit = good.socket.audit()
            assert audit["invites"] == report["attempts"]
            assert audit["channels"] == 0, "a switch that is not ours goes on, without legs of ours"
        finally:
            good.stop()
        assert json.dumps(report).find("the right one") < 0
