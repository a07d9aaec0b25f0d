"""What a strict chat completions provider refuses: pure checks of a request and of a history.

`violations(body)` looks at a whole request, `history_violations(messages)` at its messages only.
Each gives sentences that name the place; none means the provider would take it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulators.history import history_violations, is_name, role_of, unsendable

__all__ = ["history_violations", "violations"]

# fmt: off
PARAMETERS = frozenset({
    "audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens",
    "max_tokens", "messages", "metadata", "modalities", "model", "n", "parallel_tool_calls",
    "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_retention",
    "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop",
    "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs",
    "top_p", "user", "verbosity", "web_search_options",
})
# fmt: on
"""OpenAI answers any other top-level name with `Unrecognized request argument supplied`."""
MOST_TOOLS = 128


def violations(body: object) -> list[str]:
    """Everything for which a strict provider would answer this request with status 400."""
    if not isinstance(body, dict):
        return ["the body is not a JSON object"]
    found = [f"unknown parameter {name!r}" for name in body if name not in PARAMETERS]
    if not isinstance(body.get("model"), str) or not body["model"]:
        found.append("model is not a name")
    found += history_violations(body.get("messages"))
    found += _ending_violations(body.get("messages"))
    found += _option_violations(body)
    found += _tools_violations(body["tools"]) if "tools" in body else []
    rest = {name: value for name, value in body.items() if name != "messages"}
    return found + list(unsendable(rest, "body"))


def _ending_violations(messages: object) -> Iterator[str]:
    """Chat templates want a question; Anthropic and Mistral refuse to continue an assistant."""
    roles = [role_of(message) for message in messages] if isinstance(messages, list) else []
    if roles and "user" not in roles:
        yield "messages: no user message"
    if roles and roles[-1] not in ("user", "tool"):
        yield f"messages: the last one is a {roles[-1]} message, there is nothing to answer"


def _option_violations(body: dict[str, Any]) -> Iterator[str]:
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        yield "stream is not true or false"
    if "stream_options" in body:
        if stream is not True:
            yield "stream_options without stream"
        if not isinstance(body["stream_options"], dict):
            yield "stream_options is not an object"
    yield from (
        f"{name} without tools"
        for name in ("tool_choice", "parallel_tool_calls")
        if name in body and "tools" not in body
    )


def _tools_violations(tools: object) -> Iterator[str]:
    if not isinstance(tools, list) or not 1 <= len(tools) <= MOST_TOOLS:
        yield f"tools is not a list of 1 to {MOST_TOOLS}"
        return
    names: set[str] = set()
    for place, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or set(tool) != {"type", "function"}:
            yield f"tools[{place}]: its fields are not type and function"
            continue
        yield from (f"tools[{place}]: {what}" for what in _function_violations(function))
        if function.get("name") in names:
            yield f"tools[{place}]: a second tool named {function['name']!r}"
        names.add(str(function.get("name")))


def _function_violations(function: dict[str, Any]) -> Iterator[str]:
    allowed = {"name", "description", "parameters", "strict"}
    yield from (f"unknown field {name!r}" for name in function if name not in allowed)
    if not is_name(function.get("name")):
        yield f"bad function name {function.get('name')!r:.80}"
    if not isinstance(function.get("description", ""), str):
        yield "description is not text"
    parameters = function.get("parameters", {"type": "object", "properties": {}})
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        yield "parameters is not the schema of an object"
        return
    properties, required = parameters.get("properties", {}), parameters.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        yield "properties or required is of the wrong type"
    elif not set(required) <= set(properties):
        yield "required names a property that does not exist"
