"""What may go wrong in a simulated shift, as probabilities and rates.

Owns the description only; ``dialer.simulate.shift`` makes it happen, from the shift's own generator.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities are per event or command (0–1); rates are per hour of the shift.

    ``late_s`` is the longest extra delay of a late event, which also reorders events. ``outage_s`` the longest time
    a lost connection, a restarted switch or a failing store stays away.
    """

    lose_event: float = 0.0
    double_event: float = 0.0
    late_event: float = 0.0
    late_s: float = 0.5
    refuse_command: float = 0.0
    lose_reply: float = 0.0
    disconnects_per_hour: float = 0.0
    switch_restarts_per_hour: float = 0.0
    dialer_crashes_per_hour: float = 0.0
    store_failures_per_hour: float = 0.0
    gaps_per_hour: float = 0.0
    outage_s: float = 10.0


NO_FAULTS = Faults()
