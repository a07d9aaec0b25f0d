"""`bash`: run a command on this machine."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from pydantic import Field

from ml_intern.configs.text import storable
from ml_intern.tools.capture import Capture
from ml_intern.tools.errors import ToolError, ToolTimeout
from ml_intern.tools.feed import LineFeed
from ml_intern.tools.files.paths import folder
from ml_intern.tools.process import Ended, run
from ml_intern.tools.proctree import MARKER, Tree
from ml_intern.tools.report import BACKGROUND, report
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec
from ml_intern.tools.threads import OwnThread

CAP = 25_000
_UNSEEN = (
    "Outcome unknown: ml-intern died while this command ran, and it was not run again. {now} "
    "Find out what it did before you go on."
)
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


class BashArgs(ToolArgs):
    """What `bash` is called with."""

    command: str = Field(min_length=1, description="The command line, run by `bash -c`.")
    description: str = Field(
        default="", description="What the command does, in 5 to 10 words, shown to the user."
    )
    work_dir: str = Field(
        default=".",
        description="Folder to run in. Each call starts afresh; a `cd` does not last.",
    )
    timeout: float = Field(
        default=120,
        ge=1,
        le=36_000,
        description="Seconds after which the command and all it started is killed.",
    )


async def bash(args: BashArgs, ctx: ToolContext) -> ToolResult:
    """Run the command and report both ends of its output and how it ended."""
    _check(args.command)
    cwd = await asyncio.to_thread(folder, args.work_dir, ctx)
    shell = await asyncio.to_thread(_shell, ctx.env)
    with OwnThread("bash-output") as thread:
        text, ended = await _captured(shell, cwd, args, ctx, thread)
    if ended.expired:
        raise ToolTimeout(text)
    return ToolResult(text=text, ok=ended.code == 0)


async def after_crash(_args: BashArgs, ctx: ToolContext) -> ToolResult:
    """What can be said of a command whose end nobody saw."""
    running = await asyncio.to_thread(Tree(marker=ctx.key).members)
    pids = ", ".join(str(process.pid) for process in running)
    now = f"It still runs, as process {pids}." if running else "Nothing of it runs any more."
    return ToolResult(text=_UNSEEN.format(now=now), ok=False)


async def _captured(
    shell: str, cwd: Path, args: BashArgs, ctx: ToolContext, thread: OwnThread
) -> tuple[str, Ended]:
    capture = Capture(ctx.spill / _log_name(ctx.call_id))
    feed = LineFeed(ctx.log)

    async def take(data: bytes) -> None:
        feed.feed(data)
        await thread.run_to_end(capture.write, data)

    keep = False
    try:
        env = {**ctx.env, MARKER: ctx.key}
        ended = await run([shell, "-c", args.command], cwd, env, args.timeout, take)
        await thread.run_to_end(capture.close)
        text, keep = await thread.run_to_end(report, capture, ended, args.timeout, CAP)
    except OSError as error:
        raise _not_started(error) from error
    finally:
        feed.close()
        if not keep:
            await thread.run_to_end(capture.discard)
    return text, ended


def _check(command: str) -> None:
    if not command.strip():
        raise ToolError("`command` is empty; give the command line to run.")
    if not storable(command):
        raise ToolError(
            "`command` contains a NUL character or a lone surrogate; "
            "leave it out, or produce it with printf '\\0'."
        )


def _shell(env: Mapping[str, str]) -> str:
    path = env.get("PATH", _DEFAULT_PATH)
    found = shutil.which("bash", path=path) or shutil.which("sh", path=path)
    return found or "/bin/sh"


def _log_name(call_id: str) -> str:
    # Not every provider's call ids are unique, and not every one is a file name.
    return f"bash-{re.sub(r'[^A-Za-z0-9_-]', '_', call_id)[:40]}-{uuid4().hex[:8]}.log"


def _not_started(error: OSError) -> ToolError:
    reason = error.strerror or str(error)
    return ToolError(
        f"The command could not be started: {reason}. If it is long, write it to a script "
        "with `write` and run that."
    )


BASH = ToolSpec(
    name="bash",
    description=(
        "Run a command on the user's machine and read what it printed (stdout and stderr "
        f"together). Over {CAP:,} characters you get the start and the end, and the path of a "
        "file with everything. There is no input: a command that asks gets end-of-file, so pass "
        "flags such as --yes. Calls do not share a shell. For anything that outlives the call, "
        f"such as a training run or a server, use `{BACKGROUND}` and look at the log later. "
        "Prefer `read`, `write` and `edit` for files."
    ),
    args=BashArgs,
    handler=bash,
    reconcile=after_crash,
    effect="opaque",
    risk="execute",
    subject="command",
    output_cap=CAP,
)
