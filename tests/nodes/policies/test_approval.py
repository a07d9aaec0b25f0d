"""Whether a call may run, over the real tools and every mode."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from langchain_core.messages import ToolCall

from ml_intern.graph.context import PermissionMode
from ml_intern.nodes.policies.answers import Answer
from ml_intern.nodes.policies.approval import Permissions, decide, settle
from ml_intern.tools.registry import by_name
from ml_intern.tools.spec import Risk

TOOLS = by_name()
ARGS: dict[str, dict[str, Any]] = {
    "bash": {"command": "ls"},
    "read": {"path": "a.txt"},
    "write": {"path": "a.txt", "content": "x"},
    "edit": {"path": "a.txt", "old_str": "x", "new_str": "y"},
    "plan_tool": {"todos": []},
    "recall": {},
    "explore_hf_docs": {"library": "trl"},
    "fetch_hf_docs": {"url": "trl/index"},
    "find_hf_api": {},
    "hf_papers": {"operation": "trending"},
    "hf_inspect_dataset": {"dataset": "a/b"},
    "hf_models": {"operation": "search"},
    "hf_repo_files": {"operation": "delete", "repo_id": "a/b"},
    "hf_repo_git": {"operation": "merge_pr", "repo_id": "a/b"},
    "push_model": {"folder": "out", "repo_id": "a/b"},
}
VERDICTS: dict[PermissionMode, dict[str, str]] = {
    "plan": {"read": "run", "plan": "run", "edit": "deny", "execute": "deny", "publish": "deny"},
    "default": {"read": "run", "plan": "run", "edit": "ask", "execute": "ask", "publish": "ask"},
    "accept-edits": {
        "read": "run",
        "plan": "run",
        "edit": "run",
        "execute": "ask",
        "publish": "ask",
    },
    "yolo": {"read": "run", "plan": "run", "edit": "run", "execute": "run", "publish": "run"},
}


def call(name: str, args: dict[str, Any] | None = None) -> ToolCall:
    return ToolCall(name=name, args=ARGS[name] if args is None else args, id="c", type="tool_call")


def test_the_tables_know_every_mode_risk_and_tool() -> None:
    assert set(VERDICTS) == set(get_args(PermissionMode))
    assert all(set(row) == set(get_args(Risk)) for row in VERDICTS.values())
    assert set(ARGS) == set(TOOLS)


@pytest.mark.parametrize("mode", get_args(PermissionMode))
@pytest.mark.parametrize("name", ARGS)
def test_w34_every_mode_and_tool(mode: PermissionMode, name: str) -> None:
    """W34: the shell and file changes never asked."""
    verdict = decide(call(name), TOOLS, Permissions(mode))
    assert verdict.action == VERDICTS[mode][TOOLS[name].risk]
    assert bool(verdict.reason) == (verdict.action != "run")


def test_the_shell_is_what_executes() -> None:
    risks = {"bash": "execute", "read": "read", "write": "edit", "edit": "edit"}
    assert {name: TOOLS[name].risk for name in risks} == risks


@pytest.mark.parametrize("mode", get_args(PermissionMode))
@pytest.mark.parametrize(
    ("asked", "malformed", "words"),
    [
        (call("read"), "Not run: broken.", ["Not run: broken."]),
        (call("bsh", {}), "", ["no tool 'bsh'", "Did you mean bash?", "plan_tool"]),
        (call("launch_rocket", {}), "", ["no tool 'launch_rocket'. Tools: bash, read, write"]),
        (call("read", {}), "", ["wrong arguments for read", "path: Field required"]),
        (call("read", {"path": "a", "pth": 1}), "", ["pth: Extra inputs are not permitted"]),
        (call("write", {"path": 1, "content": []}), "", ["path: ", "; content: "]),
        (call("plan_tool", {"todos": [{"id": "a"}]}), "", ["todos.0.content", "todos.0.status"]),
    ],
)
def test_a_mistake_of_the_models_is_refused_in_every_mode(
    asked: ToolCall, malformed: str, words: list[str], mode: PermissionMode
) -> None:
    verdict = decide(asked, TOOLS, Permissions(mode), malformed)
    assert verdict.action == "refuse"
    assert all(word in verdict.reason for word in words), verdict.reason


def test_an_error_does_not_repeat_what_was_sent() -> None:
    verdict = decide(
        call("write", {"path": "a", "content": ["x" * 100_000]}), TOOLS, Permissions("yolo")
    )
    assert len(verdict.reason) < 300


@pytest.mark.parametrize(
    ("answer", "action", "reason"),
    [
        (Answer(True), "run", ""),
        (Answer(True, args={"command": "ls -a"}), "run", ""),
        (Answer(True, args={}), "refuse", "The user edited the arguments. Not run: wrong"),
        (Answer(True, args={"command": ["ls"]}), "refuse", "command: Input should be a valid str"),
        (Answer(False), "reject", "Not run: this call was not approved."),
        (Answer(False, message="Use /tmp/MyDir"), "reject", "not approved. Use /tmp/MyDir"),
    ],
)
def test_a_persons_answer(answer: Answer, action: str, reason: str) -> None:
    """Edited arguments are checked again: a person can mistype too."""
    verdict = settle(call("bash"), answer, TOOLS)
    assert verdict.action == action
    assert reason in verdict.reason
