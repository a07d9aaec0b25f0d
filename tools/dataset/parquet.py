"""The first rows of a parquet file: its footer, and the beginnings of its first row groups."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

from ml_intern.tools.dataset.feature import UNKNOWN, Feature, features_of
from ml_intern.tools.dataset.sample import Row, Sample
from ml_intern.tools.dataset.source import Source, TooMuchError
from ml_intern.tools.errors import ToolError

_AT_ONCE = 10
"""Rows decoded at once: what is read before a limit is met is kept."""
_BUFFER = 1 << 20
"""Bytes fetched at once of each column; without it, whole columns of a row group are."""
_GROUPS = 4
_DECODED = 100_000_000
"""Bytes of values that are kept: a few bytes of a file can stand for any number of them."""
_NAMES = {"float": "float32", "double": "float64", "halffloat": "float16"}


def read_parquet(source: Source, limit: int) -> Sample:
    """The first `limit` rows, or as many as the source gives; pictures and sounds are left out.

    Blocks.

    Raises:
        ToolError: it is no parquet file, or not even its first rows can be had.
    """
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER)
        features = _features(file.schema_arrow)
        readable = [name for name, kind in features.items() if not kind.media]
        rows = _rows(file, readable, limit)
        return Sample(rows=rows, features=features, total=file.metadata.num_rows)
    except importlib.import_module("pyarrow").ArrowException as error:
        raise ToolError(f"The parquet file cannot be read: {str(error)[:200]}") from None


def _rows(file: Any, columns: list[str], limit: int) -> list[Row]:  # noqa: ANN401 - untyped
    rows: list[Row] = []
    room = _DECODED
    groups = list(range(min(_GROUPS, file.metadata.num_row_groups)))
    batches = file.iter_batches(batch_size=_AT_ONCE, row_groups=groups, columns=columns)
    while len(rows) < limit:
        try:
            batch = next(batches, None)
        except TooMuchError:
            if not rows:
                raise
            break
        if batch is None:
            break
        whole = batch.num_rows
        while batch.num_rows and batch.nbytes > room:
            batch = batch.slice(0, batch.num_rows // 2)
        room -= batch.nbytes
        rows += [Row(len(rows) + n, cells) for n, cells in enumerate(batch.to_pylist())]
        if batch.num_rows < whole:
            break
    return rows[:limit]


def _features(schema: Any) -> dict[str, Feature]:  # noqa: ANN401 - an arrow schema
    """What `datasets` wrote into the file, or what the columns are."""
    declared = _declared(schema.metadata or {})
    return {f.name: declared.get(f.name) or _feature(f.type) for f in schema}


def _declared(metadata: Mapping[bytes, bytes]) -> dict[str, Feature]:
    try:
        info = json.loads(metadata.get(b"huggingface", b"{}")).get("info")
    except (ValueError, AttributeError, RecursionError):
        return {}
    return features_of(info.get("features")) if isinstance(info, dict) else {}


def _feature(kind: Any, depth: int = 0) -> Feature:  # noqa: ANN401 - an arrow type
    types: Any = importlib.import_module("pyarrow.types")
    if depth > 20:
        return UNKNOWN
    if types.is_struct(kind):
        return Feature("struct", {f.name: _feature(f.type, depth + 1) for f in kind})
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return Feature("list", item=_feature(kind.value_type, depth + 1))
    if types.is_dictionary(kind):
        return _feature(kind.value_type, depth + 1)
    return Feature(_NAMES.get(str(kind), str(kind)))
