"""People who call our numbers by themselves: so many an hour, at random.

Owns when the next one calls. Who calls whom, with what patience, is `world`'s; what the switch does then is `phones`'.
Nobody calls while no client is connected: a switch without a dialer ends by itself, and would not with callers on it.
"""

from __future__ import annotations

from freeswitch.standin.clock import Timer
from freeswitch.standin.phones import Phones


class Callers:
    """Calls in over a trunk, as a Poisson process with `WorldSpec.callers_per_hour`."""

    def __init__(self, switch: Phones) -> None:
        self._switch = switch
        self._timer: Timer | None = None

    def let_in(self, wanted: bool) -> None:
        """From now on people call, or nobody does any more."""
        spec = self._switch.world.spec
        if not wanted and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif wanted and self._timer is None and spec.callers_per_hour > 0 and spec.called:
            self._next()

    def _next(self) -> None:
        switch = self._switch
        pause_s = switch.rng.expovariate(switch.world.spec.callers_per_hour / 3600.0)
        self._timer = switch.clock.at(switch.clock.now + pause_s, self._call)

    def _call(self) -> None:
        number, called, plan = self._switch.world.plan_caller()
        self._switch.call_in(number, called, seat=False, plan=plan)
        self._next()
