"""Shared by all tests: how hypothesis chooses its examples."""

from __future__ import annotations

import os

from hypothesis import settings

# A gate must judge the change, not its luck: in CI the examples are the same every time. Elsewhere they are new ones.
settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
