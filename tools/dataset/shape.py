"""What the columns of a dataset are to training, and the code that makes them what it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
KEPT = ("tools", "images", "image", "chat_template_kwargs")
"""What the trainers read beside the texts themselves."""


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

    def rivals(self, used: Sequence[str], names: Sequence[str]) -> list[str]:
        """Those of `names` that are columns although not `used`: they mislead the trainer."""
        return [name for name in names if name in self.columns and name not in used]

    def role_at(self, column: str, end: int, role: str) -> bool | None:
        """Whether most conversations have `role` first (0) or last (-1); None if there are none."""
        talks = [turns for turns in self.sample.turns(column, self.chats[column]) if turns]
        return sum(turns[end].role == role for turns in talks) * 2 > len(talks) if talks else None

    def prompt(self) -> str | None:
        """The column of what is asked; it may hold conversations that wait for an answer."""
        waiting = (name for name in self.chats if self.role_at(name, -1, "user"))
        return self.find(*PROMPTS) or next(waiting, None)

    def alike(self, *columns: str) -> bool:
        """Whether all are text, or all conversations, and none needs mapping."""
        kinds = {self.text(column) for column in columns}
        return len(kinds) == 1 and all(self.ready(column) for column in columns)


def shape_of(sample: Sample) -> Shape:
    """The shape of a dataset, by its schema and what the sample shows where that is silent."""
    return Shape(sample.columns(), sample.chats(), sample)


def without(shape: Shape, found: Verdict, names: Sequence[str]) -> Verdict:
    """`found`, once those of `names` that are beside its columns are gone."""
    others = shape.rivals(found.columns, names)
    if not others:
        return found
    named = ", ".join(f"`{name}`" for name in others)
    why = f"{found.why}, once {named} is removed, which the trainer would take for its own"
    code = f"ds = ds.remove_columns({others})"
    return replace(found, fits="after mapping", why=why, code=code)


def cell_of(column: str) -> str:
    """An expression for a cell; any name of a column stays a text in it."""
    return f"row[{quoted(column)}]"


def quoted(name: str) -> str:
    """A name as a literal of Python."""
    return json.dumps(name, ensure_ascii=False)


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
    source = {"json": f"json.loads({cell})", "one": f"[{cell}]"}.get(chat.form, cell)
    name = _renamed(f'm["{chat.role}"]', chat)
    if (chat.role, chat.content) == ("role", "content"):
        # Calls of tools and the like stay where they are.
        return f'[{{**m, "role": {name}}} for m in {source}]' if chat.roles else source
    return f'[{{"role": {name}, "content": m["{chat.content}"]}} for m in {source}]'


def _renamed(name: str, chat: Chat) -> str:
    return f"ROLES.get({name}, {name})" if chat.roles else name


def mapping(shape: Shape, columns: Sequence[str], new: Mapping[str, str], keep: bool) -> str:
    """The code that makes the columns `new` (expression by name); `keep` the other columns."""
    chats = [shape.chats[column] for column in columns if column in shape.chats]
    roles = {old: name for chat in chats for old, name in chat.roles.items()}
    kept = [name for name in KEPT if name in shape.columns]
    others = f"[c for c in ds.column_names if c not in {kept}]" if kept else "ds.column_names"
    body = ", ".join(f'"{name}": {expression}' for name, expression in new.items())
    lines = [
        *(["import json"] if any(chat.form == "json" for chat in chats) else []),
        *([f"ROLES = {roles}"] if roles else []),
        "def convert(row):",
        f"    return {{{body}}}",
        f"ds = ds.map(convert{'' if keep else f', remove_columns={others}'})",
    ]
    return "\n".join(lines)


def asked(shape: Shape, prompt: str) -> str:
    """An expression for the messages of a prompt, with the input and system prompt beside it."""
    if not shape.text(prompt):
        return with_system(shape, prompt)
    words, extra = cell_of(prompt), shape.find("input", "context")
    if prompt.lower() == "instruction" and extra and shape.text(extra):
        words = f'"\\n\\n".join(filter(None, [{words}, {cell_of(extra)}]))'
    return _after_system(shape, f'[{{"role": "user", "content": {words}}}]')


def with_system(shape: Shape, column: str) -> str:
    """As `as_messages`, after the system prompt beside it if they do not begin with one."""
    messages = as_messages(shape, column, "user")
    return messages if has_system(shape, column) else _after_system(shape, messages)


def has_system(shape: Shape, column: str) -> bool:
    """Whether nothing but the conversations themselves has a system prompt."""
    talks = shape.sample.turns(column, shape.chats[column])
    return system_of(shape) is None or any(t[0].role == "system" for t in talks if t)


def system_of(shape: Shape) -> str | None:
    """The column of system prompts."""
    found = shape.find(*SYSTEMS)
    return found if found and shape.text(found) else None


def _after_system(shape: Shape, messages: str) -> str:
    system = system_of(shape)
    if system is None:
        return messages
    first = f'{{"role": "system", "content": {cell_of(system)}}}'
    return f"([{first}] if {cell_of(system)} else []) + {messages}"
