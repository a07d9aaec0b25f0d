"""Our own tables, beside those of LangGraph's saver, and how older ones become like them."""

from __future__ import annotations

SCHEMA_VERSION = 4
"""A newer database is refused, an older one migrated. Each released one has a stored example in
`tests/checkpoints/stored/`, which every build must open."""

TABLES = (
    """CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    used INTEGER NOT NULL,
    cwd TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    system_prompt TEXT NOT NULL,
    options TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '',
    usage TEXT NOT NULL DEFAULT '{}',
    turns INTEGER NOT NULL DEFAULT 0,
    move TEXT NOT NULL DEFAULT ''
)""",
    """CREATE TABLE IF NOT EXISTS journal (
    session TEXT NOT NULL,
    call TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    ok INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL DEFAULT '',
    changes TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (session, call)
)""",
    """CREATE TABLE IF NOT EXISTS turns (
    session TEXT NOT NULL,
    number INTEGER NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    undone INTEGER NOT NULL DEFAULT 0,
    spans INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session, number)
)""",
    """CREATE TABLE IF NOT EXISTS archive (
    session TEXT NOT NULL,
    batch TEXT NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (session, batch, position)
)""",
    """CREATE TABLE IF NOT EXISTS inbox (
    session TEXT NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session, number)
)""",
)
"""
- `sessions.used` orders by use, never the clock; `options` is JSON (model, permission_mode,
  max_iterations); `state` is how the last turn stands; `move` is an undo or redo under way (JSON).
- `journal.changes` is JSON: what a result changes in the graph's state besides its message.
- `turns.before` is the id of the checkpoint a turn began at ("" for the first of all), `after`
  that of an undone one's end; `spans` counts its records of changed files.
- `archive.batch` is what one compaction took out of the history, or shortened; `position` counts
  from 0, `id` is the message's; `text` is what is searched, and stands before `message`, the whole
  as JSON, for a search not to read that.
- `inbox` holds what the user said while the agent worked, until it is in the history, in the order
  of `number`; `id` is told by the message that it became.
"""

MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE sessions ADD COLUMN state TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN usage TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE sessions ADD COLUMN turns INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sessions ADD COLUMN move TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE journal ADD COLUMN changes TEXT NOT NULL DEFAULT '{}'",
    ),
    2: (),
    3: (),
}
"""From each version to the next; `TABLES` is run after them."""


def steps(found: int) -> list[str]:
    """The statements that bring a database of version `found` (0: a new one) up to date."""
    moves = [MIGRATIONS[n] for n in range(found, SCHEMA_VERSION) if found]
    return [statement for move in moves for statement in move] + list(TABLES)
