"""A Hugging Face token: checked with the Hub, saved as `hf auth login` saves it.

Nothing that is said here repeats the token, and no error's own text is: it might.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from ml_intern.llm.background import in_daemon

_PATIENCE = 20.0
"""Seconds the Hub has to answer; huggingface_hub itself would wait without end."""
_REFUSED = (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the Hub says of a token."""

    user: str = ""
    name: str = ""
    """Of the token, under which it is saved."""
    problem: str = ""
    """Why it cannot be used, as a sentence; "" if it can."""


def sound(key: str) -> bool:
    """Whether a header can carry it; what it cannot carry would be shown in an error."""
    return key.isascii() and key.isprintable() and " " not in key


async def check(token: str, endpoint: str) -> Checked:
    """Ask the Hub at `endpoint`, and nobody else, whose token it is."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await in_daemon(partial(_check, token, endpoint))
    except TimeoutError:
        return Checked(problem=f"{endpoint} did not answer within {_PATIENCE:.0f} seconds.")


def _check(token: str, endpoint: str) -> Checked:
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        answer = HfApi(endpoint=endpoint.rstrip("/")).whoami(token=token)
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in _REFUSED:
            return Checked(problem=f"{endpoint} refuses this token: it is wrong or was revoked.")
        return Checked(problem=f"{endpoint} could not check the token (HTTP {status}). Try again.")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ImportError):
        # An import fails where a proxy is one that httpx is not equipped for.
        return Checked(problem=f"{endpoint} cannot be reached, so the token was not checked.")
    except (ValueError, RecursionError):
        return Checked(problem=f"What {endpoint} answers is not the Hub's (HF_ENDPOINT).")
    return _known(answer, endpoint)


def _known(answer: Any, endpoint: str) -> Checked:  # noqa: ANN401 - JSON
    user = answer.get("name") if isinstance(answer, dict) else None
    if not isinstance(user, str) or not user:
        return Checked(problem=f"What {endpoint} answers is not the Hub's (HF_ENDPOINT).")
    auth = answer.get("auth")
    about = auth.get("accessToken") if isinstance(auth, dict) else None
    name = about.get("displayName") if isinstance(about, dict) else None
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-") if isinstance(name, str) else ""
    return Checked(user=user, name=plain or "ml-intern")


async def save(token: str, name: str) -> str:
    """Keep the token for the next start; what came of it, as a sentence."""
    return await in_daemon(partial(_save, token, name))


def _save(token: str, name: str) -> str:
    from huggingface_hub import constants

    try:
        # `login` is these two after a check of its own, with the endpoint of the environment.
        from huggingface_hub._login import _set_active_token
        from huggingface_hub.utils._auth import _save_token

        _save_token(token=token, token_name=name)
        _set_active_token(token_name=name, add_to_git_credential=False)
    except OSError as error:
        why = error.strerror or type(error).__name__
    except Exception as error:  # noqa: BLE001 - private functions: whatever it is, it is told
        why = type(error).__name__
    else:
        return f"The token is saved in {constants.HF_TOKEN_PATH}, as by `hf auth login`."
    return (
        f"The token cannot be saved in {constants.HF_TOKEN_PATH} ({why}), so it is used for this "
        "session only."
    )
