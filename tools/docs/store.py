"""The passages of the pages that were read lately, in one SQLite file for all processes."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ml_intern.tools.docs.fts import TOKENIZER, storable
from ml_intern.tools.docs.passages import MOST, Passage

T = TypeVar("T")

_VERSION = 1
_TABLES = (
    "DROP TABLE IF EXISTS page",
    "DROP TABLE IF EXISTS passage",
    """CREATE TABLE page (
        id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, at REAL NOT NULL, title TEXT) STRICT""",
    f"""CREATE VIRTUAL TABLE passage USING
        fts5(title, heading, words, body, anchor UNINDEXED, start UNINDEXED, {TOKENIZER})""",
    f"PRAGMA user_version = {_VERSION}",
)
_FIND = f"""SELECT page.url, page.title, heading, anchor, start,
        snippet(passage, 3, '', '', ' … ', 60), bm25(passage, 5.0, 4.0, 3.0, 1.0) AS score
    FROM passage JOIN page ON page.id = passage.rowid / {MOST}
    JOIN wanted ON wanted.url = page.url
    WHERE passage MATCH ? AND page.at > ? ORDER BY score, passage.rowid LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A page as it is put into the store."""

    url: str
    title: str
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found."""

    url: str
    title: str
    heading: str
    anchor: str
    start: int
    excerpt: str


class Store:
    """Opened for each operation. Where the file cannot be used, the memory of one call does."""

    def __init__(self, path: Path | None, lifetime: float) -> None:
        self._path = path
        self._lifetime = lifetime
        self._memory: sqlite3.Connection | None = None

    def close(self) -> None:
        """Forget what is only in memory."""
        if self._memory:
            self._memory.close()

    def known(self, urls: Sequence[str]) -> set[str]:
        """The pages that are there and fresh. Blocks."""

        def work(db: sqlite3.Connection) -> set[str]:
            fresh = "SELECT url FROM page JOIN wanted USING (url) WHERE page.at > ?"
            return {url for (url,) in _wanting(db, urls).execute(fresh, (self._oldest,))}

        return self._done(work)

    def add(self, pages: Sequence[Stored]) -> None:
        """Put pages in place of what was there of them. Blocks."""

        def work(db: sqlite3.Connection) -> None:
            for page in pages:
                _put(db, page)
            old = db.execute("SELECT id FROM page WHERE at <= ?", (self._oldest,)).fetchall()
            for (number,) in old:
                _drop(db, number)
                db.execute("DELETE FROM page WHERE id = ?", (number,))

        self._done(work)

    def find(self, urls: Sequence[str], expression: str, limit: int) -> list[Hit]:
        """The best passages of these pages. Blocks."""

        def work(db: sqlite3.Connection) -> list[Hit]:
            rows = _wanting(db, urls).execute(_FIND, (expression, self._oldest, limit))
            return [_hit(*row[:6]) for row in rows]

        return self._done(work)

    @property
    def _oldest(self) -> float:
        return time.time() - self._lifetime

    def _done(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._path and not self._memory:
            try:
                return self._in_file(self._path, work)
            except (sqlite3.Error, OSError):
                pass  # Locked for long, a full disk: this call goes on without the file.
        if not self._memory:
            self._memory = sqlite3.connect(":memory:", check_same_thread=False)
            _prepare(self._memory)
        with self._memory:
            return work(self._memory)

    def _in_file(self, path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with _opened(path) as db:
                return work(db)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # Damaged.
            for name in (path.name, f"{path.name}-journal"):
                path.with_name(name).unlink(missing_ok=True)
            with _opened(path) as db:
                return work(db)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=10)) as db:
        path.chmod(0o600)
        _prepare(db)
        with db:
            yield db


def _prepare(db: sqlite3.Connection) -> None:
    if _version(db) == _VERSION:
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        if _version(db) != _VERSION:  # Another process may have been faster.
            for statement in _TABLES:
                db.execute(statement)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _wanting(db: sqlite3.Connection, urls: Sequence[str]) -> sqlite3.Connection:
    """A table of the pages that are asked for, seen by this connection only."""
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (url TEXT PRIMARY KEY)")
    db.execute("DELETE FROM wanted")
    db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((url,) for url in urls))
    return db


def _put(db: sqlite3.Connection, page: Stored) -> None:
    db.execute(
        """INSERT INTO page (url, at, title) VALUES (?, ?, ?)
        ON CONFLICT (url) DO UPDATE SET at = excluded.at, title = excluded.title""",
        (page.url, time.time(), page.title),
    )
    (number,) = db.execute("SELECT id FROM page WHERE url = ?", (page.url,)).fetchone()
    _drop(db, number)
    rows = (
        (number * MOST + index, page.title, one.heading, one.words, one.body, one.anchor, one.start)
        for index, one in enumerate(page.passages)
    )
    texts = (tuple(storable(v) if isinstance(v, str) else v for v in row) for row in rows)
    db.executemany(
        "INSERT INTO passage (rowid, title, heading, words, body, anchor, start) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        texts,
    )


def _hit(url: str, title: str, heading: str, anchor: str, start: int, part: str) -> Hit:
    return Hit(url, title, heading, anchor, start, " ".join(part.split()))


def _drop(db: sqlite3.Connection, number: int) -> None:
    first = number * MOST
    db.execute("DELETE FROM passage WHERE rowid BETWEEN ? AND ?", (first, first + MOST - 1))
