from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from ml_intern.configs.text import storable
from ml_intern.tools.errors import ToolError
from ml_intern.tools.plan import PLAN
from ml_intern.tools.spec import ToolResult

Call = Callable[..., Awaitable[ToolResult]]


def todo(name: Any, content: str = "step", status: str = "pending") -> dict[str, Any]:
    return {"id": name, "content": content, "status": status}


async def test_the_list_is_replaced_and_shown_in_the_order_given(call: Call) -> None:
    todos = [
        todo("b", "train", "pending"),
        todo("a", "audit\nthe data", "completed"),
        todo("c", "report", "in_progress"),
    ]
    result = await call(PLAN, todos=todos)
    assert result.update == {"plan": todos}
    assert result.text == "[ ] b: train\n[x] a: audit the data\n[>] c: report\n1/3 done"


async def test_numbers_are_taken_as_ids(call: Call) -> None:
    result = await call(PLAN, todos=[todo(1), todo(2)])
    assert [item["id"] for item in result.update["plan"]] == ["1", "2"]


async def test_an_empty_list_clears_the_plan(call: Call) -> None:
    result = await call(PLAN, todos=[])
    assert result.update == {"plan": []}
    assert result.text == "The plan is empty."


async def test_ids_that_repeat_are_named(call: Call) -> None:
    with pytest.raises(ToolError, match="The ids a, b occur more than once"):
        await call(PLAN, todos=[todo("a"), todo("b"), todo("a"), todo("b"), todo("c")])


async def test_only_one_step_is_in_progress(call: Call) -> None:
    active = [todo("a", status="in_progress"), todo("b", status="in_progress")]
    with pytest.raises(ToolError, match=r"2 steps are in_progress \(a, b\)"):
        await call(PLAN, todos=active)


@pytest.mark.parametrize(
    "todos",
    [
        [todo(str(number)) for number in range(101)],
        [todo("a", status="done")],
        [todo("a", content="  ")],
        [{"id": "a", "content": "x"}],
        [{**todo("a"), "note": "x"}],
    ],
)
def test_malformed_lists_are_refused(todos: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        PLAN.args.model_validate({"todos": todos})


async def test_a_hundred_steps_are_allowed(call: Call) -> None:
    result = await call(PLAN, todos=[todo(str(number)) for number in range(100)])
    assert result.text.endswith("\n0/100 done")


async def test_text_and_state_can_be_stored(call: Call) -> None:
    result = await call(PLAN, todos=[todo("a\0", "b\0")])
    assert storable(result.text)
    assert result.update["plan"] == [todo("a\ufffd", "b\ufffd")]
