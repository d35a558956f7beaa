"""``dialer explain route NUMBER --did OURS``: a call that comes in, step by step, on a saved floor and a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stores import NOW, SqlBench, attempt, closing
from stores import campaign as rules_of
from typer.testing import CliRunner

from dialer.clitools import running
from dialer.clitools.service import ServiceDown
from dialer.clitools.tree import app
from dialer.domain.commands import NoteAnswer, NoteBridge
from dialer.domain.outcomes import Outcome
from routing.facts import AgentFacts, AgentState, RoutingPolicy, WaitingCall
from routing.snapshot import Floor, dump

KNOWN, MISSED, STRANGER, OURS = "+12125550001", "+12125550002", "+12125550999", "+12125550100"
AT = "2026-09-22T10:00"
CONFIG = """
data_dir: {folder}
switch: embedded
trunks: [{{name: t1, channels: 10, cps: 5, caller_id: "{ours}"}}]
seats: [{{id: 1-3}}]
agents: [{{id: 1, groups: [desk], follow_me: ann}}, {{id: 2, groups: [desk]}}, {{id: 3, groups: [desk]}}]
lists: [{{name: main, region: US}}]
routing:
  tiers:
    - {{name: high, target_s: 10, tag: gold card}}
    - {{name: ordinary, target_s: 20}}
    - {{name: black, target_s: 60, refused: true}}
  tier_rules:
    rules: [{{tier: high, when: {{value: {{from: 1000}}}}}}, {{tier: black, when: {{value: {{below: 0}}}}}}]
    otherwise: ordinary
    ordered: true
  seat_groups: [{{name: kept, seats: ["3"], serves: [vip]}}]
  vips: [{{name: key, numbers: ["+12125550777"]}}]
  follow_me:
    - name: ann
      task_for: desk
      voicemail: false
      phones:
        - {{name: desk, agent: "1", ring_s: 15, calendar: office}}
        - {{name: mobile, number: "+12125550888", trunk: t1, ring_s: 20}}
  vip_lookup: {{url: "http://127.0.0.1:9/vip"}}
  calendars:
    - {{name: office, zone: UTC, hours: {{mon-fri: "08:00-18:00"}}, holidays: [{{day: 2026-12-25, name: Christmas}}]}}
campaigns: [{{name: sales, mode: progressive, lists: [main], trunk: t1}}]
inbound:
  blacklist: ["+1900*"]
  voicemail_directory: /var/lib/dialer/voicemail
  numbers:
    - {{number: "{ours}", also: ["2125550100"], region: US, calendar: office, closed: {{voicemail: true}}, queue: first,
       regions: [{{prefixes: ["+44"], queue: second}}]}}
    - {{number: "+12125550200", queue: second, menu: main}}
    - {{number: "+12125550201", queue: first, agent: "1"}}
    - {{number: "+12125550202", queue: first, agent: "2"}}
    - {{number: "+12125550203", queue: first, follow: ann}}
  menus:
    - name: main
      say: please-wait
      keys: {{"1": {{queue: first}}, "0": {{extension: true}}}}
      otherwise: {{queue: second}}
  queues:
    - name: first
      steps: [{{groups: [desk]}}]
      overflow: [{{waiting: 2, voicemail: true}}, {{after_s: 90, queue: second}}]
    - {{name: second}}
"""


def floor_of(*states: AgentState, waiting: int = 0) -> Floor:
    team = frozenset({"desk"})
    agents = tuple(
        AgentFacts(str(n), state, 900.0, team, dedicated=frozenset({"vip"} if n == 3 else ()))
        for n, state in enumerate(states, 1)
    )
    calls = tuple(WaitingCall(f"w{n}", 990.0, queue="first", tier="ordinary") for n in range(waiting))
    return Floor(1000.0, RoutingPolicy(), agents, calls)


FREE, BUSY, PAUSED = AgentState.FREE, AgentState.BUSY, AgentState.PAUSED
ALL_FREE = floor_of(FREE, FREE, FREE)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Agent 2 talked to the known number yesterday, and agent 1's call to another was missed; no service runs."""
    bench = SqlBench(f"sqlite:///{tmp_path}/dialer.db", campaigns={"sales": rules_of()})
    bench.add_lead([KNOWN], person="ann", fields={"value": "1500"})
    bench.add_lead([MISSED], person="bob", fields={"value": "10"})
    bench.add_lead([STRANGER], person="eve", fields={"value": "-1"})
    by_person = {lead.person: lead for lead in bench.claim(3).leads}
    talked = attempt(by_person["ann"])
    bench.execute([talked, NoteAnswer(talked.attempt_id, None, NOW), NoteBridge(talked.attempt_id, NOW, "2")])
    bench.execute([closing(talked, Outcome.CONNECTED, NOW, answered_at=NOW, bridged_at=NOW, agent="2")])
    missed = attempt(by_person["bob"], shown=OURS)
    bench.execute([missed, closing(missed, Outcome.NO_ANSWER, NOW, agent="1")])
    (tmp_path / "dialer.yaml").write_text(CONFIG.format(folder=tmp_path, ours=OURS))
    said: dict[str, Any] = {}

    class Answers:
        def post(self, *path: str, body: dict[str, str]) -> Any:
            assert path == ("v1", "routing", "vip")
            if not said:
                raise ServiceDown("no dialer runs here")
            return {"said": said.get(body["number"])}

        def get(self, *path: str) -> Any:
            raise ServiceDown("no dialer runs here")

    monkeypatch.setattr(running, "service", lambda where: Answers())

    def ask(*words: str, floor: Floor | None = ALL_FREE, did: str = OURS, at: str = AT) -> Any:
        more = ["--config", str(tmp_path / "dialer.yaml"), "--did", did, "--at", at]
        if floor is not None:
            (tmp_path / "floor.json").write_text(json.dumps(dump(floor)))
            more += ["--snapshot", str(tmp_path / "floor.json")]
        return CliRunner().invoke(app, ["explain", "route", *words, *more])

    ask.said = said  # type: ignore[attr-defined]
    return ask


def facts(asked: Any, *words: str, **more: Any) -> dict[str, Any]:
    result = asked(*words, "--json", **more)
    assert result.exit_code == 0, result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_way_of_a_known_caller_in_words(asked: Any) -> None:
    told = asked("(212) 555-0001").output
    for words in (
        "+121****0001 calls +12125550100 at 2026-09-22 10:00:00 UTC",
        "a number without its country, taken for one of US",
        "not on the blacklist",
        "the business system, which a real call asks, is not asked: what it said last, a running service would know",
        "tier high, to be served in 10 s: rule 1: value from 1000",
        "waits for 2 up to 30 s",
        "the agent is told: gold card",
        "open (office)",
        "until 2026-09-22 18:00 UTC",
        "queue first: 0 wait in it; with 2 waiting the mailbox, after 90 s queue second",
        "goes to agent 2: their own agent",
        "1 not: the seat serves vip only (3)",
    ):
        assert words in told, told
    assert KNOWN not in told and "2125550001" not in told


def test_their_own_agent_is_busy_and_is_waited_for(asked: Any) -> None:
    told = facts(asked, KNOWN, floor=floor_of(FREE, BUSY, FREE))
    assert told["match"] is None and told["own_limit_s"] == 30.0
    assert told["wait"]["reason"] == "for their own agent 2, who is busy, 30 s more"
    assert told["agents"]["1"] == "the caller waits for 2, 30 s more"


def test_their_own_agent_is_paused_and_is_not_waited_for(asked: Any) -> None:
    assert facts(asked, KNOWN, floor=floor_of(FREE, PAUSED, FREE))["match"]["agent"] == "1"


def test_a_missed_call_that_is_returned(asked: Any) -> None:
    told = facts(asked, MISSED)
    assert told["returns"]["campaign"] == "sales" and told["match"]["agent"] == "1"
    assert facts(asked, MISSED, did="+12125550200")["returns"] is None  # another number than the one we showed


def test_a_vip_of_our_own_list_takes_the_seat_that_is_kept(asked: Any) -> None:
    told = facts(asked, "+12125550777")
    assert told["rank"]["vip"] and told["match"]["agent"] == "3"


def test_what_the_business_system_said_last(asked: Any) -> None:
    asked.said["+12125550888"] = {"vip": True, "agent": "2", "at": NOW - 60.0}
    told = facts(asked, "+12125550888", at="2026-09-22T10:00")
    assert told["business_system"]["vip"]
    assert not facts(asked, "+12125550889")["business_system"]
    assert "it has said nothing of them since the service's start" in asked("+12125550889").output


@pytest.mark.parametrize(
    ("number", "kind", "why"),
    [
        ("anonymous", "hidden", "hides their number"),
        ("", "hidden", "hides their number"),
        ("Bob's Pizza", "words", "a name and no number"),
        ("+12", "malformed", "no number"),
        ("12", "local", "no country"),
        ("0044 20 7946 0000", "number", "with its country"),
        ("+1212555\n0001", "malformed", "no text of one line"),
    ],
)
def test_every_caller_id_gets_an_answer(asked: Any, number: str, kind: str, why: str) -> None:
    told = facts(asked, "--", number) if number.startswith("-") else facts(asked, number)
    assert told["caller"]["kind"] == kind and why in told["caller"]["why"]
    assert told["rank"]["tier"] == "ordinary" and told["match"] is not None
    assert told["queue"] == ("second" if number.startswith("0044") else "first")


def test_who_is_refused_closed_out_or_sent_on_goes_to_no_agent(asked: Any) -> None:
    assert facts(asked, "+19005550000")["reason"].startswith("on the blacklist")
    assert facts(asked, STRANGER)["ending"] == "refused"
    closed = facts(asked, KNOWN, at="2026-09-22T19:00")
    assert (closed["ending"], closed["match"], closed["hours"]["open"]) == ("closed", None, False)
    assert facts(asked, KNOWN, at="2026-09-22T19:00+02:00")["ending"] is None  # 17:00 UTC
    assert "Christmas" in asked(KNOWN, at="2026-12-25T10:00").output
    full = facts(asked, KNOWN, floor=floor_of(BUSY, BUSY, BUSY, waiting=2))
    assert full["ending"] == "overflow" and "the mailbox" in full["reason"]


def test_a_menu_comes_first_and_its_queue_can_be_chosen(asked: Any) -> None:
    told = asked(KNOWN, did="+1 212-555-0200").output
    assert "menu main: 1: queue first, 0: an agent by extension; without a key: queue second" in told
    assert "taken to choose queue second (--queue: first)" in told
    assert facts(asked, KNOWN, "--queue", "first", did="+12125550200")["queue"] == "first"


@pytest.mark.parametrize(("did", "whose"), [("+12125550201", "agent 1: "), ("+12125550203", "")])
def test_a_number_of_one_persons_leads_to_the_phones_of_their_plan(asked: Any, did: str, whose: str) -> None:
    told = facts(asked, STRANGER[:-1] + "8", did=did)
    assert told["ending"] == "follow_me" and told["reason"] == f"{whose}the phones of plan ann, one after the other"
    assert told["phones"] == [
        "    desk: agent 1 is free, and joined at once",
        "    mobile: rung for 20 s, unless busy; must press 1 within 12 s",
        "    nobody: a callback for desk",
    ]
    busy = facts(asked, STRANGER[:-1] + "8", did=did, floor=floor_of(BUSY, FREE, FREE))
    assert busy["phones"][0] == "    desk: left out, agent 1 is busy"
    gone = facts(asked, STRANGER[:-1] + "8", did=did, floor=floor_of(AgentState.AWAY, FREE, FREE))
    assert gone["phones"][0] == "    desk: rung for 15 s at the seat of agent 1, who is not logged in"
    assert facts(asked, "anonymous", did=did)["phones"][2] == "    nobody: no callback, for their number is hidden"
    assert facts(asked, "+12125550888", did=did)["phones"][1] == "    mobile: left out, it is the phone that calls"
    idle = asked(STRANGER[:-1] + "8", did=did, floor=None)
    assert "as if every agent were ready" in idle.output
    later = asked(STRANGER[:-1] + "8", did=did, at="2026-09-22T20:00").output
    assert "desk: left out, outside office: " in later and "mobile: rung for 20 s" in later
    assert "555088" not in later, "the numbers of a plan are nobody's business"


def test_an_agent_without_a_plan_is_waited_for(asked: Any) -> None:
    told = facts(asked, STRANGER[:-1] + "8", did="+12125550202", floor=floor_of(FREE, BUSY, FREE))
    assert told["ending"] is None and told["queue"] == "first" and told["match"] is None
    assert "own agent" in str(told["wait"]) or "2" in str(told["wait"])
    assert "agent 2, who has no follow-me plan" in asked(STRANGER[:-1] + "8", did="+12125550202").output


def test_where_no_service_runs_the_configuration_answers(asked: Any) -> None:
    result = asked(KNOWN, floor=None)
    assert "goes to agent 2" in result.output
    assert "as if every agent were ready and nobody waited" in result.output


@pytest.mark.parametrize(
    ("words", "more", "said"),
    [
        ((KNOWN,), {"did": "+15550000000"}, "no number of ours; expected one of +12125550100, +12125550200, "),
        ((KNOWN, "--campaign", "sales"), {}, "expected one of them"),
        ((KNOWN, "--queue", "nowhere"), {}, "expected one of first"),
        ((KNOWN,), {"at": "tomorrow"}, "expected a time such as"),
    ],
)
def test_what_was_wrong_is_said(asked: Any, words: tuple[str, ...], more: dict[str, str], said: str) -> None:
    result = asked(*words, **more)
    assert result.exit_code != 0 and said in str(result.exception)
    assert "expected one of +" not in said or "`also`" in str(result.exception)


def test_the_number_may_be_written_as_the_carrier_writes_it(asked: Any) -> None:
    assert facts(asked, KNOWN, did="2125550100")["did"] == OURS
