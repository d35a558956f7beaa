"""Phones on a whole service's embedded switch: they dial, press keys, hear, hang up. A floor whose agents have PINs.

A seat's phone is known by the seat's number. What a party hears comes from the switch's audit: ``file:…`` for a
recording, ``leg:…`` for a party's voice. Nothing sleeps for a fixed time: ``until`` looks again and again.
"""

from __future__ import annotations

import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from run_kit import DIALER, NotInTime, Service, configuration, until

from dialer.store import pin_admin

PIN = "739142"
AGENTS = ("1001", "1002", "1003")
BOSS = "1009"
MOBILE = "12125550199"
PATIENT: dict[str, Any] = {
    "answer_probability": 1,
    "busy_share": 0,
    "rejected_share": 0,
    "invalid_share": 0,
    "ring_to_answer": {"mean_s": 0.3, "sd_s": 0.1, "max_s": 0.6},
    "patience_s": 600,
    "hangup_at_answer_share": 0,
}
"""People who answer, and stay until they are hung up."""


def phone_floor(folder: Path, leads: int = 12, people: tuple[str, str] = ("1001", "1003"), **changes: Any) -> Path:
    """Agents (``people``: the first and the last) and a supervisor, who have phones and PINs and are not logged in."""
    names = f"{people[0]}-{people[1]}"
    boss = BOSS if people == ("1001", "1003") else "1900"
    config = configuration(
        folder,
        leads=leads,
        embedded__callees=PATIENT,
        embedded__carrier__failure_share=0,
        embedded__talk={"mean_s": 900, "sd_s": 1, "min_s": 800, "max_s": 1000},
        seats=[{"id": names, "media_timeout_s": 1}, {"id": boss}],
        campaigns__0__mode="progressive",
        campaigns__0__wrap_up_s=60,
        campaigns__0__dispositions=["sale", "no_interest"],
        phones={
            "pause_reasons": {"1": "lunch", "2": "break"},
            "digit_gap_s": 1,
            "dial_rules": [{"roles": ["agent"], "allow": ["1"], "deny": ["1900"], "region": "US"}],
        },
        **changes,
    )
    data = yaml.safe_load(config.read_text())
    data["agents"] = [{"id": names}, {"id": boss, "role": "supervisor"}]
    data["campaigns"][0]["agents"] = [names]
    del data["campaigns"][0]["lines_per_agent"]
    config.write_text(yaml.safe_dump(data, sort_keys=False))
    if boss == BOSS:
        for agent in (*AGENTS, BOSS):
            set_pin(config, agent)
    else:
        many_pins(config, [str(number) for number in range(int(people[0]), int(people[1]) + 1)])
    return config


def many_pins(config: Path, agents: list[str]) -> None:
    """In one process: the command line starts once for each."""
    set_pin(config, agents[0])  # makes the database
    data = config.parent / yaml.safe_load(config.read_text())["data_dir"]
    for agent in agents[1:]:
        pin_admin.set_pin(f"sqlite:///{data / 'dialer.db'}", agent, PIN)


def set_pin(config: Path, agent: str, pin: str = PIN) -> None:
    """As an operator does."""
    command = [*DIALER, "--config", str(config), "agents", "set-pin", agent, "--stdin"]
    done = subprocess.run(command, input=f"{pin}\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Leg:
    """One call of a phone, or to one."""

    floor: Floor
    uuid: str

    def press(self, keys: str) -> None:
        self.floor.tell(f"standin_press {self.uuid} {keys}")

    def hang_up(self) -> None:
        self.floor.tell(f"standin_hangup {self.uuid}")

    def vanish(self) -> None:
        """Its power is gone: it says nothing more, not even that it hangs up."""
        self.floor.tell(f"standin_vanish {self.uuid}")

    @property
    def record(self) -> dict[str, Any]:
        """What the audit says of it."""
        legs = self.floor.service.switch.audit()["legs"]
        return next((leg for leg in legs if leg["uuid"] == self.uuid), {})

    @property
    def up(self) -> bool:
        return bool(self.record) and self.record["hungup_at"] is None

    def voices(self) -> set[str]:
        """Whom its party hears at this moment."""
        heard = self.record.get("heard") or [[0, 0, []]]
        return {sound.removeprefix("leg:") for sound in heard[-1][2] if sound.startswith("leg:")}

    def steady_s(self) -> float:
        """For how long its party has heard what it hears now."""
        heard = self.record.get("heard") or [[0, 0, []]]
        return float(heard[-1][1] - heard[-1][0])

    def was_told(self, prompt: str) -> bool:
        """Whether a recording of the catalogue was played to it, alone or among others."""
        sounds = (sound for _, _, heard in self.record.get("heard", ()) for sound in heard)
        return any(f"/{prompt}.wav" in sound for sound in sounds)

    def told(self, prompt: str) -> Leg:
        """Wait for a recording."""
        until(lambda: self.was_told(prompt), f"{self.uuid} is told {prompt}; it heard {self.record.get('heard')}")
        return self

    def ended(self) -> dict[str, Any]:
        """Wait for its end."""
        until(lambda: self.record and not self.up, f"{self.uuid} ends")
        return self.record


class Floor:
    """Phones around a service."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def tell(self, line: str) -> str:
        answer = self.service.switch.api(line)
        assert answer.startswith("+OK"), (line, answer)
        return answer.removeprefix("+OK").strip()

    # ---- phones --------------------------------------------------------------------------------------------

    def dial(self, seat: str, code: str) -> Leg:
        """A seat's phone, or an outside number, dials a code; its leg, once the switch has answered."""
        leg = Leg(self, self.tell(f"standin_dial {seat} {code}"))
        until(lambda: leg.record, "the switch answers")
        return leg

    def begin(self, seat: str, code: str) -> Leg:
        """A seat's phone dials; nobody waits for the answer."""
        return Leg(self, self.tell(f"standin_dial {seat} {code}"))

    def all_told(self, prompt: str, *legs: Leg) -> None:
        """Wait until each has heard a recording."""
        wanted = {leg.uuid for leg in legs}

        def deaf() -> set[str]:
            records = self.service.switch.audit()["legs"]
            told = {r["uuid"] for r in records for _, _, heard in r["heard"] or () if f"/{prompt}.wav" in str(heard)}
            return wanted - told

        until(lambda: not deaf(), f"all are told {prompt}", every_s=0.2)

    def log_in(self, agent: str, seat: str = "", pin: str = PIN) -> Leg:
        """By keypad: the code, the agent's number, the PIN. The call stays as the agent's open line."""
        leg = self.dial(seat or agent, "*10").told("enter-agent-number")
        leg.press(f"{agent}#")
        leg.told("enter-pin").press(f"{pin}#")
        self.becomes(agent, "paused")
        return leg

    def supervise(self) -> Leg:
        """The supervisor calls in and is asked for an agent."""
        leg = self.dial(BOSS, f"*20{BOSS}").told("enter-pin")
        leg.press(f"{PIN}#")
        return leg.told("supervise-enter-agent")

    def customer(self, agent: str) -> Leg:
        """The customer whom an agent is talking to."""
        self.becomes(agent, "talking")
        return Leg(self, str(self.agent(agent)["attempt_id"]))

    def number(self, number: str) -> Leg:
        """The leg to an outside number, once it was answered."""

        def look() -> list[str]:
            legs = self.service.switch.audit()["legs"]
            return [leg["uuid"] for leg in legs if leg["number"].endswith(number) and leg["hungup_at"] is None]

        return Leg(self, until(look, f"{number} answers")[0])

    # ---- agents --------------------------------------------------------------------------------------------

    def agent(self, agent: str) -> dict[str, Any]:
        return self.service.agents()[agent]

    def becomes(self, agent: str, state: str) -> None:
        until(lambda: self.agent(agent)["state"] == state, f"agent {agent} is {state}; it is {self.agent(agent)}")

    def hear(self, **wanted: tuple[Leg, set[Leg]]) -> None:
        """Each leg hears exactly the voices of those, sooner or later, all at one time."""

        def wrong() -> dict[str, set[str]]:
            return {name: leg.voices() for name, (leg, of) in wanted.items() if leg.voices() != {o.uuid for o in of}}

        try:
            until(lambda: not wrong(), "everybody hears whom they should")
        except NotInTime:
            raise NotInTime(f"not everybody hears whom they should: {wrong()}, expected {wanted}") from None

    # ---- the end -------------------------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.service.data / 'dialer.db'}?mode=ro", uri=True) as database:
            return database.execute(sql).fetchall()

    def close(self, *lines: Leg) -> dict[str, Any]:
        """Everybody hangs up; then no channel is left, and after the service's end every lead is accounted for."""
        for line in lines:
            line.hang_up()
        until(lambda: not self.service.switch.channels(), f"no channel is left: {self.service.switch.channels()}")
        self.service.process.terminate()
        assert self.service.exit_code() == 0, self.service.log()[-3000:]
        report = self.service.summary()
        assert report["channels_left"] == report["leads_unaccounted"] == report["attempts_open"] == 0, report
        assert not self.service.lines("engine_error") and "Traceback" not in self.service.log()
        assert PIN not in self.service.log()
        return report
