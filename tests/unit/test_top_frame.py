"""The live view's frames: they fit, they say what matters, and they show no number and no control character."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from dialer.clitools import frame
from dialer.clitools.service import Service, ServiceDown
from dialer.domain.status import NodeView, Status
from dialer.http.shapes import plain
from dialer.http.testing import sample_agent, sample_campaign, sample_status
from dialer.top import Settings, View

SIZES = [(80, 24), (100, 30), (160, 50), (40, 10), (300, 80)]


def lines_of(group: Any, width: int) -> list[str]:
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(group)
    return capture.get().rstrip("\n").split("\n")


def shown(status: Status | None, width: int = 80, height: int = 24, **more: Any) -> list[str]:
    data = plain(status) if status is not None else None
    more = {"abandon_limit": 0.03, **more}
    return lines_of(frame.draw(data, frame.Rates(), width=width, height=height, **more), width)


def big_status(agents: int, campaigns: int) -> Status:
    return sample_status(
        agents=tuple(sample_agent(str(1001 + i), "talking" if i % 2 else "ready") for i in range(agents)),
        campaigns=tuple(sample_campaign(f"campaign-{i}") for i in range(campaigns)),
    )


def test_what_matters_is_on_a_small_terminal() -> None:
    text = "\n".join(shown(big_status(20, 1)))
    for part in (
        "dialer running",
        "switch embedded up",
        "store ok",
        "attempts 100",
        "answered 40",
        "abandoned 1 of 40 answered: 2.5%, limit 3.0%",
        "calls 6: ringing 4 waiting 0 connected 2",
        "agents 20: ready 10 talking 10   busy 71%",
        "decided 0.2 s ago: 2 of 6 agents ready",
        "held by the gate: window 7; last: outside the calling hours",
        "1020",
    ):
        assert part in text, part


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("agents", "campaigns"), [(0, 0), (1, 1), (20, 1), (500, 1), (20, 12), (2000, 40)])
def test_a_frame_fits(width: int, height: int, agents: int, campaigns: int) -> None:
    lines = shown(big_status(agents, campaigns), width, height)
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width


def test_nothing_is_left_out_silently() -> None:
    text = "\n".join(shown(big_status(500, 12)))
    assert "more agents" in text and "more campaign" in text
    assert "last, campaign-0:" in text  # a decision and its reason, however little room there is


def test_trouble_is_said() -> None:
    status = sample_status(
        draining=True,
        store_ok=False,
        store_detail="database is locked",
        nodes=(NodeView("fs1", False, False, "connection refused", 0, 500), NodeView("fs2", True, False, "", 3, 500)),
    )
    text = "\n".join(shown(status))
    assert "draining: no new calls" in text
    assert "store in trouble: database is locked; no new calls" in text
    assert "switch fs1 down: connection refused" in text
    assert "switch fs2 up, being compared" in text


def test_a_service_that_is_down_is_said_above_its_last_words() -> None:
    lines = shown(sample_status(), trouble="no service answers at 127.0.0.1:1 (Connection refused)", stale_s=72.0)
    assert lines[0].startswith("no service answers at 127.0.0.1:1")
    assert lines[1] == "trying again; below is what it said 1:12 ago"
    assert any("agents 2" in line for line in lines)
    assert shown(None, trouble="nothing") == ["nothing", "trying again"]


def test_no_number_and_no_control_character() -> None:
    evil = "\x1b[2J +8613812341234 \r\n[bold]x[/bold]"
    status = sample_status(
        agents=(sample_agent("1001", "previewing", lead={"phone": "13812341234"}), sample_agent(evil)),
        campaigns=(
            sample_campaign(evil, decision_reason=evil, last_refusal=evil, refusals={evil: 1}, calls={evil: 2}),
        ),
        nodes=(NodeView(evil, True, True, evil, 1, 2),),
        store_detail=evil,
    )
    text = "\n".join(shown(status, 200, 50))
    assert "13812341234" not in text
    assert "\x1b" not in text and "\r" not in text
    assert "[bold]x" in text  # taken as it is, not as markup


@given(st.text(max_size=40), st.integers(0, 10**9), st.integers(30, 200), st.integers(5, 60))
@settings(max_examples=100, deadline=None)
def test_any_words_and_sizes_fit(text: str, count: int, width: int, height: int) -> None:
    status = sample_status(
        agents=(sample_agent(text, text, since_s=float(count)),),
        campaigns=(sample_campaign(text, text, attempts=count, decision_reason=text),),
        nodes=(NodeView(text, True, True, text, count, count),),
    )
    lines = shown(status, width, height, trouble=text)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)


def test_rates_are_of_the_last_minute() -> None:
    rates = frame.Rates()
    assert rates.per_minute("attempts") is None
    for second in range(181):
        rates.add(float(second), {"attempts": second if second < 120 else 120 + (second - 120) * 3})
    assert rates.per_minute("attempts") == pytest.approx(180.0)


def test_rates_begin_anew_with_a_new_service() -> None:
    rates = frame.Rates()
    rates.add(0.0, {"attempts": 500})
    rates.add(10.0, {"attempts": 520})
    rates.add(11.0, {"attempts": 3})
    assert rates.per_minute("attempts") is None
    rates.add(12.0, {"attempts": 4})
    assert rates.per_minute("attempts") == pytest.approx(60.0)


class _Scripted(Service):
    """Answers, or does not, as told."""

    def get(self, *path: str) -> Any:
        step = SCRIPT.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


SCRIPT: list[Any] = []


def test_the_view_survives_a_service_that_goes_and_comes_back() -> None:
    found = []

    def find() -> Service:
        found.append(1)
        if len(found) == 1:
            raise ServiceDown("no service runs with this configuration")
        return _Scripted("127.0.0.1", 1, "t")

    SCRIPT[:] = [plain(sample_status()), ServiceDown("gone"), {"not": "a status"}, plain(sample_status(uptime_s=5))]
    view = View(find, Settings())
    assert not view.ask(0.0)
    assert lines_of(view.draw(0.0, 80, 24), 80)[0] == "no service runs with this configuration"
    assert view.ask(1.0)
    assert lines_of(view.draw(1.0, 80, 24), 80)[0].startswith("dialer running")
    assert not view.ask(2.0)
    assert lines_of(view.draw(4.0, 80, 24), 80)[:2] == ["gone", "trying again; below is what it said 0:03 ago"]
    assert not view.ask(3.0)
    assert "expected a dialer of this version" in view.trouble
    assert view.ask(4.0)
    assert view.trouble == ""
    assert len(found) == 4
