"""The result object tells the truth, and so does the exit code."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from ml_intern.cli.report import Report
from ml_intern.cli.result import blank
from ml_intern.configs.errors import Exit
from ml_intern.graph import events as ev
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.policies.marks import marking

FIELDS = [
    "schema_version", "session_id", "status", "exit_code", "result", "error", "usage", "cost",
    "num_turns", "iterations", "permission_denials", "jobs", "waits", "duration_ms",
]  # fmt: skip


def complete(status: ev.Status) -> ev.TurnComplete:
    return ev.TurnComplete(
        status=status, final_response=None, history_size=0, iterations=0, usage={}
    )


def change(state: ev.ToolState, call_id: str = "c", reason: str = "why") -> ev.ToolStateChange:
    return ev.ToolStateChange(tool="bash", tool_call_id=call_id, state=state, reason=reason)


def result(
    *events: ev.Event, state: dict[str, Any] | None = None, budget: float | None = None
) -> dict[str, Any]:
    report = Report("s")
    for event in events:
        report.note(event)
    made = report.result(cast("AgentState", state or {}), 1.2345, turns=2, budget=budget)
    assert list(made) == FIELDS
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    return made


def outcome(*events: ev.Event) -> tuple[str, int]:
    made = result(*events)
    return made["status"], made["exit_code"]


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([complete("done")], ("done", Exit.DONE)),
        ([complete("failed")], ("failed", Exit.FAILED)),
        ([complete("limit")], ("limit", Exit.LIMIT)),
        ([complete("stuck")], ("stuck", Exit.STUCK)),
        ([ev.Interrupted(), complete("interrupted")], ("interrupted", Exit.INTERRUPTED)),
        ([ev.Interrupted(reason="terminated"), complete("interrupted")],
         ("terminated", Exit.TERMINATED)),
        ([ev.Interrupted(reason="timeout"), complete("interrupted")], ("timeout", Exit.TIMEOUT)),
        ([change("denied"), complete("done")], ("denied", Exit.DENIED)),
        ([change("rejected"), complete("done")], ("denied", Exit.DENIED)),
        ([change("rejected"), complete("stuck")], ("stuck", Exit.STUCK)),
        ([change("approved"), change("running"), change("failed"), complete("done")],
         ("done", Exit.DONE)),
        ([ev.Error(error="x"), complete("failed")], ("failed", Exit.FAILED)),
        ([ev.Error(error="x", exit_code=3), complete("failed")], ("failed", Exit.CREDENTIALS)),
        ([ev.Error(error="x", exit_code=2)], ("failed", Exit.USAGE)),
        ([], ("failed", Exit.FAILED)),
    ],
)  # fmt: skip
def test_w19_how_it_ended(events: list[ev.Event], wanted: tuple[str, Exit]) -> None:
    """W19: a run that failed, or stopped at its limit, ended with 0."""
    assert outcome(*events) == wanted


def test_every_reason_to_stop_has_an_exit_code() -> None:
    for reason in ("user", "terminated", "timeout"):
        status, code = outcome(ev.Interrupted(reason=reason), complete("interrupted"))
        assert status in ("interrupted", reason)
        assert code >= 124


def test_what_was_denied_is_listed_with_what_was_asked_for() -> None:
    call = ev.ToolCall(tool="bash", tool_call_id="c", arguments={"command": "rm"})
    other = ev.ToolCall(tool="bash", tool_call_id="d", arguments={"command": "ls"})
    made = result(call, other, change("denied", reason="plan mode"), complete("done"))
    assert made["permission_denials"] == [
        {
            "tool": "bash",
            "tool_call_id": "c",
            "arguments": {"command": "rm"},
            "reason": "plan mode",
        }
    ]


def test_the_answer_and_the_counts() -> None:
    hint = HumanMessage("[Go on.]", additional_kwargs=marking("nudge"))
    messages: list[AnyMessage] = [
        HumanMessage("a"), AIMessage("A"), HumanMessage("b"), hint, AIMessage("B"),
    ]  # fmt: skip
    usage = {
        "calls": 3, "input_tokens": 10.0, "cache_write_tokens": 4.0, "cost_usd": 0.12345678,
        "unpriced_calls": 1, "unknown_usd": 0.5, "compaction_usd": 0.02, "compaction_calls": 1,
    }  # fmt: skip
    turn = {**turn_of({}), "iterations": 2}
    state = {"messages": messages, "usage": usage, "turn": turn}
    made = result(complete("done"), state=state, budget=5.0)
    assert made["result"] == "B"
    assert made["num_turns"] == 2
    assert made["iterations"] == 2
    assert made["usage"] == {
        "calls": 3, "input_tokens": 10, "output_tokens": 0,
        "cache_read_tokens": 0, "cache_write_tokens": 4,
    }  # fmt: skip
    assert all(isinstance(number, int) for number in made["usage"].values())
    assert made["cost"] == {
        "llm_usd": 0.123457, "unpriced_calls": 1, "budget_usd": 5.0, "compaction_usd": 0.02,
    }  # fmt: skip
    assert made["duration_ms"] == 1234
    assert usage["cost_usd"] == 0.12345678


def test_a_turn_without_an_answer_does_not_give_the_last_ones() -> None:
    messages = [HumanMessage("a"), AIMessage("old"), HumanMessage("b")]
    assert result(complete("failed"), state={"messages": messages})["result"] is None


@pytest.mark.parametrize(
    ("code", "status"),
    [(Exit.FAILED, "failed"), (Exit.USAGE, "failed"), (Exit.CREDENTIALS, "failed"),
     (Exit.TIMEOUT, "timeout"), (Exit.INTERRUPTED, "interrupted")],
)  # fmt: skip
def test_a_run_that_never_began(code: Exit, status: str) -> None:
    made = blank(int(code), "why")
    assert list(made) == FIELDS
    assert (made["session_id"], made["result"], made["num_turns"]) == (None, None, 0)
    assert (made["status"], made["exit_code"], made["error"]) == (status, code, "why")


def test_why_it_came_to_an_end_without_an_answer_is_its_error() -> None:
    events = ev.Notice(message="first"), ev.Notice(message="Stopped after 3 model calls.")
    assert result(*events, complete("limit"))["error"] == "Stopped after 3 model calls."
    assert result(*events, complete("done"))["error"] is None


def test_what_was_said_until_it_was_cut_off_is_kept() -> None:
    told = AIMessage("An earlier text.")
    state = {"messages": [HumanMessage("a"), told]}
    chunks = [ev.AssistantChunk(content="Half an "), ev.AssistantChunk(content="answer")]
    stopped = ev.Interrupted(), complete("interrupted")
    assert result(*chunks, *stopped, state=state)["result"] == "Half an answer"
    cut, end = ev.AssistantStreamEnd(partial=True), ev.AssistantStreamEnd()
    assert result(*chunks, cut, complete("failed"), state=state)["result"] == "Half an answer"
    again = [*chunks, cut, *chunks[:1]]
    assert result(*again, *stopped, state=state)["result"] == "Half an "
    assert result(*chunks, end, *stopped, state=state)["result"] == "An earlier text."
    begun = {
        "messages": [*state["messages"], HumanMessage("[On.]", additional_kwargs=marking("stall"))]
    }
    assert result(*chunks, *stopped, state=begun)["result"] == "An earlier text.Half an answer"


def test_a_parked_run_has_its_code() -> None:
    made = result(ev.Waiting(waits=[{"job": "j"}]))
    assert (made["status"], made["exit_code"], made["waits"]) == ("parked", 75, [{"job": "j"}])
