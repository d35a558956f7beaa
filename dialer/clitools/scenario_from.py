"""A scenario from a campaign's own past: what history says, and defaults where it says too little.

Owns which part of the scenario comes from where, and saying so. The questions to the store are
``dialer.store.history``'s. Writes only what ``--save`` names: the scenario, and its durations as CSV beside it. Prints
no number of a person.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dialer.clitools import running
from dialer.clitools.options import EXIT_USAGE, CliError, no_campaign
from dialer.clitools.output import complain

if TYPE_CHECKING:
    from config.campaign_schema import CampaignConfig
    from config.loader import LoadedConfig
    from dialer.simulate.scenario_file import Plan
    from dialer.store.history import CampaignHistory

ENOUGH_DIALS: Final = 200
"""Below this, defaults are better than what so few attempts say."""
ENOUGH_DURATIONS: Final = 50
ENOUGH_RINGS: Final = 30
LONGEST_RING_S: Final = 600.0
LONGEST_S: Final = 36_000.0
PAST: Final = (
    "agents",
    "answer_probability",
    "fast_failure",
    "ring_to_answer",
    "ring_no_answer_s",
    "talk",
    "wrap",
    "leads",
)
"""The keys that history may tell."""
_PACING_KEYS: Final = ("aim", "min_agents", "hang_up_over", "hang_up_share", "max_theta", "spare_list")


@dataclass(slots=True)
class Described:
    """A scenario in the making: its keys, durations by key, and a sentence on where each part comes from.

    ``own``: the keys that history told; ``configured``: those that the configuration told in its place.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    samples: dict[str, Sequence[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    configured: list[str] = field(default_factory=list)

    def past(self, key: str, value: Any, note: str) -> None:
        """History tells ``key``."""
        self.keys[key] = value
        self.own.append(key)
        self.notes.append(f"{key}: {note}")

    def notice(self) -> str:
        """What to say when most of it is not the campaign's own past; else nothing."""
        if 2 * len(self.own) > len(PAST):
            return ""
        rest = [key for key in PAST if key not in self.own and key not in self.configured]
        parts = (("history", self.own or ["nothing"]), ("the configuration", self.configured), ("the defaults", rest))
        said = "; ".join(f"from {origin}: {', '.join(keys)}" for origin, keys in parts if keys)
        return f"little of the scenario is the campaign's own past: {said}"


def campaign(where: running.Where, name: str, since_s: float, save: Path | None) -> tuple[Plan, str, Described]:
    """The plan of campaign ``name`` as its last ``since_s`` seconds were, its text, and where each part comes from.

    With ``save`` the scenario is kept there. Raises CliError.
    """
    from config.errors import ConfigError
    from dialer.simulate import scenario_file

    loaded = running.load(where)
    known = {each.name: each for each in loaded.config.campaigns}
    if name not in known:
        raise CliError(f"--from-campaign: {no_campaign(name, known)}", EXIT_USAGE)
    described = describe(_history(loaded, known[name], since_s), loaded, known[name])
    try:
        if save is not None:
            text = write(described, save)
            complain(f"scenario saved: {save}")
            return scenario_file.load(save), text, described
        with tempfile.TemporaryDirectory(prefix="dialer-") as folder:
            spare = Path(folder) / f"{name}.yaml"
            text = write(described, spare)
            return scenario_file.load(spare), text, described
    except OSError as error:
        raise CliError(f"--save: {save}: {error.strerror or error}") from error
    except ConfigError as error:
        raise CliError(f"the scenario built from campaign {name} cannot be simulated: {error}") from error


def _history(loaded: LoadedConfig, wanted: CampaignConfig, since_s: float) -> CampaignHistory:
    from dialer.store.errors import StoreError
    from dialer.store.history import CampaignHistory, campaign_history

    since = time.time() - since_s
    configured = loaded.config.database.url
    file = loaded.config.data_path / "dialer.db"
    if configured is None and not file.exists():
        complain(f"no history: {file} is not there yet")
        return CampaignHistory(wanted.name, since)
    url = configured.get_secret_value() if configured is not None else f"sqlite:///{file}"
    try:
        return campaign_history(
            url,
            wanted.name,
            since,
            lists=wanted.lists,
            machine_dispositions=wanted.machine_dispositions,
        )
    except StoreError as error:
        raise CliError(f"the history cannot be read: {error}") from error


# ---- the scenario ------------------------------------------------------------------------------------------


def describe(history: CampaignHistory, loaded: LoadedConfig, wanted: CampaignConfig) -> Described:
    """The scenario of a campaign, from what ``history`` says and where it says too little from elsewhere."""
    found = Described()
    if history.dropped:
        total = history.dials + history.dropped
        worse = "; more than half: was its clock right?" if history.dropped * 2 > total else ""
        found.notes.append(f"history: {history.dropped} records left out, their times cannot be true{worse}")
    _staff(found, history, loaded, wanted)
    _answers(found, history)
    for which, durations in (("talk", history.talk_s), ("wrap", history.wrap_s)):
        _durations(found, which, durations, wanted)
    if history.leads_left:
        lists = ", ".join(history.lists)
        found.past("leads", history.leads_left, f"{history.leads_left}, all that are left in {lists}")
    else:
        found.notes.append("leads: unlimited: its lists have none left")
    _rules(found, loaded, wanted)
    return found


def _staff(found: Described, history: CampaignHistory, loaded: LoadedConfig, wanted: CampaignConfig) -> None:
    if history.agents:
        found.past("agents", history.agents, f"{history.agents}, the median of those logged in")
        return
    entries = loaded.config.agents
    configured = sum(len(e.expand()) for e in entries if e.campaigns is None or wanted.name in e.campaigns)
    if configured:
        found.keys["agents"] = configured
        found.configured.append("agents")
        found.notes.append(f"agents: {configured}, those of the configuration: history knows none at work")
    else:
        found.notes.append("agents: default: neither history nor the configuration has any")


def _durations(found: Described, which: str, durations: Sequence[float], wanted: CampaignConfig) -> None:
    good = [round(min(value, LONGEST_S), 3) for value in durations if value >= 0]
    too_few = f"history has {len(good)} durations, {ENOUGH_DURATIONS} were expected"
    if len(good) >= ENOUGH_DURATIONS and sum(good) > 0:
        found.samples[which] = good
        found.own.append(which)
        found.notes.append(f"{which}: {len(good)} durations from history, mean {sum(good) / len(good):.1f} s")
    elif which == "wrap" and wanted.wrap_up_s > 0:
        found.keys["wrap"] = {"mean_s": round(float(wanted.wrap_up_s), 3)}
        found.configured.append("wrap")
        found.notes.append(f"wrap: {wanted.wrap_up_s:g} s on average, the campaign's wrap_up_s: {too_few}")
    else:
        found.notes.append(f"{which}: default: {too_few}")


def _answers(found: Described, history: CampaignHistory) -> None:
    """What the dials came to; nothing when there are too few to say."""
    if history.dials < ENOUGH_DIALS or history.answer_probability is None:
        how = "history is empty" if not history.dials else f"history has {history.dials} dials"
        found.notes.append(f"answers, rings, failures: defaults: {how}, {ENOUGH_DIALS} were expected")
        return
    share = history.fast_failure_share or 0.0
    chance = min(history.answer_probability, 1.0 - share)
    rates = _list_rates(history)
    lists = f"; by list {', '.join(rates)}" if len(rates) > 1 else ""
    answered = f"{chance:.3f} from {history.dials} dials, {history.answered} answered{lists}"
    found.past("answer_probability", round(chance, 4), answered)
    seconds = _span(history.fast_failure_s)
    failure = {"share": round(share, 4)} | ({"seconds": seconds} if seconds else {})
    found.past("fast_failure", failure, f"{share:.3f} from {history.fast_failures} of them")
    rings = [value for value in history.time_to_answer_s if 0 <= value <= LONGEST_RING_S]
    if len(rings) >= ENOUGH_RINGS:
        mean = max(0.1, sum(rings) / len(rings))
        sd = (sum((value - mean) ** 2 for value in rings) / len(rings)) ** 0.5
        ring = {"mean_s": round(mean, 3), "sd_s": round(sd, 3), "max_s": round(max(rings) + 0.1, 3)}
        found.past("ring_to_answer", ring, f"from {len(rings)} answers, mean {mean:.1f} s")
    else:
        found.notes.append(f"ring_to_answer: default: {len(rings)} answers, {ENOUGH_RINGS} were expected")
    silent = _span([value for value in history.no_answer_ring_s if 0.1 <= value <= LONGEST_RING_S])
    if silent is not None:
        unanswered = len(history.no_answer_ring_s)
        found.past("ring_no_answer_s", silent, f"{silent} from {unanswered} unanswered rings")
    else:
        found.notes.append(f"ring_no_answer_s: default: fewer than {ENOUGH_RINGS} unanswered rings")


def _list_rates(history: CampaignHistory) -> list[str]:
    dials: dict[str, list[int]] = {}
    for cell in history.by_list_hour:
        counts = dials.setdefault(cell.list_name, [0, 0])
        counts[0] += cell.dials
        counts[1] += cell.answered
    return [f"{name} {answered / made:.3f}" for name, (made, answered) in sorted(dials.items()) if made >= ENOUGH_RINGS]


def _span(found: Sequence[float]) -> list[float] | None:
    """Where nine of ten lie, or None when there are too few."""
    if len(found) < ENOUGH_RINGS:
        return None
    ordered = sorted(min(value, LONGEST_RING_S) for value in found)
    low, high = (ordered[round(share * (len(ordered) - 1))] for share in (0.05, 0.95))
    return [max(0.1, round(low, 3)), max(0.1, round(high, 3))]


def _rules(found: Described, loaded: LoadedConfig, wanted: CampaignConfig) -> None:
    """What the configuration says: limits, not history."""
    trunks = [each for each in loaded.config.trunks if each.name in wanted.lines]
    found.keys |= {
        "patience_s": float(wanted.wait_limit_s),
        "min_ring_s": float(wanted.min_ring_s),
        "abandon": {"limit": min(window.limit for window in wanted.pacing.abandon)},
        "policy_options": {name: getattr(wanted.pacing, name) for name in _PACING_KEYS},
        "lines": max(1, sum(trunk.channels - trunk.reserved_inbound for trunk in trunks)),
        "cps": float(sum(trunk.cps for trunk in trunks)),
    }
    found.notes.append("patience_s, min_ring_s, abandon, policy_options, lines, cps: the configuration's")
    if wanted.mode != "predictive":
        found.notes.append(f"policy: predictive; the campaign itself is {wanted.mode}")


# ---- files -------------------------------------------------------------------------------------------------


def write(found: Described, file: Path) -> str:
    """The scenario as YAML in ``file``, and its samples as CSV beside it; the text. Raises OSError."""
    import yaml

    keys = dict(found.keys)
    for which, values in found.samples.items():
        beside = file.with_name(f"{file.stem}.{which}.csv")
        beside.write_text("seconds\n" + "\n".join(f"{value:g}" for value in values) + "\n", encoding="utf-8")
        keys[which] = {"distribution": "empirical", "file": beside.name, "column": "seconds"}
    comments = "".join(f"# {note}\n" for note in found.notes)
    text = comments + yaml.safe_dump(keys, sort_keys=True, default_flow_style=None)
    file.write_text(text, encoding="utf-8")
    return text
