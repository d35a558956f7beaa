"""Which code a result depends on: a frozen copy of the checkout to run, and a key for each policy's part of it.

Owns what matters for whom. A key changes when the syntax tree of a file that the policy uses changes; comments,
docstrings and layout do not count. Baselines do not depend on the predictive rule's files, so tuning that rule leaves
their results alone; of the pool's file the parts matter that count calls and agents for them.
"""

from __future__ import annotations

import ast
import hashlib
import shutil
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from bench.pacing.cells import ROOT, Policy

CACHE: Final = ROOT / "bench" / ".cache" / "pacing"
PACKAGES: Final = ("bench", "config", "dialer", "esl", "freeswitch", "pacing", "routing")
KEEP_COPIES_S = 3 * 86_400.0

_SHARED: Final = (
    "dialer/domain/*.py",
    "dialer/engine/*.py",
    "dialer/leads/hopper.py",
    "dialer/leads/recycle.py",
    "dialer/leads/windows.py",
    "dialer/simulate/people.py",
    "dialer/simulate/planner.py",
    "dialer/simulate/planner_leads.py",
    "dialer/simulate/planner_settings.py",
    "dialer/simulate/planner_world.py",
    "dialer/simulate/scenario.py",
    "dialer/simulate/tally.py",
    "routing/*.py",
    "pacing/limits.py",
    "pacing/snapshot.py",
)
_NOT_SHARED: Final = frozenset(
    {
        "dialer/engine/memory.py",
        "dialer/engine/previews.py",
        "dialer/engine/status.py",
        "dialer/domain/status.py",
        "dialer/masking.py",
        "dialer/leads/numbers.py",
        "dialer/leads/errors.py",
        "dialer/leads/moments.py",
    }
)
"""For people, for the next start, for a mode that no shift here dials in, and for numbers and times that agents key
in."""
_RULES_OF_OTHERS: Final = frozenset(
    f"pacing/{name}.py" for name in ("vicidial", "mean_matching", "ratio", "progressive", "preview")
)
_COUNTING: Final = {
    "pacing/pool.py": frozenset(
        "dialed sent rang answered taken untaken bridged limit_passed ended judged agent counts "
        "_known _stop_ringing _no_longer_waits".split()
    ),
    "pacing/memory.py": frozenset({"ringing"}),
    "pacing/explaining.py": frozenset({"counts"}),
    "pacing/abandonment.py": frozenset({"judge", "since", "_since", "_insert"}),
}
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "vicidial": ("pacing/vicidial.py", "pacing/board.py"),
    "mean_matching": ("pacing/mean_matching.py", "pacing/board.py"),
    "ratio": ("pacing/ratio.py",),
    "progressive": ("pacing/progressive.py",),
}
_COUNTED: Final = frozenset({"vicidial", "mean_matching"})


def key(policy: Policy, root: Path) -> str:
    """Twelve hex digits for the code that decides how a shift under this policy goes."""
    digest = hashlib.sha256()
    for name in sorted(files(policy, root)):
        _add(digest, name, tree_of((root / name).read_text("utf-8")))
    if policy in _COUNTED:
        for name, parts in _COUNTING.items():
            _add(digest, name, tree_of((root / name).read_text("utf-8"), parts))
    return digest.hexdigest()[:12]


def files(policy: Policy, root: Path) -> set[str]:
    """The files that count as a whole."""
    found = _matching(_SHARED, root) - _NOT_SHARED
    if policy in _OWN:
        return found | _matching(_OWN[policy], root)
    return found | (_matching(("pacing/*.py",), root) - _RULES_OF_OTHERS)


@lru_cache(maxsize=1024)
def tree_of(source: str, parts: frozenset[str] | None = None) -> str:
    """The syntax tree as text, without bare strings (docstrings); only functions named in ``parts``, when given."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]
    if parts is None:
        return ast.dump(tree)
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name in parts]
    return "\n".join(ast.dump(node) for node in found)


def freeze(root: Path = ROOT, cache: Path = CACHE) -> Path:
    """Copy the checkout's code, so that a run is of one piece while people go on editing. The copy's place."""
    found = (path for package in PACKAGES for path in (root / package).rglob("*.py"))
    sources = sorted(path for path in found if ".cache" not in path.parts)
    contents = [(path.relative_to(root), path.read_bytes()) for path in sources]
    digest = hashlib.sha256()
    for name, text in contents:
        _add(digest, str(name), hashlib.sha256(text).hexdigest())
    place = cache / "code" / digest.hexdigest()[:12]
    if not (place / "whole").exists():
        for name, text in contents:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(text)
        (place / "whole").touch()
    (place / "whole").touch()
    _forget(cache / "code", place)
    return place


def _forget(copies: Path, but: Path) -> None:
    """Copies that no run has used for days."""
    for copy in copies.iterdir():
        mark = copy / "whole"
        if copy != but and mark.exists() and time.time() - mark.stat().st_mtime > KEEP_COPIES_S:
            shutil.rmtree(copy, ignore_errors=True)


def _matching(patterns: Iterable[str], root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern)}


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _add(digest: hashlib._Hash, name: str, text: str) -> None:
    digest.update(f"{name}\0{len(text)}\0{text}\0".encode())
