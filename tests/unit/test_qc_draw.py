"""Drawing samples: by chance and by rule, the same on every machine and in every order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain.quality import CRITERIA, Conversation, SampleRules, draw, failures

RULES = SampleRules(
    share=0.1,
    at_least=1,
    at_most=5,
    short_sales=frozenset({"sale"}),
    short_sale_under_s=60.0,
    long_over_s=1200.0,
    complaints=frozenset({"complaint"}),
)
NO_CHANCE = replace(RULES, share=0.0, at_least=0)
DAY = "2026-09-21"


def talks(count: int, agent: str = "anna", talk_s: float = 100.0, said: str = "") -> list[Conversation]:
    return [Conversation(f"{agent}-{n}", agent, "bank", talk_s, said) for n in range(count)]


@pytest.mark.parametrize(("count", "drawn"), [(0, 0), (1, 1), (10, 1), (11, 2), (50, 5), (500, 5)])
def test_a_share_within_its_bounds(count: int, drawn: int) -> None:
    assert len(draw(DAY, talks(count), RULES)) == drawn


def test_each_agent_and_each_day_has_its_own() -> None:
    both = draw(DAY, [*talks(20, "ben"), *talks(20, "anna")], RULES)
    assert [each.conversation.agent for each in both] == ["anna", "anna", "ben", "ben"]
    days = {tuple(e.conversation.attempt_id for e in draw(f"2026-09-{d}", talks(100), RULES)) for d in range(10, 30)}
    assert len(days) == 20


@given(st.permutations(talks(30)))
def test_the_order_is_no_matter(order: list[Conversation]) -> None:
    wanted = {each.conversation for each in draw(DAY, talks(30), RULES)}
    assert {each.conversation for each in draw(DAY, order, RULES)} == wanted


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_day_drawn_again_adds_what_is_missing_and_no_more(early: int, late: int) -> None:
    first = [each.conversation.attempt_id for each in draw(DAY, talks(early), RULES)]
    again = {each.conversation.attempt_id for each in draw(DAY, talks(early + late), RULES, first)}
    assert set(first) <= again and len(again) == len(draw(DAY, talks(early + late), RULES))


def test_another_seed_draws_others_and_the_same_ones_again() -> None:
    other = replace(RULES, seed="q3")
    assert draw(DAY, talks(100), other) == draw(DAY, talks(100), other) != draw(DAY, talks(100), RULES)


def test_a_known_draw() -> None:
    # The drawing of a day must stay what it was: whoever disputes it can draw again.
    assert [each.conversation.attempt_id for each in draw(DAY, talks(20), RULES)] == ["anna-2", "anna-6"]


def test_rules() -> None:
    def why(talk_s: float, said: str) -> tuple[str, ...]:
        drawn = draw(DAY, talks(1, talk_s=talk_s, said=said), NO_CHANCE)
        return drawn[0].rules if drawn else ()

    assert why(59.9, "sale") == ("short_sale",)
    assert why(60.0, "sale") == ()
    assert why(59.9, "no_sale") == ()
    assert why(1200.1, "") == ("long_call",)
    assert why(5000.0, "complaint") == ("long_call", "complaint")
    assert draw(DAY, talks(1, talk_s=9e9), replace(NO_CHANCE, long_over_s=None)) == []


def test_what_a_rule_drew_may_be_drawn_by_chance_too() -> None:
    assert draw(DAY, talks(1, talk_s=5.0, said="sale"), RULES)[0].rules == ("short_sale", "random")


def test_all_four_must_be_fulfilled() -> None:
    marks = dict.fromkeys(CRITERIA, True)
    assert failures(marks) == ()
    assert failures({**marks, "consent": False, "right_person": False}) == ("the right person", "clear consent")
