"""The race between answers and agents: the chance that one more answered call finds nobody.

Owns the arithmetic only. At each horizon u the balance is D = agents free now − customers waiting + agents who become
free by u + patience − answers that the ringing calls give by u. A call that answers at u finds nobody when D ≤ 0.
Agents and calls are independent Bernoulli variables with different chances, so both sums are Poisson-binomial. Small
pools are computed exactly, from the characteristic function (Hong 2013); larger ones by the refined normal
approximation (Volkova 1996), which takes the skewness into account. Must know nothing of campaigns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pacing.ring import Array, normal_cdf

Complex = npt.NDArray[np.complex128]

EXACT_UP_TO = 64
"""More agents and calls together than this are approximated. The two then differ by less than 0.003 where the balance's
variance is 6 or more, and by up to 0.02 at short horizons, where it is 2."""
POINTS = 96
HALF = POINTS // 2 + 1
_OMEGA = 2.0 * np.pi * np.arange(HALF) / POINTS
_Z_LESS_ONE: Complex = np.exp(1j * _OMEGA) - 1.0
_Z_BACK_LESS_ONE: Complex = np.exp(-1j * _OMEGA) - 1.0
_DOUBLE = np.where((np.arange(HALF) == 0) | (np.arange(HALF) == POINTS // 2), 1.0, 2.0)
_LOWEST = -(POINTS // 2) + 1
_UP_TO: Complex = np.cumsum(
    _DOUBLE / POINTS * np.exp(-1j * np.outer(np.arange(_LOWEST, POINTS // 2 + 1), _OMEGA)), axis=0
)
"""P(X ≤ k) = Re(φ_X · _UP_TO[k − _LOWEST]), for |X| < POINTS ÷ 2."""
_NOBODY: Complex = _UP_TO[-_LOWEST]
_CONST = 0.3989422804014327


class Race:
    """``lead``: free agents less waiting customers. ``agents`` and ``calls``: (n, horizons) chances by then."""

    def __init__(self, lead: int, agents: Array, calls: Array, doubt: float = 0.0) -> None:
        self.exact = len(agents) + len(calls) <= EXACT_UP_TO
        self.lead = lead
        self._most, self._least = lead + len(agents), lead - len(calls)
        self.to_answer = calls.sum(axis=0)
        self.to_free = agents.sum(axis=0)
        self._doubt = doubt
        """How uncertain the answers' level is: its relative standard error, for the approximation."""
        self._mean = lead + self.to_free - self.to_answer
        self._var = (agents * (1.0 - agents)).sum(axis=0) + (calls * (1.0 - calls)).sum(axis=0)
        if self.exact:
            phi = np.prod(1.0 + agents[:, :, None] * _Z_LESS_ONE, axis=0)
            phi = phi * np.prod(1.0 + calls[:, :, None] * _Z_BACK_LESS_ONE, axis=0)
            self._phi: Complex = phi
            self._turn = np.exp(1j * lead * _OMEGA) * _NOBODY
        else:
            self._third = (agents * (1.0 - agents) * (1.0 - 2.0 * agents)).sum(axis=0) - (
                calls * (1.0 - calls) * (1.0 - 2.0 * calls)
            ).sum(axis=0)

    def nobody(self) -> Array:
        """P(an answer at each horizon finds no agent)."""
        if self.exact:
            if self._least > -(POINTS // 2) and self._most < POINTS // 2:
                chance: Array = (self._phi @ self._turn).real
                return np.minimum(np.maximum(chance, 0.0), 1.0)
            return self._recentred()
        return _approximate(self._mean, self._var + (self._doubt * self.to_answer) ** 2, self._third)

    def _recentred(self) -> Array:
        """The exact chances when the balance could leave the circle: it is turned to its mean first."""
        middle = np.rint(self._mean - self.lead)
        phi = self._phi * np.exp(-1j * middle[:, None] * _OMEGA[None, :])
        bound = -self.lead - middle
        row = np.clip(bound - _LOWEST, 0, POINTS - 1).astype(np.int64)
        chance = (phi * _UP_TO[row]).sum(axis=1).real
        chance = np.where(bound < _LOWEST, 0.0, np.where(bound > POINTS // 2, 1.0, chance))
        return np.minimum(np.maximum(chance, 0.0), 1.0)

    def nobody_after(self, chances: Array, fresh: Array) -> Array:
        """(k, horizons): the same before the 1st … k-th of calls to be launched now, with ``chances`` of an answer.

        ``fresh`` is the share of answers by each horizon of a call launched now. For the approximation only.
        """
        each = chances[:, None] * fresh[None, :]
        mean = self._mean - (np.cumsum(each, axis=0) - each)
        own_var, own_third = each * (1.0 - each), each * (1.0 - each) * (1.0 - 2.0 * each)
        var = self._var + np.cumsum(own_var, axis=0) - own_var
        third = self._third - np.cumsum(own_third, axis=0) + own_third
        answers = self.to_answer + np.cumsum(each, axis=0) - each
        return _approximate(mean, var + (self._doubt * answers) ** 2, third)

    def add(self, call: Array) -> None:
        """One more call, with its chances of having answered by each horizon."""
        self.to_answer = self.to_answer + call
        self._mean = self._mean - call
        self._least -= 1
        self._var = self._var + call * (1.0 - call)
        if self.exact:
            self._phi = self._phi * (1.0 + call[:, None] * _Z_BACK_LESS_ONE)
        else:
            self._third = self._third - call * (1.0 - call) * (1.0 - 2.0 * call)

    def remove(self, call: Array) -> None:
        """A call less: it is being hung up."""
        self.to_answer = self.to_answer - call
        self._mean = self._mean + call
        self._var = np.maximum(self._var - call * (1.0 - call), 0.0)
        if self.exact:
            # A coin of exactly one half has a zero on the circle and cannot be divided out.
            coin = np.where(np.abs(call - 0.5) < 0.001, 0.499, call)
            self._phi = self._phi / (1.0 + coin[:, None] * _Z_BACK_LESS_ONE)
        else:
            self._third = self._third + call * (1.0 - call) * (1.0 - 2.0 * call)


def _approximate(mean: Array, var: Array, third: Array) -> Array:
    sd = np.sqrt(np.maximum(var, 1e-4))
    z = (0.5 - mean) / sd
    skew = third / (6.0 * sd * sd * sd)
    value = normal_cdf(z) + skew * (1.0 - z * z) * _CONST * np.exp(-0.5 * z * z)
    return np.minimum(np.maximum(value, 0.0), 1.0)
