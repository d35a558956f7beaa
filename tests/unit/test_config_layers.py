"""Flags over environment over files over defaults; secrets, paths, the hash and warnings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import LoadedConfig, load

MAIN = """\
instance: one
data_dir: data
switch: {nodes: [{name: fs1}, {name: fs2, port: 8022}]}
esl: {password: from-file}
trunks: [{name: carrier, channels: 10, cps: 5, caller_id: "0123456"}]
seats: [{id: 0100-0102}]
agents: [{id: 0100-0102, name: "Agent {id}"}]
lists: [{name: bank}, {name: spare}]
campaigns:
  - {name: bank-de, mode: ratio, lists: [bank, spare], trunk: carrier, wrap_up_s: 10s}
"""


def loaded(
    tmp_path: Path,
    text: str = MAIN,
    env: dict[str, str] | None = None,
    overrides: dict[str, str] | None = None,
) -> LoadedConfig:
    file = tmp_path / "dialer.yaml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return load(file, env, overrides)


def test_flags_over_environment_over_files_over_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path).config.http.port == 8088
    with_file = MAIN + "http: {port: 1001}\n"
    assert loaded(tmp_path, with_file).config.http.port == 1001
    env = {"DIALER__HTTP__PORT": "1002", "PATH": "/bin"}
    assert loaded(tmp_path, with_file, env).config.http.port == 1002
    assert loaded(tmp_path, with_file, env, {"http.port": "1003"}).config.http.port == 1003


def test_environment_reaches_items_by_index_and_by_name(tmp_path: Path) -> None:
    env = {
        "DIALER__ESL__PASSWORD": "{from: env}",
        "DIALER__SWITCH__NODES__0__PORT": "9021",
        "DIALER__SWITCH__NODES__FS2__PORT": "9022",
        "DIALER__CAMPAIGNS__BANK_DE__WRAP_UP_S": "1m",
        "DIALER__CAMPAIGNS__0__RECYCLE__BUSY": "never",
        "DIALER__CAMPAIGNS__0__RECYCLE__NO_ANSWER": "{after: 1h, max: 2}",
        "DIALER__CAMPAIGNS__BANK_DE__LISTS": "spare",
        "DIALER__LISTS__2__NAME": "third",
        "DIALER__DO_NOT_CALL__FILES": "[]",
    }
    config = loaded(tmp_path, env=env).config
    assert config.esl.password is not None
    assert config.esl.password.get_secret_value() == "{from: env}"
    assert [node.port for node in config.switch.nodes] == [9021, 9022]
    assert config.campaigns[0].wrap_up_s == 60
    assert config.campaigns[0].recycle.busy is None
    assert config.campaigns[0].recycle.no_answer is not None
    assert config.campaigns[0].recycle.no_answer.max == 2
    assert config.campaigns[0].lists == ("spare",)
    assert [leads.name for leads in config.lists] == ["bank", "spare", "third"]


def test_environment_may_name_nodes_over_an_embedded_switch(tmp_path: Path) -> None:
    env = {"DIALER__SWITCH__NODES__0__NAME": "fs9", "DIALER__SWITCH__NODES__0__HOST": "127.0.0.1"}
    text = re.sub(r"switch: .*", "switch: embedded", MAIN)
    assert [node.name for node in loaded(tmp_path, text, env).config.switch.nodes] == ["fs9"]
    assert loaded(tmp_path, overrides={"switch": "embedded"}).config.switch.embedded


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        (
            "DIALER__HTTP__PROT",
            "1",
            "environment DIALER__HTTP__PROT: http.prot: (unknown key): a known key; did you mean",
        ),
        ("DIALER__HTTP__PORT", "x", "environment DIALER__HTTP__PORT: http.port: x: a whole number from 0 to 65535"),
        ("DIALER__CAMPAIGNS__NOPE__MODE", "x", "campaigns.nope: x: an index from 0 to 1 or the name of one: bank-de"),
        ("DIALER__SWITCH__NODES__NOPE__PASSWORD", "hunter2", "switch.nodes.nope: (secret): an index from 0 to 2"),
        ("DIALER__", "x", "environment DIALER__: a path of keys"),
        ("DIALER__CAMPAIGNS__0__LISTS", "[bank", "campaigns.bank-de.lists: [bank: a list such as [a, b]"),
    ],
)
def test_faults_of_the_environment_name_the_variable(tmp_path: Path, name: str, value: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, env={name: value})
    assert fault.replace("campaigns.bank-de.lists", "campaigns.0.lists") in str(caught.value).replace(
        "campaigns.bank-de.lists", "campaigns.0.lists"
    )
    assert name in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_conf_d_merges_and_campaigns_are_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "20.yaml").write_text("instance: two\nlists: [{name: more}]\nesl: {command_timeout_s: 9}\n")
    (tmp_path / "conf.d" / "10.yaml").write_text("instance: never\n")
    (tmp_path / "conf.d" / "README").write_text("no yaml: [")
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "spring.yaml").write_text("mode: preview\nlists: [more]\ntrunk: carrier\n")
    result = loaded(tmp_path)
    assert result.config.instance == "two"
    assert result.config.esl.command_timeout_s == 9
    assert result.config.esl.password is not None
    assert [leads.name for leads in result.config.lists] == ["bank", "spare", "more"]
    assert [campaign.name for campaign in result.config.campaigns] == ["bank-de", "spring"]
    assert [file.name for file in result.files] == ["dialer.yaml", "10.yaml", "20.yaml", "spring.yaml"]


def test_scalars_stay_what_was_written(tmp_path: Path) -> None:
    config = loaded(tmp_path).config
    assert config.trunks[0].caller_id == "0123456"
    assert [seat for seat, _ in config.seats[0].expand()] == ["0100", "0101", "0102"]


def test_paths_start_at_the_file_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "leads.csv").write_text("phone\n")
    (tmp_path / "conf.d" / "10.yaml").write_text("lists: [{name: more, file: leads.csv}]\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = loaded(tmp_path, env={"DIALER__LOG__FILE": "a.log"}).config
    assert config.data_dir == str(tmp_path / "data")
    assert config.lists[2].file == str(tmp_path / "conf.d" / "leads.csv")
    assert config.log.file == str(tmp_path / "elsewhere" / "a.log")


def test_secrets_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "esl.password"
    secret.write_text("from a file\n")
    secret.chmod(0o600)
    table = tmp_path / "seats"
    table.write_text("# seat secret\n0100 one\n0101  two words\n\n0102 three\n")
    table.chmod(0o640)
    text = MAIN.replace("password: from-file", "password_file: esl.password").replace(
        "{id: 0100-0102}", "{id: 0100-0102, secrets_file: seats}"
    )
    result = loaded(tmp_path, text)
    assert result.config.esl.password is not None
    assert result.config.esl.password.get_secret_value() == "from a file"
    two = result.config.seats[0].secret_of("0101")
    assert two is not None
    assert two.get_secret_value() == "two words"
    assert not [notice for notice in result.warnings if "readable by everyone" in notice.text]
    secret.chmod(0o644)
    warnings = [str(notice) for notice in loaded(tmp_path, text).warnings]
    assert f"{tmp_path}/dialer.yaml:4: esl.password_file: {secret} is readable by everyone; chmod 0600 it" in warnings
    env_wins = loaded(tmp_path, text, {"DIALER__ESL__PASSWORD": "env"}).config.esl
    assert (env_wins.password and env_wins.password.get_secret_value(), env_wins.password_file) == ("env", None)


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n"])
def test_a_secret_file_holds_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "esl.password").write_text(content)
    text = MAIN.replace("password: from-file", "password_file: esl.password")
    with pytest.raises(ConfigError, match=r"esl\.password_file: .*: a file that holds the secret on its only line"):
        loaded(tmp_path, text)


def test_a_table_of_secrets_names_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "seats").write_text("0100 one\n0100 hunter2\n")
    text = MAIN.replace("{id: 0100-0102}", "{id: 0100-0102, secrets_file: seats}")
    with pytest.raises(ConfigError, match=r"seats:2: seats\.0100-0102\.secrets_file: \(secret\): lines of") as caught:
        loaded(tmp_path, text)
    assert "hunter2" not in str(caught.value)


def test_the_hash_knows_the_effective_configuration_without_its_secrets(tmp_path: Path) -> None:
    first = loaded(tmp_path)
    assert re.fullmatch(r"[0-9a-f]{64}", first.hash)
    assert loaded(tmp_path, env={"DIALER__ESL__PASSWORD": "other"}).hash == first.hash
    assert loaded(tmp_path, MAIN.replace("wrap_up_s: 10s", "wrap_up_s: 10")).hash == first.hash
    assert loaded(tmp_path, MAIN + "# comment\nhttp: {port: 8088}\n").hash == first.hash
    assert loaded(tmp_path, env={"DIALER__HTTP__PORT": "1"}).hash != first.hash


def test_no_repr_and_no_dump_shows_a_secret(tmp_path: Path) -> None:
    result = loaded(tmp_path, env={"DIALER__ESL__PASSWORD": "hunter2", "DIALER__HTTP__TOKEN": "hunter2"})
    assert "hunter2" not in repr(result) + str(result.config) + result.config.model_dump_json()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (MAIN.replace("esl: {password: from-file}\n", ""), "switch.nodes.fs1.password: the default password ClueCon"),
        (MAIN.replace("from-file", "ClueCon"), "switch.nodes.fs2.password: the default password ClueCon"),
        (MAIN.replace("from-file", "change-me"), "esl.password: the password of an example"),
        (MAIN + "http: {host: 0.0.0.0}\n", "http.host: 0.0.0.0: reachable from other machines"),
        (MAIN.replace("name: fs1", "name: fs1, host: 10.0.0.1"), "the event socket has no encryption"),
        (MAIN.replace("wrap_up_s: 10s", "wait_limit_s: 3"), "campaigns.bank-de.wait_limit_s: 3 s: the law"),
        (MAIN, "campaigns.bank-de.message: the packaged message names no company"),
        (MAIN.replace("lists: [bank, spare]", "lists: [bank]"), "lists.spare: no campaign dials this list"),
        (MAIN.replace("wrap_up_s: 10s", "agents: []"), "campaigns.bank-de: no agent serves this campaign"),
        (MAIN.replace("wrap_up_s: 10s", "call_window: {days: {}}"), "nothing will be dialed"),
    ],
)
def test_warnings_do_not_stop_a_start(tmp_path: Path, text: str, warning: str) -> None:
    assert any(warning in str(notice) for notice in loaded(tmp_path, text).warnings)


def test_a_secret_in_a_file_that_everyone_may_read(tmp_path: Path) -> None:
    loaded(tmp_path)
    file = tmp_path / "dialer.yaml"
    file.chmod(0o644)
    assert [str(n) for n in load(file).warnings if "everyone may read" in n.text] == [
        f"{file}:4: esl.password: a secret in a file that everyone may read; chmod 0600 it, or use the *_file key"
    ]
