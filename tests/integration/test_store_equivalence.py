"""Any sequence of commands: the store in memory and the one on SQLite answer the same and hold the same.

This is what lets the simulator's findings speak for the real store.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from stores import NOW, MemoryBench, SqlBench, attempt, campaign, closing

from dialer.domain.commands import (
    CloseAttempt,
    NoteAnswer,
    NoteBridge,
    NoteHeard,
    OpenAttempt,
    ReleaseLeads,
    SaveDisposition,
    SavePacing,
)
from dialer.domain.desk_records import AddDoNotCall
from dialer.domain.events import AttemptOpened, AttemptRefused, LeadsClaimed
from dialer.domain.lead import ClaimedLead
from dialer.domain.lines import SaveShownNumber
from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CallWindows, Mode, RecycleRule
from dialer.leads import recycle
from dialer.store import queries

WINDOWS = CallWindows(days=(((8 * 60, 20 * 60),),) * 7, default_zone="America/New_York")
RULES = {
    "sales": campaign(
        windows=WINDOWS,
        max_attempts=3,
        recycle={Outcome.BUSY: RecycleRule(300.0, max_times=2), Outcome.NO_ANSWER: RecycleRule(1800.0)},
    ),
    "office": campaign("office", windows=WINDOWS, lists=("second", "main"), max_attempts=2, ledger_days=2.0),
    "shown": campaign("shown", windows=WINDOWS, lists=("main",), mode=Mode.PREVIEW),
}
ZONES = [("America/New_York",), ("America/Los_Angeles",), ("America/New_York", "Asia/Shanghai"), ()]

SHOWN = ["", "+12125550100", "+12125550101"]

leads = st.lists(
    st.tuples(
        st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True),  # numbers
        st.sampled_from(["a", "b", None]),  # person
        st.sampled_from(ZONES),
        st.integers(0, 2),  # priority
        st.sampled_from(["main", "second"]),
        st.sampled_from([0.0, 600.0]),  # due after
    ),
    min_size=1,
    max_size=6,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.sampled_from(["sales", "office", "none"]), st.integers(1, 3)),
        st.tuples(st.just("open"), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("answer"), st.integers(0, 5), st.sampled_from([None, 1.0, 9.0])),
        st.tuples(st.just("bridge"), st.integers(0, 5), st.sampled_from([1.0, 3.0])),
        st.tuples(st.just("heard"), st.integers(0, 5), st.sampled_from([None, 1.5, 9.0])),
        st.tuples(st.just("close"), st.integers(0, 5), st.sampled_from(list(Outcome))),
        st.tuples(st.just("again"), st.integers(0, 5), st.none()),
        st.tuples(st.just("judged"), st.sampled_from(SHOWN[1:]), st.sampled_from([-60.0, 0.0])),
        st.tuples(st.just("word"), st.integers(0, 5), st.sampled_from(["sale", "machine", "answering_machine"])),
        st.tuples(st.just("refuse"), st.integers(0, 5), st.none()),
        st.tuples(st.just("learned"), st.sampled_from(["sales", "office"]), st.sampled_from([-60.0, 0.0])),
        st.tuples(st.just("release"), st.integers(0, 5), st.sampled_from([0.0, 60.0])),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 60.0, 301.0, 1800.0, 20_000.0, 90_001.0]), st.none()),
        st.tuples(st.just("restart"), st.none(), st.none()),
        st.tuples(st.just("block"), st.integers(1, 6), st.sampled_from([None, 5000.0])),
    ),
    max_size=25,
)


class Pair:
    """Both stores, driven alike."""

    def __init__(self, sql: SqlBench) -> None:
        self.sql = sql
        self.memory = MemoryBench(RULES)
        self.now = NOW
        self.claimed: list[ClaimedLead] = []
        self.opened: list[OpenAttempt] = []
        self.count = 0

    def both(self, command: object) -> object:
        (mine,) = self.memory.execute([command], self.now) or [None]  # type: ignore[list-item]
        (theirs,) = self.sql.execute([command], self.now) or [None]  # type: ignore[list-item]
        assert mine == theirs
        return mine

    def step(self, kind: str, a: object, b: object) -> None:
        if kind == "claim":
            mine = self.memory.claim(int(str(b)), str(a), self.now)
            theirs = self.sql.claim(int(str(b)), str(a), self.now)
            assert mine.leads == theirs.leads and mine.next_due_at == theirs.next_due_at
            if len(mine.leads) < mine.asked:
                assert mine.left == theirs.left
            assert isinstance(mine, LeadsClaimed)
            self.claimed += mine.leads
        elif kind == "open" and self.claimed:
            assert isinstance(a, int)
            self.count += 1
            lead, shown = self.claimed[a % len(self.claimed)], SHOWN[self.count % len(SHOWN)]
            command = attempt(lead, f"a{self.count}", at=self.now, shown=shown, retries=int(bool(b)))
            answer = self.both(command)
            assert isinstance(answer, AttemptOpened | AttemptRefused)
            if isinstance(answer, AttemptOpened):
                self.opened.append(command)
                if b:
                    assert self.both(command) == answer  # asked again, after a lost answer
        elif kind == "answer" and self.opened:
            assert isinstance(a, int)
            ident = self.opened[a % len(self.opened)].attempt_id
            self.both(NoteAnswer(ident, None if b is None else self.now - float(str(b)), self.now))
        elif kind == "bridge" and self.opened:
            assert isinstance(a, int) and isinstance(b, float)
            self.both(NoteBridge(self.opened[a % len(self.opened)].attempt_id, self.now + b, "anna"))
        elif kind == "heard" and self.opened:
            assert isinstance(a, int)
            ident = self.opened[a % len(self.opened)].attempt_id
            self.both(NoteHeard(ident, "human", "human: said", None if b is None else self.now + float(str(b))))
        elif kind == "word" and self.opened:
            assert isinstance(a, int)
            ident = self.opened[a % len(self.opened)].attempt_id
            self.both(SaveDisposition(ident, "anna" if b == "sale" else "ben", str(b), "", self.now))
        elif kind == "refuse" and self.opened:
            assert isinstance(a, int)
            self.both(AddDoNotCall(self.opened[a % len(self.opened)].attempt_id, "anna", self.now))
        elif kind == "learned":
            assert isinstance(b, float)
            self.both(SavePacing(str(a), f"{a} at {self.now}", self.now + b))
        elif kind == "close" and self.opened:
            assert isinstance(a, int) and isinstance(b, Outcome)
            self.both(self.closing(self.opened[a % len(self.opened)], b))
        elif kind == "again" and self.opened:
            assert isinstance(a, int)
            opened = self.opened[a % len(self.opened)]
            self.both(closing(opened, Outcome.CARRIER_FAILURE, at=self.now, again=True))
        elif kind == "judged":
            assert isinstance(b, float)
            self.both(SaveShownNumber(str(a), "resting", 1, self.now + 100.0, self.now + b))
        elif kind == "release" and self.claimed:
            assert isinstance(a, int) and isinstance(b, float)
            lead = self.claimed[a % len(self.claimed)]
            self.both(ReleaseLeads("sales", (lead.lead_id,), "test", b))
        elif kind == "wait":
            assert isinstance(a, float)
            self.now += a
        elif kind == "restart":
            assert self.memory.restart(self.now) == replace(self.sql.restart(self.now), mark="")
        elif kind == "block":
            expires = None if b is None else self.now + float(str(b))
            for bench in (self.memory, self.sql):
                bench.block(f"+1212555{a:04d}", expires_at=expires)

    def closing(self, opened: OpenAttempt, outcome: Outcome) -> CloseAttempt:
        made = self.memory.store.lead(opened.lead_id).attempts
        fate = recycle.after(outcome, made, RULES[opened.campaign])
        return closing(
            opened,
            outcome,
            at=self.now,
            lead_done=fate.done,
            lead_reason=fate.reason,
            recycle_after_s=fate.after_s,
            number_dead=fate.number_dead,
        )

    def compare(self, lead_ids: Sequence[tuple[int, int]]) -> None:
        for in_memory, in_sql in lead_ids:
            assert self.memory.lead(in_memory) == self.sql.lead(in_sql)
        live = self.memory.store.snapshot().open_attempts
        assert len({o.person for o in live}) == len({o.number for o in live}) == len(live)
        rows = [row["id"] for row in queries.attempts(self.sql.url) if row["ended_at"] is None]
        assert sorted(rows) == sorted(o.attempt_id for o in live)
        snapshot = self.memory.store.snapshot()
        assert queries.summary(self.sql.url)["leads_unaccounted"] == snapshot.unaccounted()


_TEMPLATE: list[bytes] = []


def fresh(directory: str) -> SqlBench:
    """An empty database, copied rather than migrated: a migration takes longer than a case."""
    path = Path(directory) / "store.db"
    if not _TEMPLATE:
        first = SqlBench(f"sqlite:///{directory}/template.db", campaigns=RULES)
        first.service.close()
        first.engine.dispose()
        _TEMPLATE.append((Path(directory) / "template.db").read_bytes())
    path.write_bytes(_TEMPLATE[0])
    return SqlBench(f"sqlite:///{path}", campaigns=RULES)


@given(leads, steps)
@settings(max_examples=60, deadline=None)
def test_memory_and_sqlite_are_one_store(
    start: list[tuple[list[int], str | None, tuple[str, ...], int, str, float]],
    moves: list[tuple[str, object, object]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        pair = Pair(fresh(directory))
        ids = []
        for numbers, person, zones, priority, list_name, due in start:
            ids.append(
                tuple(
                    bench.add_lead(
                        [f"+1212555{n:04d}" for n in numbers],
                        person=person,
                        zones=zones,
                        priority=priority,
                        list_name=list_name,
                        due_at=NOW + due,
                        line_type=("", "mobile")[len(numbers) % 2],
                    )
                    for bench in (pair.memory, pair.sql)
                )
            )
        for kind, a, b in moves:
            pair.step(kind, a, b)
        pair.step("restart", None, None)
        pair.compare(ids)  # type: ignore[arg-type]
        pair.sql.service.close()
