"""What Prometheus reads: names, labels, units, and nothing that names a person."""

from __future__ import annotations

import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from dialer.domain.agent import AgentState
from dialer.domain.call import CallState
from dialer.domain.outcomes import Outcome
from dialer.http.app import make_app
from dialer.http.testing import FakePort, sample_agent, sample_campaign, sample_status
from dialer.ports import Health, LatencyView

Key = tuple[str, frozenset[tuple[str, str]]]


def scrape(port: FakePort, accept: str = "") -> str:
    answer = make_app(port, "t").test_client().get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    return answer.text


def samples(port: FakePort) -> dict[Key, float]:
    found: dict[Key, float] = {}
    for family in parse_text(scrape(port)):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def value(found: dict[Key, float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_the_contract_names() -> None:
    found = samples(FakePort())
    assert value(found, "dialer_attempts_total", campaign="spring") == 100
    assert value(found, "dialer_answered_total", campaign="spring") == 40
    assert value(found, "dialer_connected_total", campaign="spring") == 37
    assert value(found, "dialer_abandoned_total", campaign="spring") == 1
    assert value(found, "dialer_abandon_ratio", campaign="spring") == 0.025
    assert value(found, "dialer_outcomes_total", campaign="spring", outcome="no_answer") == 40
    assert value(found, "dialer_gate_refusals_total", campaign="spring", rule="window") == 7
    assert value(found, "dialer_hopper_leads", campaign="spring") == 80
    assert value(found, "dialer_campaign_state", campaign="spring", state="running") == 1
    assert value(found, "dialer_campaign_state", campaign="spring", state="paused") == 0
    assert value(found, "dialer_switch_legs", node="embedded") == 8
    assert value(found, "dialer_esl_reconnects_total") == 1
    assert value(found, "dialer_engine_illegal_events_total") == 1
    assert value(found, "dialer_agents_busy_ratio") == 0.71
    build = next(labels for name, labels in found if name == "dialer_build_info")
    assert dict(build)["config_hash"] == "abc123"


def test_every_state_and_outcome_has_a_zero() -> None:
    found = samples(FakePort(sample_status(agents=(), campaigns=(sample_campaign(calls={}, outcomes={}),))))
    for state in AgentState:
        assert value(found, "dialer_agents", state=state.value) == 0
    for call in CallState:
        if call is not CallState.ENDED:
            assert value(found, "dialer_calls", campaign="spring", state=call.value) == 0
    for outcome in Outcome:
        assert value(found, "dialer_outcomes_total", campaign="spring", outcome=outcome.value) == 0


def test_agents_by_state_add_up() -> None:
    agents = tuple(sample_agent(str(i), "talking" if i % 3 else "ready") for i in range(9))
    found = samples(FakePort(sample_status(agents=agents)))
    assert value(found, "dialer_agents", state="ready") == 3
    assert value(found, "dialer_agents", state="talking") == 6


def test_latency_is_a_histogram_in_seconds() -> None:
    found = samples(FakePort())
    assert value(found, "dialer_answer_to_agent_seconds_bucket", le="0.005") == 3
    assert value(found, "dialer_answer_to_agent_seconds_bucket", le="+Inf") == 4
    assert value(found, "dialer_answer_to_agent_seconds_count") == 4
    assert value(found, "dialer_answer_to_agent_seconds_sum") == pytest.approx(0.02)


def test_an_infinite_bucket_is_not_written_twice() -> None:
    port = FakePort()
    view = LatencyView(2, 0, 0, 0, 3.0, {1.0: 1, float("inf"): 2})
    port.latencies = lambda: {"answer_to_agent_ms": view}  # type: ignore[method-assign]
    assert value(samples(port), "dialer_answer_to_agent_seconds_bucket", le="+Inf") == 2


def test_what_is_not_ready_is_named() -> None:
    port = FakePort(told=Health(False, "late", {"store": "locked"}))
    found = samples(port)
    assert value(found, "dialer_live") == 0
    assert value(found, "dialer_ready") == 0
    assert value(found, "dialer_part_not_ready", part="store") == 1


def test_openmetrics_for_who_asks() -> None:
    text = scrape(FakePort(), "application/openmetrics-text; version=1.0.0,text/plain;q=0.5")
    assert text.endswith("# EOF\n")
    names = {family.name for family in parse_openmetrics(text)}
    assert {"dialer_attempts", "dialer_answer_to_agent_seconds", "dialer_build"} & names


def test_names_are_ours_and_well_formed() -> None:
    names = {name for name, _ in samples(FakePort())}
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        assert name.startswith(("dialer_", "process_", "python_")), name
        assert "_ms" not in name, name


def test_no_label_names_a_person() -> None:
    port = FakePort(
        sample_status(
            agents=(sample_agent("1001", "previewing", lead={"id": "7", "name": "Mr Li", "phone": "13812341234"}),),
            campaigns=(sample_campaign(refusals={"dnc 13812341234": 1}, last_refusal="+8613812341234 no"),),
            store_detail="13812341234",
        )
    )
    text = scrape(port)
    assert "13812341234" not in text and "Mr Li" not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)


def test_counters_with_odd_or_equal_names_do_no_harm() -> None:
    port = FakePort(sample_status(counters={"odd name!": 1, "odd_name": 2, "resyncs_total": 3}))
    port.edge_counters = lambda: {"engine_resyncs": 9, "": 1}  # type: ignore[method-assign]
    found = samples(port)
    assert value(found, "dialer_engine_resyncs_total") in {3, 9}
    assert ("dialer_engine_odd_name_total", frozenset()) in found


def test_requests_are_counted_by_route_not_by_path() -> None:
    client = make_app(FakePort(), "t").test_client()
    for path in ("/v1/agents/1001", "/v1/agents/1002", "/nix/1", "/nix/2"):
        client.get(path, headers={"Authorization": "Bearer t"})
    client.open("/nix", method="BREW")
    text = client.get("/metrics").text
    assert 'dialer_http_requests_total{method="GET",path="/v1/agents/<id>",status="200"} 2.0' in text
    assert 'dialer_http_requests_total{method="GET",path="none",status="404"} 2.0' in text
    assert 'method="other"' in text


def test_what_people_said_of_machines_is_there_where_somebody_listened() -> None:
    port = FakePort()
    check = {"campaign": "bank", "judged": 400, "recorded": 9, "listened": 8, "persons": 1, "unsure": 1, "passed": 800}
    shares = {"false_positive": 0.125, "false_positive_at_most": 0.3, "configured": 0.01}
    nothing = {"false_positive": None, "false_positive_at_most": None, "configured": None}
    port.checks = [{**check, **shares}, {**check, **nothing, "campaign": "other", "listened": 0}]
    found = samples(port)
    assert value(found, "dialer_amd_machines_persons", campaign="bank") == 2
    assert value(found, "dialer_amd_false_positive_ratio", campaign="bank") == 0.125
    assert value(found, "dialer_amd_false_positive_at_most_ratio", campaign="bank") == 0.3
    assert value(found, "dialer_amd_false_positive_configured_ratio", campaign="bank") == 0.01
    assert value(found, "dialer_amd_machines_listened", campaign="other") == 0
    assert ("dialer_amd_false_positive_ratio", frozenset({("campaign", "other")})) not in found
