"""Safetensors files by their headers: how many numbers of which type, and whether all is there.

A file is 8 bytes with the length of the header, little-endian, the header as JSON, the data.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.paths import explained

_LONGEST = 100_000_000
"""Bytes of a header; the format's own limit."""


def parameters(path: Path, name: str) -> Counter[str]:
    """Numbers by type ("BF16") of the file; `name` is what errors call it. Blocks.

    Raises:
        ToolError: it is no safetensors file, or not a whole one.
    """
    with explained(path), path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LONGEST, size - 8):
            raise ToolError(f"{name} is no safetensors file: its header has no valid length.")
        header = file.read(length)
    return counted(_parsed(header, name), size - 8 - length, name)


def _parsed(header: bytes, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolError(f"{name} is no safetensors file: its header is not JSON.")
    return found


def counted(header: Mapping[str, Any], data: int, name: str) -> Counter[str]:
    """Numbers by type in a header; `data` is the bytes that follow it.

    Raises:
        ToolError: the header is not one, or speaks of other data.
    """
    found: Counter[str] = Counter()
    end = 0
    for tensor, about in header.items():
        if tensor == "__metadata__":
            continue
        try:
            start, stop = map(int, about["data_offsets"])
            count = math.prod(int(length) for length in about["shape"])
        except (KeyError, TypeError, ValueError, OverflowError):
            start, stop, count = 0, 0, -1
        if not 0 <= count <= 8 * (stop - start):
            raise ToolError(f"{name} is damaged: its header says nonsense of a tensor.")
        found[str(about["dtype"])] += count
        end = max(end, stop)
    if end != data:
        raise ToolError(
            f"{name} is not whole: its header speaks of {end:,} bytes of data, it has {data:,}. "
            "Save the model again."
        )
    return found
