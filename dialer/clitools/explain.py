"""``dialer explain``: why the running service does what it does, for people.

Owns the wording and order of what is printed. The numbers are the service's; nothing is worked out here.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from dialer.clitools.floor import ask_campaign
from dialer.clitools.output import say
from dialer.clitools.service import Service
from dialer.masking import mask_text

WIDTH: Final = 100
_AGENTS: Final = ("ready", "reserved", "talking", "wrap", "away")


def pacing(service: Service, campaign: str, *, as_json: bool) -> None:
    """What a campaign's last pacing decision stood on."""
    told = ask_campaign(service, campaign, lambda: service.get("v1", "campaigns", campaign, "pacing"))
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in pacing_text(told):
        say(line)


def pacing_text(told: Mapping[str, Any]) -> Iterator[str]:
    """The answer of /v1/campaigns/NAME/pacing as lines for a person."""
    ago_s = told["decision"].get("ago_s")
    ago = "" if ago_s is None else f", {ago_s:.1f} s ago"
    told = _numbers(told)
    decision = told["decision"]
    yield f"campaign {told['campaign']}: mode {told['mode']}, {told['state']}"
    yield from _section(f"last decision{ago}", textwrap.wrap(mask_text(str(decision["reason"])), WIDTH))
    if told["mode"] == "predictive":
        yield from _section("threshold", _threshold(told, decision))
    if isinstance(told.get("agentless"), Mapping):
        yield from _section("without agents", _agentless(told["agentless"]))
    agents, calls = told["agents"], told["calls"]
    yield from _section("agents", [", ".join(f"{agents.get(name, 0)} {name}" for name in _AGENTS)])
    in_all = f"{calls['ringing']} ringing, {calls['waiting']} waiting for an agent, {calls['all']} in all"
    yield from _section("calls", [in_all, f"{told['dialed']:,} dialed since the start"])
    yield from _section("learnt", _learnt(told["learnt"]))
    yield from _section("abandon windows", _windows(told["windows"]))
    yield from _section("left out", _left_out(told))


def _numbers(value: Any) -> Any:
    """JSON has no word for "not a number": null stands for it."""
    if value is None:
        return math.nan
    if isinstance(value, Mapping):
        return {key: _numbers(part) for key, part in value.items()}
    return [_numbers(part) for part in value] if isinstance(value, list) else value


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield title
        yield from (f"  {line}" for line in lines)


def _agentless(told: Mapping[str, Any]) -> list[str]:
    cps = told["calls_per_second"]
    own = "" if cps is None or math.isnan(cps) else f", {cps:g} new calls a second"
    keys = ", ".join(f"{key} {mask_text(str(meaning))}" for key, meaning in sorted(told["keys"].items()))
    lines = [f"at most {told['most_lines']} calls at once that no agent has{own}", f"keys: {keys or 'none'}"]
    if "transfer" in told["keys"].values():
        lines.append(
            f"{told['asked']:,} of {told['ended']:,} calls asked for an agent: {told['share']:.1%} of the next ones may"
        )
        bound = f"each at most {told['wait_s']:g} s from the key: then the call is abandoned"
        lines.append(f"{told['waiting']} wait for one now, {bound}")
    return lines


def _threshold(told: Mapping[str, Any], decision: Mapping[str, Any]) -> list[str]:
    theta = decision.get("theta", told["theta"])
    p_next = decision.get("p_next", 0.0)
    lines = [f"a call starts while P(the next one finds nobody) is at most {theta:.4f}; it was {p_next:.4f}"]
    ease = told.get("ease", 1.0)
    if ease <= 0.0:
        lines.append(f"a window bears no risk now; θ would be {told['theta_uneased']:.4f}")
    elif ease < 1.0:
        eased = f"risks are eased to {ease:.0%}, θ from {told['theta_uneased']:.4f} to {told['theta']:.4f}"
        lines.append(f"a window has little left: {eased}")
    share, count = told["hung_up_share"], told["hung_up_ringing"]
    lines.append(f"{count:,} ringing calls hung up past their minimum ring, {share:.1%} of the newest dials")
    return lines


def _learnt(learnt: Mapping[str, Any]) -> list[str]:
    low, high = learnt["answer_probability_low"], learnt["answer_probability_high"]
    lines = [
        f"started {learnt['origin']}",
        f"a dial is answered with probability {learnt['answer_probability']:.3f} ({low:.3f} to {high:.3f}), "
        f"from {learnt['dials']:,.0f} dials",
        f"an answer takes {learnt['time_to_answer_s']:.1f} s, a talk {learnt['talk_s']:.0f} s, wrap-up "
        f"{learnt['wrap_s']:.0f} s on average, from {learnt.get('talks', 0.0):,.0f} talks",
    ]
    for change in learnt.get("last_changes", ()):
        became = f"{change['before']:.3f} became {change['after']:.3f} (z {change['z']:.1f})"
        lines.append(f"change found at {_when(change['at'])}: {became}")
    effects = learnt.get("effects", ())
    if effects:
        named = (f"{effect['name']} {effect['logit']:+.2f}±{effect['se']:.2f}" for effect in effects)
        lines += textwrap.wrap(f"effects on the chance (logit): {', '.join(named)}", WIDTH)
    return lines


def _windows(windows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{w['window']}: {w['abandoned']:.1f} of {w['answered']:,.0f} answers abandoned, {w['rate']:.2%} of "
        f"{w['limit']:.2%}; {w['left']:.1f} calls left; {w['projected']:.2%} ahead if everybody is served from now on"
        for w in windows
    ]


def _left_out(told: Mapping[str, Any]) -> list[str]:
    lines = []
    if told.get("machines_taken_out"):
        lines.append(f"{told['machines_taken_out']} answers that agents called machines")
    if told.get("unknown"):
        lines.append(f"{told['unknown']:.1f} calls of which nobody knows count as abandoned")
    if told.get("dropped"):
        counts = ", ".join(f"{name} {count}" for name, count in sorted(told["dropped"].items()))
        lines.append(f"observations that cannot be: {counts}")
    return lines


def _when(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "an unknown time"
