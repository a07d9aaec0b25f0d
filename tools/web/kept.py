"""Answers that are kept on disk. What fails here is no failure: the answer is asked for again."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_ROOM = 300_000_000
"""Characters that all answers may take; the oldest go first."""
_TABLE = """CREATE TABLE IF NOT EXISTS page
    (name TEXT PRIMARY KEY, at REAL NOT NULL, size INTEGER NOT NULL, url TEXT, kind TEXT, text TEXT)
    STRICT"""
_PRUNE = """DELETE FROM page WHERE name IN (SELECT name FROM
    (SELECT name, sum(size) OVER (ORDER BY at DESC) AS total FROM page) WHERE total > ?)"""


@dataclass(frozen=True, slots=True)
class Page:
    """What a service answered."""

    url: str
    """Where it came from in the end."""
    text: str
    kind: str = ""
    """The content type."""
    age: float = 0.0
    """Seconds since it was fetched."""


class Kept:
    """Pages by name, in one SQLite file that several processes may use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, name: str) -> Page | None:
        """The newest copy, of any age. Blocks."""
        with suppress(sqlite3.Error, OSError), self._open() as db:
            row = db.execute(
                "SELECT url, text, kind, at FROM page WHERE name = ?", (_hashed(name),)
            ).fetchone()
            return Page(row[0], row[1], row[2], max(0.0, time.time() - row[3])) if row else None
        return None

    def keep(self, name: str, page: Page) -> None:
        """Keep a page in place of the one before. Blocks."""
        with suppress(sqlite3.Error, OSError, UnicodeError), self._open() as db:
            row = (_hashed(name), time.time(), len(page.text), page.url, page.kind, page.text)
            db.execute("INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?, ?, ?)", row)
            db.execute(_PRUNE, (_ROOM,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=5)) as db:
            self._path.chmod(0o600)
            with db:
                db.execute(_TABLE)
                yield db


def _hashed(name: str) -> str:
    """Names hold what the service was asked with, credentials too: those are not written down."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
