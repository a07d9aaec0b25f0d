"""What is said of a command that ml-intern did not outlive."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ml_intern.tools.bash import BashArgs, after_crash, bash
from ml_intern.tools.spec import ToolContext


async def test_a_command_that_still_runs_is_named_by_its_processes(ctx: ToolContext) -> None:
    mine = replace(ctx, key="the key of this call")
    # It leaves its group and its session, as a daemon does.
    args = BashArgs(command="setsid sleep 300 & echo $! > pid; touch started; wait")
    running = asyncio.create_task(bash(args, mine))
    while not (ctx.cwd / "started").exists():
        await asyncio.sleep(0.02)
    said = (await after_crash(args, mine)).text
    assert said.startswith("Outcome unknown")
    assert "It still runs, as process " in said
    assert (ctx.cwd / "pid").read_text().strip() in said
    others = await after_crash(args, replace(ctx, key="the key of another"))
    assert "Nothing of it runs any more" in others.text
    running.cancel()
    await asyncio.wait([running])
    result = await after_crash(args, mine)
    assert "Nothing of it runs any more" in result.text
    assert not result.ok
