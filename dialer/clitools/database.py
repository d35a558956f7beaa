"""The store's address for commands that work on it themselves, beside a running service or without one.

Owns that new files are private and that what goes wrong with the database becomes a CliError.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dialer.clitools.options import CliError

if TYPE_CHECKING:
    from config.loader import LoadedConfig


@contextmanager
def private_files() -> Iterator[None]:
    """New files are for their owner only: the database holds full numbers."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def database(loaded: LoadedConfig, *, dry_run: bool = False) -> Iterator[str]:
    """The store's address, with its tables there; what goes wrong with it becomes a CliError.

    A dry run makes nothing: where there is no database yet, it looks into an empty one that is thrown away.
    """
    from dialer.leads.errors import LeadsError
    from dialer.store.errors import StoreError
    from dialer.store.migrations import upgrade

    configured = loaded.config.database.url
    file = loaded.config.data_path / "dialer.db"
    try:
        with private_files(), tempfile.TemporaryDirectory(prefix="dialer-") as spare:
            if configured is not None:
                url = configured.get_secret_value()
            elif dry_run and not file.exists():
                url = f"sqlite:///{spare}/dialer.db"
                upgrade(url)
            else:
                url = f"sqlite:///{file}"
            if not dry_run:
                file.parent.mkdir(parents=True, exist_ok=True)
                upgrade(url)
            yield url
    except (StoreError, LeadsError) as error:
        raise CliError(str(error)) from error
    except UnicodeEncodeError as error:
        raise CliError(f"{error.object!a}: bytes that are no text, expected UTF-8") from error
    except OSError as error:
        raise CliError(f"{error.filename or file}: {error.strerror or error}") from error
