"""PINs: which may be set, what is counted, the thread that hashes them, and the worker between the two."""

from __future__ import annotations

import select
import time

import pytest
from test_store_worker_core import LOCKED, Bench, FakeService, answered, do, opening

from dialer.domain.events import AttemptOpened
from dialer.domain.phones import CheckPin, PinChecked
from dialer.store import pins
from dialer.store.errors import StoreDoubtful
from dialer.store.hashing import MOST_WAITING, Hasher
from dialer.store.worker_core import WorkerCore


@pytest.mark.parametrize("pin", ["4711", "0815", "123456789013", "112233", "1357", "9013"])
def test_pins_that_may_be_set(pin: str) -> None:
    assert pins.checked(pin, "1001") == pin


@pytest.mark.parametrize(
    ("pin", "told"),
    [
        ("", "4 to 12 digits"),
        ("123", "4 to 12 digits"),
        ("1234567890123", "4 to 12 digits"),
        ("47 11", "4 to 12 digits"),
        ("４７１１", "4 to 12 digits"),
        ("0000", "no row"),
        ("999999", "no row"),
        ("1234", "no row"),
        ("4321", "no row"),
        ("7890", "no row"),
        ("2101", "other than the agent's number"),
    ],
)
def test_pins_that_are_refused_and_not_repeated(pin: str, told: str) -> None:
    with pytest.raises(pins.PinError, match=told) as caught:
        pins.checked(pin, "a-2101")
    assert not pin or pin in ("1234", "0000", "4321") or pin not in str(caught.value)


def test_made_up_pins_differ_and_may_be_set() -> None:
    made = {pins.generated("1001") for _ in range(50)}
    assert len(made) > 45 and all(pins.checked(pin, "1001") for pin in made)


def test_a_pin_is_in_no_repr() -> None:
    question = pins.PinQuestion("s", "1001", "471147", pins.hashed("471147"), 60.0)
    assert "471147" not in repr(question) and question.secret.hash not in repr(question)
    assert "471147" not in repr(CheckPin("s", "1001", "471147", 0.0))


def test_another_cost_still_matches() -> None:
    cheap = pins.Secret("ab" * 16, pins._scrypt("4711", "ab" * 16, "1024:8:1"), "1024:8:1")
    assert pins.matches("4711", cheap) and not pins.matches("4712", cheap)
    assert not pins.matches("4711", pins.Secret())


def test_answers_of_a_question() -> None:
    secret = pins.hashed("4711")
    assert pins.PinQuestion("s", "a", "4711", secret, 60.0).answer() == PinChecked("s", "a", True)
    assert pins.PinQuestion("s", "a", "4712", secret, 60.0).answer() == PinChecked("s", "a", False, 60.0)


# ---- the thread --------------------------------------------------------------------------------------------


def collect(hasher: Hasher, count: int) -> dict[int, PinChecked]:
    found: dict[int, PinChecked] = {}
    deadline = time.monotonic() + 20.0
    while len(found) < count and time.monotonic() < deadline:
        select.select([hasher.wake], [], [], 1.0)
        found.update(hasher.take())
    return found


def test_the_thread_answers_and_rings() -> None:
    hasher = Hasher()
    secret = pins.hashed("4711")
    for seq, pin in enumerate(("4711", "0815", "4711")):
        hasher.ask(seq, pins.PinQuestion("s", "a", pin, secret, 0.0))
    assert {seq: answer.ok for seq, answer in collect(hasher, 3).items()} == {0: True, 1: False, 2: True}
    assert hasher.take() == [] and select.select([hasher.wake], [], [], 0)[0] == []
    hasher.close()


def test_a_flood_is_answered_at_once_but_not_judged() -> None:
    hasher = Hasher()
    question = pins.PinQuestion("s", "a", "0815", pins.Secret(), 0.0)
    for seq in range(MOST_WAITING + 20):
        hasher.ask(seq, question)
    refused = [answer for answer in collect(hasher, 15).values() if answer.problem]
    assert len(refused) >= 15 and not any(answer.ok for answer in refused)
    hasher.close()  # and the rest is not waited for
    assert not hasher._thread.is_alive()


# ---- the worker --------------------------------------------------------------------------------------------

TRY = CheckPin("s1", "1001", "4711", 0.0)


class PinService(FakeService):
    def __init__(self, pin: str) -> None:
        super().__init__()
        self.secret = pins.hashed(pin)

    def execute(self, commands, now):  # type: ignore[no-untyped-def]
        events = super().execute(commands, now)
        for command in commands:
            if isinstance(command, CheckPin):
                events.append(pins.PinQuestion(command.session, command.agent, command.pin, self.secret, 60.0))
            elif isinstance(command, pins.PinRight):
                events.append(PinChecked(command.session, command.agent, True))
        return events


def worker(pin: str, *, later: bool = False) -> tuple[Bench, list[tuple[int, pins.PinQuestion]]]:
    bench = Bench()
    asked: list[tuple[int, pins.PinQuestion]] = []
    bench.service = PinService(pin)
    ask = (lambda seq, question: asked.append((seq, question))) if later else None
    bench.core = WorkerCore(bench.service, bench.prepare, bench.sent.append, lambda: 1e9, lambda: bench.monotonic, ask)
    return bench.start(), asked


def test_without_a_thread_the_answer_comes_at_once() -> None:
    bench, _ = worker("4711")
    bench.core.take(do(TRY))
    assert answered(bench.take_sent()) == {1: PinChecked("s1", "1001", True)}
    assert [type(c).__name__ for batch in bench.service.batches for c in batch] == ["CheckPin", "PinRight"]


def test_the_gate_does_not_wait_for_a_question() -> None:
    bench, asked = worker("0815", later=True)
    bench.core.take(do(opening("a"), TRY))
    assert answered(bench.take_sent()) == {1: AttemptOpened("a")}
    ((seq, question),) = asked
    bench.core.hashed(seq, question.answer())
    assert answered(bench.take_sent()) == {2: PinChecked("s1", "1001", False, 60.0)}


def test_a_right_pin_is_right_also_when_the_store_is_lost_meanwhile() -> None:
    bench, asked = worker("4711", later=True)
    bench.core.take(do(TRY))
    bench.service.trouble = LOCKED
    ((seq, question),) = asked
    bench.core.hashed(seq, question.answer())
    assert answered(bench.take_sent()) == {1: PinChecked("s1", "1001", True)}
    bench.service.trouble = None
    bench.wait_and_retry()
    assert bench.core.idle


@pytest.mark.parametrize("trouble", [LOCKED, StoreDoubtful("the commit failed")])
def test_a_store_in_trouble_says_so(trouble: Exception) -> None:
    bench, _ = worker("4711")
    bench.service.trouble = trouble
    bench.core.take(do(TRY))
    (event,) = answered(bench.take_sent()).values()
    assert isinstance(event, PinChecked) and not event.ok and str(trouble) in event.problem
    bench.core.take(do(TRY, first=2))
    assert answered(bench.take_sent())[2] == event
    bench.service.trouble = None
    bench.wait_and_retry()
    assert bench.service.batches == []  # what was asked then is over
