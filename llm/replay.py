"""A chat model that replays a tape: it says what was recorded, or nothing at all."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from typing_extensions import TypedDict

from ml_intern.llm.tape import Answer, Tape, TapeDrift

__all__ = ["ReplayModel", "TapeDrift"]

_WORD = re.compile(r"\S+\s*|\s+")


class ReplayModel(BaseChatModel):
    """Plays the model. It has no state, and reports no usage: no tokens were used."""

    tape: Tape
    pause: float = 0.0
    """Seconds before each word of a streamed reply, so that a person can follow."""

    @property
    def _llm_type(self) -> str:
        return "replay"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: object,
    ) -> ReplayModel:
        """Itself, if `tools` are all that the tape needs.

        Raises:
            TapeDrift: one is missing.
        """
        bound = {convert_to_openai_tool(tool)["function"]["name"] for tool in tools}
        if missing := self.tape.tools() - bound:
            raise TapeDrift(f"The recording calls {', '.join(sorted(missing))}: no such tool here.")
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> ChatResult:
        answer = self.tape.answer(messages)
        message = AIMessage(
            answer.text,
            tool_calls=[ToolCall(**call, type="tool_call") for call in _calls(answer, messages)],
            response_metadata=_ending(answer),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: object,
    ) -> AsyncIterator[ChatGenerationChunk]:
        answer = self.tape.answer(messages)
        for word in _WORD.findall(answer.text):
            await asyncio.sleep(self.pause)
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager:
                await run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk
        yield ChatGenerationChunk(message=_last(answer, messages))


class _Call(TypedDict):
    id: str
    name: str
    args: dict[str, Any]


def _calls(answer: Answer, messages: Sequence[BaseMessage]) -> list[_Call]:
    """The calls with ids that differ from all others in the history: they begin with its length."""
    return [
        _Call(id=f"call_{len(messages)}_{number}", name=call.tool, args=call.arguments)
        for number, call in enumerate(answer.calls, 1)
    ]


def _last(answer: Answer, messages: Sequence[BaseMessage]) -> AIMessageChunk:
    """The chunk that ends a reply; its calls come in one piece."""
    chunks = [
        tool_call_chunk(name=c["name"], args=json.dumps(c["args"]), id=c["id"], index=index)
        for index, c in enumerate(_calls(answer, messages))
    ]
    return AIMessageChunk(
        content="",
        tool_call_chunks=chunks,
        response_metadata=_ending(answer),
        chunk_position="last",
    )


def _ending(answer: Answer) -> dict[str, str]:
    return {"finish_reason": "tool_calls" if answer.calls else "stop"}
