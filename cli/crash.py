"""The last resort: a defect of ours is told in a line, its traceback kept in a file."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path


def record(error: BaseException) -> Path:
    """Write the traceback of `error` into a new private file."""
    with tempfile.NamedTemporaryFile(
        "w",
        prefix="ml-intern-crash-",
        suffix=".txt",
        delete=False,
        encoding="utf-8",
        errors="backslashreplace",
    ) as file:
        traceback.print_exception(error, file=file)
    return Path(file.name)


def described(error: BaseException) -> str:
    """What to tell of it."""
    try:
        kept = f"The details are in {record(error)}."
    except OSError as full:
        kept = f"The details could not be kept: {full.strerror}."
    what = f"Something unexpected went wrong: {type(error).__name__}: {error}"
    return f"{what}\n{kept} What was saved before is kept."
