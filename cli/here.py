"""The folder that a command works in."""

from __future__ import annotations

from pathlib import Path

from ml_intern.configs.errors import ConfigError


def working_folder() -> Path:
    """The folder we were started in.

    Raises:
        ConfigError: it is gone.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("The working directory no longer exists. Change to another.") from None
