"""The Hub's dataset viewer, and the part of the Hub that holds datasets' repositories."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.site import Ask, Reply, Site

Rows = Sequence[Mapping[str, Any]]
CONVERTED = "refs/convert/parquet"
COMMIT = "0" * 40
NOT_THERE = (
    "The dataset does not exist, or is not accessible without authentication (private or gated). "
    "Please check the spelling of the dataset name or retry with authentication."
)
BUSY = "The server is busier than usual and the response is not ready yet. Please retry later."
_PAGED = {"dataset", "config", "split", "offset", "length"}


def refusal(status: int, code: str, message: str) -> Reply:
    """An error as the viewer words it."""
    return Reply(status=status, headers={"X-Error-Code": code}, body={"error": message})


@dataclass(kw_only=True)
class Dataset:
    """What both services know of one dataset."""

    features: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[tuple[str, str], Rows] = field(default_factory=dict)
    """Rows by config and split."""
    statistics: Sequence[Mapping[str, Any]] | None = None
    readers: frozenset[str] | None = None
    """Tokens that may read it; None for anyone."""
    gated: str | bool = False
    trouble: Reply | None = None
    """The viewer's answer to everything about it."""
    only_preview: bool = False
    partial: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By path, or by `revision:path`."""
    renamed: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    """More of what the Hub says of it."""


class Viewer(Site):
    """Answers of datasets-server; what it is not asked correctly it refuses."""

    def __init__(self, datasets: Mapping[str, Dataset]) -> None:
        super().__init__()
        self.datasets = datasets
        self.pages_that_fail: set[int] = set()
        """By their offset."""
        for path, handler, names in (
            ("is-valid", self._is_valid, {"dataset"}),
            ("splits", self._splits, {"dataset"}),
            ("size", self._size, {"dataset"}),
            ("info", self._info, {"dataset", "config"}),
            ("statistics", self._statistics, {"dataset", "config", "split"}),
            ("first-rows", self._first_rows, {"dataset", "config", "split"}),
            ("rows", self._rows, _PAGED),
            ("search", self._search, _PAGED | {"query"}),
            ("filter", self._filter, _PAGED | {"where"}),
        ):
            self.on(f"GET /{path}", self._checked(handler, names))

    def _checked(
        self, handler: Callable[[Dataset, Ask], Any], names: set[str]
    ) -> Callable[[Ask], Any]:
        def answer(ask: Ask) -> Any:
            if set(ask.query) != names:
                wrong = ", ".join(sorted(set(ask.query) ^ names))
                return refusal(422, "MissingRequiredParameter", f"Parameters are wrong: {wrong}")
            found = self.datasets.get(ask.query["dataset"])
            if not found or found.renamed or closed(found, ask):
                return refused_access(ask)
            return found.trouble or handler(found, ask)

        return answer

    def _is_valid(self, found: Dataset, _: Ask) -> Any:
        whole = bool(found.splits) and not found.only_preview
        return {"preview": bool(found.splits), "viewer": whole, "search": whole, "filter": whole,
                "statistics": found.statistics is not None}  # fmt: skip

    def _splits(self, found: Dataset, ask: Ask) -> Any:
        named = [{"dataset": ask.query["dataset"], "config": c, "split": s}
                 for c, s in found.splits]  # fmt: skip
        return {"splits": named, "pending": [], "failed": []}

    def _size(self, found: Dataset, _: Ask) -> Any:
        splits = [
            {"config": c, "split": s, "num_rows": len(rows), "num_columns": len(found.features),
             "num_bytes_parquet_files": 400 * len(rows), "num_bytes_memory": 900 * len(rows),
             "estimated_num_rows": 40 * len(rows) if found.partial else None}
            for (c, s), rows in found.splits.items()
        ]  # fmt: skip
        return {"size": {"splits": splits}, "pending": [], "failed": [], "partial": found.partial}

    def _info(self, found: Dataset, ask: Ask) -> Any:
        if ask.query["config"] not in {config for config, _ in found.splits}:
            return refusal(404, "ConfigNotFoundError", "The config does not exist.")
        return {"dataset_info": {"features": found.features}, "partial": found.partial}

    def _statistics(self, found: Dataset, ask: Ask) -> Any:
        rows = self._of(found, ask)
        if isinstance(rows, Reply) or found.statistics is None:
            return refusal(500, "ResponseNotReady", BUSY)
        return {"num_examples": len(rows), "statistics": found.statistics,
                "partial": found.partial}  # fmt: skip

    def _first_rows(self, found: Dataset, ask: Ask) -> Any:
        rows = self._of(found, ask)
        return rows if isinstance(rows, Reply) else self._page(found, list(enumerate(rows)), 0, 100)

    def _rows(self, found: Dataset, ask: Ask) -> Any:
        return self._paged(found, ask, lambda rows: list(enumerate(rows)))

    def _search(self, found: Dataset, ask: Ask) -> Any:
        words = ask.query["query"].lower().split()
        return self._paged(found, ask, lambda rows: [
            (n, row) for n, row in enumerate(rows) if any(w in str(row).lower() for w in words)
        ])  # fmt: skip

    def _filter(self, found: Dataset, ask: Ask) -> Any:
        try:
            return self._paged(found, ask, lambda rows: matching(rows, ask.query["where"]))
        except (sqlite3.Error, LookupError):
            return refusal(422, "InvalidParameter", "A query parameter is invalid")

    def _paged(self, found: Dataset, ask: Ask, narrow: Callable[[Rows], Any]) -> Any:
        offset, length = int(ask.query["offset"]), int(ask.query["length"])
        if not 0 <= length <= 100 or offset < 0:
            message = "Parameter 'length' must not be bigger than 100"
            return refusal(422, "InvalidParameter", message)
        if offset in self.pages_that_fail:
            return refusal(501, "TooBigContentError", "Rows are too big to be read.")
        if found.only_preview:
            return refusal(501, "SplitWithTooBigParquetError", "The parquet files are too big.")
        rows = self._of(found, ask)
        return rows if isinstance(rows, Reply) else self._page(found, narrow(rows), offset, length)

    def _of(self, found: Dataset, ask: Ask) -> Rows | Reply:
        rows = found.splits.get((ask.query["config"], ask.query["split"]))
        if rows is None:
            return refusal(404, "SplitNotFoundError", "The split does not exist.")
        return rows

    def _page(
        self,
        found: Dataset,
        rows: Sequence[tuple[int, Mapping[str, Any]]],
        offset: int,
        length: int,
    ) -> Any:
        features = [{"feature_idx": n, "name": name, "type": kind}
                    for n, (name, kind) in enumerate(found.features.items())]  # fmt: skip
        shown = [{"row_idx": n, "row": row, "truncated_cells": []}
                 for n, row in rows[offset : offset + length]]  # fmt: skip
        return {"features": features, "rows": shown, "num_rows_total": len(rows),
                "num_rows_per_page": 100, "partial": found.partial}  # fmt: skip


def matching(rows: Rows, where: str) -> list[tuple[int, Mapping[str, Any]]]:
    """The rows that meet a condition, whose columns must exist."""
    names = list(rows[0])
    if unknown := set(re.findall(r'"([^"]*)"', where)) - set(names):
        raise LookupError(unknown)
    with sqlite3.connect(":memory:") as db:
        columns = ", ".join(f'"{name}"' for name in names)
        db.execute(f"CREATE TABLE t (n, {columns})")
        for number, row in enumerate(rows):
            plain = [v if isinstance(v, str | int | float | None) else str(v) for v in row.values()]
            db.execute(f"INSERT INTO t VALUES ({','.join('?' * (len(names) + 1))})",
                       [number, *plain])  # fmt: skip
        found = db.execute(f"SELECT n FROM t WHERE {where} ORDER BY n").fetchall()
    db.close()
    return [(number, rows[number]) for (number,) in found]


def closed(found: Dataset, ask: Ask) -> bool:
    return found.readers is not None and ask.token not in found.readers


def refused_access(ask: Ask) -> Reply:
    """The viewer does not tell missing, private and gated datasets apart."""
    if ask.token:
        return refusal(404, "ExternalAuthenticatedError", NOT_THERE)
    return refusal(401, "ExternalUnauthenticatedError", NOT_THERE)


class DatasetHub(Site):
    """Repositories of datasets: what they are, who may read them, their files by ranges."""

    def __init__(self, datasets: Mapping[str, Dataset]) -> None:
        super().__init__()
        self.datasets = datasets
        self.sent = 0
        """Bytes of files that were sent."""
        start = "GET /api/datasets/{ns}/{name}"
        self.on(start, self._info)
        self.on(f"{start}/revision/{{rest+}}", self._info)
        self.on(f"{start}/auth-check", self._auth_check)
        self.on(f"{start}/tree/{{rest+}}", self._tree)
        self.on("GET /datasets/{ns}/{name}/resolve/{rest+}", self._resolve)

    def _found(self, ask: Ask) -> tuple[str, Dataset] | None:
        name = f"{ask.parts['ns']}/{ask.parts['name']}"
        found = self.datasets.get(name)
        if found and found.renamed:
            name, found = found.renamed, self.datasets[found.renamed]
        # What is gated is there for everyone to see, its files are not.
        return None if not found or (closed(found, ask) and not found.gated) else (name, found)

    def _info(self, ask: Ask) -> Any:
        if not (pair := self._found(ask)):
            return self._missing()
        name, found = pair
        return {"id": name, "private": found.readers is not None and not found.gated,
                "gated": found.gated, "tags": [], "downloads": 1234, "likes": 5, "sha": COMMIT,
                "lastModified": "2026-03-04T05:06:07.000Z", "siblings": [],
                "cardData": {"license": "apache-2.0"}, **found.info}  # fmt: skip

    def _auth_check(self, ask: Ask) -> Any:
        pair = self._found(ask)
        if pair and closed(pair[1], ask):
            message = "Access to this dataset is restricted."
            return Reply(status=403, headers={"X-Error-Code": "GatedRepo"}, body={"error": message})
        return {} if pair else self._missing()

    def _tree(self, ask: Ask) -> Any:
        if not (pair := self._found(ask)):
            return self._missing()
        files = self._files(pair[1], ask.parts["rest"])
        if ask.parts["rest"] != "main" and not files:
            body = {"error": "Invalid rev id"}
            return Reply(status=404, headers={"X-Error-Code": "RevisionNotFound"}, body=body)
        return [{"type": "file", "path": path, "size": len(data), "oid": COMMIT}
                for path, data in files.items()]  # fmt: skip

    def _files(self, found: Dataset, revision: str) -> dict[str, bytes]:
        pairs = [(path.rpartition(":"), data) for path, data in found.files.items()]
        return {path: data for (at, _, path), data in pairs if (at or "main") == revision}

    def _resolve(self, ask: Ask) -> Any:
        pair = self._found(ask)
        if not pair or closed(pair[1], ask):
            return self._missing()
        at = CONVERTED if ask.parts["rest"].startswith(CONVERTED) else "main"
        data = self._files(pair[1], at).get(ask.parts["rest"].removeprefix(f"{at}/"))
        if data is None:
            return Reply(status=404, headers={"X-Error-Code": "EntryNotFound"}, body={"error": ""})
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", ask.headers.get("range", ""))
        if wanted:
            first, last = int(wanted[1]), int(wanted[2])
            data = data[first : last + 1]
        self.sent += len(data)
        return Reply(status=206 if wanted else 200, body=data)

    def _missing(self) -> Reply:
        body = {"error": "Repository not found"}
        return Reply(status=404, headers={"X-Error-Code": "RepoNotFound"}, body=body)
