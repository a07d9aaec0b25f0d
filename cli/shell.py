"""A command line of the user's own, after `!`: with their rights and their whole environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import uuid4

from ml_intern.cli.render import SHARED
from ml_intern.sessions.session import Session
from ml_intern.tools.bash import BashArgs, bash
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolContext, ToolResult

_LONGEST = 36_000.0
"""Seconds; whoever started it can stop it at any time."""
_SHARED = 6_000
"""Characters of the output that go along with the next message."""


async def run_command(
    command: str, session: Session, env: Mapping[str, str], log: Callable[[str], None]
) -> ToolResult:
    """Run it as `bash` does, its newest lines going to `log`."""
    context = ToolContext(
        call_id=f"own-{uuid4().hex[:8]}",
        cwd=session.cwd,
        spill=session.outputs,
        log=log,
        env=env,
        services=session.services,
        seen={},
    )
    try:
        return await bash(BashArgs(command=command, timeout=_LONGEST), context)
    except ToolError as error:
        return ToolResult(text=str(error), ok=False)


def shared(command: str, result: ToolResult) -> str:
    """What is put behind the next message, for the model."""
    text = result.text
    if len(text) > _SHARED:
        text = f"{text[: _SHARED // 4]}\n[…]\n{text[-_SHARED * 3 // 4 :]}"
    return f"{SHARED}{command}\n{text}\n]"
