"""Rows straight from the pages of an SQLite file: those that no query reaches any more.

A page in the middle of a table's tree leads to many others; when it is damaged, they are whole and
lost to SQL. Format: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

Value = int | float | str | bytes | None

PAGE = 4096
"""Bytes: SQLite's default, which we keep."""
_LEAF = 13
"""The first byte of a page that holds rows of a table."""


def rows(path: Path, width: int) -> Iterator[tuple[Value, ...]]:
    """Every row of `width` columns; also stale ones, so what is known already comes first."""
    with path.open("rb") as file:
        pages = _Pages(file.fileno(), path.stat().st_size // PAGE)
        skipped = pages.free()
        for number in range(2, pages.count + 1):
            page = pages.read(number)
            if page[:1] == bytes([_LEAF]) and number not in skipped:
                yield from (row for row in _cells(pages, page) if len(row) == width)


class _Pages:
    def __init__(self, file: int, count: int) -> None:
        self._file = file
        self.count = count

    def read(self, number: int) -> bytes:
        return os.pread(self._file, PAGE, (number - 1) * PAGE)

    def free(self) -> set[int]:
        """The pages that hold nothing now, as far as the list of them can be followed."""
        found: set[int] = set()
        trunk = int.from_bytes(self.read(1)[32:36])
        while trunk and trunk not in found and trunk <= self.count:
            found.add(trunk)
            trunk, count, *leaves = struct.unpack(f">{PAGE // 4}I", self.read(trunk))
            found.update(leaves[:count])
        return found

    def chain(self, number: int, length: int) -> bytes:
        """What of a row did not fit into its page."""
        parts: list[bytes] = []
        while length > 0:
            if not 0 < number <= self.count:
                raise ValueError("the chain ends early")
            page = self.read(number)
            parts.append(page[4 : 4 + min(length, PAGE - 4)])
            number, length = int.from_bytes(page[:4]), length - (PAGE - 4)
        return b"".join(parts)


def _cells(pages: _Pages, page: bytes) -> Iterator[tuple[Value, ...]]:
    count = int.from_bytes(page[3:5])
    for place in range(8, min(8 + 2 * count, PAGE - 1), 2):
        try:
            yield tuple(_record(_payload(pages, page, int.from_bytes(page[place : place + 2]))))
        except (ValueError, IndexError, OverflowError, struct.error):
            continue


def _payload(pages: _Pages, page: bytes, at: int) -> bytes:
    length, at = _number(page, at)
    _, at = _number(page, at)  # The row's number.
    if length > pages.count * PAGE:
        raise ValueError("too long to be a row")
    local = _local(length)
    part = page[at : at + local]
    if local == length:
        return part
    first = int.from_bytes(page[at + local : at + local + 4])
    return part + pages.chain(first, length - local)


def _local(length: int) -> int:
    """How much of a row stands in the page itself."""
    most, least = PAGE - 35, (PAGE - 12) * 32 // 255 - 23
    if length <= most:
        return length
    local = least + (length - least) % (PAGE - 4)
    return local if local <= most else least


def _record(data: bytes) -> Iterator[Value]:
    end, at = _number(data, 0)
    body = end
    while at < end:
        kind, at = _number(data, at)
        value, size = _value(kind, data, body)
        body += size
        yield value
    if body != len(data) or at != end:
        raise ValueError("not a row")


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _value(kind: int, data: bytes, at: int) -> tuple[Value, int]:
    if kind >= 12:
        size = (kind - 12) // 2
        value = data[at : at + size]
        return (value.decode() if kind % 2 else value), size
    if size := _INTEGERS.get(kind, 0):
        return int.from_bytes(data[at : at + size], "big", signed=True), size
    if kind == 7:
        return struct.unpack(">d", data[at : at + 8])[0], 8
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], 0
    raise ValueError("no such kind of value")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where the next thing begins."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
