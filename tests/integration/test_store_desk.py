"""Agents' work in the store: PINs, seats, callbacks, refusals for good, recordings, quality control; on all stores."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pg import require_server
from sqlalchemy import insert, select, text
from stores import NOW, Bench, MemoryBench, SqlBench, attempt, closing

from dialer.domain.commands import LogAgentState, OpenAttempt, SaveDisposition
from dialer.domain.desk_records import GOING, TO_UPLOAD, WRITTEN, AddDoNotCall, RequestCallback, SaveRecording
from dialer.domain.events import AgentFact, AttemptOpened, AttemptRefused
from dialer.domain.outcomes import Outcome
from dialer.domain.phones import CheckPin, PinChecked
from dialer.domain.quality import Conversation, Drawn
from dialer.store import imports, machine_checks, pin_admin, pins, quality, queries, recordings
from dialer.store.desk_records import PINS
from dialer.store.imports import DncEntry
from dialer.store.statements import DNC

HOUR, DAY = 3600.0, 86_400.0
GOOD = {"right_person": True, "understood": True, "script": True, "consent": True}


def _sql(kind: str, tmp_path: Path) -> SqlBench:
    return SqlBench(f"sqlite:///{tmp_path}/store.db" if kind == "sqlite" else require_server().new_database())


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return MemoryBench() if request.param == "memory" else _sql(request.param, tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    return _sql(request.param, tmp_path)


def number(n: int) -> str:
    return f"+1212555{n:04d}"


def opened(bench: Bench, n: int = 1, *, at: float = NOW) -> OpenAttempt:
    bench.add_lead([number(n)])
    (lead,) = bench.claim(1, now=at).leads
    made = attempt(lead, at=at)
    bench.execute([made], at)
    return made


def talked(
    bench: Bench, n: int, agent: str = "anna", *, at: float = NOW, talk_s: float = 100.0, said: Sequence[str] = ()
) -> OpenAttempt:
    """A conversation that has ended, and what the agent said of it."""
    made = opened(bench, n, at=at)
    bench.execute(
        [
            closing(
                made,
                Outcome.CONNECTED,
                at=at + 10 + talk_s,
                answered_at=at + 9,
                bridged_at=at + 10,
                agent=agent,
                lead_done=True,
                lead_reason="connected",
            ),
            *(SaveDisposition(made.attempt_id, agent, word, "", at + 20 + talk_s + i) for i, word in enumerate(said)),
        ]
    )
    return made


# ---- PINs --------------------------------------------------------------------------------------------------


def ask(bench: Bench, pin: str, agent: str = "1001", at: float = NOW) -> PinChecked:
    (event,) = bench.execute([CheckPin("session", agent, pin, at)], at)
    assert isinstance(event, PinChecked) and (event.session, event.agent) == ("session", agent)
    return event


def test_the_right_pin_and_wrong_ones(bench: Bench) -> None:
    bench.set_pin("1001", "4711")
    assert ask(bench, "4711") == PinChecked("session", "1001", True)
    for wrong in ("4712", "", "47110", "４７１１", "x" * 1000):
        bench.execute([])
        assert not ask(bench, wrong).ok
        assert ask(bench, "4711").ok  # and the wrong one is forgotten
    bench.set_pin("1001", "80912")
    assert not ask(bench, "4711").ok
    assert ask(bench, "80912").ok


def test_after_how_many_wrong_pins_a_login_is_locked_is_said_with_each(bench: Bench) -> None:
    bench.set_pin("1001", "4711")
    for n, locked_s in enumerate((0.0, 0.0, pins.LOCKED_S[0])):
        (event,) = bench.execute([CheckPin("session", "1001", "0815", NOW + n, lock_after=3)], NOW + n)
        assert isinstance(event, PinChecked) and event.locked_s == locked_s


@pytest.mark.parametrize("agent", ["1001", "9999"])
def test_wrong_pins_lock_for_longer_each_time_whether_the_agent_is_known_or_not(bench: Bench, agent: str) -> None:
    bench.set_pin("1001", "4711")
    at = NOW
    for lock_s in (*pins.LOCKED_S, pins.LOCKED_S[-1]):
        for _ in range(pins.TRIES - 1):
            assert ask(bench, "0815", agent, at) == PinChecked("session", agent, False)
            at += 1
        assert ask(bench, "0815", agent, at).locked_s == lock_s
        locked = ask(bench, "4711", agent, at + lock_s - 1)
        assert not locked.ok and locked.locked_s == pytest.approx(1.0)  # also for the right one
        at += lock_s + 1
    assert ask(bench, "4711", agent, at).ok == (agent == "1001")


def test_a_right_pin_makes_the_next_lock_out_the_first_again(bench: Bench) -> None:
    bench.set_pin("1001", "4711")
    for at in (NOW, NOW + 100):
        for n in range(pins.TRIES):
            last = ask(bench, "0815", at=at + n)
        assert last.locked_s == pins.LOCKED_S[0]
        assert ask(bench, "4711", at=at + 70).ok


def test_tries_that_are_far_apart_lock_nobody(bench: Bench) -> None:
    bench.set_pin("1001", "4711")
    for n in range(12):
        assert ask(bench, "0815", at=NOW + n * (pins.TRIES_WITHIN_S / 3)).locked_s == 0.0


def test_a_clock_that_stepped_back_locks_nobody_for_ever(bench: Bench) -> None:
    bench.set_pin("1001", "4711")
    for _ in range(pins.TRIES):
        ask(bench, "0815", at=NOW + 100 * DAY)
    assert ask(bench, "4711", at=NOW).locked_s == pins.LOCKED_S[-1]


def test_no_pin_is_in_the_database(sql: SqlBench) -> None:
    sql.set_pin("1001", "471147")
    ask(sql, "081508")
    with sql.engine.connect() as conn:
        (row,) = conn.execute(select(PINS)).all()
    assert "471147" not in str(row) and "081508" not in str(row)
    assert len(row.hash) == 64 and len(row.salt) == 32 and row.params == pins.PARAMS
    sql.set_pin("1002", "471147")
    with sql.engine.connect() as conn:
        assert len(set(conn.execute(select(PINS.c.hash)).scalars())) == 2  # the same PIN, another salt


def test_unlock(sql: SqlBench) -> None:
    sql.set_pin("1001", "4711")
    for _ in range(pins.TRIES):
        ask(sql, "0815")
        ask(sql, "0815", "9999")
    assert pin_admin.with_pin(sql.url) == [("1001", NOW + pins.LOCKED_S[0])]
    assert pin_admin.unlock(sql.url, ["1001", "1002", "9999"], now=NOW + 1) == ["1001", "9999"]
    assert ask(sql, "4711", at=NOW + 1).ok
    assert ask(sql, "0815", "9999", at=NOW + 1).locked_s == 0.0


def test_names_without_a_pin_are_forgotten(sql: SqlBench) -> None:
    for n in range(5):
        ask(sql, "0815", f"nobody{n}")
    ask(sql, "0815", "nobody", at=NOW + pins.FORGOTTEN_AFTER_S + 1)
    with sql.engine.connect() as conn:
        assert conn.execute(select(PINS.c.agent)).scalars().all() == ["nobody"]


def test_names_that_no_database_takes_are_answered(sql: SqlBench) -> None:
    for name in ("", "a" * 500, "a\0b", "\ud800"):
        (event,) = sql.execute([CheckPin("s", name, "1", NOW)])
        assert isinstance(event, PinChecked) and not event.ok and not event.problem


def test_guesses_at_the_same_time_are_counted_one_by_one(sql: SqlBench) -> None:
    sql.set_pin("1001", "4711")
    asked: list[object] = []

    def guess(owner: str) -> None:
        service = sql.open(owner)
        for n in range(4):
            asked.extend(service.execute([CheckPin(f"{owner}{n}", "1001", "0815", NOW)], NOW))
        service.close()

    threads = [threading.Thread(target=guess, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(isinstance(each, pins.PinQuestion) for each in asked) == pins.TRIES
    assert len(asked) == 12


# ---- seats -------------------------------------------------------------------------------------------------


def test_an_agent_is_found_again_where_they_sat(bench: Bench) -> None:
    bench.execute(
        [
            LogAgentState("anna", "s7", "paused", "", NOW, line="leg-1"),
            LogAgentState("anna", "s7", "ready", "", NOW + 1, line="leg-1"),
            LogAgentState("ben", "s2", "ready", "", NOW),
            LogAgentState("ben", "s9", "connecting", "moved", NOW + 1),
            LogAgentState("ben", "s2", "paused", "", NOW - 5),  # late: it was before
        ]
    )
    assert bench.restart().agents == (
        AgentFact("anna", "ready", "", "s7", "leg-1"),
        AgentFact("ben", "ready", "", "s9"),
    )


# ---- never again, and again ---------------------------------------------------------------------------------


def test_never_again(bench: Bench) -> None:
    made = opened(bench, 1)
    other = bench.add_lead([number(2), number(1)], person="other")
    refusal = AddDoNotCall(made.attempt_id, "anna", NOW)
    assert bench.execute([refusal]) == []
    assert bench.lead(made.lead_id).state == "dialing"  # the call goes on
    bench.execute([closing(made, Outcome.INTERRUPTED)])
    bench.execute([refusal, refusal])
    assert (bench.lead(made.lead_id).state, bench.lead(made.lead_id).reason) == ("done", "dnc")
    (lead,) = bench.claim(1).leads
    (answer,) = bench.execute([attempt(lead)])
    assert lead.lead_id == other and isinstance(answer, AttemptRefused) and answer.rule == "dnc"


def test_never_again_while_the_lead_is_claimed_again(bench: Bench) -> None:
    made = opened(bench, 1)
    bench.execute([closing(made, Outcome.HUNG_UP_EARLY)])
    (lead,) = bench.claim(1).leads
    bench.execute([AddDoNotCall(made.attempt_id, "anna", NOW)])
    (answer,) = bench.execute([attempt(lead)])
    assert isinstance(answer, AttemptRefused) and bench.lead(lead.lead_id).reason == "dnc"


def test_orders_about_unknown_attempts_do_nothing(bench: Bench) -> None:
    orders = [AddDoNotCall("none", "anna", NOW), RequestCallback("none", "anna", NOW + 60, NOW)]
    assert bench.execute(orders) == []  # type: ignore[arg-type]


def test_never_again_is_for_ever_whatever_was_or_comes_in_a_file(sql: SqlBench) -> None:
    made = opened(sql, 1)
    sql.block(number(1), expires_at=NOW + 60)
    sql.execute([AddDoNotCall(made.attempt_id, "anna", NOW)])
    imports.add_do_not_call(sql.url, [DncEntry(number(1), False, "", NOW + 60, "a file")], now=NOW)
    with sql.engine.connect() as conn:
        (row,) = conn.execute(select(DNC)).all()
    assert (row.expires_at, row.source) == (None, f"agent anna, attempt {made.attempt_id}")
    assert row.reason == "the customer said so"


def test_the_last_wish_counts(sql: SqlBench) -> None:
    made = talked(sql, 1, said=["no_interest", "callback"])
    first = RequestCallback(made.attempt_id, "anna", NOW + HOUR, NOW + 100, note="after lunch")
    second = RequestCallback(made.attempt_id, "anna", NOW + 2 * HOUR, NOW + 110, agent="anna")
    sql.execute([first, second, first])
    (row,) = quality.callbacks(sql.url)
    assert (row["due_at"], row["agent"], row["note"], row["created_by"]) == (NOW + 2 * HOUR, "anna", "", "anna")
    assert (row["lead_id"], row["number"], row["campaign"]) == (made.lead_id, number(1), "sales")
    assert (row["kind"], row["state"]) == ("callback", "open")
    with sql.engine.begin() as conn:
        conn.execute(text("UPDATE callbacks SET state = 'done'"))
    sql.execute([RequestCallback(made.attempt_id, "anna", NOW + 9 * HOUR, NOW + 120)])
    assert quality.callbacks(sql.url) == [] and quality.callbacks(sql.url, state="done")[0]["due_at"] == NOW + 2 * HOUR


def test_a_wish_in_memory() -> None:
    bench = MemoryBench()
    made = talked(bench, 1)
    first = RequestCallback(made.attempt_id, "anna", NOW + HOUR, NOW + 100)
    bench.execute([first, RequestCallback(made.attempt_id, "anna", NOW + 2 * HOUR, NOW + 110, "ben"), first])
    (wish,) = bench.store.desk.callbacks.values()
    assert (wish.due_at, wish.agent, wish.number) == (NOW + 2 * HOUR, "ben", number(1))
    recording = SaveRecording(made.attempt_id, "sales", "anna", "n1", "leg", "/r/a.wav", NOW, 60.0)
    bench.execute([recording, recording])
    assert list(bench.store.desk.recordings) == [("n1", "/r/a.wav")]


# ---- recordings --------------------------------------------------------------------------------------------


def saved(path: str, at: float = NOW, name: str = "sales", **changes: object) -> SaveRecording:
    values = {"attempt_id": path, "campaign": name, "agent": "anna", "node": "n1", "leg": "leg", "path": path}
    return SaveRecording(**{**values, "started_at": at, "duration_s": 60.0, **changes})  # type: ignore[arg-type]


def test_a_recording_is_kept_once_and_found(sql: SqlBench) -> None:
    first = saved("/r/a.wav", masked=((1.5, 7.25),))
    sql.execute([first, first, saved("/r/b.wav", NOW + 1), saved("/r/a.wav", node="n2", name="office")])
    assert [(r.path, r.node) for r in recordings.find(sql.url)] == [
        ("/r/b.wav", "n1"),
        ("/r/a.wav", "n2"),
        ("/r/a.wav", "n1"),
    ]
    (found,) = recordings.find(sql.url, attempt="/r/a.wav", campaign="sales")
    assert (found.masked, found.state, found.bytes, found.sha256) == (((1.5, 7.25),), "written", None, "")
    assert recordings.one(sql.url, found.id) == found and recordings.one(sql.url, 999) is None
    assert len(recordings.find(sql.url, since=NOW + 1)) == len(recordings.find(sql.url, limit=1)) == 1
    sql.execute([first])
    recordings.note(sql.url, found.id, recordings.INDEXED, size=3, sha256="ab", seconds=9.0, now=NOW)
    sql.execute([first])  # sent again: what was found out stays
    (found,) = recordings.find(sql.url, state="indexed")
    assert (found.bytes, found.sha256, found.duration_s, found.checked_at) == (3, "ab", 60.0, NOW)
    recordings.note_deleted(sql.url, [found.id], NOW + 1)
    assert recordings.find(sql.url, state="deleted")[0].deleted_at == NOW + 1
    assert recordings.known_paths(sql.url) == {"/r/a.wav", "/r/b.wav"}


def test_recordings_are_read_in_parts_while_they_are_changed(sql: SqlBench) -> None:
    sql.execute([saved(f"/r/{n}.wav", NOW + n, ("sales", "office")[n % 2]) for n in range(1200)])
    seen = 0
    for each in recordings.in_states(sql.url, ("written",), {"sales": NOW + 1100, "office": NOW + 1000}):
        seen += 1
        if seen % 100 == 0:
            recordings.note_deleted(sql.url, [each.id])
    assert seen == 550 + 500
    assert list(recordings.in_states(sql.url, ("written",), {})) == []


def test_what_went_on_when_the_dialer_died_is_told_to_the_next_run(bench: Bench) -> None:
    made = opened(bench)
    went_on = saved("/r/a.wav", attempt_id=made.attempt_id, masked=((1.0, 2.5),), masked_at=7.0, state=GOING)
    far = saved("/r/b.wav", attempt_id=made.attempt_id, state=TO_UPLOAD, duration_s=9.0)
    bench.execute([went_on, far, saved("/r/c.wav", attempt_id=made.attempt_id)])
    found = bench.restart().recordings
    assert [(fact.path, fact.masked, fact.masked_at, fact.to_upload) for fact in found] == [
        ("/r/a.wav", ((1.0, 2.5),), 7.0, False),
        ("/r/b.wav", (), None, True),
    ]
    over = saved("/r/a.wav", attempt_id=made.attempt_id, masked=((1.0, 2.5), (7.0, 9.0)), duration_s=9.0)
    bench.execute([over, replace(far, state=WRITTEN), went_on, far])  # late ones, sent again
    assert bench.restart().recordings == ()


def test_a_recording_that_goes_on_is_shown_with_its_mask(sql: SqlBench) -> None:
    sql.execute([saved("/r/a.wav", masked_at=7.0, state=GOING, problem="odd")])
    (found,) = recordings.find(sql.url, state="recording")
    assert (found.masked, found.masked_at, found.problem) == ((), 7.0, "odd")
    assert not list(recordings.in_states(sql.url, recordings.PRUNED)), "nobody deletes what is being written"


# ---- quality control ---------------------------------------------------------------------------------------


def test_conversations_of_a_day_with_the_last_word(sql: SqlBench) -> None:
    first = talked(sql, 1, talk_s=50.0, said=["no_interest", "sale"])
    talked(sql, 2, "ben", said=["machine"])
    talked(sql, 3, at=NOW - 20)  # began before
    still = opened(sql, 4)
    third = talked(sql, 5, "ben", at=NOW + 5)
    found = quality.conversations(sql.url, NOW, NOW + 60, {"machine"})
    assert found == [
        Conversation(first.attempt_id, "anna", "sales", 50.0, "sale"),
        Conversation(third.attempt_id, "ben", "sales", 100.0, ""),
    ]
    assert still.attempt_id not in {each.attempt_id for each in found}


def draw_one(sql: SqlBench, n: int = 1) -> tuple[OpenAttempt, int]:
    made = talked(sql, n, said=["sale"])
    drawn = Drawn(Conversation(made.attempt_id, "anna", "sales", 50.0, "sale"), ("short_sale", "random"))
    assert quality.save_samples(sql.url, "2026-09-21", [drawn, drawn], NOW) == 1
    return made, quality.samples(sql.url)[0]["id"]


def test_samples_are_kept_once(sql: SqlBench) -> None:
    made, ident = draw_one(sql)
    drawn = Drawn(Conversation(made.attempt_id, "anna", "sales", 50.0, "sale"), ("random",))
    assert quality.save_samples(sql.url, "2026-09-21", [drawn]) == 0
    (found,) = quality.samples(sql.url, day="2026-09-21", agent="anna", state="open")
    assert found["rules"] == ["short_sale", "random"] and found["card"] is None and found["id"] == ident
    assert quality.samples(sql.url, day="2026-09-22") == quality.samples(sql.url, agent="ben") == []


def test_a_failed_card_asks_for_another_call_and_a_later_good_one_takes_that_back(sql: SqlBench) -> None:
    made, ident = draw_one(sql)
    sql.execute([saved("/r/a.wav", attempt_id=made.attempt_id)])
    bad = quality.Card("mia", {**GOOD, "consent": False}, "she said perhaps")
    done = quality.score(sql.url, ident, bad, recontact_after_s=HOUR, now=NOW)
    assert done is not None and (done["state"], done["failed"]) == ("failed", ["clear consent"])
    (task,) = quality.callbacks(sql.url, kind="recontact")
    assert (task["id"], task["due_at"], task["number"], task["created_by"]) == (
        done["recontact"],
        NOW + HOUR,
        number(1),
        "mia",
    )
    assert task["note"].endswith("not fulfilled: clear consent. she said perhaps")
    found = quality.sample(sql.url, ident)
    assert found is not None and [card["consent"] for card in found["cards"]] == [False]
    assert found["recordings"][0]["path"] == "/r/a.wav" and found["card"]["reviewer"] == "mia"
    good = quality.score(sql.url, ident, quality.Card("tom", GOOD), recontact_after_s=HOUR, now=NOW + 1)
    assert good == {"sample": ident, "state": "passed", "failed": [], "recontact": None, "dialed": False}
    assert quality.callbacks(sql.url) == [] and quality.callbacks(sql.url, state=None)[0]["state"] == "cancelled"
    again = quality.score(sql.url, ident, bad, recontact_after_s=HOUR, now=NOW + 2)
    assert again is not None and again["recontact"] == done["recontact"]
    assert len(quality.callbacks(sql.url)) == 1
    assert quality.samples(sql.url, state="failed")[0]["card"]["at"] == NOW + 2


BAD = quality.Card("mia", {**GOOD, "consent": False})


def score(sql: SqlBench, ident: int, card: quality.Card = BAD, *, most: int = 3, now: float = NOW) -> dict[str, Any]:
    done = quality.score(sql.url, ident, card, recontact_after_s=HOUR, most_attempts={"sales": most}, now=now)
    assert done is not None
    return done


def task_state(sql: SqlBench) -> str:
    return str(quality.callbacks(sql.url, kind="recontact", state=None)[0]["state"])


def test_a_failed_ones_customer_is_dialed_again_once(sql: SqlBench) -> None:
    made, ident = draw_one(sql)
    assert sql.lead(made.lead_id).state == "done"
    assert score(sql, ident)["dialed"] and score(sql, ident)["dialed"]
    assert (sql.lead(made.lead_id).state, sql.lead(made.lead_id).due_at) == ("ready", NOW + HOUR)
    assert not sql.claim(5, now=NOW + HOUR - 1).leads, "not before it is due"
    (lead,) = sql.claim(5, now=NOW + HOUR).leads
    at = NOW + HOUR
    second = attempt(lead, at=at)
    assert sql.execute([second], at) == [AttemptOpened(second.attempt_id)]
    sql.execute([closing(second, Outcome.NO_ANSWER, at=at + 30, recycle_after_s=60.0)], at)
    assert task_state(sql) == "open", "nobody was spoken with"
    (lead,) = sql.claim(5, now=at + 90).leads
    third = attempt(lead, at=at + 90)
    sql.execute([third], at + 90)
    sql.execute([closing(third, Outcome.CONNECTED, at=at + 200, lead_done=True)], at + 200)
    assert task_state(sql) == "done" and not quality.callbacks(sql.url)
    again = score(sql, ident, now=at + 300)
    assert not again["dialed"] and sql.lead(made.lead_id).state == "done" and task_state(sql) == "done"


def test_the_rules_hold_for_customers_who_are_to_be_contacted_again(sql: SqlBench) -> None:
    made, ident = draw_one(sql)
    assert not score(sql, ident, most=1)["dialed"], "all attempts are made"
    assert sql.lead(made.lead_id).state == "done" and task_state(sql) == "open"
    sql.execute([AddDoNotCall(made.attempt_id, "anna", NOW)])
    assert not score(sql, ident)["dialed"] and sql.lead(made.lead_id).state == "done"
    made, ident = draw_one(sql, 2)
    assert score(sql, ident)["dialed"]
    sql.block(number(2))
    (lead,) = sql.claim(5, now=NOW + HOUR).leads
    (refused,) = sql.execute([attempt(lead, at=NOW + HOUR)], NOW + HOUR)
    assert isinstance(refused, AttemptRefused) and refused.rule == "dnc"


def test_a_customer_whose_card_passes_after_all_is_left_alone(sql: SqlBench) -> None:
    made, ident = draw_one(sql)
    score(sql, ident)
    score(sql, ident, quality.Card("tom", GOOD), now=NOW + 1)
    assert sql.lead(made.lead_id).state == "done" and task_state(sql) == "cancelled"
    assert not sql.claim(5, now=NOW + DAY).leads


def test_cards_on_samples_that_are_not_there(sql: SqlBench) -> None:
    assert quality.score(sql.url, 1, quality.Card("mia", GOOD), recontact_after_s=0.0) is None
    assert quality.sample(sql.url, 1) is None


@pytest.mark.parametrize("ident", [0, -1, 2**31, 2**63 - 1, 2**63, 10**20 - 1])
def test_an_id_that_no_row_can_have_is_one_that_is_not_there(sql: SqlBench, ident: int) -> None:
    assert quality.sample(sql.url, ident) is None
    assert quality.score(sql.url, ident, quality.Card("mia", GOOD), recontact_after_s=0.0) is None
    assert machine_checks.judge(sql.url, ident, "person", "mia") is None
    assert recordings.one(sql.url, ident) is None


def test_a_wish_and_a_task_about_one_call_stand_side_by_side(sql: SqlBench) -> None:
    made, ident = draw_one(sql)
    sql.execute([RequestCallback(made.attempt_id, "anna", NOW + DAY, NOW)])
    quality.score(sql.url, ident, quality.Card("mia", {**GOOD, "script": False}), recontact_after_s=HOUR, now=NOW)
    assert [row["kind"] for row in quality.callbacks(sql.url)] == ["recontact", "callback"]


def test_a_fresh_start_forgets_calls_but_no_pin(sql: SqlBench) -> None:
    _, ident = draw_one(sql)
    sql.execute([saved("/r/a.wav")])
    quality.score(sql.url, ident, quality.Card("mia", {**GOOD, "script": False}), recontact_after_s=HOUR)
    sql.set_pin("1001", "4711")
    queries.wipe(sql.url)
    assert quality.samples(sql.url) == quality.callbacks(sql.url) == recordings.find(sql.url) == []
    assert ask(sql, "4711").ok


def test_old_databases_keep_their_rows(tmp_path: Path) -> None:
    from alembic import command

    from dialer.store.database import make_engine
    from dialer.store.migrations import config, upgrade

    for url in (f"sqlite:///{tmp_path}/old.db", require_server().new_database()):
        engine = make_engine(url)
        with engine.begin() as conn:
            command.upgrade(config(conn), "0002")
        with engine.begin() as conn:
            conn.execute(text("INSERT INTO agents VALUES ('anna', 'alpha', 'ready', 's1', '', 1.0, 'ready', '')"))
            conn.execute(
                text(
                    "INSERT INTO do_not_call (kind, value, campaign, reason, created_at) "
                    "VALUES ('number', '+12125550001', '', 'old', 1.0)"
                )
            )
        upgrade(url)
        with engine.connect() as conn:
            assert conn.execute(select(DNC.c.source)).scalar_one() == ""
        bench = SqlBench(url)
        assert bench.restart().agents == (AgentFact("anna", "ready", "", "s1"),)
        with engine.begin() as conn:
            conn.execute(insert(PINS), _pin_row())
            command.downgrade(config(conn), "0002")
        with engine.connect() as conn:
            assert conn.execute(text("SELECT count(*) FROM agents")).scalar_one() == 1
        engine.dispose()


def _pin_row() -> dict[str, object]:
    return {
        "agent": "1001",
        "salt": "",
        "hash": "",
        "params": "",
        "failures": 0,
        "counted_from": 0.0,
        "locks": 0,
        "locked_until": 0.0,
        "updated_at": time.time(),
    }
