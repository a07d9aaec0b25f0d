"""A session as a document: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import convert_to_openai_messages

from ml_intern.checkpoints.threads import Thread
from ml_intern.cli.listing import Standing, standing
from ml_intern.cli.markdown import document
from ml_intern.configs.errors import MlInternError
from ml_intern.configs.text import clean_json
from ml_intern.graph.state import AgentState
from ml_intern.nodes.policies.history import valid_history
from ml_intern.sessions.opening import Sessions

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A session as its newest checkpoint has it."""

    thread: Thread
    state: Standing
    values: AgentState

    def markdown(self, *, full: bool) -> str:
        """For people; unless `full`, long results are shortened."""
        return document(self.thread, self.state, self.values, full=full)

    def json(self) -> str:
        """For programs; the messages as they would be sent, without the system prompt."""
        messages = convert_to_openai_messages(valid_history(self.values.get("messages", [])))
        value = {
            "schema_version": SCHEMA_VERSION,
            "session": self._session(),
            "messages": messages,
            "plan": self.values.get("plan", []),
            "usage": self.values.get("usage", {}),
        }
        return json.dumps(clean_json(value), ensure_ascii=False, indent=2, default=str) + "\n"

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
        values = (await sessions.look(thread).snapshot()).values
    except MlInternError:
        raise
    except Exception as error:
        raise MlInternError(
            f"Session {thread.id[:8]} cannot be read: {type(error).__name__}. "
            "Run `ml-intern doctor` to see what can be saved of it."
        ) from error
    held = bool(await sessions.database.held(thread.id))
    state = await standing(sessions, thread, held)
    return Conversation(thread=thread, state=state, values=cast(AgentState, values))
