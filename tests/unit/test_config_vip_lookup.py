"""``routing.vip_lookup``: what may be written, what is refused, where its secrets stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_config_inbound import loaded, tree

from config.errors import ConfigError
from dialer.domain.routing import LookupSettings
from dialer.settings import build

EXPECTED = "http://HOST[:PORT]/PATH or https://…, without a user, a password or a fragment"


def asking(**lookup: Any) -> dict[str, Any]:
    return tree() | {"routing": {"vip_lookup": lookup}}


def test_what_the_service_works_from(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    url = "https://crm.example:8443/vip?tenant=7"
    config = loaded(tmp_path, asking(url=url, token_file=str(token), deadline_s="200ms", keep="10m", stale="2d"))
    assert not [each for each in config.warnings if "vip_lookup" in str(each)]
    wanted = build(config, "e1")
    assert wanted.vip_lookup == LookupSettings(url, "s3cret", 0.2, 600.0)
    assert "s3cret" not in repr(wanted.vip_lookup)
    assert wanted.engine.inbound.vip_within_s == 0.2
    assert wanted.rules.asked_keep_s == 2 * 86_400.0


def test_without_one_nobody_is_asked(tmp_path: Path) -> None:
    wanted = build(loaded(tmp_path, tree()), "e1")
    assert wanted.vip_lookup is None and wanted.engine.inbound.vip_within_s is None


@pytest.mark.parametrize(
    "url",
    [
        "crm.example/vip",
        "ftp://crm.example/vip",
        "file:///etc/passwd",
        "https://user:pass@crm.example/",
        "https://crm.example/#here",
        "https://crm.example:0/",
        "https://crm.example:70000/",
        "https://crm.example/a b",
        "https://crm.example/a\r\nX: y",
        "https://",
    ],
)
def test_an_address_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, asking(url=url))
    (fault,) = caught.value.faults
    assert fault.path == "routing.vip_lookup.url" and fault.expected == EXPECTED
    assert "pass@" not in str(fault)


def test_plain_text_over_a_network_is_warned_of(tmp_path: Path) -> None:
    config = loaded(tmp_path, asking(url="http://crm.example/vip"))
    assert any("plain text" in str(each) for each in config.warnings)
    config = loaded(tmp_path, asking(url="http://127.0.0.1:9000/vip"))
    assert not any("plain text" in str(each) for each in config.warnings)
