"""The wire names are a contract with every front end."""

from __future__ import annotations

import json
from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest

from ml_intern.graph import events as ev

NAMES = [
    "processing", "ready", "assistant_chunk", "assistant_message", "assistant_stream_end",
    "tool_call", "tool_output", "tool_log", "tool_state_change", "approval_required",
    "turn_complete", "error", "interrupted", "compacted", "undo_complete", "shutdown",
    "plan_update", "usage", "waiting", "notice", "retry",
]  # fmt: skip
DEFINED = [kind for kind in vars(ev).values() if isinstance(kind, type)]
KINDS: list[type[ev.Event]] = [
    kind for kind in DEFINED if issubclass(kind, ev.Event) and kind is not ev.Event
]
SAMPLES: dict[str, Any] = {
    "str": "x", "int": 3, "bool": True, "float": 0.5, "float | None": None, "str | None": None,
    "dict[str, Any]": {"a": [1]}, "list[dict[str, Any]]": [{"a": {"b": None}}],
    "dict[str, float]": {"calls": 1}, "list[str]": ["a"], "Literal['main', 'compaction']": "main",
    "ToolState": "done", "Status": "done",
}  # fmt: skip


def wire_name(kind: type[ev.Event]) -> str:
    """The name, which the type says and the default is."""
    (name,) = get_args(get_type_hints(kind)["type"])
    assert {f.default for f in fields(kind) if f.name == "type"} == {name}
    return str(name)


def sample(kind: type[ev.Event]) -> ev.Event:
    wanted = [f for f in fields(kind) if f.init and f.default is MISSING]
    values = {f.name: SAMPLES[str(f.type).replace('"', "'")] for f in wanted}
    return kind(**values, session_id="s", seq=7, time="2026-01-31T00:00:00Z")


def test_every_wire_name_is_there_exactly_once() -> None:
    assert sorted(wire_name(kind) for kind in KINDS) == sorted(NAMES)
    assert len(NAMES) == 21


@pytest.mark.parametrize("kind", KINDS, ids=wire_name)
def test_events_are_frozen_and_cannot_be_given_another_name(kind: type[ev.Event]) -> None:
    event = sample(kind)
    assert is_dataclass(event)
    for name in (f.name for f in fields(kind)):
        with pytest.raises(FrozenInstanceError):
            setattr(event, name, None)
    assert not hasattr(event, "__dict__")
    assert "type" not in {f.name for f in fields(kind) if f.init}


@pytest.mark.parametrize("kind", KINDS, ids=wire_name)
def test_an_event_on_the_wire(kind: type[ev.Event]) -> None:
    event = sample(kind)
    wire = event.wire()
    assert json.loads(json.dumps(wire, allow_nan=False)) == wire
    assert next(iter(wire)) == "type"
    assert wire["type"] == wire_name(kind)
    assert (wire["session_id"], wire["seq"], wire["time"]) == ("s", 7, "2026-01-31T00:00:00Z")
    assert set(wire) == {f.name for f in fields(kind)}


def test_the_wire_shares_nothing_with_the_event() -> None:
    event = ev.ToolCall(tool="bash", tool_call_id="a", arguments={"x": [1]})
    event.wire()["arguments"]["x"].append(2)
    assert event.arguments == {"x": [1]}
