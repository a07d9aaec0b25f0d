"""What Anthropic's Messages API answers with status 400."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from emulators.anthropic_cache import blocks, content_of

MOST_MARKS = 4
LEAST_THINKING = 1024


def signature(thinking: str) -> str:
    """What the server signs its thinking with."""
    return hashlib.sha256(f"signed {thinking}".encode()).hexdigest()


def violations(body: dict[str, Any]) -> list[str]:
    """Everything wrong with a request."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return ["messages: at least one message is required"]
    found = list(_option_violations(body))
    for place, message in enumerate(messages):
        found += [f"messages.{place}: {what}" for what in _message_violations(message)]
    found += [f"messages.{what}" for what in _pairing_violations(messages)]
    found += _mark_violations(body)
    return found + list(_thinking_violations(body, messages))


def _option_violations(body: dict[str, Any]) -> Iterator[str]:
    allowed = {"model", "messages", "max_tokens", "system", "tools", "tool_choice", "stream",
               "thinking", "output_config", "metadata", "temperature"}  # fmt: skip
    yield from (f"{name}: extra inputs are not permitted" for name in body.keys() - allowed)
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        yield "max_tokens: field required"


def _message_violations(message: dict[str, Any]) -> Iterator[str]:
    content = content_of(message["content"])
    if message["role"] not in ("user", "assistant"):
        yield f"unexpected role {message['role']}"
    if not content:
        yield "content is empty"
    for block in content:
        if block["type"] == "text" and not block["text"].strip():
            yield "text content blocks must contain non-whitespace text"
        if block["type"] == "thinking" and block.get("signature") != signature(block["thinking"]):
            yield "invalid signature in thinking block"


def _pairing_violations(messages: list[dict[str, Any]]) -> Iterator[str]:
    waiting: set[str] = set()
    for place, message in enumerate(messages):
        content = content_of(message["content"])
        results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        if sorted(results) != sorted(waiting):
            yield f"{place}: tool_use {sorted(waiting)} is answered by {sorted(results)}"
        leading = [block["type"] for block in content[: len(results)]]
        if set(leading) - {"tool_result"}:
            yield f"{place}: tool_result blocks must come first"
        waiting = {block["id"] for block in content if block["type"] == "tool_use"}
    if messages[0]["role"] != "user" or messages[-1]["role"] != "user":
        yield "the first and the last message must be the user's"


def _mark_violations(body: dict[str, Any]) -> Iterator[str]:
    marked = [block for _, block in blocks(body) if "cache_control" in block]
    if len(marked) > MOST_MARKS:
        yield f"at most {MOST_MARKS} blocks with cache_control may be provided"
    for block in marked:
        if block["cache_control"] != {"type": "ephemeral"}:
            yield f"cache_control is {block['cache_control']}"
        if block.get("type") == "text" and not block["text"]:
            yield "cache_control cannot be set for empty text blocks"
        if block.get("type") == "thinking":
            yield "cache_control cannot be set for thinking blocks"


def _thinking_violations(body: dict[str, Any], messages: list[dict[str, Any]]) -> Iterator[str]:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    if not LEAST_THINKING <= thinking["budget_tokens"] < body["max_tokens"]:
        yield "thinking.budget_tokens must be at least 1024 and less than max_tokens"
    last = next((m for m in reversed(messages) if m["role"] == "assistant"), None)
    content = content_of(last["content"]) if last else []
    calls = any(block["type"] == "tool_use" for block in content)
    if calls and content[0]["type"] not in ("thinking", "redacted_thinking"):
        yield "expected `thinking`, but found `tool_use`, in the last assistant message"
