"""What the user said while a turn ran, as one message: roles keep alternating."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from ml_intern.checkpoints.inbox import Queued

_KEY = "ml_intern_queued"
_WITHIN = "ml_intern_within"


def spoken(queued: Sequence[Queued], text: str = "", *, within: bool = False) -> HumanMessage:
    """The user's message made of what waited and a new `text`, if there is one.

    It keeps which messages it holds, and has the id of the first: to put it into the history twice
    changes nothing. `within`: it is heard by a turn that goes on.
    """
    texts = [*(message.text for message in queued), *([text] if text else [])]
    ids = [message.id for message in queued]
    kwargs: dict[str, Any] = {_KEY: ids} if ids else {}
    if within:
        kwargs[_WITHIN] = True
    whole = "\n\n".join(texts)
    return HumanMessage(whole, id=ids[0] if ids else None, additional_kwargs=kwargs)


def heard_within(message: BaseMessage) -> bool:
    """Whether a turn went on behind it: what was planned before is still to be done."""
    return bool(message.additional_kwargs.get(_WITHIN))


def delivered(messages: Iterable[BaseMessage]) -> set[str]:
    """The ids of the queued messages that these hold."""
    return {id_ for message in messages for id_ in message.additional_kwargs.get(_KEY) or ()}
