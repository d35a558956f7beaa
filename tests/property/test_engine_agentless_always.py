"""Customers of a campaign without agents press anything at any moment: nobody is lost, nothing counts twice.

Agents come and go, legs end, bridges fail, the switch is lost, the clock passes the bound of a wait.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from engine_kit import NODE, Floor, agents, campaign
from engine_kit import settings as engine_settings

from dialer.domain import commands as cmd
from dialer.domain import desk_records as desk
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.agentless import AgentlessSettings
from dialer.domain.call import CallState
from dialer.domain.settings import Mode

TOLD = AgentlessSettings(
    "m.wav", "bye.wav", "removed.wav", "noted.wav", "connecting.wav", "nobody.wav",
    keys={"1": "transfer", "9": "do_not_call", "*": "repeat", "5": "interested", "#": "end"}, most_lines=4, share=0.2,
)  # fmt: skip
WAIT_S = 12.0
STEPS_S = (0.0, 0.02, 0.1, 0.3, 2.0, 7.0, 14.0)
KEYS = "1119*50#"
CAUSES = (("NORMAL_CLEARING", "send_bye"), ("NORMAL_CLEARING", "recv_bye"), ("SYSTEM_SHUTDOWN", ""))


class Street:
    """A notice campaign that shares two agents with a progressive one."""

    def __init__(self) -> None:
        notice = campaign("c1", Mode.AGENTLESS, wait_limit_s=WAIT_S, min_ring_s=0.0, agentless=TOLD, wrap_up_s=1.0)
        other = campaign("c2", Mode.PROGRESSIVE, wrap_up_s=1.0)
        self.floor = Floor(engine_settings(notice, other, people=agents(2, "c1", "c2"))).up()
        self.pressed: dict[str, list[tuple[float, str]]] = {}
        self.last_order: dict[str, float] = {}
        self.seen = 0

    def move(self, kind: int, a: int, b: int) -> None:
        floor, live = self.floor, self.floor.live
        calls = [call for call in live.calls.values() if call.dialed_at is not None]
        call = calls[a % len(calls)] if calls else None
        if kind < 4 and call is not None:
            key = KEYS[b % len(KEYS)]
            self.pressed.setdefault(call.id, []).append((floor.now, key))
            floor.send(ph.KeyPressed(call.id, key, floor.now))
        elif kind == 4 and call is not None:
            floor.send(ev.LegAnswered(call.id, floor.now), ev.OriginateReplied(call.id, True))
        elif kind == 5 and call is not None:
            cause, how = CAUSES[b % len(CAUSES)]
            floor.send(ev.LegHungUp(call.id, floor.now, cause, hangup_disposition=how))
        elif kind == 6 and call is not None and call.agent is not None and call.agent.leg is not None:
            if b % 3:
                floor.send(ev.LegsBridged(call.id, call.agent.leg, floor.now))
            else:
                floor.send(ev.BridgeReplied(call.id, call.agent.leg, False, "-ERR"))
        elif kind == 7:
            name = f"a{1 + a % 2}"
            floor.send(ev.AgentPause(1, name, "tea") if b % 2 else ev.AgentReady(1, name))
        elif kind == 8 and b % 4 == 0:
            floor.send(ev.SwitchDown(NODE, "eof") if live.nodes[NODE].up else ev.SwitchUp(NODE))
        elif kind == 9 and live.legs:
            leg = list(live.legs)[a % len(live.legs)]
            floor.send(ev.LegUnbridged(leg, floor.now), ev.LegHungUp(leg, floor.now, "NORMAL_CLEARING"))
        elif kind == 10:
            for leg in list(live.legs):
                floor.send(ev.LegParked(leg, floor.now))
        floor.step(STEPS_S[b % len(STEPS_S)])
        self.check()

    def check(self) -> None:
        floor, live = self.floor, self.floor.live
        for command, at in zip(floor.log[self.seen :], floor.times[self.seen :], strict=True):
            if isinstance(command, cmd.Recite | ph.PutAside | cmd.Bridge):
                uuid = command.call_uuid if isinstance(command, cmd.Bridge) else command.uuid
                campaign_of = live.calls.get(uuid)
                if campaign_of is not None and campaign_of.campaign.name == "c1" and campaign_of.told is not None:
                    since = self.last_order.get(uuid, -1.0)
                    assert at - since >= 0.15 - 1e-6, "an order overtakes another"
                    if not isinstance(command, cmd.Bridge):  # one that failed has been answered
                        self.last_order[uuid] = at
        self.seen = len(floor.log)
        for call in live.calls.values():
            if call.campaign.name != "c1":
                assert call.told is None and call.state is not CallState.MESSAGE
                continue
            if call.state is CallState.MESSAGE:
                assert call.agent is None and call.id not in live.waiting
            if call.state is CallState.WAITING and not call.queued_again and call.kill_as is None:
                assert call.told is not None and call.told.asked
                assert live.now <= call.clock_from + WAIT_S + 1e-6 or not live.nodes[NODE].up, "waits for ever"
        for call in live.waiting.values():
            assert call.state is CallState.WAITING and call.agent is None
        for each in live.campaigns.values():
            opened = sum(call.state is not CallState.RESERVED for call in each.calls.values())
            assert each.attempts == sum(each.outcomes.values()) + opened, "outcomes do not sum to attempts"
        first = [call.told is not None and call.told.asked for call in live.waiting.values() if not call.queued_again]
        assert first == sorted(first, reverse=True), "somebody is ahead of one who asked"
        unserved = sum(call.campaign.name == "c1" and call.agent is None for call in live.calls.values())
        assert unserved <= TOLD.most_lines + len(live.waiting) + 2

    def finish(self) -> None:
        floor, live = self.floor, self.floor.live
        if not live.nodes[NODE].up:
            floor.send(ev.SwitchUp(NODE))
        floor.send(ev.Shutdown(5.0))
        floor.step(60.0)
        floor.step(60.0)
        assert not live.calls and not live.legs
        removed = {c.attempt_id for c in floor.of(desk.AddDoNotCall)}
        asked = {c.attempt_id for c in floor.of(cmd.NoteHeard) if c.verdict == "asked"}
        assert len(floor.of(desk.AddDoNotCall)) == len(removed), "written twice"
        assert len([c for c in floor.of(cmd.NoteHeard) if c.verdict == "asked"]) >= len(asked)
        ended: dict[str, cmd.CloseAttempt] = {}
        for close in floor.of(cmd.CloseAttempt):
            assert close.attempt_id not in ended, "closed twice"
            ended[close.attempt_id] = close
        counted = 0
        mine = {c.attempt_id for c in floor.of(cmd.OpenAttempt) if c.campaign == "c1"}
        for uuid in mine:
            close = ended[uuid]
            if close.outcome.value in ("connected", "abandoned", "hung_up_early"):
                crossed = "crossed" in close.reason or "overdue" in close.reason
                assert uuid in asked or crossed, f"{close.outcome} {close.reason}: never asked for an agent"
                counted += 1
            keys = {key for _, key in self.pressed.get(uuid, ())}
            if uuid in removed:
                assert "9" in keys
            if close.bridged_at is not None:
                assert close.outcome.value in ("connected", "abandoned", "shutdown", "interrupted"), close.outcome
            if close.outcome.value == "message_played" and "9" in keys and close.answered_at is not None:
                early = all(at <= close.answered_at for at, key in self.pressed[uuid] if key == "9")
                assert uuid in removed or early, "a wish for no more calls was lost"
        assert floor.engine._feed.pool.counts("c1", floor.now).answered_today >= counted - 2
        assert not floor.engine._feed.pool.calls


moves = st.lists(
    st.tuples(st.sampled_from([*range(11), 4, 4, 4, 6, 6, 6, 10]), st.integers(0, 255), st.integers(0, 255)),
    min_size=20, max_size=120,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=moves)
def test_a_street_that_presses_what_it_likes(moves: list[tuple[int, int, int]]) -> None:
    street = Street()
    for move in moves:
        street.move(*move)
    street.finish()
