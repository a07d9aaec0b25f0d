from __future__ import annotations

import asyncio
import json
import stat
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.configs.settings import Settings
from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.edit import EDIT, EditArgs, Mode, edit
from ml_intern.tools.files.match import occurrences
from ml_intern.tools.files.read import READ
from ml_intern.tools.files.write import WRITE
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolContext, ToolResult

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def file(ctx: ToolContext) -> Path:
    return ctx.cwd / "a.txt"


# The change


async def test_the_place_meant_is_replaced_and_shown(call: Call, file: Path) -> None:
    file.write_text("".join(f"line {number}\n" for number in range(1, 21)))
    result = await call(EDIT, path="a.txt", old_str="line 10\n", new_str="ten\nand a half\n")
    assert file.read_text() == "".join(
        "ten\nand a half\n" if number == 10 else f"line {number}\n" for number in range(1, 21)
    )
    assert result.text == (
        f"Changed {file} in 1 place:\n"
        "@@ -7,7 +7,8 @@\n line 7\n line 8\n line 9\n-line 10\n+ten\n+and a half\n"
        " line 11\n line 12\n line 13"
    )


@pytest.mark.parametrize(
    ("mode", "after"),
    [("replace", "a[X]c"), ("append_after", "ab[X]c"), ("prepend_before", "a[X]bc")],
)
async def test_modes(call: Call, file: Path, mode: Mode, after: str) -> None:
    file.write_text("abc")
    await call(EDIT, path="a.txt", old_str="b", new_str="[X]", mode=mode)
    assert file.read_text() == after


@pytest.mark.parametrize("mode", ["replace", "append_after", "prepend_before"])
async def test_several_places_need_replace_all(call: Call, file: Path, mode: Mode) -> None:
    file.write_text("x = 1\ny = 2\nx = 1\n")
    with pytest.raises(ToolError, match=r"occurs 2 times in .*, at lines 1, 3\."):
        await call(EDIT, path="a.txt", old_str="x = 1", new_str="z", mode=mode)
    assert file.read_text() == "x = 1\ny = 2\nx = 1\n"
    result = await call(
        EDIT, path="a.txt", old_str="x = 1", new_str="z", mode=mode, replace_all=True
    )
    assert "in 2 places" in result.text
    put = {"replace": "z", "append_after": "x = 1z", "prepend_before": "zx = 1"}[mode]
    assert file.read_text() == f"{put}\ny = 2\n{put}\n"


async def test_overlapping_places_are_two(call: Call, file: Path) -> None:
    file.write_text("aaa")
    with pytest.raises(ToolError, match="occurs 2 times"):
        await call(EDIT, path="a.txt", old_str="aa", new_str="b")


async def test_counting_places_stops_somewhere(call: Call, file: Path) -> None:
    file.write_text(" " * 10**6)
    with pytest.raises(ToolError, match="occurs over 1000 times"):
        await call(EDIT, path="a.txt", old_str=" ", new_str="b")


async def test_part_of_a_line_leaves_its_rest(call: Call, file: Path) -> None:
    file.write_text("    a = “hi” + keep_me()  \n")
    with pytest.raises(ToolError, match="differ from it only in quotes"):
        await call(EDIT, path="a.txt", old_str='a = "hi"', new_str='a = "yo"')
    await call(EDIT, path="a.txt", old_str="a = “hi”", new_str='a = "yo"')
    assert file.read_text() == '    a = "yo" + keep_me()  \n'


async def test_indentation_is_never_guessed(call: Call, file: Path) -> None:
    file.write_text("    if x:\n        go()\n")
    with pytest.raises(ToolError, match="only in indentation"):
        await call(EDIT, path="a.txt", old_str="if x:\n    go()", new_str="if y:\n    go()")
    assert file.read_text() == "    if x:\n        go()\n"


# Line endings, encodings, modes


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"a\r\nb\r\nc\r\n", "a\nb", "x\ny", b"x\r\ny\r\nc\r\n"),
        (b"a\r\nb\r\n", "b", "x\ny", b"a\r\nx\r\ny\r\n"),
        (b"a\r\nb", "b", "x\ny", b"a\r\nx\r\ny"),
        (b"a\r\nb\r\n", "\nb", "\nc", b"a\r\nc\r\n"),
        (b"a\r\nb\r\n", "a\n", "", b"b\r\n"),
        (b"a\nb\r\nc\nd\r\n", "c\n", "x\ny\n", b"a\nb\r\nx\ny\nd\r\n"),
        (b"a\nb\r\nc\nd\r\n", "b\n", "x\ny\n", b"a\nx\r\ny\r\nc\nd\r\n"),
        (b"a\nb\n", "a", "x\r\ny", b"x\r\ny\nb\n"),
        (b"\xef\xbb\xbfa\nb", "a", "x", b"\xef\xbb\xbfx\nb"),
        (b"caf\xe9 \xff\nb\n", "b", "x", b"caf\xe9 \xff\nx\n"),
        ("\ufeffa\r\né".encode("utf-16-le"), "é", "ü", "\ufeffa\r\nü".encode("utf-16-le")),
        ("\ufeffa\né".encode("utf-16-be"), "a\n", "", "\ufeffé".encode("utf-16-be")),
    ],
)
async def test_every_other_byte_stays(
    call: Call, file: Path, before: bytes, old: str, new: str, after: bytes
) -> None:
    file.write_bytes(before)
    await call(EDIT, path="a.txt", old_str=old, new_str=new)
    assert file.read_bytes() == after


async def test_half_a_line_end_is_never_taken(call: Call, file: Path) -> None:
    file.write_bytes(b"a\r\nb")
    await call(EDIT, path="a.txt", old_str="\n", new_str=" ")
    assert file.read_bytes() == b"a b"


async def test_damaged_utf16_is_not_touched(call: Call, file: Path) -> None:
    file.write_bytes("\ufeffab".encode("utf-16-le") + b"\0")
    with pytest.raises(ToolError, match="says it is utf-16-le but is not valid"):
        await call(EDIT, path="a.txt", old_str="a", new_str="x")


async def test_mode_and_link_stay(call: Call, ctx: ToolContext, file: Path) -> None:
    file.write_text("echo a\n")
    file.chmod(0o755)
    (ctx.cwd / "link").symlink_to(file)
    await call(EDIT, path="link", old_str="a", new_str="b")
    assert (ctx.cwd / "link").is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o755
    assert file.read_text() == "echo b\n"


LETTERS = st.sampled_from(["a", "b", " ", "\t", "\n", "\r\n", "\r", "é", "“", "\udcff"])
PIECES = st.lists(LETTERS, max_size=25).map("".join)


@given(PIECES, st.lists(LETTERS, min_size=1, max_size=4).map("".join), PIECES)
def test_nothing_is_lost_or_indented(text: str, old: str, new: str) -> None:
    if "\udcff" in old + new or old == new:
        return
    raw = text.encode("utf-8", "surrogateescape")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.txt").resolve()
        path.write_bytes(raw)
        ctx = ToolContext(
            call_id="1",
            cwd=path.parent,
            spill=path.parent / "s",
            log=print,
            env={},
            seen={},
            services=Services(Settings(model_name="openai/x"), {}),
        )
        try:
            asyncio.run(edit(EditArgs(path="a.txt", old_str=old, new_str=new), ctx))
        except ToolError:
            assert path.read_bytes() == raw
            # An exact place that is the only one, in any spelling of line ends, is never refused.
            assert len(list(occurrences(text, old, overlapping=True))) != 1
            return
        [span] = occurrences(text, old, overlapping=True)
        after = path.read_bytes().decode("utf-8", "surrogateescape")
    assert text[span.start : span.end].replace("\r\n", "\n") == old.replace("\r\n", "\n")
    middle = after[span.start : len(after) - (len(text) - span.end)]
    assert after == text[: span.start] + middle + text[span.end :]
    assert middle == new or ("\r" not in new and middle == new.replace("\n", "\r\n"))


@given(PIECES, st.lists(LETTERS, min_size=1, max_size=4).map("".join))
def test_exact_places_are_all_found(text: str, old: str) -> None:
    spans = {span.start for span in occurrences(text, old, overlapping=True)}
    for start in range(len(text)):
        splits_a_line_end = old[0] == "\n" and text[start - 1 : start] == "\r"
        if text.startswith(old, start) and ("\r" in old or not splits_a_line_end):
            assert start in spans


# Refusals


async def refusal(call: Call, **args: object) -> str:
    with pytest.raises(ToolError) as caught:
        await call(EDIT, path="a.txt", **args)
    return str(caught.value)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"old_str": "", "new_str": "x"}, "`old_str` is empty"),
        ({"old_str": "a", "new_str": "a"}, "are the same"),
        ({"old_str": "a", "new_str": "", "mode": "append_after"}, "`new_str` is empty"),
        ({"old_str": "a\0", "new_str": "b"}, "`old_str` contains a NUL"),
        ({"old_str": "a", "new_str": "\ud800"}, "`new_str` contains a NUL character or a lone"),
    ],
)
async def test_senseless_calls(call: Call, file: Path, args: dict[str, str], said: str) -> None:
    file.write_text("a")
    assert said in await refusal(call, **args)
    assert file.read_text() == "a"


@pytest.mark.parametrize(
    ("text", "old", "said"),
    [
        ("def f():\n\treturn 1\n", "def f():\n    return 1\n", "only in indentation"),
        ("a  \nb\n", "a\nb", "only in white space at line ends"),
        ("x  =  1\n", "x = 1", "only in white space"),
        ("say “hi”\n", 'say "hi"', "only in quotes, dashes"),
        ("Learning_Rate = 1\n", "learning_rate = 1", "only in upper and lower case"),
        ("one\ntwo\n", "     1\tone\n     2\ttwo", "carries the line numbers"),
        ("alpha = 1\nbeta = 22\n", "beta = 23\n", "closest place is:\n     2\tbeta = 22"),
        ("alpha\n", "zzzz", "Nothing like it"),
        ("", "x", "Nothing like it"),
    ],
)
async def test_what_is_not_there_is_explained(
    call: Call, file: Path, text: str, old: str, said: str
) -> None:
    file.write_text(text)
    assert said in await refusal(call, old_str=old, new_str="new")
    assert file.read_text() == text


async def test_explaining_takes_bounded_time(call: Call, file: Path) -> None:
    file.write_text(
        "".join(f"value_{number} = compute({number}, other)\n" for number in range(10**5))
    )
    start = time.monotonic()
    said = await refusal(call, old_str="value_5 = compute(5, othr)\n" * 40, new_str="x")
    assert time.monotonic() - start < 10
    assert len(said) < 5000


async def test_files_that_cannot_be_edited(call: Call, ctx: ToolContext) -> None:
    (ctx.cwd / "d").mkdir()
    (ctx.cwd / "png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    (ctx.cwd / "locked").write_text("x")
    (ctx.cwd / "locked").chmod(0o400)
    with (ctx.cwd / "huge").open("wb") as huge:
        huge.truncate(65 * 1024 * 1024)
    for path, said in [
        ("none", "does not exist"),
        ("d", "is a folder"),
        ("png", "PNG image"),
        ("locked", "is read-only|permission denied"),
        ("huge", "stream editor"),
        ("/dev/null", "character device"),
        ("a\0", "NUL"),
        ("\ud800", "surrogate"),
    ]:
        if path == "locked":
            (ctx.cwd / path).chmod(0o444)
        with pytest.raises(ToolError, match=said):
            await call(EDIT, path=path, old_str="x", new_str="y")


async def test_notebooks_are_said_to_be_json(call: Call, ctx: ToolContext) -> None:
    cell = {"cell_type": "code", "source": ["x = 1\n", "y = 2"], "outputs": []}
    (ctx.cwd / "n.ipynb").write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(ToolError, match="A notebook is JSON"):
        await call(EDIT, path="n.ipynb", old_str="x = 1\ny = 2", new_str="z")


# What was seen


async def test_a_file_that_changed_since_it_was_read(call: Call, file: Path) -> None:
    file.write_text("a b")
    await call(READ, path="a.txt")
    file.write_text("a c")
    assert "changed on disk since" in await refusal(call, old_str="a", new_str="x")
    assert file.read_text() == "a c"


async def test_edits_follow_one_another(call: Call, ctx: ToolContext, file: Path) -> None:
    file.write_text("a b c")
    await call(READ, path="a.txt")
    await call(EDIT, path="a.txt", old_str="a", new_str="x")
    await call(EDIT, path="a.txt", old_str="b", new_str="y")
    await call(WRITE, path="a.txt", content=file.read_text() + "!")
    assert file.read_text() == "x y c!"


async def test_an_edit_is_not_a_reading(call: Call, ctx: ToolContext, file: Path) -> None:
    file.write_text("a and much else")
    await call(EDIT, path="a.txt", old_str="a and", new_str="b and")
    assert ctx.seen == {}
    with pytest.raises(ToolError, match="has not been read"):
        await call(WRITE, path="a.txt", content="b")


async def test_parallel_edits_do_not_undo_each_other(ctx: ToolContext, file: Path) -> None:
    file.write_text("".join(f"<{number}>\n" for number in range(20)))
    await READ.handler(READ.args(path="a.txt"), ctx)
    await asyncio.gather(
        *(
            edit(
                EditArgs(path="a.txt", old_str=f"<{number}>", new_str=f"[{number}]"),
                replace(ctx, call_id=str(number)),
            )
            for number in range(20)
        )
    )
    assert file.read_text() == "".join(f"[{number}]\n" for number in range(20))


# The same call again, as after a crash


@pytest.mark.parametrize("mode", ["replace", "append_after", "prepend_before"])
async def test_repeating_a_call_changes_nothing(
    call: Call, ctx: ToolContext, file: Path, mode: Mode
) -> None:
    args = {"path": "a.txt", "old_str": "line\n", "new_str": "line\nline two\n", "mode": mode}
    file.write_text("line\n")
    await call(EDIT, **args)
    once = file.read_text()
    ctx.seen.clear()
    result = await call(EDIT, **args)
    assert result.text == f"{file} already has this change; this call made it before."
    assert file.read_text() == once


async def test_another_call_may_do_the_same_again(ctx: ToolContext, file: Path) -> None:
    file.write_text("[")
    args = EditArgs(path="a.txt", old_str="[", new_str="0", mode="append_after")
    for name in ("1", "2"):
        await edit(args, replace(ctx, call_id=name))
    assert file.read_text() == "[00"


async def test_repeating_a_call_on_a_file_changed_since(
    call: Call, ctx: ToolContext, file: Path
) -> None:
    args = {"path": "a.txt", "old_str": "a", "new_str": "b", "mode": "append_after"}
    file.write_text("a")
    await call(EDIT, **args)
    file.write_text("ab, then the user continued")
    assert "may already have this change" in await refusal(
        call, **{key: value for key, value in args.items() if key != "path"}
    )
    await call(READ, path="a.txt")
    await call(EDIT, **args)
    assert file.read_text() == "abb, then the user continued"


async def test_long_changes_are_shown_in_short(call: Call, file: Path) -> None:
    file.write_text("x\n" * 50_000)
    result = await call(EDIT, path="a.txt", old_str="x", new_str="y", replace_all=True)
    assert "50000 places" in result.text
    assert len(result.text) < 8000
    file.write_text("z" * 10**6)
    result = await call(EDIT, path="a.txt", old_str="z" * 10**6, new_str="w" * 10**6)
    assert len(result.text) < 8000


async def test_python_that_no_longer_parses_gets_advice(call: Call, ctx: ToolContext) -> None:
    (ctx.cwd / "a.py").write_text("x = (1)\n")
    result = await call(EDIT, path="a.py", old_str=")", new_str="")
    assert "Note: this is not valid Python" in result.text
