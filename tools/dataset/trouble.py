"""Why the dataset viewer did not answer, and what to do about it."""

from __future__ import annotations

import re
from typing import Literal

from ml_intern.tools.web.errors import WebError

Why = Literal[
    "access", "unknown", "not_ready", "script", "disabled", "private", "big", "unsupported",
    "bad", "busy", "down", "failed",
]  # fmt: skip
"""`access`: no such dataset, or not for this token; `unknown`: no such config or split, or nothing
computed; `failed`: the viewer could not read the dataset."""

_BY_CODE: dict[str, Why] = {
    "ExternalUnauthenticatedError": "access",
    "ExternalAuthenticatedError": "access",
    "DatasetNotFoundError": "access",
    "ResponseNotReady": "not_ready",
    "PreviousStepStillProcessingError": "not_ready",
    "ResponseAlreadyComputedError": "not_ready",
    "ConfigNotFoundError": "unknown",
    "SplitNotFoundError": "unknown",
    "ResponseNotFound": "unknown",
    "DatasetScriptError": "script",
    "DatasetWithScriptNotSupportedError": "script",
    "DatasetModuleNotInstalledError": "script",
    "DatasetManualDownloadError": "script",
    "DisabledViewerError": "disabled",
    "NotSupportedDisabledViewerError": "disabled",
    "NotSupportedDisabledRepositoryError": "disabled",
    "DatasetInBlockListError": "disabled",
    "NotSupportedPrivateRepositoryError": "private",
    "InvalidParameter": "bad",
    "MissingRequiredParameter": "bad",
    "AuthCheckHubRequestError": "down",
    "UnexpectedApiError": "down",
}
_BY_STATUS: dict[int, Why] = {
    400: "bad", 401: "access", 403: "access", 404: "unknown", 422: "bad", 429: "busy",
    501: "unsupported",
}  # fmt: skip
_WORDS: dict[Why, str] = {
    "access": "The viewer has no access to the dataset",
    "unknown": "The viewer knows nothing of it; if it is new, try again in a few minutes",
    "not_ready": "The viewer is still computing this dataset; try again in 5 to 10 minutes",
    "script": "The viewer does not run dataset scripts, nor does `datasets` from version 4 on",
    "disabled": "The viewer is disabled for this dataset, and waiting will not help",
    "private": "The viewer serves private datasets of PRO and Enterprise accounts only",
    "big": "The dataset, or its rows, are too big for the viewer",
    "unsupported": "The viewer does not support this dataset",
    "bad": "The viewer did not accept the request",
    "busy": "The viewer is asked too often; try again in a minute",
    "down": "The viewer does not answer now; try again in a while",
    "failed": "The viewer could not read the dataset, which often means that its files are broken",
}


def why(error: WebError) -> Why:
    """What a refusal of the viewer means."""
    if known := _BY_CODE.get(error.code):
        return known
    if error.code.startswith(("TooBig", "TooMany", "DatasetWithTooMany", "SplitWithTooBig")):
        return "big"
    if error.status is None:
        return "down"
    if error.status == 500 and re.search("not ready|retry later", str(error), re.IGNORECASE):
        return "not_ready"
    if error.status >= 500 and error.status != 501:
        # Without a name for it, it is no finding about the dataset.
        return "failed" if error.status == 500 and error.code else "down"
    return _BY_STATUS.get(error.status, "down")


def explained(error: WebError) -> str:
    """The refusal and its remedy in a sentence, without a stop."""
    reason = why(error)
    said = "" if reason in ("access", "not_ready") else _said(error)
    return f"{_WORDS[reason]} ({said})" if said else _WORDS[reason]


def _said(error: WebError) -> str:
    """The viewer's own words in the answer that `error` quotes, which may be cut."""
    if error.status is None:
        return str(error).rstrip(".")
    found = re.search(r'"error": ?"((?:[^"\\]|\\.)+)', str(error))
    words = found[1] if found else f"status {error.status}"
    return words.replace('\\"', '"').replace("\\\\", "\\").rstrip(".\\ ")
