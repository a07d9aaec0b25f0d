"""Asks a person about each call: approve, edit, or reject with words."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

from ml_intern.cli.render import request_block
from ml_intern.cli.screen import Screen
from ml_intern.nodes.policies.answers import Decision

Ask = Callable[[str, str], Awaitable[str]]
"""Prompts with a question and a text to begin with; raises KeyboardInterrupt or EOFError."""

_QUESTION = "  y approve · n reject · e edit · or say what to do instead: "


async def decide(tools: Sequence[Mapping[str, Any]], ask: Ask, screen: Screen) -> list[Decision]:
    """One decision a call, in order.

    Raises:
        KeyboardInterrupt: the person wants to stop the turn.
        EOFError: likewise.
    """
    decisions = []
    for number, request in enumerate(tools, start=1):
        screen.print(request_block(number, len(tools), request))
        decisions.append(await _decide_one(request, ask, screen))
    return decisions


async def _decide_one(request: Mapping[str, Any], ask: Ask, screen: Screen) -> Decision:
    while True:
        answer = (await ask(_QUESTION, "")).strip()
        match answer.lower():
            case "":
                continue  # no default: Enter alone decides nothing
            case "y" | "yes":
                return Decision(type="approve")
            case "n" | "no":
                return Decision(type="reject")
            case "e" | "edit":
                if edited := await _edit(request, ask, screen):
                    return edited
            case _:
                return Decision(type="reject", message=answer)


async def _edit(request: Mapping[str, Any], ask: Ask, screen: Screen) -> Decision | None:
    text = await ask("  arguments (JSON): ", json.dumps(request["arguments"], ensure_ascii=False))
    try:
        args = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        screen.line(f"  Not valid JSON: {error}", style="red")
        return None
    if not isinstance(args, dict):
        screen.line("  The arguments must be a JSON object.", style="red")
        return None
    return Decision(type="edit", edited_action={"name": request["tool"], "args": args})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
