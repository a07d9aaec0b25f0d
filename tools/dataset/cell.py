"""The values of a row as lines of text, cut where they are long."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ml_intern.tools.output import visible

_ITEMS = 12
"""Items of a list that are shown."""
_DEEPEST = 12


def label(name: str, most: int = 100) -> str:
    """A name that someone else chose, on one line."""
    return visible(" ".join(name.split()))[:most]


def level(values: Iterable[object], room: int, smallest: int) -> int:
    """How many characters of each text are shown so that all that is shown fits into `room`.

    Short texts leave their part to the long ones; no text is cut below the `smallest` part.
    """
    sizes = sorted(size for value in values for size in _sizes(value))
    for number, size in enumerate(sizes):
        share = room // (len(sizes) - number)
        if size > share:
            return max(smallest, share)
        room -= size
    return max([smallest, *sizes[-1:]])


def cell(value: object, longest: int) -> str:
    """`value` as JSON, each text in it at most `longest` characters; what is cut says its size."""
    if isinstance(value, str):
        return _quoted(value, longest)
    line = _json(_short(value, longest, 0))
    most = 4 * max(longest, 500)
    return line if len(line) <= most else f"{line[:most]}… ({len(line):,} characters)"


def _sizes(value: object, depth: int = 0) -> Iterator[int]:
    """Lengths of the texts in a value that may be shown."""
    if isinstance(value, str):
        yield len(value)
    elif depth <= _DEEPEST and isinstance(value, dict | list):
        parts = list(value.values()) if isinstance(value, dict) else value[:_ITEMS]
        for part in parts:
            yield from _sizes(part, depth + 1)


def _quoted(text: str, longest: int) -> str:
    if len(text) <= longest:
        return _json(text)
    return f"{_json(text[:longest])}… ({len(text):,} characters)"


def _json(value: object) -> str:
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def _short(value: object, longest: int, depth: int) -> object:
    if isinstance(value, str):
        cut = len(value) > longest
        return f"{value[:longest]}… ({len(value):,} characters)" if cut else value
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return medium(value) or {str(k): _short(v, longest, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return _short_list(value, longest, depth)
    return value


def _short_list(value: Sequence[object], longest: int, depth: int) -> list[object]:
    shown = [_short(item, longest, depth + 1) for item in value[:_ITEMS]]
    more = len(value) - _ITEMS
    return [*shown, f"… {more:,} items more"] if more > 0 else shown


def medium(value: Mapping[object, object]) -> str:
    """An image or a sound in place of its (signed, long) address; "" for anything else."""
    if isinstance(value.get("src"), str) and value.keys() <= {"src", "height", "width", "type"}:
        if "height" in value:
            return f"<image {value.get('width')}x{value.get('height')}>"
        return f"<{value.get('type') or 'file'}>"
    if isinstance(data := value.get("bytes"), bytes):
        return f"<file {value.get('path') or ''} of {len(data):,} bytes>"
    return ""
