"""The business system is asked who calls: in time, too late, not at all, with nonsense."""

from __future__ import annotations

import pytest
from engine_kit import START, none, one
from inbound_kit import Desk, desk, office

from dialer.domain import inbound as inb
from dialer.domain.inbound import HoldCaller
from routing.vip import Asked

WHO = "+4917012345"
WITHIN_S = 0.3


@pytest.fixture
def floor() -> Desk:
    return desk(office(vip_within_s=WITHIN_S))


def judging(floor: Desk) -> inb.JudgeArrival:
    return one(floor.of(inb.JudgeArrival), inb.JudgeArrival)


def test_what_it_says_in_time_goes_to_the_store(floor: Desk) -> None:
    uuid = floor.caller(WHO)
    assert one(floor.of(inb.AskVip), inb.AskVip) == inb.AskVip(uuid, WHO)
    none(floor.log, inb.JudgeArrival)
    floor.step(0.1)
    arrived = floor.call(uuid).opened_at
    floor.send(inb.VipTold(uuid, Asked(True, floor.now, "a2")))
    assert judging(floor).asked == Asked(True, arrived, "a2"), "said of this call, not of one to come"
    assert floor.held(uuid), "answered and let wait"


def test_what_it_said_long_ago_keeps_its_age(floor: Desk) -> None:
    uuid = floor.caller(WHO)
    floor.send(inb.VipTold(uuid, Asked(True, START - 500.0), "no answer within 0.3 s"))
    asked = judging(floor).asked
    assert asked is not None and asked.at == START - 500.0
    assert floor.counter("vip_answers_failed") == 1 and "no answer" in floor.note("vip_not_told").text


def test_an_agent_whom_nobody_knows_is_no_personal_agent(floor: Desk) -> None:
    uuid = floor.caller(WHO)
    floor.send(inb.VipTold(uuid, Asked(True, floor.now, "9999; hangup")))
    asked = judging(floor).asked
    assert asked is not None and asked.vip and asked.agent is None
    assert "hangup" not in floor.note("vip_not_told").text


def test_a_business_system_that_says_nothing_costs_half_a_second_and_no_more(floor: Desk) -> None:
    uuid = floor.caller(WHO)
    floor.step(WITHIN_S + 0.1)
    none(floor.log, inb.JudgeArrival)
    floor.step(0.15)
    assert judging(floor).asked is None
    floor.send(inb.VipTold(uuid, Asked(True, floor.now)))
    assert len(floor.of(inb.JudgeArrival)) == 1 and floor.counter("vip_answers_late") == 1


def test_who_hides_their_number_or_hangs_up_is_not_asked_about(floor: Desk) -> None:
    floor.caller("anonymous")
    none(floor.log, inb.AskVip)
    assert judging(floor).number == ""
    uuid = floor.caller(WHO)
    floor.hang_up(uuid)
    floor.step(1.0)
    floor.send(inb.VipTold(uuid, None))
    assert len(floor.of(inb.JudgeArrival)) == 1


def test_without_a_lookup_nobody_is_asked() -> None:
    floor = desk()
    uuid = floor.caller(WHO)
    none(floor.log, inb.AskVip)
    assert judging(floor).asked is None and floor.of(HoldCaller)[0].uuid == uuid


def test_numbers_stay_out_of_what_is_logged() -> None:
    assert WHO not in repr(inb.AskVip("c", WHO))
