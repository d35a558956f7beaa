"""What every section of the configuration is made of. Owns the base class and the units of its limits."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

HOUR = 3600.0
DAY = 24 * HOUR


class Section(BaseModel):
    """A mapping of known keys only, unchangeable once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)
