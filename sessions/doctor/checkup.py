"""All the checks, in order; each only where the ones before it leave something to look at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.threads import Thread
from ml_intern.configs.errors import ConfigError, MlInternError
from ml_intern.configs.paths import Home
from ml_intern.configs.settings import Settings
from ml_intern.llm.factory import Model
from ml_intern.sessions.attaching import Surroundings
from ml_intern.sessions.doctor.file import inspect, rescue
from ml_intern.sessions.doctor.files import check_snapshots
from ml_intern.sessions.doctor.finding import Finding, Repair, fine, problem
from ml_intern.sessions.doctor.machine import check_machine
from ml_intern.sessions.doctor.orphans import orphan_files, orphan_rows
from ml_intern.sessions.doctor.place import check_home
from ml_intern.sessions.doctor.reading import reading
from ml_intern.sessions.doctor.setup import check_setup
from ml_intern.sessions.doctor.stored import check_sessions
from ml_intern.sessions.opening import Sessions
from ml_intern.tools.registry import by_name
from ml_intern.tools.services import Services

_SERVER = 15
"""Seconds for a database server to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at."""

    environ: Mapping[str, str]
    home: Home
    cwd: Path
    session: str = ""
    """Start of the id of the only session to look at; "" for all, and all around them."""


async def examine(subject: Subject) -> list[Finding]:
    """Every check. Changes nothing.

    Raises:
        ConfigError: there is no such session, or more than one.
    """
    setup = await check_setup(subject.environ, subject.cwd)
    findings = [*await check_machine(subject.environ), *setup.findings]
    findings += await asyncio.to_thread(check_home, subject.home)
    if setup.settings.database_url:
        return findings + await _server(subject, setup.settings)
    inspection = await asyncio.to_thread(inspect, subject.home.database, subject.cwd)
    findings += inspection.findings
    if inspection.readable:
        opening = reading(subject.home.database)
        repair = rescue(subject.home.database, subject.cwd)
        try:
            async with opening as database:
                findings += await _contents(subject, setup.settings, database, repair)
        except MlInternError as error:
            findings.append(_told(error))
    return findings


async def _server(subject: Subject, settings: Settings) -> list[Finding]:
    """Of PostgreSQL; its files are its own business."""
    try:
        async with _answering(settings.database_url or "") as database:
            found = fine("database", f"{database.name} answers")
            return [found, *await _contents(subject, settings, database, None)]
    except TimeoutError:
        said = f"the server does not answer within {_SERVER} seconds"
        return [problem("database", said, "Check that it runs and can be reached.")]
    except MlInternError as error:
        return [_told(error)]


def _told(error: MlInternError) -> Finding:
    """What ended the checks of the database.

    Raises:
        ConfigError: it was the user's choice of a session.
    """
    if isinstance(error, NoSuchSessionError):
        raise error
    return problem("database", str(error))


class NoSuchSessionError(ConfigError):
    """There is no session of that id, or more than one."""


@asynccontextmanager
async def _answering(url: str) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(_SERVER):
            database = await stack.enter_async_context(open_database(Path(), url))
        yield database


async def _contents(
    subject: Subject, settings: Settings, database: Database, repair: Repair | None
) -> list[Finding]:
    async with AsyncExitStack() as held:
        sessions = Sessions(database, _surroundings(subject, settings), held)
        try:
            await _require_sense(database)
            threads = await _threads(sessions, subject.session)
        except (ValueError, TypeError) as error:
            said = f"the list of sessions cannot be read ({type(error).__name__})"
            return [problem("sessions", said, "ml-intern doctor --fix mends it", repair)]
        findings = await check_sessions(sessions, threads, repair)
        folders = {thread.cwd for thread in threads}
        if settings.snapshots:
            findings += await check_snapshots(subject.home.snapshots, folders)
        if not subject.session:
            findings += await _orphans(subject, settings, database)
        return findings


async def _require_sense(database: Database) -> None:
    """Read strictly what is otherwise read leniently, so that sessions can be opened.

    Raises:
        ValueError: what stands in the list was never put there.
    """
    for values in await database.fetch("SELECT usage, options FROM sessions"):
        for text in values:
            json.loads(text)


async def _threads(sessions: Sessions, prefix: str) -> Sequence[Thread]:
    if prefix:
        try:
            return [await sessions.find(prefix)]
        except ConfigError as error:
            raise NoSuchSessionError(str(error)) from error
    [(count,)] = await sessions.database.fetch("SELECT count(*) FROM sessions")
    return await sessions.threads.recent(max(count, 1))


async def _orphans(subject: Subject, settings: Settings, database: Database) -> list[Finding]:
    url = settings.database_url
    rows = await orphan_rows(database, subject.home, url)
    # With PostgreSQL, a folder here may belong to a session in the file, and the other way round.
    return [rows] if url else [rows, *await orphan_files(database, subject.home)]


def _surroundings(subject: Subject, settings: Settings) -> Surroundings:
    async def no_model(_: str | None) -> Model:
        raise AssertionError("nothing is run here")

    return Surroundings(
        settings=settings,
        home=subject.home,
        cwd=subject.cwd,
        model=no_model,
        tools=by_name(),
        env={},
        services=Services(settings, {}),
    )
