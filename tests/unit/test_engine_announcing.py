"""What agents hear before a customer: the whisper at the bridge, the preview on the phone, the beep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_kit import Floor, agents, campaign, none, one, settings

from config.errors import ConfigError
from config.loader import load
from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.acts import DEFAULT_KEYS, PhoneSettings
from dialer.domain.lead import ClaimedLead
from dialer.domain.settings import Mode
from dialer.engine.announcing import NAME, NOTE, PREPARE_S
from dialer.runtime import Runtime
from dialer.settings import build
from dialer.voice import name, note

PROMPTS = (
    "beep", "tier-gold", "tier-high", "next-customer", "preview-keys", "preview-timeout", "dialing", "skipped",
    "paused",
)  # fmt: skip
LENGTHS = dict.fromkeys(PROMPTS, 0.5)


def floor(
    *whisper: str,
    mode: Mode = Mode.PROGRESSIVE,
    on_call: bool = False,
    phones: bool = True,
    lead: dict[str, Any] | None = None,
    rules: dict[str, Any] | None = None,
    **more: Any,
) -> Floor:
    config = settings(campaign(mode=mode, whisper=whisper, **(rules or {})), people=agents(1), on_call=on_call)
    f = Floor(replace(config, phones=PhoneSettings(prompt_seconds=LENGTHS, **more)), phones=phones)
    f.leads["c1"][:] = [customer(each, **(lead or {})) for each in f.leads["c1"]]
    f.up()
    return f


def customer(lead: ClaimedLead, **more: Any) -> ClaimedLead:
    given = {"name": "Ann Lee", "fields": {"tier": "Gold", "note": "likes tea"}} | more
    return replace(lead, **given)


def murmured(f: Floor) -> tuple[str, ...]:
    """What the agent hears of the first customer; it is sent before the bridge, in the same moment."""
    uuid = f.dialed()[0]
    f.ring(uuid)
    out = f.answer(uuid)
    kinds = [type(c) for c in out if isinstance(c, ph.Murmur | cmd.Bridge)]
    assert kinds in ([ph.Murmur, cmd.Bridge], [cmd.Bridge])
    return tuple(p for c in f.of(ph.Murmur, out) for p in c.prompts)


def test_the_marks_are_those_that_the_voice_knows() -> None:
    assert (name("x"), note("x")) == (NAME + "x", NOTE + "x")


@pytest.mark.parametrize(
    ("whisper", "lead", "heard"),
    [
        ((), {}, ()),
        (("name",), {}, ("name:Ann Lee",)),
        (("tier",), {}, ("tier-gold",)),
        (("campaign",), {}, ("name:c1",)),
        (("name", "tier", "campaign"), {}, ("name:Ann Lee", "tier-gold", "name:c1")),
        (("campaign", "name"), {}, ("name:c1", "name:Ann Lee")),
        (("name", "tier"), {"name": "  ", "fields": {}}, ()),
        (("tier",), {"fields": {"tier": "unheard of"}}, ()),
        (("tier",), {"fields": {"tier": " HIGH "}}, ("tier-high",)),
    ],
)
@pytest.mark.parametrize("beep", [True, False])
def test_whisper_before_connect(
    whisper: tuple[str, ...], lead: dict[str, Any], heard: tuple[str, ...], beep: bool
) -> None:
    f = floor(*whisper, lead=lead, beep=beep)
    assert murmured(f) == (("beep",) if beep else ()) + heard


def test_speech_is_asked_for_when_the_customer_is_dialed() -> None:
    f = floor("name", "tier")
    dialed = f.log.index(f.of(cmd.OriginateCall)[0])
    asked = f.of(ph.PrepareSpeech)[0]
    assert asked.parts == ("name:Ann Lee",) and f.log.index(asked) > dialed
    none(floor("tier").log, ph.PrepareSpeech)


def test_the_next_agent_of_a_customer_hears_it_too() -> None:
    config = settings(campaign(whisper=("name",)), people=agents(2))
    f = Floor(replace(config, phones=PhoneSettings(prompt_seconds=LENGTHS)))
    f.leads["c1"][:] = [customer(each) for each in f.leads["c1"]]
    f.up()
    uuid = f.dialed()[0]
    leg = f.talk(uuid)
    f.hang_up(leg, "MEDIA_TIMEOUT")
    f.send(ev.LegUnbridged(uuid, f.now))
    out = f.step(1)
    assert f.of(ph.Murmur, out)[0].prompts == ("beep", "name:Ann Lee")


def shown(**more: Any) -> Floor:
    f = floor("name", mode=Mode.PREVIEW, **more)
    assert f.state() == "previewing"
    return f


def said(f: Floor) -> list[tuple[str, ...]]:
    return [command.prompts for command in f.of(ph.Say)]


WORDS = ("next-customer", "name:Ann Lee", "note:likes tea", "preview-keys")


def test_a_preview_is_spoken_on_an_open_line() -> None:
    f = shown()
    assert one(f.log, ph.PrepareSpeech).parts == WORDS[1:3]
    f.step(PREPARE_S)
    assert said(f) == [WORDS]
    f.send(ph.KeyPressed(f.agent().leg, "3", f.now))
    f.step(0.5)
    assert said(f) == [WORDS, WORDS], "repeated by key"
    f.send(ph.KeyPressed(f.agent().leg, "1", f.now))
    assert f.state() == "reserved"
    assert murmured(f) == ("beep",), "they know who comes"


def test_what_is_not_known_is_not_said_and_other_keys_are_not_named() -> None:
    f = shown(lead={"name": "", "fields": {}}, keys={**DEFAULT_KEYS, "accept": "7"})
    f.step(PREPARE_S)
    assert said(f) == [("next-customer",)]
    none(f.log, ph.PrepareSpeech)


def test_a_preview_that_is_settled_at_once_is_not_spoken() -> None:
    f = shown()
    f.send(ph.AgentAct(1, "a1", "accept"))
    f.step(PREPARE_S + 0.1)
    assert f.state() == "reserved" and not said(f)


def test_an_on_call_agent_hears_of_the_lead_and_answers_by_key() -> None:
    f = shown(on_call=True, rules={"preview_timeout_s": 10.0})
    f.step(0.5)
    leg = one(f.log, cmd.OriginateAgent).uuid
    f.step(1.0)
    assert WORDS in said(f)
    f.send(ph.KeyPressed(leg, "2", f.now))
    f.step(2.0)
    assert f.state() == "previewing" and said(f).count(WORDS) == 2, "the next lead, over the same leg"
    f.send(ph.KeyPressed(leg, "1", f.now))
    f.step(0.5)
    uuid = one(f.log, cmd.OpenAttempt).attempt_id
    assert one(f.answer(uuid), cmd.Bridge).agent_uuid == leg
    assert len(f.of(cmd.OriginateAgent)) == 1 and not f.of(cmd.HangUp)


def test_an_on_call_phone_is_let_go_when_no_lead_follows() -> None:
    f = shown(on_call=True)
    f.step(0.5)
    leg = one(f.log, cmd.OriginateAgent).uuid
    f.leads["c1"].clear()
    f.live.campaigns["c1"].hopper.clear()
    f.send(ev.PreviewSkip(1, "a1"))
    none(f.step(14.5), cmd.HangUp)
    assert one(f.step(1.0), cmd.HangUp).uuid == leg and f.state() == "ready" and f.agent().leg is None


def test_an_on_call_agent_who_puts_the_phone_down_is_shown_no_more_leads() -> None:
    f = shown(on_call=True)
    f.step(0.5)
    lead = f.agent().preview[1].lead_id
    out = f.send(ev.LegHungUp(f.agent().leg, f.now, "NORMAL_CLEARING"))
    assert one(out, cmd.ReleaseLeads).lead_ids == (lead,)
    assert f.state() == "paused" and f.agent().reason == "the phone was put down"
    none(f.step(60), cmd.OriginateAgent)


@pytest.mark.parametrize("answer", ["accept", "skip", "pause"])
def test_an_on_call_agent_may_answer_elsewhere_while_the_phone_rings(answer: str) -> None:
    f = shown(on_call=True, phones=False)
    f.step(0.5)
    leg = one(f.log, cmd.OriginateAgent).uuid
    if answer == "pause":
        f.send(ev.AgentPause(1, "a1", "tea"))
    else:
        f.send(ph.AgentAct(1, "a1", answer))
    if answer == "accept":
        f.send(ev.OriginateReplied(leg, True, ""), ev.LegParked(leg, f.now))
        assert one(f.log, cmd.OpenAttempt).agent == "a1"
    else:
        assert one(f.log, cmd.HangUp).uuid == leg and f.agent().leg != leg


def test_an_on_call_agents_phone_is_rung_when_they_accept_and_not_before() -> None:
    f = shown(on_call=True, rules={"preview_rings": False})
    f.step(5)
    none(f.log, ph.Say, cmd.OriginateAgent, ph.PrepareSpeech)
    assert f.reply(lambda n: ph.AgentAct(n, "a1", "repeat")).ok
    f.send(ev.PreviewAccept(1, "a1"))
    assert one(f.log, cmd.OriginateAgent).auto_answer


@pytest.mark.parametrize(
    ("rule", "heard"),
    [("skip", ("preview-timeout",)), ("pause", ("preview-timeout", "paused")), ("dial", ("dialing",))],
)
def test_who_presses_no_key_is_told_what_becomes_of_the_lead(rule: str, heard: tuple[str, ...]) -> None:
    f = shown(rules={"preview_on_timeout": rule, "preview_timeout_s": 10.0})
    f.step(10.5)
    assert heard in said(f) or heard in [m.prompts for m in f.of(ph.Murmur)]


def test_who_lets_leads_pass_by_is_paused_but_not_who_skips_them() -> None:
    f = shown(rules={"preview_misses": 2, "preview_timeout_s": 10.0})
    for _ in range(4):
        f.send(ph.AgentAct(1, "a1", "skip"))
        f.step(1.0)
        assert f.state() == "previewing"
    f.step(10.5)
    assert f.state() == "previewing"
    f.step(10.5)
    assert (f.state(), f.agent().reason) == ("paused", "preview timeout")
    assert said(f)[-1] == ("preview-timeout", "paused")
    f.send(ev.AgentReady(2, "a1"))
    f.step(1.0)
    assert f.state() == "previewing"


def test_a_whisper_is_a_moment() -> None:
    """Long words that come late are left out; the first is said in any case."""
    f = floor("name", "tier", "campaign", lead={"name": "A" * 16, "fields": {"tier": "gold"}}, beep=False)
    f.step(1.0)
    assert murmured(f) == ("name:" + "A" * 16, "tier-gold")


def test_repeat_is_for_previews() -> None:
    f = floor()
    assert not f.reply(lambda n: ph.AgentAct(n, "a1", "repeat")).ok


def test_a_note_takes_its_time() -> None:
    f = shown(lead={"name": "", "fields": {"note": "x" * 100}})
    f.step(PREPARE_S)
    assert f.live.sounds[f.agent().leg].until > f.now + 8


def test_what_a_campaign_may_have_whispered(tmp_path: Path) -> None:
    head = (
        "switch: embedded\ntrunks: [{name: t, channels: 1, cps: 1, caller_id: '+12025550100'}]\nlists: [{name: l}]\n"
        "seats: [{id: 1}]\nagents: [{id: 1}]\ncampaigns:\n"
        "  - {name: c, mode: progressive, lists: [l], trunk: t, whisper: WHAT}\n"
    )
    file = tmp_path / "dialer.yaml"
    for what, want in (("[tier, name]", ("tier", "name")), ("[]", ())):
        file.write_text(head.replace("WHAT", what))
        assert build(load(file, env={}), "e").engine.campaigns["c"].whisper == want
    file.write_text(head.replace("WHAT", "[number]"))
    with pytest.raises(ConfigError):
        load(file, env={})


def test_the_runtime_hands_speech_to_whoever_speaks() -> None:
    f = floor("name")
    asked: list[tuple[tuple[str, ...], str]] = []
    runtime = Runtime(f.engine, lambda: f.now, lambda command: None)
    runtime.prepare_speech = lambda parts, language: asked.append((parts, language))
    runtime._carry_out([f.of(ph.PrepareSpeech)[0]])
    assert asked == [(("name:Ann Lee",), "en")]
