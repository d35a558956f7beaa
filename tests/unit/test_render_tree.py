"""The XML tree of a real server: what is in it, what is refused, who may read it."""

from __future__ import annotations

import hashlib
import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from config.loader import load
from config.schema import Config
from freeswitch.render import TEMPLATES, RenderError, prepare_work_dir, render, render_texts, start_command

CONFIG: dict[str, object] = {
    "instance": "floor",
    "switch": {"nodes": [{"name": "fs1", "port": 18021, "password": "esl-secret", "capacity": 200}]},
    "trunks": [
        {"name": "peer", "proxy": "10.0.0.9", "port": 5070, "channels": 50, "cps": 12.5, "caller_id": "123"},
        {
            "name": "login",
            "gateway": "gw2",
            "kind": "register",
            "proxy": "sip.example.net",
            "transport": "tcp",
            "username": "u1",
            "password": "carrier-secret",
            "realm": "example.net",
            "ping_s": 30,
            "codecs": ["PCMU"],
            "channels": 5,
            "cps": 1,
            "caller_id": "123",
        },
        {"name": "elsewhere", "channels": 5, "cps": 1, "caller_id": "123"},
    ],
    "seats": [
        {"id": "1001-1002", "secret": "phone-secret", "secrets": {"1002": "two"}},
        {"id": "3001", "address": "sip:{id}@10.0.0.7"},
    ],
    "freeswitch": {"domain": "floor.example", "rtp": {"first_port": 20000, "last_port": 21000}},
}


def config(**changes: object) -> Config:
    return Config.model_validate({**CONFIG, **changes})


def params(texts: dict[str, str], name: str, where: str = ".//settings") -> dict[str, str]:
    element = ET.fromstring(texts[name]).find(where)
    assert element is not None
    return {param.attrib["name"]: param.attrib["value"] for param in element.findall("param")}


def test_every_file_is_well_formed_and_every_template_is_rendered(tmp_path: Path) -> None:
    result = render(config(), tmp_path / "out")
    assert [str(file.relative_to(tmp_path / "out")) for file in result.files] == list(TEMPLATES)
    for file in result.files:
        ET.parse(file)
    templates = Path(__file__).parents[2] / "freeswitch" / "conf"
    assert {str(path.relative_to(templates)) for path in templates.rglob("*.xml")} == set(TEMPLATES)
    assert (result.gateways, result.seats) == (2, 2)
    assert result.left_out == (
        "trunks.elsewhere: no proxy: gateway elsewhere must be configured elsewhere",
        "seats.3001: sip:3001@10.0.0.7: does not register here",
    )


def test_limits_come_from_capacity_and_trunks() -> None:
    texts, _ = render_texts(config())
    switch = params(texts, "autoload_configs/switch.conf.xml")
    assert switch["max-sessions"] == "220"
    # 14.5 calls a second, twenty logins, and one because a limit of N admits N - 1.
    assert switch["sessions-per-second"] == "36"
    assert (switch["rtp-start-port"], switch["rtp-end-port"]) == ("20000", "21000")
    assert switch["switchname"] == "floor-fs1"


def test_the_event_socket_is_on_loopback_behind_a_list_and_a_password() -> None:
    texts, _ = render_texts(config())
    assert params(texts, "autoload_configs/event_socket.conf.xml") == {
        "nat-map": "false",
        "listen-ip": "127.0.0.1",
        "listen-port": "18021",
        "password": "esl-secret",
        "apply-inbound-acl": "loopback.auto",
        "stop-on-bind-error": "true",
    }


def test_an_event_socket_beyond_loopback_needs_named_networks() -> None:
    nodes = {"nodes": [{"name": "fs1", "host": "10.0.0.5", "password": "x"}]}
    with pytest.raises(RenderError, match=r"event_socket_allow: \(missing\)"):
        render_texts(config(switch=nodes))
    texts, _ = render_texts(config(switch=nodes, freeswitch={"event_socket_allow": ["10.0.0.6"]}))
    socket = params(texts, "autoload_configs/event_socket.conf.xml")
    assert (socket["listen-ip"], socket["apply-inbound-acl"]) == ("10.0.0.5", "dialer")
    acl = ET.fromstring(texts["autoload_configs/acl.conf.xml"])
    assert [(n.attrib["type"], n.attrib["cidr"]) for n in acl.iter("node")] == [("allow", "10.0.0.6/32")]
    assert [n.attrib["default"] for n in acl.iter("list")] == ["deny"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"switch": {"nodes": [{"name": "fs1"}]}}, r"switch\.nodes\.fs1\.password: the default password"),
        ({"switch": {"nodes": [{"name": "fs1", "password": "ClueCon"}]}}, "the default password"),
        ({"switch": {"nodes": [{"name": "fs1"}]}, "esl": {"password": "ClueCon"}}, "the default password"),
        ({"switch": "embedded"}, "no FreeSWITCH to render for"),
        ({"switch": {"nodes": [{"name": "a"}, {"name": "b"}]}}, "expected the name of one: a, b"),
        ({"seats": [{"id": "1001-1002", "secrets": {"1001": "x"}}]}, r"seats\.1001-1002\.secret: .* seat 1002"),
    ],
)
def test_an_open_switch_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        render_texts(config(**changes))


def test_one_of_several_nodes() -> None:
    nodes = {"nodes": [{"name": "a", "password": "pa"}, {"name": "b", "password": "pb", "port": 9}]}
    texts, _ = render_texts(config(switch=nodes), node="b")
    assert params(texts, "autoload_configs/event_socket.conf.xml")["password"] == "pb"
    with pytest.raises(RenderError, match="c: expected one of a, b"):
        render_texts(config(switch=nodes), node="c")


def test_gateways_are_our_trunks() -> None:
    texts, _ = render_texts(config())
    peer, login = ET.fromstring(texts["autoload_configs/sofia.conf.xml"]).iter("gateway")
    assert (peer.attrib["name"], login.attrib["name"]) == ("peer", "gw2")
    assert {p.attrib["name"]: p.attrib["value"] for p in peer.findall("param")} == {
        "proxy": "10.0.0.9:5070",
        "register": "false",
        "register-transport": "udp",
        "caller-id-in-from": "true",
    }
    assert {p.attrib["name"]: p.attrib["value"] for p in login.findall("param")} == {
        "proxy": "sip.example.net:5060",
        "register": "true",
        "register-transport": "tcp",
        "realm": "example.net",
        "from-domain": "example.net",
        "username": "u1",
        "password": "carrier-secret",
        "expire-seconds": "600",
        "retry-seconds": "30",
        "ping": "30",
        "caller-id-in-from": "true",
    }


def test_phones_register_with_a_secret_each_and_no_secret_stands_in_clear() -> None:
    texts, _ = render_texts(config())
    users = {
        user.attrib["id"]: user.find("params/param")
        for user in ET.fromstring(texts["directory/seats.xml"]).iter("user")
    }
    for seat, secret in (("1001", "phone-secret"), ("1002", "two")):
        hashed = users[seat]
        assert hashed is not None
        assert hashed.attrib["name"] == "a1-hash"
        assert hashed.attrib["value"] == hashlib.md5(f"{seat}:floor.example:{secret}".encode()).hexdigest()
    assert "phone-secret" not in "".join(texts.values())
    internal, external = ET.fromstring(texts["autoload_configs/sofia.conf.xml"]).iter("profile")
    settings = {p.attrib["name"]: p.attrib["value"] for p in internal.findall("settings/param")}
    assert settings["auth-calls"] == "true"
    assert settings["accept-blind-reg"] == settings["accept-blind-auth"] == "false"
    assert settings["challenge-realm"] == settings["force-register-domain"] == "floor.example"
    assert settings["send-display-update"] == "false"
    assert settings["unregister-on-options-fail"] == "true"
    outside = {p.attrib["name"]: p.attrib["value"] for p in external.findall("settings/param")}
    assert outside["disable-transfer"] == outside["disable-register"] == "true"
    assert outside["send-display-update"] == "false"


@pytest.mark.parametrize("context", ["public", "seats"])
def test_calls_that_nobody_configured_are_refused(context: str) -> None:
    texts, _ = render_texts(config())
    tree = ET.fromstring(texts[f"dialplan/{context}.xml"])
    assert tree.attrib["name"] == context
    *_, last = tree.findall("extension")
    assert [(a.attrib["application"], a.attrib["data"]) for a in last.iter("action")] == [("hangup", "CALL_REJECTED")]
    assert [c.attrib for c in last.iter("condition")] == [{}]


def test_nothing_from_outside_is_taken_without_login_numbers() -> None:
    texts, _ = render_texts(config())
    assert len(ET.fromstring(texts["dialplan/public.xml"]).findall("extension")) == 1


def test_a_seats_call_is_the_authenticated_users_and_waits_a_bounded_time_for_the_dialer() -> None:
    texts, _ = render_texts(config())
    first = next(iter(ET.fromstring(texts["dialplan/seats.xml"])))
    assert [c.attrib.get("field") for c in first.iter("condition")] == [
        "${sip_authorized}",
        "${dialer_seat}",
        "destination_number",
    ]
    assert _actions(first)[-1] == ("transfer", "dialer_phone XML dialer")
    phone, *_ = ET.fromstring(texts["dialplan/dialer.xml"]).findall("extension")
    actions = _actions(phone)
    assert ("set", "presence_data=dialer/seat/${dialer_seat}@floor") in _actions(first)
    assert ("set", "dialer_instance=floor") in actions
    assert actions.index(("set", "media_timeout=10000")) < actions.index(("answer", ""))
    after = actions[actions.index(("answer", "")) + 1 :]
    assert [name for name, _ in after] == ["playback", "playback", "hangup"]
    assert after[0][1] == "silence_stream://5000"
    users = ET.fromstring(texts["directory/seats.xml"]).iter("user")
    seats = [v.attrib for user in users for v in user.iter("variable") if v.attrib["name"] == "dialer_seat"]
    assert seats and all(seat["direction"] == "inbound" for seat in seats)


def _actions(element: ET.Element) -> list[tuple[str, str]]:
    return [(a.attrib["application"], a.attrib.get("data", "")) for a in element.iter("action")]


def test_files_with_secrets_are_for_their_owner_only_also_the_second_time(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        render(config(), out)
        for file in out.rglob("*.xml"):
            text = file.read_text()
            secret = "esl-secret" in text or "carrier-secret" in text or "a1-hash" in text
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == (0 if secret else 0o044), file
        (out / "directory" / "seats.xml").chmod(0o644)


def test_a_directory_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "freeswitch.xml").write_text("<document/>")
    with pytest.raises(RenderError, match="holds files of others"):
        render(config(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["freeswitch.xml"]
    (tmp_path / "file").write_text("")
    with pytest.raises(RenderError, match="expected a directory"):
        render(config(), tmp_path / "file" / "below")


def test_the_shipped_example_renders(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "config" / "examples" / "freeswitch.yaml"
    result = render(load(example).config, tmp_path / "out")
    assert (result.gateways, result.seats, result.left_out) == (1, 20, ())


def test_the_start_command_keeps_everything_under_one_directory(tmp_path: Path) -> None:
    prepare_work_dir(tmp_path / "work")
    command = start_command("/usr/bin/freeswitch", tmp_path / "conf", tmp_path / "work")
    flags = dict(zip(command[6::2], command[7::2], strict=True))
    assert flags["-conf"] == str(tmp_path / "conf")
    for flag in ("-log", "-db", "-run", "-temp", "-recordings", "-storage"):
        assert Path(flags[flag]).is_dir()
        assert Path(flags[flag]).parent == tmp_path / "work"
