"""What a call would do, found out for the person who is asked, and held to when it runs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable

from langchain_core.messages import ToolCall

from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.effects import context_of
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolContext

_PATIENCE = 60.0
"""Seconds that the question waits for a preview."""
CHANGED = (
    "Not run: what it would do has changed since the user approved it. Call again, so that they "
    "can see what it is now."
)

log = logging.getLogger(__name__)


async def previews_of(calls: Iterable[ToolCall], deps: Deps, emit: Emit) -> dict[str | None, str]:
    """What each call would do; "" where its arguments say it all.

    The node runs again when the answer arrives: then this is what the person was shown, not what
    it would be by now.
    """
    listed = list(calls)
    texts = await asyncio.gather(*[_remembered(call, deps, emit) for call in listed])
    return {call["id"]: text for call, text in zip(listed, texts, strict=True)}


def forget(calls: Iterable[ToolCall], deps: Deps) -> None:
    """The question is answered."""
    for call in calls:
        deps.previews.pop(_name(call), None)


async def unchanged(call: ToolCall, context: ToolContext, deps: Deps, shown: str) -> bool:
    """Whether the call would still do what was shown; `shown` is its digest, "" for nothing."""
    return not shown or digest(await preview(call, context, deps)) == shown


def digest(text: str) -> str:
    """A preview's text as it is stored; "" for none."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else ""


async def preview(call: ToolCall, context: ToolContext, deps: Deps) -> str:
    """What the call would do now, or why that cannot be said."""
    spec = deps.tools[call["name"]]
    if spec.preview is None:
        return ""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await spec.preview(spec.args.model_validate(call["args"]), context)
    except (ToolError, TimeoutError) as error:
        return f"What it would do could not be found out: {error or 'it took too long.'}"
    except Exception as error:
        log.warning("no preview of %s", spec.name, exc_info=True)
        return f"What it would do could not be found out: {type(error).__name__}."


async def _remembered(call: ToolCall, deps: Deps, emit: Emit) -> str:
    name = _name(call)
    if name not in deps.previews:
        deps.previews[name] = await preview(call, context_of(call, deps, emit), deps)
    return deps.previews[name]


def _name(call: ToolCall) -> str:
    return json.dumps([call["id"], call["name"], call["args"]], sort_keys=True)
