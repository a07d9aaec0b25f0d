"""`write`: put a whole file in place."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ml_intern.configs.text import storable
from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.atomic import CHANGING, replace
from ml_intern.tools.files.fingerprint import fingerprint, require_current
from ml_intern.tools.files.kinds import SNIFFED, binary_kind
from ml_intern.tools.files.paths import explained, locate, require_regular, show, status_of
from ml_intern.tools.files.syntax import advice
from ml_intern.tools.files.textfile import NEW, Form, form_of
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec
from ml_intern.tools.threads import run_to_end


class WriteArgs(ToolArgs):
    """What `write` is called with."""

    path: str = Field(
        description="The file. A relative path starts in the working folder. "
        "Missing folders are made."
    )
    content: str = Field(description="The whole new content, exactly as it shall be.")


async def write(args: WriteArgs, ctx: ToolContext) -> ToolResult:
    """Create or replace the file in one step, unless that would lose what nobody has read."""
    require_storable(args.content, "content")
    return ToolResult(text=await run_to_end(_write, args, ctx))


def require_storable(text: str, name: str) -> None:
    """Refuse characters that no text file, and no provider, takes."""
    if not storable(text):
        raise ToolError(
            f"`{name}` contains a NUL character or a lone surrogate. Leave it out; make binary "
            "files with a program run by `bash`."
        )


def _write(args: WriteArgs, ctx: ToolContext) -> str:
    if args.path.endswith("/"):
        raise ToolError(f"{args.path} names a folder; give the path of a file.")
    path = locate(args.path, ctx)
    with CHANGING:
        said = _put(path, args.content, ctx)
        ctx.seen[path] = fingerprint(path)
    return said + advice(path, args.content)


def _put(path: Path, content: str, ctx: ToolContext) -> str:
    old = status_of(path)
    if old is None:
        form = NEW
    else:
        require_regular(path, old)
        form = form_of(path)
    data = form.apply(content)
    if old and old.st_size == len(data) and _content(path) == data:
        # Comes before the check for being seen: it makes the same call harmless after a crash.
        return f"Unchanged: {show(path)} already has exactly this content."
    if old:
        _require_replaceable(path, ctx)
    ctx.keep(path)
    replace(path, data, old)
    verb = "Replaced" if old else "Created"
    count = len(content.splitlines())
    return f"{verb} {show(path)}: {count:,} lines, {len(data):,} bytes.{_kept(form)}"


def _content(path: Path) -> bytes:
    with explained(path):
        return path.read_bytes()


def _require_replaceable(path: Path, ctx: ToolContext) -> None:
    if path not in ctx.seen:
        with explained(path), path.open("rb") as file:
            kind = binary_kind(file.read(SNIFFED))
        if kind:
            raise ToolError(
                f"{show(path)} exists and is {kind}. If it is really to be replaced by text, "
                "remove it first with `bash`."
            )
    require_current(path, ctx, must_be_seen=True)


def _kept(form: Form) -> str:
    kept = [form.encoding.name + " with byte order mark"] if form.encoding.bom else []
    kept += ["CRLF line endings"] if form.crlf else []
    return f" Kept: {', '.join(kept)}." if kept else ""


WRITE = ToolSpec(
    name="write",
    description=(
        "Create a text file, or replace one as a whole. An existing file must have been read in "
        "this session and not have changed since. The old content stays until the new one is "
        "complete. To change a part of a file use `edit`."
    ),
    args=WriteArgs,
    handler=write,
    effect="idempotent",
    risk="edit",
    subject="path",
)
