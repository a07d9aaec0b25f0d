"""Texts we put into the history are marked, so that nothing takes them for the user's words."""

from __future__ import annotations

from typing import Literal

from langchain_core.messages import BaseMessage, HumanMessage

Mark = Literal["nudge", "stall", "budget", "summary", "doom", "denied", "refused"]

_KEY = "ml_intern"
_MALFORMED = "ml_intern_malformed"


def mark_of(message: BaseMessage) -> str | None:
    """What a message of ours is; None for the user's, the model's and ordinary tool results."""
    mark = message.additional_kwargs.get(_KEY)
    return mark if isinstance(mark, str) else None


def marking(mark: Mark) -> dict[str, str]:
    """The `additional_kwargs` of a message of ours; they are never sent to a provider."""
    return {_KEY: mark}


def is_users(message: BaseMessage) -> bool:
    """Whether a person wrote it."""
    return isinstance(message, HumanMessage) and mark_of(message) is None


def malformed_marking(errors: dict[str, str]) -> dict[str, dict[str, str]]:
    """The `additional_kwargs` that keep, by call id, why calls of a reply cannot be run."""
    return {_MALFORMED: errors} if errors else {}


def malformed_of(message: BaseMessage) -> dict[str, str]:
    """Why calls of a reply cannot be run, by call id."""
    return dict(message.additional_kwargs.get(_MALFORMED) or {})
