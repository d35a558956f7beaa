"""``dialer simulate``: scenarios and seeds in, shifts simulated, a table, JSON or a picture out.

Owns reading the scenarios, the bar, the table and the exit codes. What a shift is, is ``dialer.simulate``'s; what a
campaign's past says, ``dialer.clitools.scenario_from``'s. Must not run in a process that gevent has patched.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Final

from dialer.clitools.options import EXIT_CONFIG, EXIT_USAGE, CliError
from dialer.clitools.output import complain, console, say, table

if TYPE_CHECKING:
    from dialer.clitools.running import Where
    from dialer.simulate.parallel import Progress, Run
    from dialer.simulate.planner import Outcome
    from dialer.simulate.scenario_file import Plan

_COLUMNS: Final = (
    ("scenario", "left"),
    ("policy", "left"),
    ("seed", "right"),
    ("agents", "right"),
    ("busy %", "right"),
    ("abandoned %", "right"),
    ("worst 5 min %", "right"),
    ("dials/answer", "right"),
    ("connected/agent-h", "right"),
    ("hung up %", "right"),
    ("lines", "right"),
    ("seconds", "right"),
)


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What ``dialer simulate`` was asked for. ``jobs`` None: as many as there are processors."""

    scenarios: tuple[Path, ...] = ()
    seeds: tuple[int, ...] = (1,)
    as_json: bool = False
    plot: Path | None = None
    jobs: int | None = None
    from_campaign: str | None = None
    since_s: float = 30 * 86_400.0
    save: Path | None = None


def simulate(where: Where, options: SimulateOptions) -> int:
    """The command; its exit code. Raises CliError."""
    _check(options)
    plans = _plans(where, options)
    from dialer.simulate import parallel

    runs = [parallel.Run(plan, seed) for plan in plans for seed in options.seeds]
    jobs = options.jobs or parallel.usual_jobs(len(runs))
    try:
        with _bar(runs) as progress:
            outcomes = parallel.simulate_all(runs, min(jobs, len(runs)), progress)
    except parallel.RunFailed as error:
        raise CliError(f"simulate: {error}") from error
    if options.as_json:
        results = [dict(outcome.result) for outcome in outcomes]
        print(json.dumps(results[0] if len(results) == 1 else results))
    else:
        _table(runs, outcomes)
    if options.plot is not None:
        _draw(options.plot, runs, outcomes)
        (complain if options.as_json else say)(f"picture: {options.plot}")
    return 0


def _check(options: SimulateOptions) -> None:
    """What can be said before anything is read or run."""
    if bool(options.scenarios) == (options.from_campaign is not None):
        raise CliError("expected scenario files, or --from-campaign NAME, and not both", EXIT_USAGE)
    if options.save is not None and options.from_campaign is None:
        raise CliError("--save: only with --from-campaign: it keeps the scenario that was built", EXIT_USAGE)
    for flag, file in (("--plot", options.plot), ("--save", options.save)):
        if file is not None and not os.access(file.absolute().parent, os.W_OK):
            raise CliError(f"{flag}: {file}: expected a file in a directory that you may write", EXIT_USAGE)
    if options.plot is not None:
        from dialer.simulate import picture

        if options.plot.suffix not in picture.KINDS:
            raise CliError(f"--plot: {options.plot}: expected a name that ends in .png or .svg", EXIT_USAGE)
        try:
            picture.need_matplotlib()
        except picture.NoPictures as error:
            raise CliError(str(error)) from error


def _plans(where: Where, options: SimulateOptions) -> list[Plan]:
    """Every scenario, checked; the faults of all of them are told before we give up."""
    from config.errors import ConfigError, Fault
    from dialer.simulate import scenario_file

    if options.from_campaign is not None:
        from dialer.clitools import scenario_from

        plan, text, described = scenario_from.campaign(where, options.from_campaign, options.since_s, options.save)
        if options.as_json:
            for note in described.notes:
                complain(note)
        else:  # the notes are the text's comments
            say("")
            for line in text.splitlines():
                say(line)
            say("")
        if notice := described.notice():
            complain(notice)
        return [plan]
    plans: list[Plan] = []
    faults: list[Fault] = []
    for path in options.scenarios:
        try:
            plan = scenario_file.load(path)
        except ConfigError as error:
            faults.extend(error.faults)
            continue
        if not plan.scenario.model_fields_set:
            complain(f"{path}: no key has a value: all are the defaults")
        plans.append(plan)
    if faults:
        for fault in faults:
            complain(fault)
        count = len(faults)
        raise CliError(f"{count} fault{'' if count == 1 else 's'} in the scenario", EXIT_CONFIG)
    return plans


# ---- showing -----------------------------------------------------------------------------------------------


@contextmanager
def _bar(runs: Sequence[Run]) -> Iterator[Progress]:
    """A bar on stderr over all runs; nothing where that is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console(error=True),
        transient=True,
    )
    bar.disable = not bar.console.is_terminal
    shares = [0.0] * len(runs)
    with bar:
        task = bar.add_task(f"{len(runs)} shift{'' if len(runs) == 1 else 's'}", total=float(len(runs)))

        def progress(run: int, share: float) -> None:
            shares[run] = max(shares[run], share)
            bar.update(task, completed=sum(shares))

        yield progress


def _table(runs: Sequence[Run], outcomes: Sequence[Outcome]) -> None:
    rows: list[list[object]] = []
    plans = list({id(run.plan): run.plan for run in runs}.values())
    for plan in plans:
        own = [outcome.result for run, outcome in zip(runs, outcomes, strict=True) if run.plan is plan]
        rows += [_row(result) for result in own]
        if len(own) > 1:
            rows += _mean_rows(own)
    table(_COLUMNS, rows)
    limits = [run.plan.scenario.abandon.limit for run in runs]
    over = sum(o.result["abandon_rate"] > limit for o, limit in zip(outcomes, limits, strict=True))
    if over:
        say(f"{over} of {len(runs)} shifts ended above their limit of abandoned calls")


def _figures(result: Any) -> tuple[float, ...]:
    """What is averaged over seeds, in the order of the columns."""
    return (
        100 * result["busy_share"],
        100 * result["abandon_rate"],
        100 * result["worst_5min_abandon_rate"],
        result["dials_per_answer"],
        result["connected_per_agent_hour"],
        100 * result["hung_up_ringing"] / max(1, result["dialed"]),
    )


def _row(result: Any) -> list[object]:
    return [
        result["scenario"],
        result["policy"],
        result["seed"],
        result["agents"],
        *(f"{value:.2f}" for value in _figures(result)),
        result["lines_peak"],
        f"{result['wall_s']:.1f}",
    ]


def _mean_rows(results: Sequence[Any]) -> list[list[object]]:
    first = results[0]
    columns = list(zip(*(_figures(result) for result in results), strict=True))
    means = [f"{fmean(column):.2f}" for column in columns]
    errors = [f"±{stdev(column) / len(column) ** 0.5:.2f}" for column in columns]
    peak = max(result["lines_peak"] for result in results)
    return [
        ["", first["policy"], "mean", first["agents"], *means, peak, ""],
        ["", "", "s.e.", "", *errors, "", ""],
    ]


def _draw(file: Path, runs: Sequence[Run], outcomes: Sequence[Outcome]) -> None:
    from dialer.simulate import picture

    shifts = [
        (f"{run.plan.name} ({run.plan.scenario.policy}), seed {run.seed}", run.plan.scenario.abandon.limit, o.series)
        for run, o in zip(runs, outcomes, strict=True)
    ]
    try:
        picture.draw(shifts, file)
    except OSError as error:
        raise CliError(f"--plot: {file}: {error.strerror or error}") from error
