"""Strangers at the rendered configuration: no calls, no registrations, no event socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Stage, Stages
from harness.ports import Ports
from harness.sip import Stranger
from harness.waiting import until
from harness.witness import Refused, Witness

SECRET = "a-seat-secret"
REFUSALS = range(400, 700)


@pytest.fixture(scope="module")
def guarded(ports: Ports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A switch whose seats register."""
    stages = Stages(ports, tmp_path_factory.mktemp("guarded"))
    try:
        yield stages.build(agents=2, seat_address="user/{id}", seat_secret=SECRET)
    finally:
        stages.close()


@pytest.fixture
def at_seats(guarded: Stage) -> Iterator[Stranger]:
    stranger = Stranger(guarded.switch.seats_port, guarded.switch.domain)
    yield stranger
    stranger.close()


@pytest.fixture
def at_trunks(guarded: Stage) -> Iterator[Stranger]:
    stranger = Stranger(guarded.switch.trunks_port, guarded.switch.domain)
    yield stranger
    stranger.close()


@pytest.mark.parametrize("to", ["12025550113", "1001", "park", "9999"])
def test_a_call_from_outside_is_refused(guarded: Stage, at_trunks: Stranger, to: str) -> None:
    """The dialplan of the trunks' profile answers nobody; no call of it reaches the carrier or a phone."""
    before = len(guarded.carrier.steps()), len(guarded.seats.steps())
    status, earlier = at_trunks.ask("INVITE", to, "somebody")
    assert status in REFUSALS, status
    assert set(earlier) <= {100}
    assert (len(guarded.carrier.steps()), len(guarded.seats.steps())) == before


@pytest.mark.parametrize("to", ["12025550113", "1001"])
def test_a_call_at_the_seats_needs_credentials(at_seats: Stranger, to: str) -> None:
    """Unauthenticated: challenged. Wrong secret: forbidden."""
    status, earlier = at_seats.ask("INVITE", to, "1001")
    assert status in (401, 407)
    assert set(earlier) <= {100}
    status, _ = at_seats.ask("INVITE", to, "1001", "not the secret")
    assert status in (401, 403, 407)


def test_a_seats_phone_reaches_nobody_but_the_dialer(guarded: Stage, at_seats: Stranger) -> None:
    """With the right secret it waits for the dialer, whatever number it dials, or is refused; nobody else rings."""
    before = len(guarded.carrier.steps()), len(guarded.seats.steps())
    status, _ = at_seats.ask("INVITE", "12025550113", "1001", SECRET)
    assert status == 200

    def rows() -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(guarded.switch.api("show channels as json")).get("rows", [])
        return found

    until(lambda: [row["presence_data"] for row in rows()] == ["dialer/seat/1001@live"], 3.0, "the waiting leg")
    guarded.switch.api(f"uuid_kill {rows()[0]['uuid']}")
    assert at_seats.ask("INVITE", "somebody", "1001", SECRET)[0] in REFUSALS
    assert (len(guarded.carrier.steps()), len(guarded.seats.steps())) == before


def test_a_registration_needs_the_secret(guarded: Stage, at_seats: Stranger) -> None:
    assert at_seats.ask("REGISTER", "1001", "1001")[0] == 401
    assert at_seats.ask("REGISTER", "1001", "1001", "not the secret")[0] in (401, 403)
    assert at_seats.ask("REGISTER", "4711", "4711", SECRET)[0] in (401, 403)
    registered = guarded.switch.api("show registrations")
    assert "total" in registered and "1001" not in registered
    assert at_seats.ask("REGISTER", "1001", "1001", SECRET)[0] == 200


def test_nobody_registers_at_the_trunks(at_trunks: Stranger) -> None:
    assert at_trunks.ask("REGISTER", "1001", "1001", SECRET)[0] in REFUSALS


@pytest.mark.parametrize("password", ["", "ClueCon", "not-the-password"])
def test_the_event_socket_needs_the_password(guarded: Stage, password: str) -> None:
    with pytest.raises((Refused, OSError)):
        Witness(guarded.switch.port, password).close()


def test_everything_listens_on_loopback_only(guarded: Stage) -> None:
    """The event socket and both SIP profiles: bound to 127.0.0.1 as configured, to nothing else."""
    assert _bound_to("tcp", guarded.switch.port) == {"127.0.0.1"}
    for port in (guarded.switch.seats_port, guarded.switch.trunks_port):
        assert _bound_to("udp", port) == {"127.0.0.1"}
        assert _bound_to("tcp", port) <= {"127.0.0.1"}


def test_no_secret_stands_in_clear(guarded: Stage) -> None:
    """Files with secrets are for their owner only; seats' secrets are hashes."""
    with_secret = [
        file
        for file in guarded.switch.conf_dir.rglob("*.xml")
        if guarded.switch.password in file.read_text() or "a1-hash" in file.read_text()
    ]
    assert with_secret
    assert all(file.stat().st_mode & 0o077 == 0 for file in with_secret)
    assert not any(SECRET in file.read_text() for file in guarded.switch.conf_dir.rglob("*.xml"))


def _bound_to(kind: str, port: int) -> set[str]:
    found = set()
    for suffix in ("", "6"):
        table = Path(f"/proc/net/{kind}{suffix}")
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            local, state = line.split()[1], line.split()[3]
            address, _, number = local.rpartition(":")
            if int(number, 16) == port and (kind == "udp" or state == "0A"):
                found.add(".".join(str(int(address[i : i + 2], 16)) for i in (6, 4, 2, 0)) if not suffix else address)
    return found
