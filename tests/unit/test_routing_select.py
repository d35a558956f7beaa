"""Who takes the call: longest idle first, in a stable order."""

from __future__ import annotations

import random

from routing.select import IdleLine


def line(*people: tuple[str, float]) -> IdleLine:
    made = IdleLine()
    for agent, since in people:
        made.add(agent, since)
    return made


def test_nobody_is_chosen_from_nobody() -> None:
    assert IdleLine().first(10.0) is None


def test_the_longest_idle_agent_is_chosen_and_the_reason_says_so() -> None:
    match = line(("b", 5.0), ("a", 7.0), ("c", 6.0)).first(10.0)
    assert match is not None and match.agent == "b"
    assert match.reason == "longest idle of 3 free agents (5.0 s)"


def test_ties_go_to_the_smaller_id_whatever_the_order() -> None:
    for people in ((("b", 5.0), ("a", 5.0)), (("a", 5.0), ("b", 5.0))):
        match = line(*people).first(4.0)
        assert match is not None and match.agent == "a"
        assert match.reason == "longest idle of 2 free agents (0.0 s)"


def test_who_leaves_the_line_is_not_chosen_and_leaving_twice_is_fine() -> None:
    waiting = line(("b", 5.0), ("a", 7.0))
    for _ in range(2):
        waiting.remove("b", 5.0)
    waiting.remove("a", 6.0)  # not since then
    assert waiting.agents() == ("a",)


def test_the_line_is_the_same_as_sorting_anew_at_each_choice() -> None:
    rng = random.Random(1)
    waiting, known = IdleLine(), dict[str, float]()
    for _ in range(2000):
        agent = str(rng.randrange(40))
        if agent in known:
            waiting.remove(agent, known.pop(agent))
        else:
            known[agent] = rng.randrange(10)
            waiting.add(agent, known[agent])
        match = waiting.first(10.0)
        best = min(known, key=lambda a: (known[a], a), default=None)
        assert (None if match is None else match.agent) == best
        assert len(waiting) == len(known)
