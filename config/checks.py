"""Comparisons between keys and sections: references, doubles, modes that do not fit, times that contradict.

Owns every rule that needs more than one value. Works on a configuration from which faulty values were taken
out, so a rule stays silent where one of its values was faulty itself. Of files it asks only
whether they can be read, and for the header of the talk times' CSV.
"""

from __future__ import annotations

import csv
import difflib
import itertools
import os
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from config.agentless_schema import agentless_faults
from config.callbacks_schema import callbacks_faults
from config.campaign_schema import CampaignConfig
from config.errors import Fault, shown
from config.hearing_schema import hearing_faults, machines_faults, machines_unrecorded
from config.inbound_schema import inbound_faults, inbound_referred
from config.layers import item_name
from config.lines_checks import campaign_faults, table_faults, trunk_faults
from config.lines_schema import lines_faults
from config.lookup import path_of, source_of
from config.pacing_checks import pacing_faults
from config.phones_schema import phones_faults
from config.qc_schema import qc_faults
from config.recording_schema import recording_faults
from config.routing_schema import referred, routing_faults
from config.said_checks import said_faults
from config.schema import Config, SeatConfig, TrunkConfig
from config.sounds_schema import sounds_faults
from config.tree import Mapping, Sequence
from config.values import expand_days, expand_ids

_NAMED = ("trunks", "seats", "agents", "lists", "campaigns")
_MANY = 12


def declared(tree: Mapping) -> dict[str, frozenset[str]]:
    """The names in each section as written, those of faulty entries included: a reference to one is not a
    fault.
    """
    result = {}
    for section in _NAMED:
        entry = tree.entries.get(section)
        items = entry.node.items if entry is not None and isinstance(entry.node, Sequence) else []
        result[section] = frozenset(i for name in map(item_name, items) if name for i in _expand(name))
    return result


def _expand(name: str) -> tuple[str, ...]:
    first, dash, last = name.partition("-")
    huge = dash and first.isdecimal() and last.isdecimal() and len(first) < 16 and int(last) - int(first) > 10_000
    return (name,) if huge else expand_ids(name)


def _unnamed(faulted: frozenset[str]) -> frozenset[str]:
    """Sections in which an entry's name or id is itself faulty: nobody knows what it would have been."""
    parts = [path.split(".") for path in faulted]
    return frozenset(path[0] for path in parts if len(path) >= 2 and (len(path) == 2 or path[-1] in ("id", "name")))


@dataclass(slots=True)
class Checker:
    """All rules over one configuration. ``faulted`` holds the paths that were reported already.

    Not ``complete`` when a file could not be read: a name that is nowhere else may stand in it.
    """

    config: Config
    tree: Mapping
    declared: dict[str, frozenset[str]]
    faulted: frozenset[str]
    complete: bool
    prompts: Set[str] | None = None
    _seats: dict[str, SeatConfig] = field(default_factory=dict)
    _unnamed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._unnamed = _unnamed(self.faulted) if self.complete else frozenset(_NAMED)

    def check(self) -> list[Fault]:
        """Every fault found."""
        return [
            *self._names(),
            *self._seats_and_addresses(),
            *self._agents(),
            *self._lists(),
            *self._trunks(),
            *self._lines(),
            *self._campaigns(),
            *self._open_lines(),
            *self._windows(),
            *self._embedded(),
            *self._sounds(),
            *self._phones(),
            *self._qc(),
            *self._hearing(),
            *self._routing(),
            *self._inbound(),
            *self._said(),
            *self._ranges(),
        ]

    def _fault(self, path: tuple[str | int, ...], value: object, expected: str) -> Iterator[Fault]:
        dotted = path_of(self.tree, *path)
        text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
        keys = [str(part) for part in path]
        yield Fault(source_of(self.tree, *path), dotted, shown(text, keys), expected)

    def _section(
        self,
        here: tuple[str | int, ...],
        faults: Iterable[tuple[tuple[str | int, ...], object, str]],
        *also: tuple[str | int, ...],
    ) -> Iterator[Fault]:
        """A section's own faults (path under ``here``, value, what was expected), where that and ``also`` are sound."""
        for path, value, expected in faults:
            if self._sound((*here, *path), *also):
                yield from self._fault((*here, *path), value, expected)

    def _sound(self, *paths: tuple[str | int, ...]) -> bool:
        """Whether no fault was reported at or under these paths."""
        dotted = [path_of(self.tree, *path) for path in paths]
        return not any(bad == path or bad.startswith(path + ".") for path in dotted for bad in self.faulted)

    def _known(self, section: str, name: str, what: str) -> str | None:
        """None where the name is declared; else what was expected."""
        names = self.declared[section]
        if name in names or section in self._unnamed:
            return None
        close = difflib.get_close_matches(name, names, n=1)
        if close:
            return f"{what}; did you mean {close[0]}?"
        listed = ", ".join(sorted(names)[:_MANY]) + (", …" if len(names) > _MANY else "")
        return f"{what}: {listed}" if names else f"{what}; none is configured"

    def _names(self) -> Iterator[Fault]:
        for section in ("trunks", "lists", "campaigns"):
            seen: dict[str, int] = {}
            for index, item in enumerate(getattr(self.config, section)):
                yield from self._double((section, index, "name"), item.name, seen, section[:-1])
        nodes: dict[str, int] = {}
        for index, node in enumerate(self.config.switch.nodes):
            yield from self._double(("switch", "nodes", index, "name"), node.name, nodes, "node")
        gateways: dict[str, int] = {}
        for index, trunk in enumerate(self.config.trunks):
            key = "gateway" if trunk.gateway else "name"
            yield from self._double(("trunks", index, key), trunk.gateway_name, gateways, "gateway")

    def _double(self, path: tuple[str | int, ...], name: str, seen: dict[str, int], what: str) -> Iterator[Fault]:
        index = path[-2]
        assert isinstance(index, int)
        first = seen.setdefault(name, index)
        if first != index:
            where = source_of(self.tree, *path[:-2], first, path[-1])
            yield from self._fault(path, name, f"a {what} name of its own; {where} has it too")

    def _seats_and_addresses(self) -> Iterator[Fault]:
        addresses: dict[str, tuple[str, int]] = {}
        first_at: dict[str, int] = {}
        for index, entry in enumerate(self.config.seats):
            double = overlap = False
            for seat, address in entry.expand():
                if seat in self._seats:
                    if not double:
                        where = source_of(self.tree, "seats", first_at[seat], "id")
                        yield from self._fault(
                            ("seats", index, "id"), entry.id, f"ids of its own; {where} has {seat} too"
                        )
                    double = True
                    continue
                self._seats[seat], first_at[seat] = entry, index
                other = addresses.setdefault(address, (seat, index))
                if other[0] != seat and not overlap:
                    overlap = True
                    yield from self._fault(
                        ("seats", index, "address"),
                        entry.address,
                        f"an address for each seat; {other[0]} has {address} too",
                    )
            unknown = sorted(set(entry.secrets) - {seat for seat, _ in entry.expand()})
            if unknown:
                key = "secrets_file" if entry.secrets_file else "secrets"
                yield from self._fault(("seats", index, key), unknown[0], f"secrets of the seats {entry.id} only")

    def _agents(self) -> Iterator[Fault]:
        seen: dict[str, int] = {}
        taken: dict[str, str] = {}
        for index, entry in enumerate(self.config.agents):
            told_id = told_seat = False
            for agent, seat in entry.expand():
                first = seen.setdefault(agent, index)
                if first != index:
                    if not told_id:
                        where = source_of(self.tree, "agents", first, "id")
                        yield from self._fault(
                            ("agents", index, "id"), entry.id, f"ids of its own; {where} has {agent} too"
                        )
                    told_id = True
                    continue
                expected = self._known("seats", seat, "a configured seat")
                owner = taken.setdefault(seat, agent)
                if expected is None and owner != agent and entry.login_at_start and self._logs_in(owner):
                    expected = f"a free seat: {owner} sits there at the start too"
                if expected and not told_seat:
                    told_seat = True
                    yield from self._fault(("agents", index, "seat"), seat, expected)
            for position, name in enumerate(entry.campaigns or ()):
                expected = self._known("campaigns", name, "a configured campaign")
                if expected:
                    yield from self._fault(("agents", index, "campaigns", position), name, expected)
            plans = [plan.name for plan in self.config.routing.follow_me]
            here: tuple[str | int, ...] = ("agents", index, "follow_me")
            if entry.follow_me is not None and entry.follow_me not in plans and self._sound(("routing", "follow_me")):
                expected = f"a plan of routing.follow_me: {', '.join(plans) or 'none is configured'}"
                yield from self._fault(here, entry.follow_me, expected)

    def _logs_in(self, agent: str) -> bool:
        return any(e.login_at_start for e in self.config.agents if agent in expand_ids(e.id))

    def _lists(self) -> Iterator[Fault]:
        for index, leads in enumerate(self.config.lists):
            if leads.file:
                yield from self._file(("lists", index, "file"), leads.file)
        for index, file in enumerate(self.config.do_not_call.files):
            yield from self._file(("do_not_call", "files", index), file)
        talk = self.config.embedded.talk
        if talk.file:
            missing = list(self._file(("embedded", "talk", "file"), talk.file))
            yield from missing or self._column(talk.file, talk.column)

    def _file(self, path: tuple[str | int, ...], file: str) -> Iterator[Fault]:
        if not os.path.isfile(file):
            yield from self._fault(path, file, "a file that exists")
        elif not os.access(file, os.R_OK):
            yield from self._fault(path, file, "a file that this user may read")

    def _sounds(self) -> Iterator[Fault]:
        yield from self._section((), sounds_faults(self.config.prompts, self.config.speech))

    def _phones(self) -> Iterator[Fault]:
        yield from self._section(("phones",), phones_faults(self.config.phones))
        inside = {agent for entry in self.config.agents for agent in expand_ids(entry.id)} | set(self._seats)
        for index, rule in enumerate(self.config.phones.dial_rules):
            for position, number in enumerate(rule.short):
                if number in inside:
                    # An emergency number must not ring a colleague.
                    expected = "a number that is no agent's and no seat's: theirs are rung first"
                    yield from self._fault(("phones", "dial_rules", index, "short", position), number, expected)

    def _qc(self) -> Iterator[Fault]:
        words = [campaign.dispositions for campaign in self.config.campaigns]
        known = {code for codes in words for code in codes} if all(words) else set()
        yield from self._section(("qc",), qc_faults(self.config.qc, known))

    def _hearing(self) -> Iterator[Fault]:
        hearing = self.config.hearing
        nodes = frozenset(node.name for node in self.config.switch.nodes)
        yield from self._section(("hearing",), hearing_faults(hearing, nodes))
        if hearing.prints_file:
            yield from self._file(("hearing", "prints_file"), hearing.prints_file)

    def _machines(self, here: tuple[str | int, ...], campaign: CampaignConfig) -> Iterator[Fault]:
        machines, section = campaign.answering_machines, (*here, "answering_machines")
        faults = machines_faults(machines, campaign.mode, campaign.wait_limit_s)
        found = list(self._section(section, faults, section, (*here, "mode"), (*here, "wait_limit_s")))
        yield from found
        expected = machines_unrecorded(machines, campaign.recording)
        if machines.record_share and expected and self._sound(section, (*here, "recording")):
            yield from self._fault((*section, "record_share"), f"{machines.record_share:g}", f"0, or {expected}")
        if machines.message is not None and machines.message.startswith("/") and not found:
            yield from self._file((*section, "message"), machines.message)

    def _agentless(self, here: tuple[str | int, ...], campaign: CampaignConfig) -> Iterator[Fault]:
        faults = agentless_faults(
            campaign.agentless,
            campaign.mode,
            frozenset(campaign.model_fields_set),
            campaign.answering_machines.policy,
            campaign.dispositions,
            len(self.config.serving(campaign)),
            self.config.prompts.switch_directory is not None,
        )
        yield from self._section(here, faults, (*here, "agentless"), (*here, "mode"))

    def _column(self, file: str, column: str) -> Iterator[Fault]:
        try:
            with open(file, encoding="utf-8-sig", newline="") as stream:
                header = next(csv.reader(stream), [])
        except (OSError, UnicodeDecodeError, csv.Error):
            yield from self._fault(("embedded", "talk", "file"), file, "a CSV file in UTF-8")
            return
        if column not in header and self._sound(("embedded", "talk", "column")):
            expected = f"a column of {file}: {', '.join(header[:_MANY])}"
            yield from self._fault(("embedded", "talk", "column"), column, expected)

    def _trunks(self) -> Iterator[Fault]:
        for index, trunk in enumerate(self.config.trunks):
            reserved, channels = ("trunks", index, "reserved_inbound"), ("trunks", index, "channels")
            if trunk.reserved_inbound >= trunk.channels and self._sound(reserved, channels):
                expected = f"fewer than channels, which is {trunk.channels}: the rest is what may be dialed on"
                yield from self._fault(reserved, trunk.reserved_inbound, expected)
            yield from self._section(("trunks", index), trunk_faults(self.config, trunk), ("lines", "pools"))
            if trunk.kind != "register":
                continue
            for key, value in self._needed(trunk).items():
                if value is None and self._sound(("trunks", index, key), ("trunks", index, f"{key}_file")):
                    yield from self._fault(
                        ("trunks", index, key), "(missing)", "this key: a trunk that registers needs it"
                    )

    def _lines(self) -> Iterator[Fault]:
        yield from self._section(("lines",), lines_faults(self.config.lines))
        yield from self._section(("lines",), table_faults(self.config, self._configured))

    def _configured(self, section: str, name: str) -> str | None:
        return self._known(section, name, f"a configured {section[:-1]}")

    @staticmethod
    def _needed(trunk: TrunkConfig) -> dict[str, object]:
        return {"proxy": trunk.proxy, "username": trunk.username, "password": trunk.password}

    def _campaigns(self) -> Iterator[Fault]:
        for index, campaign in enumerate(self.config.campaigns):
            here: tuple[str | int, ...] = ("campaigns", index)
            if self._sound((*here, "trunk"), (*here, "trunks")):
                yield from self._section(here, campaign_faults(self.config, campaign, self._configured))
            if not campaign.lists and self._sound((*here, "lists")):
                yield from self._fault((*here, "lists"), "(empty)", "at least one list of leads")
            for position, name in enumerate(campaign.lists):
                expected = self._known("lists", name, "a configured list")
                if expected:
                    yield from self._fault((*here, "lists", position), name, expected)
            yield from self._campaign_agents(here, campaign)
            yield from self._campaign_numbers(here, campaign)
            yield from self._section(here, pacing_faults(campaign))
            yield from self._machines(here, campaign)
            yield from self._agentless(here, campaign)
            yield from self._section((*here, "recording"), recording_faults(campaign.recording))
            given = frozenset(campaign.callbacks.model_fields_set)
            yield from self._section((*here, "callbacks"), callbacks_faults(campaign.callbacks, given))

    def _campaign_agents(self, here: tuple[str | int, ...], campaign: CampaignConfig) -> Iterator[Fault]:
        limited = {
            agent: entry.campaigns
            for entry in self.config.agents
            if entry.campaigns is not None
            for agent in expand_ids(entry.id)
        }
        for position, ids in enumerate(campaign.agents or ()):
            for agent in expand_ids(ids):
                expected = self._known("agents", agent, "a configured agent")
                elsewhere = limited.get(agent)
                if expected is None and elsewhere is not None and campaign.name not in elsewhere:
                    expected = f"an agent whose own campaigns ({', '.join(elsewhere) or 'none'}) include this one"
                if expected:
                    yield from self._fault((*here, "agents", position), agent, expected)
                    break

    def _campaign_numbers(self, here: tuple[str | int, ...], campaign: CampaignConfig) -> Iterator[Fault]:
        ring, shortest = (*here, "ring_timeout_s"), (*here, "min_ring_s")
        if campaign.ring_timeout_s < campaign.min_ring_s and self._sound(ring, shortest):
            expected = f"at least min_ring_s, which is {campaign.min_ring_s:g}"
            yield from self._fault(ring, campaign.ring_timeout_s, expected)
        if campaign.lines_per_agent is not None and campaign.mode != "ratio" and self._sound((*here, "mode")):
            lines = {"predictive": "decides for itself", "agentless": "has agentless.max_lines"}.get(
                campaign.mode, "dials one line an agent"
            )
            expected = f"no such key in mode {campaign.mode}, which {lines}; it is for mode ratio"
            yield from self._fault((*here, "lines_per_agent"), campaign.lines_per_agent, expected)

    def _routing(self) -> Iterator[Fault]:
        """Rules that contradict, and people, seats and groups that are not there."""
        config = self.config.routing
        yield from self._section(("routing",), routing_faults(config))
        yield from self._references("routing", referred(config))
        used = self.config.plans_used()
        ours = {
            way.removeprefix("+") for entry in self.config.inbound.numbers for way in (entry.number, *entry.also)
        }
        for index, plan in enumerate(config.follow_me):
            here: tuple[str | int, ...] = ("routing", "follow_me", index)
            for place, phone in enumerate(plan.phones):
                if phone.number is not None and phone.number.removeprefix("+") in ours:
                    expected = "another number than our own, at which the caller would come in again"
                    yield from self._fault((*here, "phones", place, "number"), phone.number, expected)
            if plan.voicemail and plan.name in used and self.config.inbound.voicemail_directory is None:
                expected = "inbound.voicemail_directory, where messages are kept, or voicemail: false"
                yield from self._fault((*here, "voicemail"), True, expected)

    def _references(
        self, section_name: str, names: Iterable[tuple[tuple[str | int, ...], str, str]]
    ) -> Iterator[Fault]:
        """Names that are written elsewhere, and are not there."""
        groups = {group for agent in self.config.agents for group in (*agent.groups, agent.team or "")}
        for (*path, last), section, name in names:
            here = (section_name, *path, last)
            expected = None
            if section == "agents or groups":
                what = f"a group ({', '.join(sorted(groups - {''})) or 'none is named'}), or a configured agent"
                expected = None if name in groups else self._known("agents", name, what)
            elif section != "groups":
                expected = self._known(section, name, f"a configured {section.removesuffix('s')}")
            elif name not in groups:
                expected = f"a group that an agent is in: {', '.join(sorted(groups - {''})) or 'none is named'}"
            if expected and self._sound(here):
                yield from self._fault(here, name, expected)

    def _inbound(self) -> Iterator[Fault]:
        """Numbers, menus and queues that contradict, and what they name that is not there."""
        config = self.config.inbound
        phones = self.config.phones
        taken = {campaign.name: "a campaign" for campaign in self.config.campaigns}
        taken |= dict.fromkeys((*phones.login_numbers, *phones.supervise_numbers), "a login number")
        calendars = [calendar.name for calendar in self.config.routing.calendars]
        plans = [plan.name for plan in self.config.routing.follow_me]
        faults = inbound_faults(config, calendars, taken, plans)
        yield from self._section(("inbound",), faults, ("routing", "calendars"), ("routing", "follow_me"))
        yield from self._references("inbound", inbound_referred(config))
        for index, queue in enumerate(config.queues):
            here = ("inbound", "queues", index)
            if self._sound(here, ("agents",)) and not self.config.answering(queue.steps):
                yield from self._fault((*here, "steps"), queue.name, "agents who may take its calls")
            dials = next((c for c in self.config.campaigns if c.name == queue.callback_campaign), None)
            if dials is not None and not dials.callbacks.dial:
                expected = "a campaign that dials callbacks (callbacks: {dial: true})"
                yield from self._fault((*here, "callback_campaign"), dials.name, expected)
        for (*path, last), fallback in config.fallbacks():
            seat = self._seats.get(fallback.extension or "")
            if seat is not None and not seat.address.startswith("user/"):
                expected = "a seat that registers with the switch (user/…): it is rung while no dialer is there"
                yield from self._fault(("inbound", *path, last, "extension"), fallback.extension, expected)

    def _said(self) -> Iterator[Fault]:
        """Prompts that are not there."""
        yield from self._section((), said_faults(self.config, self.prompts))

    def _open_lines(self) -> Iterator[Fault]:
        """A person who answered must never wait for a phone to be picked up."""
        for campaign in self.config.campaigns:
            needs_none = campaign.agentless is not None and not campaign.agentless.transfers
            if campaign.mode == "preview" or needs_none:
                continue
            serving = set(self.config.serving(campaign))
            for index, entry in enumerate(self.config.agents):
                for agent, seat in entry.expand():
                    place = self._seats.get(seat)
                    if agent in serving and place is not None and place.mode == "on_call":
                        expected = (
                            f"a nailed_up seat: agent {agent} serves campaign {campaign.name}, whose mode "
                            f"{campaign.mode} needs an open line (limit the agent to preview campaigns, or change "
                            "the seat's mode)"
                        )
                        yield from self._fault(("agents", index, "seat"), f"{seat} (on_call)", expected)
                        break

    def _windows(self) -> Iterator[Fault]:
        for index, campaign in enumerate(self.config.campaigns):
            taken: dict[int, str] = {}
            for key, spans in campaign.call_window.days.items():
                path = ("campaigns", index, "call_window", "days", key)
                doubles = [day for day in expand_days(key) if taken.setdefault(day, key) != key]
                if doubles:
                    yield from self._fault(path, key, f"each day once; {taken[doubles[0]]} holds some of these too")
                ordered = sorted(spans)
                if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(ordered)):
                    yield from self._fault(path, key, "time spans that do not overlap")

    def _embedded(self) -> Iterator[Fault]:
        world = self.config.embedded
        shares = {
            "callees.answer_probability": world.callees.answer_probability,
            "callees.busy_share": world.callees.busy_share,
            "callees.rejected_share": world.callees.rejected_share,
            "callees.invalid_share": world.callees.invalid_share,
            "carrier.failure_share": world.carrier.failure_share,
        }
        total = sum(shares.values())
        if total > 1.000001 and self._sound(*(("embedded", *key.split(".")) for key in shares)):
            expected = f"at most 1 for the sum of {', '.join(shares)}"
            yield from self._fault(("embedded", "callees", "answer_probability"), total, expected)
        pressed, press = sum(world.callees.press.values()), ("embedded", "callees", "press")
        if pressed > 1.000001 and self._sound(press):
            yield from self._fault(press, pressed, "at most 1 for the sum of these shares")
        ring = world.callees.ring_to_answer
        path = ("embedded", "callees", "ring_to_answer")
        if ring.max_s < ring.mean_s and self._sound(path):
            yield from self._fault((*path, "max_s"), ring.max_s, f"at least mean_s, which is {ring.mean_s:g}")
        talk = world.talk
        if talk.max_s < talk.min_s and self._sound(("embedded", "talk")):
            yield from self._fault(
                ("embedded", "talk", "max_s"), talk.max_s, f"at least min_s, which is {talk.min_s:g}"
            )

    def _ranges(self) -> Iterator[Fault]:
        rtp = self.config.freeswitch.rtp
        ports = ("freeswitch", "rtp")
        if rtp.last_port < rtp.first_port and self._sound(ports):
            yield from self._fault((*ports, "last_port"), rtp.last_port, f"at least first_port, {rtp.first_port}")
        seats, trunks = self.config.freeswitch.seats, self.config.freeswitch.trunks
        if seats == trunks and self._sound(("freeswitch", "seats"), ("freeswitch", "trunks")):
            expected = f"another port than freeswitch.seats, which has {seats.port} too"
            yield from self._fault(("freeswitch", "trunks", "port"), trunks.port, expected)
        esl = self.config.esl
        if esl.reconnect_max_s < esl.reconnect_min_s and self._sound(("esl",)):
            expected = f"at least reconnect_min_s, which is {esl.reconnect_min_s:g}"
            yield from self._fault(("esl", "reconnect_max_s"), esl.reconnect_max_s, expected)
