"""ChatLiteLLM as we need it. Importing this module imports litellm, which takes seconds."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import litellm
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import ai as langchain_messages
from langchain_core.utils.json import parse_partial_json
from langchain_litellm import ChatLiteLLM
from litellm.llms.custom_httpx.http_handler import (
    AsyncHTTPHandler,
    blocked_cookie_jar,
    get_default_headers,
    get_ssl_configuration,
)

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.settings import Settings
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import EndedEarlyError
from ml_intern.llm.transport import ExactClient

PROVIDERS = [str(getattr(provider, "value", provider)) for provider in litellm.provider_list]

EXACT = {
    "anthropic",
    "cerebras",
    "deepseek",
    "fireworks_ai",
    "groq",
    "huggingface",
    "mistral",
    "openai",
    "openrouter",
    "together_ai",
    "xai",
}
"""Providers whose handler in litellm takes our client, and whose streams are known to have ended.

Not Gemini: litellm does not note the end of its streams. What is not listed is left to litellm.
"""


_LENIENT = 2000
"""Characters of arguments up to which half-sent JSON is completed."""


class Chat(ChatLiteLLM):
    """Tells an answer that broke off from one that ended; for the `EXACT` providers."""

    def _thinking_endpoint(self, params: dict[str, Any], *, legacy: bool = False) -> str | None:
        """Where signed thinking goes back to; our client would pass for another place."""
        same = {key: value for key, value in params.items() if key != "client"}
        return super()._thinking_endpoint(same, legacy=legacy)

    def _reasoning_endpoint(self, params: dict[str, Any]) -> str | None:
        same = {key: value for key, value in params.items() if key != "client"}
        return super()._reasoning_endpoint(same)

    async def acompletion_with_retry(
        self,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401 - litellm's
    ) -> Any:  # noqa: ANN401
        """Call the model, once: retrying is not this layer's business."""
        answer = await litellm.acompletion(**kwargs)
        return _complete(answer) if isinstance(answer, litellm.CustomStreamWrapper) else answer


async def _complete(stream: litellm.CustomStreamWrapper) -> AsyncIterator[Any]:
    """The chunks of a stream.

    Raises:
        EndedEarlyError: the connection ended cleanly before the answer did, which litellm reports
            as an answer that stopped, half a tool call included.
    """
    try:
        async for chunk in stream:
            if getattr(chunk, "usage", None) and not _reported(stream):
                chunk.usage = None  # pyright: ignore[reportAttributeAccessIssue]
            yield chunk
    finally:
        await stream.aclose()
    if stream.received_finish_reason is None:
        raise EndedEarlyError


def _reported(stream: litellm.CustomStreamWrapper) -> bool:
    """Whether the provider said what the call took; if not, litellm makes it up."""
    return any(getattr(chunk, "usage", None) for chunk in stream.chunks)


def parsed(text: str) -> Any:  # noqa: ANN401 - JSON
    """Arguments as langchain reads them at the end of a stream; nothing of ours depends on it.

    Its lenient way tries every shorter text in turn, in the event loop: 18 s for 100 KB that is no
    JSON at all.
    """
    return json.loads(text) if len(text) > _LENIENT else parse_partial_json(text)


class ExactHandler(AsyncHTTPHandler):
    """litellm's own handler on a client that loses nothing; usable again after `close`."""

    def create_client(self, *_: Any, **__: Any) -> httpx.AsyncClient:  # noqa: ANN401 - litellm's
        """Make the client; every request brings its own time-out."""
        try:
            return ExactClient(
                headers=get_default_headers(),
                cookies=blocked_cookie_jar(),
                verify=get_ssl_configuration(),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # httpx reads the variables of all proxies, whichever of them would be used.
            raise ConfigError(
                f"A proxy in the environment cannot be used: {error} Set HTTPS_PROXY to an http:// "
                "address, and look at ALL_PROXY and NO_PROXY, or unset them."
            ) from error


def make_chat(
    endpoint: Endpoint, settings: Settings
) -> tuple[ChatLiteLLM, AsyncHTTPHandler | None]:
    """The chat model at `endpoint`, and the HTTP client it owns, which the caller closes."""
    langchain_messages.parse_partial_json = parsed  # type: ignore[assignment, attr-defined]
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # its tracebacks are not for users
    client = ExactHandler() if endpoint.model.partition("/")[0] in EXACT else None
    kind = Chat if client else ChatLiteLLM
    chat = kind(
        model=endpoint.model,
        api_base=endpoint.api_base,
        api_key=endpoint.api_key,
        max_retries=1,
        request_timeout=settings.request_timeout,
        model_kwargs={"max_retries": 0, **({"client": client} if client else {})},
    )
    return chat, client
