"""Opens the database and, in it, sessions: new, the last one of a folder, or by id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.configs.errors import ConfigError
from ml_intern.graph.context import RunOptions
from ml_intern.sessions import operations as op
from ml_intern.sessions.attaching import Attacher, Surroundings
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.forking import copier
from ml_intern.sessions.session import Session


class Sessions:
    """The sessions of one database."""

    def __init__(self, database: Database, around: Surroundings, held: AsyncExitStack) -> None:
        self.database = database
        self.threads = Threads(database)
        self._held = held
        self._cwd = str(around.cwd)
        self._attacher = Attacher(database, around, held)
        self._copy = copier(database, self._attacher)

    async def start(self, options: RunOptions) -> Session:
        """An empty session; it is entered into the index with its first message."""
        return self._session(await self._attacher.fresh(options))

    async def open(self, thread: Thread, options: RunOptions, given: Mapping[str, Any]) -> Session:
        """A session there was before; `given` are the options set by hand.

        Raises:
            InUseError: another process has it.
        """
        return self._session(await self._attacher.reopen(thread, options, given))

    async def fork(
        self, thread: Thread, options: RunOptions, given: Mapping[str, Any], fork: op.Fork
    ) -> Session:
        """A copy of a session.

        Raises:
            ConfigError: it cannot be made; the message says why.
            InUseError: another process has the original.
        """
        source = await self._attacher.reopen(thread, options, given)
        said: list[str] = []
        copy = await self._copy(source, fork, said.append)
        await source.release()
        session = self._session(copy)
        session.say_first(said)
        return session

    def within(self, around: Surroundings) -> Sessions:
        """The same sessions with other surroundings, such as those of another folder."""
        self._held.push_async_callback(around.close)
        return Sessions(self.database, around, self._held)

    def look(self, thread: Thread) -> Attachment:
        """A session to be read, not run: others may have it."""
        return self._attacher.look(thread)

    async def last_here(self) -> Thread:
        """The session used last in this folder.

        Raises:
            ConfigError: there is none.
        """
        thread = await self.threads.latest(self._cwd)
        if thread is None:
            raise ConfigError(
                f"No session was run in {self._cwd} yet. Start one, or name one of another folder: "
                "`ml-intern sessions` lists them."
            )
        return thread

    async def find(self, prefix: str) -> Thread:
        """The session whose id begins with `prefix`.

        Raises:
            ConfigError: there is none, or more than one.
        """
        found = await self.threads.find(prefix) if prefix.strip() else []
        if len(found) == 1:
            return found[0]
        if not found:
            raise ConfigError(f"No session's id begins with '{prefix}'.")
        ids = ", ".join(thread.id[:13] for thread in found[:5])
        raise ConfigError(
            f"{len(found)} sessions begin with '{prefix}' ({ids} …). Give more of the id."
        )

    async def remove(self, thread: Thread) -> None:
        """Delete a session with all that was kept for it; the files in its folder stay.

        Raises:
            InUseError: another process has it.
        """
        await self._attacher.remove(thread)

    def _session(self, attachment: Attachment) -> Session:
        return Session(attachment, self._attacher.fresh, self._copy)


@asynccontextmanager
async def open_sessions(around: Surroundings) -> AsyncIterator[Sessions]:
    """The sessions in the user's database.

    Raises:
        StorageError: it cannot be opened.
    """
    around.home.create()
    url = around.settings.database_url
    async with open_database(around.home.database, url) as database, AsyncExitStack() as held:
        held.push_async_callback(around.close)
        yield Sessions(database, around, held)
