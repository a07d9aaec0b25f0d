"""A word of advice when a Python file that was just written does not parse."""

from __future__ import annotations

import sys
import threading
import warnings
from pathlib import Path

_FILTERS = threading.Lock()
"""`warnings` keeps its filters for the whole process."""


def advice(path: Path, text: str) -> str:
    """A line saying where `text` is no valid Python, or nothing. Never runs it."""
    if path.suffix not in {".py", ".pyi"}:
        return ""
    fault = _fault(text)
    version = ".".join(map(str, sys.version_info[:2]))
    return f"\nNote: this is not valid Python {version}: {fault}" if fault else ""


def _fault(text: str) -> str:
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text.removeprefix("\ufeff"), "<written>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"line {error.lineno}, column {error.offset}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "nested too deeply"
    return ""
