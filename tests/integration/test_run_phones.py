"""Agents and supervisors on the phones of the embedded switch, by keypad alone, against a whole service over TCP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phone_kit import BOSS, MOBILE, PIN, Floor, phone_floor
from run_kit import numbers, running, until


@contextmanager
def opened(folder: Path, **changes: Any) -> Iterator[Floor]:
    with running(phone_floor(folder, **changes)) as service:
        yield Floor(service.up())


def test_a_day_by_keypad(tmp_path: Path) -> None:
    """Login, ready, three customers with dispositions, a pause with a reason, back, do not call, logout."""
    with opened(tmp_path) as floor:
        line = floor.log_in("1001")
        assert floor.agent("1001")["line"] == "parked"
        line.press("*1")
        for done, key in enumerate("121", 1):
            customer = floor.customer("1001")
            floor.hear(agent=(line, {customer}), customer=(customer, {line}))
            customer.hang_up()
            floor.becomes("1001", "wrap_up")
            line.press(key)
            until(lambda done=done: len(floor.query("SELECT code FROM dispositions")) == done, "it is noted")  # type: ignore[misc]
            line.press("*21" if done == 3 else "*1")
        floor.becomes("1001", "paused")
        until(lambda: floor.agent("1001")["reason"] == "lunch", "the reason is shown")
        assert sorted(code for (code,) in floor.query("SELECT code FROM dispositions")) == [
            "no_interest", "sale", "sale"]  # fmt: skip
        line.press("*1")
        customer = floor.customer("1001")
        line.press("*5")
        line.told("dnc-added").press("*#")
        floor.becomes("1001", "wrap_up")
        customer.ended()
        line.press("*0")
        floor.becomes("1001", "logged_out")
        line.told("logged-out").ended()
        report = floor.close()
        assert report["outcomes"] == {"connected": 4}
        shown = floor.service.log() + json.dumps(report)
        assert not [number for number in numbers(12) if number.lstrip("+") in shown]


def test_hold_transfer_consult_and_conference(tmp_path: Path) -> None:
    """On hold nobody hears anybody; a customer goes to a colleague, and to an outside number with the agent between."""
    with opened(tmp_path) as floor:
        first, second = floor.log_in("1001"), floor.log_in("1002")
        first.press("*1")
        customer = floor.customer("1001")
        floor.hear(agent=(first, {customer}), customer=(customer, {first}))
        first.press("*3")
        floor.hear(agent=(first, set()), customer=(customer, set()))
        first.told("hold-on").press("*3")
        floor.hear(agent=(first, {customer}), customer=(customer, {first}))

        first.press("*419005550111#")
        first.told("number-not-allowed")
        floor.hear(customer=(customer, {first}))
        second.press("*1")
        other = floor.customer("1002")
        other.hang_up()
        floor.becomes("1002", "wrap_up")
        floor.service.dialer("campaigns", "pause", "bank")
        second.press("*1")
        floor.becomes("1002", "ready")
        first.press("*41002#")
        floor.becomes("1002", "talking")
        floor.hear(customer=(customer, {second}), second=(second, {customer}), first=(first, set()))
        floor.becomes("1001", "wrap_up")

        second.press(f"*7{MOBILE}#")
        mobile = floor.number(MOBILE)
        floor.hear(customer=(customer, set()), second=(second, {mobile}), mobile=(mobile, {second}))
        second.press("*2")
        floor.hear(
            customer=(customer, {second, mobile}),
            second=(second, {customer, mobile}),
            mobile=(mobile, {second, customer}),
        )
        second.press("*1")
        floor.hear(customer=(customer, {mobile}), mobile=(mobile, {customer}), second=(second, set()))
        floor.becomes("1002", "wrap_up")
        mobile.hang_up()
        customer.ended()
        report = floor.close(first, second)
        assert report["outcomes"] == {"connected": 2}


def test_a_supervisor_listens_whispers_barges_in_and_takes_over(tmp_path: Path) -> None:
    """A call for help reaches the supervisor; then each party hears exactly whom it should."""
    with opened(tmp_path) as floor:
        line, boss = floor.log_in("1001"), floor.supervise()
        line.press("*1")
        customer = floor.customer("1001")
        boss.press("1001#")
        floor.hear(boss=(boss, {line, customer}), agent=(line, {customer}), customer=(customer, {line}))
        boss.press("2")
        floor.hear(boss=(boss, {line, customer}), agent=(line, {customer, boss}), customer=(customer, {line}))
        boss.press("3")
        floor.hear(boss=(boss, {line, customer}), agent=(line, {customer, boss}), customer=(customer, {line, boss}))
        until(lambda: boss.steady_s() > 0.3, "nobody leaves sooner than that")
        boss.press("*")
        floor.hear(boss=(boss, set()), agent=(line, {customer}), customer=(customer, {line}))
        line.press("*8")
        boss.told("help-call").press("1")
        floor.hear(boss=(boss, {line, customer}), agent=(line, {customer, boss}), customer=(customer, {line}))
        boss.press("4")
        floor.hear(boss=(boss, {customer}), customer=(customer, {boss}), agent=(line, set()))
        floor.becomes("1001", "wrap_up")
        customer.hang_up()
        customer.ended()
        until(lambda: len(floor.service.attempts()) == 1 and floor.service.attempts()[0]["ended_at"], "it is noted")
        assert floor.service.attempts()[0]["outcome"] == "connected"
        floor.close(line, boss)


def test_a_lost_phone_in_a_talk(tmp_path: Path) -> None:
    """Its customer goes to the next free agent, whether the phone hung up or its power went."""
    with opened(tmp_path) as floor:
        lines = {agent: floor.log_in(agent) for agent in ("1001", "1002", "1003")}
        lines["1001"].press("*1")
        customer = floor.customer("1001")
        floor.service.dialer("campaigns", "pause", "bank")
        lines["1002"].press("*1")
        floor.becomes("1002", "ready")
        lines["1001"].hang_up()
        floor.becomes("1002", "talking")
        floor.hear(second=(lines["1002"], {customer}), customer=(customer, {lines["1002"]}))
        assert floor.agent("1001")["state"] != "talking"
        lines["1003"].press("*1")
        floor.becomes("1003", "ready")
        lines["1002"].vanish()
        floor.becomes("1003", "talking")
        floor.hear(third=(lines["1003"], {customer}), customer=(customer, {lines["1003"]}))
        customer.hang_up()
        floor.becomes("1003", "wrap_up")
        done = {attempt["id"]: (attempt["agent"], attempt["outcome"]) for attempt in floor.service.attempts()}
        assert done[customer.uuid] == ("1003", "connected")
        for agent in ("1001", "1002"):
            assert floor.service.dialer("agents", "logout", agent).returncode in (0, 1)
            floor.becomes(agent, "logged_out")
        floor.close(lines["1003"])


def test_two_agents_swap_desks(tmp_path: Path) -> None:
    """Each logs in at the other's phone; a second login moves the agent, and the first phone is told so."""
    with opened(tmp_path) as floor:
        floor.service.dialer("campaigns", "pause", "bank")
        first, second = floor.log_in("1001", "1002"), floor.log_in("1002", "1001")
        assert (floor.agent("1001")["seat"], floor.agent("1002")["seat"]) == ("1002", "1001")
        third = floor.dial("1003", "*101002").told("enter-pin")
        third.press(f"{PIN}#")
        second.told("logged-in-elsewhere").ended()
        until(lambda: floor.agent("1002")["seat"] == "1003", "moved")
        assert third.up and floor.agent("1002")["state"] == "paused"
        taken = floor.dial("1003", "*101003").told("enter-pin")
        taken.press(f"{PIN}#")
        taken.told("seat-taken").ended()
        for line in (first, third):
            line.press("*0")
            line.ended()
        floor.close()


def test_wrong_pins_lock_the_agent_out(tmp_path: Path) -> None:
    """Three wrong ones end the call; a few more, and even the right PIN is not tried; others may still log in."""
    with opened(tmp_path) as floor:
        leg = floor.dial("1001", "*101001").told("enter-pin")
        for tries in range(1, 4):
            leg.press("000111#")
            until(lambda tries=tries: floor.service.status()["counters"].get("pins_wrong") == tries, "a wrong PIN")  # type: ignore[misc]
        leg.told("wrong-pin").ended()
        leg = floor.dial("1001", "*101001").told("enter-pin")
        leg.press("000111#")
        until(lambda: floor.service.status()["counters"].get("pins_wrong") == 4, "a wrong PIN")
        leg.press("000111#")
        until(lambda: floor.service.lines("pin_locked") or not leg.up, "locked")
        if leg.up:
            leg.hang_up()
        leg = floor.dial("1001", "*101001").told("enter-pin")
        leg.press(f"{PIN}#")
        leg.told("locked-out").ended()
        assert floor.service.lines("pin_locked")
        assert floor.agent("1001")["state"] == "logged_out"
        assert floor.dial("1001", "*109999").told("wrong-agent").up
        floor.tell("standin_hangup 1001")
        other = floor.log_in("1002", "1001")
        assert "000111" not in floor.service.log()
        floor.close(other)


def test_acts_by_api_and_command_line(tmp_path: Path) -> None:
    """What keys do, and supervision, without keys; what is wrong is refused in words."""
    with opened(tmp_path) as floor:
        service, line, boss = floor.service, floor.log_in("1001"), floor.supervise()
        assert service.post("/v1/agents/1001/acts", {"act": "ready"})[0] == 200
        customer = floor.customer("1001")
        assert service.dialer("agents", "act", "1001", "hold").returncode == 0
        floor.hear(agent=(line, set()), customer=(customer, set()))
        assert service.dialer("agents", "act", "1001", "hold").returncode == 0
        floor.hear(agent=(line, {customer}), customer=(customer, {line}))
        done = service.dialer("supervise", BOSS, "barge", "1001")
        assert done.returncode == 0, done.stderr
        floor.hear(customer=(customer, {line, boss}))
        refused = service.dialer("supervise", "1002", "listen", "1001")
        assert refused.returncode == 1 and "agent 1002 is no supervisor" in refused.stderr
        refused = service.dialer("agents", "act", "1001", "transfer", "19005550111")
        assert refused.returncode == 1 and "not allowed" in refused.stderr and "9005550111" not in refused.stderr
        assert service.post("/v1/agents/1001/acts", {"act": "dance"})[0] == 422
        assert service.post("/v1/agents/1001/acts", {"act": "accept"})[0] == 409
        assert service.post("/v1/supervisors/4711/acts", {"act": "listen", "agent": "1001"})[0] == 404
        code, text = service.get("/metrics")
        assert code == 200 and "dialer_engine_phone_logins_total" in text and "dialer_speech_made_total" in text
        assert service.post(f"/v1/supervisors/{BOSS}/acts", {"act": "hangup", "agent": "1001"})[0] == 200
        customer.ended()
        floor.becomes("1001", "wrap_up")
        assert service.post("/v1/agents/1001/acts", {"act": "dispose", "argument": "2"})[0] == 200
        until(lambda: floor.query("SELECT code FROM dispositions") == [("no_interest",)], "it is noted")
        floor.close(line, boss)


def test_an_agent_on_an_outside_mobile(tmp_path: Path) -> None:
    """Calls from outside, keys in who they are, takes a customer; hanging up logs out: nobody knows where to ring."""
    with opened(tmp_path) as floor:
        mobile = "+13105550188"
        line = floor.log_in("1001", mobile)
        assert floor.agent("1001")["seat"].startswith("outside")
        line.press("*1")
        customer = floor.customer("1001")
        floor.hear(agent=(line, {customer}), customer=(customer, {line}))
        line.press("*#")
        floor.becomes("1001", "wrap_up")
        customer.ended()
        line.press("1")
        until(lambda: floor.query("SELECT code FROM dispositions") == [("sale",)], "it is noted")
        line.hang_up()
        floor.becomes("1001", "logged_out")
        report = floor.close()
        assert report["outcomes"] == {"connected": 1}
        assert mobile.lstrip("+") not in floor.service.log()


def test_two_hundred_agents_log_in_within_a_minute(tmp_path: Path) -> None:
    """By code, number and PIN; states agree with the list of channels; then all log out."""
    count, together = 200, 25
    names = [str(number) for number in range(1001, 1001 + count)]
    config = phone_floor(tmp_path, leads=0, people=(names[0], names[-1]))
    with running(config) as service:
        floor = Floor(service.up())
        began = time.monotonic()
        lines = {}
        for first in range(0, count, together):
            batch = names[first : first + together]
            lines |= {name: floor.begin(name, "*10") for name in batch}
            floor.all_told("enter-agent-number", *(lines[name] for name in batch))
            for name in batch:
                lines[name].press(f"{name}#")
            floor.all_told("enter-pin", *(lines[name] for name in batch))
            for name in batch:
                lines[name].press(f"{PIN}#")
        until(lambda: sum(a["line"] == "parked" for a in service.agents().values()) == count, "all are logged in", 60.0)
        assert time.monotonic() - began < 60.0
        assert {agent["state"] for name, agent in service.agents().items() if name in names} == {"paused"}
        rows = service.switch.channels()
        assert sorted(row["presence_data"] for row in rows) == [f"dialer/seat/{name}" for name in names]
        for line in lines.values():
            line.press("*0")
        until(lambda: not service.switch.channels(), "every phone is let go", 60.0, 0.5)
        assert {agent["state"] for agent in service.agents().values()} == {"logged_out"}
        floor.close()
