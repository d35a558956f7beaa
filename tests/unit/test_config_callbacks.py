"""``campaigns.….callbacks``: what may be written, what is refused, and what the engine works from."""

from __future__ import annotations

import pytest

from config.callbacks_schema import CallbacksConfig, callbacks_faults
from dialer.campaign_settings import _callbacks
from dialer.domain.callbacks import Away, CallbackSettings


def faults(**given: object) -> list[str]:
    section = CallbacksConfig.model_validate(given)
    return [path[0] for path, _, _ in callbacks_faults(section, frozenset(given))]


def test_the_defaults_are_the_engines() -> None:
    assert _callbacks(CallbacksConfig()) == CallbackSettings()
    assert _callbacks(CallbacksConfig(dial=False)) is None


def test_every_key_arrives() -> None:
    written = {"promised_to": "anyone", "own_agent_s": "5m", "team_s": "1m", "then": "later", "later_s": "2h",
               "share": "10%", "ahead_s": 20, "tries": 2, "retry_after_s": "10m", "expires_s": "2d"}  # fmt: skip
    assert faults(**written) == []
    assert _callbacks(CallbacksConfig.model_validate(written)) == CallbackSettings(
        False, 300.0, 60.0, Away.LATER, 7200.0, 0.1, 20.0, 2, 600.0, 172_800.0
    )


@pytest.mark.parametrize(
    ("given", "at"),
    [({"later_s": "2h"}, "later_s"), ({"then": "wait", "later_s": "2h"}, "later_s"),
     ({"own_agent_s": "23h55m", "team_s": "10m"}, "expires_s"),
     ({"tries": 4, "retry_after_s": "8h"}, "expires_s"), ({"then": "later", "later_s": "24h"}, "expires_s")],
)  # fmt: skip
def test_what_does_not_fit_together(given: dict[str, object], at: str) -> None:
    assert faults(**given) == [at]
