"""What works and deserves an operator's attention: default passwords, readable secrets, open ports, law.

Owns warnings only; nothing here stops a start.
"""

from __future__ import annotations

import ipaddress
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from config.campaign_schema import LEGAL_WAIT_LIMIT_S
from config.errors import SECRET_KEYS, Notice, Source
from config.hearing_schema import SCREENS, machines_unrecorded
from config.lines_checks import campaign_notices, table_notices
from config.lines_schema import digits
from config.lookup import path_of, source_of
from config.said_checks import not_here
from config.schema import DEFAULT_PASSWORD, Config
from config.secrets import SecretFile
from config.tree import Mapping, Node, Scalar, Sequence

EXAMPLE_SECRET = "change-me"
"""How the passwords in the shipped examples begin."""


def notices(config: Config, tree: Mapping, files: Iterable[Path], found: Iterable[SecretFile]) -> Iterator[Notice]:
    """Every warning of a configuration that passed its checks."""
    yield from _secrets(tree, files, found)
    yield from _switch(config, tree)
    if not is_loopback(config.http.host):
        text = f"{config.http.host}: reachable from other machines; keep it on 127.0.0.1 behind a proxy with TLS"
        yield Notice(source_of(tree, "http", "host"), "http.host", text)
    yield from _campaigns(config, tree)
    yield from _roles(config, tree)
    yield from _lookup(config, tree)
    yield from _not_called_back(config, tree)
    yield from _not_served(config, tree)
    yield from _not_here(config, tree)
    yield from _not_taken(config, tree)
    yield from _not_routed_by(config, tree)
    if not config.campaigns and not config.inbound.numbers:
        yield Notice(source_of(tree, "campaigns"), "campaigns", "none is configured: nothing will be dialed")
    used = {name for campaign in config.campaigns for name in campaign.lists}
    for index, leads in enumerate(config.lists):
        if leads.name not in used:
            yield Notice(source_of(tree, "lists", index), f"lists.{leads.name}", "no campaign dials this list")
    for index, text in table_notices(config):
        where, name = source_of(tree, "lines", "costs", index), config.lines.costs[index].name
        yield Notice(where, f"lines.costs.{name}", text)
    trunks: set[str | None] = {name for campaign in config.campaigns for name in campaign.lines}
    trunks |= {entry.trunk for entry in config.inbound.numbers}
    trunks |= {fallback.trunk for _, fallback in config.inbound.fallbacks()}
    trunks |= {phone.trunk for plan in config.routing.follow_me for phone in plan.phones}
    for index, trunk in enumerate(config.trunks):
        if trunk.name not in trunks:
            yield Notice(source_of(tree, "trunks", index), f"trunks.{trunk.name}", "no campaign uses this trunk")


def _lookup(config: Config, tree: Mapping) -> Iterator[Notice]:
    lookup = config.routing.vip_lookup
    parts = urlsplit(lookup.url if lookup is not None else "")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        text = "callers' numbers and the token go over the network in plain text; use https"
        yield Notice(source_of(tree, "routing", "vip_lookup", "url"), "routing.vip_lookup.url", text)


def _roles(config: Config, tree: Mapping) -> Iterator[Notice]:
    """A role that nobody has is a slip of the pen: those who were meant may dial nothing."""
    known = {agent.role for agent in config.agents}
    for index, rule in enumerate(config.phones.dial_rules):
        for role in rule.roles:
            if known and role not in known:
                source = source_of(tree, "phones", "dial_rules", index, "roles")
                text = f"no agent has the role {role}: they have {', '.join(sorted(known))}"
                yield Notice(source, f"phones.dial_rules.{index}.roles", text)


def _not_called_back(config: Config, tree: Mapping) -> Iterator[Notice]:
    """Callers are promised a call, and nobody dials it."""
    for index, queue in enumerate(config.inbound.queues):
        if queue.callback is not None and queue.callback_campaign is None:
            where = source_of(tree, "inbound", "queues", index, "callback")
            text = "no callback_campaign: callers who ask to be called back are listed, and dialed by nobody"
            yield Notice(where, f"inbound.queues.{queue.name}.callback", text)


def _not_served(config: Config, tree: Mapping) -> Iterator[Notice]:
    """A queue for which nobody has what it needs, however long a caller waits."""
    skills = {agent: entry.skills for entry in config.agents for agent, _seat in entry.expand()}
    for index, queue in enumerate(config.inbound.queues):
        least = {
            need.skill: min((need.level, *(level for _, level in need.relax))) for need in queue.needs if need.required
        }
        staff = config.answering(queue.steps)
        served = (all(skills[agent].get(skill, 0) >= level for skill, level in least.items()) for agent in staff)
        if staff and not any(served):
            needs = ", ".join(f"{skill} {level}" for skill, level in least.items())
            where = source_of(tree, "inbound", "queues", index, "needs")
            text = f"{needs}: none of the {len(staff)} agents who may take its calls has that: its callers wait in vain"
            yield Notice(where, f"inbound.queues.{queue.name}.needs", text)


def _not_here(config: Config, tree: Mapping) -> Iterator[Notice]:
    """A switch passes over a recording that it does not find, and people hear nothing."""
    for path, part in not_here(config):
        text = f"{part}: no such file here; a switch on this machine would leave it out, and callers hear nothing"
        yield Notice(source_of(tree, *path), path_of(tree, *path), text)


def _not_taken(config: Config, tree: Mapping) -> Iterator[Notice]:
    """Who returns a call that they missed calls the number that we showed: where it takes no calls they are refused."""
    ways = (way for entry in config.inbound.numbers for way in (entry.number, *entry.also))
    taken = {digits(way) for way in ways}
    if not taken:
        return
    text = "takes no calls: who returns a call that showed it is refused; it is none of inbound.numbers"
    for index, campaign in enumerate(config.campaigns):
        if campaign.caller_id is not None and digits(campaign.caller_id) not in taken:
            where = source_of(tree, "campaigns", index, "caller_id")
            yield Notice(where, f"campaigns.{campaign.name}.caller_id", text)
    shown = {name for campaign in config.campaigns if campaign.caller_id is None for name in campaign.lines}
    for index, trunk in enumerate(config.trunks):
        if trunk.name in shown and trunk.pool is None and digits(trunk.caller_id) not in taken:
            yield Notice(source_of(tree, "trunks", index, "caller_id"), f"trunks.{trunk.name}.caller_id", text)
    for index, pool in enumerate(config.lines.pools):
        silent = sum(digits(number) not in taken for number in pool.numbers)
        if silent:
            where = source_of(tree, "lines", "pools", index, "numbers")
            yield Notice(where, f"lines.pools.{pool.name}.numbers", f"{silent} of {len(pool.numbers)}: each {text}")


def _not_routed_by(config: Config, tree: Mapping) -> Iterator[Notice]:
    """What is checked and has no effect yet: an operator must not rely on it."""
    text = "is checked, but no call is routed by it yet"
    used = config.plans_used()
    for index, plan in enumerate(config.routing.follow_me):
        if plan.name not in used or not config.inbound.numbers:
            why = "no agent and no number that people call names it: nobody is followed by it"
            yield Notice(source_of(tree, "routing", "follow_me", index), f"routing.follow_me.{plan.name}", why)
    opened_by = {entry.calendar for entry in config.inbound.numbers}
    opened_by |= {phone.calendar for plan in config.routing.follow_me for phone in plan.phones}
    for index, calendar in enumerate(config.routing.calendars):
        if calendar.name not in opened_by:
            why = "no number that people call is open by it, and no phone of a follow-me plan"
            yield Notice(source_of(tree, "routing", "calendars", index), f"routing.calendars.{calendar.name}", why)
    if any(queue.needs for queue in config.inbound.queues):
        return
    if config.routing.choice == "most_skilled":
        why = f"most_skilled {text}: no queue needs skills"
        yield Notice(source_of(tree, "routing", "choice"), "routing.choice", why)
    for index, agent in enumerate(config.agents):
        if agent.skills:
            why = f"no queue needs skills: {text}"
            yield Notice(source_of(tree, "agents", index, "skills"), f"agents.{agent.id}.skills", why)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _secrets(tree: Mapping, files: Iterable[Path], found: Iterable[SecretFile]) -> Iterator[Notice]:
    for secret in found:
        if secret.open_to_all:
            yield Notice(secret.source, secret.path, f"{secret.file} is readable by everyone; chmod 0600 it")
    open_files = {str(file) for file in files if _open_to_all(file)}
    told: set[str] = set()
    for source, path, value in _secret_values(tree, ()):
        if value.startswith(EXAMPLE_SECRET):
            yield Notice(source, path, "the password of an example; set one of your own")
        if source.file in open_files and source.file not in told:
            told.add(source.file)
            yield Notice(
                source,
                path,
                "a secret in a file that everyone may read; chmod 0600 it, or use the *_file key",
            )


def _open_to_all(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _secret_values(node: Node, path: tuple[str, ...]) -> Iterator[tuple[Source, str, str]]:
    if isinstance(node, Mapping):
        for key, entry in node.entries.items():
            if key in SECRET_KEYS and isinstance(entry.node, Scalar) and entry.node.value:
                if key != "url" or "@" in entry.node.value:
                    yield entry.node.source, ".".join((*path, key)), entry.node.value
            else:
                yield from _secret_values(entry.node, (*path, key))
    elif isinstance(node, Sequence):
        for label, item in zip(node.labels, node.items, strict=True):
            yield from _secret_values(item, (*path, label))


def _switch(config: Config, tree: Mapping) -> Iterator[Notice]:
    for index, node in enumerate(config.switch.nodes):
        where = source_of(tree, "switch", "nodes", index)
        path = f"switch.nodes.{node.name}"
        password = node.password or config.esl.password
        if password is None or password.get_secret_value() == DEFAULT_PASSWORD:
            text = f"the default password {DEFAULT_PASSWORD} is known to everyone; set one here and in FreeSWITCH"
            yield Notice(where, f"{path}.password", text)
        if not is_loopback(node.host):
            text = f"{node.host}: the event socket has no encryption; use a tunnel or a private net"
            yield Notice(where, f"{path}.host", text)
            if any(campaign.message is None for campaign in config.campaigns):
                text = "the packaged message has its path on this machine; name one in each campaign that this node has"
                yield Notice(where, path, text)


def _campaigns(config: Config, tree: Mapping) -> Iterator[Notice]:
    for index, campaign in enumerate(config.campaigns):
        path = f"campaigns.{campaign.name}"
        if campaign.wait_limit_s > LEGAL_WAIT_LIMIT_S:
            text = f"{campaign.wait_limit_s:g} s: the law of several countries allows {LEGAL_WAIT_LIMIT_S:g} s"
            yield Notice(source_of(tree, "campaigns", index, "wait_limit_s"), f"{path}.wait_limit_s", text)
        if campaign.message is None and not config.switch.embedded:
            text = "the packaged message names no company; record one that says who called and where to call back"
            yield Notice(source_of(tree, "campaigns", index), f"{path}.message", text)
        if not any(campaign.call_window.days.values()):
            where = source_of(tree, "campaigns", index, "call_window", "days")
            yield Notice(where, f"{path}.call_window.days", "no day has hours: nothing will be dialed")
        for key, text in campaign_notices(config, campaign):
            yield Notice(source_of(tree, "campaigns", index, key), f"{path}.{key}", text)
        yield from _pacing(config, tree, index)
        yield from _machines(config, tree, index)
        yield from _agentless(config, tree, index)
        if not config.serving(campaign):
            yield Notice(source_of(tree, "campaigns", index), path, "no agent serves this campaign")


def hearing_nodes(config: Config) -> frozenset[str]:
    """The switches that record on this host what callees say. The embedded one has no name here."""
    named = config.hearing.nodes
    nodes = config.switch.nodes
    return frozenset(n.name for n in nodes if (n.name in named if named is not None else is_loopback(n.host)))


def _machines(config: Config, tree: Mapping, index: int) -> Iterator[Notice]:
    campaign = config.campaigns[index]
    machines, path = campaign.answering_machines, f"campaigns.{campaign.name}.answering_machines"
    where = source_of(tree, "campaigns", index, "answering_machines")
    listens = machines.policy != "off" or campaign.dead_numbers
    deaf = [node.name for node in config.switch.nodes if node.name not in hearing_nodes(config)]
    if listens and deaf:
        text = f"switch {', '.join(deaf)} is on another host (or not in hearing.nodes): nobody is listened to there, "
        text += "and every answer goes to an agent"
        yield Notice(where, path, text)
    if machines.policy not in SCREENS:
        return
    if machines.clock == "answer":
        text = f"with the clock from the answer a verdict must come within {campaign.wait_limit_s - 0.4:.1f} s: "
        text += "hardly any machine is found; clock: greeting_end where your rules count from there (US TSR)"
        yield Notice(where, path, text)
    else:
        text = "clock: greeting_end is for rules that count from there (US TSR); others count from the answer (UK)"
        yield Notice(where, path, text)
    if machines.policy == "message":
        text = "a recorded message may need the called person's consent (United States, Germany, Canada, …)"
        yield Notice(where, path, text)
    if campaign.mode == "predictive" and campaign.pacing.amd_false_positive == 0:
        text = "pacing.amd_false_positive is 0: enter the share of persons taken for machines that people found by "
        text += "listening (dialer qc machines)"
        yield Notice(where, path, text)
    unrecorded = machines_unrecorded(machines, campaign.recording)
    if unrecorded or machines.record_share == 0.0:
        text = "no call that is taken for a machine's is recorded, so nobody can measure how many were persons: needs "
        yield Notice(where, path, text + (unrecorded or "record_share above 0"))


def _agentless(config: Config, tree: Mapping, index: int) -> Iterator[Notice]:
    campaign = config.campaigns[index]
    if campaign.agentless is not None and "do_not_call" not in campaign.agentless.keys.values():
        text = "no key is do_not_call: a recorded message must offer one where the law says so (US TSR)"
        where = source_of(tree, "campaigns", index, "agentless")
        yield Notice(where, f"campaigns.{campaign.name}.agentless.keys", text)


def _pacing(config: Config, tree: Mapping, index: int) -> Iterator[Notice]:
    campaign = config.campaigns[index]
    path = f"campaigns.{campaign.name}"
    given = "pacing" in campaign.model_fields_set
    if given and campaign.mode != "predictive":
        text = f"mode {campaign.mode} is not paced by it"
        yield Notice(source_of(tree, "campaigns", index, "pacing"), f"{path}.pacing", text)
    for position, window in enumerate(campaign.pacing.abandon if given else ()):
        if isinstance(window.period, float) and window.since is None and "abandon" in campaign.pacing.model_fields_set:
            where = source_of(tree, "campaigns", index, "pacing", "abandon", position)
            text = "without since its periods are counted from 1970-01-01; name the campaign's first day"
            yield Notice(where, f"{path}.pacing.abandon.{position}", text)
    team = len(config.serving(campaign))
    if campaign.mode == "predictive" and 0 < team < campaign.pacing.min_agents:
        text = f"{team} agents serve it, fewer than min_agents ({campaign.pacing.min_agents}): one call a free agent"
        yield Notice(source_of(tree, "campaigns", index), path, text)
