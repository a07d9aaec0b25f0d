"""A text file as text that can be turned back into exactly the bytes it came from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.fingerprint import digest
from ml_intern.tools.files.kinds import SNIFFED, Encoding, binary_kind, encoding
from ml_intern.tools.files.paths import explained, regular, show

LARGEST = 64 * 1024 * 1024
"""Bytes up to which a file is edited in memory."""
_SAMPLE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """Content and form of a file; line endings are in the text as they are in the file."""

    text: str
    encoding: Encoding
    digest: str
    status: os.stat_result


def load(path: Path) -> TextFile:
    """Read a file to change it; bytes that are not UTF-8 survive as surrogates."""
    status = regular(path)
    if status.st_size > LARGEST:
        raise ToolError(
            f"{show(path)} is {status.st_size:,} bytes; `edit` takes up to {LARGEST:,}. "
            "Change it with a stream editor through `bash`."
        )
    with explained(path):
        data = path.read_bytes()
    if kind := binary_kind(data[:SNIFFED]):
        raise ToolError(f"{show(path)} is {kind}, not text; `edit` cannot change it.")
    found = encoding(data)
    text = _decoded(data, found)
    if text is None:
        raise ToolError(
            f"{show(path)} says it is {found.name} but is not valid as such; changing it could "
            "damage it. Convert it with iconv through `bash` first."
        )
    return TextFile(text=text, encoding=found, digest=digest(data), status=status)


def _decoded(data: bytes, found: Encoding) -> str | None:
    errors = "surrogateescape" if found.name == "utf-8" else "strict"
    try:
        text = data[len(found.bom) :].decode(found.name, errors)
        return text if encoded(text, found) == data else None
    except UnicodeError:
        return None


def encoded(text: str, form: Encoding) -> bytes:
    """The bytes of `text` in a file of this encoding, byte order mark included."""
    errors = "surrogateescape" if form.name == "utf-8" else "strict"
    return form.bom + text.encode(form.name, errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a replaced text file hands on to its successor."""

    encoding: Encoding
    crlf: bool
    """Whether all its lines end in CR LF."""

    def apply(self, text: str) -> bytes:
        """`text` in this form; line endings that it chose itself are left alone."""
        if self.crlf and "\r" not in text:
            text = text.replace("\n", "\r\n")
        if self.encoding.bom:
            text = text.removeprefix("\ufeff")
        return encoded(text, self.encoding)


NEW = Form(encoding=Encoding("utf-8", b""), crlf=False)


def form_of(path: Path) -> Form:
    """The form of an existing file, judged by its first megabyte."""
    with explained(path), path.open("rb") as file:
        data = file.read(_SAMPLE)
    found = encoding(data)
    text = data.decode(found.name, "ignore")
    lines = text.count("\n")
    return Form(encoding=found, crlf=0 < lines == text.count("\r\n"))
