"""Runs one command: own session, one pipe for both streams, a time limit, and nothing left over."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ml_intern.tools.proctree import MARKER, Tree
from ml_intern.tools.threads import OwnThread, settled

CHUNK = 1024 * 1024
GRACE = 2.0
"""Seconds between TERM and KILL when time is up."""
CANCEL_GRACE = 0.3
"""The same when a person waits for the prompt to come back."""
DRAIN = 0.5
"""Seconds to wait, after the command ended, for output that is still in the pipe."""

Take = Callable[[bytes], Awaitable[None]]

_LINGERING: set[asyncio.Task[None]] = set()
"""Readers of pipes that a background process still holds; asyncio itself keeps no reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command came to its end."""

    code: int | None
    """Exit code, negative for a signal; None if it could not even be killed."""
    expired: bool
    """Whether it was stopped because its time was up."""
    held: bool
    """Whether a background process it left still has the pipe open."""


class _Pipe:
    """The reading end, emptied by a task of its own."""

    def __init__(self, take: Take) -> None:
        self._take: Take | None = take
        self._reader = asyncio.StreamReader(limit=CHUNK)
        read_fd, self.write_fd = os.pipe()
        with suppress(OSError, AttributeError):
            # Linux only, and the sum of all pipes of a user is limited: fewer, larger reads.
            fcntl.fcntl(read_fd, fcntl.F_SETPIPE_SZ, CHUNK)
        self._file = os.fdopen(read_fd, "rb", buffering=0)
        self.pump: asyncio.Task[None] | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), self._file
        )
        self.pump = loop.create_task(self._empty(transport))

    async def _empty(self, transport: asyncio.ReadTransport) -> None:
        try:
            while data := await self._reader.read(CHUNK):
                if self._take:
                    await self._take(data)
        finally:
            transport.close()

    async def drained(self) -> bool:
        assert self.pump is not None
        done, _ = await asyncio.wait({self.pump}, timeout=DRAIN)
        for pump in done:
            pump.result()
        return bool(done)

    def leave_open(self) -> None:
        """Read on into the void: a closed pipe would kill the process that writes into it."""
        assert self.pump is not None
        self._take = None
        _LINGERING.add(self.pump)
        self.pump.add_done_callback(_LINGERING.discard)

    async def close(self) -> None:
        if self.pump is None:
            self._file.close()
            return
        self.pump.cancel()
        await asyncio.wait({self.pump})


async def run(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], seconds: float, take: Take
) -> Ended:
    """Run `argv` and hand its output to `take` as it comes; slow taking slows the command.

    What it starts is known by the `MARKER` in `env`, or by one made up here.
    Background processes it leaves survive a normal end. When time is up, or the caller is
    cancelled, everything it started is ended before this returns or raises.

    Raises:
        OSError: The command could not be started.
    """
    tree = Tree(marker=env[MARKER]) if env.get(MARKER) else Tree()
    pipe = _Pipe(take)
    held = False
    try:
        process = await _spawn(argv, cwd, {**env, MARKER: tree.marker}, pipe)
        tree.group = process.pid
        await pipe.start()
        expired = await _expired(process, seconds)
        if expired:
            await _stop(tree, GRACE)
            await _expired(process, DRAIN)
        held = not await pipe.drained() and not expired
        return Ended(code=process.returncode, expired=expired, held=held)
    except BaseException:
        await _stop(tree, CANCEL_GRACE)
        raise
    finally:
        if held:
            pipe.leave_open()
        else:
            await pipe.close()


async def _spawn(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], pipe: _Pipe
) -> asyncio.subprocess.Process:
    # A pipe of our own instead of PIPE: before Python 3.12.4, `wait` on a process with an asyncio
    # pipe does not return while a background child holds that pipe.
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe.write_fd,
            stderr=pipe.write_fd,
            start_new_session=True,
        )
    finally:
        os.close(pipe.write_fd)


async def _expired(process: asyncio.subprocess.Process, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return True
    return False


async def _stop(tree: Tree, grace: float) -> None:
    with OwnThread("stop-command") as thread:
        await settled(thread.start(tree.stop, grace), tree.hurry.set)
