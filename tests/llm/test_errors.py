"""Failures of a model call are told apart by type and status, never by their wording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ml_intern.configs.errors import Exit
from ml_intern.llm.errors import (
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelNotFoundError,
    ModelUnreachableError,
    translate,
)

Make = Callable[[Any], Exception]


def error(kind: str, message: str = "said", **more: Any) -> Make:
    """litellm's exception; the import takes seconds, so it is made when the test runs."""
    return lambda module: getattr(module, kind)(
        message=message, llm_provider="openai", model="m", **more
    )


def status(code: int, message: str = "said") -> Make:
    return error("APIError", message, status_code=code)


def caused(make: Make, cause: BaseException) -> Make:
    def build(module: Any) -> Exception:
        made = make(module)
        made.__cause__ = cause
        return made

    return build


CASES: list[tuple[str, Make, type[ModelError], bool]] = [
    ("refused key", error("AuthenticationError"), ModelAuthError, False),
    ("no credit", status(402), ModelAuthError, False),
    ("no permission", status(403), ModelAuthError, False),
    ("no model", error("NotFoundError"), ModelNotFoundError, False),
    ("too long", error("ContextWindowExceededError"), ContextOverflowError, False),
    ("rate limit", error("RateLimitError"), ModelError, True),
    ("server error", error("InternalServerError"), ModelError, True),
    ("overloaded", error("ServiceUnavailableError"), ModelError, True),
    ("time-out", error("Timeout"), ModelError, True),
    ("lost connection", error("APIConnectionError"), ModelError, True),
    ("lost mid-stream", error("MidStreamFallbackError"), ModelError, True),
    ("too early", status(425), ModelError, True),
    ("conflict", status(409), ModelError, True),
    ("529", status(529), ModelError, True),
    ("400", error("BadRequestError"), ModelError, False),
    ("422", status(422), ModelError, False),
    ("400 naming a 500", error("BadRequestError", "max_tokens <= 15000"), ModelError, False),
    ("400 naming a 429", error("BadRequestError", "request id 4295"), ModelError, False),
    ("400 with eof in it", error("BadRequestError", "geofence timeout"), ModelError, False),
    ("429 on tokens", error("RateLimitError", "too many tokens"), ModelError, True),
    ("no server", caused(error("InternalServerError"), httpx.ConnectError("x")),
     ModelUnreachableError, True),
    ("nothing listens", caused(error("InternalServerError"), ConnectionRefusedError()),
     ModelUnreachableError, True),
    ("anything else", lambda _: ValueError("x"), ModelError, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "kind", "retryable"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_w18_what_a_failure_is(make: Make, kind: type[ModelError], retryable: bool) -> None:
    """W18: a number or a word inside a message decided whether a call was tried again."""
    from litellm import exceptions

    translated = translate(make(exceptions), "a/b", "http://there")
    assert type(translated) is kind
    assert translated.retryable == retryable
    assert str(translated).startswith("a/b: ")
    assert "litellm" not in str(translated)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ModelError, Exit.FAILED),
        (ModelAuthError, Exit.CREDENTIALS),
        (ModelNotFoundError, Exit.USAGE),
        (ContextOverflowError, Exit.FAILED),
        (ModelUnreachableError, Exit.FAILED),
    ],
)
def test_what_the_command_ends_with(kind: type[ModelError], code: Exit) -> None:
    assert kind("x").exit is code


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("nan", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_what_the_provider_asks_us_to_wait(header: str | None, seconds: float | None) -> None:
    from litellm import exceptions

    limited: Any = error("RateLimitError")(exceptions)
    headers = {} if header is None else {"Retry-After": header}
    limited.litellm_response_headers = httpx.Headers(headers)
    assert translate(limited, "a/b", "there").retry_after == seconds


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('OpenAIException - {"error": {"message": "No such thing."}}', "a/b: No such thing."),
        ("litellm.BadRequestError: OpenAIException - Wrong.\nTrace\nof it", "a/b: Wrong."),
        ("x" * 1000, f"a/b: {'x' * 300}."),
        ("{not json", "a/b: {not json."),
    ],
)
def test_the_providers_own_words_are_shown_in_a_line(message: str, shown: str) -> None:
    from litellm import exceptions

    made = error("BadRequestError", message)(exceptions)
    made.message = message  # type: ignore[attr-defined]
    assert str(translate(made, "a/b", "there")) == shown
