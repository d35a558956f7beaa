"""Typed commands on a leg's sound and keys: stop playing, hold, record, press keys. Pure.

Belongs to ``esl.commands``, whose checks and escaping it uses; see there for how FreeSWITCH takes a line apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from esl.commands import App, check_text, check_uuid, check_variable, inline_dialplan
from esl.errors import CommandError

_KEYS: Final = re.compile(r"[0-9*#A-D]{1,64}(?:@[0-9]{2,4})?", re.ASCII)
_MUSIC_TIMES: Final = 100
_MUSIC_LONGEST: Final = 60_000
_PLAIN_PATH: Final = re.compile(r"/[A-Za-z0-9._/-]{1,900}", re.ASCII)
_TAP: Final = {
    "RECORD_READ_ONLY": "true",
    "RECORD_STEREO": "false",
    "enable_file_write_buffering": "false",
    "dialer_tap": "true",
}
_RECORDING: Final = ("start", "stop", "mask", "unmask")


@dataclass(frozen=True, slots=True)
class UuidBreak:
    """Ends what is being played to a channel, everything that is queued behind it too."""

    uuid: str

    def line(self) -> str:
        return f"uuid_break {check_uuid('uuid', self.uuid)} all"


def over_and_over(sound: str, longest: int = _MUSIC_LONGEST) -> str:
    """What plays ``sound`` for long: a file strung together, since nothing else repeats it (``loops`` works for tones
    only) and FreeSWITCH takes at most 128 parts; a tone repeated. A local stream is endless by itself. ``longest``
    counts letters.
    """
    if sound.startswith("tone_stream://") and "loops=" not in sound:
        return f"{sound};loops=-1"
    if not sound or "://" in sound:
        return sound
    return "file_string://" + "!".join([sound] * max(1, min(_MUSIC_TIMES, longest // len(sound))))


@dataclass(frozen=True, slots=True)
class UuidMusic:
    """Plays a sound to a channel over and over while it goes on."""

    uuid: str
    sound: str

    def line(self) -> str:
        sound = check_text("sound", self.sound)
        if not sound or re.search(r"[\s'\"\\!|]", sound):
            raise CommandError("sound", "is empty or holds a blank, a quote or '!'")
        return f"uuid_broadcast {check_uuid('uuid', self.uuid)} playback::{over_and_over(sound)} aleg"


@dataclass(frozen=True, slots=True)
class ShowOnly:
    """Shows a name and a number on the phone of a channel that ignores display updates otherwise.

    As one command, whose three parts the switch carries out in order: commands of their own could overtake each other
    (or a bridge's own update), and the phone would be told the other party's real number.
    """

    uuid: str
    name: str
    number: str

    def line(self) -> str:
        uuid = check_uuid("uuid", self.uuid)
        name, number = check_text("name", self.name), check_text("number", self.number)
        for field, text in (("name", name), ("number", number)):
            if not text or re.search(r"[|$(){}\[\]\\'\"`,;<>@]", text):
                raise CommandError(field, "is empty or holds a mark that could give an order")
        parts = (
            f"uuid_setvar({uuid} ignore_display_updates false)",
            f"uuid_display({uuid} {name}|{number})",
            f"uuid_setvar({uuid} ignore_display_updates true)",
        )
        return "expand echo " + "".join(f"${{{part}}}" for part in parts)


@dataclass(frozen=True, slots=True)
class SchedTransfer:
    """Sends a channel through an inline dialplan after so many seconds, whatever it does then, unless ``SchedDel``."""

    uuid: str
    after_s: int
    apps: Sequence[App]

    def line(self) -> str:
        if not 0 < self.after_s < 1_000_000:
            raise CommandError("after_s", "is not a number of seconds from 1 on")
        return f"sched_transfer +{self.after_s} {check_uuid('uuid', self.uuid)} {inline_dialplan(self.apps)} inline"


@dataclass(frozen=True, slots=True)
class SchedDel:
    """Forgets all that is scheduled for a channel."""

    uuid: str

    def line(self) -> str:
        return f"sched_del {check_uuid('uuid', self.uuid)}"


@dataclass(frozen=True, slots=True)
class UuidHold:
    """Puts a channel on hold, or takes it back."""

    uuid: str
    on: bool = True

    def line(self) -> str:
        return f"uuid_hold {'' if self.on else 'off '}{check_uuid('uuid', self.uuid)}"


@dataclass(frozen=True, slots=True)
class UuidRecord:
    """Records a channel to a file. A blank would cut the path, so it may hold none."""

    uuid: str
    what: str
    path: str

    def line(self) -> str:
        if self.what not in _RECORDING:
            raise CommandError("what", f"is not one of {', '.join(_RECORDING)}")
        path = check_text("path", self.path)
        if not path or re.search(r"[\s'\"\\,;|]", path):
            raise CommandError("path", "is empty or holds a blank or a quote")
        return f"uuid_record {check_uuid('uuid', self.uuid)} {self.what} {path}"


@dataclass(frozen=True, slots=True)
class RunOnFile:
    """Runs a program on the switch's host with a file's path, by a shell: neither may hold anything that one reads.

    What it prints is the answer, and ``DONE`` behind it when it ended well.
    """

    program: str
    path: str
    DONE: ClassVar[str] = "+done"

    def line(self) -> str:
        for name, value in (("program", self.program), ("path", self.path)):
            if not _PLAIN_PATH.fullmatch(value) or ".." in value.split("/"):
                raise CommandError(name, "is not an absolute path of letters, digits, '.', '_', '-' and '/'")
        return f"system {self.program} {self.path} 2>&1 && echo {self.DONE} || echo -failed $?"


@dataclass(frozen=True, slots=True)
class UuidGetvar:
    """A channel's variable, `_undef_` where it has none."""

    uuid: str
    name: str

    def line(self) -> str:
        return f"uuid_getvar {check_uuid('uuid', self.uuid)} {check_variable(self.name)}"


@dataclass(frozen=True, slots=True)
class UuidTap:
    """Records what the party on a channel says, and nothing else, to a file that grows while it is read.

    Without buffering: else the switch writes nothing for four seconds (measured). The variables are this recording's
    alone; ``dialer_tap`` comes back in its RECORD_STOP.
    """

    uuid: str
    path: str

    def line(self) -> str:
        started = UuidRecord(self.uuid, "start", self.path).line()
        if not self.path.endswith(".raw"):
            raise CommandError("path", "does not end with .raw: the switch would not write bare sound")
        return f"{started} 0 {{{','.join(f'{name}={value}' for name, value in _TAP.items())}}}"


@dataclass(frozen=True, slots=True)
class UuidSendDtmf:
    """Presses keys towards a channel's party."""

    uuid: str
    keys: str

    def line(self) -> str:
        return f"uuid_send_dtmf {check_uuid('uuid', self.uuid)} {_keys(self.keys)}"


@dataclass(frozen=True, slots=True)
class UuidRecvDtmf:
    """Presses keys as if a channel's party had: an eavesdropping leg is told so what to do."""

    uuid: str
    keys: str

    def line(self) -> str:
        return f"uuid_recv_dtmf {check_uuid('uuid', self.uuid)} {_keys(self.keys)}"


def _keys(keys: str) -> str:
    if not _KEYS.fullmatch(keys):
        raise CommandError("keys", "are not 1 to 64 of 0-9 * # A-D")
    return keys
