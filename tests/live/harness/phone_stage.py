"""A switch whose carrier and seats are phones of ours, so that everything that anybody hears can be judged.

Owns the room, the configuration and the switch of one test module, and the first steps that most tests begin with.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.floor import Floor, Plan
from harness.freeswitch_server import FreeSwitch, find_binary
from harness.phone import Habit, Phone
from harness.phone_call import Call
from harness.phone_media import heard_tones
from harness.phone_room import Room
from harness.ports import Ports
from harness.waiting import until
from harness.witness import ALL_CHANNEL_EVENTS, Witness

SECRET = "a-seat-secret"
EVENTS = (
    *ALL_CHANNEL_EVENTS, "CHANNEL_HANGUP", "DTMF", "CHANNEL_HOLD", "CHANNEL_UNHOLD", "RECORD_START", "RECORD_STOP",
    "MEDIA_BUG_START", "MEDIA_BUG_STOP",
)  # fmt: skip
CUSTOMER, AGENT, PARTY, SUPERVISOR = 700.0, 300.0, 1200.0, 1600.0
"""Everybody's tone, in Hz; far enough apart, none a multiple of another that would be taken for it."""
TONES = {CUSTOMER: "C", AGENT: "A", PARTY: "X", SUPERVISOR: "S"}


class PhoneStage:
    """One switch, ``carrier`` (its phones play customers), and seats from 1001 on."""

    def __init__(self, work_dir: Path, ports: Ports, numbers: Iterable[str] = (), **plan: object) -> None:
        binary = find_binary()
        assert binary is not None
        self.room = Room()
        self.carrier = self.room.phone("carrier", 0, habit=Habit(tone=CUSTOMER))
        values: dict[str, object] = {"agents": 20, "seat_address": "user/{id}", "seat_secret": SECRET, **plan}
        wanted = Plan(work_dir / "floor", self.carrier.port, 0, **values)  # type: ignore[arg-type]
        self.floor = Floor(wanted, ports, numbers)
        self.switch = FreeSwitch(binary, self.floor.config_file, work_dir / "switch")
        self.carrier.server_port = self.switch.trunks_port

    def start(self) -> Self:
        """Start the switch."""
        self.switch.start()
        return self

    def seat(self, number: int, tone: float = AGENT, **more: object) -> Phone:
        """A registered phone that answers at once."""
        habit = more.pop("habit", None) or Habit(tone=tone)
        phone = self.room.phone(str(number), self.switch.seats_port, self.switch.domain, SECRET, habit=habit, **more)
        assert phone.register() == 200, f"seat {number} was told {phone.registered}"
        return phone

    def close(self) -> None:
        """End everything."""
        self.floor.close()
        self.switch.stop()
        self.room.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Director:
    """Places calls on a stage by event-socket commands, as the dialer would."""

    def __init__(self, stage: PhoneStage, witness: Witness) -> None:
        self.stage = stage
        self.witness = witness
        self.room = stage.room

    def tell(self, command: str) -> str:
        """The answer to an API command."""
        return self.witness.api(command).strip()

    def line(self, phone: Phone, extra: str = "") -> tuple[Call, str]:
        """A nailed-up line to a registered phone, parked: the phone's call and the leg."""
        before, leg = len(phone.calls), str(uuid.uuid4())
        variables = (
            f"origination_uuid={leg},park_after_bridge=true,send_silence_when_idle=-1,playback_terminators=none,"
            f"bridge_filter_dtmf=true,ignore_display_updates=true{extra}"
        )
        self.witness.bgapi(f"originate {{{variables}}}user/{phone.user}@{self.stage.switch.domain} &park()")
        self.witness.wait_for("CHANNEL_PARK", leg)
        return phone.next_call(5.0, before), leg

    def dial_in(self, phone: Phone, code: str = "*10", *, take: bool = True) -> tuple[Call, str]:
        """The phone dials a code; its leg is taken over, and parked then."""
        start = self.witness.mark()
        call = phone.call(code, phone.habit.tone).wait("up")
        leg = self.witness.wait(lambda e: e.name == "CHANNEL_ANSWER", 5.0, "the answer", start).uuid
        if take:
            assert self.park(leg).startswith("+OK")
            self.witness.wait_for("CHANNEL_PARK", leg, 5.0, start)
        return call, leg

    def customer(self, extra: str = "", wait_ms: int = 8000, number: str = "12025550113") -> tuple[Call, str]:
        """A customer who answers at once and waits, the originate's reply read."""
        carrier, leg = self.stage.carrier, str(uuid.uuid4())
        before = len(carrier.calls)
        self.witness.job(
            self.witness.bgapi(
                f"originate {{origination_uuid={leg},ignore_early_media=true,ignore_display_updates=true,"
                f"playback_terminators=none,originate_timeout=15,origination_caller_id_number=+12025550100{extra}}}"
                f"sofia/gateway/carrier/{number} 'playback:silence_stream://{wait_ms},hangup:NORMAL_CLEARING' inline"
            )
        )
        return carrier.next_call(5.0, before), leg

    def talk(self, agent: str, extra: str = ",park_after_bridge=true") -> tuple[Call, str]:
        """A customer bridged to an agent's leg."""
        call, leg = self.customer(extra)
        self.bridge(leg, agent)
        return call, leg

    def bridge(self, first: str, second: str) -> None:
        """uuid_bridge, until CHANNEL_BRIDGE."""
        start = self.witness.mark()
        assert self.tell(f"uuid_bridge {first} {second}").startswith("+OK")
        self.witness.wait_for("CHANNEL_BRIDGE", first, 5.0, start)

    def park(self, leg: str) -> str:
        """Park a leg, whatever it does now. uuid_park would make a leg deaf that is parked again already."""
        return self.tell(f"uuid_transfer {leg} park inline")

    def state(self, leg: str) -> tuple[str, str]:
        """State and application as ``show channels`` says; empty when it is gone."""
        rows = [row for row in self.witness.channels() if row["uuid"] == leg]
        return (rows[0]["state"], rows[0]["application"]) if rows else ("", "")

    def heard(self, *calls: Call, for_s: float = 0.35) -> list[str]:
        """Whom each hears from now on, by the letters of ``TONES``."""
        start = time.monotonic()
        self.room.sleep(for_s)
        return [hears(call, start) for call in calls]

    def clear(self) -> None:
        """End every channel."""
        for row in self.witness.channels():
            self.witness.api(f"uuid_kill {row['uuid']}")
        until(lambda: not self.witness.channels(), 5.0, "all channels to end")


def hears(call: Call, start: float) -> str:
    """Whom a call has heard since, by the letters of ``TONES``; ``-`` when it is over."""
    if call.state != "up":
        return "-"
    return "".join(sorted(TONES[hz] for hz in heard_tones(call.media.heard(start), TONES)))
