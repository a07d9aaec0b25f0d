"""The first rows of a JSON lines, JSON or CSV file, from its first megabyte."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ml_intern.tools.dataset.repository import DataFile
from ml_intern.tools.dataset.sample import Row, Sample
from ml_intern.tools.dataset.source import Source
from ml_intern.tools.errors import ToolError

_HEAD = 1_000_000
"""Bytes that are read of a file."""
_BETWEEN = re.compile(r"[ \t\r\n,]*")


def read_text(source: Source, file: DataFile, limit: int) -> Sample:
    """The rows that the first megabyte has whole, at most `limit`. Blocks.

    Raises:
        ToolError: there is none.
    """
    whole = file.size <= _HEAD
    text = source.read(min(_HEAD, file.size)).decode("utf-8-sig", errors="replace")
    cells = list(_records(text, file.kind, whole))
    if not cells:
        raise ToolError(f"{file.path} has no rows that can be read in its first megabyte.")
    rows = [Row(number, record) for number, record in enumerate(cells[:limit])]
    return Sample(rows=rows, total=len(cells) if whole else None)


def _records(text: str, kind: str, whole: bool) -> Iterator[Mapping[str, Any]]:
    if kind in (".csv", ".tsv"):
        return _table(text, "\t" if kind == ".tsv" else ",", whole)
    if text.lstrip().startswith("["):
        return _array(text.lstrip()[1:])
    return _lines(text)


def _lines(text: str) -> Iterator[Mapping[str, Any]]:
    # The last line may be cut: then it is no JSON, and left out like any that is none.
    for line in text.split("\n"):
        try:
            record = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def _array(text: str) -> Iterator[Mapping[str, Any]]:
    decoder, at = json.JSONDecoder(), 0
    while True:
        between = _BETWEEN.match(text, at)
        try:
            record, at = decoder.raw_decode(text, between.end() if between else at)
        except (ValueError, RecursionError):
            return
        if isinstance(record, dict):
            yield record


def _table(text: str, delimiter: str, whole: bool) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(max(_HEAD, csv.field_size_limit()))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    before: Mapping[str, Any] | None = None
    with suppress(csv.Error):
        for record in reader:
            if before is not None:
                yield before
            before = {str(k): v for k, v in record.items() if k is not None}
    # The last one may be cut.
    if whole and before is not None:
        yield before
