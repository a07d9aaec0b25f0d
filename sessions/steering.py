"""What becomes of messages that were said while a turn ran, beyond that turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

from langgraph.types import StateSnapshot

from ml_intern.checkpoints.inbox import Inbox, Queued
from ml_intern.configs.errors import ConfigError
from ml_intern.configs.text import clean
from ml_intern.graph.events import (
    ApprovalRequired,
    Error,
    Event,
    Notice,
    Processing,
    TurnComplete,
)
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.policies.queued import delivered, spoken
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.filling import too_long
from ml_intern.sessions.runner import Runner


def inbox_of(at: Attachment) -> Inbox:
    """The inbox, which every thread of a database has."""
    assert at.deps.inbox is not None
    return at.deps.inbox


async def queue(at: Attachment, text: str) -> None:
    """Queue a message for the turn that runs; it is on disk when this returns.

    Raises:
        ConfigError: it cannot be sent, or there is no turn.
    """
    text, _ = clean(text)
    if not text.strip():
        raise ConfigError("The message is empty. Nothing was queued.")
    if problem := await too_long(at, text):
        raise ConfigError(problem)
    if not await inbox_of(at).add(text):
        raise ConfigError("No turn is running that could take a message. Send it as a new one.")


async def settle_inbox(at: Attachment) -> None:
    """Forget what the history holds. No run may be under way.

    What an open step wrote and no checkpoint holds yet goes into the history with that step.
    """
    inbox = inbox_of(at)
    if await inbox.empty():
        return
    snapshot = await at.snapshot()
    written = (task.result for task in snapshot.tasks if isinstance(task.result, dict))
    claimed = {id_ for result in written for id_ in delivered(result.get("messages", []))}
    await inbox.settle(delivered(snapshot.values.get("messages", [])), claimed)


async def unanswered(at: Attachment, snapshot: StateSnapshot) -> bool:
    """Whether something waits that begins a turn of its own: not behind one that was stopped."""
    stopped = turn_of(cast(AgentState, snapshot.values))["stop"] in ("interrupted", "failed")
    return not stopped and bool(await inbox_of(at).waiting())


async def begin(at: Attachment, queued: Sequence[Queued], text: str = "") -> list[Event]:
    """A turn with what waited, and the `text` behind it."""
    said = spoken(queued, text)
    await at.begin_turn(str(said.text))
    # Stored before it is acknowledged: a stop from here on does not lose it. As an input it would
    # only become a message in the first step; behind a tool's results it is one at once, and the
    # same step follows.
    message = {"messages": [said], "turn": turn_of({}), "compact": False}
    await at.graph.aupdate_state(at.config, message, as_node="tool_execute")
    parts = [*(waited.text for waited in queued), *([text] if text else [])]
    return [Processing(message=part) for part in parts]


async def followed(
    run: AsyncIterator[Event],
    another: Callable[[Sequence[Queued]], AsyncIterator[Event]],
    inbox: Inbox,
    runner: Runner,
    *,
    fresh: bool = False,
) -> AsyncIterator[Event]:
    """A run, and then one more turn of all that was said in it too late to be heard.

    `fresh`: what was said before it still waits for a message of the user's.
    """
    if fresh and await inbox.waiting():
        async for event in run:
            yield event
        return
    waited = await inbox.open()
    while True:
        last: Event | None = None
        async for last in run:
            yield last
        # A question still waits, and so does what is said: also where the answer was refused.
        if isinstance(last, ApprovalRequired) or (waited and isinstance(last, Error)):
            return
        if runner.stopping or not goes_on(last):
            await inbox.close()
            return
        if not (queued := await inbox.claim_or_close()):
            return
        run = another(queued)


def goes_on(last: Event | None) -> bool:
    """Whether a turn that ended so is followed by what was said in it."""
    match last:
        case None | TurnComplete(status="done" | "limit" | "stuck"):
            return True
        case _:
            return False


async def left_over(at: Attachment, last: Event) -> list[Event]:
    """What to say of messages that a failed turn leaves behind.

    Nothing after an interrupted one: whoever stopped it decides what becomes of them.
    """
    failed = isinstance(last, TurnComplete) and last.status == "failed"
    count = len(await inbox_of(at).waiting()) if failed else 0
    if not count:
        return []
    what = "1 message waits and goes" if count == 1 else f"{count} messages wait and go"
    return [Notice(message=f"{what} out with your next one.")]
