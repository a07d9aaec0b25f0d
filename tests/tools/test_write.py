from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.read import READ
from ml_intern.tools.files.write import WRITE, WriteArgs, write
from ml_intern.tools.spec import ToolContext, ToolResult

Call = Callable[..., Awaitable[ToolResult]]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_new_file_and_its_folders(call: Call, ctx: ToolContext) -> None:
    result = await call(WRITE, path="a/b/c.txt", content="é\ntwo\n")
    path = ctx.cwd / "a/b/c.txt"
    assert path.read_bytes() == "é\ntwo\n".encode()
    assert result.text == f"Created {path}: 2 lines, 7 bytes."
    assert names(path.parent) == ["c.txt"]


async def test_a_new_file_has_the_mode_the_umask_leaves(call: Call, ctx: ToolContext) -> None:
    await call(WRITE, path="a", content="x")
    (ctx.cwd / "usual").touch()
    assert mode(ctx.cwd / "a") == mode(ctx.cwd / "usual") != 0o600


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_what_was_written_may_be_written_again(call: Call, ctx: ToolContext) -> None:
    await call(WRITE, path="a", content="one\n")
    result = await call(WRITE, path="a", content="two\n")
    assert result.text.startswith("Replaced ")
    assert (ctx.cwd / "a").read_text() == "two\n"


async def test_a_file_nobody_read_is_not_replaced(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "a"
    path.write_text("precious")
    with pytest.raises(ToolError, match=r"has not been read in this session\. Read it first"):
        await call(WRITE, path="a", content="new")
    assert path.read_text() == "precious"
    await call(READ, path="a")
    await call(WRITE, path="a", content="new")
    assert path.read_text() == "new"


async def test_a_failed_read_does_not_unlock_replacing(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "a"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0")
    with pytest.raises(ToolError, match="PNG"):
        await call(READ, path="a")
    with pytest.raises(ToolError, match=r"is a PNG image\. If it is really to be replaced"):
        await call(WRITE, path="a", content="new")
    assert path.read_bytes() == b"\x89PNG\r\n\x1a\n\0"


async def test_a_file_that_changed_since_is_not_replaced(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "a"
    path.write_text("one")
    await call(READ, path="a")
    path.write_text("two")
    with pytest.raises(ToolError, match=r"changed on disk since it was last read\. Read it again"):
        await call(WRITE, path="a", content="new")
    assert path.read_text() == "two"
    await call(READ, path="a")
    await call(WRITE, path="a", content="new")


async def test_the_same_content_is_unchanged_even_if_unseen(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "a"
    await call(WRITE, path="a", content="x\n")
    before = path.stat()
    ctx.seen.clear()
    result = await call(WRITE, path="a", content="x\n")
    assert result.text == f"Unchanged: {path} already has exactly this content."
    assert path.stat().st_ino == before.st_ino
    assert path in ctx.seen


async def test_mode_is_kept(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "run.sh"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o754)
    await call(READ, path="run.sh")
    await call(WRITE, path="run.sh", content="#!/bin/sh\necho\n")
    assert mode(path) == 0o754


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
async def test_owner_is_kept(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "a"
    path.write_text("x")
    os.chown(path, 12345, 54321)
    await call(READ, path="a")
    await call(WRITE, path="a", content="y")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


async def test_a_link_stays_a_link(call: Call, ctx: ToolContext) -> None:
    target, link = ctx.cwd / "target", ctx.cwd / "link"
    target.write_text("old")
    link.symlink_to("target")
    await call(READ, path="target")
    await call(WRITE, path="link", content="new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    (ctx.cwd / "dangling").symlink_to("made")
    await call(WRITE, path="dangling", content="x")
    assert (ctx.cwd / "made").read_text() == "x"


@pytest.mark.parametrize(
    ("old", "content", "new"),
    [
        (b"a\r\nb\r\n", "c\nd\n", b"c\r\nd\r\n"),
        (b"a\r\nb\r\n", "c\r\nd\n", b"c\r\nd\n"),
        (b"a\r\nb\n", "c\nd\n", b"c\nd\n"),
        (b"a\nb\n", "c\r\nd\r\n", b"c\r\nd\r\n"),
        (b"\xef\xbb\xbfa\n", "b\n", b"\xef\xbb\xbfb\n"),
        (b"\xef\xbb\xbfa\r\n", "\ufeffb\n", b"\xef\xbb\xbfb\r\n"),
        ("\ufeffa\r\n".encode("utf-16-le"), "é\n", "\ufeffé\r\n".encode("utf-16-le")),
    ],
)
async def test_form_is_kept(
    call: Call, ctx: ToolContext, old: bytes, content: str, new: bytes
) -> None:
    path = ctx.cwd / "a"
    path.write_bytes(old)
    await call(READ, path="a")
    await call(WRITE, path="a", content=content)
    assert path.read_bytes() == new


@pytest.mark.parametrize("content", ["a\0b", "a\ud800b"])
async def test_content_that_is_no_text(call: Call, ctx: ToolContext, content: str) -> None:
    with pytest.raises(ToolError, match="`content` contains a NUL character or a lone surrogate"):
        await call(WRITE, path="a", content=content)
    assert names(ctx.cwd) == []


async def test_what_is_no_file_is_refused(call: Call, ctx: ToolContext) -> None:
    (ctx.cwd / "d").mkdir()
    (ctx.cwd / "f").write_text("")
    os.mkfifo(ctx.cwd / "p")
    for path, said in [
        ("d", "is a folder"),
        ("new/", "names a folder"),
        ("p", "named pipe"),
        ("/dev/null", "character device"),
        ("f/x", "a part of it before the last is a file"),
        ("x" * 256, "too long a name"),
        ("a\0", "NUL"),
    ]:
        with pytest.raises(ToolError, match=said):
            await call(WRITE, path=path, content="x")


async def test_a_read_only_file_is_left_alone(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "a"
    path.write_text("x")
    path.chmod(0o444)
    await call(READ, path="a")
    with pytest.raises(ToolError, match=r"is read-only \(mode 444\)"):
        await call(WRITE, path="a", content="y")
    assert path.read_text() == "x"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
async def test_no_space_left(call: Call, ctx: ToolContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        # What a full disk says, from the kernel itself.
        with open("/dev/full", "wb", buffering=0) as device:  # noqa: PTH123
            device.write(b"x")

    path = ctx.cwd / "a"
    path.write_text("old")
    await call(READ, path="a")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ToolError, match="no space left on the device"):
        await call(WRITE, path="a", content="new")
    assert path.read_text() == "old"
    assert names(ctx.cwd) == ["a"]


async def test_cancelling_waits_until_the_file_is_whole(
    ctx: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    sync = os.fsync

    def slow(descriptor: int) -> None:
        begun.set()
        go.wait(10)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    task = asyncio.ensure_future(write(WriteArgs(path="a", content="new"), ctx))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(ctx.cwd) == ["a"]
    assert (ctx.cwd / "a").read_text() == "new"


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from ml_intern.tools.files.fingerprint import fingerprint
from ml_intern.tools.files.write import WriteArgs, write
from ml_intern.configs.settings import Settings
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolContext

folder = Path(sys.argv[1])
path = folder / "a"
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
ctx = ToolContext(call_id="1", cwd=folder, spill=folder, log=print, env={},
                  services=Services(Settings(model_name="openai/x"), {}),
                  seen={path: fingerprint(path)})
asyncio.run(write(WriteArgs(path="a", content="new" * 100_000), ctx))
"""


def test_killed_in_the_middle_the_old_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    child = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert child.returncode == -9
    assert (tmp_path / "a").read_text() == "old"


async def test_readers_see_the_old_or_the_new(call: Call, ctx: ToolContext) -> None:
    path = ctx.cwd / "a"
    contents = [letter * 300_000 for letter in "abcdefgh"]
    await call(WRITE, path="a", content=contents[0])
    found: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            found.add(path.read_text())

    watching = asyncio.ensure_future(asyncio.to_thread(watch))
    for content in contents:
        await call(WRITE, path="a", content=content)
    stop.set()
    await watching
    assert found
    assert found <= set(contents)


async def test_python_that_does_not_parse_gets_a_word_of_advice(
    call: Call, ctx: ToolContext
) -> None:
    result = await call(WRITE, path="a.py", content="def f(:\n    pass\n")
    assert result.ok
    assert "Note: this is not valid Python" in result.text
    assert "line 1, column 7" in result.text
    for fine in ("x = '\\d' is 3\n", "\ufeffx = 1\n", ""):
        result = await call(WRITE, path="a.py", content=fine)
        assert "Note" not in result.text
    assert "Note" in (await call(WRITE, path="b.py", content="-" * 200_000 + "1")).text
    assert "Note" not in (await call(WRITE, path="a.txt", content="def f(:")).text
    assert names(ctx.cwd) == ["a.py", "a.txt", "b.py"]
