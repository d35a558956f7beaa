from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.domain.lead import LeadState
from dialer.domain.settings import CallWindows, CampaignSettings, Mode
from dialer.leads.eligibility import ALLOWED, NEVER_OPEN_RETRY_S, DncHit, GateFacts, judge

NOW = 1_790_000_000.0  # 14:13 UTC, a Monday
RULES = CampaignSettings(
    name="sales",
    mode=Mode.PROGRESSIVE,
    lists=("l",),
    trunk="t",
    message="m",
    windows=CallWindows(days=(((8 * 60, 20 * 60),),) * 7, default_zone="UTC"),
    max_attempts=3,
)
GOOD = GateFacts(
    state=LeadState.CLAIMED,
    ours=True,
    claim_campaign="sales",
    lease_until=NOW + 10,
    number_known=True,
    number_dead=False,
    zones=("Europe/Berlin",),
    dnc=(),
    attempts=0,
    person_busy=False,
)


def test_a_lead_with_nothing_against_it_is_allowed() -> None:
    assert judge(GOOD, RULES, NOW) == ALLOWED


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        ({"state": None}, "claim_lost", "no such lead"),
        ({"state": LeadState.READY}, "claim_lost", "ready, not claimed"),
        ({"state": LeadState.DIALING}, "claim_lost", "dialing"),
        ({"state": LeadState.DONE}, "claim_lost", "done"),
        ({"ours": False}, "claim_lost", "another dialer"),
        ({"claim_campaign": "other"}, "claim_lost", "other"),
        ({"lease_until": NOW}, "claim_lost", "lease"),
        ({"number_known": False}, "number_dead", "not the lead's"),
        ({"number_dead": True}, "number_dead", "dead"),
        ({"dnc": (DncHit(False, "", None),)}, "dnc", "everybody"),
        ({"dnc": (DncHit(True, "sales", None),)}, "dnc", "its range is on the list for campaign sales"),
        ({"attempts": 3}, "attempts", "3 attempts made of 3"),
        ({"person_busy": True}, "person_busy", "under way"),
        ({"zones": ("Asia/Shanghai",)}, "window", "Mon 22:13 in Asia/Shanghai"),
        ({"zones": ("Europe/Berlin", "Asia/Shanghai")}, "window", "outside calling hours"),
    ],
)
def test_each_rule_says_no_and_why(change: dict[str, object], rule: str, words: str) -> None:
    verdict = judge(replace(GOOD, **change), RULES, NOW)  # type: ignore[arg-type]
    assert not verdict.ok and verdict.rule == rule and words in verdict.reason
    if rule == "claim_lost":
        assert verdict.retry_after_s is None and not verdict.for_good
    else:
        assert verdict.for_good == (verdict.retry_after_s is None)
    assert verdict.for_good == (rule in ("dnc", "attempts"))


def test_what_ends_the_lead_comes_before_what_passes() -> None:
    everything = replace(
        GOOD, zones=("Asia/Shanghai",), person_busy=True, attempts=9, dnc=(DncHit(False, "", None),)
    )
    assert judge(everything, RULES, NOW).rule == "dnc"
    assert judge(replace(everything, dnc=()), RULES, NOW).rule == "attempts"
    assert judge(replace(everything, dnc=(), attempts=0), RULES, NOW).rule == "person_busy"
    assert judge(replace(everything, ours=False), RULES, NOW).rule == "claim_lost"


def test_do_not_call_entries_that_end() -> None:
    hits = (DncHit(False, "", NOW + 100), DncHit(False, "sales", NOW + 500), DncHit(False, "other", None))
    verdict = judge(replace(GOOD, dnc=hits), RULES, NOW)
    assert verdict.rule == "dnc" and verdict.retry_after_s == 500 and not verdict.for_good
    assert judge(replace(GOOD, dnc=hits), RULES, NOW + 500).rule == "claim_lost"
    assert judge(replace(GOOD, dnc=hits, lease_until=NOW + 900), RULES, NOW + 500).ok
    for_ever = replace(GOOD, dnc=(*hits, DncHit(False, "", None)))
    assert judge(for_ever, RULES, NOW).for_good


def test_a_closed_window_says_when_to_come_back() -> None:
    verdict = judge(replace(GOOD, zones=("Asia/Shanghai",)), RULES, NOW)
    assert verdict.retry_after_s == 1_790_035_200.0 - NOW  # 08:00 in Shanghai
    never = replace(RULES, windows=CallWindows(days=((),) * 7, default_zone="UTC"))
    assert judge(GOOD, never, NOW).retry_after_s == NEVER_OPEN_RETRY_S
