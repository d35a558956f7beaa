"""The section ``inbound``: what may be written, what is refused and where, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.errors import ConfigError
from config.loader import load
from dialer.domain.inbound import Kind
from dialer.domain.settings import Mode
from dialer.settings import build
from freeswitch.render import dialplan
from freeswitch.sounds.table import prompts
from freeswitch.standin.dialplan import Dialplan

DID = "+4930555"
PROMPTS = frozenset(prompts())


def tree(**inbound: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "numbers": [{"number": DID, "queue": "sales"}],
        "queues": [{"name": "sales"}, {"name": "general"}],
    }
    return {
        "switch": "embedded",
        "trunks": [{"name": "t", "channels": 10, "cps": 5, "caller_id": "+49301"}],
        "seats": [{"id": "1001-1003"}],
        "agents": [
            {"id": "1001", "groups": ["sales"]}, {"id": "1002", "team": "night"}, {"id": "1003", "name": "Three"},
        ],
        "inbound": made | inbound,
    }  # fmt: skip


def loaded(folder: Path, document: dict[str, Any], *, check: bool = True) -> Any:
    file = folder / "dialer.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    file.chmod(0o600)
    return load(file, prompts=PROMPTS if check else None)


def faults(folder: Path, document: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, document)
    return [f"{fault.path}: {fault.expected}" for fault in caught.value.faults]


def queue(**more: Any) -> dict[str, Any]:
    return {"queues": [{"name": "sales", **more}, {"name": "general"}]}


def said_at(said: str) -> dict[str, dict[str, Any]]:
    """Documents that say something, each by the path where it stands."""
    tiers = {"tiers": [{"name": "high", "target_s": 9, "message": said}], "tier_rules": {"otherwise": "high"}}
    return {
        "inbound.numbers.0.greeting": tree(**number(greeting=said)),
        "inbound.fallback.message": tree(fallback={"message": said}),
        "inbound.queues.sales.announce.words": tree(**queue(announce={"words": said})),
        "routing.tiers.high.message": tree() | {"routing": tiers},
    }


def test_a_prompt_that_is_none_is_refused_where_it_stands(tmp_path: Path) -> None:
    """It stopped the start, and nobody was told where it stands."""
    for place, document in said_at("nosuch").items():
        (fault,) = faults(tmp_path, document)
        assert fault.startswith(f"{place}: the id of a prompt that there is, a recording's")


def test_a_recording_that_is_not_here_is_warned_of(tmp_path: Path) -> None:
    """A switch passes over it in silence; but it may be on another machine."""
    places = said_at("/nope/hello.wav") | {"inbound.queues.sales.music": tree(**queue(music="/nope/hello.wav"))}
    for place, document in places.items():
        (told,) = [str(each) for each in loaded(tmp_path, document).warnings if "no such file here" in str(each)]
        assert f"{place}: /nope/hello.wav" in told
        there = loaded(tmp_path, document | {"prompts": {"switch_directory": "/srv/prompts"}})
        assert not any("no such file here" in str(each) for each in there.warnings)


def number(**more: Any) -> dict[str, Any]:
    return {"numbers": [{"number": DID, "queue": "sales", **more}]}


@pytest.mark.parametrize(
    ("inbound", "where", "expected"),
    [
        (number(queue="salse"), "inbound.numbers.0.queue", "a configured queue: general, sales"),
        (number(menu="main"), "inbound.numbers.0.menu", "a configured menu: there is none"),
        (number(calendar="office"), "inbound.numbers.0.calendar", "a configured calendar"),
        (number(trunk="x"), "inbound.numbers.0.trunk", "a configured trunk"),
        (number(regions=[{"prefixes": ["+4989"], "queue": "x"}]), "inbound.numbers.0.regions.0.queue", "queue"),
        (number(closed={"queue": "sales", "voicemail": True}), "inbound.numbers.0.closed", "one of queue, menu"),
        (number(closed={"voicemail": True}), "inbound.numbers.0.closed.voicemail", "voicemail_directory"),
        (number(fallback={"number": "+49170"}), "inbound.numbers.0.fallback.trunk", "the trunk by which"),
        (number(fallback={"extension": "1009"}), "inbound.numbers.0.fallback.extension", "a configured seat"),
        (number(number="030555"), "inbound.numbers.0.number", "a number with + and country"),
        ({"numbers": [{"number": DID, "queue": "sales"}] * 2}, "inbound.numbers.1.number", "each number once"),
        (queue(steps=[{"groups": ["sale"]}]), "inbound.queues.sales.steps.0.groups.0", "a group that an agent is in"),
        (queue(steps=[]), "inbound.queues.sales.steps", "at least one step"),
        (queue(steps=[{"after_s": 9}, {"after_s": 3}]), "inbound.queues.sales.steps", "in the order of after_s"),
        (queue(overflow=[{"queue": "general"}]), "inbound.queues.sales.overflow.0", "one of after_s and waiting"),
        (queue(overflow=[{"queue": "sales", "waiting": 1}]), "inbound.queues.sales.overflow.0.queue", "another queue"),
        (queue(overflow=[{"queue": "general", "after_s": 900}]), "inbound.queues.sales.overflow.0.after_s", "less"),
        (queue(nobody={"queue": "sales"}), "inbound.queues.sales.nobody.queue", "another way"),
        (queue(needs=[{"skill": "en", "relax": [[20, 1], [10, 0]]}]), "inbound.queues.sales.needs.0.relax", "later"),
        (queue(callback={"key": "12"}), "inbound.queues.sales.callback.key", "one key"),
        (queue(callback_campaign="x"), "inbound.queues.sales.callback_campaign", "a configured campaign"),
        ({"blacklist": ["0301"]}, "inbound.blacklist.0", "a number with + and country"),
        ({"extensions": {"7": "1009"}}, "inbound.extensions.7", "a configured agent"),
        ({"fallback": {"message": {"say": "Hello"}}}, "inbound.fallback.message", "prompts or recordings"),
        ({"menus": [{"name": "m", "say": "goodbye", "otherwise": {"queue": "sales"}, "keys": {"1": {"menu": "n"}}}]},
         "inbound.menus.m.keys.1.menu", "a configured menu"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, inbound: dict[str, Any], where: str, expected: str) -> None:
    found = faults(tmp_path, tree(**inbound))
    assert any(where in each and expected in each for each in found), found


def test_a_queue_is_no_campaign_and_a_number_no_login(tmp_path: Path) -> None:
    document = tree()
    document["lists"] = [{"name": "l"}]
    document["campaigns"] = [{"name": "sales", "mode": "preview", "lists": ["l"], "trunk": "t"}]
    document["phones"] = {"login_numbers": [DID]}
    found = faults(tmp_path, document)
    assert any("inbound.queues.sales.name" in each and "a campaign" in each for each in found), found
    assert any("inbound.numbers.0.number" in each and "a login number" in each for each in found), found


def test_callers_are_called_back_by_a_campaign_that_does(tmp_path: Path) -> None:
    """Whoever is promised a call and gets none is warned of; a campaign that only lists callbacks is refused."""
    document = tree(**queue(callback={"key": "1"}))
    (notice,) = [each for each in loaded(tmp_path, document).warnings if each.path == "inbound.queues.sales.callback"]
    assert "dialed by nobody" in notice.text
    document["lists"] = [{"name": "friends"}]
    document["campaigns"] = [{"name": "back", "mode": "progressive", "lists": ["friends"], "trunk": "t"}]
    document["inbound"]["queues"][0]["callback_campaign"] = "back"
    checked = loaded(tmp_path, document)
    assert not [each for each in checked.warnings if each.path.startswith("inbound")]
    made = build(checked, "e1").engine.campaigns["sales"].queue
    assert made is not None and made.callback_campaign == "back"
    document["campaigns"][0]["callbacks"] = {"dial": False}
    (fault,) = faults(tmp_path, document)
    assert fault.startswith("inbound.queues.sales.callback_campaign: a campaign that dials callbacks")


def test_a_number_that_is_shown_and_takes_no_calls_is_warned_of(tmp_path: Path) -> None:
    """A missed call is returned there. However it is written; a trunk's counts where a campaign shows it."""
    document = tree(numbers=[{"number": DID, "queue": "sales", "also": ["030555"]}])
    document["lists"] = [{"name": "l"}]
    document["campaigns"] = [{"name": "out", "mode": "preview", "lists": ["l"], "trunk": "t"}]

    def warned() -> list[str]:
        return [each.path for each in loaded(tmp_path, document).warnings if "takes no calls" in each.text]

    assert warned() == ["trunks.t.caller_id"]
    for good in (DID, DID.removeprefix("+"), "030555"):
        document["campaigns"][0]["caller_id"] = good
        assert warned() == []
    document["campaigns"][0]["caller_id"] = "+4930999"
    document["lines"] = {"pools": [{"name": "p", "numbers": [DID, "+4930998"]}]}
    assert warned() == ["campaigns.out.caller_id", "lines.pools.p.numbers"]
    document["inbound"] = {}
    assert warned() == []


def test_a_queue_that_nobody_can_serve_is_warned_of(tmp_path: Path) -> None:
    def warned(need: dict[str, Any], **agent: Any) -> list[str]:
        document = tree(**queue(needs=[{"skill": "klingon", "level": 3, **need}]))
        document["agents"][0] |= agent
        return [str(each) for each in loaded(tmp_path, document).warnings if "wait in vain" in str(each)]

    (told,) = warned({})
    assert "inbound.queues.sales.needs: klingon 3: none of the 3 agents" in told
    assert warned({}, skills={"klingon": 2}) and not warned({}, skills={"klingon": 3})
    assert not warned({"required": False}) and not warned({"relax": [[60, 0]]})
    assert not warned({"relax": [[60, 2]]}, skills={"klingon": 2})


def test_a_prompt_that_is_not_there(tmp_path: Path) -> None:
    from dialer.settings import SettingsError

    with pytest.raises(SettingsError, match="no-such-prompt"):
        build(loaded(tmp_path, tree(**number(greeting="no-such-prompt")), check=False), "e")


def test_what_the_engine_works_from(tmp_path: Path) -> None:
    """Queues are campaigns that never dial; agents serve those that their groups may take; words by language."""
    document = tree(
        numbers=[
            {"number": DID, "queue": "sales", "menu": "main", "greeting": "inbound-welcome", "region": "DE",
             "also": ["555"], "regions": [{"prefixes": ["+49", "+4989"], "queue": "general"}]},
        ],
        menus=[{"name": "main", "say": {"en": "press-1-message", "zh": "press-1-message"},
                "keys": {"1": {"queue": "sales", "language": "zh"}, "0": {"extension": True}, "2": "goodbye"},
                "otherwise": {"queue": "sales"}}],
        queues=[{"name": "sales", "steps": [{"groups": ["sales"]}, {"after_s": 20, "groups": ["night"]}],
                 "wrap_up_s": "7s"}, {"name": "general"}],
        extensions={"5": "1003"},
    )  # fmt: skip
    settings = build(loaded(tmp_path, document), "e")
    engine = settings.engine
    sales = engine.campaigns["sales"]
    assert sales.mode is Mode.INBOUND and not sales.lists and sales.wrap_up_s == 7 and sales.queue is not None
    assert {name: sorted(agent.campaigns) for name, agent in engine.agents.items()} == {
        "1001": ["general", "sales"], "1002": ["general", "sales"], "1003": ["general"],
    }  # fmt: skip
    entry = engine.inbound.numbers[DID]
    assert entry.way.kind is Kind.MENU and [prefix for prefix, _ in entry.regions] == ["+4989", "+49"]
    assert set(entry.greeting) == {"en", "zh"} and entry.greeting["en"].seconds > 0.5
    menu = engine.inbound.menus["main"]
    assert menu.keys["1"].language == "zh" and menu.keys["2"].kind is Kind.MESSAGE
    assert engine.inbound.extensions["5"] == "1003" and engine.inbound.extensions["1001"] == "1001"


def test_the_dialplan_has_every_number_and_the_fallback(tmp_path: Path) -> None:
    """Also as the carrier writes it; numbers that are not ours are refused; no caller's words are in it."""
    document = tree(
        numbers=[
            {"number": DID, "queue": "sales", "also": ["030555"]},
            {"number": "+4930666", "queue": "sales", "fallback": {"number": "+49170555", "trunk": "t", "ring_s": 9}},
        ],
        voicemail_directory="/var/vm",
        fallback={"extension": "1001", "voicemail": True},
    )
    text = dialplan(loaded(tmp_path, document).config)
    plan = Dialplan.read(text)
    assert "caller_id_number}" not in text.replace("effective_caller_id_number", "")
    public = plan.contexts["public"]
    taken = next(e for e in public if e.conditions[0].expression is not None and e.conditions[0].expression.search(DID))
    told = "dialer_step=arrived,dialer_did=+4930555,dialer_instance=dialer"
    assert ("event", told) in taken.conditions[0].actions, "two dialers may hear of it, one is named"
    assert ("set", "presence_data=dialer/inbound/+4930555@dialer") in taken.conditions[0].actions
    expressions = [e.conditions[0].expression for e in public if e.conditions[0].expression is not None]
    for written in ("+4930555", "4930555", "030555", "+4930666"):
        assert any(each.search(written) for each in expressions), written
    assert not any(each.search("30555") for each in expressions)
    fallbacks = {e.conditions[1].expression.pattern: e.conditions[1].actions  # type: ignore[union-attr]
                 for e in plan.contexts["dialer"] if len(e.conditions) > 1 and "fallback" in e.conditions[1].field
                 and e.conditions[0].expression.pattern == "^dialer_fallback$"}  # type: ignore[union-attr] # fmt: skip
    assert ("bridge", "user/1001@dialer.local") in fallbacks["^all$"]
    assert any(app == "record" and data.startswith("/var/vm/fallback-${uuid}.wav") for app, data in fallbacks["^all$"])
    assert ("bridge", "sofia/gateway/t/49170555") in fallbacks["^2$"]
    assert ("set", "call_timeout=9") in fallbacks["^2$"]
