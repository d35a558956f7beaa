"""The switch dies, is not there yet, or does not know us: calls are accounted, it is said, and dialing resumes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import pytest
from conftest import Stages
from harness.floor import Dialer
from harness.plays import numbers
from harness.waiting import until

TALKS_LONG = 16
RINGS_LONG = 15
QUICK = (10, 20, 90)
SHORTEST_WAIT_S = 2.5
"""After a refusal: the first wait of 5 s, cut by up to half."""
ROUNDING_S = 0.06


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_switch_that_dies_under_its_calls(stages: Stages) -> None:
    """kill -9 with customers ringing and talking; after its restart lines are opened and dialing resumes.

    Who rang is interrupted; who talked was connected, however the talk ended.
    """
    talking, ringing = numbers([TALKS_LONG], 4), numbers([RINGS_LONG], 8)
    lost = [*talking, *ringing]
    later = numbers(QUICK, 30)
    stage = stages.build(
        [*lost, *later],
        agents=8,
        campaign={"mode": "ratio", "lines_per_agent": 3, "wrap_up_s": 0.5},
        trunk={"channels": 12},
    )
    dialer = stage.floor.run()
    # What the dialer knows counts: an event that dies in the switch's own queue cannot have been heard.
    until(
        lambda: _talking(dialer) >= len(talking) and stage.carrier.now_in("ringing") >= len(ringing),
        20.0, "conversations and ringing customers", 0.05,
    )  # fmt: skip
    stage.switch.kill()
    status, body = until(lambda: _not_ready(dialer.get("/readyz")), 10.0, "/readyz to say 503", 0.1)
    assert "fs1" in str(body), body
    assert dialer.get("/healthz")[0] == 200
    assert dialer.lines("switch_down")
    stage.switch.start()
    dialer.until_ready(20.0)
    until(lambda: stage.floor.ended_attempts() >= len(lost) + len(later), 90.0, "the rest to be dialed", 0.5)
    summary = dialer.stop()

    outcomes = stage.floor.outcomes()
    assert {number: outcomes[number] for number in ringing} == {number: ["interrupted"] for number in ringing}
    assert {number: outcomes[number] for number in talking} == {number: ["connected"] for number in talking}
    counts = Counter(outcome for number in later for outcome in outcomes[number])
    print(f"\n/readyz {status}: {body}\nafter the restart: {dict(counts)}; counters {summary['counters']}")
    assert counts["connected"] >= 15
    assert set(counts) <= {"connected", "busy", "abandoned", "interrupted"}
    assert summary["leads_unaccounted"] == 0
    assert summary["channels_left"] == 0
    assert summary["counters"]["switch_losses"] == 1
    # An originate that was on its way when the switch died may never have become an INVITE.
    missing = stage.floor.attempts_by_number() - stage.carrier.invites()
    assert all("interrupted" in outcomes[number] for number in missing)
    assert not stage.carrier.invites() - stage.floor.attempts_by_number()


def _talking(dialer: Dialer) -> int:
    agents = dialer.get("/v1/agents")[1]["agents"]
    return sum(each["state"] == "talking" for each in agents)


def test_a_switch_that_is_not_there_yet(stages: Stages) -> None:
    """The dialer keeps trying and says so; when the switch comes up it logs its agents in and dials."""
    stage = stages.build(numbers([10, 20], 4), agents=2, start_switch=False)
    dialer = stage.floor.run()
    status, body = until(lambda: _not_ready(dialer.get("/readyz")), 20.0, "/readyz to say 503", 0.1)
    assert "fs1" in str(body) and "refused" in str(body).lower(), body
    assert dialer.get("/healthz")[0] == 200
    until(lambda: sum("next try in" in str(line) for line in dialer.lines()) >= 3, 20.0, "several tries", 0.2)
    assert dialer.process.running
    assert not stage.floor.attempts_by_number()
    print(f"\n/readyz {status}: {body}")
    stage.switch.start()
    dialer.until_ready(15.0)
    until(lambda: stage.floor.ended_attempts() == 4, 40.0, "all calls to end", 0.2)
    summary = dialer.stop()
    assert summary["outcomes"] == {"busy": 2, "connected": 2}
    assert summary["leads_unaccounted"] == 0


@pytest.mark.timeout(150)
def test_a_switch_that_does_not_know_our_password(stages: Stages) -> None:
    """Says that the login was refused, does not hammer, gets in once the switch has the right password."""
    stage = stages.build(numbers([20], 2), agents=1, start_switch=False)
    conf = stage.switch.conf_dir / "autoload_configs" / "event_socket.conf.xml"
    right_conf, right = conf.read_text(), stage.switch.password
    conf.write_text(right_conf.replace(right, "another-password"))
    stage.switch.password = "another-password"
    stage.switch.start()
    dialer = stage.floor.run()
    status, body = until(lambda: _refused(dialer.get("/readyz")), 20.0, "/readyz to say why", 0.1)
    print(f"\n/readyz {status}: {body}")
    assert status == 503
    assert dialer.process.running
    until(lambda: sum("password was refused" in str(line) for line in dialer.lines()) >= 2, 20.0, "a second try", 0.2)
    assert right not in dialer.log.read_text()
    stage.switch.stop()
    conf.write_text(right_conf)
    stage.switch.password = right
    stage.switch.start()
    dialer.until_ready(40.0)
    until(lambda: stage.floor.ended_attempts() == 2, 30.0, "all calls to end", 0.2)
    _waited_after_each_refusal(dialer)
    assert dialer.stop()["outcomes"] == {"busy": 2}


def _waited_after_each_refusal(dialer: Dialer) -> None:
    """Refusals fill the switch's log: each is followed by a long wait. A switch that is away costs nothing to ask, and
    how often that happens depends on how long its restart takes.
    """
    tries = list(_tries(dialer))
    refusals = [number for number, (_, reason, _) in enumerate(tries) if "password was refused" in reason]
    assert refusals, tries
    for number in refusals:
        at, _, wait_s = tries[number]
        assert wait_s >= SHORTEST_WAIT_S, tries
        if number + 1 < len(tries):
            assert tries[number + 1][0] - at >= wait_s - ROUNDING_S, tries


def _tries(dialer: Dialer) -> Iterator[tuple[float, str, float]]:
    """Its tries that failed: when, why, and the wait that it announced."""
    for line in dialer.lines():
        if found := re.fullmatch(r"event socket fs1: (.*); next try in ([\d.]+) s", str(line.get("event"))):
            yield datetime.fromisoformat(line["timestamp"]).timestamp(), found[1], float(found[2])


def _not_ready(answer: tuple[int, object]) -> tuple[int, object] | None:
    return answer if answer[0] == 503 else None


def _refused(answer: tuple[int, object]) -> tuple[int, object] | None:
    return answer if "authentication refused" in str(answer[1]) else None
