"""What becomes of a callback that the gate refused."""

from __future__ import annotations

from dataclasses import replace

from engine_kit import campaign

from dialer.domain.callbacks import CallbackState
from dialer.domain.lead import LeadState
from dialer.domain.settings import CallWindows
from dialer.leads.callbacks import after_refusal
from dialer.leads.eligibility import WINDOW, CallbackHeld, GateFacts, Verdict, judge

NOW = 1_790_000_000.0  # Monday 2026-09-21 14:13:20 UTC


def verdict(windows: CallWindows, zones: tuple[str, ...]) -> Verdict:
    held = CallbackHeld(ours=True, wished=True, lease_until=NOW + 60)
    facts = GateFacts(LeadState.DONE, False, "", 0.0, True, False, zones, (), 1, False, True, True, held)
    return judge(facts, replace(campaign(), windows=windows), NOW)


def test_calling_hours_move_the_wish() -> None:
    fate = after_refusal(verdict(CallWindows((((0, 600),),) * 7, "UTC"), ("Europe/Berlin",)), NOW)
    assert fate.state is CallbackState.OPEN and fate.wanted
    assert fate.due_at == 1_790_028_000.0, "midnight in Berlin"


def test_hours_that_never_open_do_not_move_it_so_that_it_is_given_up() -> None:
    for windows, zones in (
        (CallWindows(((),) * 7, "UTC"), ("Europe/Berlin",)),
        (CallWindows((((0, 1440),),) * 7, "No/Where"), ("Unknown/Zone",)),
    ):
        told = verdict(windows, zones)
        fate = after_refusal(told, NOW)
        assert told.rule == WINDOW and fate.state is CallbackState.OPEN
        assert not fate.wanted and fate.due_at == NOW + 86_400


def test_a_zone_that_is_not_known_is_judged_by_the_campaigns() -> None:
    assert verdict(CallWindows((((0, 1440),),) * 7, "UTC"), ("Unknown/Zone",)).ok
