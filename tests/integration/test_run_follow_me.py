"""A caller for one person on a whole service with its embedded switch: the mobile by key, the mailbox, a task."""

from __future__ import annotations

from pathlib import Path

import yaml
from phone_kit import PATIENT, Floor
from run_kit import configuration, running, until

DID, ANNA, BORIS, MOBILE = "+12025550111", "+13105550101", "+13105550202", "+13105550701"


def floor_config(folder: Path) -> Path:
    """A number that is agent 1001's."""
    config = configuration(folder, leads=1, agents=1, embedded__linger_s=60, embedded__callees=PATIENT)
    data = yaml.safe_load(config.read_text())
    data["embedded"]["talk"] = {"mean_s": 900, "sd_s": 1, "min_s": 800, "max_s": 1000}
    data["embedded"]["carrier"] = {"failure_share": 0}
    data["campaigns"] = []
    data["agents"][0]["follow_me"] = "ann"
    data["inbound"] = {
        "voicemail_directory": str(folder / "voicemail"),
        "numbers": [{"number": DID, "queue": "sales", "agent": "1001", "trunk": "carrier"}],
        "queues": [{"name": "sales", "wrap_up_s": 0}],
    }
    phones = [{"name": "desk", "agent": "1001"}, {"name": "mobile", "number": MOBILE, "trunk": "carrier"}]
    data["routing"] = {"follow_me": [{"name": "ann", "accept_s": 5, "phones": phones}]}
    config.write_text(yaml.safe_dump(data, sort_keys=False))
    return config


def test_a_person_is_followed_over_the_wire(tmp_path: Path) -> None:
    """One caller gets the desk, the next the mobile that presses 1, the third a mailbox; each is written once."""
    with running(floor_config(tmp_path)) as service:
        floor = Floor(service.up(120.0))
        until(lambda: floor.agent("1001")["state"] == "ready", "the agent is ready", 60.0)
        first = floor.begin(ANNA, DID)
        floor.becomes("1001", "talking")
        second = floor.begin(BORIS, DID)
        mobile = floor.number(MOBILE[1:]).told("follow-me-accept")
        assert not second.voices() and not mobile.voices()
        mobile.press("1")
        floor.hear(caller=(second, {mobile}), mobile=(mobile, {second}))
        second.hang_up()
        mobile.ended()
        third = floor.begin("+13105550303", DID)
        mailbox = floor.number(MOBILE[1:])
        mailbox.ended()  # nobody pressed 1
        third.told("voicemail-leave").hang_up()
        first.hang_up()
        until(lambda: len(floor.query("SELECT id FROM callbacks")) == 1, "the task is written", 30.0)
        rows = floor.query("SELECT ending, agent FROM inbound_calls ORDER BY arrived_at")
        assert rows == [("served", "1001"), ("served", ""), ("turned_away", "")]
        reasons = [reason for (reason,) in floor.query("SELECT reason FROM inbound_calls ORDER BY arrived_at")]
        assert reasons[0] == "spoke with agent 1001; plan ann: desk answered"
        assert reasons[1].startswith("spoke at mobile; plan ann: mobile accepted by key (before: desk: agent 1001 is ")
        assert "mobile: answered, nobody pressed 1" in reasons[2]
        ((number, agent, note),) = floor.query("SELECT number, agent, note FROM callbacks")
        assert (number, agent) == ("+13105550303", "1001") and note.startswith("missed call for 1001: plan ann: ")
        status, text = service.get("/metrics")
        assert status == 200 and "dialer_engine_follow_me_connected_total 2.0" in text
        service.process.terminate()
        assert service.exit_code(120.0) == 0
        assert service.summary()["inbound"] == {"served": 2, "turned_away": 1}
        assert not service.lines("engine_error") and MOBILE[1:] not in service.log()
