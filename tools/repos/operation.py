"""What one operation of a tool with several is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ml_intern.tools.repos.names import require_whole
from ml_intern.tools.spec import Absent, Nature, ToolArgs, ToolContext, ToolResult

A = TypeVar("A", bound=ToolArgs)
"""An arguments model with the fields `operation` and `repo_id`."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[A]):
    """How it is done, asked after, and shown before; see `ToolSpec` for each."""

    run: Callable[[A, ToolContext], Awaitable[str]]
    nature: Nature
    reconcile: Callable[[A, ToolContext], Awaitable[ToolResult | Absent | None]] | None = None
    preview: Callable[[A, ToolContext], Awaitable[str]] | None = None


class Operations(Generic[A]):
    """All operations of a tool, by name."""

    def __init__(self, table: Mapping[str, Operation[A]]) -> None:
        self._table = table

    @property
    def natures(self) -> dict[str, Nature]:
        """For `ToolSpec.operations`."""
        return {name: operation.nature for name, operation in self._table.items()}

    async def run(self, args: A, ctx: ToolContext) -> ToolResult:
        """For `ToolSpec.handler`."""
        return ToolResult(text=await (await self._allowed(args, ctx)).run(args, ctx))

    async def reconcile(self, args: A, ctx: ToolContext) -> ToolResult | Absent | None:
        """For `ToolSpec.reconcile`."""
        ask = self._of(args).reconcile
        return await ask(args, ctx) if ask else None

    async def preview(self, args: A, ctx: ToolContext) -> str:
        """For `ToolSpec.preview`; "" where the arguments say it all."""
        show = (await self._allowed(args, ctx)).preview
        return await show(args, ctx) if show else ""

    async def _allowed(self, args: A, ctx: ToolContext) -> Operation[A]:
        operation = self._of(args)
        if operation.nature.risk != "read":
            await require_whole(ctx, args.model_dump(include={"repo_id"})["repo_id"])
        return operation

    def _of(self, args: A) -> Operation[A]:
        return self._table[args.model_dump(include={"operation"})["operation"]]
