"""A scenario from a campaign's own past: what history says, and defaults where it says too little.

Owns which part of the scenario comes from where, and saying so. The questions to the store are
``dialer.store.history``'s. Writes only what ``--save`` names: the scenario, and its durations as CSV beside it. Prints
no number of a person.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dialer.clitools import running
from dialer.clitools.options import EXIT_USAGE, CliError
from dialer.clitools.output import complain

if TYPE_CHECKING:
    from config.loader import LoadedConfig
    from config.schema import CampaignConfig
    from dialer.simulate.scenario_file import Plan
    from dialer.store.history import CampaignHistory

ENOUGH_DIALS: Final = 200
"""Below this, defaults are better than what so few attempts say."""
ENOUGH_DURATIONS: Final = 50
ENOUGH_RINGS: Final = 30
LONGEST_RING_S: Final = 600.0
LONGEST_S: Final = 36_000.0
_PACING_KEYS: Final = ("aim", "min_agents", "hang_up_over", "hang_up_share", "max_theta")


def campaign(where: running.Where, name: str, since_s: float, save: Path | None) -> tuple[Plan, str]:
    """The plan of campaign ``name`` as its last ``since_s`` seconds were, and its text. Raises CliError.

    Where each part comes from is told on stderr. With ``save`` the scenario is kept there.
    """
    from config.errors import ConfigError
    from dialer.simulate import scenario_file

    loaded = running.load(where)
    known = {each.name: each for each in loaded.config.campaigns}
    if name not in known:
        wish = f"one of: {', '.join(known)}" if known else "a campaign of the configuration, which has none"
        raise CliError(f"--from-campaign: no campaign {name}; expected {wish}", EXIT_USAGE)
    history = _history(loaded, known[name], since_s)
    keys, samples, notes = describe(history, loaded, known[name])
    for note in notes:
        complain(note)
    try:
        if save is not None:
            text = write(keys, samples, notes, save)
            complain(f"scenario saved: {save}")
            return scenario_file.load(save), text
        with tempfile.TemporaryDirectory(prefix="dialer-") as folder:
            spare = Path(folder) / f"{name}.yaml"
            text = write(keys, samples, notes, spare)
            return scenario_file.load(spare), text
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


def describe(
    history: CampaignHistory, loaded: LoadedConfig, wanted: CampaignConfig
) -> tuple[dict[str, Any], dict[str, Sequence[float]], list[str]]:
    """Scenario keys, samples of durations by key, and a sentence on where each part comes from."""
    notes: list[str] = []
    keys: dict[str, Any] = {}
    samples: dict[str, Sequence[float]] = {}
    if history.dropped:
        total = history.dials + history.dropped
        worse = "; more than half: was its clock right?" if history.dropped * 2 > total else ""
        notes.append(f"history: {history.dropped} records left out, their times cannot be true{worse}")
    _staff(keys, notes, history, loaded, wanted)
    _answers(keys, notes, history)
    for which, found in (("talk", history.talk_s), ("wrap", history.wrap_s)):
        good = [round(min(value, LONGEST_S), 3) for value in found if value >= 0]
        if len(good) >= ENOUGH_DURATIONS and sum(good) > 0:
            samples[which] = good
            notes.append(f"{which}: {len(good)} durations from history, mean {sum(good) / len(good):.1f} s")
        elif which == "wrap" and wanted.wrap_up_s > 0:
            keys["wrap"] = {"mean_s": round(float(wanted.wrap_up_s), 3)}
            text = f"{wanted.wrap_up_s:g} s on average, the campaign's wrap_up_s: history has {len(good)} wrap-ups"
            notes.append(f"wrap: {text}, {ENOUGH_DURATIONS} were expected")
        else:
            notes.append(f"{which}: default: history has {len(good)} durations, {ENOUGH_DURATIONS} were expected")
    if history.leads_left:
        keys["leads"] = history.leads_left
        notes.append(f"leads: {history.leads_left}, all that are left in {', '.join(history.lists)}")
    else:
        notes.append("leads: unlimited: its lists have none left")
    _rules(keys, notes, loaded, wanted)
    return keys, samples, notes


def _staff(
    keys: dict[str, Any], notes: list[str], history: CampaignHistory, loaded: LoadedConfig, wanted: CampaignConfig
) -> None:
    if history.agents:
        keys["agents"] = history.agents
        notes.append(f"agents: {history.agents}, the median of those logged in")
        return
    entries = loaded.config.agents
    configured = sum(len(e.expand()) for e in entries if e.campaigns is None or wanted.name in e.campaigns)
    if configured:
        keys["agents"] = configured
        notes.append(f"agents: {configured}, those of the configuration: history knows none at work")
    else:
        notes.append("agents: default: neither history nor the configuration has any")


def _answers(keys: dict[str, Any], notes: list[str], history: CampaignHistory) -> None:
    """What the dials came to; nothing when there are too few to say."""
    if history.dials < ENOUGH_DIALS or history.answer_probability is None:
        how = "history is empty" if not history.dials else f"history has {history.dials} dials"
        notes.append(f"answers, rings, failures: defaults: {how}, {ENOUGH_DIALS} were expected")
        return
    share = history.fast_failure_share or 0.0
    chance = min(history.answer_probability, 1.0 - share)
    keys["answer_probability"] = round(chance, 4)
    rates = _list_rates(history)
    lists = f"; by list {', '.join(rates)}" if len(rates) > 1 else ""
    notes.append(f"answer_probability: {chance:.3f} from {history.dials} dials, {history.answered} answered{lists}")
    seconds = _span(history.fast_failure_s)
    keys["fast_failure"] = {"share": round(share, 4)} | ({"seconds": seconds} if seconds else {})
    notes.append(f"fast_failure: {share:.3f} from {history.fast_failures} of them")
    rings = [value for value in history.time_to_answer_s if 0 <= value <= LONGEST_RING_S]
    if len(rings) >= ENOUGH_RINGS:
        mean = max(0.1, sum(rings) / len(rings))
        sd = (sum((value - mean) ** 2 for value in rings) / len(rings)) ** 0.5
        keys["ring_to_answer"] = {"mean_s": round(mean, 3), "sd_s": round(sd, 3), "max_s": round(max(rings) + 0.1, 3)}
        notes.append(f"ring_to_answer: from {len(rings)} answers, mean {mean:.1f} s")
    else:
        notes.append(f"ring_to_answer: default: {len(rings)} answers, {ENOUGH_RINGS} were expected")
    silent = _span([value for value in history.no_answer_ring_s if 0.1 <= value <= LONGEST_RING_S])
    if silent is not None:
        keys["ring_no_answer_s"] = silent
        notes.append(f"ring_no_answer_s: {silent} from {len(history.no_answer_ring_s)} unanswered rings")
    else:
        notes.append(f"ring_no_answer_s: default: fewer than {ENOUGH_RINGS} unanswered rings")


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


def _rules(keys: dict[str, Any], notes: list[str], loaded: LoadedConfig, wanted: CampaignConfig) -> None:
    """What the configuration says: limits, not history."""
    keys["patience_s"] = float(wanted.wait_limit_s)
    keys["min_ring_s"] = float(wanted.min_ring_s)
    keys["abandon"] = {"limit": min(window.limit for window in wanted.pacing.abandon)}
    keys["policy_options"] = {name: getattr(wanted.pacing, name) for name in _PACING_KEYS}
    trunk = next(each for each in loaded.config.trunks if each.name == wanted.trunk)
    keys["lines"] = max(1, trunk.channels - trunk.reserved_inbound)
    keys["cps"] = float(trunk.cps)
    notes.append("patience_s, min_ring_s, abandon, policy_options, lines, cps: the configuration's")
    if wanted.mode != "predictive":
        notes.append(f"policy: predictive; the campaign itself is {wanted.mode}")


# ---- files -------------------------------------------------------------------------------------------------


def write(keys: dict[str, Any], samples: dict[str, Sequence[float]], notes: Sequence[str], file: Path) -> str:
    """The scenario as YAML in ``file``, and its samples as CSV beside it; the text. Raises OSError."""
    import yaml

    keys = dict(keys)
    for which, values in samples.items():
        beside = file.with_name(f"{file.stem}.{which}.csv")
        beside.write_text("seconds\n" + "\n".join(f"{value:g}" for value in values) + "\n", encoding="utf-8")
        keys[which] = {"distribution": "empirical", "file": beside.name, "column": "seconds"}
    comments = "".join(f"# {note}\n" for note in notes)
    text = comments + yaml.safe_dump(keys, sort_keys=True, default_flow_style=None)
    file.write_text(text, encoding="utf-8")
    return text
