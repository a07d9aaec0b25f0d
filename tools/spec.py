"""What a tool is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from ml_intern.tools.history import History, nothing_archived
from ml_intern.tools.services import Services

EffectClass = Literal["pure", "idempotent", "reconcilable", "opaque"]
"""What may be done with a call whose outcome a crash hid: run again, ask the world, or tell."""

Absent = Literal["absent"]

Risk = Literal["read", "plan", "edit", "execute", "publish"]
"""What a call can do: only look, note a plan, change files, run anything, or change what is on
the Hub."""

Subject = Literal["command", "path", "repository", "arguments"]
"""What the pattern of a permission rule is compared with: the argument of that name, read as a
command line or as a path; `operation repo_id`, with what of it there is; or all arguments as JSON.
"""


class Nature(NamedTuple):
    """What a call may do, and what may be done with it after a crash."""

    risk: Risk
    effect: EffectClass


LOOKS = Nature("read", "pure")


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
    services: Services
    """The Hub and whatever else is asked over the network."""
    seen: dict[Path, str]
    """Resolved path to content digest of every file the model has read or written this session."""
    session_id: str = ""
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
    operations: Mapping[str, Nature] = field(default_factory=dict)
    """By the argument `operation`: all of them, for a tool that has several."""
    subject: Subject = "arguments"
    reconcile: Callable[[ArgsT, ToolContext], Awaitable[ToolResult | Absent | None]] | None = None
    """Asks the world what became of a call that a crash cut off, by `ctx.key`. What a
    `reconcilable` effect must have. "absent" means that it surely never happened: it is run then.
    None means that nobody knows: it is not."""
    preview: Callable[[ArgsT, ToolContext], Awaitable[str]] | None = None
    """What exactly the call would do now, for the person asked to approve it: what its arguments
    do not say. It only reads. A `ToolError` of it refuses the call: nobody is asked then."""
    timeout: float | None = None
    """Seconds after which the node gives up on the call; None if the handler bounds itself."""
    output_cap: int = 25_000
    """Characters of output the model is given; the rest is spilled to a file."""

    def nature(self, args: Mapping[str, Any]) -> Nature:
        """What a call with these arguments may do."""
        own = Nature(self.risk, self.effect)
        return self.operations.get(str(args.get("operation")), own)

    def risks(self) -> dict[str, Risk]:
        """Risk by the rule that is about it: one for the tool, or one for each operation."""
        if not self.operations:
            return {self.name: self.risk}
        return {f"{self.name}({name} *)": nature.risk for name, nature in self.operations.items()}

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
