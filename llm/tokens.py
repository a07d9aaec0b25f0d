"""How many tokens a history takes: the provider's own count, plus tiktoken for what came after.

tiktoken's o200k_base comes from litellm's package (`configs.environment.prepare`), so counting
works offline. For other tokenizers it is an estimate, hence the margin where no usage is known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage

if TYPE_CHECKING:
    from tiktoken import Encoding

_PER_MESSAGE = 4
"""Tokens a message's frame takes, from OpenAI's cookbook."""
_MARGIN = 1.1
"""Factor on a pure estimate: other tokenizers split more finely."""
_PIECE = 100_000
"""Characters counted at once: a million blanks overflow the stack of tiktoken, which panics."""


@lru_cache(maxsize=1)
def _encoding() -> Encoding:
    import tiktoken

    return tiktoken.get_encoding("o200k_base")


@lru_cache(maxsize=4096)
def count_text(text: str) -> int:
    """Tokens of `text`, special tokens counted as the plain text they are."""
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return sum(len(_encoding().encode_ordinary(piece)) for piece in pieces)


def count_messages(messages: Sequence[BaseMessage]) -> int:
    """Estimated tokens of `messages`, tool calls included."""
    return sum(_PER_MESSAGE + count_text(_wire(message)) for message in messages)


def context_size(messages: Sequence[BaseMessage], overhead: int = 0) -> int:
    """Tokens the next request will take; `overhead` is what is sent besides `messages`.

    The newest reply's reported total already covers everything up to it. A report far below the
    estimate was made up by a library and is ignored.
    """
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, AIMessage) and message.usage_metadata:
            reported = message.usage_metadata["total_tokens"]
            if reported * 2 >= _rough(messages[: index + 1]):
                return reported + count_messages(messages[index + 1 :])
            break
    return int((overhead + count_messages(messages)) * _MARGIN)


def _rough(messages: Sequence[BaseMessage]) -> int:
    """A lower bound that costs next to nothing: text is seldom above eight characters a token."""
    return sum(len(_wire(message)) for message in messages) // 8


def _wire(message: BaseMessage) -> str:
    text = message.content if isinstance(message.content, str) else json.dumps(message.content)
    if isinstance(message, AIMessage) and message.tool_calls:
        text += json.dumps([[call["name"], call["args"]] for call in message.tool_calls])
    return text
