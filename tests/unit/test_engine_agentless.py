"""Campaigns without agents: message, customers' keys, who asks for an agent and how long they wait, how many calls."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_kit import NODE, START, Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import desk_records as desk
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import PhoneSettings
from dialer.domain.agentless import AgentlessSettings
from dialer.domain.settings import CampaignSettings, Mode
from dialer.domain.status import Status
from dialer.recording import RecordingEngine
from dialer.simulate.replay import replay

KEYS = {"1": "transfer", "9": "do_not_call", "*": "repeat", "5": "interested", "#": "end"}


def told(**more: Any) -> AgentlessSettings:
    values: dict[str, Any] = {
        "message": "message.wav", "goodbye": "bye.wav", "removed": "removed.wav", "noted": "noted.wav",
        "connecting": "connecting.wav", "nobody": "nobody.wav", "music": "music.wav", "keys": KEYS, "most_lines": 4,
        "share": 0.25, "callback_after_s": 600.0,
    }  # fmt: skip
    return AgentlessSettings(**(values | more))


def notice(name: str = "c1", **more: Any) -> CampaignSettings:
    own = {key: more.pop(key) for key in list(more) if key in AgentlessSettings.__slots__}
    return campaign(name, Mode.AGENTLESS, wait_limit_s=30.0, min_ring_s=0.0, agentless=told(**own), **more)


def floor(people: int = 1, ready: bool = True, **more: Any) -> Floor:
    made = Floor(settings(notice(**more), people=agents(people))).up()
    if not ready:
        for n in range(people):
            made.reply(lambda request, n=n: ev.AgentPause(request, f"a{n + 1}", "lunch"))
    return made


def press(made: Floor, uuid: str, keys: str) -> list[cmd.Command]:
    out: list[cmd.Command] = []
    for key in keys:
        out += made.send(ph.KeyPressed(uuid, key, made.now))
    return out


def listener(made: Floor) -> str:
    """A customer who has heard a second of the message."""
    made.step(0.5)
    uuid = made.dialed()[-1]
    made.ring(uuid)
    made.answer(uuid)
    made.step(1.0)
    return uuid


def busy(made: Floor) -> None:
    """No agent is free any more."""
    made.reply(lambda request: ev.AgentPause(request, "a1", "lunch"))


# ---- the message -------------------------------------------------------------------------------------------


def test_the_switch_says_it_all_by_itself() -> None:
    made = floor()
    made.step(0.5)
    call = made.of(cmd.OriginateCall)[0]
    assert call.script == ("silence_stream://300", "message.wav", "silence_stream://5000", "bye.wav")
    out = made.ring(call.uuid) + made.answer(call.uuid)
    none(out, cmd.Bridge, cmd.Recite, cmd.WaitAgain, cmd.HangUp)
    assert made.call(call.uuid).state == "message"


@pytest.mark.parametrize(
    ("disposition", "said"),
    [("send_bye", "no key was pressed; heard to the end"), ("recv_bye", "no key was pressed; over 1 s after")],
)
def test_who_presses_nothing_is_in_no_abandon_rate(disposition: str, said: str) -> None:
    made = floor()
    uuid = listener(made)
    made.hang_up(uuid, hangup_disposition=disposition)
    assert made.outcome(uuid) == "message_played"
    assert said in made.closed(uuid).reason
    assert made.engine._feed.pool.counts("c1", made.now).answered_today == 0


def test_no_agent_at_all_is_needed_where_no_key_asks_for_one() -> None:
    made = Floor(settings(notice(keys={"9": "do_not_call"}), people=agents(1, login=False))).up()
    made.step(1.0)
    assert len(made.dialed()) == 4


# ---- keys --------------------------------------------------------------------------------------------------


def test_never_again_is_written_at_once_and_said() -> None:
    made = floor()
    uuid = listener(made)
    out = press(made, uuid, "9")
    assert one(out, desk.AddDoNotCall) == desk.AddDoNotCall(uuid, "", made.now)
    assert one(out, cmd.SaveDisposition).code == "do_not_call"
    assert one(out, cmd.Recite).sounds == ("removed.wav",)
    none(press(made, uuid, "9991*5"), desk.AddDoNotCall, cmd.Recite, cmd.Bridge, cmd.SaveDisposition)
    made.step(2.0)
    made.hang_up(uuid, hangup_disposition="send_bye")
    assert made.outcome(uuid) == "message_played"
    assert "do_not_call" in made.closed(uuid).reason


def test_a_disposition_is_written_and_thanked_for() -> None:
    made = floor()
    uuid = listener(made)
    out = press(made, uuid, "5")
    saved = one(out, cmd.SaveDisposition)
    assert (saved.attempt_id, saved.agent, saved.code) == (uuid, "", "interested")
    assert one(out, cmd.Recite).sounds == ("noted.wav",)


def test_enough_is_thanked_for_and_ends_without_an_entry() -> None:
    made = floor()
    uuid = listener(made)
    out = press(made, uuid, "#")
    assert one(out, cmd.Recite).sounds == ("bye.wav",)
    none(out, cmd.SaveDisposition, desk.AddDoNotCall)
    none(press(made, uuid, "1*5#"), cmd.Recite, cmd.Bridge, cmd.SaveDisposition)
    one(press(made, uuid, "9"), desk.AddDoNotCall)  # this is never too late
    made.step(1.0)
    made.hang_up(uuid, hangup_disposition="send_bye")
    assert made.outcome(uuid) == "message_played"


def test_again_but_not_for_ever_and_not_on_the_heels_of_each_other() -> None:
    made = floor(repeats=2)
    uuid = listener(made)
    script = ("message.wav", "silence_stream://5000", "bye.wav")
    assert one(press(made, uuid, "*"), cmd.Recite).sounds == script
    none(press(made, uuid, "*"), cmd.Recite)  # the switch may carry two orders out the other way round
    assert one(made.step(0.2), cmd.Recite).sounds == script
    none(press(made, uuid, "***") + made.step(1.0), cmd.Recite)


def test_a_key_without_a_meaning_changes_nothing() -> None:
    made = floor()
    uuid = listener(made)
    none(press(made, uuid, "0847"), cmd.Recite, cmd.SaveDisposition, cmd.Bridge)
    assert made.counter("agentless_key_unknown") == 4
    assert made.call(uuid).state == "message"


def test_keys_of_other_campaigns_customers_and_of_agents_mean_nothing_here() -> None:
    made = Floor(settings(campaign(), people=agents(1))).up()
    made.step(1.0)
    (uuid,) = made.dialed()
    leg = made.talk(uuid)
    none(press(made, uuid, "19*5"), desk.AddDoNotCall, cmd.Recite, cmd.SaveDisposition)
    none(press(made, leg, "9"), desk.AddDoNotCall)


# ---- an agent ----------------------------------------------------------------------------------------------


def test_who_asks_gets_the_free_agent_at_once() -> None:
    made = floor()
    uuid = listener(made)
    out = press(made, uuid, "1")
    bridge = one(out, cmd.Bridge)
    none(out, ph.PutAside)
    noted = one(out, cmd.NoteHeard)
    assert (noted.verdict, noted.clock_at) == ("asked", made.now)
    made.step(0.06)
    made.bridged(uuid, bridge.agent_uuid)
    assert made.state() == "talking"
    none(press(made, uuid, "9*5"), desk.AddDoNotCall, cmd.Recite)  # now their keys are between them and the agent
    made.hang_up(uuid)
    assert made.outcome(uuid) == "connected"
    assert made.engine._feed.pool.counts("c1", made.now).answered_today == 1


def test_who_finds_nobody_waits_with_words_and_music_for_a_bounded_time() -> None:
    made = floor()
    uuid = listener(made)
    busy(made)
    aside = one(press(made, uuid, "1"), ph.PutAside)
    assert (aside.words, aside.sound, aside.message) == ("connecting.wav", "music.wav", "nobody.wav")
    assert 30_000 <= aside.limit_ms <= 61_000
    out = made.step(31.0)
    assert one(out, cmd.Recite).sounds == ("nobody.wav",)
    back = one(out, desk.RequestCallback)
    assert (back.attempt_id, back.by_agent, back.agent) == (uuid, "", "")
    assert back.due_at == pytest.approx(back.at + 600.0)
    made.hang_up(uuid, hangup_disposition="send_bye")
    assert made.outcome(uuid) == "abandoned"
    assert made.closed(uuid).reason == "no agent within 30 s"
    counts = made.engine._feed.pool.counts("c1", made.now)
    assert (counts.answered_today, counts.abandoned_today) == (1, 1)


def test_no_callback_where_none_is_wanted() -> None:
    made = floor(callback_after_s=None)
    uuid = listener(made)
    busy(made)
    press(made, uuid, "1")
    none(made.step(31.0), desk.RequestCallback)


def test_who_leaves_while_waiting_has_left_early() -> None:
    made = floor()
    uuid = listener(made)
    busy(made)
    press(made, uuid, "1")
    made.step(5.0)
    made.hang_up(uuid, hangup_disposition="recv_bye")
    assert made.outcome(uuid) == "hung_up_early"
    counts = made.engine._feed.pool.counts("c1", made.now)
    assert (counts.answered_today, counts.abandoned_today) == (1, 0)


def test_an_agent_who_comes_free_takes_who_waits() -> None:
    made = floor()
    uuid = listener(made)
    busy(made)
    press(made, uuid, "1")
    made.step(3.0)
    made.send(ev.AgentReady(7, "a1"))
    bridge = made.of(cmd.Bridge)[-1]
    assert bridge.call_uuid == uuid
    made.step(0.1)
    made.bridged(uuid, bridge.agent_uuid)
    made.hang_up(uuid)
    assert made.outcome(uuid) == "connected"


def test_the_music_is_not_overtaken_by_a_bridge() -> None:
    made = floor()
    uuid = listener(made)
    busy(made)
    press(made, uuid, "1")
    none(made.send(ev.AgentReady(7, "a1")), cmd.Bridge)
    assert one(made.step(0.2), cmd.Bridge).call_uuid == uuid


def test_who_asked_comes_before_all_others() -> None:
    """Ahead of a campaign's customers who answered before, behind those who asked before."""
    made = Floor(settings(campaign("c2", Mode.RATIO, lines_per_agent=3.0), notice(), people=agents(1, "c1", "c2"))).up()
    made.step(1.0)
    mine = [c.uuid for c in made.of(cmd.OriginateCall) if c.campaign == "c1"][:2]
    other = next(c.uuid for c in made.of(cmd.OriginateCall) if c.campaign == "c2")
    for uuid in mine:
        made.answer(uuid)
    made.step(1.0)
    busy(made)
    made.answer(other)
    for uuid in reversed(mine):
        press(made, uuid, "1")
    assert list(made.live.waiting) == [*reversed(mine), other]


def test_never_again_while_waiting_leaves_the_queue() -> None:
    made = floor()
    uuid = listener(made)
    busy(made)
    press(made, uuid, "1")
    made.step(1.0)
    out = press(made, uuid, "9")
    one(out, desk.AddDoNotCall)
    assert one(out, cmd.Recite).sounds == ("removed.wav",)
    none(made.send(ev.AgentReady(7, "a1")) + made.step(1.0), cmd.Bridge)
    made.hang_up(uuid, hangup_disposition="send_bye")
    assert made.outcome(uuid) == "message_played"


def test_a_bridge_that_fails_gives_the_music_back() -> None:
    made = floor()
    uuid = listener(made)
    leg = one(press(made, uuid, "1"), cmd.Bridge).agent_uuid
    made.step(1.0)
    out = made.send(ev.BridgeReplied(uuid, leg, False, "-ERR Invalid uuid"))
    none(out, cmd.WaitAgain)
    assert [c.uuid for c in made.of(ph.PutAside, out)] == [uuid] or made.call(uuid).state == "connecting"


def test_a_lost_agent_gives_the_customer_to_the_next() -> None:
    made = floor(2)
    uuid = listener(made)
    leg = one(press(made, uuid, "1"), cmd.Bridge).agent_uuid
    made.step(0.1)
    made.bridged(uuid, leg)
    made.send(ev.LegUnbridged(uuid, made.now), ev.LegHungUp(leg, made.now, "NORMAL_CLEARING"))
    made.step(1.0)
    assert any(c.a_uuid == uuid for c in made.of(ph.Join))


def test_a_late_word_of_the_originate_lets_no_bridge_overtake_the_message() -> None:
    made = floor()
    uuid = listener(made)
    one(press(made, uuid, "*"), cmd.Recite)
    none(press(made, uuid, "1"), cmd.Bridge)
    made.step(0.1)
    none(made.send(ev.OriginateReplied(uuid, True)), cmd.Bridge)
    one(made.step(0.1), cmd.Bridge)


def test_never_again_after_a_lost_agent_leaves_the_call_connected() -> None:
    """They had their agent: whatever ends the call now, that is how it counts."""
    made = floor(1)
    uuid = listener(made)
    leg = one(press(made, uuid, "1"), cmd.Bridge).agent_uuid
    made.step(0.1)
    made.bridged(uuid, leg)
    made.send(ev.LegUnbridged(uuid, made.now), ev.LegHungUp(leg, made.now, "NORMAL_CLEARING"))
    made.step(1.0)
    assert made.call(uuid).queued_again and made.call(uuid).state == "waiting"
    counted = made.engine._feed.pool.counts("c1", made.now).answered_today
    out = press(made, uuid, "9")
    one(out, desk.AddDoNotCall)
    assert one(out, cmd.Recite).sounds == ("removed.wav",)
    assert uuid not in made.live.waiting
    made.step(130.0)  # the switch does not end it: we do
    made.hang_up(uuid, hangup_disposition="send_bye")
    assert made.outcome(uuid) == "connected"
    assert made.engine._feed.pool.counts("c1", made.now).answered_today == counted == 1


# ---- how many calls ----------------------------------------------------------------------------------------


def test_lines_and_free_agents_bound_the_calls() -> None:
    """One free agent and a quarter who ask: four calls; with nobody free none is started."""
    made = floor(most_lines=100)
    made.step(2.0)
    assert len(made.dialed()) == 4
    status: Status = made.engine.status(made.now)
    assert "1 free agent for 0 who ask and 4 calls of which 25.0% may" in status.campaigns[0].decision_reason
    idle = floor(ready=False)
    before = len(idle.dialed())
    idle.step(2.0)
    assert len(idle.dialed()) == before


def test_the_campaigns_own_calls_a_second() -> None:
    made = Floor(settings(notice(keys={"9": "do_not_call"}, most_lines=100, calls_per_second=2.0))).up()
    made.step(5.0)
    assert 9 <= len(made.dialed()) <= 12


def test_its_calls_do_not_keep_other_campaigns_from_the_agents() -> None:
    """Four calls of which few may ask do not stand for four agents."""
    made = Floor(
        settings(notice(share=0.01, most_lines=4), campaign("c2", Mode.PROGRESSIVE), people=agents(2, "c1", "c2"))
    ).up()
    made.step(1.0)
    assert sum(c.campaign == "c2" for c in made.of(cmd.OriginateCall)) >= 1


def test_what_people_are_told() -> None:
    made = floor()
    uuid = listener(made)
    busy(made)
    press(made, uuid, "1")
    explained = made.engine.explain("c1", made.now)
    assert explained is not None
    own = explained["agentless"]
    assert isinstance(own, dict)
    assert (own["asked"], own["waiting"], own["wait_s"]) == (1, 1, 30.0)


# ---- when things die ---------------------------------------------------------------------------------------


def _recovered(made: Floor, uuid: str, *, heard: str = "", clock_at: float | None = None) -> ev.Recovered:
    fact = ev.OpenAttemptFact(
        attempt_id=uuid, campaign="c1", lead_id=1, number_id=1, number="+49301", person="p", attempts=0, node=NODE,
        trunk="t1", opened_at=made.now - 20, rang_at=made.now - 15, answered_at=made.now - 10, bridged_at=None,
        heard=heard, clock_at=clock_at,
    )  # fmt: skip
    return ev.Recovered(attempts=(fact,))


@pytest.mark.parametrize(("heard", "outcome"), [("", "message_played"), ("asked", "abandoned")])
def test_a_call_of_a_former_run_that_is_gone(heard: str, outcome: str) -> None:
    made = Floor(settings(notice(), people=agents(1)))
    uuid = "00000000-0000-4000-8000-000000000999"
    made.channels[NODE] = []
    made.send(_recovered(made, uuid, heard=heard, clock_at=made.now - 5 if heard else None))
    made.send(ev.SwitchUp(NODE))
    made.step(5.0)
    assert made.outcome(uuid) == outcome


def test_a_customer_of_a_former_run_who_waits_still_gets_an_agent() -> None:
    made = Floor(settings(notice(), people=agents(1)))
    uuid = "00000000-0000-4000-8000-000000000999"
    made.send(_recovered(made, uuid, heard="asked", clock_at=made.now - 5))
    made.channels[NODE] = [made.call_fact(uuid, answered=True)]
    made.send(ev.SwitchUp(NODE))
    del made.channels[NODE]
    made.step(3.0)
    assert made.of(cmd.Bridge)[-1].call_uuid == uuid


def test_a_message_of_a_former_run_goes_on_and_its_keys_count() -> None:
    made = Floor(settings(notice(), people=agents(1)))
    uuid = "00000000-0000-4000-8000-000000000999"
    made.send(_recovered(made, uuid))
    made.channels[NODE] = [made.call_fact(uuid, answered=True)]
    made.send(ev.SwitchUp(NODE))
    del made.channels[NODE]
    made.step(1.0)
    one(press(made, uuid, "9"), desk.AddDoNotCall)


def test_at_shutdown_the_message_is_said_as_far_as_there_is_time() -> None:
    made = floor()
    uuid = listener(made)
    made.send(ev.Shutdown(5.0))
    none(made.step(4.0), cmd.HangUp)
    made.step(2.0)
    made.hang_up(uuid, hangup_disposition="send_bye")
    assert made.outcome(uuid) == "message_played"


def test_a_recorded_run_decides_the_same_again(tmp_path: Path) -> None:
    """Keys that customers press in a message are part of it; names and numbers are not, on displays neither."""
    stream, file = io.StringIO(), tmp_path / "run.jsonl"
    config = settings(notice(), people=agents(1))
    made = Floor(replace(config, phones=PhoneSettings(display=("name", "number"))))
    made.leads["c1"][:] = [replace(each, name="Ann Lee") for each in made.leads["c1"]]
    made.engine = RecordingEngine(made.config, START, made._new_id, stream)
    made.up()
    first = listener(made)
    press(made, first, "4*9")
    second = made.dialed()[0]
    made.answer(second)
    made.step(1.0)
    leg = one(press(made, second, "1"), cmd.Bridge).agent_uuid
    made.step(0.1)
    made.bridged(second, leg)
    press(made, second, "9999")
    made.hang_up(second)
    made.step(1.0)
    file.write_text(stream.getvalue())
    found = replay(file)
    assert found.same, found.differences
    assert one(made.log[-400:], desk.AddDoNotCall).attempt_id == first
    assert "Ann" not in stream.getvalue() and "+4930" not in stream.getvalue() and made.of(ph.Display)
