"""The shape of ``phones``: codes that phones dial, keys of agents' acts, pause reasons, sounds, and who may dial what.

Owns keys, limits and defaults, and the rules between them: in each situation no act's keys begin with another's. The
acts themselves are the engine's (``dialer.domain.acts``); which there are is repeated here, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from config.section import HOUR, Section
from config.values import Flag, Label, Name, duration, matching, whole

PhonesFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""

ACTS: Final[Mapping[str, tuple[str, str]]] = {
    "ready": ("*1", "IW"),
    "pause": ("*2", "IPTW"),
    "logout": ("*0", "IPTW"),
    "accept": ("1", "P"),
    "skip": ("2", "P"),
    "repeat": ("3", "P"),
    "dial": ("*90", "IW"),
    "redial": ("**", "IW"),
    "dispose": ("", "W"),
    "callback": ("*4", "W"),
    "more_time": ("*6", "W"),
    "hold": ("*3", "T"),
    "transfer": ("*4", "T"),
    "consult": ("*7", "T"),
    "complete": ("*1", "C"),
    "conference": ("*2", "C"),
    "back": ("*0", "C"),
    "help": ("*8", "TIW"),
    "mask": ("*6", "TC"),
    "record": ("*98", "T"),
    "do_not_call": ("*5", "TW"),
    "hang_up": ("*#", "T"),
    "send_keys": ("*99", "T"),
}
"""Each act's default keys, and the situations in which they mean it: idle, preview, talking, consulting, wrap-up."""
SITUATIONS: Final = {"I": "idle", "P": "a preview", "T": "a call", "C": "a consultation", "W": "wrap-up"}
ARGUED: Final = ("pause", "dial", "dispose", "callback")
"""Acts with an argument that are possible once the customer has left: the rest of longer keys, that mean something in a
conversation only, would be read as that.
"""
PLAIN: Final = "dispose"
"""The act that takes plain digits when it has no keys."""

Code = Annotated[str, matching(r"[*#]?[0-9*]{1,10}", "a number to dial: up to 10 keys, such as '*10' (in quotes)")]
Keys = Annotated[str, matching(r"[0-9*#]{0,6}", "up to 6 keys of 0-9 * #, such as '*1' (in quotes); '' for none")]
OwnNumber = Annotated[str, matching(r"\+?[0-9]{2,20}", "a number of your own, as the carrier sends it, in quotes", 21)]
Digits = Annotated[str, matching(r"[0-9]{1,2}", "one or two digits")]
Short = Annotated[str, matching(r"[0-9]{2,6}", "a short number in quotes: 2 to 6 digits, such as '112'")]
Start = Annotated[str, matching(r"\+?[0-9]{0,15}", "how numbers begin: at most 15 digits")]
Sound = Annotated[
    str,
    matching(
        r"/[A-Za-z0-9._/-]{1,400}|(?:local_stream|tone_stream|silence_stream)://[A-Za-z0-9%(),.;=/*+_-]{1,200}",
        "an absolute path as the switch sees it, or local_stream://NAME or tone_stream://…",
        430,
    ),
]


class DialRuleConfig(Section):
    """Which outside numbers ``roles`` may dial: the longest beginning that fits decides; without one that fits: no.

    Beginnings are of international numbers. ``region`` is the country of numbers keyed in without a country code;
    without it they must hold one. ``short`` numbers (emergency calls, services) are dialed as they are keyed in.
    """

    roles: tuple[Name, ...] = ("agent",)
    allow: tuple[Start, ...] = ()
    deny: tuple[Start, ...] = ()
    region: Annotated[str, matching(r"[A-Z]{2}", "a country's two capital letters, such as DE")] | None = None
    shortest: Annotated[int, whole(1, 20)] = 3
    longest: Annotated[int, whole(1, 20)] = 20
    short: tuple[Short, ...] = ()


class DisplayDigits(Section):
    """How many digits of a number stay readable at its two ends; four at least are always hidden."""

    first: Annotated[int, whole(0, 6)] = 3
    last: Annotated[int, whole(0, 6)] = 4


class PhoneConfig(Section):
    """How agents' and supervisors' phones are used. ``keys`` replaces the default keys of single acts.

    Who calls one of ``login_numbers`` or ``supervise_numbers`` from outside has dialed the code: agents on mobiles.

    ``tries`` wrong entries end the call; ``lock_after`` wrong PINs within 15 minutes lock the agent's login, whatever
    calls and phones they came from.
    ``ring_tries``: a lost open line is rung anew so often, with growing pauses; then its agent has to act.
    ``display`` is what an agent's phone shows of a customer, in a call only: nothing unless it is named, and of a
    number never more than ``display_digits``.
    ``wait_sound`` is what an open line hears between customers, ``hold_sound`` a customer on hold; without: silence.
    """

    login_code: Code = "*10"
    supervise_code: Code = "*20"
    login_numbers: tuple[OwnNumber, ...] = ()
    supervise_numbers: tuple[OwnNumber, ...] = ()
    keys: dict[str, Keys] = Field(default={})
    pause_reasons: dict[Digits, Label] = Field(default={})
    digit_gap_s: Annotated[float, duration(0.5, 30)] = 3.0
    entry_limit_s: Annotated[float, duration(3, HOUR)] = 20.0
    tries: Annotated[int, whole(1, 20)] = 3
    lock_after: Annotated[int, whole(1, 100)] = 5
    ring_tries: Annotated[int, whole(1, 100)] = 8
    wait_sound: Sound | None = None
    hold_sound: Sound | None = None
    beep: Flag = True
    display: tuple[Literal["name", "campaign", "tier", "tag", "number"], ...] = ()
    display_digits: DisplayDigits = DisplayDigits()
    supervisor_roles: tuple[Name, ...] = ("supervisor",)
    dial_rules: tuple[DialRuleConfig, ...] = ()

    def all_keys(self) -> dict[str, str]:
        """The keys of every act."""
        return {name: self.keys.get(name, default) for name, (default, _) in ACTS.items()}


def phones_faults(phones: PhoneConfig) -> Iterator[PhonesFault]:
    """Every fault of the section."""
    for name, keys in phones.keys.items():
        if name not in ACTS:
            yield ("keys", name), keys, f"an act: one of {', '.join(ACTS)}"
    yield from _code_faults(phones)
    keys_of = phones.all_keys()
    for name, other, situation in _clashes(keys_of):
        blamed = other if other in phones.keys or name not in phones.keys else name
        rival = name if blamed == other else other
        expected = (
            f"keys that cannot be confused with those of {rival} ({keys_of[rival] or 'plain digits'}) "
            f"in {SITUATIONS[situation]}"
        )
        yield ("keys", blamed), keys_of[blamed], expected
    seen: set[str] = set()
    for index, rule in enumerate(phones.dial_rules):
        for role in rule.roles:
            if role in seen:
                yield ("dial_rules", index, "roles"), role, "each role in one rule only"
            seen.add(role)
        if rule.longest < rule.shortest:
            yield ("dial_rules", index, "longest"), rule.longest, f"at least shortest, which is {rule.shortest}"


def _code_faults(phones: PhoneConfig) -> Iterator[PhonesFault]:
    """Codes, and numbers that stand for them, that cannot be told apart. Behind a code stands an agent's number."""
    login, supervise = phones.login_code, phones.supervise_code
    if supervise == login:
        yield ("supervise_code",), supervise, "another number than login_code"
    elif supervise.startswith(login) or login.startswith(supervise):
        yield ("supervise_code",), supervise, f"a code that does not begin like login_code ({login}), nor the other way"
    seen: set[str] = set()
    for key in ("login_numbers", "supervise_numbers"):
        for index, number in enumerate(getattr(phones, key)):
            bare = number.removeprefix("+")
            if bare in seen:
                yield (key, index), number, "a number that stands in login_numbers or supervise_numbers once only"
            seen.add(bare)


def _clashes(keys_of: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Pairs of acts, and where, of which one's keys begin with the other's. Each pair is told once."""
    told: set[tuple[str, str]] = set()
    for situation in SITUATIONS:
        here = sorted((keys_of[name], name) for name, (_, where) in ACTS.items() if situation in where)
        for index, (first, name) in enumerate(here):
            for longer, other in here[index + 1 :]:
                plain = name == PLAIN and not first and longer[:1].isdecimal()
                if (plain or (first and longer.startswith(first))) and (name, other) not in told:
                    told.add((name, other))
                    yield name, other, situation
    for name in ARGUED:
        first, where = keys_of[name], ACTS[name][1]
        for other, (_, elsewhere) in ACTS.items():
            longer = keys_of[other]
            if first and longer != first and longer.startswith(first) and not set(where) & set(elsewhere):
                yield name, other, elsewhere[0]
