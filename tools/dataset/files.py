"""Rows straight from the files of a repository: only the parts of one file that are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ml_intern.tools.dataset.lines import read_text
from ml_intern.tools.dataset.parquet import read_parquet
from ml_intern.tools.dataset.repository import (
    CONVERTED,
    KINDS,
    DataFile,
    listed,
    of_copies,
    of_split,
)
from ml_intern.tools.dataset.sample import Sample
from ml_intern.tools.dataset.source import Metered, Source
from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.client import Hub

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ROWS = 300
"""Rows read at most."""
_MOST = 48_000_000
"""Bytes read at most of one file."""
_SECONDS = 45.0


class NoRowsError(ToolError):
    """There is no file to read rows from."""


async def from_files(hub: Hub, dataset: str, config: str | None, split: str | None) -> Sample:
    """The first rows of the first file of the split.

    Raises:
        ToolError: no file can be read in part, or the Hub refuses.
    """
    read = partial(_read, dataset=dataset, config=config, split=split)
    return await hub.read(f"the files of the dataset {dataset}", read, _SECONDS)


def _read(api: HfApi, dataset: str, config: str | None, split: str | None) -> Sample:
    """Blocks."""
    found = listed(api, dataset, CONVERTED)
    files: Sequence[DataFile] = of_copies(found, config, split)
    files = files or of_split(listed(api, dataset, "main"), config, split)
    if not files:
        kinds = ", ".join(KINDS)
        raise NoRowsError(f"The repository has no files that can be read in part ({kinds}).")
    try:
        sample = _read_file(_opened(api, dataset, files[0]), files[0])
    except FileNotFoundError:
        raise NoRowsError(f"{files[0].path} is no longer there.") from None
    return replace(sample, source=_told(sample, files), total=_total(sample, files))


def _read_file(source: Source, file: DataFile) -> Sample:
    read_rows = read_parquet if file.kind == ".parquet" else partial(read_text, file=file)
    return read_rows(source, limit=ROWS)


def _told(sample: Sample, files: Sequence[DataFile]) -> str:
    first = files[0]
    at = "" if first.revision == "main" else f" at revision {first.revision}"
    of = f", one of {len(files):,} such files" if len(files) > 1 else ""
    return f"the first {sample.size:,} rows of the file {first.path}{at}{of}"


def _total(sample: Sample, files: Sequence[DataFile]) -> int | None:
    return sample.total if len(files) == 1 else None


def _opened(api: HfApi, dataset: str, file: DataFile) -> Source:
    """The file by ranges; its size is known, so nothing is asked before the first of them."""
    from huggingface_hub import HfFileSystem

    system = HfFileSystem(endpoint=api.endpoint, token=api.token, skip_instance_cache=True)
    remote = system.open(
        f"datasets/{dataset}/{file.path}", "rb",
        revision=file.revision, size=file.size, cache_type="none",
    )  # fmt: skip
    return Metered(remote, _MOST)
