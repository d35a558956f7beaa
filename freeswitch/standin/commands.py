"""The API commands of the virtual switch: one table, one method each, replies as a real FreeSWITCH words
them.

A reply that is not known yet (an originate) comes later through the `reply` function; all others come at
once. Left out: everything not in the table; an unknown command answers `-ERR <command> Command not found!`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from freeswitch.standin import views
from freeswitch.standin.causes import known_cause
from freeswitch.standin.channel import Doing, Leg, Reply, Sounding
from freeswitch.standin.dialstring import split_arguments
from freeswitch.standin.events import SwitchEvent
from freeswitch.standin.kernel import VERSION
from freeswitch.standin.phone_commands import NO_CHANNEL, OK, PHONE_COMMANDS, PhoneCommands


class Commands(PhoneCommands):
    """Everything below plus the command table."""

    def execute(self, line: str, reply: Reply) -> None:
        """Run one command line; `reply` is called exactly once, at once or later (originate)."""
        command, _, argument = line.strip().partition(" ")
        argument = argument.strip()
        if command == "originate":
            self.originate(argument, reply)
            return
        if command in PHONE_COMMANDS:
            reply(PHONE_COMMANDS[command](self, argument))
            return
        handler = _TABLE.get(command)
        reply(handler(self, argument) if handler is not None else f"-ERR {command} Command not found!\n")

    # -- channels ----------------------------------------------------------------------------------

    def _leg(self, argument: str) -> tuple[Leg | None, str]:
        uuid, _, rest = argument.partition(" ")
        return self.find(uuid), rest.strip()

    def _uuid_bridge(self, argument: str) -> str:
        uuids = argument.split()
        if len(uuids) != 2:
            return "-USAGE: <uuid> <other_uuid>\n"
        a, b = self.find(uuids[0]), self.find(uuids[1])
        if a is None or b is None or a is b or not (a.ready or b.ready):
            return "-ERR Invalid uuid\n"
        self.bridge(a, b)
        return f"+OK {b.uuid}\n"

    def _uuid_kill(self, argument: str) -> str:
        leg, cause = self._leg(argument)
        if leg is None:
            return NO_CHANNEL
        self.hang_up(leg, known_cause(cause or "NORMAL_CLEARING"), "command")
        return OK

    def _uuid_park(self, argument: str) -> str:
        leg, _ = self._leg(argument)
        if leg is None:
            return NO_CHANNEL
        self.park(leg)
        return OK

    def _uuid_transfer(self, argument: str) -> str:
        parts = split_arguments(argument)
        if len(parts) < 2:
            return "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"
        leg = self.find(parts[0])
        if leg is None:
            return NO_CHANNEL
        if parts[1] in ("-bleg", "-both"):
            bridge = leg.bridge
            if bridge is None or len(parts) < 3:
                return "-ERR No such channel!\n"
            targets = [bridge.partner(leg)] if parts[1] == "-bleg" else [bridge.partner(leg), leg]
            parts = [parts[0], *parts[2:]]
        else:
            targets = [leg]
        for target in targets:
            self.transfer(target, *parts[1:4])
        return OK

    def _sched_transfer(self, argument: str) -> str:
        """In seconds from now (`+N`) only. All that is scheduled happens, each in its turn (measured)."""
        parts = split_arguments(argument)
        if len(parts) < 3 or not parts[0].startswith("+") or not parts[0][1:].isdecimal():
            return "-USAGE: [+]<time> <uuid> <extension> [<dialplan>] [<context>]\n"
        leg = self.find(parts[1])
        if leg is None:
            return NO_CHANNEL
        leg.scheduled.append(self.clock.at(self.clock.now + float(parts[0]), self._scheduled, leg, tuple(parts[2:5])))
        return OK

    def _scheduled(self, leg: Leg, where: tuple[str, ...]) -> None:
        if leg.alive:
            self.transfer(leg, *where)

    def _sched_del(self, argument: str) -> str:
        """By the channel, whose UUID is the group of its tasks."""
        leg = self.find(argument)
        waiting = [] if leg is None else [timer for timer in leg.scheduled if timer.callback is not None]
        for timer in waiting:
            timer.cancel()
        return f"+OK Deleted: {len(waiting)}\n"

    def _uuid_broadcast(self, argument: str) -> str:
        leg, rest = self._leg(argument)
        path = (split_arguments(rest) or [""])[0]
        if leg is None:
            return NO_CHANNEL
        if not path:
            return "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n"
        app, separator, data = path.partition("::")
        if not separator:
            app, data = "playback", path
        if app == "playback":
            self.broadcast(leg, Sounding(data))
        elif app == "hangup":
            self.hang_up(leg, known_cause(data or "NORMAL_CLEARING"), "command")
        return "+OK Message sent\n"

    def _uuid_setvar(self, argument: str) -> str:
        leg, rest = self._leg(argument)
        if leg is None:
            return NO_CHANNEL
        name, _, value = rest.partition(" ")
        if not name:
            return "-USAGE: <uuid> <var> [value]\n"
        if value:
            leg.put_all({name: value})
        else:
            leg.drop(name)
        return OK

    def _uuid_setvar_multi(self, argument: str) -> str:
        leg, rest = self._leg(argument)
        if leg is None:
            return NO_CHANNEL
        for pair in split_arguments(rest, ";"):
            name, equals, value = pair.partition("=")
            if equals and name:
                leg.put_all({name: value})
        return OK

    def _uuid_getvar(self, argument: str) -> str:
        leg, name = self._leg(argument)
        if leg is None:
            return NO_CHANNEL
        direction = "a=sendonly\r\n" if leg.phone_holds else ""
        special = {
            "uuid": leg.uuid,
            "channel_name": leg.identity.name,
            "call_uuid": leg.call_uuid,
            "switch_r_sdp": f"v=0\r\nm=audio 4000 RTP/AVP 8\r\n{direction}",
        }
        return leg.variables.get(name) or special.get(name) or "_undef_"

    def _uuid_exists(self, argument: str) -> str:
        return "true" if self.find(argument.strip()) is not None else "false"

    def _uuid_dump(self, argument: str) -> str:
        leg, form = self._leg(argument)
        if leg is None:
            return NO_CHANNEL
        event = SwitchEvent("CHANNEL_DATA", self.node, self.reserve(), self.clock.micros(), leg.view())
        return views.dump(event, form == "json")

    def _uuid_display(self, argument: str) -> str:
        leg, rest = self._leg(argument)
        if leg is None:
            return NO_CHANNEL
        if not rest:
            return "-USAGE: <uuid> [<display>]\n"
        if leg.variables.get("ignore_display_updates") != "true":
            leg.displayed.append(rest)
        return "+OK Success\n"

    def _expand(self, argument: str) -> str:
        """`expand echo ${command(argument)}…`: each is carried out in its turn, and its answer put in its place."""
        command, _, text = argument.partition(" ")
        if command != "echo":
            return f"-ERR {command} Command not found!\n"

        def run(found: re.Match[str]) -> str:
            handler = _TABLE.get(found[1])
            return handler(self, found[2]).rstrip("\n") + "\n" if handler is not None else ""

        return _CALL.sub(run, text).rstrip("\n") + "\n"

    def _hupall(self, argument: str) -> str:
        cause = known_cause(argument.split()[0]) if argument.split() else "MANAGER_REQUEST"
        for leg in list(self.legs.values()):
            self.hang_up(leg, cause, "command")
        return f"+OK hangup all channels with cause {cause}\n"

    # -- the switch --------------------------------------------------------------------------------

    def _show(self, argument: str) -> str:
        words = argument.split()
        what, as_json = words[0] if words else "", words[-2:] == ["as", "json"]
        living = [leg for leg in self.legs.values() if leg.doing is not Doing.GONE]
        if what == "channels":
            if words[1:2] == ["count"]:
                return json.dumps({"row_count": len(living)}) if as_json else f"\n{len(living)} total.\n"
            return views.listing([views.channel_row(leg, self.node_name) for leg in living], as_json)
        if what == "calls":
            rows = views.call_rows(living, self.node_name)
            if words[1:2] == ["count"]:
                return json.dumps({"row_count": len(rows)}) if as_json else f"\n{len(rows)} total.\n"
            return views.listing(rows, as_json)
        return "-USAGE: show channels|calls [count] [as json]\n"

    def _status(self, argument: str) -> str:
        return views.status(self)

    def _sofia(self, argument: str) -> str:
        words = argument.split()
        if words[:2] == ["status", "gateway"] and len(words) > 2:
            if not self.world.gateway_exists(words[2]):
                return "Invalid Gateway!\n"
            state = "DOWN" if words[2] in self.world.spec.gateways_down else "UP"
            return f"Name    \t{words[2]}\nState   \tNOREG\nStatus  \t{state}\n"
        return "+OK\n" if words[:1] == ["status"] else "-ERR sofia: only `status` is modelled\n"

    def _version(self, argument: str) -> str:
        return f"FreeSWITCH Version {VERSION}~64bit (stand-in 64bit)\n"

    def _uptime(self, argument: str) -> str:
        return str(int(self.clock.now - self.started_s))

    def _hostname(self, argument: str) -> str:
        return self.node_name

    def _global_getvar(self, argument: str) -> str:
        if not argument:
            return "".join(f"{name}={value}\n" for name, value in self.globals.items())
        return self.globals.get(argument, "")

    def _system(self, argument: str) -> str:
        """Nothing is run: as if every program ended well, or none while uploads fail."""
        self.audit.systems.append(argument)
        return "no route to the archive\n-failed 1\n" if self.uploads_fail else "+done\n"

    def _create_uuid(self, argument: str) -> str:
        return self.new_uuid()

    def _fsctl(self, argument: str) -> str:
        words = argument.split()
        if words[:1] == ["pause"]:
            self.paused = True
        elif words[:1] == ["resume"]:
            self.paused = False
        elif words[:1] == ["shutdown"]:
            self.clock.at(self.clock.now, self.go_down)
        elif words[:1] == ["pause_check"]:
            return "true" if self.paused else "false"
        else:
            return "-ERR fsctl: pause, resume, pause_check and shutdown are modelled\n"
        return OK

    def go_down(self) -> None:
        """A clean shutdown: SHUTDOWN, then every leg ends with SYSTEM_SHUTDOWN."""
        if self.down:
            return
        self.down = True
        self.emit("SHUTDOWN", extra={"Event-Info": "System Shutting Down"})
        for leg in list(self.legs.values()):
            self.hang_up(leg, "SYSTEM_SHUTDOWN", "shutdown")
        for leg in list(self.legs.values()):
            self.finish(leg)

    def _audit(self, argument: str) -> str:
        return json.dumps(
            self.audit.report(list(self.legs.values()), self.clock.now, legs=argument != "summary")
        )

    def message(self, uuid: str, headers: dict[str, str]) -> str:
        """sendmsg: execute and hangup are modelled, as commands on the leg."""
        leg = self.find(uuid)
        if leg is None:
            return f"-ERR invalid session id [{uuid}]"
        headers = {name.lower(): value for name, value in headers.items()}
        call = headers.get("call-command", "").lower()
        if call == "hangup":
            self.hang_up(leg, known_cause(headers.get("hangup-cause", "NORMAL_CLEARING")), "command")
            return "+OK"
        if call == "execute":
            app, data = headers.get("execute-app-name", ""), headers.get("execute-app-arg", "")
            if app in ("playback", "hangup"):
                self._uuid_broadcast(f"{uuid} {app}::{data}")
            elif app in ("set", "export"):
                name, equals, value = data.partition("=")
                if equals and name:
                    leg.put_all({name: value})
            elif app == "park":
                self.park(leg)
            return "+OK"
        return "-ERR invalid command"


Handler = Callable[[Commands, str], str]
_CALL: Final = re.compile(r"\$\{([a-z_]+)\(([^()]*)\)\}")

_TABLE: Final[dict[str, Handler]] = {
    "uuid_bridge": Commands._uuid_bridge,
    "uuid_kill": Commands._uuid_kill,
    "uuid_park": Commands._uuid_park,
    "uuid_transfer": Commands._uuid_transfer,
    "uuid_broadcast": Commands._uuid_broadcast,
    "sched_transfer": Commands._sched_transfer,
    "sched_del": Commands._sched_del,
    "uuid_setvar": Commands._uuid_setvar,
    "uuid_setvar_multi": Commands._uuid_setvar_multi,
    "uuid_getvar": Commands._uuid_getvar,
    "uuid_exists": Commands._uuid_exists,
    "uuid_dump": Commands._uuid_dump,
    "uuid_display": Commands._uuid_display,
    "expand": Commands._expand,
    "hupall": Commands._hupall,
    "show": Commands._show,
    "status": Commands._status,
    "sofia": Commands._sofia,
    "version": Commands._version,
    "uptime": Commands._uptime,
    "hostname": Commands._hostname,
    "global_getvar": Commands._global_getvar,
    "system": Commands._system,
    "create_uuid": Commands._create_uuid,
    "fsctl": Commands._fsctl,
    "standin_audit": Commands._audit,
}
