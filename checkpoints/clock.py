"""Keeps the newest checkpoint the newest, whatever the clock does.

LangGraph orders checkpoints by ids made of the time, which grow only within one process. After a
clock that was set back, a new process would write checkpoints that sort below those there are, and
nothing would ever read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.checkpoint.base import id as ids

NEWEST = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
"""The query whose answer `seed` takes, in both databases."""

_LAST = "_last_v6_timestamp"
"""The private name of LangGraph's last time stamp; a test fails if it is called otherwise."""


def seed(rows: Sequence[Sequence[Any]]) -> None:
    """Make every id from now on greater than the newest of a thread, as `NEWEST` found it."""
    try:
        stamp = ids.UUID(rows[0][0] or "")
    except ValueError:
        return
    if stamp.version == 6:
        setattr(ids, _LAST, max(stamp.time, getattr(ids, _LAST) or 0))
