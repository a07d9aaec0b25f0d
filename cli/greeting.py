"""What a conversation begins and ends with."""

from __future__ import annotations

from ml_intern.cli.live import Live
from ml_intern.cli.safe import safe
from ml_intern.sessions.session import Session


def greet(session: Session, live: Live) -> None:
    """Say what is running, and how to get help."""
    options, verb = session.options, "resumed" if session.resumed else "new"
    live.line("ML Intern", style="bold")
    about = f"{safe(options.model or '')} · {options.permission_mode} mode · {verb} session"
    live.line(f"{about} {session.id[:8]} · /help", style="dim")
    for event in session.opening():
        live.show(event)


async def goodbye(session: Session, live: Live) -> None:
    """Say how to go on."""
    begun = (await session.state()).get("messages")
    hint = f" Go on with: ml-intern -r {session.id[:8]}" if begun else ""
    live.line(f"Bye.{hint}", style="dim")
