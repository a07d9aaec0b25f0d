"""What makes a provider cache the beginning of a request, which every call repeats.

Some cache only up to marked places, others bring a session's calls to the same machine by a key.
litellm sets the marks on its own copy of the messages; the stored ones are never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage

_CLAUDE_HOSTS = {"bedrock", "vertex_ai", "openrouter"}


def takes_breakpoints(model: str) -> bool:
    """Whether `model`, litellm's id, is cached only up to the places that are marked."""
    provider, _, rest = model.partition("/")
    return provider == "anthropic" or (provider in _CLAUDE_HOSTS and "claude" in rest.lower())


def takes_key(name: str, known: Mapping[str, Any]) -> bool:
    """Whether a cache key may be sent: to OpenAI's own models. `known` is the catalogue's entry."""
    return name.startswith("openai/") and known.get("litellm_provider") == "openai"


def parameters(
    messages: Sequence[BaseMessage], *, breakpoints: bool, key: str | None
) -> dict[str, Any]:
    """The call's parameters for what its provider needs."""
    found: dict[str, Any] = {"prompt_cache_key": key} if key else {}
    if breakpoints and (places := marked(messages)):
        points = [{"location": "message", "index": place} for place in places]
        found["cache_control_injection_points"] = points
    return found


def marked(messages: Sequence[BaseMessage]) -> list[int]:
    """The places of the messages that end with a mark; at most 3, a provider takes 4.

    The system prompt (the tools come before it), the end of the request before this one, which was
    written to the cache then, and the end of this one. The last two are apart however many results
    came in between: a provider looks only some blocks back from a mark.
    """
    ends = [_sendable(messages, end) for end in (_last_end(messages), len(messages) - 1)]
    system = 0 if messages and isinstance(messages[0], SystemMessage) else None
    return sorted({place for place in (system, *ends) if place is not None})


def _last_end(messages: Sequence[BaseMessage]) -> int:
    """Where the request ended whose answer is the newest one."""
    replies = (n for n in range(len(messages) - 1, 0, -1) if isinstance(messages[n], AIMessage))
    return next(replies, 0) - 1


def _sendable(messages: Sequence[BaseMessage], end: int) -> int | None:
    """The last place up to `end` that can be marked: an answer's is not ours, an empty one none."""
    for place in range(end, -1, -1):
        if not isinstance(messages[place], AIMessage) and messages[place].text:
            return place
    return None
