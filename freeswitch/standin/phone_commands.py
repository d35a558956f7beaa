"""API commands on a leg's sound and keys, worded as a real FreeSWITCH does, and those by which a test moves phones.

`standin_dial <seat or number> <digits> [uuid]`, `standin_press`, `standin_hangup`, `standin_hold <who> [off]`,
`standin_vanish <who>`, `standin_disk full|ok` and `standin_uploads fail|ok` exist here only.  Who: a leg's UUID, the
user of a seat's phone, or a number.  A caller that starts with `+`, or has seven digits or more, calls from outside.
Left out: what the command does not list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from freeswitch.standin.channel import BY_COMMAND, Leg
from freeswitch.standin.phones import Phones

OK: Final = "+OK\n"
DONE: Final = "+OK Success\n"
FAILED: Final = "-ERR Operation failed\n"
NO_CHANNEL: Final = "-ERR No such channel!\n"
NO_SESSION: Final = "-ERR Cannot locate session!\n"
_OUTSIDE: Final = re.compile(r"\+.*|[0-9]{7,}")
_DTMF: Final = re.compile(r"[0-9*#A-DwW]+(?:@[0-9]+)?")


class PhoneCommands(Phones):
    """Phones and what is below plus these commands."""

    def _uuid_break(self, argument: str) -> str:
        uuid, _, flags = argument.partition(" ")
        leg = self.find(uuid)
        if leg is None:
            return NO_CHANNEL if uuid else "-USAGE: <uuid> [all]\n"
        self.break_playing(leg, "all" in flags)
        partner = leg.partner
        if "both" in flags and partner is not None:
            self.break_playing(partner, "all" in flags)
        return OK

    def _uuid_displace(self, argument: str) -> str:
        words = argument.split()
        if len(words) < 3 or words[1] not in ("start", "stop"):
            return "-USAGE: <uuid> [start|stop] <path> [<limit>] [mux]\n"
        leg = self.find(words[0])
        if leg is None:
            return NO_SESSION
        if words[1] == "stop":
            return DONE if self.stop_displacing(leg, words[2]) else "-ERR Cannot stop displace session!\n"
        limit = _seconds(words[3]) if len(words) > 3 else 0
        flags = words[4] if len(words) > 4 else ""
        return DONE if self.displace(leg, words[2], limit, flags) else "-ERR Cannot displace session!\n"

    def _uuid_hold(self, argument: str) -> str:
        """Like the real one, `+OK` for a channel that does not exist."""
        words = argument.split()
        if not words:
            return "-USAGE: [off|toggle] <uuid> [<display>]\n"
        mode = words[0] if words[0] in ("off", "toggle") else ""
        leg = self.find(words[1] if mode and len(words) > 1 else words[0])
        if leg is None:
            return DONE
        if mode == "off" or (mode == "toggle" and leg.held):
            return DONE if self.unhold(leg) else FAILED
        return DONE if self.hold(leg, BY_COMMAND) else FAILED

    def _uuid_send_dtmf(self, argument: str) -> str:
        return self._dtmf(argument, "sent", self.sent)

    def _uuid_recv_dtmf(self, argument: str) -> str:
        return self._dtmf(argument, "received", self.received)

    def _dtmf(self, argument: str, done: str, act: Callable[[Leg, str], None]) -> str:
        uuid, _, keys = argument.partition(" ")
        keys = keys.strip().partition(" ")[0]
        if not keys:
            return "-USAGE: <uuid> <dtmf_data>\n"
        leg = self.find(uuid)
        if leg is None:
            return NO_SESSION
        if not _DTMF.fullmatch(keys):
            return FAILED if done == "sent" else "-USAGE: <uuid> <dtmf_data>\n"
        act(leg, keys)
        return f"+OK {uuid} {done} DTMF {keys}.\n"

    def _uuid_record(self, argument: str) -> str:
        """A path ends at its first blank."""
        words = argument.split()
        if len(words) < 3 or words[1] not in ("start", "stop", "mask", "unmask"):
            return "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>]\n"
        leg, what, path = self.find(words[0]), words[1], words[2]
        if leg is None:
            return NO_SESSION
        if what == "start":
            limit = _seconds(words[3]) if len(words) > 3 else 0
            own = _own_variables(" ".join(words[4:]))
            return DONE if self.record(leg, path, limit, own) else "-ERR Cannot record session!\n"
        if what == "stop":
            return DONE if self.stop_recording(leg, path) else "-ERR Cannot stop record session!\n"
        return DONE if self.mask(leg, path, what == "mask") else f"-ERR Cannot {what} recording session!\n"

    # -- moving phones -----------------------------------------------------------------------------

    def _dial(self, argument: str) -> str:
        words = argument.split()
        if len(words) not in (2, 3):
            return "-USAGE: <seat or number> <digits> [uuid]\n"
        seat = _OUTSIDE.fullmatch(words[0]) is None
        leg = self.call_in(words[0], words[1], seat=seat, uuid=words[2] if len(words) > 2 else "")
        return f"+OK {leg.uuid}\n" if leg is not None else "-ERR refused\n"

    def _press(self, argument: str) -> str:
        words = argument.split()
        if len(words) not in (2, 3):
            return "-USAGE: <who> <keys> [info]\n"
        leg = self.leg_at(words[0])
        return OK if leg is not None and self.pressed(leg, words[1], words[2:] == ["info"]) else NO_CHANNEL

    def _hang_up(self, argument: str) -> str:
        leg = self.leg_at(argument)
        return OK if leg is not None and self.hangs_up(leg) else NO_CHANNEL

    def _hold(self, argument: str) -> str:
        who, _, mode = argument.partition(" ")
        leg = self.leg_at(who)
        if leg is None and mode.strip() == "off":
            leg = next(iter(self.legs_of(who)), None)
        if leg is None:
            return NO_CHANNEL
        return OK if self.button(leg, mode.strip() != "off") else FAILED

    def _vanish(self, argument: str) -> str:
        leg = self.leg_at(argument)
        return OK if leg is not None and self.vanishes(leg) else NO_CHANNEL

    def _disk(self, argument: str) -> str:
        if argument not in ("full", "ok"):
            return "-USAGE: full|ok\n"
        self.set_disk_full(argument == "full")
        return OK

    def _uploads(self, argument: str) -> str:
        if argument not in ("fail", "ok"):
            return "-USAGE: fail|ok\n"
        self.uploads_fail = argument == "fail"
        return OK


def _own_variables(text: str) -> dict[str, str]:
    """`{name=value,...}` behind the limit: of this recording alone."""
    if not (text.startswith("{") and text.endswith("}")):
        return {}
    pairs = (pair.partition("=") for pair in text[1:-1].split(","))
    return {name: value for name, equals, value in pairs if equals}


def _seconds(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 8 else 0


PHONE_COMMANDS: Final = MappingProxyType(
    {
        "uuid_break": PhoneCommands._uuid_break,
        "uuid_displace": PhoneCommands._uuid_displace,
        "uuid_hold": PhoneCommands._uuid_hold,
        "uuid_send_dtmf": PhoneCommands._uuid_send_dtmf,
        "uuid_recv_dtmf": PhoneCommands._uuid_recv_dtmf,
        "uuid_record": PhoneCommands._uuid_record,
        "standin_dial": PhoneCommands._dial,
        "standin_press": PhoneCommands._press,
        "standin_hangup": PhoneCommands._hang_up,
        "standin_hold": PhoneCommands._hold,
        "standin_vanish": PhoneCommands._vanish,
        "standin_disk": PhoneCommands._disk,
        "standin_uploads": PhoneCommands._uploads,
    }
)
