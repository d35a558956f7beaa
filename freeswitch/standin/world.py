"""The modelled world under the stand-in switch: carriers, callees and agents' phones.

Owns every chance in the model of who answers, when, and for how long they talk.  It is pure: the generator is
passed in, the time is an argument, and it knows nothing of channels, events or sockets.  It must never import
`random`, `time` or a socket: a seed has to reproduce a whole shift.

All times are seconds; all probabilities are ratios 0-1.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from freeswitch.standin.voices import DEAD, MACHINES, PERSONS

T = TypeVar("T")
MACHINE_RECORDS_S = 60.0
PRESS_S = (2.0, 6.0)
"""How long a machine records before it hangs up."""

# Final responses of a carrier that the model can play (0: none ever comes, the callee's phone just rings on).
ANSWERED, BUSY, REJECTED, INVALID, FAILED, NO_REPLY = 200, 486, 603, 404, 503, 0


class WorldError(ValueError):
    """A world was described with a value that it cannot have; the message names the field and what was
    expected.
    """


class Rng(Protocol):
    """The part of `random.Random` that the model uses."""

    def random(self) -> float: ...
    def uniform(self, a: float, b: float) -> float: ...
    def lognormvariate(self, mu: float, sigma: float) -> float: ...
    def expovariate(self, lambd: float) -> float: ...
    def getrandbits(self, k: int) -> int: ...
    def choice(self, seq: Sequence[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What one dialed number will do, decided when it is dialed.

    `sip_status` is the final response (200 answers, 0 never replies), `final_s` its delay from the INVITE.
    `ring_s` is the delay of the 180 and `early_media_s` of a 183 (None: not sent).  Once answered, the callee
    hangs up after `patience_s` without an agent, after `talk_s` with one, and after `hangup_s` in any case
    (None: never).  With `keys` it presses those, one each 0.3 s, from `keys_s` after its answer on.
    `says` is the voice that greets after the answer, `announces` what the carrier plays in early media (`voices`).
    `unreachable` means that the carrier itself cannot be reached: the switch reports 503 at
    once.
    """

    sip_status: int = ANSWERED
    final_s: float = 5.0
    ring_s: float | None = 0.02
    early_media_s: float | None = None
    patience_s: float | None = None
    talk_s: float | None = None
    hangup_s: float | None = None
    unreachable: bool = False
    says: str = ""
    announces: str = ""
    keys: str = ""
    keys_s: float = 1.0


@dataclass(frozen=True, slots=True)
class PhonePlan:
    """What an agent's phone will do when called; `drop_s` counts from its answer (None: it stays up)."""

    sip_status: int = ANSWERED
    final_s: float = 0.1
    ring_s: float | None = 0.01
    drop_s: float | None = None
    registered: bool = True


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """A description of carriers, callees and phones.

    Outcome shares (`answer_probability`, `busy_probability`, ...) need not sum to 1: what is left does not
    answer. `answer_groups` mixes leads of different answerability: pairs (weight, factor on
    `answer_probability`); each number belongs to one group for good.  `machine_probability` is the share of answers
    by machines, `announced_probability` that of invalid numbers which the carrier tells in early media, not by a 404.
    `press_probabilities`: pairs (keys, share of the persons who press them, after some seconds of listening).
    `talk_times_s` is an empirical list of
    conversations (scaled by `talk_scale`); when empty, talk is lognormal.  `gateway_failures`: the share of calls
    that a carrier turns away with 503 before anything rings, by gateway.  `gateways` empty means that every
    gateway exists.  `scripted` forces what a number does; `scripted_phones` the same by the extension or the
    whole dial string.

    A phone that has a call is busy for a second one unless `phone_call_waiting`, or it stands in
    `phones_call_waiting`.  `dialplan` is FreeSWITCH's XML for calls that come in (empty: `dialplan.DEFAULT`).
    Recordings are written as silent files with `records`, refused below `unwritable`, cut short while `disk_full`.
    `callers_per_hour` people call a number of `called` each (see `callers`), from a thousand numbers that begin with
    `caller_prefix`; they wait `caller_patience_mean_s` on average (exponential).
    """

    answer_probability: float = 0.35
    busy_probability: float = 0.08
    rejected_probability: float = 0.03
    invalid_probability: float = 0.04
    failure_probability: float = 0.02
    answer_groups: tuple[tuple[float, float], ...] = ((1.0, 1.0),)
    number_salt: int = 0
    machine_probability: float = 0.0
    announced_probability: float = 0.0
    press_probabilities: tuple[tuple[str, float], ...] = ()

    progress_min_s: float = 0.3
    progress_max_s: float = 1.5
    silent_progress_probability: float = 0.03
    early_media_probability: float = 0.08
    ring_mean_s: float = 9.0
    ring_sd_s: float = 5.0
    ring_max_s: float = 45.0
    refuse_min_s: float = 1.0
    refuse_max_s: float = 3.0

    patience_mean_s: float = 8.0
    patience_min_s: float = 1.0
    talk_times_s: tuple[float, ...] = ()
    talk_scale: float = 1.0
    talk_mean_s: float = 180.0
    talk_sd_s: float = 180.0
    talk_min_s: float = 1.0
    talk_max_s: float = 3600.0
    hangup_at_answer_probability: float = 0.01

    gateways: tuple[str, ...] = ()
    gateways_down: tuple[str, ...] = ()
    gateway_failures: Mapping[str, float] = field(default_factory=dict)

    phone_answer_min_s: float = 0.05
    phone_answer_max_s: float = 0.3
    phone_no_answer_probability: float = 0.0
    phone_busy_probability: float = 0.0
    phone_reject_probability: float = 0.0
    phone_call_waiting: bool = False
    phones_call_waiting: tuple[str, ...] = ()
    phone_drops_per_hour: float = 0.0
    phones_unregistered: tuple[str, ...] = ()

    file_durations_s: Mapping[str, float] = field(default_factory=dict)
    default_file_s: float = 6.0

    callers_per_hour: float = 0.0
    called: tuple[str, ...] = ()
    caller_prefix: str = "+493023125"
    caller_patience_mean_s: float = 90.0
    caller_press_probabilities: tuple[tuple[str, float], ...] = ()

    dialplan: str = ""
    records: bool = False
    unwritable: tuple[str, ...] = ("/proc/",)
    disk_full: bool = False

    scripted: Mapping[str, CallPlan] = field(default_factory=dict)
    scripted_phones: Mapping[str, PhonePlan] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name.endswith("_probability") and not 0.0 <= value <= 1.0:
                raise WorldError(f"{name}: {value!r}: a ratio from 0 to 1 was expected")
            if name.endswith("_s") and isinstance(value, (int, float)) and value < 0:
                raise WorldError(f"{name}: {value!r}: seconds of 0 or more were expected")
        if not self.answer_groups or any(weight < 0 or factor < 0 for weight, factor in self.answer_groups):
            raise WorldError("answer_groups: pairs of (weight >= 0, factor >= 0) were expected, at least one")
        for name in ("press_probabilities", "caller_press_probabilities"):
            if not 0.0 <= sum(share for _, share in getattr(self, name)) <= 1.0:
                raise WorldError(f"{name}: shares that sum to 1 at most were expected")
        if sum(weight for weight, _ in self.answer_groups) <= 0:
            raise WorldError("answer_groups: a sum of weights above 0 was expected")
        if not all(0.0 <= share <= 1.0 for share in self.gateway_failures.values()):
            raise WorldError("gateway_failures: ratios from 0 to 1 were expected")
        if any(seconds < 0 for seconds in self.talk_times_s):
            raise WorldError("talk_times_s: seconds of 0 or more were expected")
        if self.talk_scale < 0 or self.phone_drops_per_hour < 0 or self.callers_per_hour < 0:
            raise WorldError("talk_scale, phone_drops_per_hour and callers_per_hour: 0 or more was expected")


def lognormal_parameters(mean: float, sd: float) -> tuple[float, float]:
    """(mu, sigma) of the lognormal distribution with this mean and standard deviation; mean must be above
    0.
    """
    variance = math.log(1.0 + (sd / mean) ** 2)
    return math.log(mean) - variance / 2.0, math.sqrt(variance)


class World:
    """Draws what each dialed number and each phone does, from one `WorldSpec` and one generator."""

    __slots__ = ("_group_bounds", "_ring", "_rng", "_talk", "spec")

    def __init__(self, spec: WorldSpec, rng: Rng) -> None:
        self.spec = spec
        self._rng = rng
        self._ring = lognormal_parameters(max(spec.ring_mean_s, 0.001), spec.ring_sd_s)
        self._talk = lognormal_parameters(max(spec.talk_mean_s, 0.001), spec.talk_sd_s)
        total = sum(weight for weight, _ in spec.answer_groups)
        bound = 0.0
        bounds: list[tuple[float, float]] = []
        for weight, factor in spec.answer_groups:
            bound += weight / total
            bounds.append((bound, factor))
        self._group_bounds = tuple(bounds)

    def gateway_exists(self, gateway: str) -> bool:
        """Whether the switch has a gateway of this name; an empty list in the spec admits every name."""
        return not self.spec.gateways or gateway in self.spec.gateways

    def answer_probability(self, number: str) -> float:
        """This number's own chance to be answered, by its answerability group (stable for a number and a
        salt).
        """
        place = zlib.crc32(f"{self.spec.number_salt}:{number}".encode()) / 0x1_0000_0000
        factor = self._group_bounds[-1][1]
        for bound, candidate in self._group_bounds:
            if place < bound:
                factor = candidate
                break
        return min(1.0, self.spec.answer_probability * factor)

    def plan_call(self, gateway: str, number: str, now: float) -> CallPlan:
        """Decide what happens to one dial of `number` over `gateway`; `now` is given for worlds that
        change in time.
        """
        spec, rng = self.spec, self._rng
        scripted = spec.scripted.get(number)
        if scripted is not None:
            return scripted
        if gateway in spec.gateways_down:
            return CallPlan(sip_status=FAILED, final_s=0.0, ring_s=None, unreachable=True)
        fails = spec.gateway_failures.get(gateway, 0.0)
        if fails and rng.random() < fails:
            return self._refused(FAILED)
        place = rng.random() - self.answer_probability(number)
        if place < 0:
            return self._answered(number)
        for share, status in (
            (spec.busy_probability, BUSY),
            (spec.rejected_probability, REJECTED),
            (spec.invalid_probability, INVALID),
            (spec.failure_probability, FAILED),
        ):
            if place < share:
                return self._refused(status)
            place -= share
        ring, early = self._progress()
        return CallPlan(sip_status=NO_REPLY, final_s=0.0, ring_s=ring, early_media_s=early)

    def plan_phone(self, dialstring: str, now: float) -> PhonePlan:
        """Decide what an agent's phone does; `dialstring` is what follows `user/` or the SIP address."""
        spec, rng = self.spec, self._rng
        extension = dialstring.removeprefix("sip:").partition("@")[0]
        for key in (dialstring, extension):
            if key in spec.scripted_phones:
                return spec.scripted_phones[key]
        if extension in spec.phones_unregistered:
            return PhonePlan(registered=False)
        delay = rng.uniform(spec.phone_answer_min_s, max(spec.phone_answer_min_s, spec.phone_answer_max_s))
        place = rng.random()
        if place < spec.phone_no_answer_probability:
            return PhonePlan(sip_status=NO_REPLY)
        if place < spec.phone_no_answer_probability + spec.phone_busy_probability:
            return PhonePlan(sip_status=BUSY, final_s=delay)
        place -= spec.phone_no_answer_probability + spec.phone_busy_probability
        if place < spec.phone_reject_probability:
            return PhonePlan(sip_status=REJECTED, final_s=delay)
        drop = rng.expovariate(spec.phone_drops_per_hour / 3600.0) if spec.phone_drops_per_hour > 0 else None
        return PhonePlan(final_s=delay, ring_s=delay / 4, drop_s=drop)

    def call_waits(self, user: str) -> bool:
        """Whether a phone takes a second call while it has one."""
        return self.spec.phone_call_waiting or user in self.spec.phones_call_waiting

    def talk_time_s(self, number: str) -> float:
        """How long a conversation with the callee behind `number` lasts, from the moment both hear each
        other.
        """
        spec, rng = self.spec, self._rng
        seconds = rng.choice(spec.talk_times_s) if spec.talk_times_s else rng.lognormvariate(*self._talk)
        return min(spec.talk_max_s, max(spec.talk_min_s, seconds * spec.talk_scale))

    def file_duration_s(self, path: str) -> float:
        """How long a recorded file plays, by its full path or by its last part; the spec's default
        otherwise.
        """
        durations = self.spec.file_durations_s
        return durations.get(path, durations.get(path.rpartition("/")[2], self.spec.default_file_s))

    def _progress(self) -> tuple[float | None, float | None]:
        spec, rng = self.spec, self._rng
        delay = rng.uniform(spec.progress_min_s, max(spec.progress_min_s, spec.progress_max_s))
        kind = rng.random()
        if kind < spec.silent_progress_probability:
            return None, None
        if kind < spec.silent_progress_probability + spec.early_media_probability:
            # Half of these carriers send a 183 instead of the 180, half send it after the 180.
            return (None, delay) if rng.random() < 0.5 else (delay, delay + rng.uniform(0.2, 2.0))
        return delay, None

    def _answered(self, number: str) -> CallPlan:
        spec, rng = self.spec, self._rng
        ring, early = self._progress()
        first = max(ring or 0.0, early or 0.0)
        answer = first + min(spec.ring_max_s, rng.lognormvariate(*self._ring))
        patience = spec.patience_min_s + (
            rng.expovariate(1.0 / spec.patience_mean_s) if spec.patience_mean_s else 0.0
        )
        if rng.random() < spec.hangup_at_answer_probability:
            patience = rng.uniform(0.0, 0.3)
        talk = self.talk_time_s(number)
        if spec.machine_probability and rng.random() < spec.machine_probability:
            voice = MACHINES[zlib.crc32(number.encode()) % len(MACHINES)]
            return CallPlan(ANSWERED, answer, ring, early, MACHINE_RECORDS_S, min(talk, MACHINE_RECORDS_S), says=voice)
        voice = PERSONS[zlib.crc32(number.encode()) % len(PERSONS)]
        plan = CallPlan(ANSWERED, answer, ring, early, patience, talk, says=voice)
        return self._pressing(plan, spec.press_probabilities) if spec.press_probabilities else plan

    def plan_caller(self) -> tuple[str, str, CallPlan]:
        """Somebody who calls: from which number, which one of ours, and with what patience, talk and keys."""
        spec, rng = self.spec, self._rng
        number = f"{spec.caller_prefix}{int(rng.random() * 1000):03d}"
        patience = spec.patience_min_s + rng.expovariate(1.0 / max(spec.caller_patience_mean_s, 0.001))
        plan = CallPlan(patience_s=patience, talk_s=self.talk_time_s(number))
        return number, rng.choice(spec.called), self._pressing(plan, spec.caller_press_probabilities)

    def _pressing(self, plan: CallPlan, presses: tuple[tuple[str, float], ...]) -> CallPlan:
        """A person who presses keys listens until then, and some time more to what comes of it."""
        luck = self._rng.random()
        for keys, share in presses:
            luck -= share
            if luck < 0.0:
                at = self._rng.uniform(*PRESS_S)
                return replace(plan, keys=keys, keys_s=at, patience_s=at + (plan.patience_s or 0.0))
        return plan

    def _refused(self, status: int) -> CallPlan:
        spec, rng = self.spec, self._rng
        delay = rng.uniform(spec.refuse_min_s, max(spec.refuse_min_s, spec.refuse_max_s))
        if status == INVALID and spec.announced_probability and rng.random() < spec.announced_probability:
            return CallPlan(NO_REPLY, 0.0, None, delay, announces=DEAD)
        if status in (INVALID, FAILED):
            return CallPlan(sip_status=status, final_s=delay, ring_s=None)
        ring, early = self._progress()
        return CallPlan(
            sip_status=status,
            final_s=max(ring or 0.0, early or 0.0) + delay,
            ring_s=ring,
            early_media_s=early,
        )
