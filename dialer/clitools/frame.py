"""One frame of the live view: what the service says of itself, drawn into so many columns and lines.

Owns layout, wording and colours, and the rates per minute worked out from successive answers. Pure: time and
size are given. Everything from the service is cleaned and masked once more before it is drawn.
"""

from __future__ import annotations

import textwrap
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.text import Text

from dialer.clitools.output import duration, printable
from dialer.masking import mask_text

RATE_WINDOW_S: Final = 60.0
_COUNTED: Final = ("attempts", "answered", "connected", "abandoned")
_CALL_STATES: Final = (
    "reserved",
    "dialing",
    "ringing",
    "waiting",
    "connecting",
    "connected",
    "abandoning",
    "recovering",
)
_AGENT_STATES: Final = ("ready", "reserved", "talking", "wrap_up", "previewing", "paused", "connecting")
_STATE_STYLE: Final[Mapping[str, str]] = {
    "ready": "green",
    "talking": "bold cyan",
    "reserved": "cyan",
    "connected": "bold cyan",
    "wrap_up": "yellow",
    "previewing": "magenta",
    "paused": "yellow",
    "unavailable": "bold red",
    "logged_out": "dim",
    "running": "green",
    "stopped": "red",
    "waiting": "bold yellow",
    "abandoning": "bold red",
}
_AGENT_CELL: Final = 25
_FEWEST_AGENT_ROWS: Final = 3
_MOST_QUEUES: Final = 6
_TROUBLE_LINES: Final = 4


class Rates:
    """Events per minute over the last minute, from counters that only grow while one service runs."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Mapping[str, int]]] = deque()

    def add(self, now_s: float, counters: Mapping[str, int]) -> None:
        """One answer's counters, at ``now_s`` on any steady clock. Falling counters are a new service."""
        if self._seen and any(counters[k] < self._seen[-1][1].get(k, 0) for k in counters):
            self._seen.clear()
        self._seen.append((now_s, dict(counters)))
        while len(self._seen) > 2 and self._seen[1][0] <= now_s - RATE_WINDOW_S:
            self._seen.popleft()

    def per_minute(self, name: str) -> float | None:
        """None until there are two answers at different times."""
        if len(self._seen) < 2:
            return None
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        if last_s <= first_s:
            return None
        return (last.get(name, 0) - first.get(name, 0)) * 60.0 / (last_s - first_s)


def totals(status: Mapping[str, Any]) -> dict[str, int]:
    """The counters of all campaigns together."""
    return {name: sum(int(c[name]) for c in status["campaigns"]) for name in _COUNTED}


def draw(
    status: Mapping[str, Any] | None,
    rates: Rates,
    *,
    width: int,
    height: int,
    abandon_limit: float,
    where: str = "",
    trouble: str = "",
    stale_s: float = 0.0,
) -> Group:
    """The frame, at most ``height`` lines of at most ``width`` cells.

    ``status`` is the answer of /v1/status, the last one when ``trouble`` says why there is none now;
    ``stale_s`` is how old it is then. ``abandon_limit`` is a ratio 0–1.
    """
    lines: list[Text] = []
    if trouble:
        told = textwrap.wrap(_clean(trouble), width)[:_TROUBLE_LINES]
        lines += [Text(line, style="bold red") for line in told]
        lines.append(Text(_trying(status, stale_s), style="red"))
    if status is not None:
        body = _body(status, rates, width, height - len(lines), abandon_limit, where)
        if trouble:
            for line in body:
                line.stylize("dim")
        lines += body
    for line in lines:
        line.truncate(width, overflow="ellipsis")
        line.no_wrap = True
    return Group(*lines[:height])


def _trying(status: Mapping[str, Any] | None, stale_s: float) -> str:
    last = f"; below is what it said {duration(stale_s)} ago" if status is not None else ""
    return f"trying again{last}"


def _body(status: Mapping[str, Any], rates: Rates, width: int, height: int, limit: float, where: str) -> list[Text]:
    agents: Sequence[Mapping[str, Any]] = status["agents"]
    campaigns: Sequence[Mapping[str, Any]] = status["campaigns"]
    trunks = _trunks(status.get("trunks", ()))
    lines = [_head(status, where), *_nodes(status["nodes"]), *trunks, _store(status), _rule(width)]
    sums = totals(status)
    lines += [_totals(sums, rates), _abandoned(sums, limit), _calls(campaigns), _outcomes(campaigns)]
    lines += [_agent_sums(agents, float(status["busy_share"] or 0.0)), _rule(width)]
    queues = _queues(status.get("queues") or (), width)
    room = max(3, height - len(lines) - 1 - _FEWEST_AGENT_ROWS - len(queues))
    lines += _campaigns(campaigns, width, room, limit)
    lines += queues
    lines.append(_rule(width))
    lines += _agents(agents, width, max(1, height - len(lines)))
    return lines


def _clean(text: object) -> str:
    return mask_text(printable(text))


def _line(*parts: tuple[str, str]) -> Text:
    return Text.assemble(*parts)


def _rule(width: int) -> Text:
    return Text("─" * width, style="dim")


def _head(status: Mapping[str, Any], where: str) -> Text:
    state = ("draining: no new calls", "bold yellow") if status["draining"] else ("running", "bold green")
    place = f"  {_clean(where)}" if where else ""
    return _line(("dialer ", "bold"), state, (f"  up {duration(float(status['uptime_s']))}{place}", ""))


def _nodes(nodes: Sequence[Mapping[str, Any]]) -> list[Text]:
    lines = []
    for node in nodes:
        detail = f": {_clean(node['detail'])}" if node["detail"] else ""
        if not node["up"]:
            word = ("down" + detail, "bold red")
        elif not node["synced"]:
            word = ("up, being compared" + detail, "yellow")
        else:
            word = ("up" + detail, "green")
        legs = f"  {node['legs']:,} of {node['capacity']:,} legs"
        lines.append(_line((f"switch {_clean(node['node'])} ", ""), word, (legs, "")))
    return lines or [_line(("no switch", "bold red"))]


def _trunks(trunks: Sequence[Mapping[str, Any]]) -> list[Text]:
    """One line for all trunks; none while the only one does well."""
    if len(trunks) < 2 and all(trunk["condition"] == "healthy" for trunk in trunks):
        return []
    parts = [("trunks ", "")]
    for trunk in sorted(trunks, key=lambda trunk: trunk["condition"] == "healthy"):  # the sick ones are to be seen
        well = trunk["condition"] == "healthy"
        rests = f" {duration(float(trunk['rests_s'] or 0.0))}" if trunk["condition"] == "cooling" else ""
        parts.append((f"{_clean(trunk['trunk'])} {trunk['in_use']:,}/{trunk['channels']:,} ", ""))
        parts.append(("well" if well else f"{_clean(trunk['condition'])}{rests}", "green" if well else "bold red"))
        parts.append(("  ", ""))
    return [_line(*parts[:-1])]


def _store(status: Mapping[str, Any]) -> Text:
    detail = f": {_clean(status['store_detail'])}" if status["store_detail"] else ""
    if status["store_ok"]:
        return _line(("store ", ""), (f"ok{detail}", "green"))
    return _line(("store ", ""), (f"in trouble{detail}; no new calls", "bold red"))


def _totals(sums: Mapping[str, int], rates: Rates) -> Text:
    parts: list[tuple[str, str]] = []
    for name in ("attempts", "answered", "connected"):
        rate = rates.per_minute(name)
        parts += [(f"{name} ", ""), (f"{sums[name]:,}", "bold")]
        parts.append(("" if rate is None else f" {rate:,.0f}/min", "cyan"))
        parts.append(("   ", ""))
    return _line(*parts[:-1])


def _abandoned(sums: Mapping[str, int], limit: float) -> Text:
    rate = sums["abandoned"] / sums["answered"] if sums["answered"] else 0.0
    word = (f"{rate:.1%}", _abandon_style(rate, limit))
    return _line(
        ("abandoned ", ""),
        (f"{sums['abandoned']:,}", "bold"),
        (f" of {sums['answered']:,} answered: ", ""),
        word,
        (f", limit {limit:.1%}", ""),
    )


def _abandon_style(rate: float, limit: float) -> str:
    if rate > limit:
        return "bold red"
    return "yellow" if rate > limit * 2.0 / 3.0 else "green"


def _counts(title: str, counts: Mapping[str, int], order: Sequence[str], always: Sequence[str] = ()) -> Text:
    parts = [(f"{title} ", ""), (f"{sum(counts.values()):,}", "bold"), (":", "")]
    known = [name for name in order if counts.get(name) or name in always]
    for name in [*known, *(name for name in counts if name not in order and counts[name])]:
        parts += [(f" {_clean(name)} ", ""), (f"{counts.get(name, 0):,}", _STATE_STYLE.get(name, "bold"))]
    return _line(*parts)


def _added(campaigns: Sequence[Mapping[str, Any]], key: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for campaign in campaigns:
        for name, count in campaign[key].items():
            sums[name] = sums.get(name, 0) + int(count)
    return sums


def _calls(campaigns: Sequence[Mapping[str, Any]]) -> Text:
    return _counts("calls", _added(campaigns, "calls"), _CALL_STATES, ("ringing", "waiting", "connected"))


def _outcomes(campaigns: Sequence[Mapping[str, Any]]) -> Text:
    sums = _added(campaigns, "outcomes")
    return _counts("ended", sums, sorted(sums, key=lambda name: (-sums[name], name)))


def _agent_sums(agents: Sequence[Mapping[str, Any]], busy: float) -> Text:
    counts: dict[str, int] = {}
    for agent in agents:
        counts[agent["state"]] = counts.get(agent["state"], 0) + 1
    line = _counts("agents", counts, _AGENT_STATES, ("ready", "talking"))
    line.append(f"   busy {busy:.0%}", style="bold")
    return line


def _campaigns(campaigns: Sequence[Mapping[str, Any]], width: int, room: int, limit: float) -> list[Text]:
    name_width = max(8, min(32, width - 67))
    head = (
        f"{set_cell_size('campaign', name_width)} {'mode':<11} {'state':<7} {'hopper':>6} {'calls':>5} "
        f"{'attempts':>8} {'answered':>8} {'connect':>7} {'aband.':>6}"
    )
    lines = [Text(head, style="bold")]
    decided = [c for c in campaigns if c["decided_ago_s"] is not None]
    each = 1 if len(campaigns) > 1 and len(campaigns) * 2 + 1 > room else 2
    rest = room - 1 - (each == 1)
    fit = len(campaigns) if len(campaigns) * each <= rest else max(1, (rest - 1) // each)
    spare = rest - fit * each if fit == len(campaigns) else 0
    for c in campaigns[:fit]:
        rate = float(c["abandon_rate"] or 0.0)
        lines.append(
            _line(
                (f"{set_cell_size(_clean(c['campaign']), name_width)} {_clean(c['mode']):<11} ", ""),
                (f"{_clean(c['state']):<7} ", _STATE_STYLE.get(c["state"], "yellow")),
                ("  none" if c["exhausted"] and not c["hopper"] else f"{c['hopper']:>6,}", ""),
                (f" {sum(c['calls'].values()):>5,} {c['attempts']:>8,} {c['answered']:>8,}", ""),
                (f" {c['connected']:>7,} ", ""),
                (f"{rate:>6.1%}", _abandon_style(rate, limit)),
            )
        )
        if each == 2:
            lines.append(_decision(c))
            if spare > 0 and c.get("pacing"):
                spare -= 1
                lines.append(_pacing(c["pacing"]))
    if len(campaigns) > fit:
        more = len(campaigns) - fit
        lines.append(Text(f"… and {more} more campaign{'' if more == 1 else 's'}", style="dim"))
    if each == 1 and decided:
        latest = min(decided, key=lambda c: float(c["decided_ago_s"]))
        lines.append(Text.assemble((f"last, {_clean(latest['campaign'])}:", "dim"), _decision(latest)))
    if len(campaigns) == 1 and campaigns[0]["refusals"] and room > len(lines):
        lines.append(_refusals(campaigns[0]))
    return lines


def _queues(queues: Sequence[Mapping[str, Any]], width: int) -> list[Text]:
    if not queues:
        return []
    name_width = max(8, min(32, width - 67))
    head = (
        f"{set_cell_size('queue', name_width)} {'waiting':>7} {'longest':>7} {'vips':>4} {'free':>4} {'agents':>6} "
        f"{'offered':>7} {'served':>6} {'lost':>5} {'level':>5}"
    )
    lines = [Text(head, style="bold")]
    for q in queues[:_MOST_QUEUES]:
        style = "bold red" if q["vips_waiting"] else "yellow" if q["waiting"] else ""
        lines.append(
            _line(
                (f"{set_cell_size(_clean(q['queue']), name_width)} ", ""),
                (f"{q['waiting']:>7,} {duration(float(q['longest_wait_s'] or 0.0)):>7}", style),
                (f" {q['vips_waiting']:>4,} {q['free']:>4,} {q['serving']:>6,} {q['offered']:>7,}", ""),
                (f" {q['served']:>6,} {q['lost']:>5,} {float(q['service_level'] or 0.0):>5.0%}", ""),
            )
        )
    if len(queues) > _MOST_QUEUES:
        lines.append(Text(f"… and {len(queues) - _MOST_QUEUES} more queues", style="dim"))
    return lines


def _decision(campaign: Mapping[str, Any]) -> Text:
    if campaign["decided_ago_s"] is None:
        return Text("  no decision yet", style="dim")
    ago = f"  decided {float(campaign['decided_ago_s']):.1f} s ago: "
    return _line((ago, "dim"), (_clean(campaign["decision_reason"] or f"start {campaign['decision_lines']}"), ""))


def _pacing(pacing: Mapping[str, Any]) -> Text:
    theta, p_next = float(pacing["theta"] or 0.0), float(pacing["p_next"] or 0.0)
    parts = [(f"  θ {theta:.3f}, P(next finds nobody) {p_next:.3f}", "")]
    for window in pacing["windows"]:
        left = float(window["left"] or 0.0)
        parts.append((f", {_clean(window['window'])} ", ""))
        parts.append((f"{float(window['rate'] or 0.0):.2%}", _abandon_style(window["rate"] or 0.0, window["limit"])))
        parts.append((f" ({left:.0f} left)", ""))
    parts.append((f", {float(pacing['hung_up_share'] or 0.0):.0%} of dials hung up", ""))
    return _line(*parts)


def _refusals(campaign: Mapping[str, Any]) -> Text:
    counts = ", ".join(f"{_clean(rule)} {count:,}" for rule, count in sorted(campaign["refusals"].items()))
    last = f"; last: {_clean(campaign['last_refusal'])}" if campaign["last_refusal"] else ""
    return Text(f"  held by the gate: {counts}{last}", style="dim")


def _agents(agents: Sequence[Mapping[str, Any]], width: int, rows: int) -> list[Text]:
    if not agents:
        return [Text("no agents", style="dim")]
    columns = max(1, (width + 2) // (_AGENT_CELL + 2))
    room = rows * columns
    shown = agents if len(agents) <= room else agents[: max(0, (rows - 1) * columns)]
    lines = []
    for start in range(0, len(shown), columns):
        cells = [_agent_cell(agent) for agent in shown[start : start + columns]]
        lines.append(Text("  ").join(cells))
    if len(shown) < len(agents):
        lines.append(Text(f"… and {len(agents) - len(shown)} more agents", style="dim"))
    return lines


def _agent_cell(agent: Mapping[str, Any]) -> Text:
    state = _clean(agent["state"])
    since = duration(float(agent["since_s"] or 0.0))
    ident = _clean(agent["agent"])
    room = _AGENT_CELL - 12 - len(since) - 1
    cut = ident if cell_len(ident) <= room - 1 else set_cell_size(ident, room - 2) + "…"
    return _line(
        (set_cell_size(cut, room), ""),
        (set_cell_size(state, 12), _STATE_STYLE.get(agent["state"], "")),
        (f"{since:>{len(since) + 1}}", "dim"),
    )
