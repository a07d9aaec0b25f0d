"""What one operation of a tool with several is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ml_intern.tools.errors import ToolError, ToolTimeout
from ml_intern.tools.hub.errors import HubError, refused
from ml_intern.tools.repos.credentials import require_clean
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
        """For `ToolSpec.handler`; if only the answer to a change was lost, it is looked for."""
        operation = await self._allowed(args, ctx)
        try:
            return ToolResult(text=await self._in_turn(operation, args, ctx))
        except (HubError, ToolTimeout) as error:
            if refused(error) or not (found := await self._found(args, ctx)):
                raise
            return found

    async def _in_turn(self, operation: Operation[A], args: A, ctx: ToolContext) -> str:
        if operation.nature.risk == "read":
            return await operation.run(args, ctx)
        async with ctx.services.hub.turn(args.model_dump(include={"repo_id"})["repo_id"]):
            return await operation.run(args, ctx)

    async def _found(self, args: A, ctx: ToolContext) -> ToolResult | None:
        """What the call did all the same; None too where that cannot be found out."""
        try:
            found = await self.reconcile(args, ctx)
        except ToolError:
            return None
        return found if isinstance(found, ToolResult) else None

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
            given = args.model_dump()
            await require_whole(ctx, given["repo_id"])
            texts = {name: value for name, value in given.items() if isinstance(value, str)}
            require_clean(texts, ctx.services.keys.values())
        return operation

    def _of(self, args: A) -> Operation[A]:
        return self._table[args.model_dump(include={"operation"})["operation"]]
