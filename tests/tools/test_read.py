from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import sqlite3
import struct
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ml_intern.configs.text import storable
from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.fingerprint import fingerprint
from ml_intern.tools.files.read import CAP, READ
from ml_intern.tools.spec import ToolContext, ToolResult

Call = Callable[..., Awaitable[ToolResult]]
MB = 1024 * 1024


def put(ctx: ToolContext, name: str, content: str | bytes) -> Path:
    path = ctx.cwd / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Text


async def test_lines_are_numbered_and_counted(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a.py", "import os\n\nprint('é')\n")
    result = await call(READ, path="a.py")
    assert result == ToolResult(
        text="     1\timport os\n     2\t\n     3\tprint('é')\n[Lines 1-3 of 3; end of file.]"
    )


async def test_a_last_line_without_newline_counts(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "one\ntwo")
    assert (await call(READ, path="a")).text.startswith("     1\tone\n     2\ttwo\n[Lines 1-2 of 2")


async def test_a_range_says_how_to_read_on(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "".join(f"line {number}\n" for number in range(1, 101)))
    result = await call(READ, path="a", offset=10, limit=2)
    assert result.text == (
        "    10\tline 10\n    11\tline 11\n[Lines 10-11 of 100; read on with offset=12.]"
    )
    assert (await call(READ, path="a", offset=100)).text.endswith("100 of 100; end of file.]")
    with pytest.raises(ToolError, match="has 100 lines; there is no line 101"):
        await call(READ, path="a", offset=101)


async def test_two_thousand_lines_by_default(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "x\n" * 5000)
    result = await call(READ, path="a")
    assert result.text.endswith("[Lines 1-2000 of 5000; read on with offset=2001.]")


async def test_a_page_is_never_clipped_in_its_middle(call: Call, ctx: ToolContext) -> None:
    lines = [f"{number} " + "x" * 90 for number in range(1, 2001)]
    put(ctx, "a", "\n".join(lines) + "\n")
    seen: list[str] = []
    offset = 1
    while True:
        text = (await call(READ, path="a", offset=offset)).text
        assert len(text) <= CAP == READ.output_cap
        *numbered, foot = text.split("\n")
        seen += [line.split("\t", 1)[1] for line in numbered]
        if foot.endswith("end of file.]"):
            break
        offset = int(foot.rpartition("=")[2].rstrip(".]"))
    assert seen == lines


async def test_long_lines_are_cut_with_a_note(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "é" * 4000 + "\n" + "é" * 4001 + "\nshort\n")
    lines = (await call(READ, path="a")).text.split("\n")
    assert lines[0] == "     1\t" + "é" * 4000
    assert lines[1] == "     2\t" + "é" * 4000 + " [line cut: 8,002 bytes long]"
    assert lines[2] == "     3\tshort"


async def test_one_giant_line_is_read_in_flat_memory(call: Call, ctx: ToolContext) -> None:
    with (ctx.cwd / "a").open("wb") as file:
        for _ in range(200):
            file.write(b"x" * MB)
        file.write(b"\nend\n")
    before = resident_peak()
    result = await call(READ, path="a")
    assert resident_peak() - before < 50 * MB
    assert result.text == (
        "     1\t" + "x" * 4000 + " [line cut: 209,715,200 bytes long]\n"
        "     2\tend\n[Lines 1-2 of 2; end of file.]"
    )


async def test_a_range_deep_in_a_large_file(call: Call, ctx: ToolContext) -> None:
    line = b"%09d" + b" " * 90 + b"\n"
    with (ctx.cwd / "a").open("wb") as file:
        for start in range(0, 2_000_000, 100_000):
            file.write(b"".join(line % number for number in range(start, start + 100_000)))
    before = resident_peak()
    result = await call(READ, path="a", offset=1_900_001, limit=1)
    assert resident_peak() - before < 50 * MB
    assert result.text.startswith("1900001\t001900000")
    assert "of 2000000; read on with offset=1900002" in result.text


async def test_lines_far_behind_the_window_are_not_counted(call: Call, ctx: ToolContext) -> None:
    with (ctx.cwd / "a").open("wb") as file:
        file.write(b"one\ntwo\n")
        file.truncate(2**40)
    put(ctx, "b", "")
    with pytest.raises(ToolError, match="a binary file"):
        await call(READ, path="a")
    with (ctx.cwd / "a").open("r+b") as file:
        file.write(b"one\ntwo\n" + b"x" * 8192 + b"\n")
    result = await call(READ, path="a", limit=2)
    assert result.text.endswith("[Lines 1-2 of a very long file; read on with offset=3.]")


def resident_peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
async def test_byte_order_marks(call: Call, ctx: ToolContext, encoding: str) -> None:
    text = "\ufeffhé\nzwei\n" if encoding == "utf-16-be" else "hé\nzwei\n"
    put(ctx, "a", text.encode(encoding))
    assert (await call(READ, path="a")).text.startswith("     1\thé\n     2\tzwei\n[Lines 1-2 of 2")


async def test_line_ends_of_windows_are_not_shown(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "one\r\ntwo\r\n")
    assert (await call(READ, path="a")).text.startswith("     1\tone\n     2\ttwo\n")


async def test_bytes_that_are_not_utf8_are_written_out(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", b"caf\xe9\n")
    text = (await call(READ, path="a")).text
    assert text.startswith("     1\tcaf\\xe9\n")
    assert "Bytes that are not UTF-8 are shown as \\xNN." in text


async def test_characters_across_chunks_and_controls(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "x" + "é" * 1990 + "\n" + ("ü" * 999 + "\n") * 300 + "\x1b[31m\x07\n")
    text = (await call(READ, path="a", limit=1)).text
    assert "not UTF-8" not in text
    text = (await call(READ, path="a", offset=302)).text
    assert "\\x1b[31m\\x07" in text
    assert storable(text)


# What is no text


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02.")
    return data.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (x)")
        data: bytes = connection.serialize()
    connection.close()
    return data


HEADER = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (struct.pack("<Q", len(HEADER)) + HEADER + b"\0\0\0\0", "safetensors"),
        (b"PAR1\x15\x04\x15" + bytes(50) + b"PAR1", "Parquet"),
        (b"ARROW1\0\0" + bytes(50), "Arrow"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (b"\x93NUMPY\x01\0v\0{'descr': '<f4'}", "NumPy"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (zipped(), "ZIP"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc", "gzip"),
        (b"\x28\xb5\x2f\xfd\x04\x58", "Zstandard"),
        (database(), "SQLite"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        (b"\x80\x04\x95\x05\0\0\0\0\0\0\0K\x01.", "pickle"),
        (b"\x7fELF\x02\x01\x01", "ELF"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"text\0text", "a binary file of unknown format"),
        (bytes(range(1, 32)) * 4, "a binary file of unknown format"),
    ],
)
async def test_binary_files_are_named(
    call: Call, ctx: ToolContext, content: bytes, kind: str
) -> None:
    put(ctx, "a", content)
    with pytest.raises(ToolError, match=kind) as caught:
        await call(READ, path="a")
    assert f"{len(content):,} bytes, not text" in str(caught.value)
    assert ctx.seen == {}


@pytest.mark.parametrize("content", ["PAR1 is a park\n", "ORC\n", "ID3 tags\n", "MZ\n", "BZh\n"])
async def test_words_are_not_taken_for_formats(call: Call, ctx: ToolContext, content: str) -> None:
    put(ctx, "a", content)
    assert content.strip() in (await call(READ, path="a")).text


async def test_an_empty_file_is_said_to_be_empty(call: Call, ctx: ToolContext) -> None:
    path = put(ctx, "a", b"")
    assert (await call(READ, path="a")).text == "(empty file)"
    assert path in ctx.seen


async def test_a_folder_is_named(call: Call, ctx: ToolContext) -> None:
    (ctx.cwd / "d").mkdir()
    with pytest.raises(ToolError, match="is a folder"):
        await call(READ, path="d")


async def test_pipes_sockets_and_devices_are_not_opened(call: Call, ctx: ToolContext) -> None:
    os.mkfifo(ctx.cwd / "fifo")
    with pytest.raises(ToolError, match="named pipe"):
        await call(READ, path="fifo")
    with pytest.raises(ToolError, match="character device"):
        await call(READ, path="/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(ctx.cwd / "s"))
        with pytest.raises(ToolError, match="socket"):
            await call(READ, path="s")


async def test_a_missing_file_suggests_near_names(call: Call, ctx: ToolContext) -> None:
    put(ctx, "Train_Model.py", "x\n")
    with pytest.raises(ToolError, match=r"does not exist\. Did you mean .*/Train_Model\.py\?"):
        await call(READ, path="train_modle.py")
    with pytest.raises(ToolError, match="List its folder"):
        await call(READ, path="zzz")
    with pytest.raises(ToolError, match=r"Its folder .*/no does not exist either"):
        await call(READ, path="no/such")
    with pytest.raises(ToolError, match="a part of it before the last is a file"):
        await call(READ, path="Train_Model.py/x")


@pytest.mark.parametrize(
    ("path", "said"),
    [("", "empty"), ("a\0b", "NUL"), ("a\ud800", "surrogate"), ("x" * 300, "too long a name")],
)
async def test_impossible_paths(call: Call, path: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        await call(READ, path=path)


async def test_links_in_a_circle(call: Call, ctx: ToolContext) -> None:
    (ctx.cwd / "a").symlink_to("b")
    (ctx.cwd / "b").symlink_to("a")
    with pytest.raises(ToolError, match="leads to itself"):
        await call(READ, path="a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_forbidden_files(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "x").chmod(0)
    with pytest.raises(ToolError, match="permission denied"):
        await call(READ, path="a")


@pytest.mark.parametrize("wrong", [{"offset": 0}, {"limit": 0}, {"offset": "x"}, {"lines": 3}])
def test_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        READ.args.model_validate({"path": "a", **wrong})


# What was seen


async def test_the_state_seen_is_remembered_under_the_real_path(
    call: Call, ctx: ToolContext
) -> None:
    path = put(ctx, "a", "x\n")
    (ctx.cwd / "link").symlink_to("a")
    await call(READ, path="./link")
    assert ctx.seen == {path: hashlib.sha256(b"x\n").hexdigest()}


async def test_a_failed_read_is_not_seeing(call: Call, ctx: ToolContext) -> None:
    put(ctx, "a", "x\n")
    with pytest.raises(ToolError):
        await call(READ, path="a", offset=5)
    assert ctx.seen == {}


def test_small_files_are_told_apart_by_content(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"x")
    first = fingerprint(path)
    os.utime(path, ns=(1, 1))
    assert fingerprint(path) == first == hashlib.sha256(b"x").hexdigest()
    path.write_bytes(b"y")
    assert fingerprint(path) != first


def test_large_files_are_told_apart_by_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(11 * MB)
    first = fingerprint(path)
    assert fingerprint(path) == first
    os.utime(path, ns=(1, 1))
    assert fingerprint(path) != first


# Notebooks


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "words"]},
        {
            "cell_type": "code",
            "execution_count": 7,
            "source": "print('hi')\nplot()",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["hi\n", "y" * 5000]},
                {
                    "output_type": "display_data",
                    "data": {"image/png": "iVBOR" * 100, "text/plain": "<Figure>"},
                },
                {"output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m: bad"]},
            ],
        },
    ]
}


async def test_notebooks_are_shown_as_cells(call: Call, ctx: ToolContext) -> None:
    path = put(ctx, "a.ipynb", json.dumps(NOTEBOOK))
    text = (await call(READ, path="a.ipynb")).text
    plain = "\n".join(line.partition("\t")[2] for line in text.split("\n"))
    assert "--- cell 1: markdown ---\n# Title\nwords\n" in plain
    assert "--- cell 2: code, run as [7] ---\nprint('hi')\nplot()\n--- output:\nhi\nyyy" in plain
    assert "characters left out" in plain
    assert "<Figure>\n[image/png, 500 characters]" in plain
    assert "ValueError: bad" in plain
    assert "iVBOR" not in plain
    assert "the file is JSON" in text
    assert path in ctx.seen


@pytest.mark.parametrize("content", ["{broken", "[1]", '{"cells": 3}', "[" * 100_000])
async def test_what_is_no_notebook_is_shown_as_it_is(
    call: Call, ctx: ToolContext, content: str
) -> None:
    put(ctx, "a.ipynb", content)
    assert (await call(READ, path="a.ipynb")).text.startswith(f"     1\t{content[:4000]}")


@pytest.mark.parametrize(
    "cell", [1, {}, {"outputs": 3}, {"source": None, "outputs": [{"data": 3}, {}, "x"]}]
)
async def test_odd_cells_do_no_harm(call: Call, ctx: ToolContext, cell: Any) -> None:
    put(ctx, "a.ipynb", json.dumps({"cells": [cell]}))
    assert "1 cells" in (await call(READ, path="a.ipynb")).text
