"""One YAML document as a tree: what is written as nothing is nothing, whichever of PyYAML's loaders reads it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from config.errors import Fault
from config.tree import Mapping, Scalar, parse, plain

NOTHING = ["", "~", "null", "Null", "NULL"]
QUOTED = ['""', "''", '"~"', "'null'", "|-\n  null"]


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("this PyYAML was built without libyaml")
    yield


def read(text: str) -> Mapping:
    faults: list[Fault] = []
    tree = parse(text, "f.yaml", faults)
    assert tree is not None and not faults, faults
    return tree


@pytest.mark.parametrize("written", NOTHING)
def test_a_key_without_a_value_holds_none(written: str) -> None:
    tree = read(f"key: {written}\nother: 1\n")
    node = tree.entries["key"].node
    assert isinstance(node, Scalar) and node.value is None
    assert plain(tree) == {"other": "1"}


@pytest.mark.parametrize("written", QUOTED)
def test_quoted_words_are_text(written: str) -> None:
    node = read(f"key: {written}\n").entries["key"].node
    assert isinstance(node, Scalar) and node.value in ("", "~", "null")


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n", "~", "---\n", "{}\n"])
def test_a_document_of_nothing_is_an_empty_mapping(text: str) -> None:
    assert plain(read(text)) == {}


def test_a_merge_key_lays_the_mapping_under_its_own() -> None:
    tree = read("base: &base {a: 1, b: 2}\nmine:\n  <<: *base\n  b: 3\nquoted: {'<<': 4}\n")
    assert plain(tree.entries["mine"].node) == {"b": "3", "a": "1"}
    assert plain(tree.entries["quoted"].node) == {"<<": "4"}
