"""What the Hub's refusals mean to the model, and what to do about them.

```
WebError
└── HubError       `kind` says which refusal it was
```
"""

from __future__ import annotations

from typing import Literal

from ml_intern.tools.errors import ToolError
from ml_intern.tools.web.errors import WebError

Kind = Literal[
    "missing", "gated", "revision", "entry", "denied", "payment", "busy", "conflict", "bad",
    "down", "other",
]  # fmt: skip
"""`missing` may also be private: the Hub does not tell the two apart to who has no access."""


class HubError(WebError):
    """The Hub, or its client, did not do what it was asked."""

    def __init__(self, message: str, kind: Kind, status: int | None = None) -> None:
        super().__init__(message, status)
        self.kind: Kind = kind


def refused(error: ToolError) -> bool:
    """Whether the Hub said no; after any other error it may have been done all the same."""
    status = error.status if isinstance(error, WebError) else None
    return status is not None and status < 500


_REMEDIES: dict[Kind, str] = {
    "missing": "{what} does not exist on the Hub, or is private and the token has no access to it. "
    "Check the spelling and the repository type{token}.",
    "gated": "{what} is gated: its owner grants access one by one. The user must ask for it on the "
    "repository's page{token}; or use another one.",
    "revision": "{what} has no such revision. `hf_repo_git` with `list_refs` shows them.",
    "entry": "{what} has no such file. `hf_repo_files` with `list` shows them.",
    "denied": "The Hub refused {what} ({said}): the token does not allow it{token}.",
    "payment": "The Hub asks for payment ({said}): the user must add credit, or change the plan.",
    "busy": "The Hub is asked too often ({said}). Wait a minute and ask again.",
    "conflict": "The Hub found a conflict at {what}: {said}.",
    "bad": "The Hub did not accept this of {what}: {said}.",
    "down": "The Hub did not answer ({said}). Try again in a while.",
    "other": "The Hub could not do it: {said}.",
}
_BY_TYPE: dict[str, Kind] = {
    "GatedRepoError": "gated",
    "RepositoryNotFoundError": "missing",
    "BucketNotFoundError": "missing",
    "JobNotFoundError": "missing",
    "RevisionNotFoundError": "revision",
    "RemoteEntryNotFoundError": "entry",
    "LocalEntryNotFoundError": "down",
    "EntryNotFoundError": "entry",
    "DisabledRepoError": "denied",
    "HFValidationError": "bad",
    "NotASafetensorsRepoError": "entry",
}
_BY_STATUS: dict[int, Kind] = {
    400: "bad", 401: "denied", 402: "payment", 403: "denied", 404: "missing", 409: "conflict",
    412: "conflict", 422: "bad", 429: "busy",
}  # fmt: skip


def hub_error(error: Exception, what: str, token: str | None) -> HubError:
    """`error` of huggingface_hub or httpx, in words; `what` names what was asked for."""
    if type(error).__name__ == "LocalEntryNotFoundError" and isinstance(error.__cause__, Exception):
        error = error.__cause__  # What it hides: why the file could not be had.
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = _kind(error, status)
    said = getattr(error, "server_message", None) or str(error) or type(error).__name__
    said = " ".join(said.split()).replace(token or "\0", "[token]")[:300].rstrip(".")
    hint = "" if token else ", and set HF_TOKEN: there is no token now"
    message = _REMEDIES[kind].format(what=what, said=said, token=hint)
    return HubError(message[:1].upper() + message[1:], kind, status)


def unreadable(what: str) -> HubError:
    """What the library made nothing of."""
    return HubError(f"The Hub answered about {what} in a form that is not known.", "other")


def _kind(error: Exception, status: int | None) -> Kind:
    # By name, the nearest class first: importing the library for its classes costs 0.3 s.
    for name in (kind.__name__ for kind in type(error).__mro__):
        if name in _BY_TYPE:
            return _BY_TYPE[name]
    if status is not None:
        return "down" if status >= 500 else _BY_STATUS.get(status, "other")
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"TransportError", "TimeoutError", "ConnectionError"}:
        return "down"
    return "bad" if isinstance(error, ValueError) else "other"
