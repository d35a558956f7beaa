"""Modelled people who press keys by themselves, against a whole service: every record agrees with the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from phone_kit import Floor, phone_floor
from run_kit import running, until


def test_what_people_press_is_what_is_written(tmp_path: Path) -> None:
    """Thirty calls, no agent: each wish for no more calls is in the list once, each word a disposition."""
    file = phone_floor(tmp_path, leads=30)
    tree: dict[str, Any] = yaml.safe_load(file.read_text())
    tree["embedded"]["callees"] = {
        **tree["embedded"].get("callees", {}), "answer_probability": 1.0, "busy_share": 0, "rejected_share": 0,
        "invalid_share": 0, "hangup_at_answer_share": 0, "patience_s": 60, "ring_to_answer": {"mean_s": 1, "sd_s": 0.1},
        "press": {"9": 0.3, "5": 0.2, "#": 0.2, "0": 0.1},
    }  # fmt: skip
    tree["embedded"]["carrier"] = {"failure_share": 0, "early_media_share": 0}
    notice = tree["campaigns"][0]
    notice |= {
        "mode": "agentless", "dispositions": ["interested"],
        "agentless": {"prerecorded_allowed": True, "keys": {"9": "do_not_call", "5": "interested", "#": "end"},
                      "answer_s": 2, "max_lines": 30},
    }  # fmt: skip
    del notice["wait_limit_s"]
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    with running(file) as service:
        floor = Floor(service.up())
        ended = "SELECT id, reason FROM attempts WHERE outcome = 'message_played'"
        until(lambda: len(floor.query(ended)) == 30, "thirty calls to end", 60.0)
        reasons = {str(attempt): str(reason) for attempt, reason in floor.query(ended)}

        def who(word: str) -> set[str]:
            return {attempt for attempt, reason in reasons.items() if f"pressed the key for {word}" in reason}

        removed, interested, enough = who("do_not_call"), who("interested"), who("end")
        assert removed and interested and enough
        sources = floor.query("SELECT source FROM do_not_call")
        assert sorted(source for (source,) in sources) == sorted(f"the customer's key, attempt {a}" for a in removed)
        written = floor.query("SELECT attempt_id, code, agent FROM dispositions")
        wanted = [(a, "do_not_call", "") for a in removed] + [(a, "interested", "") for a in interested]
        assert sorted(written) == sorted(wanted)
        summary = floor.close()
    assert summary["outcomes"] == {"message_played": 30}
    assert (summary["abandoned"], summary["leads_unaccounted"], summary["channels_left"]) == (0, 0, 0)
    assert summary["counters"]["agentless_key_end"] == len(enough)
