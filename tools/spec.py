"""What a tool is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from ml_intern.tools.history import History, nothing_archived

EffectClass = Literal["pure", "idempotent", "reconcilable", "opaque"]
"""What may be done with a call whose outcome a crash hid: run again, ask the world, or tell."""

Absent = Literal["absent"]

Risk = Literal["read", "plan", "edit", "execute"]
"""What a call can do: only look, note a plan, change files, or run anything."""


Subject = Literal["command", "path", "arguments"]
"""What the pattern of a permission rule is compared with: the argument of that name, read as a
command line or as a path, or all arguments as JSON."""


class ToolArgs(BaseModel):
    """Base of every arguments model: unknown keys are errors the model is told about."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a handler gives back."""

    text: str
    """What the model reads. The caller clips it to the tool's `output_cap`."""
    ok: bool = True
    update: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the graph's state besides the message (the plan)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a handler may use besides its arguments."""

    call_id: str
    cwd: Path
    """The folder relative paths are resolved against."""
    spill: Path
    """A folder for full outputs; created by whoever writes into it first."""
    log: Callable[[str], None]
    """Shows a line of progress to the person (`tool_log`). Thread-safe, never blocks."""
    env: Mapping[str, str]
    """The environment for child processes: no credentials."""
    seen: dict[Path, str]
    """Resolved path to content digest of every file the model has read or written this session."""
    key: str = ""
    """The call's name in the world, the same in every process: what `reconcile` asks for."""
    keep: Callable[[Path], None] = lambda _: None
    """Remembers a file for `undo`; called before it is changed, in a thread: it may block."""
    history: Callable[[], Awaitable[History | None]] = nothing_archived
    """The whole conversation as it is now; None where nothing of it is archived."""


ArgsT = TypeVar("ArgsT", bound=ToolArgs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec(Generic[ArgsT]):
    """One tool: what the model is told, how its call is run, and what the call may do."""

    name: str
    description: str
    args: type[ArgsT]
    handler: Callable[[ArgsT, ToolContext], Awaitable[ToolResult]]
    effect: EffectClass
    risk: Risk
    subject: Subject = "arguments"
    reconcile: Callable[[ArgsT, ToolContext], Awaitable[ToolResult | Absent | None]] | None = None
    """Asks the world what became of a call that a crash cut off, by `ctx.key`. What a
    `reconcilable` effect must have. "absent" means that it surely never happened: it is run then.
    None means that nobody knows: it is not."""
    timeout: float | None = None
    """Seconds after which the node gives up on the call; None if the handler bounds itself."""
    output_cap: int = 25_000
    """Characters of output the model is given; the rest is spilled to a file."""

    def schema(self) -> dict[str, Any]:
        """The tool in OpenAI's function format, as sent to the model: no titles, no references."""
        whole = self.args.model_json_schema()
        parameters = _inlined(whole, whole.get("$defs", {}))
        parameters.pop("description", None)
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON schema
    """`node` with each `$ref` replaced by what it names: not every provider resolves them."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if name := node.get("$ref"):
        return _inlined(definitions[name.removeprefix("#/$defs/")], definitions)
    kept = {key: value for key, value in node.items() if not _noise(key, value)}
    return {key: _inlined(value, definitions) for key, value in kept.items()}


def _noise(key: str, value: object) -> bool:
    # A title that is no text is a property of that name.
    return key == "$defs" or (key == "title" and isinstance(value, str))
