"""Whatever phones, callers and the switch do in whatever order: no phone is left up, and each caller has one end."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import follow_kit as kit
from follow_kit import ANNA, DESK, LEADER, MOBILE, NODE, SEAT, Followed, followed

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain import phones as ph

CAUSES = ("USER_BUSY", "NO_ANSWER", "NORMAL_TEMPORARY_FAILURE", "CALL_REJECTED")
STEPS_S = (0.0, 0.0, 0.05, 0.2, 1.0, 4.0, 12.1, 30.0)
ENDS = frozenset({"served", "voicemail", "turned_away", "lost", "fallback", "interrupted"})


def one(floor: Followed, uuid: str, what: int, which: int) -> None:
    """One thing happens; also to phones that were given up."""
    rung = [command.uuid for command in floor.rung()]
    phone = rung[-1 - which % min(2, len(rung))] if rung else "nobody"
    joins = [command for command in floor.of(ph.Join) if command.a_uuid == uuid]
    match what:
        case 0 | 1:
            floor.send(ev.OriginateReplied(phone, True))
        case 2:
            floor.send(ev.OriginateReplied(phone, False, CAUSES[which % 4]))
        case 3 | 4:
            floor.send(ph.KeyPressed(phone, "1" if which % 3 else "7", floor.now))
        case 5:
            floor.send(ev.LegHungUp(phone, floor.now, CAUSES[which % 4]))
        case 6 | 7 if joins:
            floor.send(ev.LegsBridged(uuid, joins[-1].b_uuid, floor.now))
        case 8 if joins:
            floor.send(ev.BridgeReplied(uuid, joins[-1].b_uuid, bool(which % 2), "-ERR"))
        case 9:
            floor.send(ev.AgentPause(1, "a1", "x") if which % 2 else ev.AgentReady(1, "a1"))
        case 10 if which % 4 == 0:
            floor.send(ev.SwitchDown(NODE, "eof"))
            floor.step(STEPS_S[which % len(STEPS_S)])
            floor.send(ev.SwitchUp(NODE))
        case 11 if uuid in floor.live.calls and which % 8 == 0:
            floor.send(ev.LegHungUp(uuid, floor.now, "NORMAL_CLEARING"))
        case 12 if which % 8 == 0:
            floor.send(inb.CallerFellBack(uuid, floor.now))
    floor.step(STEPS_S[which % len(STEPS_S)])
    floor.accounted()


STEP = st.tuples(st.integers(0, 12), st.integers(0, 31))
PLAN = st.permutations([DESK, MOBILE, LEADER, SEAT]).flatmap(lambda p: st.integers(1, 4).map(lambda n: p[:n]))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(phones=PLAN, voicemail=st.booleans(), away=st.booleans(), steps=st.lists(STEP, max_size=30))
def test_no_phone_is_left_up_and_each_caller_has_one_end(
    phones: list[object], voicemail: bool, away: bool, steps: list[tuple[int, int]]
) -> None:
    floor = followed(kit.settings(*phones, voicemail=voicemail))  # type: ignore[arg-type]
    if away:
        floor.busy()
    uuid = floor.waits(ANNA)
    for step in steps:
        one(floor, uuid, *step)
    floor.step(150)  # nothing more happens but time: every plan is over, or somebody talks
    if uuid in floor.live.calls:
        assert floor.in_state(uuid) in ("connected", "closing", "waiting"), floor.in_state(uuid)
        floor.hang_up(uuid)
    for command in floor.rung():
        floor.hang_up(command.uuid)
    floor.step(60)
    floor.all_over()
    end, tasks = floor.over(uuid), floor.tasks()
    assert end.ending.value in ENDS and len(tasks) <= 1
    if end.ending is inb.Ending.SERVED:
        assert not tasks
    elif end.ending.value in ("voicemail", "turned_away", "lost"):
        assert len(tasks) == 1 and floor.live.counters["follow_me_tasks"] == 1
    keys = floor.counter("follow_me_accepted")
    outside = {command.uuid for command in floor.rung() if command.ask}
    assert keys or not [join for join in floor.of(ph.Join) if join.b_uuid in outside], "joined without a key"
    killed = {command.uuid for command in floor.of(cmd.HangUp)}
    assert all(command.bounded_ms > 0 for command in floor.rung()) and killed <= {uuid, *(c.uuid for c in floor.rung())}
