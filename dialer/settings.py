"""The checked configuration → what each part of the service works from.

Owns the translation only: names, defaults and limits are ``config.schema``'s, the engine's own settings are
``dialer.domain.settings``'s. Reads the talk times' CSV and the recordings' lengths for the embedded switch;
nothing else. The epoch is passed in: no clock and no randomness here.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from config.loader import LoadedConfig
from config.notices import hearing_nodes
from config.schema import DEFAULT_PASSWORD, Config
from dialer.campaign_settings import SettingsError as SettingsError
from dialer.campaign_settings import campaigns, recording_policy
from dialer.domain.acts import PhoneSettings
from dialer.domain.inbound import InboundSettings
from dialer.domain.routing import LookupSettings
from dialer.domain.settings import (
    AgentSettings,
    CampaignSettings,
    EngineSettings,
    SeatMode,
    SeatSettings,
)
from dialer.inbound_settings import InboundBuilder, serving
from dialer.line_settings import line_settings, trunk_settings
from dialer.phone_settings import phone_settings
from dialer.routing_settings import routing_settings, rules, vip_lookup
from dialer.voice import configured_prompts
from freeswitch.render import dialplan
from freeswitch.sounds import safe_harbour_path
from freeswitch.sounds.catalog import PromptError
from freeswitch.sounds.wav import WavError, read_info
from freeswitch.standin.dialplan import DEFAULT, seats_of
from freeswitch.standin.world import WorldSpec
from routing.intake import EVERYBODY_ORDINARY, Rules

EMBEDDED_NODE = "embedded"
"""The name of the one node when the embedded switch is used."""

_LONGEST_TALK_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One event socket. ``capacity`` counts legs. The password never shows in a repr."""

    name: str
    host: str
    port: int
    password: str
    capacity: int

    def __repr__(self) -> str:
        return f"NodeSettings({self.name!r}, {self.host!r}, {self.port}, password=…, capacity={self.capacity})"


@dataclass(frozen=True, slots=True)
class EslSettings:
    """Deadlines and reconnect waits of every event-socket connection, in seconds."""

    connect_timeout_s: float
    command_timeout_s: float
    reconnect_min_s: float
    reconnect_max_s: float


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """The embedded switch: its world, the seed of its chances, and how long it lives on without a dialer.

    ``port`` 0 means any free one.
    """

    world: WorldSpec
    seed: int
    port: int
    capacity: int
    linger_s: float


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the API listens. ``token`` None: one is made and kept in the data directory."""

    host: str
    port: int
    token: str | None

    def __repr__(self) -> str:
        return f"HttpSettings({self.host!r}, {self.port}, token=…)"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Arguments of ``dialer.logs.configure``."""

    level: str
    format: str
    file: Path | None


@dataclass(frozen=True, slots=True)
class ListSettings:
    """A list of leads; ``file`` is imported when the list is empty at a start."""

    name: str
    file: Path | None
    region: str | None


@dataclass(frozen=True, slots=True)
class HearingRoom:
    """Where the switch records callees for the listeners, what they have learnt, and their two times.

    ``decide_within_s`` is the longest that any campaign waits for a verdict.
    """

    folder: str
    prints: str
    most: int
    human_pause_s: float
    decide_within_s: float


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the service needs.

    ``embedded`` is None where real nodes are named, ``nodes`` empty otherwise.
    """

    instance: str
    data_dir: Path
    database_url: str
    engine: EngineSettings
    nodes: tuple[NodeSettings, ...]
    embedded: EmbeddedSettings | None
    esl: EslSettings
    http: HttpSettings
    log: LogSettings
    lists: tuple[ListSettings, ...]
    do_not_call_files: tuple[Path, ...]
    drain_s: float
    recontact_after_s: float
    config_hash: str
    hearing: HearingRoom | None = None  # None: no campaign listens
    rules: Rules = EVERYBODY_ORDINARY
    vip_lookup: LookupSettings | None = None

    @property
    def switch_names(self) -> str:
        """``embedded``, or the nodes' names with commas: the ``switch`` of summaries and metrics."""
        return ",".join(self.engine.nodes)

    def __repr__(self) -> str:
        return f"Settings({self.instance!r}, config_hash={self.config_hash!r})"


def build(loaded: LoadedConfig, epoch: str) -> Settings:
    """Settings of one run.

    ``epoch`` names the run. Raises SettingsError for an unusable file of talk times.
    """
    config = loaded.config
    nodes = tuple(
        NodeSettings(
            name=node.name,
            host=node.host,
            port=node.port,
            password=_password(node.password or config.esl.password),
            capacity=node.capacity,
        )
        for node in config.switch.nodes
    )
    url = config.database.url
    token = config.http.token
    return Settings(
        instance=config.instance,
        data_dir=config.data_path,
        database_url=_driver(url.get_secret_value()) if url else f"sqlite:///{config.data_path / 'dialer.db'}",
        engine=engine_settings(config, epoch),
        nodes=nodes,
        embedded=_embedded(config) if config.switch.embedded else None,
        esl=EslSettings(
            connect_timeout_s=config.esl.connect_timeout_s,
            command_timeout_s=config.esl.command_timeout_s,
            reconnect_min_s=config.esl.reconnect_min_s,
            reconnect_max_s=config.esl.reconnect_max_s,
        ),
        http=HttpSettings(config.http.host, config.http.port, token.get_secret_value() if token else None),
        log=LogSettings(config.log.level, config.log.format, Path(config.log.file) if config.log.file else None),
        lists=tuple(
            ListSettings(leads.name, Path(leads.file) if leads.file else None, leads.region) for leads in config.lists
        ),
        do_not_call_files=tuple(Path(file) for file in config.do_not_call.files),
        drain_s=config.drain_seconds,
        recontact_after_s=config.qc.recontact_after_s,
        config_hash=loaded.hash,
        hearing=_hearing(config),
        rules=rules(config),
        vip_lookup=vip_lookup(config),
    )


def engine_settings(config: Config, epoch: str) -> EngineSettings:
    """The engine's part, with ranges of seats and agents written out. Raises SettingsError for a bad recording."""
    if config.switch.embedded:
        nodes: Mapping[str, int] = {EMBEDDED_NODE: config.embedded.capacity}
    else:
        nodes = {node.name: node.capacity for node in config.switch.nodes}
    seats = {
        seat: SeatSettings(
            seat=seat,
            address=address,
            mode=SeatMode(entry.mode),
            profile=entry.profile,
            ring_timeout_s=entry.ring_timeout_s,
            media_timeout_s=entry.media_timeout_s,
        )
        for entry in config.seats
        for seat, address in entry.expand()
    }
    inbound, queues = _inbound(config)
    return EngineSettings(
        epoch=epoch,
        nodes=nodes,
        trunks=trunk_settings(config),
        seats=seats,
        agents=_agents(config),
        campaigns=campaigns(config) | queues,
        resync_interval_s=config.engine.resync_interval_s,
        decide_every_s=config.engine.decide_every_s,
        phones=_phones(config),
        hearing=frozenset({EMBEDDED_NODE}) if config.switch.embedded else hearing_nodes(config),
        lines=line_settings(config),
        routing=routing_settings(config),
        inbound=inbound,
        instance=config.instance,
    )


def _inbound(config: Config) -> tuple[InboundSettings, dict[str, CampaignSettings]]:
    """Raises SettingsError for a sound that is not there."""
    try:
        builder = InboundBuilder(config, recording_policy)
        return builder.settings(), builder.campaigns()
    except PromptError as error:
        raise SettingsError(f"inbound: {error}") from None


def _phones(config: Config) -> PhoneSettings:
    try:
        return phone_settings(config)
    except PromptError as error:
        raise SettingsError(f"prompts: {error}") from None


def _agents(config: Config) -> dict[str, AgentSettings]:
    serves = serving(config)
    for campaign in config.campaigns:
        for agent in config.serving(campaign):
            serves.setdefault(agent, set()).add(campaign.name)
    return {
        agent: AgentSettings(
            agent=agent,
            name=(entry.name or "{id}").replace("{id}", agent),
            seat=seat,
            campaigns=frozenset(serves.get(agent, ())),
            login_at_start=entry.login_at_start,
            role=entry.role,
            team=entry.team or "",
            groups=frozenset(entry.groups),
            skills=tuple(sorted(entry.skills.items())),
        )
        for entry in config.agents
        for agent, seat in entry.expand()
    }


def _hearing(config: Config) -> HearingRoom | None:
    listening = [c for c in config.campaigns if c.answering_machines.policy != "off" or c.dead_numbers]
    if not listening:
        return None
    hearing = config.hearing
    return HearingRoom(
        folder=hearing.folder or f"/dev/shm/dialer-hearing-{config.instance}",
        prints=hearing.prints_file or "",
        most=hearing.most,
        human_pause_s=hearing.human_pause_s,
        decide_within_s=max(c.answering_machines.decide_within_s for c in listening),
    )


def _password(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else DEFAULT_PASSWORD


def _driver(url: str) -> str:
    """SQLAlchemy's url: PostgreSQL through psycopg 3."""
    return "postgresql+psycopg://" + url.removeprefix("postgresql://") if url.startswith("postgresql://") else url


def _embedded(config: Config) -> EmbeddedSettings:
    embedded = config.embedded
    messages = {campaign.message or str(safe_harbour_path()) for campaign in config.campaigns}
    recitals = (campaign.agentless.sounds() for campaign in config.campaigns if campaign.agentless is not None)
    messages |= {part for sounds in recitals for _, part in sounds if part.startswith("/")}
    lengths = {message: seconds for message in messages if (seconds := _wav_seconds(message)) is not None}
    lengths |= configured_prompts(config).durations()
    gateways = tuple(trunk.gateway_name for trunk in config.trunks)
    return EmbeddedSettings(
        world=_world(config, gateways, lengths, modelled_dialplan(config)),
        seed=embedded.seed,
        port=embedded.port,
        capacity=embedded.capacity,
        linger_s=embedded.linger_s,
    )


def modelled_dialplan(config: Config) -> str:
    """What the embedded switch does with calls that come in; empty: the usual, where nobody calls."""
    return seats_of(DEFAULT) + dialplan(config) if config.inbound.numbers else ""


def _world(
    config: Config, gateways: tuple[str, ...], lengths: Mapping[str, float], plan: str
) -> WorldSpec:
    embedded, callers = config.embedded, config.embedded.callers
    callees, carrier, phones, talk = embedded.callees, embedded.carrier, embedded.phones, embedded.talk
    return WorldSpec(
        answer_probability=callees.answer_probability,
        busy_probability=callees.busy_share,
        rejected_probability=callees.rejected_share,
        invalid_probability=callees.invalid_share,
        failure_probability=carrier.failure_share,
        gateway_failures=dict(carrier.failing),
        progress_min_s=carrier.progress_delay_s[0],
        progress_max_s=carrier.progress_delay_s[1],
        silent_progress_probability=carrier.silent_share,
        early_media_probability=carrier.early_media_share,
        ring_mean_s=callees.ring_to_answer.mean_s,
        ring_sd_s=callees.ring_to_answer.sd_s,
        ring_max_s=callees.ring_to_answer.max_s,
        refuse_min_s=carrier.refusal_delay_s[0],
        refuse_max_s=carrier.refusal_delay_s[1],
        patience_mean_s=callees.patience_s,
        talk_times_s=_talk_times(Path(talk.file), talk.column) if talk.file else (),
        talk_scale=talk.scale,
        talk_mean_s=talk.mean_s,
        talk_sd_s=talk.sd_s,
        talk_min_s=talk.min_s,
        talk_max_s=talk.max_s,
        hangup_at_answer_probability=callees.hangup_at_answer_share,
        machine_probability=callees.machine_share,
        press_probabilities=tuple(callees.press.items()),
        announced_probability=carrier.announced_share,
        gateways=gateways,
        phone_answer_min_s=phones.answer_delay_s[0],
        phone_answer_max_s=phones.answer_delay_s[1],
        phone_no_answer_probability=phones.no_answer_share,
        phone_busy_probability=phones.busy_share,
        phone_drops_per_hour=phones.drops_per_hour,
        file_durations_s=lengths,
        callers_per_hour=callers.per_hour,
        called=tuple(each.number for each in config.inbound.numbers),
        caller_prefix=callers.prefix,
        caller_patience_mean_s=callers.patience_s,
        caller_press_probabilities=tuple(callers.press.items()),
        dialplan=plan,
    )


def _talk_times(file: Path, column: str) -> tuple[float, ...]:
    """The column's seconds; rows without a length above 0 are passed over (a call that never was a talk)."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if column not in (rows.fieldnames or ()):
                raise SettingsError(f"embedded.talk: {file}: expected a column {column}; it has {rows.fieldnames}")
            times = [_seconds(row[column]) for row, _ in zip(rows, range(_LONGEST_TALK_FILE), strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"embedded.talk: {file}: expected a readable CSV file in UTF-8 ({error})") from error
    usable = tuple(seconds for seconds in times if seconds > 0)
    if not usable:
        raise SettingsError(f"embedded.talk: {file}: expected seconds above 0 in column {column}")
    return usable


def _seconds(cell: str | None) -> float:
    try:
        seconds = float(cell or 0)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0


def _wav_seconds(path: str) -> float | None:
    """A recording's length where this machine has it; the world's default holds otherwise."""
    try:
        return read_info(Path(path)).seconds
    except (OSError, WavError):
        return None
