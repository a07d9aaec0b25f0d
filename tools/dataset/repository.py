"""The dataset's repository on the Hub: whether it is there, for whom, and its data files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.client import Hub

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CONVERTED = "refs/convert/parquet"
"""The revision that the Hub keeps parquet copies at, as config/split/0000.parquet."""
_SECONDS = 20.0
_LISTED = 2_000
"""Entries of a repository that are looked at."""
KINDS = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv", ".json")
"""Files that can be read in part, those that say most about themselves first."""
_NO_DATA = frozenset({"dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json"})


@dataclass(frozen=True, slots=True)
class Repository:
    """What the Hub says of a dataset to the user's token."""

    name: str
    """As it is called now; renamed ones are found by their old names."""
    private: bool
    gated: str
    """`auto`, `manual`, or "" if it is not."""
    license: str
    downloads: int | None
    updated: str
    """A day; "" if unknown."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        parts = [
            "private" if self.private else "public",
            f"gated ({self.gated}), and the token has access" if self.gated else "not gated",
            f"license {self.license or 'not stated'}",
            *([f"downloads last month {self.downloads:,}"] if self.downloads is not None else []),
            *([f"updated {self.updated}"] if self.updated else []),
        ]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with rows."""

    path: str
    size: int
    revision: str = "main"

    @property
    def kind(self) -> str:
        """Its ending, as in `KINDS`."""
        return next(kind for kind in KINDS if self.path.lower().endswith(kind))


async def repository(hub: Hub, dataset: str) -> Repository:
    """The repository, if the token may read its files.

    Raises:
        HubError: it is missing, private, gated, or the Hub does not answer; the words say which.
    """
    what = f"the dataset {dataset}"
    info: Any = await hub.read(what, lambda api: api.dataset_info(dataset), _SECONDS)
    if info.gated:
        await hub.read(what, lambda api: api.auth_check(dataset, repo_type="dataset"), _SECONDS)
    card, updated = info.card_data, info.last_modified
    terms = card.get("license") if card else None
    return Repository(
        name=info.id if isinstance(info.id, str) else dataset,
        private=bool(info.private),
        gated=str(info.gated) if info.gated else "",
        license=", ".join(map(str, terms)) if isinstance(terms, list) else str(terms or ""),
        downloads=info.downloads if isinstance(info.downloads, int) else None,
        updated=f"{updated:%Y-%m-%d}" if updated else "",
    )


def listed(api: HfApi, dataset: str, revision: str) -> list[DataFile]:
    """The data files at a revision, none if there is no such revision. Blocks."""
    from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

    try:
        tree = api.list_repo_tree(dataset, repo_type="dataset", revision=revision, recursive=True)
        entries = list(islice(tree, _LISTED))
    except (RevisionNotFoundError, EntryNotFoundError):
        return []
    pairs = [(entry.path, getattr(entry, "size", None)) for entry in entries]
    return [DataFile(p, s, revision) for p, s in pairs if isinstance(s, int) and _has_rows(p)]


def _has_rows(path: str) -> bool:
    return path.lower().endswith(KINDS) and path.rpartition("/")[2].lower() not in _NO_DATA


def of_copies(files: Iterable[DataFile], config: str | None, split: str | None) -> list[DataFile]:
    """The parquet copies of a config and split; the first there are, for what is not given.

    Raises:
        ToolError: there is no such config or split; those there are, are named.
    """
    found = [file for file in files if file.path.count("/") >= 2]
    for level, (what, name) in enumerate((("config", config), ("split", split))):
        names = list(dict.fromkeys(_folder(file, level) for file in found))
        if not names:
            return []
        usual = "default" if what == "config" else "train"
        chosen = name or (usual if usual in names else names[0])
        if chosen not in names:
            raise ToolError(f"There is no {what} {chosen!r}; there are: {', '.join(names[:50])}.")
        found = [file for file in found if _folder(file, level) == chosen]
    return sorted(found, key=lambda file: file.path)


def _folder(file: DataFile, level: int) -> str:
    # The copy of what is too large to be copied whole is called partial-train.
    return file.path.split("/")[level].removeprefix("partial-")


def of_split(
    files: Iterable[DataFile], config: str | None, split: str | None
) -> Sequence[DataFile]:
    """The files of a config and split, by their paths: of one kind, in order.

    A name that no path has is passed over: not every repository names its files by its splits.
    """
    found = sorted(files, key=lambda file: (KINDS.index(file.kind), file.path))
    for name in (config, split or "train"):
        found = [file for file in found if name and _named(file.path, name)] or found
    return [file for file in found if file.kind == found[0].kind]


def _named(path: str, name: str) -> bool:
    """Whether a folder, or the file, is called after `name`."""
    wanted = name.lower()
    return any(
        part.startswith((f"{wanted}-", f"{wanted}.", f"{wanted}_"))
        or wanted in (part, *re.split("[-_.]", part))
        for part in path.lower().split("/")
    )
