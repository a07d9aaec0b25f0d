"""A tape: a model's part in one turn, recorded, with what must happen in between for it to be true.

Nothing here has a memory: where the tape stands is read off the messages, every time anew. So a run
that was killed is gone on with by another process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any, Literal, NamedTuple, NoReturn

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, model_validator

from ml_intern.llm.errors import ModelError


class TapeDrift(ModelError):
    """What happened is not what was recorded, so what the tape says next might be untrue."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RecordedCall(_Part):
    """A tool call, and what its result must look like."""

    tool: str
    arguments: dict[str, Any]
    status: Literal["success", "error"] = "success"
    match: tuple[str, ...] = ()
    """Regular expressions, each to be found in the result. A named group captures what was really
    there; captured again, it must be the same."""


class RecordedTurn(_Part):
    """One reply of the model."""

    rising: tuple[tuple[str, ...], ...] = ()
    """Names of captured numbers; those of each row must be strictly rising by now."""
    say: str
    """The text; `${name}` stands for what was captured."""
    calls: tuple[RecordedCall, ...] = ()


class Answer(NamedTuple):
    """What the model replies."""

    text: str
    calls: tuple[RecordedCall, ...]


class Tape(_Part):
    """A user's message and all that the model replies to it and to the results of its calls."""

    prompt: str
    turns: tuple[RecordedTurn, ...]

    @classmethod
    def load(cls, path: Path) -> Tape:
        """The tape in a JSON file, where `{"lines": […]}` may stand for a long string."""
        return cls.model_validate(json.loads(path.read_text(encoding="utf-8"), object_hook=_joined))

    @model_validator(mode="after")
    def _says_only_what_it_saw(self) -> Tape:
        seen: set[str] = set()
        for turn in self.turns:
            used = {*Template(turn.say).get_identifiers(), *(n for row in turn.rising for n in row)}
            if unseen := used - seen:
                raise ValueError(f"uses {sorted(unseen)} before they are captured")
            for call in turn.calls:
                seen.update(*(re.compile(pattern).groupindex for pattern in call.match))
        return self

    def tools(self) -> set[str]:
        """The tools that its calls need."""
        return {call.tool for turn in self.turns for call in turn.calls}

    def answer(self, messages: Sequence[BaseMessage]) -> Answer:
        """The reply to `messages`, all of which are compared with the tape.

        Raises:
            TapeDrift: they differ, or the tape is over.
        """
        number = sum(isinstance(message, AIMessage) for message in messages)
        if number >= len(self.turns):
            _drift(number, f"no more than {len(self.turns)} replies", "a request for another one")
        self._check_frame(messages, number)
        captured: dict[str, str] = {}
        rest = iter(messages[2:])
        for index, turn in enumerate(self.turns[:number]):
            ids = _check_reply(index, next(rest), _spoken(index, turn, captured))
            for call, call_id in zip(turn.calls, ids, strict=True):
                _check_result(index + 1, next(rest), call_id, call, captured)
        return _spoken(number, self.turns[number], captured)

    def _check_frame(self, messages: Sequence[BaseMessage], number: int) -> None:
        done = self.turns[:number]
        expected = ["system", "human"]
        expected += [role for turn in done for role in ("ai", *("tool" for _ in turn.calls))]
        came = [message.type for message in messages]
        if came != expected:
            _drift(number, f"{len(expected)} messages ({_listed(expected)})",
                   f"{len(came)} ({_listed(came)})")  # fmt: skip
        if (prompt := str(messages[1].text)) != self.prompt:
            _drift(number, f"the message {self.prompt!r}", repr(prompt))


def _joined(values: dict[str, Any]) -> object:
    return "\n".join(values["lines"]) if values.keys() == {"lines"} else values


def _spoken(index: int, turn: RecordedTurn, captured: dict[str, str]) -> Answer:
    for low, high in (pair for row in turn.rising for pair in pairwise(row)):
        if not float(captured[low]) < float(captured[high]):
            _drift(index, f"{low} < {high}", f"{captured[low]} and {captured[high]}")
    return Answer(Template(turn.say).substitute(captured), turn.calls)


def _check_reply(index: int, message: BaseMessage, recorded: Answer) -> list[str | None]:
    """The ids of the calls in it."""
    assert isinstance(message, AIMessage)
    came = [(call["name"], call["args"]) for call in message.tool_calls]
    expected = [(call.tool, call.arguments) for call in recorded.calls]
    if (str(message.text), came) != (recorded.text, expected):
        _drift(index, "the recorded reply in the history", "another one")
    return [call["id"] for call in message.tool_calls]


def _check_result(
    index: int,
    message: BaseMessage,
    call_id: str | None,
    call: RecordedCall,
    captured: dict[str, str],
) -> None:
    assert isinstance(message, ToolMessage)
    text = str(message.text)
    came = (message.name, message.tool_call_id, message.status)
    if came != (call.tool, call_id, call.status):
        expected = f"a result of {call.tool} ({call_id}) with status {call.status}"
        _drift(index, expected, f"one of {came[0]} ({came[1]}) with status {came[2]}: {text!r}")
    for pattern in call.match:
        for name, value in _groups(index, pattern, text):
            if captured.setdefault(name, value) != value:
                _drift(index, f"{name} to be {captured[name]} still", value)


def _groups(index: int, pattern: str, text: str) -> Iterator[tuple[str, str]]:
    found = re.search(pattern, text)
    if found is None:
        _drift(index, f"something like /{pattern}/ in the result", repr(text))
    yield from found.groupdict(default="").items()


def _listed(roles: Sequence[str]) -> str:
    return " ".join(roles) or "none"


def _drift(index: int, expected: str, came: str) -> NoReturn:
    shown = came if len(came) <= 300 else f"{came[:300]} …"
    raise TapeDrift(
        f"The recording does not fit what happened, so it ends here. Before its reply {index + 1}: "
        f"expected {expected}; got {shown}."
    )
