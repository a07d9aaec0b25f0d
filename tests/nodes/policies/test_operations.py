"""A tool with several operations: each is as risky as it is, and rules can tell them apart."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from langchain_core.messages import ToolCall

from ml_intern.configs.rules import parse_rule
from ml_intern.graph.context import PermissionMode
from ml_intern.nodes.policies.approval import Permissions, decide, effective
from ml_intern.nodes.policies.rules import Rules
from ml_intern.tools.spec import LOOKS, Nature, ToolArgs, ToolContext, ToolResult, ToolSpec


class RepoArgs(ToolArgs):
    operation: Literal["list", "upload"]
    repo_id: str = ""
    note: str = ""
    private: bool = True
    repo_type: Literal["model", "dataset", "space"] = "model"
    gated: str | bool | None = None


async def never(_args: RepoArgs, _ctx: ToolContext) -> ToolResult:
    raise AssertionError("not called")


REPO = ToolSpec(
    name="repo", description="", args=RepoArgs, handler=never, effect="opaque", risk="publish",
    operations={"list": LOOKS, "upload": Nature("publish", "reconcilable")}, subject="repository",
)  # fmt: skip


def verdict(mode: PermissionMode = "default", rules: Rules = Rules(), **args: Any) -> Any:  # noqa: B008
    call = ToolCall(name="repo", args=args, id="c", type="tool_call")
    return decide(call, {"repo": REPO}, Permissions(mode, rules))


@pytest.mark.parametrize(
    ("mode", "looks", "publishes"),
    [
        ("plan", "run", "deny"),
        ("default", "run", "ask"),
        ("accept-edits", "run", "ask"),
        ("yolo", "run", "run"),
    ],
)
def test_each_operation_by_its_own_risk(mode: PermissionMode, looks: str, publishes: str) -> None:
    assert verdict(mode, operation="list").action == looks
    assert verdict(mode, operation="upload", repo_id="me/x").action == publishes


def test_each_operation_by_its_own_effect() -> None:
    assert REPO.nature({"operation": "list"}).effect == "pure"
    assert REPO.nature({"operation": "upload"}).effect == "reconcilable"
    assert REPO.nature({"operation": ["odd"]}) == Nature("publish", "opaque")


@pytest.mark.parametrize(
    ("rule", "repo_id", "action"),
    [
        ("repo(upload me/*)", "me/x", "run"),
        ("repo(upload me/*)", "you/x", "ask"),
        ("repo(list *)", "me/x", "ask"),
        ("repo(upload me/x)", "me/x", "run"),
        ("repo(upload me/x)", "me/xy", "ask"),
    ],
)
def test_a_rule_is_about_an_operation_and_a_repository(
    rule: str, repo_id: str, action: str
) -> None:
    allow = Rules(allow=(parse_rule(rule),))
    assert verdict(rules=allow, operation="upload", repo_id=repo_id, note="me/x").action == action


def test_what_is_denied_is_denied_in_every_mode() -> None:
    deny = Rules(deny=(parse_rule("repo(upload you/*)"),))
    assert verdict("yolo", deny, operation="upload", repo_id="you/x").action == "deny"
    assert verdict("yolo", deny, operation="upload", repo_id="You/X").action == "deny"
    assert verdict("yolo", deny, operation="upload", repo_id="me/x").action == "run"


def test_always_takes_the_operation_on_that_repository() -> None:
    asked = verdict(operation="upload", repo_id="me/x", note="secret")
    assert asked.rule == "repo(upload me/x)"
    assert verdict(operation="upload", repo_id="me/*").rule == ""


def test_a_rule_does_not_let_it_make_public_by_the_way() -> None:
    allow = Rules(allow=(parse_rule("repo(upload me/*)"),))
    upload: dict[str, Any] = {"operation": "upload", "repo_id": "me/x"}
    for no in (False, "false", "no", 0, "off"):
        asked = verdict(rules=allow, **upload, private=no)
        assert (asked.action, asked.rule) == ("ask", "repo(public upload me/x)")
    assert verdict(rules=allow, **upload, private=True).action == "run"
    public = Rules(allow=(parse_rule("repo(public upload me/*)"),))
    assert verdict(rules=public, **upload, private=False).action == "run"
    assert verdict(rules=public, **upload).action == "ask"


@pytest.mark.parametrize("rule", ["repo(upload me/*)", "repo(public *)"])
def test_what_makes_public_can_be_denied_by_either_name(rule: str) -> None:
    deny = Rules(deny=(parse_rule(rule),))
    denied = verdict("yolo", deny, operation="upload", repo_id="me/x", private=False)
    assert denied.action == "deny"


@pytest.mark.parametrize("repo_id", [" you/x", "you/x\n", "\u00a0you/x", "\tYOU/x "])
def test_blanks_around_a_name_do_not_lead_past_what_is_denied(repo_id: str) -> None:
    deny = Rules(deny=(parse_rule("repo(upload you/x)"),))
    assert verdict("yolo", deny, operation="upload", repo_id=repo_id).action == "deny"


@pytest.mark.parametrize("off", ["off", False, "none", " Off", 0])
def test_opening_a_gate_makes_public_too(off: object) -> None:
    allow = Rules(allow=(parse_rule("repo(upload me/*)"),))
    args: dict[str, Any] = {"operation": "upload", "repo_id": "me/x"}
    asked = verdict(rules=allow, **args, gated=off)
    assert (asked.action, asked.rule) == ("ask", "repo(public upload me/x)")
    for closed in ("auto", "manual", "", None):
        assert verdict(rules=allow, **args, gated=closed).action == "run"


@pytest.mark.parametrize(
    ("rule", "action"),
    [("repo(* me/x)", "ask"), ("repo(*me/x)", "ask"), ("repo(*)", "run"), ("repo", "run"),
     ("repo(public * me/x)", "run")],
)  # fmt: skip
def test_a_star_at_the_start_of_a_rule_does_not_stand_for_public(rule: str, action: str) -> None:
    allow = Rules(allow=(parse_rule(rule),))
    public = verdict(rules=allow, operation="upload", repo_id="me/x", private=False)
    assert public.action == action


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_a_rule_allows_for_one_type_and_denies_for_all(kind: str) -> None:
    upload: dict[str, Any] = {"operation": "upload", "repo_id": "me/x", "repo_type": kind}
    models = (parse_rule("repo(upload me/*)"),)
    typed = f"repo(upload {kind}s/me/x)"
    asked = verdict(rules=Rules(allow=models), **upload)
    assert (asked.action, asked.rule) == ("ask", typed)
    assert verdict(rules=Rules(allow=(parse_rule(typed),)), **upload).action == "run"
    assert verdict("yolo", Rules(deny=models), **upload).action == "deny"
    assert verdict("yolo", Rules(deny=(parse_rule(typed),)), **upload).action == "deny"
    other = {**upload, "repo_type": "model"}
    assert verdict("yolo", Rules(deny=(parse_rule(typed),)), **other).action == "run"


def test_the_rules_that_hold_name_each_operation() -> None:
    rows = effective([], {"repo": REPO}, "default")
    assert [(row.kind, row.rule) for row in rows] == [
        ("allow", "repo(list *)"),
        ("ask", "repo(upload *)"),
    ]
