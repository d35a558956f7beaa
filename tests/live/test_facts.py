"""What a real FreeSWITCH does with the very commands that the dialer sends: order, timing, and the gaps.

The commands are built by ``dialer.switch.originate``; what happens is read by a client of its own. Where a fact of
the design differs from what is asserted here, this is right.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Stage
from harness.waiting import until
from harness.witness import Witness

from dialer.domain import commands as cmd
from dialer.domain.events import ChannelFact
from dialer.switch.originate import to_esl
from dialer.switch.resync import parse
from freeswitch.render import RESCUE_WAIT_MS
from freeswitch.sounds import safe_harbour_path

MESSAGE = str(safe_harbour_path())
RESCUE_WAIT_S = RESCUE_WAIT_MS / 1000
ANSWERS_AND_STAYS = "12025550113"
ANSWERS_AND_HANGS_UP = "12025550110"


def _customer(witness: Witness, number: str = ANSWERS_AND_STAYS, wait_ms: int = 1900, **changes: object) -> str:
    """Dial a customer as the dialer does, until the ANSWER."""
    leg = str(uuid.uuid4())
    witness.bgapi(to_esl(_originate(leg, number, wait_ms, **changes)).line())
    witness.wait_for("CHANNEL_ANSWER", leg)
    return leg


def _originate(leg: str, number: str, wait_ms: int = 1900, **changes: object) -> cmd.OriginateCall:
    values: dict[str, object] = {
        "node": "fs1",
        "uuid": leg,
        "campaign": "live",
        "number": number,
        "gateway": "carrier",
        "caller_id": "+12025550100",
        "ring_timeout_s": 12.0,
        "wait_ms": wait_ms,
        "message": MESSAGE,
        "epoch": "live",
        **changes,
    }
    return cmd.OriginateCall(**values)  # type: ignore[arg-type]


def _agent(stage: Stage, witness: Witness, seat: str = "1001") -> str:
    """A nailed-up agent, until parked."""
    leg = str(uuid.uuid4())
    witness.bgapi(
        to_esl(
            cmd.OriginateAgent(
                node="fs1",
                uuid=leg,
                agent=seat,
                address=f"sip:{seat}@127.0.0.1:{stage.seats.port}",
                profile="internal",
                ring_timeout_s=10.0,
                auto_answer=False,
                media_timeout_s=0.0,
                caller_id="dialer",
                epoch="live",
            )
        ).line()
    )
    witness.wait_for("CHANNEL_PARK", leg)
    return leg


def _bridge(witness: Witness, customer: str, agent: str) -> str:
    return witness.bgapi(to_esl(cmd.Bridge("fs1", customer, agent, 0.0)).line())


def _executes(witness: Witness, leg: str) -> list[str]:
    return [event.application for event in witness.of(leg) if event.name == "CHANNEL_EXECUTE"]


def test_the_message_plays_by_itself_when_nobody_bridges(stage: Stage, witness: Witness) -> None:
    """ANSWER, silence of wait_limit - 0.1 s, the message within the limit, hangup by the switch itself."""
    leg = _customer(witness)
    gone = witness.wait_for("CHANNEL_HANGUP_COMPLETE", leg, 30.0)
    answered = witness.wait_for("CHANNEL_ANSWER", leg)
    started = witness.wait(
        lambda e: e.uuid == leg and e.name == "PLAYBACK_START" and e["Playback-File-Path"] == MESSAGE, 1.0, "message"
    )
    message_s, hangup_s = started.at - answered.at, gone.at - answered.at
    print(f"\nanswer → message {message_s:.3f} s, answer → hangup {hangup_s:.3f} s")
    assert 1.7 <= message_s <= 2.0
    assert hangup_s > message_s + 3.0, "the message was not heard"
    assert gone["Hangup-Cause"] == "NORMAL_CLEARING"
    assert gone["variable_sip_hangup_disposition"] == "send_bye"
    assert "CHANNEL_PARK" not in witness.names(leg)
    assert _executes(witness, leg) == [
        "playback silence_stream://1900",
        f"playback {MESSAGE}",
        "hangup NORMAL_CLEARING",
    ]
    assert int(gone["variable_rtp_audio_out_packet_count"]) > 100
    assert stage.carrier.running


def test_the_order_of_an_answered_leg(stage: Stage, witness: Witness) -> None:
    """PROGRESS, ANSWER, then the wait's EXECUTE; the originate's reply comes with or after the ANSWER."""
    leg = _customer(witness)
    witness.wait(lambda e: e.name == "BACKGROUND_JOB" and leg in e["_body"], 5.0, "the originate's reply")
    witness.wait_for("CHANNEL_EXECUTE", leg)
    order = [e.name for e in witness.events if e.uuid == leg or (e.name == "BACKGROUND_JOB" and leg in e["_body"])]
    wanted = ["CHANNEL_PROGRESS", "CHANNEL_ANSWER", "CHANNEL_EXECUTE"]
    assert [name for name in order if name in wanted][:3] == wanted
    assert order.index("BACKGROUND_JOB") > order.index("CHANNEL_ANSWER")


def test_a_bridge_during_the_wait(stage: Stage, witness: Witness) -> None:
    """The bridge takes the customer out of the wait; the message is not heard; the agent parks again after the BYE."""
    agent = _agent(stage, witness)
    customer = _customer(witness, ANSWERS_AND_HANGS_UP)
    answered = witness.wait_for("CHANNEL_ANSWER", customer)
    start = witness.mark()
    job = witness.job(_bridge(witness, customer, agent))
    assert job["_body"].startswith("+OK")
    bridge = witness.wait(lambda e: e.name == "CHANNEL_BRIDGE", 5.0, "CHANNEL_BRIDGE", start)
    assert (bridge.uuid, bridge["Bridge-A-Unique-ID"], bridge["Bridge-B-Unique-ID"]) == (customer, customer, agent)
    print(f"\n+OK → CHANNEL_BRIDGE {bridge.at - job.at:.3f} s, answer → CHANNEL_BRIDGE {bridge.at - answered.at:.3f} s")
    gone = witness.wait_for("CHANNEL_HANGUP_COMPLETE", customer, 10.0)
    parked = witness.wait_for("CHANNEL_PARK", agent, 5.0, start)
    print(f"customer's hangup → agent's PARK {parked.at - gone.at:+.3f} s")
    assert gone["variable_sip_hangup_disposition"] == "recv_bye"
    assert not any(MESSAGE in application for application in _executes(witness, customer))
    _listed(witness, lambda facts: [(fact.uuid, fact.parked, fact.peer) for fact in facts] == [(agent, True, None)])


@pytest.mark.timeout(120)
def test_a_bridge_at_the_originates_reply_is_always_made(stage: Stage, witness: Witness) -> None:
    """120 customers, each bridged the moment its originate's +OK is read: none is missed, no agent is lost.

    The design facts say that a bridge may be sent at the ANSWER. Measured here: of 2,379 bridges sent at the ANSWER
    itself 11 failed (the agent's leg died with DESTINATION_OUT_OF_ORDER, or +OK and no bridge ever), because the
    switch still moves the customer's leg into its extension then; of 1,716 sent at the reply none. The reply comes
    up to 24 ms after the ANSWER (median 0.3 ms).
    """
    wanted = 120
    free = deque(_agent(stage, witness, str(1001 + index)) for index in range(10))
    agents, start = set(free), witness.mark()
    position, dialed, bridged = start, 0, 0
    answered: dict[str, float] = {}
    waits: list[float] = []
    to_kill: deque[tuple[float, str]] = deque()
    deadline = time.monotonic() + 60.0
    while bridged < wanted and time.monotonic() < deadline:
        if dialed < wanted and dialed - bridged < 6 and len(free) > 6:
            witness.bgapi(to_esl(_originate(str(uuid.uuid4()), ANSWERS_AND_STAYS)).line())
            dialed += 1
        while to_kill and to_kill[0][0] <= time.monotonic():
            witness.bgapi(f"uuid_kill {to_kill.popleft()[1]}")
        if position == witness.mark():
            time.sleep(0.001)
            continue
        event = witness.events[position]
        position += 1
        if event.name == "CHANNEL_ANSWER":
            answered[event.uuid] = event.at
        elif event.name == "BACKGROUND_JOB" and event["Job-Command"] == "originate":
            assert event["_body"].startswith("+OK"), event["_body"]
            customer = event["_body"].split()[1]
            waits.append(event.at - answered[customer])
            _bridge(witness, customer, free.popleft())
        elif event.name == "CHANNEL_BRIDGE":
            bridged += 1
            # Not at once: a customer who leaves within the same 20 ms may take the agent's leg along (1 of 250).
            to_kill.append((time.monotonic() + 0.3, event.uuid))
        elif event.name == "CHANNEL_PARK":
            free.append(event.uuid)
        assert not (event.name == "CHANNEL_HANGUP_COMPLETE" and event.uuid in agents), event["Hangup-Cause"]
    waits.sort()
    print(f"\nanswer → originate's reply: median {waits[len(waits) // 2]:.4f} s, longest {waits[-1]:.4f} s")
    assert (dialed, bridged) == (wanted, wanted)
    assert not [event for event in witness.events[start:] if event["Playback-File-Path"] == MESSAGE]


def test_the_customer_is_rescued_when_the_agents_phone_dies(stage: Stage, witness: Witness) -> None:
    """By the switch alone: a wait for another agent, then the message, then the end; not the rest of the first wait."""
    agent = _agent(stage, witness)
    customer = _customer(witness)
    start = witness.mark()
    _bridge(witness, customer, agent)
    witness.wait(lambda e: e.name == "CHANNEL_BRIDGE", 5.0, "CHANNEL_BRIDGE", start)
    start = witness.mark()
    witness.api(f"uuid_kill {agent}")
    lost = witness.wait_for("CHANNEL_HANGUP_COMPLETE", agent, 5.0, start)
    message = witness.wait(
        lambda e: e.name == "CHANNEL_EXECUTE" and e.uuid == customer and MESSAGE in e["Application-Data"],
        10.0, "the message", start,
    )  # fmt: skip
    gone = witness.wait_for("CHANNEL_HANGUP_COMPLETE", customer, 30.0, start)
    print(f"\nmessage {message.at - lost.at:.2f} s after the phone died, the end {gone.at - message.at:.2f} s later")
    assert RESCUE_WAIT_S - 0.1 < message.at - lost.at < RESCUE_WAIT_S + 0.5
    assert gone["Hangup-Cause"] == "NORMAL_CLEARING"


def test_park_of_a_parked_leg(stage: Stage, witness: Witness) -> None:
    """The cure of a line on a leg in its first park: UNPARK, then CHANNEL_PARK again. Re-parked: see below."""
    agent = _agent(stage, witness)
    start = witness.mark()
    job = witness.job(witness.bgapi(to_esl(cmd.ParkLeg("fs1", agent)).line()))
    assert job["_body"].startswith("+OK"), job["_body"]
    parked = not witness.never(lambda e: e.name == "CHANNEL_PARK" and e.uuid == agent, 2.0, start)
    print(
        f"\nParkLeg on a parked leg: CHANNEL_PARK {'comes' if parked else 'does not come'}; "
        f"events {witness.names(agent, start)}"
    )
    _listed(witness, lambda facts: [(fact.uuid, fact.parked) for fact in facts] == [(agent, True)])
    assert parked


@pytest.mark.parametrize("gap_ms", [0, 10, 20, 30, 40])
def test_the_customer_leaves_between_ok_and_bridge(stage: Stage, witness: Witness, gap_ms: int) -> None:
    """Without CHANNEL_BRIDGE: no CHANNEL_PARK of its own. With it: parks again by itself. The cure tells either way.

    The cure is a transfer to park: on a leg that parked again by itself (CS_PARK) uuid_park would answer +OK without a
    CHANNEL_PARK, and leave the leg deaf to keys.
    """
    agent = _agent(stage, witness)
    customer = _customer(witness)
    start = witness.mark()
    ok = witness.job(_bridge(witness, customer, agent))
    until(lambda: _past(ok.at, gap_ms), 1.0, "the gap", 0.001)
    witness.api(f"uuid_kill {customer}")
    witness.wait_for("CHANNEL_HANGUP_COMPLETE", customer, 5.0, start)
    bridged = "CHANNEL_BRIDGE" in witness.names(customer, start)
    alone = not witness.never(lambda e: e.name == "CHANNEL_PARK" and e.uuid == agent, 1.0, start)
    cure = witness.mark()
    reply = witness.job(witness.bgapi(to_esl(cmd.ParkLeg("fs1", agent)).line()))["_body"].strip()
    told = not witness.never(lambda e: e.name == "CHANNEL_PARK" and e.uuid == agent, 3.0, cure)
    print(f"\ngap {gap_ms} ms: bridged {bridged}, park by itself {alone}, cure {reply!r}, CHANNEL_PARK {told}")
    assert alone == bridged
    assert told
    _listed(witness, lambda facts: [(fact.uuid, fact.parked) for fact in facts] == [(agent, True)])
    second = _customer(witness)
    again = witness.mark()
    _bridge(witness, second, agent)
    witness.wait(lambda e: e.name == "CHANNEL_BRIDGE" and e.uuid == second, 5.0, "the next bridge", again)


@pytest.mark.parametrize("gap_ms", [0, 20, 40])
def test_the_agent_leaves_between_ok_and_bridge(stage: Stage, witness: Witness, gap_ms: int) -> None:
    """What becomes of the customer: hung up, or told the message; never silent for longer than the bounded wait."""
    agent = _agent(stage, witness)
    customer = _customer(witness)
    start = witness.mark()
    ok = witness.job(_bridge(witness, customer, agent))
    until(lambda: _past(ok.at, gap_ms), 1.0, "the gap", 0.001)
    witness.api(f"uuid_kill {agent}")
    ended = witness.wait(
        lambda e: e.uuid == customer and (e.name == "CHANNEL_HANGUP_COMPLETE" or MESSAGE in e["Application-Data"]),
        5.0, "the customer's hangup or message", start,
    )  # fmt: skip
    print(
        f"\nagent killed {gap_ms} ms after +OK: customer {ended.name} {ended['Hangup-Cause']} "
        f"{ended.at - ok.at:.3f} s later; bridged {'CHANNEL_BRIDGE' in witness.names(customer, start)}"
    )


def test_waiting_again_starts_the_bounded_wait_anew(stage: Stage, witness: Witness) -> None:
    """uuid_transfer of an answered leg to a fresh bounded wait: silence, message, hangup."""
    customer = _customer(witness)
    start = witness.mark()
    job = witness.job(witness.bgapi(to_esl(cmd.WaitAgain("fs1", customer, 700, MESSAGE)).line()))
    assert job["_body"].startswith("+OK"), job["_body"]
    heard = witness.wait(
        lambda e: e.uuid == customer and e.name == "PLAYBACK_START" and e["Playback-File-Path"] == MESSAGE,
        5.0, "the message", start,
    )  # fmt: skip
    assert 0.5 <= heard.at - job.at <= 1.2
    gone = witness.wait_for("CHANNEL_HANGUP_COMPLETE", customer, 30.0, start)
    assert gone["Hangup-Cause"] == "NORMAL_CLEARING"


def test_the_list_of_channels_tells_every_leg_a_moment_later(stage: Stage, witness: Witness) -> None:
    """One list tells calls from agents, answered from ringing, bridged from parked; but it lags behind the events.

    Measured here: 0.15 to 0.3 s on an idle machine. A list may contradict an event that was read before it was
    asked for, which the design facts do not say.
    """
    agent = _agent(stage, witness, "1002")
    lags = [_listed(witness, lambda facts: _kinds(facts) == {agent: ("agent", "1002", True, True, None)})]
    customer = _customer(witness)
    both = {agent: ("agent", "1002", True, True, None), customer: ("call", customer, True, False, None)}
    lags.append(_listed(witness, lambda facts: _kinds(facts) == both))
    start = witness.mark()
    _bridge(witness, customer, agent)
    witness.wait(lambda e: e.name == "CHANNEL_BRIDGE", 5.0, "CHANNEL_BRIDGE", start)
    both = {agent: ("agent", "1002", True, False, customer), customer: ("call", customer, True, False, agent)}
    lags.append(_listed(witness, lambda facts: _kinds(facts) == both))
    print("\nthe list's lag behind the event: " + ", ".join(f"{lag:.3f} s" for lag in lags))


def _kinds(facts: tuple[ChannelFact, ...]) -> dict[str, tuple[str, str, bool, bool, str | None]]:
    return {fact.uuid: (fact.kind, fact.ident, fact.answered, fact.parked, fact.peer) for fact in facts}


def _listed(witness: Witness, wanted: Callable[[tuple[ChannelFact, ...]], bool], within_s: float = 2.0) -> float:
    """How long it took until the switch's list showed what is wanted."""
    since = time.monotonic()

    def look() -> bool:
        facts, foreign = parse(witness.api("show channels as json"))
        return wanted(facts) and foreign == 0

    until(look, within_s, "the list of channels to show it", 0.01)
    return time.monotonic() - since


def _past(since: float, gap_ms: int) -> bool:
    return time.monotonic() - since >= gap_ms / 1000.0


def test_the_message_is_a_file_that_this_switch_can_play() -> None:
    assert Path(MESSAGE).is_file()
