"""litellm's exceptions in our terms, told apart by type, status and fields, never by wording."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime

import httpx

from ml_intern.configs.errors import did_you_mean
from ml_intern.llm.catalog import near
from ml_intern.llm.errors import (
    ContextOverflowError,
    EndedEarlyError,
    ModelAuthError,
    ModelError,
    ModelNotFoundError,
    ModelQuotaError,
    ModelRefusedError,
    ModelUnreachableError,
    MovedError,
    NoStreamError,
    WebPageError,
)
from ml_intern.llm.failure import Failure, causes, read
from ml_intern.llm.retry import asked_wait

_HINTS = {
    401: "the key was refused. Check it, or set another",
    403: "the key may not use this model. Accept its terms, or choose another model",
}
_NO_CREDIT = "the account has no credit or quota left. Add some, or choose another model"

# Names that providers give in `code` or `type`.
_UNPAID = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "exceeded_current_quota_error",
    "insufficient_balance",
}
_OVERFLOW = {"context_length_exceeded", "exceed_context_size_error", "request_too_large"}


def translate(error: Exception, model: str, where: str) -> ModelError:
    """The provider's exception in our terms; `error` is litellm's, `where` the endpoint."""
    failure = read(error)
    broken = None if failure.answered else _transport(error, model, where)
    made = broken or _answer(error, failure, model, where)
    made.__cause__ = error
    return made


def _transport(error: Exception, model: str, where: str) -> ModelError | None:
    """What went wrong on the way, if that is it."""
    chain = list(causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        return ModelError(
            f"{model}: the certificate of {where} is not trusted. If it is your own, name its "
            "authority's file in SSL_CERT_FILE; otherwise somebody may be listening in."
        )
    if any(isinstance(cause, WebPageError) for cause in chain):
        return ModelNotFoundError(f"{model}: {_web_page(where)}")
    if moved := next((cause for cause in chain if isinstance(cause, MovedError)), None):
        return ModelNotFoundError(
            f"{model}: {where} redirects to {moved.to}, and your key goes to no other server than "
            "you named. If that one is right, set its address."
        )
    if any(isinstance(cause, NoStreamError) for cause in chain):
        return ModelError(
            f"{model}: {where} gives whole answers only. Ask for them with --no-stream."
        )
    status = getattr(error, "status_code", None)
    cut_off = EndedEarlyError | json.JSONDecodeError if status == 200 else EndedEarlyError
    if any(isinstance(cause, cut_off) for cause in chain):
        return ModelError(f"{model}: the answer ended early.", retryable=True)
    # litellm calls that a 500; the cause tells.
    if any(isinstance(cause, httpx.ConnectError | ConnectionRefusedError) for cause in chain):
        return ModelUnreachableError(
            f"{model}: nothing answers at {where}. Is the server running, and the network up?",
            retryable=True,
        )
    return None


def _answer(error: Exception, failure: Failure, model: str, where: str) -> ModelError:
    """What the provider's refusal, or litellm's, means."""
    status, detail = failure.status, _detail(error, failure)
    if _overflows(error, failure):
        overflow = ContextOverflowError(f"{model}: the request is longer than the model's window.")
        overflow.window = failure.window
        return overflow
    if status == 402 or failure.words & _UNPAID:
        return ModelQuotaError(f"{model}: {_NO_CREDIT} ({detail}).")
    if status in _HINTS:
        return ModelAuthError(f"{model}: {_HINTS[status]} ({detail}).")
    if status == 404 and "html" in failure.headers.get("content-type", ""):
        return ModelNotFoundError(f"{model}: {_web_page(where)}")
    if status == 404 or "model_not_found" in failure.words:
        hint = did_you_mean(near(model))
        return ModelNotFoundError(f"{model}: there is no such model at {where} ({detail}).{hint}")
    if status in (400, 422) or (isinstance(error, ValueError) and not failure.answered):
        refused = ModelRefusedError(f"{model}: {detail}.")
        refused.param = failure.param
        return refused
    return ModelError(
        f"{model}: {detail}.",
        retryable=_passing(error, failure),
        retry_after=asked_wait(failure.headers, datetime.now(UTC)),
    )


def _web_page(where: str) -> str:
    return f"{where} answers with a web page. Check the address."


def _overflows(error: Exception, failure: Failure) -> bool:
    """By the provider's own word; else by litellm, which knows many providers' sentences."""
    from litellm import exceptions

    if failure.words & _OVERFLOW or failure.status == 413:
        return True
    return isinstance(error, exceptions.ContextWindowExceededError)


def _passing(error: Exception, failure: Failure) -> bool:
    from litellm import exceptions

    status = failure.status or 0
    if status in (408, 409, 425, 429) or status >= 500:
        return True
    passing = (exceptions.Timeout, exceptions.APIConnectionError, exceptions.MidStreamFallbackError)
    return not failure.answered and isinstance(error, passing)


def _detail(error: Exception, failure: Failure) -> str:
    """What the provider said: the message in its JSON, else the first line of litellm's own."""
    lost = next((str(c) for c in causes(error) if isinstance(c, httpx.TransportError)), "")
    text = lost or failure.said.get("message")
    if not isinstance(text, str) or not text.strip():
        text = str(getattr(error, "message", None) or error)
    first = (text.strip().splitlines() or [""])[0]
    first = first.rsplit("Exception - ", 1)[-1].removeprefix("litellm.")
    return (first[:300] or type(error).__name__).rstrip(".")
