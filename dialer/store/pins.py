"""Agents' PINs: which may be set, how they are hashed, and how tries to guess one are counted.

Owns the policy that all stores share. Pure but for the randomness of new salts. Must not keep a PIN, nor put one into
a text: ``PinQuestion`` holds it only until it is hashed, outside every transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from dialer.domain.phones import PinChecked

SHORTEST, LONGEST = 4, 12
GENERATED_DIGITS: Final = 6
TRIES: Final = 5
"""So many wrong PINs within TRIES_WITHIN_S lock an agent's login, unless the question says otherwise."""
TRIES_WITHIN_S: Final = 15 * 60.0
LOCKED_S: Final = (60.0, 300.0, 900.0, 3600.0)
"""The first lock-out, the second in a row … the last for all further ones."""
FORGOTTEN_AFTER_S: Final = 86_400.0
"""So long after a lock-out the next one is the first again; names without a PIN are forgotten too."""

_N, _R, _P = 4096, 8, 1
PARAMS: Final = f"{_N}:{_R}:{_P}"
"""scrypt's cost: about 12 ms and 4 MB a try on a core of 2020, so 200 logins are seconds of one core."""
_SALT_BYTES: Final = 16
_LONGEST_TRIED: Final = 64


class PinError(ValueError):
    """A PIN that may not be set; the text says what was expected and does not repeat it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A PIN's hash, in hex. Empty: no PIN."""

    salt: str = ""
    hash: str = field(default="", repr=False)
    params: str = PARAMS


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong PINs of an agent: ``failures`` since ``counted_from``; ``locks`` in a row, the last to ``locked_until``."""

    failures: int = 0
    counted_from: float = 0.0
    locks: int = 0
    locked_until: float = 0.0


@dataclass(frozen=True, slots=True)
class PinQuestion:
    """A try that the store has counted as wrong beforehand. ``answer`` takes milliseconds: not in a transaction."""

    session: str
    agent: str
    pin: str = field(repr=False)
    secret: Secret
    locked_s: float

    def answer(self) -> PinChecked:
        """Right or wrong, in the same time for every agent, whether there is one of that name or not."""
        ok = matches(self.pin, self.secret)
        return PinChecked(self.session, self.agent, ok, 0.0 if ok else self.locked_s)


@dataclass(frozen=True, slots=True)
class PinRight:
    """To the store: the PIN was right, the tries are forgotten."""

    session: str
    agent: str


def checked(pin: str, agent: str) -> str:
    """A PIN that may be set for ``agent``. Raises PinError."""
    if not pin.isascii() or not pin.isdigit() or not SHORTEST <= len(pin) <= LONGEST:
        raise PinError(f"expected a PIN of {SHORTEST} to {LONGEST} digits")
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise PinError("expected a PIN that is no row such as 0000, 1234 or 4321: those are tried first")
    if pin == "".join(c for c in agent if c.isdigit()):
        raise PinError("expected a PIN other than the agent's number")
    return pin


def generated(agent: str) -> str:
    """A random PIN that may be set for ``agent``."""
    while True:
        try:
            return checked(f"{secrets.randbelow(10**GENERATED_DIGITS):0{GENERATED_DIGITS}}", agent)
        except PinError:
            continue


def hashed(pin: str) -> Secret:
    """The hash of a PIN under a new salt."""
    salt = secrets.token_hex(_SALT_BYTES)
    return Secret(salt, _scrypt(pin, salt, PARAMS), PARAMS)


def matches(pin: str, secret: Secret) -> bool:
    """Whether this is the PIN. Where there is none, the same work is done for nothing."""
    known = bool(secret.hash)
    tried = secret if known else _NOBODY
    found = _scrypt(pin[:_LONGEST_TRIED], tried.salt, tried.params)
    return hmac.compare_digest(found, tried.hash) and known


def _scrypt(pin: str, salt: str, params: str) -> str:
    n, r, p = (int(part) for part in params.split(":"))
    word, raw = pin.encode("utf-8", "replace"), bytes.fromhex(salt)
    return hashlib.scrypt(word, salt=raw, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32).hex()


_NOBODY: Final = Secret("00" * _SALT_BYTES, "00" * 32, PARAMS)


def counted(tries: Tries, at: float, lock_after: int = TRIES) -> tuple[Tries, float]:
    """One more wrong try at ``at``, and for how many seconds the login is locked from then on."""
    if not 0.0 <= at - tries.counted_from <= TRIES_WITHIN_S:
        tries = replace(tries, failures=0, counted_from=at)
    if at - tries.locked_until > FORGOTTEN_AFTER_S:
        tries = replace(tries, locks=0)
    failures = tries.failures + 1
    if failures < lock_after:
        return replace(tries, failures=failures), 0.0
    seconds = LOCKED_S[min(tries.locks, len(LOCKED_S) - 1)]
    return Tries(0, at, tries.locks + 1, at + seconds), seconds


def locked_s(tries: Tries, at: float) -> float:
    """How much longer no PIN is tried; never longer than the longest lock-out, whatever a clock did."""
    return min(max(0.0, tries.locked_until - at), LOCKED_S[-1])
