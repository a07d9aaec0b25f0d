"""Each stored session: can it be read, could its history be sent, what was cut off?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import cast

from langchain_core.messages import AnyMessage

from ml_intern.checkpoints.archive import Archive
from ml_intern.checkpoints.database import StorageError
from ml_intern.checkpoints.journal import MODEL_CALL
from ml_intern.checkpoints.threads import Thread
from ml_intern.graph.state import AgentState
from ml_intern.nodes.policies.archived import archived_batches
from ml_intern.nodes.policies.history import valid_history
from ml_intern.sessions.doctor.finding import Finding, Repair, fine, problem, warning
from ml_intern.sessions.doctor.strict import violations
from ml_intern.sessions.opening import Sessions

_RESUME = "It is completed when the session is opened: ml-intern -r {}"


async def check_sessions(
    sessions: Sessions, threads: Sequence[Thread], rescue: Repair | None
) -> list[Finding]:
    """What is wrong with these sessions; one line if nothing is."""
    found: list[Finding] = []
    for thread in threads:
        found += await _check(sessions, thread, rescue)
    bad = any(finding.level == "problem" for finding in found)
    said = "1 session" if len(threads) == 1 else f"{len(threads)} sessions"
    well = [] if bad else [fine("sessions", f"{said}, readable, each with a history to be sent")]
    return [*well, *found]


async def _check(sessions: Sessions, thread: Thread, rescue: Repair | None) -> list[Finding]:
    name = f"session {thread.id[:8]}"
    try:
        attachment = sessions.look(thread)
        snapshot = await attachment.snapshot()
        messages = cast(AgentState, snapshot.values).get("messages", [])
        wrong = violations(valid_history(messages))
    except Exception as error:  # noqa: BLE001 - damaged bytes fail in any way there is
        said = f"its newest checkpoint cannot be read ({type(error).__name__})"
        remedy = "ml-intern doctor --fix goes back to what can be read"
        return [problem(name, said, remedy if rescue else "Restore a backup.", rescue)]
    found = [problem(name, said, "Go on in another session; export this.") for said in wrong]
    found += [f async for f in _archived(name, messages, attachment.deps.archive, rescue)]
    if holder := await sessions.database.held(thread.id):
        return [*found, fine(name, f"in use by {holder}")]
    return [*found, *await _cut_off(sessions, thread, bool(snapshot.tasks))]


async def _archived(
    name: str, messages: Sequence[AnyMessage], archive: Archive | None, rescue: Repair | None
) -> AsyncIterator[Finding]:
    """What is wrong with the messages that compactions took out of the history."""
    batches = archived_batches(messages)
    if archive is None or not batches:
        return
    there = {place.batch for _, place in await archive.places(batches)}
    if lost := len({*batches} - there):
        said = f"what {lost} of {len(batches)} compactions took out of its history is lost"
        yield warning(name, said, "It can be gone on with; `recall` and exports lack that.")
    try:
        await archive.messages(batches)
    except StorageError:
        said, remedy = "archived messages of it are damaged", "ml-intern doctor --fix drops them"
        yield problem(name, said, remedy if rescue else "Restore a backup.", rescue)


async def _cut_off(sessions: Sessions, thread: Thread, tasks: bool) -> list[Finding]:
    name, remedy = f"session {thread.id[:8]}", _RESUME.format(thread.id[:8])
    query = "SELECT call FROM journal WHERE session = ? AND done = 0 AND call NOT LIKE ?"
    rows = await sessions.database.fetch(query, thread.id, f"{MODEL_CALL}%")
    calls = [row[0] for row in rows]
    return list(_notes(name, thread, tasks, calls, remedy))


def _notes(
    name: str, thread: Thread, tasks: bool, calls: Sequence[str], remedy: str
) -> Iterator[Finding]:
    if thread.move:
        yield warning(name, "an undo or redo was cut off", remedy)
    for call in calls:
        said = f"the outcome of call {call} is not known: it was cut off"
        yield warning(name, said, "The model is told to look before it does it again.")
    if thread.state == "running" and tasks and not calls:
        yield warning(name, "its turn was cut off", remedy)
