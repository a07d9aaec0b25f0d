"""What a model sent is run as sent, or not at all; what is stored is valid everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, convert_to_openai_messages

from emulators.strict import history_violations
from ml_intern.configs.text import MAX_DEPTH, storable
from ml_intern.llm.reply import RawCall
from ml_intern.nodes.policies.calls import MAX_ARGUMENTS, MAX_CALLS, Parsed, parse_calls
from ml_intern.nodes.policies.history import valid_history


def parse(arguments: str) -> Parsed:
    return parse_calls([RawCall("c1", "bash", arguments)], [])


def nested(depth: int) -> str:
    return '{"x": ' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ('{"command": "ls"}', {"command": "ls"}),
        (' {"a": [1, 2.5, null, true, "é 🚀"]}\n', {"a": [1, 2.5, None, True, "é 🚀"]}),
        ("", {}),
        ("{}", {}),
        (" \n", {}),
        (f'{{"n": {2**64 - 1}, "m": {-(2**63)}}}', {"n": 2**64 - 1, "m": -(2**63)}),
        ('{"x": "\\ud83d\\ude80"}', {"x": "🚀"}),
        (nested(MAX_DEPTH), json.loads(nested(MAX_DEPTH))),
    ],
)
def test_w5_sound_arguments_are_taken_as_sent(arguments: str, args: dict[str, Any]) -> None:
    """W5: arguments that are an empty string, as for a tool without any, are none."""
    parsed = parse(arguments)
    assert (parsed.calls[0]["args"], parsed.errors) == (args, {})


DEFECTS = [
    ("not JSON", '{"command": "ls', "not valid JSON"),
    ("two objects", '{"a": 1}{"b": 2}', "not valid JSON"),
    ("a list", "[1]", "must be a JSON object, not list"),
    ("a string", '"x"', "must be a JSON object, not str"),
    ("a number", "3", "must be a JSON object, not int"),
    ("null", "null", "must be a JSON object, not NoneType"),
    ("NaN", '{"x": NaN}', "NaN is not JSON"),
    ("Infinity", '{"x": -Infinity}', "-Infinity is not JSON"),
    ("infinite by size", '{"x": [1e999]}', "a number that is not finite"),
    ("beyond 64 bits", f'{{"x": {2**64}}}', "a number beyond 64 bits"),
    ("below 64 bits", f'{{"x": {-(2**63) - 1}}}', "a number beyond 64 bits"),
    ("5000 digits", '{"x": %s}' % ("9" * 5000), "not valid JSON"),
    ("too deep", nested(MAX_DEPTH + 1), f"more than {MAX_DEPTH} levels"),
    ("far too deep", '{"x": ' * 200_000, "not valid JSON"),
    ("NUL", '{"x": "a\\u0000b"}', "a NUL character or a lone surrogate"),
    ("NUL in a key", '{"a\\u0000b": 1}', "a NUL character or a lone surrogate"),
    ("lone surrogate", '{"x": ["\\ud83d"]}', "a NUL character or a lone surrogate"),
    ("raw lone surrogate", '{"x": "\ud83d"}', "a NUL character or a lone surrogate"),
    ("raw NUL", '{"x": "\0"}', "not valid JSON"),
    ("above 2 MB", '{"x": "%s"}' % ("y" * MAX_ARGUMENTS), "2,000,000 is the most"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "what"), [d[1:] for d in DEFECTS], ids=[d[0] for d in DEFECTS]
)
def test_w5_a_defect_is_named_and_the_call_keeps_its_place(arguments: str, what: str) -> None:
    parsed = parse(arguments)
    error = parsed.errors["c1"]
    assert parsed.calls == [{"name": "bash", "args": {}, "id": "c1", "type": "tool_call"}]
    assert error.startswith("Not run: ")
    assert what in error
    assert storable(error)
    assert len(error) < 600


def test_two_megabytes_are_allowed() -> None:
    arguments = json.dumps({"x": "y" * (MAX_ARGUMENTS - 9)})
    assert len(arguments) == MAX_ARGUMENTS
    assert parse(arguments).errors == {}


def test_calls_above_the_limit_are_not_run() -> None:
    sent = [RawCall(f"c{n}", "bash", '{"command": "ls"}') for n in range(MAX_CALLS + 3)]
    parsed = parse_calls(sent, [])
    assert sorted(parsed.errors) == [f"c{MAX_CALLS + n}" for n in range(3)]
    assert "more than 64 calls" in parsed.errors["c64"]
    assert [call["args"] for call in parsed.calls[MAX_CALLS:]] == [{}] * 3


@pytest.mark.parametrize(
    ("ids", "known"),
    [
        (["", ""], []),
        (["", "", "call_2"], ["call_2", "call_3"]),
        (["x", "x", "x"], []),
        (["x", "x_2", "x"], ["x_3"]),
        (["call_0", "call_1"], ["call_0", "call_1"]),
        (["\ud83d", "\0", "a b", "a/b"], []),
        (["x" * 90, "x" * 90], []),
    ],
)
def test_w5_ids_are_unique_in_the_message_and_the_history(ids: list[str], known: list[str]) -> None:
    """W5: missing ids, duplicate ids, and ids that some servers number anew every turn."""
    calls = parse_calls([RawCall(one, "bash") for one in ids], known).calls
    made = [call["id"] or "" for call in calls]
    assert len({*made, *known}) == len(made) + len(known)
    assert all(one and one.isascii() and len(one) <= 64 for one in made)


def test_a_sound_id_is_kept() -> None:
    assert parse_calls([RawCall("toolu_01Abc-9", "bash")], ["x"]).calls[0]["id"] == "toolu_01Abc-9"


def test_the_error_is_filed_under_the_id_that_is_stored() -> None:
    parsed = parse_calls([RawCall("x", "bash", "[]")], ["x"])
    assert list(parsed.errors) == [parsed.calls[0]["id"]]
    assert "x" not in parsed.errors


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("bash", "bash"),
        ("", "unnamed"),
        ("functions.bash", "functions_bash"),
        ("a b/ç\0\ud83d", "a_b____"),
        ("n" * 65, "n" * 64),
    ],
)
def test_names_are_made_legal(name: str, stored: str) -> None:
    assert parse_calls([RawCall("c", name)], []).calls[0]["name"] == stored


values = st.dictionaries(st.text(max_size=3), st.floats() | st.text(max_size=3), max_size=2)
ids = st.text(max_size=5) | st.sampled_from(["", "call", "call_2", "call_3", "x"])
arguments = st.text(max_size=12) | values.map(json.dumps)
raw_calls = st.lists(
    st.builds(RawCall, ids, st.text(max_size=5), arguments), min_size=1, max_size=6
)


@given(raw_calls, st.lists(st.sampled_from(["call_2", "call_3", "x", "x_2"]), unique=True))
def test_whatever_is_sent_a_strict_provider_takes_it_back(
    sent: list[RawCall], known: list[str]
) -> None:
    earlier = [AIMessage("", tool_calls=parse_calls([RawCall(k, "bash") for k in known], []).calls)]
    parsed = parse_calls(sent, known)
    assert len(parsed.calls) == len(sent)
    assert set(parsed.errors) <= {call["id"] for call in parsed.calls}
    reply = AIMessage("", tool_calls=parsed.calls)
    history = valid_history([HumanMessage("hi"), *earlier, reply])
    assert history_violations(convert_to_openai_messages(history)) == []
