"""The result object and the exit codes. Light: a run that never began has one, too."""

from __future__ import annotations

from typing import Any

from ml_intern.configs.errors import Exit

SCHEMA_VERSION = 1
COUNTS = (
    "calls", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
)  # fmt: skip
EXITS = {
    "done": Exit.DONE,
    "denied": Exit.DENIED,
    "failed": Exit.FAILED,
    "limit": Exit.LIMIT,
    "stuck": Exit.STUCK,
    "parked": Exit.PARKED,
    "interrupted": Exit.INTERRUPTED,
    "terminated": Exit.TERMINATED,
    "timeout": Exit.TIMEOUT,
}
"""By status; a failure may have a code of its own."""
_STATUSES = {code: status for status, code in EXITS.items()}


def blank(code: int, error: str | None, session_id: str | None = None) -> dict[str, Any]:
    """The object of a run of which nothing is known but how it ended."""
    return {
        "schema_version": SCHEMA_VERSION,
        "session_id": session_id,
        "status": _STATUSES.get(Exit(code), "failed"),
        "exit_code": int(code),
        "result": None,
        "error": error,
        "usage": dict.fromkeys(COUNTS, 0),
        "cost": {
            "llm_usd": 0.0,
            "unpriced_calls": 0,
            "budget_usd": None,
            "compaction_usd": 0.0,
        },
        "num_turns": 0,
        "iterations": 0,
        "permission_denials": [],
        "jobs": [],
        "waits": [],
        "duration_ms": 0,
    }
