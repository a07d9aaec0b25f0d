"""Rows from the files where the viewer has none: parts of one file, never all of a large one."""

from __future__ import annotations

import io
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from emulators.site import Reply
from emulators.viewer import BUSY, CONVERTED, Dataset, DatasetHub, Viewer, refusal
from emulators.viewer_datasets import CHAT, chat_row, jsonl, parquet
from ml_intern.tools.dataset.inspection import INSPECT_DATASET
from ml_intern.tools.dataset.parquet import read_parquet
from ml_intern.tools.dataset.repository import DataFile, of_split
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolResult

Call = Callable[..., Awaitable[ToolResult]]
Golden = Callable[[str, str], None]
NOT_READY = refusal(500, "ResponseNotReady", BUSY)
ROWS = [chat_row(n) for n in range(400)]


@pytest.fixture
def files(datasets: dict[str, Dataset]) -> dict[str, bytes]:
    """Files of acme/new, which the viewer has not computed yet."""
    found: dict[str, bytes] = {}
    datasets["acme/new"] = Dataset(trouble=NOT_READY, files=found)
    return found


async def look(call: Call, **args: Any) -> str:
    return (await call(INSPECT_DATASET, dataset="acme/new", **args)).text


async def refused(call: Call, **args: Any) -> str:
    with pytest.raises(ToolError) as caught:
        await look(call, **args)
    return str(caught.value)


def converted(**rows: Any) -> dict[str, bytes]:
    """Parquet copies by config__split."""
    names = {name: name.replace("__", "/") for name in rows}
    return {f"{CONVERTED}:{names[n]}/0000.parquet": parquet(r) for n, r in rows.items()}


async def test_a_report_from_the_parquet_copies(
    call: Call, files: dict[str, bytes], golden: Golden
) -> None:
    files |= converted(default__train=ROWS, default__test=ROWS[:5])
    golden("hub/dataset_report_files.txt", await look(call, sample_rows=1))


async def test_a_report_from_json_lines(call: Call, files: dict[str, bytes]) -> None:
    files["data/train.jsonl"] = jsonl(ROWS)
    text = await look(call)
    assert "(the first 300 rows of the file data/train.jsonl, for the viewer has none)" in text
    assert "- SFT: fits as it is. Conversations in `messages`." in text


async def test_rows_from_the_files(call: Call, files: dict[str, bytes]) -> None:
    files |= converted(default__train=ROWS)
    text = await look(call, view="rows", offset=298, limit=5)
    assert "2 of 400 rows, from offset 298; from the first 300 rows of the file" in text
    assert "No more rows" not in text
    assert "offset=300" in text
    assert "still computing" in text
    assert 'id: "row-299"' in text
    said = await refused(call, view="rows", offset=300)
    assert "streaming=True).skip(300)` reads on" in said


async def test_a_search_needs_the_viewer(call: Call, files: dict[str, bytes]) -> None:
    files |= converted(default__train=ROWS)
    assert "Without the viewer nothing can be searched" in await refused(call, query="x")


async def test_a_large_file_is_read_in_part(
    call: Call, files: dict[str, bytes], hub: DatasetHub
) -> None:
    words = random.Random(1)
    rows = [{"text": words.randbytes(400).hex(), "other": words.randbytes(400).hex()}
            for _ in range(30_000)]  # fmt: skip
    data = parquet(rows, row_group_size=30_000, compression="none", use_dictionary=False)
    files["train.parquet"] = data
    text = await look(call)
    assert "the first 300 rows of the file train.parquet" in text
    assert "300 rows of 30,000" in text
    assert hub.sent < 6_000_000 < 40_000_000 < len(data)
    ranges = [ask.headers["range"] for ask in hub.ledger if "/resolve/" in ask.path]
    assert len(ranges) < 10
    assert all(ranges)


def test_values_that_are_large_only_once_decoded_are_not_all_kept() -> None:
    data = parquet([{"text": "x" * 1_000_000}] * 300)
    assert len(data) < 2_000_000
    found = read_parquet(io.BytesIO(data), limit=300)
    assert 50 < found.size < 120
    assert found.total == 300
    data = parquet([{"text": "x" * 30_000_000}] * 5)
    assert read_parquet(io.BytesIO(data), limit=300).size == 2


async def test_pictures_in_parquet_are_not_read(
    call: Call, files: dict[str, bytes], hub: DatasetHub
) -> None:
    rows = [{"image": {"bytes": bytes(50_000), "path": f"{n}.png"}, "label": n} for n in range(100)]
    files["train.parquet"] = parquet(rows, compression="none", use_dictionary=False)
    text = await look(call)
    assert "- image: {bytes: binary, path: string}" in text
    assert "  label: 0" in text
    assert hub.sent < 500_000 < 4_000_000 < len(files["train.parquet"])


async def test_a_row_larger_than_what_is_read_is_told(
    call: Call, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_intern.tools.dataset.files._MOST", 100_000)
    rows = [{"text": "x" * 500_000}] * 3
    files["train.parquet"] = parquet(rows, compression="none", use_dictionary=False)
    assert "larger than what is read of a file" in await refused(call)


async def test_the_first_megabyte_of_a_text_is_read_and_no_more(
    call: Call, files: dict[str, bytes], hub: DatasetHub
) -> None:
    files["train.jsonl"] = jsonl([{"text": "ä" * 40_000, "n": n} for n in range(100)])
    text = await look(call)
    assert "Sample: 4 rows of an unknown number (the first 4 rows of the file" in text
    assert hub.sent == 1_000_000


RECORDS = {
    "a.csv": b'\xef\xbb\xbfprompt,completion\r\n"q, ""x""\nmore",a\r\nq2,\r\n',
    "a.tsv": b'prompt\tcompletion\n"q, ""x""\nmore"\ta\nq2\t\n',
    "a.json": b'[{"prompt": "q, \\"x\\"\\nmore", "completion": "a"},\n 5, {"prompt": "q2"}]',
    "a.jsonl": b'{"prompt": "q, \\"x\\"\\nmore", "completion": "a"}\nnone\n\n{"prompt": "q2"}\n',
}


@pytest.mark.parametrize("name", RECORDS)
async def test_texts_of_each_kind_are_read(call: Call, files: dict[str, bytes], name: str) -> None:
    files[name] = RECORDS[name]
    text = await look(call)
    assert "2 rows of 2" in text
    assert r'prompt: "q, \"x\"\nmore"' in text
    assert "- SFT: fits as it is. `prompt` and `completion`, text." in text
    assert "1 of 2 (50.0%): `completion` is missing or empty" in text


async def test_a_csv_that_is_cut_loses_its_last_row(call: Call, files: dict[str, bytes]) -> None:
    files["train.csv"] = b"n,text\n" + b"".join(b"%d,%s\n" % (n, b"x" * 300_000) for n in range(9))
    assert "the first 3 rows of the file train.csv" in await look(call)


async def test_names_of_configs_and_splits_choose_the_copy(
    call: Call, files: dict[str, bytes]
) -> None:
    files |= converted(en__train=ROWS[:3], en__test=ROWS[3:5], fr__train=ROWS[5:9])
    text = await look(call, config="fr")
    assert "# Dataset acme/new, config fr\n" in text
    assert "the file fr/train/0000.parquet at revision refs/convert/parquet" in text
    assert "4 rows of 4" in text
    assert "There is no config 'de'; there are: en, fr." in await refused(call, config="de")
    said = await refused(call, config="fr", split="test", view="rows")
    assert "There is no split 'test'; there are: train." in said


@pytest.mark.parametrize(
    ("paths", "split", "chosen"),
    [
        (["data/test-0.parquet", "data/train-1.parquet", "data/train-0.parquet"], None,
         ["data/train-0.parquet", "data/train-1.parquet"]),
        (["test.jsonl", "my_train.csv", "train.jsonl"], "test", ["test.jsonl"]),
        (["b.jsonl", "a.jsonl", "c.parquet"], None, ["c.parquet"]),
        (["b.jsonl", "a.jsonl"], "dev", ["a.jsonl", "b.jsonl"]),
        (["restrained.csv", "Train/x.csv"], None, ["Train/x.csv"]),
    ],
)  # fmt: skip
def test_files_of_a_split_are_known_by_their_names(
    paths: list[str], split: str | None, chosen: list[str]
) -> None:
    found = of_split([DataFile(path, 1) for path in paths], None, split)
    assert [file.path for file in found] == chosen


BROKEN: dict[str, tuple[Mapping[str, bytes], str]] = {
    "no parquet": ({"train.parquet": b"PAR1 nonsense PAR1"}, "The parquet file cannot be read"),
    "empty": ({"train.jsonl": b""}, "train.jsonl has no rows"),
    "binary": ({"train.jsonl": bytes(range(256)) * 9}, "train.jsonl has no rows"),
    "deep": ({"train.jsonl": b"[" * 100_000}, "train.jsonl has no rows"),
    "only pictures": ({"a.png": b"x", "dataset_infos.json": b"{}"}, "no files that can be read"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_files_are_told(call: Call, files: dict[str, bytes], name: str) -> None:
    found, words = BROKEN[name]
    files |= found
    said = await refused(call)
    assert words in said
    assert "still computing" in said


async def test_a_file_that_is_gone_or_refused_is_told(
    call: Call, files: dict[str, bytes], hub: DatasetHub
) -> None:
    files["train.jsonl"] = jsonl(ROWS)
    gone = Reply(status=404, headers={"X-Error-Code": "EntryNotFound"}, body={"error": "gone"})
    hub.fail("/resolve/", gone)
    assert "has no such file" in await refused(call)
    hub.fail("/resolve/", Reply(status=403, body={"error": "no"}))
    assert "the token does not allow it" in await refused(call)


async def test_what_the_viewer_knows_is_reported_even_if_no_rows_can_be_had(
    call: Call, datasets: dict[str, Dataset], viewer: Viewer
) -> None:
    datasets["acme/new"] = replace(CHAT, only_preview=True)
    viewer.fail("/first-rows", refusal(501, "TooBigContentError", "x"))
    text = await look(call)
    assert "Sample: 0 rows of 430 (none)" in text
    assert "too big for the viewer" in text
    assert "And of its files: The repository has no files" in text
    assert "## Statistics of 430 rows" in text
    assert "- SFT: fits as it is." in text
