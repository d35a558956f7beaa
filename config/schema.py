"""The configuration's shape: every section, key, limit and default.

Owns what may be written and what holds when it is not. Defaults are the safe choice for real people at the
other end of the line. Must not compare two sections: that is ``config.checks``. Durations are seconds once
read; shares 0–1.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from config.campaign_schema import CampaignConfig
from config.embedded_schema import EmbeddedConfig
from config.hearing_schema import HearingConfig
from config.inbound_schema import InboundConfig, StepConfig
from config.lines_schema import LinesConfig, RewriteConfig, Shown
from config.phones_schema import PhoneConfig
from config.qc_schema import QcConfig
from config.routing_schema import RoutingConfig
from config.section import DAY, HOUR
from config.section import Section as Section
from config.sounds_schema import PromptsConfig, SpeechConfig
from config.values import (
    CallerId,
    FilePath,
    Flag,
    Host,
    Ids,
    IpAddress,
    Label,
    Name,
    Network,
    Port,
    Prefix,
    SeatAddress,
    SeatProfile,
    Secret,
    SipUser,
    duration,
    expand_ids,
    matching,
    number,
    printable,
    refuse,
    secret_of,
    whole,
)

DEFAULT_PASSWORD = "ClueCon"
"""What an unconfigured FreeSWITCH accepts, known to everyone."""

Duration = Annotated[float, duration(0, 30 * 86400)]
Codec = Literal["PCMA", "PCMU", "G722"]
"""What FreeSWITCH speaks without an extra module."""


def _database_url(value: object) -> SecretStr:
    secret = secret_of(value)
    text = secret.get_secret_value()
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise refuse("sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    return secret


DatabaseUrl = Annotated[SecretStr, BeforeValidator(_database_url)]


class DatabaseConfig(Section):
    """Where attempts, leads and agents' logs are kept. Without a url: SQLite in ``data_dir``."""

    url: DatabaseUrl | None = None
    url_file: FilePath | None = None


class EslConfig(Section):
    """How the event socket is used; the password serves every node that names none of its own."""

    password: Secret | None = None
    password_file: FilePath | None = None
    connect_timeout_s: Annotated[float, duration(0.1, 300)] = 5.0
    command_timeout_s: Annotated[float, duration(0.1, 300)] = 5.0
    reconnect_min_s: Annotated[float, duration(0.05, 60)] = 0.25
    reconnect_max_s: Annotated[float, duration(0.1, 600)] = 10.0


class NodeConfig(Section):
    """One FreeSWITCH. ``capacity`` is how many legs it may carry at a time."""

    name: Name
    host: Host = "127.0.0.1"
    port: Port = 8021
    password: Secret | None = None
    password_file: FilePath | None = None
    capacity: Annotated[int, whole(1, 100_000)] = 800


class SwitchConfig(Section):
    """The switches. No nodes means the embedded switch."""

    nodes: tuple[NodeConfig, ...] = ()

    @property
    def embedded(self) -> bool:
        """Whether the modelled switch is used."""
        return not self.nodes


def _switch(value: object) -> object:
    if value == "embedded":
        return SwitchConfig()
    if isinstance(value, SwitchConfig):
        return value
    if not isinstance(value, dict):
        raise refuse("embedded, or a mapping with nodes: [{name, host, port, password_file, capacity}]")
    if not value.get("nodes"):
        raise refuse("at least one node under nodes, or: switch: embedded")
    return value


class HttpConfig(Section):
    """The service's own API, metrics and health. Without a token one is made and kept in ``data_dir``."""

    host: Host = "127.0.0.1"
    port: Annotated[int, whole(0, 65535)] = 8088
    token: Secret | None = None
    token_file: FilePath | None = None


class LogConfig(Section):
    """Logs: one JSON line an event, or text for a person (auto: text on a terminal).

    Without a file: standard error.
    """

    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    format: Literal["auto", "json", "console"] = "auto"
    file: FilePath | None = None


class EngineConfig(Section):
    """How often the engine looks again when nothing happened. Seldom changed."""

    decide_every_s: Annotated[float, duration(0.05, 5)] = 0.1
    resync_interval_s: Annotated[float, duration(1, HOUR)] = 30.0


class TrunkConfig(Section):
    """A gateway to a carrier, with its limits. Proxy and credentials are for ``dialer freeswitch render``.

    ``reserved_inbound`` of its ``channels`` are never taken by calls of ours. A ``rewrite`` rule that fits a number
    stands in place of ``prefix`` and ``strip_plus`` for it. ``pool`` names numbers to show in place of ``caller_id``;
    with ``cli_allotted_only`` none is shown that the carrier has not ``allotted``.
    """

    name: Name
    gateway: Name | None = None
    channels: Annotated[int, whole(1, 100_000)]
    reserved_inbound: Annotated[int, whole(0, 100_000)] = 0
    cps: Annotated[float, number(0.1, 1000)]
    caller_id: CallerId
    prefix: Prefix = ""
    strip_plus: Flag = True
    rewrite: tuple[RewriteConfig, ...] = ()
    pool: Name | None = None
    allotted: tuple[Shown, ...] = ()
    cli_allotted_only: Flag = False
    kind: Literal["peer", "register"] = "peer"
    proxy: Host | None = None
    port: Port = 5060
    transport: Literal["udp", "tcp"] = "udp"
    realm: Host | None = None
    username: SipUser | None = None
    password: Secret | None = None
    password_file: FilePath | None = None
    expire_s: Annotated[float, duration(60, DAY)] = 600.0
    ping_s: Annotated[float, duration(0, HOUR)] = 0.0
    codecs: tuple[Codec, ...] = ("PCMA", "PCMU")

    @property
    def gateway_name(self) -> str:
        """The gateway's name in FreeSWITCH."""
        return self.gateway or self.name


class SeatConfig(Section):
    """A place with a phone, or a range of them.

    ``secrets`` (or ``secrets_file`` with lines ``ID SECRET``) gives each seat of a range its own password.
    """

    id: Ids
    address: SeatAddress = "user/{id}"
    mode: Literal["nailed_up", "on_call"] = "nailed_up"
    secret: Secret | None = None
    secret_file: FilePath | None = None
    secrets: dict[Name, Secret] = Field(default={})
    secrets_file: FilePath | None = None
    profile: SeatProfile = "internal"
    ring_timeout_s: Annotated[float, duration(1, 300)] = 20.0
    media_timeout_s: Annotated[float, duration(0, HOUR)] = 0.0

    def expand(self) -> tuple[tuple[str, str], ...]:
        """(seat id, address) of each seat that this entry stands for."""
        return tuple((seat, self.address.replace("{id}", seat)) for seat in expand_ids(self.id))

    def secret_of(self, seat: str) -> SecretStr | None:
        """The password of one seat's phone: its own line in ``secrets``, else the entry's ``secret``."""
        return self.secrets.get(seat, self.secret)


class AgentConfig(Section):
    """A person who may log in, or a range of them. Without ``campaigns``: serves all.

    ``role`` says which numbers they may dial and whether they supervise; a supervisor with a ``team`` that team only.
    Calls are routed by ``groups`` (the team is one too) and ``skills``, each with its level from 1.
    """

    id: Ids
    name: Label | None = None
    seat: Annotated[str, printable(64)] = "{id}"
    campaigns: tuple[Name, ...] | None = None
    login_at_start: Flag = False
    role: Name = "agent"
    team: Name | None = None
    groups: tuple[Name, ...] = ()
    skills: dict[Name, Annotated[int, whole(1, 100)]] = Field(default={})

    def expand(self) -> tuple[tuple[str, str], ...]:
        """(agent id, seat id) of each agent that this entry stands for."""
        return tuple((agent, self.seat.replace("{id}", agent)) for agent in expand_ids(self.id))


class ListConfig(Section):
    """A list of leads. ``file`` is imported when the list is still empty at a start."""

    name: Name
    file: FilePath | None = None
    region: Annotated[str, matching(r"[A-Z]{2}", "a country's two capital letters, such as DE")] | None = None


class DoNotCallConfig(Section):
    """Files of numbers that are never dialed, one a line, read at every start."""

    files: tuple[FilePath, ...] = ()


class ListenConfig(Section):
    """Where a SIP profile listens."""

    ip: IpAddress = "127.0.0.1"
    port: Port = 5060


class RtpConfig(Section):
    """Where audio flows: local address, port range, and the address that carriers are told."""

    ip: IpAddress = "127.0.0.1"
    external_ip: IpAddress | None = None
    first_port: Port = 16384
    last_port: Port = 32768


class FreeswitchConfig(Section):
    """What ``dialer freeswitch render`` writes, apart from trunks, seats and passwords.

    ``event_socket_allow`` names the networks that the dialer connects from, where that is not the server
    itself. ``seat_ping_s`` is how often registered phones are asked whether they are there; 0 never asks.
    """

    domain: Host = "dialer.local"
    seats: ListenConfig = ListenConfig(port=5060)
    trunks: ListenConfig = ListenConfig(port=5080)
    rtp: RtpConfig = RtpConfig()
    event_socket_allow: tuple[Network, ...] = ()
    seat_ping_s: Annotated[float, duration(0, HOUR)] = 20.0
    seat_codecs: tuple[Codec, ...] = ("PCMA", "PCMU")
    max_sessions: Annotated[int, whole(10, 100_000)] | None = None


class Config(Section):
    """The whole configuration."""

    instance: Name = "dialer"
    data_dir: FilePath = "/var/lib/dialer"
    database: DatabaseConfig = DatabaseConfig()
    switch: Annotated[SwitchConfig, BeforeValidator(_switch)]
    esl: EslConfig = EslConfig()
    embedded: EmbeddedConfig = EmbeddedConfig()
    http: HttpConfig = HttpConfig()
    log: LogConfig = LogConfig()
    engine: EngineConfig = EngineConfig()
    trunks: tuple[TrunkConfig, ...] = ()
    lines: LinesConfig = LinesConfig()
    seats: tuple[SeatConfig, ...] = ()
    agents: tuple[AgentConfig, ...] = ()
    lists: tuple[ListConfig, ...] = ()
    campaigns: tuple[CampaignConfig, ...] = ()
    do_not_call: DoNotCallConfig = DoNotCallConfig()
    prompts: PromptsConfig = PromptsConfig()
    speech: SpeechConfig = SpeechConfig()
    phones: PhoneConfig = PhoneConfig()
    qc: QcConfig = QcConfig()
    hearing: HearingConfig = HearingConfig()
    drain_seconds: Duration = 30.0
    freeswitch: FreeswitchConfig = FreeswitchConfig()
    routing: RoutingConfig = RoutingConfig()
    inbound: InboundConfig = InboundConfig()

    @property
    def data_path(self) -> Path:
        """``data_dir`` as a path."""
        return Path(self.data_dir)

    def answering(self, steps: Iterable[StepConfig]) -> tuple[str, ...]:
        """The ids of the agents who may take a queue's calls, sooner or later."""
        groups = {group for step in steps for group in step.groups}
        anyone = any(not step.groups for step in steps)
        return tuple(
            agent
            for entry in self.agents
            if anyone or groups & {*entry.groups, entry.team or ""}
            for agent, _seat in entry.expand()
        )

    def serving(self, campaign: CampaignConfig) -> tuple[str, ...]:
        """The ids of the agents that serve a campaign: both sides may limit, a side that says nothing allows
        all.
        """
        wanted = None if campaign.agents is None else {i for ids in campaign.agents for i in expand_ids(ids)}
        return tuple(
            agent
            for entry in self.agents
            if entry.campaigns is None or campaign.name in entry.campaigns
            for agent, _seat in entry.expand()
            if wanted is None or agent in wanted
        )
