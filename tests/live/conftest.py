"""Fixtures of the live tests: skips with one sentence where FreeSWITCH or SIPp is missing; ends what was started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.floor import Floor, Plan
from harness.freeswitch_server import FreeSwitch, find_binary, looked_for
from harness.people import carrier_of_people
from harness.plays import PLAYS
from harness.ports import Ports
from harness.scenarios import carrier as carrier_scenario
from harness.scenarios import seats as seats_scenario
from harness.sipp import MISSING, Sipp, find_sipp
from harness.waiting import until
from harness.witness import Witness

sys.path.append(str(Path(__file__).resolve().parents[2]))  # bench, for those who call pytest by its own name


def pytest_configure(config: pytest.Config) -> None:
    """Names the marks of this folder."""
    config.addinivalue_line("markers", "slow: takes more than half a minute")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here is live, and is skipped as a whole where a program is missing."""
    reason = None
    if find_binary() is None:
        reason = looked_for()
    elif find_sipp() is None:
        reason = MISSING
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.live)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def ports() -> Ports:
    """Ports for everything."""
    return Ports()


@dataclass
class Stage:
    """A switch with its carrier, its phones and the dialer's configuration."""

    switch: FreeSwitch
    carrier: Sipp
    seats: Sipp
    floor: Floor


class Stages:
    """Builds stages and takes them down, last in first out."""

    def __init__(self, ports: Ports, work_dir: Path) -> None:
        self._ports = ports
        self._work_dir = work_dir
        kept = ports.given()
        self._undo: list[Callable[[], None]] = [lambda: ports.release_all_but(kept)]

    def sipp(self, name: str, scenario: str, dealt: str = "") -> Sipp:
        """A SIPp that runs until the end."""
        sipp = Sipp(name, scenario, self._ports, self._work_dir, dealt)
        self._undo.append(sipp.stop)
        sipp.start()
        return sipp

    def build(
        self,
        numbers: Iterable[str] = (),
        *,
        start_switch: bool = True,
        seats: str | None = None,
        people: str = "",
        **plan: object,
    ) -> Stage:
        """A stage; keyword arguments are ``Plan``'s. ``people``: the carrier deals these instead of the plays."""
        binary = find_binary()
        assert binary is not None
        played = carrier_of_people() if people else carrier_scenario(PLAYS)
        carrier = self.sipp("carrier", played, people)
        phones = self.sipp("seats", seats if seats is not None else seats_scenario())
        wanted = Plan(self._work_dir / "floor", carrier.port, phones.port, **plan)  # type: ignore[arg-type]
        floor = Floor(wanted, self._ports, numbers)
        switch = FreeSwitch(binary, floor.config_file, self._work_dir / "switch")
        self._undo += [switch.stop, floor.close]
        if start_switch:
            switch.start()
            print(f"\n{binary}: {switch.version()}")
        return Stage(switch, carrier, phones, floor)

    def close(self) -> None:
        """End everything."""
        while self._undo:
            self._undo.pop()()


@pytest.fixture
def stages(ports: Ports, tmp_path: Path) -> Iterator[Stages]:
    """For tests that need a switch of their own."""
    stages = Stages(ports, tmp_path)
    yield stages
    stages.close()


@pytest.fixture(scope="module")
def stage(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One switch for all tests of a module that only look at it."""
    stages = Stages(ports, tmp_path_factory.mktemp("stage"))
    try:
        yield stages.build()
    finally:
        stages.close()


@pytest.fixture
def witness(stage: Stage) -> Iterator[Witness]:
    """Hears every event of the stage's switch, and ends every channel that a test left."""
    with stage.switch.witness(subscribe=None) as witness:
        witness.subscribe()
        yield witness
        for row in witness.channels():
            witness.api(f"uuid_kill {row['uuid']}")
        until(lambda: not witness.channels(), 5.0, "all channels to end")
