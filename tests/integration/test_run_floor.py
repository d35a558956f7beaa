"""The command line against a running service: agents, campaigns, leads, previews with phones that ring on call."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from run_kit import Service, configuration, running, until


def floor(tmp_path: Path) -> Path:
    """Three agents with open lines in a ratio campaign, two who are called for each customer in a preview one."""
    (tmp_path / "vips.csv").write_text("phone,name\n+12125550123,Ada\n+12125550124,Bob\n+12125550125,Cy\n")
    config = configuration(
        tmp_path,
        leads=60,
        embedded__callees={
            "answer_probability": 1,
            "busy_share": 0,
            "rejected_share": 0,
            "invalid_share": 0,
            "ring_to_answer": {"mean_s": 0.5, "sd_s": 0.1, "max_s": 1},
            "patience_s": 9,
            "hangup_at_answer_share": 0,
        },
        embedded__carrier__failure_share=0,
        seats=[{"id": "1001-1003"}, {"id": "2001-2002", "mode": "on_call"}],
    )
    data = yaml.safe_load(config.read_text())
    data["agents"] = [
        {"id": "1001-1003", "login_at_start": True, "campaigns": ["bank"]},
        {"id": "2001-2002", "campaigns": ["vips"]},
    ]
    data["lists"].append({"name": "vips", "file": "vips.csv", "region": "US"})
    data["campaigns"].append(
        {
            **data["campaigns"][0],
            "name": "vips",
            "mode": "preview",
            "lists": ["vips"],
            "wrap_up_s": 30,
            "preview": {"timeout_s": 60},
            "dispositions": ["sale", "no-sale"],
        }
    )
    del data["campaigns"][1]["lines_per_agent"]
    config.write_text(yaml.safe_dump(data, sort_keys=False))
    return config


def fine(service: Service, *args: str) -> str:
    done = service.dialer(*args)
    assert done.returncode == 0, (args, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout


def refused(service: Service, *args: str, code: int = 1) -> str:
    done = service.dialer(*args)
    assert done.returncode == code, (args, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr


def state(service: Service, agent: str) -> str:
    return str(service.agents()[agent]["state"])


def test_previews_on_call(tmp_path: Path) -> None:
    with running(floor(tmp_path)) as service:
        service.up()
        fine(service, "agents", "login", "2001")
        until(lambda: state(service, "2001") == "paused", "logged in, not taking customers yet")
        assert "already logged in" in refused(service, "agents", "login", "2001")
        assert "no lead is shown" in refused(service, "agents", "accept", "2001")
        phones = service.switch.audit()["phone_invites"]
        fine(service, "agents", "ready", "2001")
        shown = until(lambda: service.agents()["2001"]["lead"], "a lead is shown")
        assert shown["name"] == "Ada" and "5550123" not in json.dumps(service.status())
        until(lambda: service.switch.audit()["phone_invites"] == phones + 1, "the phone rings for a lead that is shown")

        fine(service, "agents", "skip", "2001")
        shown = until(lambda: (service.agents()["2001"]["lead"] or {}).get("name") == "Bob", "the next lead is shown")

        fine(service, "agents", "accept", "2001")
        until(lambda: state(service, "2001") == "talking", "phone, customer, bridge")
        audit = service.switch.audit()
        assert any(leg["number"].endswith("2125550124") and leg["bridged_at"] for leg in audit["legs"])
        until(lambda: state(service, "2001") == "wrap_up", "the customer leaves")
        assert "expected one of sale, no-sale" in refused(service, "agents", "dispose", "2001", "perhaps")
        fine(service, "agents", "dispose", "2001", "sale", "--note", "wants two")
        fine(service, "agents", "ready", "2001")
        until(lambda: (service.agents()["2001"]["lead"] or {}).get("name") == "Cy", "the last lead is shown")
        fine(service, "agents", "logout", "2001")
        until(lambda: state(service, "2001") == "logged_out", "gone")
        assert "not logged in" in refused(service, "agents", "logout", "2001")

        service.process.terminate()
        assert service.exit_code() == 0, service.log()[-3000:]
        report = service.summary()
        assert report["leads_unaccounted"] == report["channels_left"] == 0
        mine = [attempt for attempt in service.attempts() if attempt["campaign"] == "vips"]
        assert [(a["agent"], a["outcome"]) for a in mine] == [("2001", "connected")]


def test_orders_from_the_command_line(tmp_path: Path) -> None:
    config = floor(tmp_path)
    with running(config) as service:
        service.up()
        until(lambda: service.campaign()["connected"] >= 1, "the campaign runs")
        listed = json.loads(fine(service, "agents", "list", "--json"))
        there = {agent["agent"] for agent in listed if agent["state"] != "logged_out"}
        assert there == {"1001", "1002", "1003"}
        assert "1002" in fine(service, "agents", "list")
        frame = fine(service, "top", "--once")
        assert "bank" in frame and "1001" in frame and "\x1b" not in frame

        fine(service, "agents", "pause", "1001", "--reason", "lunch")
        until(lambda: (state(service, "1001"), service.agents()["1001"]["reason"]) == ("paused", "lunch"), "paused")
        fine(service, "agents", "ready", "1001")
        until(lambda: state(service, "1001") != "paused", "back")
        fine(service, "agents", "logout", "1002")
        until(lambda: state(service, "1002") == "logged_out", "logged out, after the customer at hand")
        fine(service, "agents", "login", "1002")
        until(lambda: state(service, "1002") == "paused", "logged in")
        assert "no agent 9999" in refused(service, "agents", "pause", "9999")
        refused(service, "agents", "pause", code=2)
        refused(service, "agents", "pause", "1001", "--all", code=2)

        extra = tmp_path / "extra.csv"
        extra.write_text("phone\n+12125550150\n+12125550151\nnonsense\n+12125550151\n")
        done = service.dialer("leads", "import", str(extra), "--list", "bank")
        assert done.returncode == 0 and "2 imported" in done.stdout
        assert f"{extra}:4" in done.stdout and f"{extra}:5" in done.stdout
        assert "2125550150" not in done.stdout
        refused(service, "leads", "import", str(tmp_path / "none.csv"), "--list", "bank")

        fine(service, "campaigns", "pause", "bank")
        assert service.campaign()["state"] == "paused" and service.campaign()["hopper"] > 0
        fine(service, "campaigns", "stop", "bank")
        assert "no campaign none" in refused(service, "campaigns", "start", "none")
        until(lambda: service.campaign()["hopper"] == 0 and not service.switch.calls(), "stopped")
        begun = service.campaign()["attempts"]
        assert "stopped" in fine(service, "campaigns", "list")
        assert service.campaign()["attempts"] == begun
        service.kill()

    assert "no service answers" in refused(service, "agents", "list") or "gone" in refused(service, "agents", "list")

    # An operator's order outlives the service, and a start says so.
    with running(config, name="second") as service:
        service.up()
        told = service.said("campaign_not_dialing")["text"]
        assert told == (
            "campaign bank is stopped by an operator's order before this start; "
            "it dials after: dialer campaigns start bank"
        )
        assert service.campaign()["state"] == "stopped" and service.campaign()["attempts"] == 0
        # Who was paused is not given customers by a restart.
        until(lambda: [state(service, agent) for agent in ("1001", "1002")] == ["ready", "paused"], "agents are back")
        fine(service, "campaigns", "start", "bank")
        until(lambda: service.campaign()["connected"] >= 1, "it dials again")


def test_a_start_with_nothing_to_dial_says_why(tmp_path: Path) -> None:
    closed = {"zone": "America/New_York", "days": {"mon": "00:00-00:01"}}
    config = configuration(tmp_path, leads=5, campaigns__0__call_window=closed)
    with running(config) as service:
        service.up()
        text = service.said("nothing_due")["text"]
        assert text.startswith("campaign bank: no lead may be dialed now: 5 leads are left, the next is due at ")
        service.process.terminate()
        assert service.exit_code() == 0
        assert service.summary()["attempts"] == 0
