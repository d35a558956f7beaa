"""What a tier brings with it: words while its callers wait, an offer for the agent by ear, screen and display."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine_kit import agents
from inbound_kit import SALES, Desk, office, pause_all, queue, said

from config.errors import ConfigError
from config.loader import load
from dialer.domain import phones as ph
from dialer.domain.acts import PhoneSettings
from dialer.domain.inbound import JudgeArrival, Kind, Menu, Overflow, Way
from dialer.domain.tiers import TierCount
from dialer.http.tier_metrics import counts
from dialer.settings import SettingsError, build
from dialer.store.judging import KnownLead, judged
from routing.boxes import Words
from routing.intake import Queue, Rules
from routing.outbound import Rank, rank
from routing.tiers import Tier, TierPlan, TierRule

GOLD = "+4917011111"
OFFER = "the gold card, a year for nothing"
PHONES = PhoneSettings(prompt_seconds={"tier-high": 0.5, "tier-vip": 0.5, "beep": 0.3}, display=("tag", "tier"))
RULES = Rules(
    tiers=(Tier("high", 10.0, tag=OFFER), Tier("ordinary", 20.0)),
    tier_plan=TierPlan((TierRule("high", {"card": Words(frozenset({"gold"}))}),), "ordinary"),
)


def desk(*whisper: str, tag: str = OFFER, tier: str = "high", vip: bool = False, **inbound: Any) -> Desk:
    config = office(replace(queue(comfort=said("stay")), whisper=whisper), people=agents(1, SALES), **inbound)
    floor = Desk(replace(config, phones=PHONES))
    floor.ranks[GOLD] = {"rank": Rank(tier, vip, None, (), ("for the test",), tag), "name": "Ann"}
    return floor.up()  # type: ignore[return-value]


def heard(floor: Desk) -> tuple[str, ...]:
    return floor.of(ph.Murmur)[-1].prompts if floor.of(ph.Murmur) else ()


def test_the_agent_hears_who_is_coming_and_what_to_offer() -> None:
    """Names and offers are spoken meanwhile: asked for when it is known who calls, before anybody is answered."""
    floor = desk("name", "tier", "tag")
    uuid = floor.caller(GOLD)
    (asked,) = floor.of(ph.PrepareSpeech)
    assert asked.parts == ("name:Ann", f"name:{OFFER}")
    floor.up_(uuid)
    assert heard(floor) == ("beep", "name:Ann", "tier-high")  # the offer is too long for a moment
    brief = desk("tag", tag="gold card")
    brief.up_(brief.caller(GOLD))
    assert heard(brief) == ("beep", "name:gold card")


@pytest.mark.parametrize(
    ("tier", "vip", "word"), [("high", False, "tier-high"), ("ordinary", False, None), ("ordinary", True, "tier-vip")]
)
def test_the_tier_that_was_judged_is_said(tier: str, vip: bool, word: str | None) -> None:
    """Not that somebody is ordinary: everybody is."""
    floor = desk("tier", tier=tier, vip=vip, tag="")
    floor.up_(floor.caller(GOLD))
    assert [each for each in heard(floor) if each.startswith("tier-")] == ([word] if word else [])


def test_the_screen_and_the_phone_show_it_while_they_talk() -> None:
    floor = desk()
    uuid = floor.caller(GOLD)
    floor.up_(uuid)
    floor.talks(uuid)
    (view,) = floor.engine.status(floor.now).agents
    assert (view.tier, view.vip, view.tag) == ("high", False, OFFER)
    assert floor.of(ph.Display)[-1].name == "the gold card a year for nothing high"
    floor.hang_up(uuid)
    (view,) = floor.engine.status(floor.now).agents
    assert (view.tier, view.vip, view.tag) == (None, False, None)


def test_a_tier_has_words_of_its_own_while_its_callers_wait() -> None:
    floor = desk(tier_words={"high": said("soon")})
    pause_all(floor)
    gold, other = floor.waits(GOLD), floor.waits("+4917022222")
    floor.step(31)
    assert floor.held(gold)[-1].sounds == ("soon",)
    assert floor.held(other)[-1].sounds == ("stay",)


def test_the_offer_comes_with_the_judgement_of_both_directions() -> None:
    fields = {"card": "gold"}
    assert rank(RULES, GOLD, fields, "", 0.0, 0.0).tag == OFFER
    assert rank(RULES, GOLD, {}, "", 0.0, 0.0).tag == ""
    order = JudgeArrival("c", GOLD, "number", "why", "+49", Queue("q", ()), 0.0)
    assert judged(order, RULES, [KnownLead(1, "p", "Ann", fields)], (), ()).rank.tag == OFFER


TREE: dict[str, Any] = {
    "switch": "embedded",
    "trunks": [{"name": "t", "channels": 10, "cps": 5, "caller_id": "+49301"}],
    "seats": [{"id": "1001"}],
    "agents": [{"id": "1001"}],
    "inbound": {
        "numbers": [{"number": "+4930555", "queue": "sales"}],
        "queues": [{"name": "sales", "whisper": ["tag"]}],
    },
    "phones": {"display": ["tag", "tier"]},
}


def configured(folder: Path, message: Any) -> Any:
    tiers = [{"name": "high", "target_s": 10, "tag": OFFER, "message": message}, {"name": "ordinary", "target_s": 20}]
    file = folder / "dialer.yaml"
    file.write_text(yaml.safe_dump(TREE | {"routing": {"tiers": tiers}}))
    return load(file, env={})


@pytest.mark.parametrize(
    "message", ["please-wait", {"en": "please-wait", "zh": "please-wait"}, ["please-wait", "goodbye"]]
)
def test_what_is_configured(tmp_path: Path, message: Any) -> None:
    settings = build(configured(tmp_path, message), "e")
    words = settings.engine.inbound.tier_words
    assert set(words) == {"high"} and words["high"]["en"].seconds > 0.3
    assert settings.rules.tier("high").tag == OFFER
    assert settings.engine.campaigns["sales"].whisper == ("tag",) and settings.engine.phones.display == ("tag", "tier")


def test_a_message_that_cannot_be_said_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no-such-prompt"):
        build(configured(tmp_path, "no-such-prompt"), "e")
    with pytest.raises(ConfigError):
        configured(tmp_path, "Hello, dear customer!")


def test_who_comes_back_into_a_queue_or_finds_the_next_full_is_offered_once() -> None:
    """Through a menu that a queue sends them to; and over queues that had no room for them."""
    menu = Menu("again", said("menu.wav", 1.0), {"1": Way(Kind.QUEUE, SALES)}, Way(Kind.MESSAGE))
    first = queue(overflow=(Overflow(Way(Kind.MENU, "again"), after_s=10.0),))
    floor = Desk(office(first, people=agents(1, SALES), menus={"again": menu})).up()
    pause_all(floor)
    uuid = floor.waits(GOLD)
    floor.step(11)
    floor.press(uuid, "1")
    floor.step(3)
    assert floor.in_state(uuid) == "waiting"
    floor.hang_up(uuid)
    assert counts(floor.engine.status(floor.now)) == [TierCount("ordinary", "inbound", 1, 1, 0, 1, 0)]
    full = queue("full", overflow=(Overflow(Way(Kind.QUEUE, "last"), waiting=0),))
    rooms = (queue(overflow=(Overflow(Way(Kind.QUEUE, "full"), after_s=10.0),)), full, queue("last"))
    other = Desk(office(*rooms, people=agents(1, SALES))).up()
    pause_all(other)
    uuid = other.waits(GOLD)
    other.step(12)
    assert other.live.calls[uuid].campaign.name == "last"
    other.hang_up(uuid)
    assert counts(other.engine.status(other.now)) == [TierCount("ordinary", "inbound", 1, 1, 0, 1, 0)]
