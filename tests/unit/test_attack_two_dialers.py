"""Two dialers on one switch: both may have an agent 1001. Neither touches the other's legs, or answers its phones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import NODE, START, Floor, agents, none, one, settings
from inbound_kit import DID, Desk, office

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain import phones as ph

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


def called(ours: str, named: str) -> Floor:
    f = Floor(replace(settings(people=agents(1, login=False)), instance=ours)).up()
    f.send(ph.PhoneCalled(NODE, "phone-leg", "s-a1", "*10", "", f.now, named))
    return f


@pytest.mark.parametrize(("ours", "named"), [("north", "north"), ("north", ""), ("", "north")])
def test_a_phones_call_is_taken_by_the_dialer_that_the_dialplan_names_or_by_the_only_one(ours: str, named: str) -> None:
    assert one(called(ours, named).log, ph.TakeLeg).uuid == "phone-leg"


def test_a_phones_call_is_left_to_the_other_dialer() -> None:
    f = called("north", "south")
    none(f.log, ph.TakeLeg)
    assert not f.live.sessions and f.counter("others_phones_called") == 1


@pytest.mark.parametrize("ident", ["s-a1@south", "outside@south"])
def test_the_legs_of_another_dialers_phones_are_never_hung_up(ident: str) -> None:
    def floor(ident: str) -> Floor:
        f = Floor(replace(settings(people=agents(1, login=False)), instance="north"))
        f.channels[NODE] = [ev.ChannelFact("phone-leg", "seat", ident, True, None, START - 60, parked=True)]
        f.up()
        f.step(120)
        return f

    none(floor(ident).log, cmd.HangUp)
    for ours in (ident.replace("south", "north"), ident.partition("@")[0]):
        assert {c.uuid for c in floor(ours).of(cmd.HangUp)} == {"phone-leg"}


def callers(ours: str) -> Desk:
    floor = Desk(replace(office(), instance=ours))
    floor.up()
    return floor


@pytest.mark.parametrize(("ours", "named"), [("north", "north"), ("north", ""), ("", "north")])
def test_a_caller_is_taken_by_the_dialer_that_the_dialplan_names_or_by_the_only_one(ours: str, named: str) -> None:
    f = callers(ours)
    f.send(inb.CallerArrived(NODE, "caller-leg", DID, "+4917012345", f.now, named))
    assert one(f.log, inb.OpenInbound).call_id == "caller-leg"
    assert one(f.log, inb.HoldCaller).uuid == "caller-leg"


def test_a_caller_is_left_to_the_other_dialer_though_both_have_the_number() -> None:
    f = callers("north")
    f.send(inb.CallerArrived(NODE, "caller-leg", DID, "+4917012345", f.now, "south"))
    none(f.log, inb.OpenInbound)
    none(f.log, inb.HoldCaller)
    assert "caller-leg" not in f.live.calls and f.counter("others_callers_arrived") == 1


@pytest.mark.parametrize(("instance", "taken"), [("north", True), ("", True), ("south", False)])
def test_a_list_shows_whose_a_caller_is(instance: str, taken: bool) -> None:
    """The event of a call that came in was lost; of two dialers that see it in a list the one named takes it."""
    f = Desk(replace(office(), instance="north"))
    mark = f"@{instance}" if instance else ""
    f.channels[NODE] = [ev.ChannelFact("caller-leg", "inbound", DID + mark, False, None, START, caller="+4917012345")]
    f.up()
    assert ("caller-leg" in f.live.calls) is taken
    assert bool(f.of(inb.HoldCaller)) is taken
    assert bool(f.counter("others_callers_seen")) is not taken
