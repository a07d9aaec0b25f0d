"""The history of a thread as its newest checkpoint has it, read without the graph."""

from __future__ import annotations

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver

from ml_intern.checkpoints.prune import absent, folded
from ml_intern.graph.state import messages_reducer

_NAME = "messages"


async def newest_messages(saver: BaseCheckpointSaver[str], thread_id: str) -> list[AnyMessage]:
    """The messages; none of a thread that has not begun.

    A node cannot ask the graph for them: inside a task, LangGraph takes that for a question about
    the task. In a step under way, it is the history from before the step.
    """
    where = RunnableConfig(configurable={"thread_id": thread_id, "checkpoint_ns": ""})
    saved = await saver.aget_tuple(where)
    if saved is None:
        return []
    if _NAME in absent(saved):
        histories = await saver.aget_delta_channel_history(config=saved.config, channels=[_NAME])
        return list(folded(_NAME, histories[_NAME]).value)
    stored = saved.checkpoint["channel_values"].get(_NAME, [])
    return list(DeltaChannel(messages_reducer, list).from_checkpoint(stored).get())
