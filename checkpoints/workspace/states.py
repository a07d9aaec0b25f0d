"""What a path can be, and how that is written into the store."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import StrEnum


class CorruptError(Exception):
    """The store holds what was never written into it."""


class Reason(StrEnum):
    """Why something is not covered. The names are stored, the words are for the user."""

    LARGE = "too large"
    TOTAL = "the session's limit is reached"
    MANY = "too many files"
    DATA = "data or weights"
    IGNORED = "ignored by .gitignore"
    CACHE = "a cache or installed packages"
    VERSIONS = "version control"
    SPECIAL = "no regular file"
    UNREADABLE = "not readable"
    MOUNT = "another file system"
    OURS = "ml-intern's own store"
    HOME = "the home folder and those above it are not followed"
    OUTSIDE = "outside the working folder"
    BLOCKED = "below a link or a file"
    GAP = "changed by others between two runs"
    CUT_OFF = "changed while a run was cut off, or by you since"
    NO_RECORD = "there is no record of it here"


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing is there."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file."""

    digest: bytes
    """SHA-256 of the content, which is in the store."""
    mode: int


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, whether or not anything is where it leads."""

    target: str


@dataclass(frozen=True, slots=True)
class Dir:
    """A folder; what is in it has states of its own."""

    mode: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that is not covered: never touched, whatever stands in the other state."""

    reason: Reason
    mark: str = ""
    """Size, time and inode, so that a change is seen; "" where nothing is known."""


State = Absent | File | Link | Dir | Unknown
ABSENT = Absent()
FILE_TAG = b"f"
DIGEST_AT = 4
"""Where the digest of a file begins in its encoded state, counted from 1 as SQL does."""
_MODE = struct.Struct(">H")


def encode(state: State) -> bytes:
    """A state as the store holds it; b"" for absence."""
    match state:
        case Absent():
            return b""
        case File(digest, mode):
            return FILE_TAG + _MODE.pack(mode) + digest
        case Link(target):
            return b"l" + os.fsencode(target)
        case Dir(mode):
            return b"d" + _MODE.pack(mode)
        case Unknown(reason, mark):
            return f"u{reason.name} {mark}".encode()


def decode(data: bytes) -> State:
    """The state that was encoded.

    Raises:
        CorruptError: it was none.
    """
    tag, rest = data[:1], data[1:]
    if tag == FILE_TAG and len(rest) == _MODE.size + 32:
        return File(rest[_MODE.size :], _MODE.unpack_from(rest)[0])
    if tag == b"d" and len(rest) == _MODE.size:
        return Dir(_MODE.unpack(rest)[0])
    if tag == b"l":
        return Link(os.fsdecode(rest))
    if tag == b"u":
        return _unknown(rest.decode(errors="replace"))
    if not data:
        return ABSENT
    raise CorruptError(f"{data[:8]!r} is no state of a path.")


def _unknown(text: str) -> Unknown:
    name, _, mark = text.partition(" ")
    if name not in Reason.__members__:
        raise CorruptError(f"{name} is no reason.")
    return Unknown(Reason[name], mark)
