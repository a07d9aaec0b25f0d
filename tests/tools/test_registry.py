from __future__ import annotations

import json
from typing import Any

import pytest

from ml_intern.tools.plan import PLAN
from ml_intern.tools.registry import TOOLS, by_name
from ml_intern.tools.spec import ToolSpec


def test_names_and_order() -> None:
    assert [tool.name for tool in TOOLS] == [
        "bash", "read", "write", "edit", "plan_tool", "recall",
        "explore_hf_docs", "fetch_hf_docs", "find_hf_api", "hf_papers", "hf_inspect_dataset",
        "hf_models", "hf_repo_files", "hf_repo_git", "push_model",
    ]  # fmt: skip
    assert list(by_name()) == [tool.name for tool in TOOLS]


def test_what_each_call_may_do() -> None:
    assert {tool.name: (tool.effect, tool.risk) for tool in TOOLS} == {
        "bash": ("opaque", "execute"),
        "read": ("pure", "read"),
        "write": ("idempotent", "edit"),
        "edit": ("idempotent", "edit"),
        "plan_tool": ("idempotent", "plan"),
        "recall": ("pure", "read"),
        "explore_hf_docs": ("pure", "read"),
        "fetch_hf_docs": ("pure", "read"),
        "find_hf_api": ("pure", "read"),
        "hf_papers": ("pure", "read"),
        "hf_inspect_dataset": ("pure", "read"),
        "hf_models": ("pure", "read"),
        "hf_repo_files": ("reconcilable", "publish"),
        "hf_repo_git": ("reconcilable", "publish"),
        "push_model": ("reconcilable", "publish"),
    }


def test_what_each_operation_may_do() -> None:
    """All that changes the Hub is published, which needs a person unless the mode is yolo."""
    by_risk = {
        tool.name: {
            risk: {name for name, nature in tool.operations.items() if nature.risk == risk}
            for risk in ("read", "publish")
        }
        for tool in TOOLS
        if tool.operations
    }
    assert by_risk == {
        "hf_repo_files": {"read": {"list", "read"}, "publish": {"upload", "delete"}},
        "hf_repo_git": {
            "read": {"list_refs", "list_commits", "list_prs", "get_pr"},
            "publish": {
                "create_branch", "delete_branch", "create_tag", "delete_tag", "create_pr",
                "merge_pr", "close_pr", "change_pr_status", "comment_pr", "create_repo",
                "update_repo",
            },
        },
    }  # fmt: skip


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.operations], ids=lambda t: t.name)
def test_every_operation_has_a_nature(tool: ToolSpec[Any]) -> None:
    """One without would have the tool's, which is the strictest, and no rule of its own."""
    schema = tool.schema()["function"]["parameters"]["properties"]["operation"]
    assert set(schema["enum"]) == set(tool.operations)


def test_what_may_be_asked_about_after_a_crash_can_be() -> None:
    for tool in TOOLS:
        effects = {tool.effect, *(nature.effect for nature in tool.operations.values())}
        assert "reconcilable" not in effects or tool.reconcile, tool.name


def test_two_tools_of_one_name_are_a_defect() -> None:
    with pytest.raises(AssertionError, match="plan_tool"):
        by_name([PLAN, PLAN])


def test_schemas_are_json_and_describe_every_argument_or_list_its_choices() -> None:
    for tool in TOOLS:
        parameters = json.loads(json.dumps(tool.schema()))["function"]["parameters"]
        assert parameters["additionalProperties"] is False
        told = [prop.keys() & {"description", "enum"} for prop in parameters["properties"].values()]
        assert all(told), tool.name
