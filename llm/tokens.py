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
    from langchain_core.messages.ai import UsageMetadata
    from tiktoken import Encoding

_PER_MESSAGE = 4
"""Tokens a message's frame takes, from OpenAI's cookbook."""
MARGIN = 1.1
"""Factor on a pure estimate: other tokenizers split more finely."""
_FRAME = 10_000
"""Tokens that a provider may add to a request: templates, its own instructions."""
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

    The newest reply's reported total already covers everything up to it, unless it cannot be true.
    """
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, AIMessage) and message.usage_metadata:
            if _plausible(message.usage_metadata, messages[: index + 1], overhead):
                reported = message.usage_metadata["total_tokens"]
                return reported + count_messages(messages[index + 1 :])
            break
    return int((overhead + count_messages(messages)) * MARGIN)


def _plausible(usage: UsageMetadata, messages: Sequence[BaseMessage], overhead: int) -> bool:
    """Whether a report can be true: some are made up by a library, some are nonsense.

    Bounds that cost next to nothing: text is seldom above eight characters a token, and never
    below a quarter of one.
    """
    characters = sum(len(_wire(message)) for message in messages)
    most = 4 * characters + 2 * overhead + _FRAME
    return usage["total_tokens"] * 2 >= characters // 8 and usage["input_tokens"] <= most


def _wire(message: BaseMessage) -> str:
    text = message.content if isinstance(message.content, str) else json.dumps(message.content)
    if isinstance(message, AIMessage) and message.tool_calls:
        text += json.dumps([[call["name"], call["args"]] for call in message.tool_calls])
    return text
