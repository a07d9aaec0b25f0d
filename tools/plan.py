"""`plan_tool`: the model's list of what it is going to do."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ml_intern.configs.text import clean
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec

Status = Literal["pending", "in_progress", "completed"]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_MARKS: dict[Status, str] = {"pending": "[ ]", "in_progress": "[>]", "completed": "[x]"}


class Todo(BaseModel):
    """One step."""

    # Models number their steps as often as they name them.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    id: Text = Field(description="A short name, unique in the list, that stays the same.")
    content: Text = Field(max_length=1000, description="The step in one line.")
    status: Status


class PlanArgs(ToolArgs):
    """What `plan_tool` is called with."""

    todos: list[Todo] = Field(
        max_length=100, description="The whole list, in order; it replaces the one before."
    )


async def plan(args: PlanArgs, _ctx: ToolContext) -> ToolResult:
    """Replace the plan in the graph's state and show it as a checklist."""
    _check(args.todos)
    items = [
        {"id": clean(todo.id)[0], "content": clean(todo.content)[0], "status": todo.status}
        for todo in args.todos
    ]
    return ToolResult(text=_checklist(args.todos), update={"plan": items})


def _check(todos: list[Todo]) -> None:
    repeated = [name for name, count in Counter(todo.id for todo in todos).items() if count > 1]
    if repeated:
        raise ToolError(f"The ids {', '.join(repeated)} occur more than once; make each unique.")
    active = [todo.id for todo in todos if todo.status == "in_progress"]
    if len(active) > 1:
        raise ToolError(
            f"{len(active)} steps are in_progress ({', '.join(active)}); leave one so and set "
            "the others to pending or completed."
        )


def _checklist(todos: list[Todo]) -> str:
    if not todos:
        return "The plan is empty."
    lines = [f"{_MARKS[todo.status]} {todo.id}: {' '.join(todo.content.split())}" for todo in todos]
    done = sum(todo.status == "completed" for todo in todos)
    return clean("\n".join([*lines, f"{done}/{len(todos)} done"]))[0]


PLAN = ToolSpec(
    name="plan_tool",
    description=(
        "Keep a plan for work of several steps and show it to the user. Send the whole list each "
        "time. At most one step is in_progress; mark a step completed as soon as it is."
    ),
    args=PlanArgs,
    handler=plan,
    effect="idempotent",
    risk="plan",
)
