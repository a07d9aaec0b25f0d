"""What a model call can fail with, told apart by type and status, never by wording.

```
ModelError               carries `retryable` and, if the provider said so, `retry_after` in seconds
├── ModelAuthError       401, 402, 403: the key is missing, refused or unpaid; exit code 3
├── ModelNotFoundError   404 or an id that no provider takes; exit code 2
└── ContextOverflowError the request is longer than the model's window
```
"""

from __future__ import annotations

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


class ContextOverflowError(ModelError):
    """The request is longer than the model's window."""


def translate(error: Exception, model: str) -> ModelError:
    """The provider's exception in our terms. `error` comes from litellm or below."""
    from litellm import exceptions

    status = getattr(error, "status_code", None)
    if isinstance(error, exceptions.ContextWindowExceededError):
        return ContextOverflowError(f"{model}: the request is longer than the model's window.")
    if status in _HINTS:
        return ModelAuthError(f"{model}: {_HINTS[status]} ({_brief(error)}).")
    if status == 404:
        return ModelNotFoundError(f"{model}: no such model at its provider ({_brief(error)}).")
    retryable = _retryable(error, status)
    return ModelError(
        f"{model}: {_brief(error)}", retryable=retryable, retry_after=_retry_after(error)
    )


def _retryable(error: Exception, status: int | None) -> bool:
    from litellm import exceptions

    passing = (exceptions.Timeout, exceptions.APIConnectionError, exceptions.MidStreamFallbackError)
    return isinstance(error, passing) or status in (408, 409, 425, 429) or (status or 0) >= 500


def _retry_after(error: Exception) -> float | None:
    headers = getattr(error, "litellm_response_headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def _brief(error: Exception) -> str:
    """The first line of the message, without litellm's prefixes, at most 300 characters."""
    lines = str(getattr(error, "message", None) or error).strip().splitlines() or [""]
    text = lines[0].rsplit("Exception - ", 1)[-1].removeprefix("litellm.")
    return (text[:300] or type(error).__name__).rstrip(".")
