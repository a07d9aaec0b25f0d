"""The contents of files, each stored once, whoever has it."""

from __future__ import annotations

import sqlite3
import zlib
from hashlib import sha256

from ml_intern.checkpoints.workspace.states import DIGEST_AT, FILE_TAG

_SAMPLE = 65_536
"""Bytes by which it is judged whether a content gets smaller."""
_COLUMNS = (("files", "state"), ("held", "state"), ("changes", "before"), ("changes", "after"))
_DIGESTS = " UNION ".join(
    f"SELECT substr({column}, {DIGEST_AT}) AS digest FROM {table} "
    f"WHERE substr({column}, 1, 1) = x'{FILE_TAG.hex()}'"
    for table, column in _COLUMNS
)


def put(connection: sqlite3.Connection, data: bytes) -> bytes:
    """Store a content if it is not there yet; its digest."""
    digest = sha256(data).digest()
    known = connection.execute("SELECT 1 FROM blobs WHERE digest = ?", (digest,)).fetchone()
    if not known:
        row = (digest, len(data), _deflated(data))
        connection.execute("INSERT INTO blobs (digest, size, data) VALUES (?, ?, ?)", row)
    return digest


def get(connection: sqlite3.Connection, digest: bytes) -> bytes | None:
    """A content; None if it is not there or is damaged."""
    query = "SELECT size, data FROM blobs WHERE digest = ?"
    row = connection.execute(query, (digest,)).fetchone()
    return _inflated(digest, *row) if row else None


def missing(connection: sqlite3.Connection) -> int:
    """How many contents are referred to and not there."""
    query = f"SELECT count(*) FROM ({_DIGESTS}) WHERE digest NOT IN (SELECT digest FROM blobs)"
    return int(connection.execute(query).fetchone()[0])


def damaged(connection: sqlite3.Connection) -> int:
    """How many contents are not what their digests say."""
    rows = connection.execute("SELECT digest, size, data FROM blobs")
    return sum(_inflated(*row) is None for row in rows)


def sweep(connection: sqlite3.Connection) -> None:
    """Remove what nothing refers to."""
    connection.execute(f"DELETE FROM blobs WHERE digest NOT IN ({_DIGESTS})")


def sizes(connection: sqlite3.Connection, session: str) -> dict[bytes, int]:
    """The contents that a session's records refer to, with their sizes."""
    query = f"SELECT digest, size FROM blobs WHERE digest IN ({_of_session()})"
    return dict(connection.execute(query, (session, session)).fetchall())


def _of_session() -> str:
    return " UNION ".join(
        f"SELECT substr({column}, {DIGEST_AT}) FROM changes WHERE session = ? "
        f"AND substr({column}, 1, 1) = x'{FILE_TAG.hex()}'"
        for column in ("before", "after")
    )


def _deflated(data: bytes) -> bytes:
    sample = data[:_SAMPLE]
    small = zlib.compress(sample, 1)
    if len(small) >= 0.9 * len(sample):
        return data
    small = small if len(sample) == len(data) else zlib.compress(data, 1)
    return small if len(small) < len(data) else data


def _inflated(digest: bytes, size: int, data: bytes) -> bytes | None:
    try:
        content = data if len(data) == size else zlib.decompress(data)
    except zlib.error:
        return None
    return content if sha256(content).digest() == digest else None
