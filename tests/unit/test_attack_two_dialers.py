"""Two dialers on one switch: both may have an agent 1001. Neither touches the other's legs."""

from __future__ import annotations

from engine_kit import NODE, START, Floor, agents, none, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev

OURS, THEIRS = "aaaa1111", "bbbb2222"


def leg(mark: str, agent: str, *, peer: str | None = None) -> ev.ChannelFact:
    uuid = f"{mark}-0000-4000-8000-00000000000f"
    return ev.ChannelFact(uuid, "agent", agent, True, peer, START - 60, parked=peer is None)


def marked(*facts: ev.ChannelFact, login: bool = True) -> Floor:
    f = Floor(settings(people=agents(1, login=login)))
    f.send(ev.Recovered(mark=OURS))
    f.channels[NODE] = list(facts)
    return f.up()


def test_the_legs_of_another_dialers_agents_are_neither_adopted_nor_hung_up() -> None:
    for login in (True, False):
        f = marked(leg(THEIRS, "a1"), leg(THEIRS, "nobody-here"), login=login)
        f.step(120)
        assert not {c.uuid for c in f.of(cmd.HangUp)} & {leg(THEIRS, "a1").uuid}
        assert leg(THEIRS, "a1").uuid not in f.live.legs
        assert f.counter("orphan_agent_legs") == 0 and f.counter("others_agent_legs_seen") >= 2


def test_the_legs_of_our_own_former_run_are_still_adopted_or_hung_up() -> None:
    mine = leg(OURS, "a1")
    adopted = marked(mine)
    assert adopted.agent().leg == mine.uuid and adopted.agent().free
    none(adopted.log, cmd.OriginateAgent)
    left = marked(mine, login=False)
    assert [c.uuid for c in left.of(cmd.HangUp)] == [mine.uuid]


def test_every_leg_and_attempt_of_ours_carries_our_mark() -> None:
    f = Floor(settings(people=agents(2)))
    f.send(ev.Recovered(mark=OURS))
    f.up()
    uuids = [c.uuid for c in f.of(cmd.OriginateAgent)] + f.dialed()
    assert len(uuids) == 4 and len(set(uuids)) == 4
    assert all(uuid.startswith(OURS + "-") for uuid in uuids)
