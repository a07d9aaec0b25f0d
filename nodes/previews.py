"""What a call would do, found out for the person who is asked, and held to when it runs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from langchain_core.messages import ToolCall

from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.effects import context_of
from ml_intern.nodes.policies.approval import Verdict
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolContext

_PATIENCE = 60.0
"""Seconds that the question waits for a preview."""
_UNKNOWN = "What it would do could not be found out"
CHANGED = (
    "Not run: what it would do has changed since the user approved it. Call again, so that they "
    "can see what it is now."
)

log = logging.getLogger(__name__)


class Preview(NamedTuple):
    """What a call would do."""

    text: str = ""
    """"" where its arguments say it all."""
    error: str = ""
    """Why it cannot be done: no person need be asked."""


async def previews_of(
    calls: Sequence[ToolCall], verdicts: Sequence[Verdict], deps: Deps, emit: Emit
) -> dict[str | None, Preview]:
    """What each call would do that a person is asked about.

    The node runs again when the answer arrives: then this is what the person was shown, not what
    it would be by now.
    """
    asked = [call for call, verdict in zip(calls, verdicts, strict=True) if verdict.action == "ask"]
    found = await asyncio.gather(*[_remembered(call, deps, emit) for call in asked])
    return {call["id"]: preview for call, preview in zip(asked, found, strict=True)}


def possible(verdict: Verdict, preview: Preview | None) -> Verdict:
    """The verdict, unless the call cannot be done: nobody is asked then."""
    return Verdict("refuse", preview.error) if preview and preview.error else verdict


def forget(calls: Iterable[ToolCall], deps: Deps) -> None:
    """The question is answered."""
    for call in calls:
        deps.previews.pop(_name(call), None)


async def objection(call: ToolCall, context: ToolContext, deps: Deps, shown: str) -> str:
    """Why the call must not run: it would not do what was shown; "" if it would.

    `shown` is the digest of that, "" for nothing.
    """
    now = await preview(call, context, deps) if shown else Preview()
    return f"Not run: {now.error}" if now.error else "" if digest(now.text) == shown else CHANGED


def digest(text: str) -> str:
    """A preview's text as it is stored; "" for none."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else ""


async def preview(call: ToolCall, context: ToolContext, deps: Deps) -> Preview:
    """What the call would do now."""
    spec = deps.tools[call["name"]]
    if spec.preview is None:
        return Preview()
    try:
        async with asyncio.timeout(_PATIENCE):
            return Preview(await spec.preview(spec.args.model_validate(call["args"]), context))
    except ToolError as error:
        return Preview(error=str(error))
    except TimeoutError:
        return Preview(f"{_UNKNOWN}: it took too long.")
    except Exception as error:
        log.warning("no preview of %s", spec.name, exc_info=True)
        return Preview(f"{_UNKNOWN}: {type(error).__name__}.")


async def _remembered(call: ToolCall, deps: Deps, emit: Emit) -> Preview:
    name = _name(call)
    if name not in deps.previews:
        deps.previews[name] = await _possible_to_ask(call, deps, emit)
    return deps.previews[name]


async def _possible_to_ask(call: ToolCall, deps: Deps, emit: Emit) -> Preview:
    found = await preview(call, context_of(call, deps, emit), deps)
    if found.error and deps.live is None:
        # Where nobody knows what was asked, answers go by position alone: a call that leaves the
        # question, and is possible by the time of the answer, would take its neighbour's.
        return Preview(f"{_UNKNOWN}: {found.error}")
    return found


def _name(call: ToolCall) -> str:
    return json.dumps([call["id"], call["name"], call["args"]], sort_keys=True)
