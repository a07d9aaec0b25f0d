"""What a model call can fail with, told apart by type and status, never by wording.

```
ModelError               carries `retryable` and, if the provider said so, `retry_after` in seconds
├── ModelAuthError       401, 402, 403: the key is missing, refused or unpaid; exit code 3
├── ModelNotFoundError   404, a web page, or an id that no provider takes; exit code 2
├── ModelUnreachableError no connection: tried again only briefly
└── ContextOverflowError the request is longer than the model's window
```

EndedEarlyError and WebPageError come from our own layers under litellm, for `translate`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from ml_intern.configs.errors import Exit, MlInternError

_HINTS = {
    401: "the key was refused. Check it, or set another",
    402: "the account has no credit left. Add some, or choose another model",
    403: "the key may not use this model. Accept its terms, or choose another model",
}


class ModelError(MlInternError):
    """A model call failed."""

    def __init__(
        self, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class ModelAuthError(ModelError):
    """The provider refused the key or wants to be paid."""

    exit = Exit.CREDENTIALS


class ModelNotFoundError(ModelError):
    """No such model, or no such provider."""

    exit = Exit.USAGE


class ModelUnreachableError(ModelError):
    """No connection to the provider could be made."""


class ContextOverflowError(ModelError):
    """The request is longer than the model's window."""


class EndedEarlyError(Exception):
    """A stream was over before the answer was."""


class WebPageError(Exception):
    """The endpoint answered with HTML: a sign-in page, or an address that is not the API's."""


def translate(error: Exception, model: str, where: str) -> ModelError:
    """The provider's exception in our terms; `error` is litellm's, `where` the endpoint."""
    from litellm import exceptions

    status = getattr(error, "status_code", None)
    detail = _detail(error)
    if isinstance(error, exceptions.ContextWindowExceededError):
        return ContextOverflowError(f"{model}: the request is longer than the model's window.")
    if status in _HINTS:
        return ModelAuthError(f"{model}: {_HINTS[status]} ({detail}).")
    if status == 404:
        return ModelNotFoundError(f"{model}: there is no such model at {where} ({detail}).")
    causes = list(_causes(error))
    if any(isinstance(cause, WebPageError) for cause in causes):
        return ModelNotFoundError(f"{model}: {where} answers with a web page. Check the address.")
    cut_off = EndedEarlyError | json.JSONDecodeError if status == 200 else EndedEarlyError
    if any(isinstance(cause, cut_off) for cause in causes):
        return ModelError(f"{model}: the answer ended early.", retryable=True)
    if _unreachable(causes):
        return ModelUnreachableError(
            f"{model}: nothing answers at {where}. Is the server running, and the network up?",
            retryable=True,
        )
    return ModelError(
        f"{model}: {detail}.",
        retryable=_passing(error, status),
        retry_after=_retry_after(error),
    )


def _passing(error: Exception, status: int | None) -> bool:
    from litellm import exceptions

    passing = (exceptions.Timeout, exceptions.APIConnectionError, exceptions.MidStreamFallbackError)
    return isinstance(error, passing) or status in (408, 409, 425, 429) or (status or 0) >= 500


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _unreachable(causes: list[BaseException]) -> bool:
    """Whether no connection could be made at all. litellm calls that a 500; the cause tells."""
    import httpx

    return any(isinstance(cause, httpx.ConnectError | ConnectionRefusedError) for cause in causes)


def _retry_after(error: Exception) -> float | None:
    headers = getattr(error, "litellm_response_headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def _detail(error: Exception) -> str:
    """What the provider said: the message in its JSON, else the first line of litellm's own."""
    text = str(getattr(error, "message", None) or error).strip()
    with suppress(ValueError, TypeError, KeyError):
        body, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        text = str(body["error"]["message"])
    first = (text.splitlines() or [""])[0].rsplit("Exception - ", 1)[-1].removeprefix("litellm.")
    return (first[:300] or type(error).__name__).rstrip(".")
