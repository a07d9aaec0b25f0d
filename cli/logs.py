"""What libraries and our own modules log: a line for people, the traceback in a file."""

from __future__ import annotations

import logging

from ml_intern.cli.crash import record as keep
from ml_intern.cli.streams import say


class Lines(logging.Handler):
    """Instead of `logging.lastResort`, which writes tracebacks to the terminal, unfiltered."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it, and where the details are."""
        try:
            error = record.exc_info[1] if record.exc_info else None
            where = f" The details are in {keep(error)}." if error else ""
            say(f"ml-intern: {record.getMessage()}{where}")
        except Exception:  # noqa: BLE001 - a log that fails must not end a run
            pass


def tame_logs() -> None:
    """From here on no log entry reaches the terminal as it is."""
    logging.lastResort = Lines(logging.WARNING)
