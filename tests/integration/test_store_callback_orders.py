"""Callbacks written down, moved and cancelled by people, on both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pg import require_server
from stores import ALWAYS, NOW, OFFICE, SqlBench
from test_store_callbacks import CAMPAIGNS, HOUR, claim, claimed, dial, number, talked, wished

from dialer.domain.callbacks import CallbackGone
from dialer.domain.settings import CallWindows
from dialer.http.desk_shapes import CallbackAnswer
from dialer.store import callback_orders as orders
from dialer.store.tasks import JOBS

KNOWN = orders.Known({"sales": (("main",), ALWAYS), "office": (("second",), OFFICE)}, {"anna", "ben"})


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> SqlBench:
    url = f"sqlite:///{tmp_path}/s.db" if request.param == "sqlite" else require_server().new_database()
    return SqlBench(url, campaigns=CAMPAIGNS)


def make(sql: SqlBench, **order: Any) -> dict[str, Any]:
    return orders.create(sql.url, KNOWN, **{"by": "mia", "at": "15:00", "now": NOW, **order})


def test_a_lead_is_called_at_the_time_of_its_own_clock(sql: SqlBench) -> None:
    lead_id = sql.add_lead([number(1)])  # 10:13 in New York
    row = make(sql, lead=lead_id, campaign="sales", agent="anna", note="about the roof")
    assert row["due_at"] == row["wanted_at"] and row["zone"] == "America/New_York"
    assert orders.told(row) == "2026-09-21 15:00 America/New_York" and row["attempt_id"].startswith("order-")
    assert not sql.claim(5).leads, "the campaign leaves it alone until then"
    at = row["due_at"]
    lead = claimed(sql, row["id"], now=at)
    assert lead.lead_id == lead_id
    dial(sql, lead, at)


def test_another_clock_and_another_time(sql: SqlBench) -> None:
    lead_id = sql.add_lead([number(1)])
    row = make(sql, lead=lead_id, campaign="sales", zone="Europe/Berlin", at="2026-10-25 02:30")
    assert orders.told(row) == "2026-10-25 02:30 Europe/Berlin"
    assert row["due_at"] == 1_792_888_200.0, "it comes twice: the first one"
    moved = orders.reschedule(sql.url, KNOWN, row["id"], at="+1 09:00", agent="ben", now=NOW)
    assert moved is not None and orders.told(moved) == "2026-09-22 09:00 Europe/Berlin" and moved["agent"] == "ben"
    again = orders.reschedule(sql.url, KNOWN, row["id"], at="+2h", agent="", now=NOW)
    assert again is not None and (again["due_at"], again["agent"]) == (NOW + 2 * HOUR, "")


def test_cancelled_is_cancelled(sql: SqlBench) -> None:
    wished(sql)
    row = orders.cancel(sql.url, 1, reason="they wrote a letter", now=NOW)
    assert row is not None and (row["state"], row["reason"]) == ("cancelled", "they wrote a letter")
    assert isinstance(claim(sql), CallbackGone)
    with pytest.raises(orders.OrderRefused, match="callback 1 is cancelled: expected an open one"):
        orders.cancel(sql.url, 1, reason="", now=NOW)
    assert orders.cancel(sql.url, 99, reason="") is None and orders.reschedule(sql.url, KNOWN, 99, at="+2h") is None


def test_one_that_is_at_hand_is_left_alone(sql: SqlBench) -> None:
    made = wished(sql)
    lead = claimed(sql)
    for at_hand in ("claimed", "dialing"):
        with pytest.raises(orders.OrderRefused, match=f"is {at_hand}"):
            orders.reschedule(sql.url, KNOWN, 1, at="+2h", now=NOW)
        with pytest.raises(orders.OrderRefused, match="being dialed, is done, or was changed"):
            make(sql, attempt=made.attempt_id, now=NOW + 200)
        if at_hand == "claimed":
            dial(sql, lead)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"lead": 1, "campaign": "winter"}, "expected one of the configuration"),
        ({"lead": 1, "campaign": "office"}, "no lead 1 in the lists of campaign office"),
        ({"lead": 77, "campaign": "sales"}, "no lead 77"),
        ({"attempt": "none"}, "no attempt none"),
        ({}, "an attempt or a lead"),
        ({"lead": 1, "campaign": "sales", "agent": "zoe"}, "agent 'zoe'"),
        ({"lead": 1, "campaign": "sales", "zone": "Mars/Base"}, "such as Europe/Berlin"),
        ({"lead": 1, "campaign": "sales", "at": "yesterday"}, "expected HH:MM"),
    ],
)
def test_what_is_refused(sql: SqlBench, order: dict[str, Any], expected: str) -> None:
    sql.add_lead([number(1)])
    with pytest.raises(orders.OrderRefused, match=expected):
        make(sql, **order)


def test_nobody_is_called_who_must_not_be(sql: SqlBench) -> None:
    from dialer.domain.desk_records import AddDoNotCall

    made = talked(sql)
    sql.execute([AddDoNotCall(made.attempt_id, "anna", NOW)])
    with pytest.raises(orders.OrderRefused, match="do not call"):
        make(sql, attempt=made.attempt_id)


def test_outside_calling_hours_it_is_the_next_opening_and_that_is_said(sql: SqlBench) -> None:
    lead_id = sql.add_lead([number(1)], list_name="second")
    row = make(sql, lead=lead_id, campaign="office", at="22:30")
    assert orders.told(row) == "2026-09-22 08:00 America/New_York" and row["due_at"] == row["wanted_at"]
    assert "wanted for 2026-09-21 22:30" in row["reason"] and "outside calling hours" in row["reason"]
    moved = orders.reschedule(sql.url, KNOWN, row["id"], at="03:00", now=NOW)
    assert moved is not None and orders.told(moved) == "2026-09-22 08:00 America/New_York"
    kept = orders.reschedule(sql.url, KNOWN, row["id"], at="19:59", now=NOW)
    assert kept is not None and (orders.told(kept)[11:16], kept["reason"]) == ("19:59", "rescheduled")


def test_calling_hours_that_never_open_are_refused(sql: SqlBench) -> None:
    lead_id = sql.add_lead([number(1)])
    shut = orders.Known({"sales": (("main",), CallWindows(((),) * 7, "UTC"))}, ())
    with pytest.raises(orders.OrderRefused, match=r"never open .*expected a time at which"):
        orders.create(sql.url, shut, at="15:00", by="mia", lead=lead_id, campaign="sales", now=NOW)


def test_an_order_that_is_sent_twice_calls_once(sql: SqlBench) -> None:
    lead_id = sql.add_lead([number(1)])
    row = make(sql, lead=lead_id, campaign="sales")
    with pytest.raises(orders.OrderRefused, match=f"callback {row['id']} of this customer is open: reschedule"):
        make(sql, lead=lead_id, campaign="sales")
    orders.cancel(sql.url, row["id"], reason="", now=NOW)
    make(sql, lead=lead_id, campaign="sales")


def test_the_jobs_of_the_api(sql: SqlBench) -> None:
    lead_id = sql.add_lead([number(1)])
    campaigns = {"sales": [["main"], [[[0, 1440]]] * 7, "UTC"]}
    base = {"url": sql.url, "campaigns": campaigns, "reviewers": {"roles": {"anna": "agent"}}}
    made = JOBS["callback_order"]({**base, "order": {"at": "+2h", "by": "api", "lead": lead_id, "campaign": "sales"}})
    answer = CallbackAnswer.model_validate(json.loads(json.dumps(made)))
    assert answer.state == "open" and answer.number == "+121****0001" and "person" not in made
    assert JOBS["callback"]({**base, "callback": answer.id})["id"] == answer.id
    assert JOBS["callback"]({**base, "callback": 99}) == {}
    wrong = JOBS["callback_order"]({**base, "callback": answer.id, "order": {"at": "never", "zone": "", "agent": None}})
    assert "expected" in wrong["wrong"]
    gone = JOBS["callback_order"]({**base, "callback": answer.id, "order": {"reason": "no"}})
    assert gone["state"] == "cancelled"
