"""Calls taken for machines' in the stores: what is drawn from them, what people said, the measured share."""

from __future__ import annotations

from pathlib import Path

import pytest
from pg import require_server
from stores import NOW, SqlBench, closing
from test_store_desk import DAY, GOOD, draw_one, number, opened, saved, talked

from dialer.domain.commands import NoteHeard, SaveDisposition
from dialer.domain.desk_records import FAILED, GOING
from dialer.domain.machine_checks import MachineCheck, draw
from dialer.domain.outcomes import Outcome
from dialer.http.desk_shapes import MachinesAnswer, SampleAnswer, WhoAnswer
from dialer.store import desk_jobs, machine_checks, quality, recordings
from dialer.store.desk_jobs import JOBS


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    return SqlBench(
        f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else require_server().new_database()
    )


def machine(sql: SqlBench, n: int, at: float = NOW, state: str = "written") -> str:
    """A call that was hung up as a machine's, with a recording of what it said (in this state; empty: none)."""
    made = opened(sql, n, at=at)
    done = closing(made, Outcome.MACHINE, at=at + 8, answered_at=at + 5, lead_done=True, lead_reason="machine")
    files = [saved(f"/r/{n}.wav", attempt_id=made.attempt_id, agent="", state=state, duration_s=4.0)] if state else []
    sql.execute([NoteHeard(made.attempt_id, "machine", "machine: words for 2.8 s", None), *files, done])
    return made.attempt_id


def person(sql: SqlBench, n: int, verdict: str = "human", said: str = "sale") -> str:
    made = opened(sql, n)
    sql.execute([NoteHeard(made.attempt_id, verdict, f"{verdict}: so", None)])
    sql.execute(
        [
            closing(
                made, Outcome.CONNECTED, at=NOW + 99, answered_at=NOW + 5, bridged_at=NOW + 6, agent="anna",
                lead_done=True, lead_reason="connected",
            )
        ]
    )  # fmt: skip
    sql.execute([SaveDisposition(made.attempt_id, "anna", said, "", NOW + 100)])
    return made.attempt_id


def sampled(sql: SqlBench) -> list[int]:
    drawn = draw("2026-09-21", machine_checks.recorded(sql.url, NOW - DAY, NOW + DAY), 50, "")
    quality.save_samples(sql.url, "2026-09-21", drawn, NOW)
    return sorted(each["id"] for each in quality.samples(sql.url) if each["rules"] == ["machine"])


def test_only_machines_that_can_be_heard_are_drawn(sql: SqlBench) -> None:
    heard = machine(sql, 1)
    for n, state in enumerate(("", FAILED), 2):
        machine(sql, n, state=state)
    machine(sql, 5, at=NOW - 3 * DAY)
    talk = talked(sql, 6)
    sql.execute([saved("/r/talk.wav", attempt_id=talk.attempt_id)])
    (gone,) = recordings.find(sql.url, attempt=machine(sql, 7))
    recordings.note_deleted(sql.url, [gone.id])
    assert [each.attempt_id for each in machine_checks.recorded(sql.url, NOW - DAY, NOW + DAY)] == [heard]
    assert machine(sql, 8, state=GOING) in {
        each.attempt_id for each in machine_checks.recorded(sql.url, NOW - DAY, NOW + DAY)
    }


def test_the_share_is_made_of_what_people_said(sql: SqlBench) -> None:
    for n in range(4):
        machine(sql, n)
    machine(sql, 4, state="")
    for n in range(10, 14):
        person(sql, n, "unsure" if n == 10 else "human")
    person(sql, 20, said="answering machine")
    talked(sql, 21)  # nobody listened
    first, second, third, _ = sampled(sql)
    words = [(first, "person"), (second, "machine"), (third, "unsure"), (first, "machine"), (first, "person")]
    for ident, who in words:
        assert machine_checks.judge(sql.url, ident, who, "mia", now=NOW) is not None
    (check,) = machine_checks.measured(sql.url, NOW - DAY, {"answering machine"})
    assert check == MachineCheck("sales", judged=5, recorded=4, listened=3, persons=1, unsure=1, passed=4)
    assert check.false_positive == pytest.approx(2 / 3 * 5 / 4)
    assert machine_checks.measured(sql.url, NOW + DAY) == []
    states = {each["id"]: each["state"] for each in quality.samples(sql.url)}
    assert [states[each] for each in (first, second, third)] == ["failed", "passed", "failed"]


def test_a_machines_sample_takes_no_score_card_and_a_talks_takes_no_such_word(sql: SqlBench) -> None:
    machine(sql, 2)
    (ident,) = sampled(sql)
    assert quality.score(sql.url, ident, quality.Card("mia", GOOD), recontact_after_s=1.0) is None
    _, talk = draw_one(sql, 3)
    assert machine_checks.judge(sql.url, talk, "person", "mia") is None
    assert machine_checks.judge(sql.url, 999, "person", "mia") is None


def test_answers_are_as_documented_and_hold_no_number(sql: SqlBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_jobs, "MEASURED_S", 50 * 365 * DAY)
    machine(sql, 1)
    person(sql, 2)
    (ident,) = sampled(sql)
    here = {"url": sql.url, "reviewers": {"roles": {"tom": "agent"}, "allowed": ["supervisor"]}}
    asked = {"sample": ident, "who": "person", "reviewer": "tom", "note": ""}
    assert "tom is agent" in JOBS["qc_machine"]({**here, **asked})["refused"]
    body = {"sample": ident, "who": "person", "reviewer": "mia", "note": f"it is {number(1)}"}
    assert WhoAnswer.model_validate(JOBS["qc_machine"]({**here, **body})).state == "failed"
    shown = SampleAnswer.model_validate(JOBS["qc_sample"]({**here, "sample": ident}))
    assert [(each.who, each.reviewer) for each in shown.verdicts] == [("person", "mia")] and shown.agent == ""
    assert number(1)[1:] not in shown.model_dump_json()
    answer = MachinesAnswer.model_validate(JOBS["qc_machines"]({**here, "amd_false_positive": {"sales": 0.02}}))
    (only,) = answer.campaigns
    assert (only.configured, only.persons, only.passed, only.false_positive) == (0.02, 1, 1, 1.0)
