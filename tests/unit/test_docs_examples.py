"""Configuration that the handbook shows: whole files pass ``dialer check``, and every setting of routing is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import follow_me_schema, lines_schema, routing_schema
from config.loader import load
from config.section import Section
from dialer.settings import build
from freeswitch.sounds.table import prompts

DOCS = Path(__file__).parents[2] / "docs"
WHOLE = [
    (page.name, block)
    for page in sorted(DOCS.glob("*.md"))
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if re.search(r"^switch:", block, re.MULTILINE)
]
"""Those that name a switch are whole; the others are parts."""


def test_both_pages_have_a_whole_one() -> None:
    assert {page for page, _ in WHOLE} >= {"routing.md", "inbound.md"}


@pytest.mark.parametrize(("page", "block"), WHOLE, ids=[page for page, _ in WHOLE])
def test_a_whole_file_passes_without_another_warning(page: str, block: str, tmp_path: Path) -> None:
    file = tmp_path / "dialer.yaml"
    file.write_text(block, encoding="utf-8")
    found = load(file, prompts=frozenset(prompts()))
    own = [each for each in found.warnings if "no such file here" not in str(each)]  # recordings of the reader's
    assert not own
    assert build(found, "epoch").engine.campaigns


def test_every_setting_of_routing_and_lines_is_told() -> None:
    told = set(re.findall(r"\w+", (DOCS / "routing.md").read_text(encoding="utf-8")))
    sections = {
        shape
        for module in (routing_schema, lines_schema, follow_me_schema)
        for shape in vars(module).values()
        if isinstance(shape, type) and issubclass(shape, Section)
    }
    keys = {field.alias or name for shape in sections for name, field in shape.model_fields.items()}
    assert keys and keys <= told, sorted(keys - told)
