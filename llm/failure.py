"""What is known of a failed call by its structure: status, headers, fields of the JSON error.

litellm sorts errors by words in their text (a refusal that mentions a rate limit becomes a 429), so
the provider's own response, which is among the causes, goes before what litellm made of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from ml_intern.configs.errors import MlInternError
from ml_intern.llm.errors import ErrorAnswerError

_KINDS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status of an error that came after status 200. Any other is the server's trouble: 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed call."""

    status: int | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the JSON error."""
    headers: Mapping[str, str] = field(default_factory=dict)
    answered: bool = False
    """Whether status and fields are the provider's own."""

    @property
    def words(self) -> set[str]:
        """The machine-readable names of the error: its code and its type."""
        return {str(self.said.get("code")), str(self.said.get("type"))}

    @property
    def param(self) -> str | None:
        """The parameter it is about."""
        param = self.said.get("param")
        return param if isinstance(param, str) and param else None

    @property
    def window(self) -> int | None:
        """The window's size, as llama.cpp gives it."""
        size = self.said.get("n_ctx")
        return size if isinstance(size, int) and size > 0 else None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it; not what an earlier call of ours had failed with."""
    seen: set[int] = set()
    while error is not None and not isinstance(error, MlInternError) and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def read(error: Exception) -> Failure:
    """What is known of `error`, which litellm raised."""
    chain = list(causes(error))
    for cause in chain:
        if isinstance(cause, ErrorAnswerError):
            return Failure(status=_status_of(cause.body), said=cause.body, answered=True)
    for cause in reversed(chain):
        if isinstance(cause, httpx.HTTPStatusError):
            return _from_response(cause.response)
    status = getattr(error, "status_code", None)
    return Failure(
        status=status if isinstance(status, int) else None,
        said=fields(str(getattr(error, "message", None) or error)),
        headers=getattr(error, "litellm_response_headers", None) or {},
    )


def _from_response(response: httpx.Response) -> Failure:
    text = ""
    with suppress(httpx.StreamError):  # nobody read the body
        text = response.text
    return Failure(
        status=response.status_code, said=fields(text), headers=response.headers, answered=True
    )


def _status_of(said: Mapping[str, Any]) -> int:
    code = said.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return _KINDS.get(str(said.get("type")), 500)


def fields(text: str) -> dict[str, Any]:
    """The error's fields in a JSON answer: those of `error`, else the answer's own; {} if none."""
    with suppress(ValueError, RecursionError):
        body, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        inner = body.get("error", body)
        return inner if isinstance(inner, dict) else {"message": inner}
    return {}
