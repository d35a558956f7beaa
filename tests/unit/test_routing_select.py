"""Who takes the call: longest idle first, in a stable order."""

from __future__ import annotations

from routing.select import Candidate, longest_idle


def test_nobody_is_chosen_from_nobody() -> None:
    assert longest_idle([], 10.0) is None


def test_the_longest_idle_agent_is_chosen_and_the_reason_says_so() -> None:
    match = longest_idle([Candidate("b", 5.0), Candidate("a", 7.0), Candidate("c", 6.0)], 10.0)
    assert match is not None and match.agent == "b"
    assert match.reason == "longest idle of 3 free agents (5.0 s)"


def test_ties_go_to_the_smaller_id_whatever_the_order() -> None:
    pool = [Candidate("b", 5.0), Candidate("a", 5.0)]
    assert longest_idle(pool, 4.0) == longest_idle(reversed(pool), 4.0)
    assert longest_idle(pool, 4.0).agent == "a"  # type: ignore[union-attr]
