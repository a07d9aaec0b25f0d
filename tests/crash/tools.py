"""Four tools, one of each effect class, for the victim only. Each effect is one line in the ledger.

`pure` has none that counts: its line says that it ran.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from crash.edges import Edges
from crash.story import done
from crash.world import Effect, World
from ml_intern.tools import registry
from ml_intern.tools.spec import (
    Absent,
    EffectClass,
    Risk,
    ToolArgs,
    ToolContext,
    ToolResult,
    ToolSpec,
)

RISKS: dict[EffectClass, Risk] = {
    "pure": "read",
    "idempotent": "edit",
    "reconcilable": "execute",
    "opaque": "execute",
}


class KeyArgs(ToolArgs):
    """What a call means."""

    key: str


Handler = Callable[[KeyArgs, ToolContext], Awaitable[ToolResult]]


def install(root: Path, edges: Edges) -> None:
    """Add the tools to the registry, as any other would be."""
    world = World(root)
    mine = tuple(_spec(effect, world, edges) for effect in RISKS)
    everything = (*registry.TOOLS, *mine)
    registry.by_name.__defaults__ = (everything,)


def _spec(effect: EffectClass, world: World, edges: Edges) -> ToolSpec[KeyArgs]:
    options: dict[str, Any] = {}
    if effect == "reconcilable":
        options["reconcile"] = _asking(world)
    return ToolSpec(
        name=effect,
        description=f"A call that is {effect}.",
        args=KeyArgs,
        handler=_handler(effect, world, edges),
        effect=effect,
        risk=RISKS[effect],
        timeout=30,
        **options,
    )


def _handler(effect: EffectClass, world: World, edges: Edges) -> Handler:
    async def act(args: KeyArgs, context: ToolContext) -> ToolResult:
        edges.reach(f"before {effect}:{args.key}")
        if effect == "idempotent":
            world.put(args.key)
        world.append(Effect(effect, args.key, context.key))
        edges.reach(f"after {effect}:{args.key}")
        return ToolResult(text=done(effect, args.key))

    return act


Asking = Callable[[KeyArgs, ToolContext], Awaitable[ToolResult | Absent | None]]


def _asking(world: World) -> Asking:
    async def ask(args: KeyArgs, context: ToolContext) -> ToolResult | Absent | None:
        """The ledger is written at once and for good: what is not in it never happened."""
        tokens = [effect.token for effect in world.effects() if effect.tool == "reconcilable"]
        known = context.key in tokens
        return ToolResult(text=done("reconcilable", args.key)) if known else "absent"

    return ask
