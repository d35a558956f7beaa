"""Whatever is written, the loader answers with a configuration or with faults; what is rendered stays a value."""

from __future__ import annotations

import itertools
import string
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.loader import load
from config.schema import Config
from config.values import DAYS, expand_days, expand_ids
from freeswitch.render import RenderError, render_texts, xml_value

FAST = settings(max_examples=150, deadline=None)

SECTIONS = ("switch", "esl", "http", "trunks", "seats", "agents", "lists", "campaigns", "embedded", "talk")
KEYS = ("password", "port", "name", "id", "mode", "nodes", "recycle", "call_window", "days", "mon", "file", "token")
ODD = ("unknown", "two words", "", "\x1b[2J", "a.b")
keys = st.sampled_from((*SECTIONS, *KEYS, *ODD))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), keys)
documents = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
        max_leaves=12,
    ),
    max_size=6,
)


def outcome(text: str, env: dict[str, str] | None = None) -> str:
    """The faults' text, or nothing; anything but a ConfigError fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dialer.yaml"
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            load(file, env)
        except ConfigError as error:
            assert error.faults
            for fault in error.faults:
                assert str(fault).isprintable()
                assert fault.source.line or not fault.source.file.endswith(".yaml") or fault.path == ""
            return str(error)
        return ""


@FAST
@given(documents)
def test_any_document_gives_a_config_or_faults(document: dict[str, object]) -> None:
    outcome(yaml.safe_dump(document, allow_unicode=True))


@FAST
@given(st.text(alphabet=st.sampled_from("abc:-{}[]&*!|>'\"#%@`,?\t\n <~0"), max_size=60))
def test_any_text_gives_a_config_or_faults(text: str) -> None:
    outcome(text)


@FAST
@given(
    st.lists(st.sampled_from(["esl", "http", "campaigns", "0", "7", "password", "port", "x", "", "switch", "nodes"])),
    st.text(alphabet=string.printable, max_size=20),
)
def test_any_environment_gives_a_config_or_faults(parts: list[str], value: str) -> None:
    outcome("switch: embedded\n", {"DIALER__" + "__".join(parts).upper(): value})


@FAST
@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=9, max_size=20), st.sampled_from([0, 1, 2, 3]))
def test_no_fault_shows_a_password(secret: str, place: int) -> None:
    secret = f"zq{secret}"
    text = [
        f"esl: {{password: {secret}, port: 1}}",
        f"switch: {{nodes: [{{password: {secret}, capacity: many}}]}}",
        f"seats: [{{id: 1-2, secret: [{secret}]}}, {{id: x y, secrets: {{a: {{b: {secret}}}}}}}]",
        f"trunks: [{{name: t, pasword: {secret}, password: {secret}}}]\nhttp: {secret}",
    ][place]
    assert secret not in outcome(f"{text}\nnonsense: 1\n")


hostile = st.text(
    alphabet=st.one_of(
        st.sampled_from("<>&\"'$${}%;\\/-!? ]["), st.characters(codec="utf-8", exclude_categories=("C", "Z"))
    ),
    min_size=1,
    max_size=30,
)


def rendered(esl: str, carrier: str, seat: str) -> dict[str, str]:
    trunk = {"name": "t", "kind": "register", "proxy": "h", "username": "u", "password": carrier}
    config = {
        "switch": {"nodes": [{"name": "a", "password": esl}]},
        "trunks": [{**trunk, "channels": 1, "cps": 1, "caller_id": "12"}],
        "seats": [{"id": "1", "secret": seat}],
    }
    return render_texts(Config.model_validate(config))[0]


def tags(texts: dict[str, str]) -> dict[str, list[tuple[str, int]]]:
    return {name: [(e.tag, len(e.attrib)) for e in ET.fromstring(text).iter()] for name, text in texts.items()}


@settings(max_examples=60, deadline=None)
@given(hostile, hostile, hostile)
def test_any_password_stays_one_attribute(esl: str, carrier: str, seat: str) -> None:
    texts = rendered(esl + "x", carrier, seat)
    assert tags(texts) == tags(rendered("plain", "plain", "plain"))
    socket = ET.fromstring(texts["autoload_configs/event_socket.conf.xml"])
    assert [p.attrib["value"] for p in socket.iter("param") if p.attrib["name"] == "password"] == [esl + "x"]
    sofia = ET.fromstring(texts["autoload_configs/sofia.conf.xml"])
    assert [p.attrib["value"] for p in sofia.iter("param") if p.attrib["name"] == "password"] == [carrier]
    assert "$$" not in "".join(texts.values())


@FAST
@given(st.text(max_size=40))
def test_a_rendered_value_holds_no_markup_and_reads_back(text: str) -> None:
    try:
        value = xml_value(text)
    except RenderError:
        assert not text.isprintable()
        return
    assert not set("<>\"'$") & set(value)
    assert ET.fromstring(f'<a b="{value}"/>').attrib["b"] == text


@pytest.mark.parametrize("unit", ["", "s", "m", "h"])
@FAST
@given(st.integers(min_value=0, max_value=600))
def test_durations_read_back(unit: str, count: int) -> None:
    factor = {"": 1, "s": 1, "m": 60, "h": 3600}[unit]
    config = Config.model_validate({"switch": "embedded", "drain_seconds": f"{count}{unit}"})
    assert config.drain_seconds == count * factor


@given(st.integers(min_value=0, max_value=9999), st.integers(min_value=0, max_value=200))
def test_a_range_of_ids_has_every_number_once_at_its_width(first: int, more: int) -> None:
    last = min(9999, first + more)
    ids = expand_ids(f"{first:04d}-{last:04d}")
    assert len(ids) == len(set(ids)) == last - first + 1
    assert [int(one) for one in ids] == list(range(first, last + 1))
    assert {len(one) for one in ids} == {4}


@given(st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_a_range_of_days_runs_from_its_first_to_its_last(first: str, last: str) -> None:
    days = expand_days(f"{first}-{last}")
    assert (DAYS[days[0]], DAYS[days[-1]]) == (first, last)
    assert all((b - a) % 7 == 1 for a, b in itertools.pairwise(days))
    assert len(days) == len(set(days))
