"""The run file and the token: written whole, private, and refused with a reason when they are not right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dialer.http import runfiles
from dialer.http.runfiles import RunFileError, Runtime


def test_the_runtime_is_read_back(tmp_path: Path) -> None:
    runfiles.write_runtime(tmp_path / "run", "127.0.0.1", 8088)
    runtime = runfiles.read_runtime(tmp_path / "run")
    assert runtime == Runtime(os.getpid(), "127.0.0.1", 8088)
    assert runtime.alive()
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["dialer.json"]


def test_removing_leaves_another_process_s_file(tmp_path: Path) -> None:
    path = runfiles.write_runtime(tmp_path, "127.0.0.1", 8088)
    runfiles.remove_runtime(tmp_path)
    assert not path.exists()
    runfiles.remove_runtime(tmp_path)
    path.write_text('{"pid": 1, "host": "127.0.0.1", "port": 8088}')
    runfiles.remove_runtime(tmp_path)
    assert path.exists()


def test_a_process_that_is_gone(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert not Runtime(child, "127.0.0.1", 1).alive()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "\x00\xff",
        '{"pid": 1}',
        '{"pid": "1", "host": "h", "port": 1}',
        '{"pid": true, "host": "h", "port": 1}',
        '{"pid": -1, "host": "h", "port": 1}',
        '{"pid": 1, "host": 5, "port": 1}',
        '{"pid": 1, "host": "h", "port": 0}',
        '{"pid": 1, "host": "h", "port": 65536}',
    ],
)
def test_a_damaged_runtime_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "dialer.json").write_text(text)
    with pytest.raises(RunFileError, match="damaged; expected"):
        runfiles.read_runtime(tmp_path)


def test_no_runtime_says_what_that_means(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="no service runs with this configuration"):
        runfiles.read_runtime(tmp_path)


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFileError, match="expected a directory"):
        runfiles.write_runtime(tmp_path / "file", "127.0.0.1", 1)
    with pytest.raises(RunFileError, match="Not a directory"):
        runfiles.ensure_token(tmp_path / "file" / "token")


def test_the_token_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "run" / "token"
    token = runfiles.ensure_token(path)
    assert len(token) >= 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert runfiles.ensure_token(path) == token == runfiles.read_token(path)


def test_two_tokens_differ(tmp_path: Path) -> None:
    assert runfiles.ensure_token(tmp_path / "a") != runfiles.ensure_token(tmp_path / "b")


@pytest.mark.parametrize("raw", [b"", b"\n", b"two words", b"\xff\xfe", b"a\nb"])
def test_a_token_that_is_none(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(raw)
    path.chmod(0o600)
    with pytest.raises(RunFileError, match="no token in it") as error:
        runfiles.read_token(path)
    assert "two words" not in str(error.value)


def test_a_token_that_everybody_may_read(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret\n")
    path.chmod(0o644)
    with pytest.raises(RunFileError, match="expected mode 0600") as error:
        runfiles.read_token(path)
    assert "secret" not in str(error.value)


def test_no_token_yet(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="the service writes it"):
        runfiles.read_token(tmp_path / "token")
