"""What the switch says about itself: show channels, show calls, uuid_dump, status.

Reads the channel table only.  Keys are those of a real `show ... as json`; like there, `application` is the last one
that was executed (a prompt's `playback` too, nothing after a hold, stale after a re-park), and `presence_data` and
`accountcode` what they were at that moment or at the start, not what `uuid_setvar` set since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from freeswitch.standin.channel import Leg
from freeswitch.standin.events import SwitchEvent, stamp_text
from freeswitch.standin.kernel import VERSION, Kernel

_CALL_KEYS = (
    "uuid",
    "direction",
    "created",
    "created_epoch",
    "name",
    "state",
    "cid_name",
    "cid_num",
    "ip_addr",
    "dest",
    "presence_id",
    "presence_data",
    "accountcode",
    "callstate",
    "callee_name",
    "callee_num",
    "callee_direction",
    "call_uuid",
    "hostname",
    "sent_callee_name",
    "sent_callee_num",
)


def channel_row(leg: Leg, hostname: str) -> dict[str, str]:
    """One row of `show channels as json`."""
    who = leg.identity
    codec = (
        {"codec": "PCMA", "rate": "8000", "bit_rate": "64000"}
        if leg.up
        else {"codec": "", "rate": "", "bit_rate": ""}
    )
    return {
        "uuid": who.uuid,
        "direction": who.direction,
        "created": stamp_text(leg.times.created),
        "created_epoch": str(leg.times.created // 1_000_000),
        "name": who.name,
        "state": leg.state,
        "cid_name": "Outbound Call" if leg.flipped else who.caller_name,
        "cid_num": who.number if leg.flipped else who.caller_number,
        "ip_addr": who.network_addr if who.inbound else "",
        "dest": who.number,
        "application": leg.shown.app,
        "application_data": leg.shown.app_data,
        "dialplan": "XML" if who.inbound else "",
        "context": who.context,
        "read_codec": codec["codec"],
        "read_rate": codec["rate"],
        "read_bit_rate": codec["bit_rate"],
        "write_codec": codec["codec"],
        "write_rate": codec["rate"],
        "write_bit_rate": codec["bit_rate"],
        "secure": "",
        "hostname": hostname,
        "presence_id": leg.shown.presence_id,
        "presence_data": leg.shown.presence_data,
        "accountcode": leg.shown.accountcode,
        "callstate": leg.call_state,
        "callee_name": "" if who.inbound else who.caller_name if leg.flipped else "Outbound Call",
        "callee_num": "" if who.inbound else who.caller_number if leg.flipped else who.number,
        "callee_direction": "SEND" if leg.bridge is not None else "",
        "call_uuid": leg.other.identity.uuid
        if leg.other is not None and leg.other.role == "originator"
        else who.uuid,
        "sent_callee_name": "",
        "sent_callee_num": "",
        "initial_cid_name": who.caller_name,
        "initial_cid_num": who.caller_number,
        "initial_ip_addr": who.network_addr if who.inbound else "",
        "initial_dest": who.number,
        "initial_dialplan": "XML" if who.inbound else "",
        "initial_context": who.context,
    }


def call_rows(legs: Iterable[Leg], hostname: str) -> list[dict[str, str]]:
    """Rows of `show calls as json`: one for each bridged pair, the first-named leg in front, the other
    under `b_`.
    """
    rows = []
    for leg in legs:
        bridge = leg.bridge
        if bridge is None or leg is not bridge.a:
            continue
        first, second = channel_row(bridge.a, hostname), channel_row(bridge.b, hostname)
        row = {key: first[key] for key in _CALL_KEYS}
        row.update({f"b_{key}": second[key] for key in _CALL_KEYS if key not in ("call_uuid", "hostname")})
        row["call_created_epoch"] = str(leg.times.bridged // 1_000_000)
        rows.append(row)
    return rows


def listing(rows: list[dict[str, str]], as_json: bool) -> str:
    """Rows as the switch prints them: JSON, or comma-separated with a header and a total."""
    if as_json:
        return json.dumps(
            {"row_count": len(rows), "rows": rows} if rows else {"row_count": 0}, separators=(",", ":")
        )
    if not rows:
        return "\n0 total.\n"
    lines = [",".join(rows[0])] + [",".join(row.values()) for row in rows]
    return "\n".join(lines) + f"\n\n{len(rows)} total.\n"


def dump(event: SwitchEvent, as_json: bool) -> str:
    """uuid_dump: the channel's headers as JSON or as plain lines (not URL-encoded, as in the real one)."""
    if as_json:
        return json.dumps(event.headers, separators=(",", ":"))
    return "".join(f"{name}: {value}\n" for name, value in event.headers.items())


def status(switch: Kernel) -> str:
    """The text of `status`."""
    limits = switch.limits
    peak = switch.sessions_peak
    return (
        f"UP {switch.uptime_text()}\n"
        f"FreeSWITCH (Version {VERSION}  64bit) is ready\n"
        f"{switch.sessions} session(s) since startup\n"
        f"{len(switch.legs)} session(s) - peak {peak}, last 5min {peak} \n"
        f"{switch.rate_last} session(s) per Sec out of max {limits.sessions_per_second}, "
        f"peak {switch.rate_peak}, last 5min {switch.rate_peak} \n"
        f"{limits.max_sessions} session(s) max\n"
        "min idle cpu 0.00/99.00\n"
        "Current Stack Size/Max 240K/8192K\n"
    )
