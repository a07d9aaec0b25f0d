"""`edit`: change a part of a text file, and not one character more."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import Field

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files import receipt
from ml_intern.tools.files.atomic import CHANGING, replace
from ml_intern.tools.files.diff import short_diff
from ml_intern.tools.files.fingerprint import digest, fingerprint, require_current
from ml_intern.tools.files.match import Span, in_style_of, line_of, occurrences
from ml_intern.tools.files.nearest import explanation
from ml_intern.tools.files.paths import explained, locate, show
from ml_intern.tools.files.syntax import advice
from ml_intern.tools.files.textfile import TextFile, encoded, load
from ml_intern.tools.files.write import require_storable
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec
from ml_intern.tools.threads import run_to_end

Mode = Literal["replace", "append_after", "prepend_before"]
_LISTED = 10
_COUNTED = 1000


class EditArgs(ToolArgs):
    """What `edit` is called with."""

    path: str = Field(description="The file. A relative path starts in the working folder.")
    old_str: str = Field(
        description="Text in the file, exactly, with its indentation and without the line "
        "numbers of `read`. Must occur once: take in as much around it as that needs."
    )
    new_str: str = Field(description="The text to put in, exactly.")
    replace_all: bool = Field(default=False, description="Do it at every occurrence of old_str.")
    mode: Mode = Field(
        default="replace",
        description="replace: new_str instead of old_str. append_after, prepend_before: old_str "
        "stays and new_str is put directly after or before it, with no line break of its own.",
    )


async def edit(args: EditArgs, ctx: ToolContext) -> ToolResult:
    """Change the places meant and show the change."""
    _check(args)
    return ToolResult(text=await run_to_end(_edit, args, ctx))


def _check(args: EditArgs) -> None:
    require_storable(args.old_str, "old_str")
    require_storable(args.new_str, "new_str")
    if not args.old_str:
        raise ToolError("`old_str` is empty; name the text to change, or use `write`.")
    if args.mode == "replace" and args.old_str == args.new_str:
        raise ToolError("`old_str` and `new_str` are the same; there is nothing to change.")
    if args.mode != "replace" and not args.new_str:
        raise ToolError("`new_str` is empty; there is nothing to put in.")


def _edit(args: EditArgs, ctx: ToolContext) -> str:
    path = locate(args.path, ctx)
    at = receipt.place(ctx, path, args.model_dump_json())
    with CHANGING:
        file = load(path)
        if _done_before(at, path, file, ctx):
            return f"{show(path)} already has this change; this call made it before."
        require_current(path, ctx, must_be_seen=False)
        spans = _places(path, file.text, args)
        text = changed(file.text, spans, args.new_str, args.mode)
        _put(path, file, text, at, ctx)
    places = f"{len(spans)} places" if len(spans) > 1 else "1 place"
    said = f"Changed {show(path)} in {places}:\n{short_diff(file.text, text)}"
    return said + advice(path, text)


def _done_before(at: Path, path: Path, file: TextFile, ctx: ToolContext) -> bool:
    with explained(at):
        found = receipt.find(at)
    if found is None or found.before == file.digest:
        return False
    if found.after != file.digest and path not in ctx.seen:
        raise ToolError(
            f"{show(path)} may already have this change and was changed again after it. Read it "
            "and decide what is left to do."
        )
    return found.after == file.digest


def _places(path: Path, text: str, args: EditArgs) -> list[Span]:
    if args.replace_all:
        spans = list(occurrences(text, args.old_str, overlapping=False))
    else:
        spans = list(islice(occurrences(text, args.old_str, overlapping=True), _COUNTED + 1))
    if not spans:
        raise ToolError(
            f"`old_str` is not in {show(path)}. {_notebook(path)}{explanation(text, args.old_str)}"
        )
    if len(spans) > 1 and not args.replace_all:
        raise ToolError(_ambiguous(path, text, spans))
    return spans


def _ambiguous(path: Path, text: str, spans: list[Span]) -> str:
    count = f"over {_COUNTED}" if len(spans) > _COUNTED else str(len(spans))
    lines = ", ".join(str(line_of(text, span.start)) for span in spans[:_LISTED])
    more = " and more" if len(spans) > _LISTED else ""
    return (
        f"`old_str` occurs {count} times in {show(path)}, at lines {lines}{more}. Take in more of "
        "the text around the one you mean, or set replace_all."
    )


def _notebook(path: Path) -> str:
    if path.suffix != ".ipynb":
        return ""
    return "A notebook is JSON and `read` shows its cells; change it with nbformat in `bash`. "


def changed(text: str, spans: list[Span], addition: str, mode: Mode) -> str:
    """`text` with `addition` at each of `spans`, and everything outside them as it was."""
    parts, position = [], 0
    for span in spans:
        new = in_style_of(text, span, addition)
        old = text[span.start : span.end]
        put = {"replace": new, "append_after": old + new, "prepend_before": new + old}[mode]
        parts += [text[position : span.start], put]
        position = span.end
    return "".join([*parts, text[position:]])


def _put(path: Path, file: TextFile, text: str, at: Path, ctx: ToolContext) -> None:
    data = encoded(text, file.encoding)
    with explained(at):
        receipt.leave(at, receipt.Receipt(file.digest, digest(data)))
    ctx.keep(path)
    replace(path, data, file.status)
    if path in ctx.seen:
        # A file that was never read stays so: `write` may not replace it because of an edit.
        ctx.seen[path] = fingerprint(path)


EDIT = ToolSpec(
    name="edit",
    description=(
        "Change a part of a text file: old_str, which must occur exactly once unless replace_all "
        "is set, is replaced by new_str, or new_str is put after or before it. Nothing else in "
        "the file changes; encoding, line endings and mode are kept. Shows the change as a diff."
    ),
    args=EditArgs,
    handler=edit,
    # Inserting is not idempotent by nature; the receipt kept under the call's id makes it so:
    # the same call finds its own change in place, or the file as it was, or refuses.
    effect="idempotent",
    risk="edit",
    subject="path",
)
