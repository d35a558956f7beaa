from __future__ import annotations

import pytest

from dialer.domain.outcomes import Outcome
from dialer.domain.settings import CallWindows, CampaignSettings, Mode, RecycleRule
from dialer.leads.recycle import DEFAULTS, NUMBER_IS_DEAD, Fate, after, dials_within


def campaign(max_attempts: int = 5, **rules: RecycleRule) -> CampaignSettings:
    return CampaignSettings(
        name="c",
        mode=Mode.PROGRESSIVE,
        lists=("l",),
        trunk="t",
        message="m",
        windows=CallWindows(days=((),) * 7, default_zone="UTC"),
        max_attempts=max_attempts,
        recycle={Outcome(name): rule for name, rule in rules.items()},
    )


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_fate(outcome: Outcome) -> None:
    fate = after(outcome, 1, campaign())
    assert fate.reason
    assert fate.done == (outcome in (Outcome.CONNECTED, Outcome.MESSAGE_PLAYED))
    assert fate.number_dead == (outcome in NUMBER_IS_DEAD)
    assert (fate.after_s > 0) == (not fate.done and not fate.number_dead)
    assert (outcome in DEFAULTS) != (outcome in NUMBER_IS_DEAD)


def test_the_documented_pauses() -> None:
    pauses = {outcome: rule.after_s for outcome, rule in DEFAULTS.items()}
    assert pauses[Outcome.BUSY] == 300
    assert pauses[Outcome.NO_ANSWER] == 7200
    assert pauses[Outcome.ABANDONED] == 86_400
    assert pauses[Outcome.INTERRUPTED] == 60


def test_the_attempt_cap_ends_it_whatever_the_outcome() -> None:
    assert after(Outcome.BUSY, 2, campaign(max_attempts=3)) == Fate(False, "busy", 300.0)
    assert after(Outcome.BUSY, 3, campaign(max_attempts=3)) == Fate(True, "attempts", 0.0)
    assert after(Outcome.INTERRUPTED, 3, campaign(max_attempts=3)).done
    assert after(Outcome.CONNECTED, 3, campaign(max_attempts=3)).reason == "connected"


def test_a_dead_number_is_told_also_at_the_cap() -> None:
    assert after(Outcome.DEAD_NUMBER, 1, campaign()) == Fate(False, "dead_number", 0.0, number_dead=True)
    assert after(Outcome.DEAD_NUMBER, 5, campaign()) == Fate(True, "attempts", 0.0, number_dead=True)


def test_a_campaigns_own_rule_replaces_the_default_whole() -> None:
    mine = campaign(busy=RecycleRule(60.0, max_times=2), connected=RecycleRule(30.0), no_answer=RecycleRule(None))
    assert after(Outcome.BUSY, 1, mine, 1) == Fate(False, "busy", 60.0)
    assert after(Outcome.BUSY, 2, mine, 2) == Fate(True, "busy", 0.0)
    assert after(Outcome.CONNECTED, 1, mine) == Fate(False, "connected", 30.0)
    assert after(Outcome.NO_ANSWER, 1, mine) == Fate(True, "no_answer", 0.0)
    again = campaign(invalid_number=RecycleRule(600.0))
    assert after(Outcome.INVALID_NUMBER, 1, again) == Fate(False, "invalid_number", 600.0, number_dead=False)


@pytest.mark.parametrize(
    ("seconds", "rule", "most", "times"),
    [
        (8 * 3600.0, None, 5, 5),  # every two hours
        (8 * 3600.0 - 1, None, 5, 4),
        (7199.0, None, 5, 1),
        (7200.0, None, 5, 2),
        (1e9, None, 1, 1),
        (float("inf"), None, 3, 3),
        (-5.0, None, 5, 1),
        (float("nan"), None, 5, 1),
        (3600.0, RecycleRule(600.0, 3), 5, 3),
        (3600.0, RecycleRule(600.0), 5, 5),
        (3600.0, RecycleRule(0.0), 4, 4),
        (3600.0, RecycleRule(None), 5, 1),
    ],
)
def test_how_often_a_lead_may_be_dialed_yet(seconds: float, rule: RecycleRule | None, most: int, times: int) -> None:
    rules = {} if rule is None else {"no_answer": rule}
    assert dials_within(seconds, campaign(most, **rules)) == times
