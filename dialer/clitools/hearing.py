"""`dialer hearing`: teach the announcements of a carrier, show what is taught, try the judges on recordings.

Owns the commands' work on files; raises CliError with a sentence. Offline: no running service is asked, nothing but the
file of learnt announcements is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dialer.clitools.options import EXIT_USAGE, CliError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dialer.hearing.prints import Prints

hearing_app = typer.Typer(help="Announcements of the network, learnt and recognised.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)]
PrintsFile = Annotated[Path, typer.Option("--prints", "-p", metavar="FILE", help="The file of learnt announcements")]
_DEFAULT = Path("announcements.npz")


@hearing_app.command("learn")
def learn(
    files: Files,
    what: Annotated[str, typer.Option("--as", metavar="MEANING", help="dead_number, switched_off, busy or congestion")],
    prints: PrintsFile = _DEFAULT,
) -> None:
    """Learn recordings (WAV) of an announcement; a file name replaces its former self."""
    from dialer.domain.hearing import Announcement
    from dialer.hearing.errors import HearingError
    from dialer.hearing.prints import EMPTY, TEACHABLE, MatchSettings
    from dialer.hearing.prints import learn as learn_prints
    from dialer.hearing.printsfile import load, save
    from dialer.hearing.wavefile import read_8k

    if what not in [meaning.value for meaning in TEACHABLE]:
        raise CliError(f"--as {what}: expected {', '.join(TEACHABLE)}", EXIT_USAGE)
    try:
        known = load(prints) if prints.exists() else EMPTY
        new = [(path.name, Announcement(what), read_8k(path)) for path in files]
        learnt, faults = learn_prints(known, new, MatchSettings())
        save(learnt, prints)
    except HearingError as error:
        raise CliError(str(error)) from None
    for fault in faults:
        typer.echo(f"note: {fault}")
    typer.echo(f"{prints}: {len(learnt)} announcements, {len(files)} of them new")


@hearing_app.command("list")
def show(prints: PrintsFile = _DEFAULT) -> None:
    """Show what is learnt."""
    from dialer.hearing.errors import HearingError
    from dialer.hearing.printsfile import load

    try:
        known = load(prints)
    except HearingError as error:
        raise CliError(str(error)) from None
    for recording in known.recordings:
        typer.echo(f"{recording.what.value:12} {recording.seconds:6.1f} s {recording.parts:4} parts  {recording.name}")


@hearing_app.command("judge")
def judge(
    files: Files,
    early: Annotated[bool, typer.Option("--early", help="As early media while it rings, not as an answer")] = False,
    prints: PrintsFile = _DEFAULT,
) -> None:
    """Say what would be heard in recordings (WAV) that begin with the answer, or with the ringing."""
    from dialer.hearing.errors import HearingError
    from dialer.hearing.prints import EMPTY
    from dialer.hearing.printsfile import load
    from dialer.hearing.wavefile import read_8k

    try:
        known = load(prints) if early and (prints.exists() or prints != _DEFAULT) else EMPTY
        for path in files:
            for line in _heard(read_8k(path), early, known) or ["nothing"]:
                typer.echo(f"{path}: {line}")
    except HearingError as error:
        raise CliError(str(error)) from None


def _heard(signal: NDArray[np.float32], early: bool, known: Prints) -> Sequence[str]:
    """The same judges as in service, on a recording's own clock."""
    from dialer.domain.hearing import AnnouncementHeard, Heard, ListenKind, WordsHeard
    from dialer.hearing.listener import HearingSettings, Listener
    from dialer.hearing.sound import FRAME_S
    from dialer.hearing.wavefile import frames

    kind = ListenKind.EARLY if early else ListenKind.ANSWERED
    listener = Listener("file", kind, 0.0, 0.0, HearingSettings(), known)
    lines = []
    now = 0.0
    pieces = frames(signal)
    for frame in [*pieces, *[bytes(len(pieces[0]))] * 250]:
        now += FRAME_S
        for event in listener.packet(frame, now):
            if isinstance(event, WordsHeard):
                continue
            label = event.what.value if isinstance(event, AnnouncementHeard) else ""
            if isinstance(event, Heard) and event.greeting_end_at is not None:
                label = f"greeting until {event.greeting_end_at:.2f} s"
            lines.append(f"{event.at:6.2f} s  {event.reason}{' (' + label + ')' if label else ''}")
    return lines
