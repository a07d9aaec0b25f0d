"""Failures of a model call are told apart by type and status, never by their wording."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.configs.errors import Exit
from ml_intern.llm.errors import (
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelNotFoundError,
    ModelQuotaError,
    ModelRefusedError,
    ModelUnreachableError,
)
from ml_intern.llm.failure import fields
from ml_intern.llm.tape import TapeDrift
from ml_intern.llm.translate import translate

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


def answered(make: Make, status: int, body: str | None = None, **fields: Any) -> Make:
    """litellm's exception over the provider's own answer."""
    text = json.dumps({"error": {"message": "said", **fields}}) if body is None else body
    request = httpx.Request("POST", "http://there")
    response = httpx.Response(status, text=text, request=request)
    return caused(make, httpx.HTTPStatusError("x", request=request, response=response))


CASES: list[tuple[str, Make, type[ModelError], bool]] = [
    ("refused key", error("AuthenticationError"), ModelAuthError, False),
    ("no credit", status(402), ModelQuotaError, False),
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
    ("400", error("BadRequestError"), ModelRefusedError, False),
    ("422", status(422), ModelRefusedError, False),
    ("400 naming a 500", error("BadRequestError", "max_tokens <= 15000"), ModelRefusedError, False),
    ("400 naming a 429", error("BadRequestError", "request id 4295"), ModelRefusedError, False),
    ("400 with eof in it", error("BadRequestError", "geofence timeout"), ModelRefusedError, False),
    ("a 400 that litellm takes for a 429", answered(error("RateLimitError"), 400),
     ModelRefusedError, False),
    ("a 400 that litellm takes for a time-out", answered(error("Timeout"), 400),
     ModelRefusedError, False),
    ("a 503 that litellm takes for a 400", answered(error("BadRequestError"), 503),
     ModelError, True),
    ("a 500 whose text has no overflow", answered(error("BadRequestError"), 500, "{}"),
     ModelError, True),
    ("overflow by code", answered(error("BadRequestError"), 400, code="context_length_exceeded"),
     ContextOverflowError, False),
    ("overflow by type", answered(error("APIError", status_code=500), 500,
     type="exceed_context_size_error"), ContextOverflowError, False),
    ("too large", answered(error("RateLimitError"), 413, code="rate_limit_exceeded"),
     ContextOverflowError, False),
    ("quota by type", answered(error("RateLimitError"), 429, type="insufficient_quota"),
     ModelQuotaError, False),
    ("quota by code", answered(error("RateLimitError"), 429, code="billing_hard_limit_reached"),
     ModelQuotaError, False),
    ("quota by words only", answered(error("RateLimitError"), 429, message="insufficient_quota"),
     ModelError, True),
    ("an unknown model by code", answered(error("BadRequestError"), 400, code="model_not_found"),
     ModelNotFoundError, False),
    ("an untrusted certificate", caused(error("InternalServerError"),
     ssl.SSLCertVerificationError("x")), ModelError, False),
    ("litellm takes a parameter for wrong", error("UnsupportedParamsError"),
     ModelRefusedError, False),
    ("429 on tokens", error("RateLimitError", "too many tokens"), ModelError, True),
    ("no server", caused(error("InternalServerError"), httpx.ConnectError("x")),
     ModelUnreachableError, True),
    ("nothing listens", caused(error("InternalServerError"), ConnectionRefusedError()),
     ModelUnreachableError, True),
    ("a value that litellm refuses", lambda _: ValueError("x"), ModelRefusedError, False),
    ("anything else", lambda _: RuntimeError("x"), ModelError, False),
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
        (ModelQuotaError, Exit.CREDENTIALS),
        (ModelRefusedError, Exit.FAILED),
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
        ("-3", None),
        ("nan", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
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


@pytest.mark.parametrize(
    ("make", "elsewhere"),
    [
        (error("RateLimitError"), True),
        (error("InternalServerError"), True),
        (error("Timeout"), True),
        (caused(error("InternalServerError"), httpx.ConnectError("x")), True),
        (status(402), True),
        (answered(error("RateLimitError"), 429, type="insufficient_quota"), True),
        (error("BadRequestError"), False),
        (error("AuthenticationError"), False),
        (status(403), False),
        (error("NotFoundError"), False),
        (error("ContextWindowExceededError"), False),
        (caused(error("InternalServerError"), ssl.SSLCertVerificationError("x")), False),
    ],
)
def test_whether_another_model_might_do(make: Make, elsewhere: bool) -> None:
    from litellm import exceptions

    assert translate(make(exceptions), "a/b", "there").elsewhere is elsewhere


def test_a_drift_of_the_tape_is_no_models_fault() -> None:
    assert not TapeDrift("x").elsewhere


def test_an_earlier_failure_of_ours_does_not_count() -> None:
    """A fallback model is asked while the first one's failure is being handled."""
    from litellm import exceptions

    first = translate(answered(status(402), 402)(exceptions), "a/b", "there")
    second = caused(error("NotFoundError"), first)(exceptions)
    assert type(translate(second, "c/d", "there")) is ModelNotFoundError


@pytest.mark.parametrize(("param", "known"), [("tools", "tools"), (None, None), (7, None)])
def test_the_parameter_that_was_wrong_is_known(param: Any, known: str | None) -> None:
    from litellm import exceptions

    made = answered(error("BadRequestError"), 400, param=param)(exceptions)
    refused = translate(made, "a/b", "there")
    assert isinstance(refused, ModelRefusedError)
    assert refused.param == known


@pytest.mark.parametrize("size", [8192, None, "8192", -1])
def test_the_window_is_a_number_or_unknown(size: Any) -> None:
    from litellm import exceptions

    made = answered(status(400), 400, type="exceed_context_size_error", n_ctx=size)(exceptions)
    overflow = translate(made, "a/b", "there")
    assert isinstance(overflow, ContextOverflowError)
    assert overflow.window == (8192 if size == 8192 else None)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_has_fields_or_none(text: str) -> None:
    assert isinstance(fields(text), dict)
    assert isinstance(fields(f"Error: {{{text}"), dict)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"error": {"code": "a"}}', {"code": "a"}),
        ('Exception - {"error": {"code": "a"}} tail', {"code": "a"}),
        ('{"error": "no"}', {"message": "no"}),
        ('{"detail": "no"}', {"detail": "no"}),
        ("{" * 100_000, {}),
        ("[" * 100_000 + "{", {}),
        ("", {}),
    ],
)
def test_fields_are_those_of_the_error(text: str, found: dict[str, Any]) -> None:
    assert fields(text) == found
