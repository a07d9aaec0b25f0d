from __future__ import annotations

import json

import pytest

from ml_intern.tools.plan import PLAN
from ml_intern.tools.registry import TOOLS, by_name


def test_names_and_order() -> None:
    assert [tool.name for tool in TOOLS] == ["bash", "read", "write", "edit", "plan_tool", "recall"]
    assert list(by_name()) == [tool.name for tool in TOOLS]


def test_what_each_call_may_do() -> None:
    assert {tool.name: (tool.effect, tool.risk) for tool in TOOLS} == {
        "bash": ("opaque", "execute"),
        "read": ("pure", "read"),
        "write": ("idempotent", "edit"),
        "edit": ("idempotent", "edit"),
        "plan_tool": ("idempotent", "plan"),
        "recall": ("pure", "read"),
    }


def test_two_tools_of_one_name_are_a_defect() -> None:
    with pytest.raises(AssertionError, match="plan_tool"):
        by_name([PLAN, PLAN])


def test_schemas_are_json_and_describe_every_argument() -> None:
    for tool in TOOLS:
        parameters = json.loads(json.dumps(tool.schema()))["function"]["parameters"]
        assert parameters["additionalProperties"] is False
        assert all(prop.get("description") for prop in parameters["properties"].values())
