"""The examples that ship are sound, and say what they promise."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest

from config.loader import load
from dialer.domain.settings import Mode
from dialer.settings import build

DEMONSTRATIONS = (
    "demo.yaml", "predictive.yaml", "phones.yaml", "agentless.yaml", "routing.yaml", "trunks.yaml", "inbound.yaml",
)  # fmt: skip
SHIPPED = (*DEMONSTRATIONS, "preview.yaml", "freeswitch.yaml")


@pytest.fixture
def examples() -> Path:
    with as_file(files("config") / "examples") as folder:
        return Path(folder)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_example_passes_and_builds(examples: Path, name: str) -> None:
    result = load(examples / name)
    settings = build(result, "epoch")
    assert settings.engine.campaigns
    assert settings.engine.agents
    assert "change-me" not in repr(settings)


def test_every_yaml_file_beside_them_is_tested() -> None:
    names = {item.name for item in (files("config") / "examples").iterdir() if item.name.endswith(".yaml")}
    assert names == set(SHIPPED)


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_the_demonstrations_warn_of_nothing(examples: Path, name: str) -> None:
    assert load(examples / name).warnings == ()


def test_the_predictive_one_paces_thirty_agents_within_two_windows(examples: Path) -> None:
    engine = build(load(examples / "predictive.yaml"), "epoch").engine
    assert len(engine.agents) == 30
    bank = engine.campaigns["bank"]
    assert bank.mode is Mode.PREDICTIVE and bank.pacing is not None
    assert [window.name for window in bank.pacing.windows] == ["30d", "24h trailing"]
    assert bank.pacing.aim * bank.pacing.windows[0].limit == pytest.approx(0.0295, abs=1e-4)
    assert (bank.pacing.prior_answer, bank.pacing.prior_wrap_s, bank.ledger_days) == (0.3, 10, 31)
    assert engine.trunks["carrier"].outbound == 180


def test_the_demonstration_has_twenty_agents_on_open_lines_at_any_hour(examples: Path) -> None:
    settings = build(load(examples / "demo.yaml"), "epoch")
    assert [agent.agent for agent in settings.engine.agents.values() if agent.login_at_start] == [
        str(n) for n in range(1001, 1021)
    ]
    bank = settings.engine.campaigns["bank"]
    assert bank.windows.days == (((0, 1440),),) * 7
    assert bank.min_ring_s == 15
    assert settings.embedded is not None
    assert settings.embedded.world.talk_scale == 0.1
    assert len(settings.embedded.world.talk_times_s) > 1000
    assert settings.embedded.world.ring_mean_s == 6


def test_the_one_with_phones_knows_its_people_and_how_long_prompts_are(examples: Path) -> None:
    settings = build(load(examples / "phones.yaml"), "epoch")
    assert {name for name, agent in settings.engine.agents.items() if agent.role == "supervisor"} == {"1009"}
    assert not settings.engine.agents["1009"].campaigns
    assert settings.engine.phones.prompt_seconds["enter-pin"] > 0.5
    assert settings.embedded is not None
    lengths = settings.embedded.world.file_durations_s
    spoken = [seconds for path, seconds in lengths.items() if path.endswith("/en/enter-pin.wav")]
    assert spoken == [settings.engine.phones.prompt_seconds["enter-pin"]]


def test_the_one_without_agents_has_people_who_press_keys(examples: Path) -> None:
    settings = build(load(examples / "agentless.yaml"), "epoch")
    notice = settings.engine.campaigns["notice"]
    assert notice.mode is Mode.AGENTLESS and notice.agentless is not None
    assert notice.agentless.keys["1"] == "transfer" and notice.agentless.keys["#"] == "end"
    assert (notice.wait_limit_s, notice.agentless.most_lines, notice.agentless.share) == (20, 40, 0.1)
    assert settings.embedded is not None
    assert settings.embedded.world.press_probabilities == (("1", 0.1), ("9", 0.05), ("*", 0.05))
