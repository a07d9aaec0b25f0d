"""A session as a document: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AnyMessage, convert_to_openai_messages

from ml_intern.checkpoints.archive import Archive
from ml_intern.checkpoints.threads import Thread
from ml_intern.cli.listing import Standing, standing
from ml_intern.cli.markdown import document
from ml_intern.configs.errors import MlInternError
from ml_intern.configs.text import clean_json
from ml_intern.graph.state import AgentState
from ml_intern.nodes.policies.archived import archived_batches, ordered, originals
from ml_intern.nodes.policies.history import valid_history
from ml_intern.sessions.opening import Sessions

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A session as its newest checkpoint has it, and what compactions took out of that."""

    thread: Thread
    state: Standing
    values: AgentState
    archived: Sequence[AnyMessage] = ()

    def markdown(self, *, full: bool) -> str:
        """For people; unless `full`, long results are shortened."""
        return document(self.thread, self.state, self.values, self.archived, full=full)

    def json(self) -> str:
        """For programs; the messages as they would be sent, without the system prompt.

        `archived` is what compactions took out of them, or shortened, as it was before.
        """
        messages = convert_to_openai_messages(valid_history(self.values.get("messages", [])))
        value = {
            "schema_version": SCHEMA_VERSION,
            "session": self._session(),
            "archived": convert_to_openai_messages(self._whole()),
            "messages": messages,
            "plan": self.values.get("plan", []),
            "usage": self.values.get("usage", {}),
        }
        return json.dumps(clean_json(value), ensure_ascii=False, indent=2, default=str) + "\n"

    def _whole(self) -> list[AnyMessage]:
        """The archived messages, each once, in the conversation's order."""
        ids = [message.id or "" for message in self.archived]
        order = ordered(ids, self.values.get("messages", []))
        whole = originals(self.archived, ())
        return [whole[id_] for id_ in (*order.before, *order.after) if id_ in whole]

    def _session(self) -> dict[str, Any]:
        thread = self.thread
        return {
            "id": thread.id,
            "title": thread.title,
            "state": self.state,
            "folder": thread.cwd,
            "created": thread.created,
            "updated": thread.updated,
            "turns": thread.turns,
            "options": dict(thread.options),
            "system_prompt": thread.system_prompt,
        }


async def conversation(sessions: Sessions, thread: Thread) -> Conversation:
    """What a session holds, whoever has it.

    Raises:
        MlInternError: it cannot be read.
    """
    try:
        attachment = sessions.look(thread)
        values = cast(AgentState, (await attachment.snapshot()).values)
        archived = await _archived(attachment.deps.archive, values)
    except MlInternError:
        raise
    except Exception as error:
        raise MlInternError(
            f"Session {thread.id[:8]} cannot be read: {type(error).__name__}. "
            "Run `ml-intern doctor` to see what can be saved of it."
        ) from error
    held = bool(await sessions.database.held(thread.id))
    state = await standing(sessions, thread, held)
    return Conversation(thread=thread, state=state, values=values, archived=archived)


async def _archived(archive: Archive | None, values: AgentState) -> list[AnyMessage]:
    batches = archived_batches(values.get("messages", []))
    return await archive.messages(batches) if archive else []
