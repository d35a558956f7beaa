"""Our configuration → the XML tree that a FreeSWITCH starts from.

Owns which values go where and their escaping; the XML itself stands in ``freeswitch/conf`` as templates.
Refuses what would leave a switch open: the default password, a seat without a secret. Must not start or talk
to a switch.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
from dataclasses import dataclass
from html import escape
from pathlib import Path

import jinja2
from markupsafe import Markup

from config.schema import DEFAULT_PASSWORD, Config, NodeConfig, TrunkConfig
from freeswitch.fallbacks import inbound_values
from freeswitch.sounds.catalog import PromptError

MARKER = "Written by dialer freeswitch render."
"""Stands in the rendered freeswitch.xml: a directory with this may be written again, another full one may
not.
"""

TEMPLATES = (
    "freeswitch.xml",
    "autoload_configs/acl.conf.xml",
    "autoload_configs/console.conf.xml",
    "autoload_configs/event_socket.conf.xml",
    "autoload_configs/logfile.conf.xml",
    "autoload_configs/modules.conf.xml",
    "autoload_configs/sofia.conf.xml",
    "autoload_configs/switch.conf.xml",
    "dialplan/dialer.xml",
    "dialplan/public.xml",
    "dialplan/seats.xml",
    "directory/seats.xml",
)

_SECRET_FILES = frozenset(
    {"autoload_configs/event_socket.conf.xml", "autoload_configs/sofia.conf.xml", "directory/seats.xml"}
)
_LOGIN_SESSIONS_PER_SECOND = 20
PHONE_WAIT_MS = 5000
"""How long a phone that called waits to be taken over, before it is told that nobody is there."""
PHONE_MEDIA_TIMEOUT_MS = 10_000
PHONE_MESSAGE = "dialer-not-available"
RESCUE_WAIT_MS = 4000
_SPARE_SESSIONS = 10


class RenderError(Exception):
    """The tree cannot be written; the text says which key of the configuration is the reason, and what was
    expected.
    """


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was written.

    ``gateways`` and ``seats`` count those in the tree; ``left_out`` says which are not and why.
    """

    directory: Path
    files: tuple[Path, ...]
    gateways: int
    seats: int
    left_out: tuple[str, ...]


def render(config: Config, out_dir: Path, node: str | None = None) -> Rendered:
    """Write the tree of one node into ``out_dir`` (made if need be): an empty directory, or one written
    before.

    ``node`` names one of ``switch.nodes``; needed where there are several. Files that hold secrets get mode
    0600 before they get their content. Raises RenderError.
    """
    texts, left_out = render_texts(config, node)
    _own_directory(out_dir)
    files = []
    for name, text in texts.items():
        target = out_dir / name
        try:
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _write(target, text, 0o600 if name in _SECRET_FILES else 0o644)
        except OSError as error:
            raise RenderError(f"{target}: {error.strerror}; expected a directory that may be written") from error
        files.append(target)
    users = texts["directory/seats.xml"].count("<user id=")
    gateways = texts["autoload_configs/sofia.conf.xml"].count("<gateway name=")
    return Rendered(out_dir, tuple(files), gateways, users, left_out)


def render_texts(config: Config, node: str | None = None) -> tuple[dict[str, str], tuple[str, ...]]:
    """The tree as (relative path → XML), and what was left out. Raises RenderError; writes nothing."""
    chosen = _node(config, node)
    left_out: list[str] = []
    environment = _environment()
    values = _values(config, chosen, left_out)
    texts = {name: environment.get_template(name).render(values) for name in TEMPLATES}
    return texts, tuple(left_out)


def dialplan(config: Config) -> str:
    """What a switch does with callers and with legs that wait, for a switch that is modelled. Raises RenderError."""
    environment, values = _environment(), _dialplan_values(config)
    return "".join(environment.get_template(f"dialplan/{name}.xml").render(values) for name in ("public", "dialer"))


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("freeswitch", "conf"),
        undefined=jinja2.StrictUndefined,
        finalize=xml_value,
        autoescape=True,
        keep_trailing_newline=True,
    )


def start_command(binary: str, conf_dir: Path, work_dir: Path) -> list[str]:
    """The command that starts a FreeSWITCH on a rendered tree, everything that it writes under ``work_dir``.

    Stays in the foreground without a console and asks no router for ports. ``work_dir`` must hold the
    directories log, db, run, tmp, recordings, storage, cache, certs, scripts, sounds, htdocs, grammar:
    ``prepare_work_dir``.
    """
    command = [binary, "-nf", "-nc", "-nonat", "-nonatmap", "-np", "-conf", str(conf_dir)]
    for flag, name in _WORK_DIRS.items():
        command += [flag, str(work_dir / name)]
    return command


def prepare_work_dir(work_dir: Path) -> None:
    """Make the directories that ``start_command`` names."""
    for name in _WORK_DIRS.values():
        (work_dir / name).mkdir(mode=0o700, parents=True, exist_ok=True)


_WORK_DIRS = {
    "-log": "log",
    "-db": "db",
    "-run": "run",
    "-temp": "tmp",
    "-recordings": "recordings",
    "-storage": "storage",
    "-cache": "cache",
    "-certs": "certs",
    "-scripts": "scripts",
    "-sounds": "sounds",
    "-htdocs": "htdocs",
    "-grammar": "grammar",
}


def xml_value(value: object) -> Markup:
    """One value as XML text that FreeSWITCH reads back as it was, whatever it holds.

    Beside the XML characters the dollar sign is written as a number: FreeSWITCH replaces its variables in the
    text before it parses the XML. Raises RenderError for a value with control characters.
    """
    if isinstance(value, bool):
        return Markup("true" if value else "false")
    text = str(value)
    if not text.isprintable():
        raise RenderError("a value with control characters; expected text on one line")
    return Markup(escape(text, quote=True).replace("$", "&#36;"))


def _node(config: Config, wanted: str | None) -> NodeConfig:
    nodes = {node.name: node for node in config.switch.nodes}
    if not nodes:
        raise RenderError("switch: embedded: there is no FreeSWITCH to render for; expected switch: {nodes: [...]}")
    if wanted is None and len(nodes) > 1:
        raise RenderError(f"switch.nodes: several nodes; expected the name of one: {', '.join(nodes)}")
    if wanted is not None and wanted not in nodes:
        raise RenderError(f"switch.nodes: {wanted}: expected one of {', '.join(nodes)}")
    return nodes[wanted] if wanted is not None else next(iter(nodes.values()))


def _values(config: Config, node: NodeConfig, left_out: list[str]) -> dict[str, object]:
    fs = config.freeswitch
    calls_per_second = sum(trunk.cps for trunk in config.trunks)
    return {
        "marker": MARKER,
        "domain": fs.domain,
        "switchname": f"{config.instance}-{node.name}",
        "max_sessions": fs.max_sessions or node.capacity + max(_SPARE_SESSIONS, node.capacity // 10),
        "sessions_per_second": math.ceil(calls_per_second) + _LOGIN_SESSIONS_PER_SECOND + 1,
        "rtp": fs.rtp,
        "seats": fs.seats,
        "trunks": fs.trunks,
        "seat_display": bool(config.phones.display),
        "seat_ping": round(fs.seat_ping_s),
        "seat_codecs": ",".join(fs.seat_codecs),
        "trunk_codecs": ",".join(dict.fromkeys(c for trunk in config.trunks for c in trunk.codecs)) or "PCMA,PCMU",
        "event_socket": _event_socket(config, node),
        "gateways": _gateways(config, left_out),
        "users": _users(config, left_out),
        **_dialplan_values(config),
    }


def _dialplan_values(config: Config) -> dict[str, object]:
    try:
        inbound = inbound_values(config)
    except PromptError as error:
        raise RenderError(f"inbound: {error}") from None
    return {
        "instance": config.instance,
        "phone_calls": _phone_calls(),
        "login_numbers": _login_numbers(config),
        "rescue_wait_ms": RESCUE_WAIT_MS,
        "inbound": inbound,
    }


def _phone_calls() -> dict[str, object]:
    message = prompt_path(PHONE_MESSAGE)
    return {
        "wait_ms": PHONE_WAIT_MS,
        "message": str(message) if message is not None else "",
        "media_timeout_ms": PHONE_MEDIA_TIMEOUT_MS,
    }


def _login_numbers(config: Config) -> list[dict[str, str]]:
    """Outside numbers at which agents and supervisors log in, and the code that a call to one stands for."""
    phones = config.phones
    codes = (
        ("login", phones.login_code, phones.login_numbers),
        ("supervise", phones.supervise_code, phones.supervise_numbers),
    )
    return [
        {"name": f"{kind}-{index}", "expression": f"^[+]?{number.removeprefix('+')}$", "code": code}
        for kind, code, numbers in codes
        for index, number in enumerate(numbers, 1)
    ]


def prompt_path(name: str) -> Path | None:
    """The absolute path of a recording that ships with us, None where it is missing."""
    path = Path(__file__).resolve().parent / "sounds" / "en" / f"{name}.wav"
    return path if path.is_file() else None


def _event_socket(config: Config, node: NodeConfig) -> dict[str, object]:
    secret = node.password or config.esl.password
    password = secret.get_secret_value() if secret else DEFAULT_PASSWORD
    if password == DEFAULT_PASSWORD:
        raise RenderError(
            f"switch.nodes.{node.name}.password: the default password, known to everyone; expected one of your own "
            "in password_file"
        )
    allow = config.freeswitch.event_socket_allow
    local = _is_loopback(node.host)
    if not local and not allow:
        raise RenderError(
            f"freeswitch.event_socket_allow: (missing): node {node.name} listens on {node.host}, reachable from other "
            "machines; expected the dialer's networks, such as [10.0.0.5/32]"
        )
    return {
        "ip": "127.0.0.1" if node.host == "localhost" else _listen_ip(node),
        "port": node.port,
        "password": password,
        "acl": "dialer" if allow else "loopback.auto",
        "allow": allow,
    }


def _listen_ip(node: NodeConfig) -> str:
    try:
        return str(ipaddress.ip_address(node.host))
    except ValueError:
        return "0.0.0.0"  # a name may mean any address of that server; the ACL decides who gets in


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _gateways(config: Config, left_out: list[str]) -> list[dict[str, object]]:
    gateways = []
    for trunk in config.trunks:
        if trunk.proxy is None:
            left_out.append(f"trunks.{trunk.name}: no proxy: gateway {trunk.gateway_name} must be configured elsewhere")
            continue
        gateways.append(_gateway(trunk, trunk.proxy))
    return gateways


def _gateway(trunk: TrunkConfig, proxy: str) -> dict[str, object]:
    host = f"[{proxy}]" if ":" in proxy else proxy
    return {
        "name": trunk.gateway_name,
        "proxy": f"{host}:{trunk.port}",
        "register": trunk.kind == "register",
        "transport": trunk.transport,
        "realm": trunk.realm or "",
        "username": trunk.username or "",
        "password": trunk.password.get_secret_value() if trunk.password else "",
        "expire": round(trunk.expire_s),
        "ping": round(trunk.ping_s),
        "codecs": ",".join(trunk.codecs),
    }


def _users(config: Config, left_out: list[str]) -> list[dict[str, str]]:
    domain = config.freeswitch.domain
    users = []
    for entry in config.seats:
        for seat, address in entry.expand():
            user, at, where = address.removeprefix("user/").partition("@")
            if not address.startswith("user/") or (at and where != domain):
                left_out.append(f"seats.{seat}: {address}: does not register here")
                continue
            secret = entry.secret_of(seat)
            if secret is None:
                raise RenderError(
                    f"seats.{entry.id}.secret: (missing): seat {seat} registers with FreeSWITCH; expected a secret, "
                    "secret_file, or secrets_file with a line for each seat"
                )
            a1 = f"{user}:{domain}:{secret.get_secret_value()}"
            # SIP's digest authentication is defined on MD5 (RFC 3261); this is no choice of ours.
            a1_hash = hashlib.md5(a1.encode(), usedforsecurity=False).hexdigest()
            users.append({"id": user, "seat": seat, "a1_hash": a1_hash})
    return users


def _own_directory(out_dir: Path) -> None:
    try:
        if not out_dir.exists():
            out_dir.mkdir(mode=0o755, parents=True)
            return
        if not any(out_dir.iterdir()):
            return
        top = out_dir / "freeswitch.xml"
        if top.is_file() and MARKER in top.read_text(encoding="utf-8", errors="replace")[:1000]:
            return
    except OSError as error:
        raise RenderError(f"{out_dir}: {error.strerror}; expected a directory that may be written") from error
    raise RenderError(f"{out_dir}: holds files of others; expected an empty directory, or one rendered before")


def _write(target: Path, text: str, mode: int) -> None:
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(fresh, target)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
