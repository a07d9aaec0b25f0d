"""ChatLiteLLM as we need it. Importing this module imports litellm, which takes seconds."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import litellm
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_litellm import ChatLiteLLM
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

from ml_intern.configs.environment import proxy_for
from ml_intern.configs.settings import Settings
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import ModelError
from ml_intern.llm.transport import ExactTransport

PROVIDERS = [str(getattr(provider, "value", provider)) for provider in litellm.provider_list]

_OPENAI = "https://api.openai.com/v1"


class Chat(ChatLiteLLM):
    """Tells an answer that broke off from one that ended."""

    async def acompletion_with_retry(
        self,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401 - litellm's
    ) -> Any:  # noqa: ANN401
        """Call the model, once: retrying is not this layer's business."""
        answer = await litellm.acompletion(**kwargs)
        return _complete(answer, self.model) if kwargs.get("stream") else answer


async def _complete(stream: Any, model: str) -> AsyncIterator[Any]:  # noqa: ANN401 - litellm's
    """The chunks of a stream.

    Raises:
        ModelError: the connection ended cleanly before the answer did, which litellm reports as an
            answer that stopped, half a tool call included.
    """
    try:
        async for chunk in stream:
            yield chunk
    finally:
        await stream.aclose()
    if getattr(stream, "received_finish_reason", "") is None:
        raise ModelError(f"{model}: the answer ended early.", retryable=True)


def make_chat(
    endpoint: Endpoint, settings: Settings
) -> tuple[ChatLiteLLM, AsyncHTTPHandler | None]:
    """The chat model at `endpoint`, and the HTTP client it owns, which the caller closes."""
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # its tracebacks are not for users
    options: dict[str, Any] = {
        "model": endpoint.model,
        "api_base": endpoint.api_base,
        "api_key": endpoint.api_key,
        "max_retries": 1,
        "request_timeout": settings.request_timeout,
    }
    if not endpoint.model.startswith("openai/"):
        return ChatLiteLLM(**options, model_kwargs={"max_retries": 0}), None
    transport = ExactTransport(proxy=proxy_for(endpoint.api_base or _OPENAI))
    client = AsyncHTTPHandler(transport=transport)
    return Chat(**options, model_kwargs={"max_retries": 0, "client": client}), client
