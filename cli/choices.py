"""What may follow a command, for completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from ml_intern.checkpoints.threads import Thread
from ml_intern.cli.commands import MODES
from ml_intern.cli.complete import Choices
from ml_intern.configs.settings import Effort
from ml_intern.llm.choice import DEFAULTS
from ml_intern.sessions.session import Session


def choices(session: Session, threads: list[Thread]) -> Mapping[str, Choices]:
    """By the command's first name; `threads` are the sessions that can be gone on with."""
    return {
        "/model": lambda: _models(session),
        "/effort": lambda: ((level, "") for level in get_args(Effort)),
        "/mode": lambda: MODES.items(),
        "/budget": lambda: [("none", "any sum")],
        "/resume": lambda: ((one.id[:8], one.title) for one in threads),
    }


def _models(session: Session) -> list[tuple[str, str]]:
    settings = session.settings
    own = {settings.model_name: "configured"}
    own |= dict.fromkeys(settings.fallback_models, "fallback")
    return list({**{name: provider for provider, name in DEFAULTS.items()}, **own}.items())
