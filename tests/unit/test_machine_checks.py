"""Persons among those taken for machines: which recordings people listen to, and what their word amounts to."""

from __future__ import annotations

import pytest

from dialer.domain.machine_checks import MachineCheck, draw, upper_bound
from dialer.domain.quality import Conversation

DAY = "2026-09-21"


def calls(count: int, campaign: str = "bank") -> list[Conversation]:
    return [Conversation(f"{campaign}-{n}", "", campaign, 4.0, "machine") for n in range(count)]


def test_each_campaign_has_so_many_at_most_the_same_each_time() -> None:
    drawn = draw(DAY, [*calls(30), *calls(3, "other")], 5, "")
    assert [each.conversation.campaign for each in drawn] == ["bank"] * 5 + ["other"] * 3
    assert all(each.rules == ("machine",) for each in drawn)
    assert draw(DAY, calls(30)[::-1], 5, "") == drawn[:5]
    assert draw("2026-09-22", calls(30), 5, "") != drawn[:5] != draw(DAY, calls(30), 5, "seed")


def test_a_day_that_is_drawn_again_adds_only_what_is_missing() -> None:
    first = draw(DAY, calls(10), 8, "")
    kept = {each.conversation.attempt_id for each in first}
    again = draw(DAY, calls(300), 10, "", kept)
    assert kept < {each.conversation.attempt_id for each in again} and len(again) == 10


@pytest.mark.parametrize(
    ("hits", "tries", "bound"),
    [(0, 1, 0.95), (0, 59, 0.0495), (0, 300, 0.00993), (1, 50, 0.0914), (5, 100, 0.1023), (3, 3, 1.0), (0, 5000, 6e-4)],
)
def test_what_is_not_exceeded_with_a_certainty_of_95_percent(hits: int, tries: int, bound: float) -> None:
    assert upper_bound(hits, tries) == pytest.approx(bound, rel=0.01)


def test_the_share_is_of_the_answers_that_were_passed_and_doubts_are_persons() -> None:
    check = MachineCheck("bank", judged=400, recorded=60, listened=50, persons=1, unsure=1, passed=800)
    assert check.of_machines == 0.04
    assert check.false_positive == pytest.approx(0.04 * 400 / 800)
    assert check.false_positive_at_most == pytest.approx(upper_bound(2, 50) * 0.5)


def test_nothing_is_said_where_nobody_listened_or_nobody_was_passed() -> None:
    assert MachineCheck("bank", 400, 60, 0, 0, 0, 800).false_positive is None
    check = MachineCheck("bank", 400, 60, 10, 1, 0, 0)
    assert (check.of_machines, check.false_positive, check.false_positive_at_most) == (0.1, None, None)
