"""Who returns a call of ours: to whom they go, whose customer they are, and what their agent may say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from engine_kit import NODE, agents, one
from inbound_kit import DID, SALES, Desk, desk, office, outbound, pause_all, queue, said

from dialer.domain import events as ev
from dialer.domain import inbound as inb
from dialer.domain import phones as ph
from dialer.domain.callbacks import CallbackSettings
from dialer.domain.commands import SaveDisposition
from dialer.domain.desk_records import RequestCallback
from dialer.domain.routing import team_of
from dialer.domain.settings import CallWindows
from routing.outbound import Rank

ANNA = "+493012345678"
DAY = CallWindows((((540, 1200),),) * 7, "Europe/Berlin")


def floor(returned: str = "c1", own: str | None = None, **campaign: Any) -> Desk:
    """a1 serves the queue, a2 the campaign too; what the store says of Anna: she returns a call of the campaign."""
    made = replace(outbound("c1", dispositions=("sold", "no"), autostart=False), **campaign)
    line = replace(queue(), dispositions=("question",))
    people = [*agents(1, SALES), replace(agents(2, SALES, "c1")[1])]
    f = desk(office(made, line, people=people))
    team = frozenset({team_of("c1")})
    f.ranks[ANNA] = {
        "rank": Rank("ordinary", False, own, (team,), ("returns the call that c1 made",)),
        "lead_id": 77, "person": "crm-7", "name": "Anna", "campaign": returned, "own_limit_s": 60.0,
    }  # fmt: skip
    return f


def dispose(f: Desk, agent: str, code: str) -> bool:
    return f.reply(lambda n: ev.AgentDispose(n, agent, code)).ok


def test_the_campaigns_agents_come_first_although_others_are_idle_longer() -> None:
    f = floor()
    f.send(ev.AgentPause(1, "a2", "tea"))
    f.step(30)
    f.send(ev.AgentReady(1, "a2"))
    f.step(30)
    assert f.talks(f.waits(ANNA)) == "a2"
    assert f.talks(f.waits("+49301111111")) == "a1"


def test_the_record_has_campaign_lead_and_person_before_the_caller_is_answered() -> None:
    f = floor()
    uuid = f.caller(ANNA)
    (noted,) = [c for c in f.of(inb.NoteInbound) if c.campaign]
    assert (noted.call_id, noted.campaign, noted.lead_id, noted.person) == (uuid, "c1", 77, "crm-7")
    assert "returns the call" in noted.reason


def test_the_agent_says_what_became_of_it_in_the_campaigns_words() -> None:
    f = floor()
    uuid = f.waits(ANNA)
    agent = f.talks(uuid)
    f.hang_up(uuid)
    assert not dispose(f, agent, "question")
    assert dispose(f, agent, "sold")
    kept = one(f.log, SaveDisposition)
    assert (kept.attempt_id, kept.agent, kept.code) == (uuid, agent, "sold")
    other = f.waits("+49301111111")
    who = f.talks(other)
    f.hang_up(other)
    assert dispose(f, who, "question") and not dispose(f, who, "sold")


def test_the_agent_who_called_is_waited_for_while_they_talk_and_not_while_they_are_away() -> None:
    f = floor(own="a2")
    busy = f.waits("+49301111111")
    if f.talks(busy) != "a2":
        busy = f.waits("+49302222222")
        assert f.talks(busy) == "a2"
        f.hang_up(next(c.a_uuid for c in f.of(ph.Join)))
    f.step(20)
    uuid = f.waits(ANNA)
    f.step(30)
    assert f.in_state(uuid) == "waiting" and f.agent("a1").free, "by rule: her own agent comes back"
    f.hang_up(busy)
    f.step(11)
    assert f.talks(uuid) == "a2"
    f.hang_up(uuid)
    f.step(11)
    f.send(ev.AgentPause(1, "a2", "tea"))
    assert f.talks(f.waits(ANNA)) == "a1"


def test_who_waits_for_the_agent_who_knows_them_is_told_so() -> None:
    """At once, and each time while they do; whoever may take anybody hears the usual words."""
    f = floor(own="a2")
    line = f.live.settings.campaigns[SALES]
    assert line.queue is not None
    said_ = replace(line.queue, own_words=said("own.wav"), comfort=said("comfort.wav"), announce_every_s=20.0)
    g = desk(replace(f.live.settings, campaigns={**f.live.settings.campaigns, SALES: replace(line, queue=said_)}))
    g.ranks = f.ranks
    pause_all(g)
    g.send(ev.AgentReady(1, "a2"))
    busy = g.waits("+49301111111")
    assert g.talks(busy) == "a2"
    uuid = g.waits(ANNA)
    g.step(2)
    assert [held.sounds for held in g.held(uuid)] == [(), ("own.wav",)]
    g.step(25)
    assert g.held(uuid)[-1].sounds == ("own.wav",)
    g.step(50)
    assert g.held(uuid)[-1].sounds == ("comfort.wav",), "the limit is over: anybody's"
    other = g.waits("+49302222222")
    g.step(2)
    assert [held.sounds for held in g.held(other)] == [()]


def test_an_agent_who_is_going_to_pause_after_their_customer_is_not_waited_for() -> None:
    """Their caller goes to who is free the moment that they say so."""
    f = floor(own="a2")
    f.send(ev.AgentPause(1, "a1", "tea"))
    busy = f.waits("+49301111111")
    assert f.talks(busy) == "a2"
    f.send(ev.AgentReady(1, "a1"))
    uuid = f.waits(ANNA)
    f.step(5)
    assert f.in_state(uuid) == "waiting"
    f.send(ev.AgentPause(1, "a2", "lunch"))
    assert f.talks(uuid) == "a1"


def test_a_restart_forgets_nothing_of_it() -> None:
    """The former run wrote whose call is returned; the next one books it there."""
    f = floor()
    pause_all(f)
    uuid = f.caller(ANNA)
    former = inb.OpenInboundFact(
        uuid, ANNA, DID, SALES, NODE, 949.0, 950.0, 951.0, None, "", 77, "crm-7", campaign="c1"
    )
    g = Desk(f.live.settings)
    g.send(ev.Recovered(inbound=(former,)))
    g.channels[NODE] = [ev.ChannelFact(uuid, "inbound", DID, True, None, 949.0)]
    g.up()
    g.step(0.3)
    agent = g.talks(uuid)
    g.hang_up(uuid)
    assert g.over(uuid).ending is inb.Ending.SERVED
    assert dispose(g, agent, "sold") and not dispose(g, agent, "question")


def ask(f: Desk, agent: str, argument: str) -> Any:
    return f.reply(lambda n: ph.AgentAct(n, agent, "callback", argument))


@pytest.mark.parametrize("callbacks", [CallbackSettings(), None])
def test_an_agent_promises_a_caller_to_call_again(callbacks: CallbackSettings | None) -> None:
    """In the caller's time, by the hours of the campaign that dials it; where none does, it is only written down."""
    f = floor(windows=DAY, callbacks=callbacks)
    uuid = f.waits(ANNA)
    agent = f.talks(uuid)
    f.hang_up(uuid)
    assert ask(f, agent, "011200").ok
    wish = one(f.log, RequestCallback)
    assert (wish.attempt_id, wish.zone) == (uuid, "Europe/Berlin" if callbacks else wish.zone)
    assert wish.agent == (agent if callbacks else "")
    at = datetime.fromtimestamp(wish.due_at, UTC)
    assert (at.hour, at.minute) == (11, 0), "noon in Germany, in winter"


def test_a_queue_that_is_called_back_by_nobody_takes_a_promise_too() -> None:
    """A queue itself has no calling hours: they are no reason to refuse."""
    f = floor(returned="")
    uuid = f.waits(ANNA)
    agent = f.talks(uuid)
    f.hang_up(uuid)
    assert ask(f, agent, "010300").ok
    assert one(f.log, RequestCallback).attempt_id == uuid


def test_the_agents_phone_names_the_campaign() -> None:
    f = floor(own="a2")
    g = desk(replace(f.live.settings, phones=replace(f.live.settings.phones, display=("campaign",))))
    g.ranks = f.ranks
    g.talks(g.waits(ANNA))
    assert one(g.log, ph.Display).name == "c1"
