"""`read`: a page of a file, of which nothing else is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.kinds import binary_kind, encoding
from ml_intern.tools.hub.errors import unreadable
from ml_intern.tools.output import decode, visible
from ml_intern.tools.repos import calls, listing
from ml_intern.tools.repos.contents import Piece, piece
from ml_intern.tools.repos.file_args import FileArgs
from ml_intern.tools.repos.names import Target, existing
from ml_intern.tools.spec import ToolContext

PAGE = 16_000
"""Bytes shown at once."""


@dataclass(frozen=True, slots=True)
class File:
    """A file and where it is."""

    target: Target
    revision: str
    path: str
    size: int
    sha256: str
    """Of a large file's content; "" of others."""


async def run(args: FileArgs, ctx: ToolContext) -> str:
    """Show a part of a text file, what a binary one is, or what a folder has."""
    path = "" if args.path.strip("/") == "." else args.path.strip("/").removeprefix("./")
    target = await existing(ctx, args.repo_id, args.repo_type)
    file = await _found(ctx, target, args.revision, path) if path else None
    if file is None:
        return await listing.run(args.model_copy(update={"offset": 0}), ctx)
    start = await _piece(ctx, file, range(min(512, file.size))) if args.offset else None
    span = _span(file, args.offset)
    shown = await _piece(ctx, file, span)
    if kind := binary_kind((start or shown).data[:8192]):
        return described(file, shown.commit, kind, await _tensors(ctx, file, kind))
    return page(file, shown, span.start)


async def _found(ctx: ToolContext, target: Target, revision: str, path: str) -> File | None:
    """The file of that path; None if it is a folder."""

    def ask(api: Any) -> list[Any]:  # noqa: ANN401 - the library's client
        found: list[Any] = api.get_paths_info(
            target.id, [path], revision=revision, repo_type=target.type
        )
        return found

    entries = await ctx.services.hub.read(f"{path} of {target.what}", ask)
    entry = next((entry for entry in entries if entry.path == path), None)
    if entry is None:
        again = calls.files("list", target, revision)
        raise ToolError(f"{target.start} has no {path} at {revision}. {again} shows what it has.")
    if not hasattr(entry, "blob_id"):
        return None
    if not isinstance(entry.size, int):
        raise unreadable(f"{path} of {target.what}")
    large = getattr(entry, "lfs", None)
    return File(target, revision, path, entry.size, large.sha256 if large else "")


def _span(file: File, offset: int) -> range:
    start = max(0, file.size + offset) if offset < 0 else offset
    if start and start >= file.size:
        raise ToolError(f"{file.path} has {file.size:,} bytes; give a smaller offset.")
    return range(start, min(file.size, start + PAGE))


async def _piece(ctx: ToolContext, file: File, span: range) -> Piece:
    what = f"{file.path} of {file.target.what}"
    found = await ctx.services.hub.read(
        what, lambda api: piece(api, file.target, file.revision, file.path, span)
    )
    if span and not found.data:
        raise unreadable(what)
    return found


def page(file: File, shown: Piece, start: int) -> str:
    """The text, from and to the end of a line where there is one."""
    if encoding(shown.data).name != "utf-8" and not start:
        return f"{_head(file, shown.commit)}, in {encoding(shown.data).name}: download it to read."
    data = _whole(shown.data, last=start + len(shown.data) >= file.size)
    after = start + len(data)
    part = f", bytes {start:,} to {after:,}" if start or after < file.size else ""
    body = visible(
        decode(data.removeprefix(b"\xef\xbb\xbf").lstrip(_CONTINUATION if start else b""))
    )
    again = calls.files("read", file.target, file.revision, path=file.path, offset=after)
    rest = f"\n[{file.size - after:,} bytes more: {again}]" if after < file.size else ""
    return f"{_head(file, shown.commit)}{part}:\n{body or '(empty)'}{rest}"


_CONTINUATION = bytes(range(0x80, 0xC0))
"""What UTF-8 characters do not begin with."""


def _whole(data: bytes, last: bool) -> bytes:
    """`data` up to the end of its last line, or of its last character."""
    if last:
        return data
    if (end := data.rfind(b"\n")) >= 0:
        return data[: end + 1]
    lead = len(data) - 1
    while lead > len(data) - 4 and data[lead] in _CONTINUATION:
        lead -= 1
    width = sum(data[lead] >= first for first in (0, 0xC0, 0xE0, 0xF0))
    return data[:lead] if lead + width > len(data) else data


def described(file: File, commit: str, kind: str, more: str) -> str:
    """What a binary file is."""
    sha = f" SHA-256 {file.sha256}." if file.sha256 else ""
    return f"{_head(file, commit)}: {kind}.{sha}{more}"


def _head(file: File, commit: str) -> str:
    at = file.revision if commit in ("", file.revision) else f"{file.revision} (commit {commit})"
    return f"{visible(file.path)} of {file.target.what} at {at}, {file.size:,} bytes"


async def _tensors(ctx: ToolContext, file: File, kind: str) -> str:
    """What the header of a safetensors file says; "" for other files."""
    if "safetensors" not in kind:
        return ""

    def ask(api: Any) -> Any:  # noqa: ANN401 - the library's client
        return api.parse_safetensors_file_metadata(
            file.target.id, file.path, repo_type=file.target.type, revision=file.revision
        )

    try:
        found = await ctx.services.hub.read(f"the header of {file.path}", ask)
    except ToolError:
        return ""
    counts = ", ".join(f"{count:,} of {kind}" for kind, count in found.parameter_count.items())
    total = sum(found.parameter_count.values())
    return f" {len(found.tensors):,} tensors, {total:,} parameters: {counts}."
