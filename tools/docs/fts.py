"""Full-text search as SQLite has it, safe from whatever is asked."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

TOKENIZER = "tokenize = 'porter unicode61'"
"""Words by their stems: `training` finds `trainer`."""
_WORD = re.compile(r"\w+(?:[.\-]\w+)*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MOST = 30
"""Words of a query that are looked for."""


def expression(query: str) -> str:
    """What SQLite is to match for any of the words of a query; "" if it has none.

    A name like `gradient_checkpointing` is a phrase; `SFTTrainer` is also its parts.
    """
    words = [word for word in _WORD.findall(query) if any(map(str.isalnum, word))]
    parts = [part for word in words if len(found := humps(word)) > 1 for part in found]
    terms = list(dict.fromkeys([*words, *parts]))[:_MOST]
    return " OR ".join(f'"{term}"' for term in terms)


def humps(name: str) -> list[str]:
    """The words of a name: `SFTTrainer` is SFT and Trainer."""
    return [part for part in re.split(r"[\W_]+", _HUMP.sub(" ", name)) if part]


def ranked(rows: Sequence[Sequence[str]], weights: Sequence[float], query: str) -> list[int]:
    """The numbers of the rows that have any word of the query, best first. Blocks.

    `weights` are those of the columns.
    """
    match = expression(query)
    if not match or not rows:
        return []
    columns = [f"c{number}" for number in range(len(weights))]
    marks = ", ".join("?" * (len(columns) + 1))
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE row USING fts5({', '.join(columns)}, {TOKENIZER})")
        numbered = ((number, *map(storable, row)) for number, row in enumerate(rows, 1))
        db.executemany(f"INSERT INTO row (rowid, {', '.join(columns)}) VALUES ({marks})", numbered)
        best = f"bm25(row, {', '.join(str(float(weight)) for weight in weights)})"
        found = db.execute(
            f"SELECT rowid FROM row WHERE row MATCH ? ORDER BY {best}, rowid", (match,)
        )
        return [number - 1 for (number,) in found]


def storable(text: str) -> str:
    """`text` without what SQLite cannot hold: lone surrogates, which JSON may bring."""
    return text.encode("utf-8", "replace").decode("utf-8")
