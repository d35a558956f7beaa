"""The shape of ``embedded``, the modelled world under the embedded switch: callees, carrier, phones, talks, callers.

Owns what may be written of it and what holds when it is not. Durations are seconds once read; shares 0–1. Must not
compare with other sections: that is ``config.checks``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import DAY, HOUR, Section
from config.values import FilePath, Name, Share, Span, duration, matching, number, printable, whole

Seconds = Annotated[float, duration(0, 3600)]


class RingToAnswer(Section):
    """How long an answered call rings (lognormal)."""

    mean_s: Annotated[float, duration(0.1, 300)] = 9.0
    sd_s: Annotated[float, duration(0, 300)] = 5.0
    max_s: Annotated[float, duration(0.1, 600)] = 45.0


Keys = Annotated[str, matching(r"[0-9*#]{1,20}", "keys, in quotes: digits, '*' and '#'", 20)]


class CalleesConfig(Section):
    """The modelled people who are called. What is left of 1 after all shares rings without an answer.

    ``machine_share`` of the answers are answering machines. ``press``: keys, and the share of people who press them.
    """

    answer_probability: Share = 0.3
    ring_to_answer: RingToAnswer = RingToAnswer()
    busy_share: Share = 0.08
    rejected_share: Share = 0.03
    invalid_share: Share = 0.04
    patience_s: Annotated[float, duration(0.1, 3600)] = 8.0
    hangup_at_answer_share: Share = 0.01
    machine_share: Share = 0.0
    press: dict[Keys, Share] = Field(default={})


class CarrierConfig(Section):
    """The modelled carrier. ``silent_share`` of calls never say that they ring; of numbers that do not exist
    ``announced_share`` are told by announcement, without a 404. ``failing``: by gateway, the share of calls that are
    turned away with a 503 before anything rings.
    """

    progress_delay_s: Span = (0.3, 1.5)
    silent_share: Share = 0.03
    early_media_share: Share = 0.08
    failure_share: Share = 0.02
    refusal_delay_s: Span = (1.0, 3.0)
    announced_share: Share = 0.0
    failing: dict[Name, Share] = Field(default={})


class PhonesConfig(Section):
    """The modelled agents' phones."""

    answer_delay_s: Span = (0.05, 0.3)
    no_answer_share: Share = 0.0
    busy_share: Share = 0.0
    drops_per_hour: Annotated[float, number(0, 3600)] = 0.0


class TalkConfig(Section):
    """How long modelled conversations last, before ``scale`` multiplies it.

    With a ``file`` (CSV): drawn from its ``column`` of seconds. Without: lognormal with ``mean_s`` and
    ``sd_s``.
    """

    file: FilePath | None = None
    column: Annotated[str, printable(100)] = "duration"
    mean_s: Annotated[float, duration(0.1, DAY)] = 180.0
    sd_s: Annotated[float, duration(0, DAY)] = 180.0
    scale: Annotated[float, number(0.001, 1000)] = 1.0
    min_s: Annotated[float, duration(0, HOUR)] = 1.0
    max_s: Annotated[float, duration(0.1, DAY)] = HOUR


class CallersConfig(Section):
    """The modelled people who call the numbers of ``inbound``, from a thousand numbers that begin with ``prefix``. They
    hang up when nobody has come for ``patience_s`` on average; ``press``: keys, and the share who press them.
    """

    per_hour: Annotated[float, number(0, 100_000)] = 0.0
    patience_s: Annotated[float, duration(0.1, 3600)] = 90.0
    prefix: Annotated[str, matching(r"\+[1-9][0-9]{4,10}", "a prefix like +493023125", 12)] = "+493023125"
    press: dict[Keys, Share] = Field(default={})


class EmbeddedConfig(Section):
    """The modelled world under the embedded switch. Used with ``switch: embedded`` only."""

    seed: Annotated[int, whole(0, 2**31 - 1)] = 1
    port: Annotated[int, whole(0, 65535)] = 0
    capacity: Annotated[int, whole(1, 100_000)] = 800
    linger_s: Annotated[float, duration(0, DAY)] = 60.0
    callees: CalleesConfig = CalleesConfig()
    carrier: CarrierConfig = CarrierConfig()
    phones: PhonesConfig = PhonesConfig()
    callers: CallersConfig = CallersConfig()
    talk: TalkConfig = TalkConfig()
