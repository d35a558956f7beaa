"""The shape of ``qc``: which conversations are drawn for listening each day; and what must fit together.

Owns keys, limits and the rules between them, like ``config.schema``, of which it is a part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from config.section import DAY, HOUR, Section
from config.values import Name, Share, Zone, duration, matching, whole

QcFault = tuple[tuple[str | int, ...], object, str]
"""Path under the section, the value at fault, what was expected."""


class ShortSaleConfig(Section):
    """Conversations with one of ``dispositions`` that were shorter than ``under_s``: too short for an honest sale."""

    dispositions: tuple[Name, ...] = ("sale",)
    under_s: Annotated[float, duration(1, HOUR)] = 60.0


class QcConfig(Section):
    """What ``dialer qc sample`` draws for each agent of a day (in ``zone``).

    A random ``share`` of the agent's conversations, at least ``at_least`` and at most ``at_most``, the same ones each
    time for the same ``seed``; and by rule: all
    short sales, conversations over ``long_over_s``, those with one of ``complaint_dispositions``. A failed one becomes
    a task to contact the customer again, due after ``recontact_after_s``. Of calls that were taken for machines' and
    recorded, each campaign's share at most ``machines_at_most``.
    """

    zone: Zone = "UTC"
    seed: Annotated[str, matching(r"[A-Za-z0-9._-]{0,64}", "letters, digits, '.', '_', '-'")] = ""
    share: Share = 0.02
    at_least: Annotated[int, whole(0, 1000)] = 1
    at_most: Annotated[int, whole(0, 1000)] = 20
    short_sale: ShortSaleConfig = ShortSaleConfig()
    long_over_s: Annotated[float, duration(1, DAY)] | None = 1200.0
    complaint_dispositions: tuple[Name, ...] = ("complaint",)
    recontact_after_s: Annotated[float, duration(0, 30 * DAY)] = DAY
    machines_at_most: Annotated[int, whole(0, 1000)] = 50


def qc_faults(qc: QcConfig, known: Collection[str]) -> Iterator[QcFault]:
    """Every fault. ``known``: the dispositions of all campaigns; empty when one of them takes any word."""
    if qc.at_most < qc.at_least:
        yield ("at_most",), qc.at_most, f"at least at_least, which is {qc.at_least}"
    if not known:
        return
    named: list[tuple[tuple[str | int, ...], str]] = []
    if "complaint_dispositions" in qc.model_fields_set:
        named += [(("complaint_dispositions", n), code) for n, code in enumerate(qc.complaint_dispositions)]
    if "dispositions" in qc.short_sale.model_fields_set:
        named += [(("short_sale", "dispositions", n), code) for n, code in enumerate(qc.short_sale.dispositions)]
    for path, code in named:
        if code not in known:
            yield path, code, f"a disposition of some campaign: {', '.join(sorted(known))}"
