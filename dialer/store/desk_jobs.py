"""One-shot jobs of the store for the API: attempts, recordings, callbacks, quality control; asked by ``store.tasks``.

Owns what a request may say and the answers, as JSON data with all numbers masked. Each runs in a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from dialer.domain.quality import CRITERIA, may_not_score
from dialer.domain.settings import CallWindows
from dialer.masking import mask_record
from dialer.store import attempts, callback_orders, machine_checks, quality, recordings, tier_report

MEASURED_S: Final = 30 * 86_400.0
"""How far back people's word on machines is counted."""
SHOWN: Final = 500
"""The API shows so many rows at most; whoever wants all has the command line."""


def list_recordings(request: Mapping[str, Any]) -> dict[str, Any]:
    """The newest recordings, of an ``attempt`` if one is named."""
    found = recordings.find(request["url"], attempt=request.get("attempt"), limit=SHOWN)
    return {"recordings": mask_record([asdict(each) for each in found])}


def show_attempt(request: Mapping[str, Any]) -> dict[str, Any]:
    """One attempt (``attempt``: its id); an empty answer when there is none."""
    found = [each for each in attempts.find(request["url"], request["attempt"]) if each["id"] == request["attempt"]]
    return dict(mask_record(found[0])) if found else {}


def list_samples(request: Mapping[str, Any]) -> dict[str, Any]:
    """The newest samples; with ``state`` or ``day`` only those."""
    found = quality.samples(request["url"], state=request.get("state"), day=request.get("day"), limit=SHOWN)
    return {"samples": mask_record(found)}


def show_sample(request: Mapping[str, Any]) -> dict[str, Any]:
    """One sample (``sample``) with its recordings and cards; an empty answer when there is none."""
    found = quality.sample(request["url"], request["sample"])
    return {} if found is None else dict(mask_record(found))


def score_sample(request: Mapping[str, Any]) -> dict[str, Any]:
    """File a card on ``sample``; an empty answer when there is none, ``{refused}`` when the reviewer may not."""
    marks = {name: bool(request[name]) for name in CRITERIA}
    card = quality.Card(request["reviewer"], marks, request["note"])
    found = quality.sample(request["url"], request["sample"])
    if found is None:
        return {}
    rules = request.get("reviewers", {"roles": {}, "allowed": ()})
    refused = may_not_score(card.reviewer, found["agent"], rules["roles"], rules["allowed"])
    if refused:
        return {"refused": refused}
    done = quality.score(
        request["url"],
        request["sample"],
        card,
        recontact_after_s=request["recontact_after_s"],
        most_attempts=request.get("most_attempts", {}),
    )
    return {} if done is None else done


def judge_machine(request: Mapping[str, Any]) -> dict[str, Any]:
    """File what was heard in ``sample``; empty when it is no machine's, ``{refused}`` when the reviewer may not."""
    rules = request.get("reviewers", {"roles": {}, "allowed": ()})
    refused = may_not_score(request["reviewer"], "", rules["roles"], rules["allowed"])
    if refused:
        return {"refused": refused}
    done = machine_checks.judge(
        request["url"], request["sample"], request["who"], request["reviewer"], request["note"]
    )
    return {} if done is None else done


def measure_machines(request: Mapping[str, Any]) -> dict[str, Any]:
    """Each campaign's share of persons among those taken for machines, by people's word, of the last 30 days."""
    since = time.time() - MEASURED_S
    checks = machine_checks.measured(request["url"], since, request.get("machine_words", ()))
    configured = request.get("amd_false_positive", {})
    return {"since": since, "campaigns": [machine_checks.told(each, configured.get(each.campaign)) for each in checks]}


def report_tiers(request: Mapping[str, Any]) -> dict[str, Any]:
    """Customers by tier and direction, of calls from ``since`` until ``until``."""
    found = tier_report.tiers(request["url"], request["since"], request["until"], request.get("tier_targets", {}))
    return {
        "since": request["since"],
        "until": request["until"],
        "tiers": [
            {**asdict(each), "connect_rate": each.connect_rate, "loss_rate": each.loss_rate} for each in found
        ],
    }


def list_callbacks(request: Mapping[str, Any]) -> dict[str, Any]:
    """Open callbacks and re-contact tasks, the most urgent first."""
    return {"callbacks": mask_record(quality.callbacks(request["url"], limit=SHOWN))}


def show_callback(request: Mapping[str, Any]) -> dict[str, Any]:
    """One callback (``callback``); an empty answer when there is none."""
    return _shown(callback_orders.show(request["url"], request["callback"]))


def order_callback(request: Mapping[str, Any]) -> dict[str, Any]:
    """Write one down (no ``callback``), move it (``at``), or cancel it; an empty answer when there is none,
    ``{wrong}`` when it cannot be done.
    """
    url, given = request["url"], request["order"]
    known = callback_orders.Known(
        {name: (lists, _windows(days, zone)) for name, (lists, days, zone) in request["campaigns"].items()},
        frozenset(request["reviewers"]["roles"]),
    )
    try:
        if "callback" not in request:
            return _shown(callback_orders.create(url, known, **given))
        if "at" in given:
            return _shown(callback_orders.reschedule(url, known, request["callback"], **given))
        return _shown(callback_orders.cancel(url, request["callback"], **given))
    except callback_orders.OrderRefused as error:
        return {"wrong": str(error)}


def _windows(days: list[list[list[int]]], zone: str) -> CallWindows:
    return CallWindows(tuple(tuple((start, end) for start, end in day) for day in days), zone)


def _shown(row: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if row is None else {**mask_record(row), "local_time": callback_orders.told(row)}


JOBS: Final = {
    "attempt": show_attempt,
    "recordings": list_recordings,
    "qc_samples": list_samples,
    "qc_sample": show_sample,
    "qc_score": score_sample,
    "qc_machine": judge_machine,
    "qc_machines": measure_machines,
    "tiers": report_tiers,
    "callbacks": list_callbacks,
    "callback": show_callback,
    "callback_order": order_callback,
}
