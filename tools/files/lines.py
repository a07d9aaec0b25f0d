"""A numbered window on the lines of a file of any size, with flat memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ml_intern.tools.files.kinds import Encoding
from ml_intern.tools.output import decode, visible

CHUNK = 256 * 1024
WIDTH = 4000
"""Characters shown of one line."""
_KEPT = 4 * WIDTH
_COUNTED = 256 * 1024 * 1024
"""Bytes read on after the window, only to say how many lines there are."""


def chunks(file: BinaryIO, encoding: Encoding) -> Iterator[bytes]:
    """The file in pieces of UTF-8, without its byte order mark."""
    file.seek(len(encoding.bom))
    pieces = iter(lambda: file.read(CHUNK), b"")
    if encoding.name == "utf-8":
        return pieces
    decoder = codecs.getincrementaldecoder(encoding.name)("backslashreplace")
    return (decoder.decode(piece).encode("utf-8", "backslashreplace") for piece in pieces)


class Window:
    """Lines `first` to `first + limit - 1`, as many as fit in `room` characters."""

    def __init__(self, first: int, limit: int, room: int) -> None:
        self.first = first
        self.shown: list[str] = []
        self.undecodable = False
        self.total: int | None = 0
        """Lines in the file; None if it was too long to count them."""
        self._last = first + limit - 1
        self._room = room
        self._number = 1
        self._line = bytearray()
        self._length = 0
        self._ended = True

    @property
    def next(self) -> int:
        """The line to read on with."""
        return self.first + len(self.shown)

    def fill(self, source: Iterable[bytes]) -> None:
        """Go through the file until the end, or well past the window if it is very long."""
        beyond = 0
        for chunk in source:
            self._take(chunk)
            if self._number > self._last:
                beyond += len(chunk)
            if beyond > _COUNTED:
                self.total = None
                return
        if not self._ended:
            self._finish()
            self._number += 1
        self.total = self._number - 1

    def _take(self, chunk: bytes) -> None:
        newlines = chunk.count(b"\n")
        self._ended = chunk.endswith(b"\n")
        if self._number > self._last or self._number + newlines < self.first:
            self._number += newlines
            return
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            self._extend(piece)
            self._finish()
            self._number += 1
        self._extend(rest)

    def _extend(self, piece: bytes) -> None:
        self._length += len(piece)
        self._line += piece[: max(0, _KEPT - len(self._line))]

    def _finish(self) -> None:
        if self.first <= self._number <= self._last:
            self._show(self._text())
        self._line.clear()
        self._length = 0

    def _text(self) -> str:
        line, cut = bytes(self._line), self._length > len(self._line)
        try:
            text = codecs.getincrementaldecoder("utf-8")("strict").decode(line, final=not cut)
        except UnicodeDecodeError:
            self.undecodable = True
            text = decode(line)
        text = text if cut else text.removesuffix("\r")
        if not cut and len(text) <= WIDTH:
            return visible(text)
        return f"{visible(text[:WIDTH])} [line cut: {self._length:,} bytes long]"

    def _show(self, text: str) -> None:
        numbered = f"{self._number:6d}\t{text}"
        self._room -= len(numbered) + 1
        if self._room < 0 and self.shown:
            self._last = self._number - 1
        else:
            self.shown.append(numbered)
