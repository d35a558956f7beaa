"""What people and machines are told of a pacing decision: command line, API, live view, metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine_kit import Floor, agents, campaign, settings
from prometheus_client.parser import text_string_to_metric_families
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from dialer.clitools import explain, floor, frame, running
from dialer.clitools.service import ServiceError, ServiceRefused
from dialer.clitools.tree import app
from dialer.domain.settings import Mode
from dialer.http import shapes
from dialer.http.app import make_app
from dialer.http.shapes import plain
from dialer.http.testing import FakePort, sample_campaign, sample_pacing, sample_pacing_view, sample_status

TOKEN = {"Authorization": "Bearer t"}


class Canned:
    """A service that answers one question."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, ()

    def get(self, *path: str) -> Any:
        self.asked = path
        return self.answer


def text_of(told: dict[str, Any]) -> str:
    return "\n".join(explain.pacing_text(json.loads(json.dumps(told))))


# ---- the command -------------------------------------------------------------------------------------------


def test_the_text_says_everything_in_sections() -> None:
    text = text_of(sample_pacing())
    for part in (
        "campaign spring: mode predictive, running",
        "last decision, 0.2 s ago\n  start 3: 4 ready",
        "at most 0.0240; it was 0.0210",
        "a window has little left: risks are eased to 80%, θ from 0.0300 to 0.0240",
        "12 ringing calls hung up past their minimum ring, 8.0% of the newest dials",
        "agents\n  4 ready, 1 reserved, 20 talking, 5 wrap, 2 away",
        "calls\n  41 ringing, 0 waiting for an agent, 61 in all\n  4,000 dialed",
        "started warm: the last 3000 calls of its history",
        "with probability 0.310 (0.290 to 0.330), from 3,120 dials",
        "change found at 1970-01-01 00:15:00 UTC: 0.200 became 0.310 (z 4.1)",
        "attempt=2 -0.40±0.10",
        "abandon windows\n  30d: 29.0 of 1,333 answers abandoned, 2.18% of 3.00%; 11.0 calls left",
        "2 answers that agents called machines",
        "observations that cannot be: ring_time 1",
    ):
        assert part in text, part


def test_the_text_copes_with_what_is_not_known() -> None:
    told = plain(sample_pacing() | {"theta": float("nan"), "windows": [], "dropped": {}, "machines_taken_out": 0})
    told["decision"] |= {"theta": None, "ago_s": None}
    told["learnt"] |= {"answer_probability_low": None, "last_changes": [{"at": None, "z": 1, "before": 0, "after": 1}]}
    text = text_of(told)
    assert "at most nan" in text and "last decision\n" in text and "abandon windows" not in text


def test_another_mode_has_no_threshold() -> None:
    assert "threshold" not in text_of(sample_pacing() | {"mode": "ratio"})


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_asks_the_service(monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    service = Canned(sample_pacing("bank"))
    monkeypatch.setattr(running, "service", lambda where: service)
    result = CliRunner().invoke(app, ["explain", "pacing", "bank", *(["--json"] if as_json else [])])
    assert result.exit_code == 0, result.output
    assert service.asked == ("v1", "campaigns", "bank", "pacing")
    if as_json:
        assert json.loads(result.output)["learnt"]["dials"] == 3120
    else:
        assert result.output.startswith("campaign bank: mode predictive")


class Refusing:
    """A service that knows campaigns, and this one not."""

    def get(self, *path: str) -> Any:
        if path == ("v1", "campaigns"):
            return {"campaigns": [{"campaign": "bank"}, {"campaign": "spring"}]}
        raise ServiceRefused(422, "not usable: name")

    def post(self, *path: str, body: Any = None) -> Any:
        return self.get(*path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x/../y", 'no campaign "x/../y"; expected one of: bank, spring'),
        ("bonk", "no campaign bonk; expected one of: bank, spring"),
        ("bank", "not usable: name"),
    ],
)
def test_a_campaign_that_is_none_is_told_which_there_are(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service: Any = Refusing()
    with pytest.raises(ServiceError) as refused:
        explain.pacing(service, name, as_json=False)
    assert str(refused.value) == said
    assert floor.order_campaigns(service, "start", [name], everyone=False) == 1
    assert capsys.readouterr().err == f"{name}: {said}\n"


# ---- the API -----------------------------------------------------------------------------------------------


def test_the_api_tells_it_to_who_has_the_token() -> None:
    client = make_app(FakePort(), "t").test_client()
    answer = client.get("/v1/campaigns/spring/pacing", headers=TOKEN)
    assert answer.status_code == 200 and answer.json == plain(sample_pacing())
    assert client.get("/v1/campaigns/spring/pacing").status_code == 401
    missing = client.get("/v1/campaigns/nope/pacing", headers=TOKEN)
    assert missing.status_code == 404 and missing.json["error"] == "no campaign nope"


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.RATIO])
def test_what_a_real_engine_tells_has_the_promised_shape(mode: Mode) -> None:
    f = Floor(settings(campaign(mode=mode), people=agents(6))).up()
    f.step(5)
    for told in (f.engine.explain("c1", f.now), sample_pacing()):
        data = json.loads(json.dumps(plain(told)))
        shapes.PacingAnswer.model_validate(data)
        assert text_of(data)


def test_easing_is_told_as_the_step_that_it_is() -> None:
    """θ as printed is eased already, and a highest θ may hide some of it: before and after are both told."""
    f = Floor(settings(campaign(mode=Mode.PREDICTIVE), people=agents(6))).up()
    memory = f.engine._feed.pool._state.memories["c1"]
    memory.counted, memory.budgeted_at = True, f.now  # the budgets are not asked again
    for target, ease, said in (
        (0.02, 0.5, "risks are eased to 50%, θ from 0.0220 to 0.0110"),
        (0.5, 0.8, "risks are eased to 80%, θ from 0.3000 to 0.3000"),
        (0.02, 0.0, "a window bears no risk now; θ would be 0.0220"),
        (0.02, 1.0, ""),
    ):
        memory.target, memory.ease = target, ease
        text = text_of(plain(f.engine.explain("c1", f.now)))
        assert said in text, text
        assert bool(said) is ("a window" in text)


# ---- the live view -----------------------------------------------------------------------------------------


def drawn(width: int, height: int, campaigns: int = 1) -> list[str]:
    shown = tuple(sample_campaign(f"c{n}", mode="predictive", pacing=sample_pacing_view()) for n in range(campaigns))
    data = plain(sample_status(campaigns=shown))
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(frame.draw(data, frame.Rates(), width=width, height=height, abandon_limit=0.03))
    return capture.get().rstrip("\n").split("\n")


def test_the_live_view_shows_threshold_budget_and_hang_ups() -> None:
    text = "\n".join(drawn(120, 30))
    assert "θ 0.024, P(next finds nobody) 0.021, 30d 2.18% (11 left), 8% of dials hung up" in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (160, 50)])
@pytest.mark.parametrize("campaigns", [1, 3, 12])
def test_it_still_fits(width: int, height: int, campaigns: int) -> None:
    lines = drawn(width, height, campaigns)
    assert len(lines) <= height and max(cell_len(line) for line in lines) <= width


# ---- metrics -----------------------------------------------------------------------------------------------


def test_the_metrics() -> None:
    shown = sample_campaign(mode="predictive", pacing=sample_pacing_view())
    port = FakePort(sample_status(campaigns=(shown, sample_campaign("plain")), pacing_dropped={"ring_time": 3}))
    text = make_app(port, "t").test_client().get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    campaign_, window = ("campaign", "spring"), ("window", "30d")
    assert found["dialer_pacing_theta", (campaign_,)] == 0.024
    assert found["dialer_pacing_p_next_abandon", (campaign_,)] == 0.021
    assert found["dialer_pacing_answer_probability", (campaign_,)] == 0.31
    assert found["dialer_pacing_decisions_total", (campaign_,)] == 9000
    assert found["dialer_hung_up_ringing_total", (campaign_,)] == 12
    assert found["dialer_abandon_budget_calls", (campaign_, window)] == 11
    assert found["dialer_abandon_rate", (campaign_, window)] == 0.0218
    assert found["dialer_abandon_limit", (campaign_, window)] == 0.03
    assert found["dialer_pacing_dropped_observations_total", (("reason", "ring_time"),)] == 3
    assert ("dialer_pacing_theta", (("campaign", "plain"),)) not in found
