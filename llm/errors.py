"""What a model call can fail with; `llm/translate.py` tells which.

```
ModelError               carries `retryable`, `retry_after`, `elsewhere` and `lost`
├── ModelAuthError       401, 403: the key is missing, refused or not allowed; exit code 3
│   └── ModelQuotaError  402, or a used-up quota: somebody has to pay; exit code 3
├── ModelNotFoundError   404, a web page, or an id that no provider takes; exit code 2
├── ModelUnreachableError no connection: tried again only briefly
├── ModelRefusedError    400, 422: the request is wrong; carries the parameter, if named
└── ContextOverflowError the request is longer than the model's window, which it carries if known
```

The last five classes are not for users: our own layers under litellm raise them for `translate`.
"""

from __future__ import annotations

from typing import Any, Self

from ml_intern.configs.errors import Exit, MlInternError


class ModelError(MlInternError):
    """A model call failed."""

    def __init__(
        self, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        """Seconds the provider asks to wait."""
        self.lost = 0
        """Attempts of the call that broke when the answer had begun: they may have been billed."""

    @property
    def elsewhere(self) -> bool:
        """Whether another model might do: this one is down or out of quota."""
        return self.retryable

    def adding(self, sentence: str) -> Self:
        """The same error with more to say."""
        self.args = (f"{self} {sentence}",)
        return self


class ModelAuthError(ModelError):
    """The provider refused the key."""

    exit = Exit.CREDENTIALS


class ModelQuotaError(ModelAuthError):
    """The provider wants to be paid first."""

    @property
    def elsewhere(self) -> bool:
        """Another model may be paid."""
        return True


class ModelNotFoundError(ModelError):
    """No such model, or no such provider."""

    exit = Exit.USAGE


class ModelUnreachableError(ModelError):
    """No connection to the provider could be made."""


class ModelRefusedError(ModelError):
    """The provider, or litellm before sending, found the request wrong."""

    param: str | None = None
    """What was wrong with it, if the provider named it in a field of its own."""


class ContextOverflowError(ModelError):
    """The request is longer than the model's window."""

    window: int | None = None
    """Tokens of the window, if the provider gave them in a field of their own."""


class EndedEarlyError(Exception):
    """A stream was over before the answer was."""


class WebPageError(Exception):
    """The endpoint answered with HTML: a sign-in page, or an address that is not the API's."""


class MovedError(Exception):
    """The address redirects to another server, `to`, which must not get the key."""

    def __init__(self, to: str) -> None:
        super().__init__(f"redirected to {to}")
        self.to = to


class NoStreamError(Exception):
    """A stream was asked for, and the answer came whole."""


class ErrorAnswerError(Exception):
    """Status 200, and then an error where the answer should be: an event, or the whole body."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body.get("message") or "the provider reports an error"))
        self.body = body
        """The fields of the error."""
