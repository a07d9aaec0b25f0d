"""What the columns of a dataset are to training, and the code that makes them what it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ml_intern.tools.dataset.conversation import Chat
from ml_intern.tools.dataset.feature import Feature
from ml_intern.tools.dataset.sample import Sample

PROMPTS = ("prompt", "instruction", "question", "problem", "query", "input", "inputs", "user")
"""Names under which datasets keep what the model is asked, the clearest first."""
ANSWERS = (
    "completion", "output", "outputs", "response", "solution", "generated_solution", "generation",
    "answer", "target", "targets", "assistant", "reply",
)  # fmt: skip
"""Names under which datasets keep what the model shall say, the fullest first."""
SYSTEMS = ("system", "system_prompt")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a method of training can use a dataset, and how."""

    method: str
    fits: Literal["as is", "after mapping", "no"]
    why: str
    code: str = ""
    """Lines of Python on `ds`, a `datasets.Dataset`, that make it fit."""
    columns: tuple[str, ...] = ()
    """Those it trains on, as they are called now."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns, by what they can be used as."""

    columns: Mapping[str, Feature]
    chats: Mapping[str, Chat]
    sample: Sample

    def find(self, *names: str) -> str | None:
        """The column of text or conversations with the first of these names, in any case."""
        usable = {column.lower(): column for column in self.columns if self.usable(column)}
        return next((usable[name] for name in names if name in usable), None)

    def usable(self, column: str) -> bool:
        """Whether it is text or conversations."""
        return column in self.chats or self.text(column)

    def text(self, column: str) -> bool:
        """Whether it is plain text."""
        return self.columns[column].text and column not in self.chats

    def ready(self, column: str) -> bool:
        """Whether it is text, or conversations as chat templates take them."""
        return self.text(column) or (column in self.chats and self.chats[column].standard)

    def alike(self, *columns: str) -> bool:
        """Whether all are text, or all conversations, and none needs mapping."""
        kinds = {self.text(column) for column in columns}
        return len(kinds) == 1 and all(self.ready(column) for column in columns)


def shape_of(sample: Sample) -> Shape:
    """The shape of a dataset, by its schema and what the sample shows where that is silent."""
    return Shape(sample.columns(), sample.chats(), sample)


def cell_of(column: str) -> str:
    """An expression for a cell; any name of a column stays a text in it."""
    return f"row[{quoted(column)}]"


def quoted(name: str) -> str:
    """A name as a literal of Python."""
    return json.dumps(name)


def as_messages(shape: Shape, column: str, role: str) -> str:
    """An expression for the messages in `row[column]`; text becomes one message of `role`."""
    chat, cell = shape.chats.get(column), cell_of(column)
    if chat is None:
        return f'[{{"role": "{role}", "content": {cell}}}]'
    if chat.standard:
        return cell
    if chat.form == "columns":
        name = _renamed("r", chat)
        pairs = f'zip({cell}["{chat.role}"], {cell}["{chat.content}"])'
        return f'[{{"role": {name}, "content": c}} for r, c in {pairs}]'
    name = _renamed(f'm["{chat.role}"]', chat)
    message = f'{{"role": {name}, "content": m["{chat.content}"]}}'
    source = {"json": f"json.loads({cell})", "one": f"[{cell}]"}.get(chat.form, cell)
    return f"[{message} for m in {source}]"


def _renamed(name: str, chat: Chat) -> str:
    return f"ROLES.get({name}, {name})" if chat.roles else name


def mapping(shape: Shape, columns: Sequence[str], new: Mapping[str, str], keep: bool) -> str:
    """The code that makes the columns `new` (expression by name); `keep` the other columns."""
    chats = [shape.chats[column] for column in columns if column in shape.chats]
    roles = {old: name for chat in chats for old, name in chat.roles.items()}
    body = ", ".join(f'"{name}": {expression}' for name, expression in new.items())
    lines = [
        *(["import json"] if any(chat.form == "json" for chat in chats) else []),
        *([f"ROLES = {roles}"] if roles else []),
        "def convert(row):",
        f"    return {{{body}}}",
        f"ds = ds.map(convert{'' if keep else ', remove_columns=ds.column_names'})",
    ]
    return "\n".join(lines)


def asked(shape: Shape, prompt: str) -> str:
    """An expression for the messages of a prompt, with the input and system prompt beside it."""
    if not shape.text(prompt):
        return as_messages(shape, prompt, "user")
    words, extra = cell_of(prompt), shape.find("input", "context")
    if prompt.lower() == "instruction" and extra and shape.text(extra):
        words = f'"\\n\\n".join(filter(None, [{words}, {cell_of(extra)}]))'
    user = f'{{"role": "user", "content": {words}}}'
    system = shape.find(*SYSTEMS)
    if system is None or not shape.text(system):
        return f"[{user}]"
    first = f'{{"role": "system", "content": {cell_of(system)}}}'
    return f"[*([{first}] if {cell_of(system)} else []), {user}]"
