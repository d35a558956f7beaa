"""What the API's jobs answer is what its document says, with no whole number in it; alone and in a running service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pg import require_server
from run_kit import configuration, running, until
from stores import NOW, SqlBench
from test_store_desk import GOOD, draw_one, number, saved

from dialer.domain.desk_records import RequestCallback
from dialer.http.desk_shapes import (
    AttemptView,
    CallbacksAnswer,
    RecordingsAnswer,
    SampleAnswer,
    SamplesAnswer,
    ScoreAnswer,
)
from dialer.oneshot import TaskFailed, run_task
from dialer.store import quality
from dialer.store.desk_jobs import JOBS


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    return SqlBench(
        f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else require_server().new_database()
    )


def test_answers_are_as_documented_and_hold_no_number(sql: SqlBench) -> None:
    made, ident = draw_one(sql)
    path = "/r/2026-09-21/bank/8d3f1a2b-1234-4678-9abc-123456789012.wav"
    wish = RequestCallback(made.attempt_id, "12345678", NOW, NOW, note=f"rather {number(1)}")
    sql.execute([saved(path, attempt_id=made.attempt_id, agent="12345678", masked=((1.0, 2.5),)), wish])
    here = {"url": sql.url}
    card = {"reviewer": "mia", **GOOD, "consent": False, "note": f"not {number(1)}", "recontact_after_s": 60.0}
    scored = JOBS["qc_score"]({**here, "sample": ident, **card})
    assert ScoreAnswer.model_validate(scored).failed == ["clear consent"]
    answers = {
        AttemptView: JOBS["attempt"]({**here, "attempt": made.attempt_id}),
        RecordingsAnswer: JOBS["recordings"]({**here, "attempt": made.attempt_id}),
        SamplesAnswer: JOBS["qc_samples"](here),
        SampleAnswer: JOBS["qc_sample"]({**here, "sample": ident}),
        CallbacksAnswer: JOBS["callbacks"](here),
    }
    for model, answer in answers.items():
        text = json.dumps(answer)
        assert model.model_validate(json.loads(text)).model_dump(mode="json") == json.loads(text), model
        assert number(1)[1:] not in text
    (recording,) = answers[RecordingsAnswer]["recordings"]
    assert (recording["path"], recording["agent"], recording["masked"]) == (path, "12345678", [[1.0, 2.5]])
    kinds = {row["kind"]: row for row in answers[CallbacksAnswer]["callbacks"]}
    assert kinds["callback"]["number"] == "+121****0001" and "person" not in kinds["callback"]
    assert kinds["recontact"]["note"].endswith("not +121****0001")
    rules = {"roles": {"mia": "agent", "tom": "supervisor"}, "allowed": ["supervisor"]}
    asked = {**here, "sample": ident, **card, "reviewers": rules}
    assert "agent mia is agent" in JOBS["qc_score"](asked)["refused"]
    assert JOBS["qc_score"]({**asked, "reviewer": "tom"})["failed"] == ["clear consent"]
    assert "their own" in JOBS["qc_score"]({**asked, "reviewer": "anna"})["refused"]
    for job in ("qc_sample", "qc_score"):
        assert JOBS[job]({**here, "sample": 999, **card}) == {}


def test_a_job_in_a_process_of_its_own(sql: SqlBench, tmp_path: Path) -> None:
    sql.execute([saved("/r/a.wav")])
    assert [r["path"] for r in run_task("recordings", {"url": sql.url}, None)["recordings"]] == ["/r/a.wav"]
    with pytest.raises(TaskFailed, match="database"):
        run_task("recordings", {"url": f"sqlite:///{tmp_path}/none/none.db"}, None)


def test_a_running_service_answers(tmp_path: Path) -> None:
    with running(configuration(tmp_path), "--drain", "1s") as service:
        service.up()
        until(lambda: service.campaign()["connected"] >= 1, "somebody talks")
        assert json.loads(service.get("/v1/recordings")[1]) == {"recordings": []}
        url = f"sqlite:///{service.data / 'dialer.db'}"
        until(lambda: quality.conversations(url, 0.0, 1e12), "a conversation has ended")
        day = service.dialer("qc", "sample", "--date", "2026-01-01")
        assert day.returncode == 0 and "0 conversations" in day.stdout
        assert service.get("/v1/qc/samples/1")[0] == 404
        code, told = service.post("/v1/qc/samples/1/score", {"reviewer": "mia", **GOOD})
        assert (code, told["error"]) == (404, "no sample 1")
        assert service.dialer("agents", "set-pin", "1001", "--generate").returncode == 0
        assert service.ready()[0] == 200
