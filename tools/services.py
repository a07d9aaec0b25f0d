"""The outside world as the tools reach it: addresses, credentials, one client each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ml_intern.configs.settings import Settings

if TYPE_CHECKING:
    from ml_intern.tools.hub.client import Hub
    from ml_intern.tools.web.client import Web


@dataclass(frozen=True)
class Services:
    """What every session of this process shares. Making one opens nothing."""

    settings: Settings
    """Every base address is one of the settings."""
    keys: Mapping[str, str]
    """Credentials by the name of their variable; may be filled in later."""
    cache: Path | None = None
    """A folder for what can be had again; None where nothing is kept."""

    @cached_property
    def web(self) -> Web:
        """For what has no client library."""
        from ml_intern.tools.web.client import Web

        return Web(self.cache)

    @cached_property
    def hub(self) -> Hub:
        """For everything that huggingface_hub has a call for."""
        from ml_intern.tools.hub.client import Hub

        return Hub(self.settings.hf_endpoint, lambda: hub_token(self.keys))


def hub_token(keys: Mapping[str, str]) -> str | None:
    """The Hub's token among the credentials."""
    return keys.get("HF_TOKEN") or keys.get("HUGGING_FACE_HUB_TOKEN") or None
