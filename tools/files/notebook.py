"""A Jupyter notebook as text: its cells in order, with what they printed."""

from __future__ import annotations

import json
from typing import Any

from ml_intern.tools.output import clip, strip_ansi

LARGEST = 64 * 1024 * 1024
"""Bytes up to which a notebook is parsed; a larger one is read as the JSON it is."""
_OUTPUT = 1500


def rendered(data: bytes) -> str | None:
    """The cells, their sources and their text outputs; None if this is no notebook."""
    try:
        book = json.loads(data)
    except (ValueError, RecursionError):
        return None
    cells = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(cells, list):
        return None
    parts = [_cell(number, cell) for number, cell in enumerate(cells, 1) if isinstance(cell, dict)]
    return "\n\n".join([f"Jupyter notebook, {len(cells)} cells", *parts]) + "\n"


def _cell(number: int, cell: dict[str, Any]) -> str:
    count = cell.get("execution_count")
    run = f", run as [{count}]" if count is not None else ""
    head = f"--- cell {number}: {cell.get('cell_type', 'unknown type')}{run} ---"
    found = cell.get("outputs")
    outputs = found if isinstance(found, list) else []
    said = [_output(output) for output in outputs if isinstance(output, dict)]
    return "\n".join([head, _text(cell.get("source")), *(f"--- output:\n{text}" for text in said)])


def _output(output: dict[str, Any]) -> str:
    if output.get("output_type") == "error":
        trace = output.get("traceback")
        lines = trace if isinstance(trace, list) else []
        text = "\n".join(map(str, lines)) or f"{output.get('ename')}: {output.get('evalue')}"
        return clip(strip_ansi(text), _OUTPUT)
    if "text" in output:
        return clip(strip_ansi(_text(output["text"])), _OUTPUT)
    data = output.get("data")
    return _data(data) if isinstance(data, dict) else "(nothing)"


def _data(data: dict[str, Any]) -> str:
    others = [
        f"[{kind}, {len(_text(body)):,} characters]"
        for kind, body in data.items()
        if kind != "text/plain"
    ]
    plain = [clip(strip_ansi(_text(data["text/plain"])), _OUTPUT)] if "text/plain" in data else []
    return "\n".join(plain + others) or "(nothing)"


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
