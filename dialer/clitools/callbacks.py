"""``dialer callbacks add|reschedule|cancel`` and ``dialer explain callback``: orders, and what is printed of them.

Owns the wording. What may be done is ``dialer.store.callback_orders``'; prints no whole phone number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dialer.clitools import running
from dialer.clitools.database import database
from dialer.clitools.options import EXIT_USAGE, CliError
from dialer.clitools.output import say, stamp
from dialer.clitools.service import Service
from dialer.masking import mask_record, mask_text

Known = Any
"""``callback_orders.Known``, which is imported when it is needed: SQL takes its time."""


def add(where: running.Where, order: Mapping[str, Any], *, as_json: bool) -> None:
    """Write one down. Raises CliError."""
    from dialer.store import callback_orders

    _carry_out(where, lambda url, known: callback_orders.create(url, known, by="an operator", **order), 0, as_json)


def reschedule(where: running.Where, ident: int, order: Mapping[str, Any], *, as_json: bool) -> None:
    """Another time. Raises CliError."""
    from dialer.store import callback_orders

    _carry_out(where, lambda url, known: callback_orders.reschedule(url, known, ident, **order), ident, as_json)


def cancel(where: running.Where, ident: int, reason: str, *, as_json: bool) -> None:
    """Call it off. Raises CliError."""
    from dialer.store import callback_orders

    _carry_out(where, lambda url, known: callback_orders.cancel(url, ident, reason=reason), ident, as_json)


def _carry_out(
    where: running.Where, do: Callable[[str, Known], Mapping[str, Any] | None], ident: int, as_json: bool
) -> None:
    from dialer.settings import engine_settings
    from dialer.store import callback_orders

    loaded = running.load(where)
    engine = engine_settings(loaded.config, "")
    campaigns = {name: (each.lists, each.windows) for name, each in engine.campaigns.items()}
    known = callback_orders.Known(campaigns, engine.agents.keys())
    try:
        with database(loaded) as url:
            row = do(url, known)
    except callback_orders.OrderRefused as error:
        raise CliError(mask_text(str(error)), EXIT_USAGE) from None
    if row is None:
        raise CliError(f"no callback {ident}: expected an id of `dialer callbacks list --state all`")
    if as_json:
        print(json.dumps(mask_record(dict(row)), indent=2))
        return
    whose = f"for agent {row['agent']}" if row["agent"] else "for anyone"
    why = f": {mask_text(row['reason'])}" if row["reason"] else ""
    say(f"callback {row['id']} of {row['campaign']}, {whose}: {callback_orders.told(row)}, {row['state']}{why}")


def explain(service: Service, ident: int, *, as_json: bool) -> None:
    """Why a callback waits, as the running service sees it. Raises ServiceError."""
    told = service.get("v1", "callbacks", str(ident))
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in text(told):
        say(line)


def text(told: Mapping[str, Any]) -> list[str]:
    """The answer of /v1/callbacks/ID as lines for a person."""
    lines = [
        f"callback {told['id']} of campaign {told['campaign']}: {told['state']}, {told['kind']}",
        f"  wanted {told['local_time']}, next {stamp(told['due_at'])}, {told['tries']} calls made",
        f"  promised by {told['agent']}" if told["agent"] else "  anyone may do it",
    ]
    if told["waits"]:
        lines.append(f"  {mask_text(str(told['waits']))}")
    return lines


