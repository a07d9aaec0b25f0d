"""The checks of requests: a sound one passes, and each single defect is named."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from emulators.strict import history_violations, violations

Change = tuple[list[str | int], Any]
"""Where something is put into the sound request, and what."""


def call(id: str, **changes: Any) -> dict[str, Any]:
    function = {"name": "bash", "arguments": '{"command": "ls"}'}
    return {"id": id, "type": "function", "function": function | changes}


def tool(name: str, **changes: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"command": {"type": "string"}}}
    function = {"name": name, "description": "Runs it.", "parameters": parameters}
    return {"type": "function", "function": function | changes}


SOUND: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "List the files. ✓ 🚀"}]},
        {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "b", "content": "x"},
        {"role": "tool", "tool_call_id": "a", "content": ""},
        {"role": "assistant", "content": "Two files.", "reasoning_content": "Hm."},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [tool("bash"), tool("read", parameters={"type": "object", "properties": {}})],
    "stream": True,
    "stream_options": {"include_usage": True},
}

DEFECTS: list[tuple[Change, str]] = [
    ((["model"], ""), "model is not a name"),
    ((["frequency"], 1), "unknown parameter 'frequency'"),
    ((["messages"], []), "messages is not a non-empty list"),
    ((["messages", 0, "role"], "developer"), "messages[0]: unknown role 'developer'"),
    ((["messages", 6, "role"], "system"), "messages[6]: a system message that is not the first"),
    ((["messages", 6, "role"], "assistant"), "the last one is a assistant message"),
    ((["messages", 0, "content"], " \n"), "messages[0]: empty content"),
    ((["messages", 1, "content"], []), "messages[1]: content is neither text nor"),
    ((["messages", 1, "content", 0, "text"], ""), "messages[1]: content[0] is not a text part"),
    ((["messages", 1, "content", 0, "cache_control"], {}), "content[0] is not a text part"),
    ((["messages", 1, "cache_control"], {}), "messages[1]: unknown field 'cache_control'"),
    ((["messages", 1, "name"], "a b"), "messages[1]: bad name 'a b'"),
    ((["messages", 5, "content"], ""), "messages[5]: empty content"),
    ((["messages", 5, "content"], None), "messages[5]: content is neither"),
    ((["messages", 2, "tool_calls"], []), "messages[2]: tool_calls is not a non-empty list"),
    ((["messages", 2, "tool_calls", 0, "id"], ""), "tool_calls[0]: id is not a non-empty string"),
    ((["messages", 2, "tool_calls", 0, "type"], "x"), "tool_calls[0]: unknown type 'x'"),
    ((["messages", 2, "tool_calls", 0, "index"], 0), "its fields are not id, type and function"),
    ((["messages", 2, "tool_calls", 0, "id"], "b"), "messages[2]: id 'b' is used again"),
    ((["messages", 2, "tool_calls", 0], call("a", name="a b")), "bad function name 'a b'"),
    ((["messages", 2, "tool_calls", 0], call("a", arguments="")), "arguments are not a JSON obj"),
    ((["messages", 2, "tool_calls", 0], call("a", arguments="[]")), "arguments are not a JSON"),
    ((["messages", 2, "tool_calls", 0], call("a", arguments='{"x": NaN}')), "arguments are not"),
    ((["messages", 2, "tool_calls", 0], call("a", arguments={})), "arguments are not a JSON obj"),
    ((["messages", 2, "tool_calls"], [call("b")]), "messages[4]: answers 'a', which is not wait"),
    ((["messages", 4, "tool_call_id"], "b"), "messages[4]: answers 'b', which is not waiting"),
    ((["messages", 4, "tool_call_id"], "b"), "messages[5]: call 'a' before it has no answer"),
    ((["messages", 4, "tool_call_id"], None), "messages[4]: tool_call_id is not a non-empty"),
    ((["messages", 4], {"role": "user", "content": "x"}), "messages[4]: call 'a' before it has"),
    ((["messages", 5], SOUND["messages"][2]), "messages[5]: id 'a' is used again"),
    ((["messages", 4, "content"], "\x00"), "messages[4].content: a NUL character"),
    ((["messages", 4, "content"], "\ud83d"), "messages[4].content: a lone surrogate"),
    ((["user"], "\ude80"), "body.user: a lone surrogate"),
    ((["tools"], []), "tools is not a list of 1 to 128"),
    ((["tools", 1], tool("bash")), "tools[1]: a second tool named 'bash'"),
    ((["tools", 1], tool("a.b")), "tools[1]: bad function name 'a.b'"),
    ((["tools", 1], tool("x", cache_control={})), "tools[1]: unknown field 'cache_control'"),
    ((["tools", 1], tool("x", parameters={"type": "array"})), "not the schema of an object"),
    ((["tools", 1, "function", "parameters", "required"], ["y"]), "required names a property"),
    ((["stream"], False), "stream_options without stream"),
    ((["stream"], 1), "stream is not true or false"),
]


def changed(change: Change) -> dict[str, Any]:
    body = copy.deepcopy(SOUND)
    *way, last = change[0]
    place: Any = body
    for step in way:
        place = place[step]
    place[last] = change[1]
    return body


def test_takes_a_sound_request() -> None:
    assert violations(SOUND) == []
    assert history_violations(SOUND["messages"]) == []


@pytest.mark.parametrize(("change", "complaint"), DEFECTS)
def test_names_the_defect(change: Change, complaint: str) -> None:
    assert complaint in "\n".join(violations(changed(change)))


def test_needs_tools_for_their_options() -> None:
    body = {"model": "m", "messages": SOUND["messages"], "tool_choice": "auto"}
    assert violations(body) == ["tool_choice without tools"]


def test_needs_a_question() -> None:
    messages = SOUND["messages"][:1] + SOUND["messages"][2:5]
    assert violations({"model": "m", "messages": messages}) == ["messages: no user message"]


@pytest.mark.parametrize("body", [None, [], "x", {}, {"messages": [None]}, {"messages": {"a": 1}}])
def test_survives_anything(body: Any) -> None:
    assert violations(body)
