from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError

from ml_intern.configs.text import storable
from ml_intern.tools.bash import BASH, CAP, BashArgs, bash
from ml_intern.tools.capture import DISK_CAP
from ml_intern.tools.errors import ToolError, ToolTimeout
from ml_intern.tools.spec import ToolContext, ToolResult

Call = Callable[..., Awaitable[ToolResult]]
MB = 1024 * 1024


class Sleepers:
    """Processes recognised by how long they sleep; any that a failed test leaves are ended."""

    def __init__(self) -> None:
        self.command = f"sleep 9{uuid4().int % 10**6:06d}"

    def pids(self) -> list[int]:
        wanted = self.command.replace(" ", "\0").encode() + b"\0"
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and (entry / "cmdline").read_bytes() == wanted:
                    found.append(int(entry.name))
        return found

    async def started(self, count: int = 1) -> bool:
        return await self._become(lambda: len(self.pids()) == count)

    async def gone(self) -> bool:
        """Whether all have ended; a killed process may take a moment to leave the table."""
        return await self._become(lambda: not self.pids())

    async def _become(self, condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 5
        while not condition() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return condition()


@pytest.fixture
def sleepers() -> Iterator[Sleepers]:
    made = Sleepers()
    yield made
    for pid in made.pids():
        with suppress(ProcessLookupError):
            os.kill(pid, 9)


def spilled(ctx: ToolContext) -> list[Path]:
    return list(ctx.spill.iterdir()) if ctx.spill.exists() else []


# What the model reads


async def test_both_streams_come_in_the_order_they_were_written(call: Call) -> None:
    result = await call(BASH, command="echo 1; echo 2 >&2; echo 3; echo 4 >&2")
    assert result == ToolResult(text="1\n2\n3\n4")


async def test_the_exit_code_is_told_and_output_kept(call: Call) -> None:
    result = await call(BASH, command="echo before; exit 3")
    assert result == ToolResult(text="before\nexit code 3", ok=False)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("kill -TERM $$", "exit code 143 (SIGTERM)"),
        ("kill -KILL $$", "exit code 137 (SIGKILL: killed, often because memory ran out)"),
        ("bash -c 'kill -SEGV $$' 2>/dev/null; exit $?", "exit code 139 (SIGSEGV)"),
        ("exit 255", "exit code 255"),
    ],
)
async def test_signals_are_named(call: Call, command: str, line: str) -> None:
    result = await call(BASH, command=command)
    assert not result.ok
    assert result.text.splitlines()[-1] == line


async def test_silence_is_said(call: Call) -> None:
    assert (await call(BASH, command="true")).text == "(no output)"
    assert (await call(BASH, command="false")).text == "(no output)\nexit code 1"


async def test_reading_input_ends_at_once(call: Call) -> None:
    assert (await call(BASH, command="cat; read line; echo $?")).text == "1"


async def test_binary_output_is_written_out_and_colours_are_stripped(call: Call) -> None:
    result = await call(BASH, command=r"printf '\033[31mred\033[0m \377\0 \303\251'")
    assert result.text == "red \\xff\\x00 é"
    assert storable(result.text)


async def test_progress_bars_are_shown_as_they_were_last(call: Call, ctx: ToolContext) -> None:
    result = await call(BASH, command=r"for i in 1 2 3; do printf '\r%d%%' $i; done; echo")
    assert result.text.startswith("3%\n[Lines redrawn in place")
    [file] = spilled(ctx)
    assert str(file) in result.text
    assert file.read_bytes() == b"\r1%\r2%\r3%\n"


# Size


async def test_small_output_leaves_no_file(call: Call, ctx: ToolContext) -> None:
    result = await call(BASH, command=f"head -c {CAP} /dev/zero | tr '\\0' x")
    assert result.text == "x" * CAP
    assert spilled(ctx) == []


async def test_large_output_is_clipped_and_all_of_it_on_disk(call: Call, ctx: ToolContext) -> None:
    result = await call(BASH, command="seq 10000; exit 1")
    [file] = spilled(ctx)
    assert file.read_text() == "".join(f"{number}\n" for number in range(1, 10_001))
    assert len(result.text) <= CAP
    assert result.text.startswith("1\n2\n3\n")
    assert result.text.endswith("\n9999\n10000\nexit code 1")
    assert re.search(rf"\n\[\.\.\. [\d,]+ characters left out; full output: {file} ", result.text)


@pytest.mark.parametrize("flood", ["yes 0123456789", "tr '\\0' x < /dev/zero"])
async def test_a_flood_costs_neither_memory_nor_disk(
    call: Call, ctx: ToolContext, logged: list[str], flood: str
) -> None:
    peaks = [resident()]
    task = asyncio.ensure_future(call(BASH, command=f"{flood} | head -c 250000000"))
    while not task.done():
        await asyncio.sleep(0.01)
        peaks.append(resident())
    result = await task
    [file] = spilled(ctx)
    assert max(peaks) - peaks[0] < 100 * MB
    assert DISK_CAP <= file.stat().st_size <= DISK_CAP + 200
    dropped = 250_000_000 - DISK_CAP
    assert f"full output: {file}, without {dropped:,} bytes in its middle" in result.text
    assert 24_000 < len(result.text) <= CAP
    assert len(logged) < 400


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_a_full_disk_does_not_lose_the_result(ctx: ToolContext, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = replace(ctx, spill=tmp_path / "file" / "spill")
    small = await bash(BashArgs(command="echo fine"), broken)
    assert small.text == "fine"
    large = await bash(BashArgs(command="seq 10000"), broken)
    assert "the full output could not be saved: Not a directory" in large.text
    assert large.text.endswith("\n10000")


# The person watching


async def test_lines_are_shown_while_it_runs(
    call: Call, ctx: ToolContext, logged: list[str]
) -> None:
    command = "echo first; while [ ! -e go ]; do sleep 0.02; done; echo second"
    task = asyncio.ensure_future(call(BASH, command=command, timeout=30))
    while not logged:
        await asyncio.sleep(0.01)
    assert logged == ["first"]
    assert not task.done()
    (ctx.cwd / "go").touch()
    await task
    assert logged == ["first", "second"]


async def test_the_last_line_of_a_flood_is_shown(call: Call, logged: list[str]) -> None:
    await call(BASH, command="seq 200000")
    assert logged[-1] == "200000"
    assert len(logged) < 200


# Where and with what it runs


async def test_the_environment_is_the_one_given(
    call: Call, ctx: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("SOME_OTHER", "thing")
    lines = (await call(BASH, command="env")).text.splitlines()
    names = {line.partition("=")[0] for line in lines}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {*ctx.env, "ML_INTERN_CALL"}


async def test_folders(call: Call, ctx: ToolContext) -> None:
    inner = ctx.cwd / "inner"
    inner.mkdir()
    assert (await call(BASH, command="pwd -P")).text == str(ctx.cwd.resolve())
    assert (await call(BASH, command="pwd -P", work_dir="inner")).text == str(inner.resolve())
    assert (await call(BASH, command="pwd -P", work_dir=str(inner))).text == str(inner.resolve())
    assert (await call(BASH, command="pwd -P", work_dir="~")).text == ctx.env["HOME"]


async def test_wrong_folders_are_explained(call: Call, ctx: ToolContext) -> None:
    (ctx.cwd / "inner").mkdir()
    (ctx.cwd / "file").touch()
    with pytest.raises(ToolError, match=r"innr does not exist\. Did you mean .*/inner\?"):
        await call(BASH, command="true", work_dir="innr")
    with pytest.raises(ToolError, match="is a file, not a folder"):
        await call(BASH, command="true", work_dir="file")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (" \n", "`command` is empty"),
        ("echo \0", "NUL"),
        ("echo " + "x" * 3_000_000, "could not be started: Argument list too long"),
    ],
)
async def test_commands_that_cannot_run(call: Call, command: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        await call(BASH, command=command)


async def test_sh_where_there_is_no_bash(ctx: ToolContext, tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to(shell)
    poor = replace(ctx, env={"PATH": str(tmp_path / "bin")})
    result = await bash(BashArgs(command="echo ${BASH_VERSION:-none} $0"), poor)
    assert result.text.endswith("/bin/sh")


def test_arguments() -> None:
    assert BashArgs.model_validate({"command": "x", "timeout": "60"}).timeout == 60
    assert BashArgs(command="x").timeout == 120
    for wrong in (
        {"timeout": 0},
        {"timeout": 36_001},
        {"command": ""},
        {"command": "\ud800"},
        {"shell": "zsh"},
    ):
        with pytest.raises(ValidationError):
            BashArgs.model_validate({"command": "x", **wrong})


async def test_calls_run_side_by_side(call: Call) -> None:
    start = time.monotonic()
    results = await asyncio.gather(*(call(BASH, command="sleep 1") for _ in range(8)))
    assert time.monotonic() - start < 3
    assert all(result.ok for result in results)


async def test_no_output_is_lost_while_all_shared_threads_are_busy(ctx: ToolContext) -> None:
    task = asyncio.ensure_future(bash(BashArgs(command="sleep 0.2; echo kept"), ctx))
    await asyncio.sleep(0.1)
    busy = [asyncio.ensure_future(asyncio.to_thread(time.sleep, 2)) for _ in range(40)]
    result = await task
    assert result == ToolResult(text="kept")
    assert not busy[0].done()
    for sleep in busy:
        sleep.cancel()


# How it ends


async def test_a_background_child_delays_nothing_and_lives_on(call: Call, ctx: ToolContext) -> None:
    # It writes more than a pipe holds: unread it would block, into a closed pipe it would die.
    late = "while [ ! -e go ]; do sleep 0.05; done; head -c 5000000 /dev/zero && echo > sign"
    command = f"({late}) & echo main"
    result = await call(BASH, command=command, timeout=60)
    assert result.ok
    assert result.text.startswith("main\n[A background process it left is still running")
    (ctx.cwd / "go").touch()
    for _ in range(500):
        if (ctx.cwd / "sign").exists():
            break
        await asyncio.sleep(0.02)
    assert (ctx.cwd / "sign").exists()


async def test_nohup_survives_a_normal_end(call: Call, sleepers: Sleepers) -> None:
    result = await call(BASH, command=f"nohup {sleepers.command} > log 2>&1 & echo started")
    assert result == ToolResult(text="started")
    assert await sleepers.started()


async def test_out_of_time_ends_everything_and_keeps_the_output(
    call: Call, sleepers: Sleepers
) -> None:
    nap = sleepers.command
    command = (
        f"echo partial; {nap} & setsid {nap} & (setsid bash -c 'cd /; {nap} >/dev/null 2>&1' &) ; "
        f"bash -c \"trap '' TERM; {nap}\" & wait"
    )
    with pytest.raises(ToolTimeout) as caught:
        await call(BASH, command=command, timeout=1)
    assert await sleepers.gone()
    said = str(caught.value)
    assert said.startswith("partial\n[Stopped: it ran longer than 1 s.")
    assert "longer `timeout`" in said
    assert "nohup" in said


async def test_a_process_that_ignores_term_is_killed(call: Call, sleepers: Sleepers) -> None:
    start = time.monotonic()
    command = f"trap '' TERM; echo deaf; while true; do {sleepers.command}; done"
    with pytest.raises(ToolTimeout, match="deaf"):
        await call(BASH, command=command, timeout=1)
    assert await sleepers.gone()
    assert time.monotonic() - start < 10


async def test_time_to_put_things_in_order(call: Call) -> None:
    command = "trap 'echo saved; exit 0' TERM; while true; do sleep 0.05; done"
    with pytest.raises(ToolTimeout, match="saved"):
        await call(BASH, command=command, timeout=1)


async def test_being_out_of_time_spares_what_earlier_calls_left(
    call: Call, sleepers: Sleepers
) -> None:
    await call(BASH, command=f"nohup {sleepers.command} > log 2>&1 &")
    with pytest.raises(ToolTimeout):
        await call(BASH, command="sleep 60", timeout=1)
    assert await sleepers.started()


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
async def test_cancelling_leaves_no_process(
    call: Call, ctx: ToolContext, sleepers: Sleepers, trap: str
) -> None:
    nap = sleepers.command
    command = f"{trap}echo on; setsid {nap} & {nap} & {nap}; echo never"
    task = asyncio.ensure_future(call(BASH, command=command))
    assert await sleepers.started(3)
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    took = time.monotonic() - start
    assert await sleepers.gone()
    assert took < 3
    assert spilled(ctx) == []


async def test_cancelling_again_and_again_still_cleans_up(call: Call, sleepers: Sleepers) -> None:
    command = f"trap '' TERM; {sleepers.command} & {sleepers.command}; {sleepers.command}"
    task = asyncio.ensure_future(call(BASH, command=command))
    assert await sleepers.started(2)
    while not task.done():
        task.cancel()
        await asyncio.sleep(0.01)
    assert task.cancelled()
    assert await sleepers.gone()


async def test_cancelling_while_it_is_being_stopped_hurries(call: Call, sleepers: Sleepers) -> None:
    command = f"trap '' TERM; while true; do {sleepers.command}; done"
    task = asyncio.ensure_future(call(BASH, command=command, timeout=1))
    await asyncio.sleep(1.3)
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - start < 1.6
    assert await sleepers.gone()


async def test_cancelling_at_once_starts_nothing_that_stays(call: Call, sleepers: Sleepers) -> None:
    for pauses in range(12):
        task = asyncio.ensure_future(call(BASH, command=sleepers.command))
        for _ in range(pauses):
            await asyncio.sleep(0.002)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
    assert await sleepers.gone()
