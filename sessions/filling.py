"""How full the model's window is and with what, and what can never be in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from ml_intern.configs.sections import sections_of
from ml_intern.llm.tokens import context_size, count_messages, count_text
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.fallback import as_learned
from ml_intern.nodes.policies.marks import mark_of
from ml_intern.nodes.sizes import limit_of, overhead
from ml_intern.sessions.attachment import Attachment

_UNCOUNTED = 20_000
"""Characters up to which a message fits everywhere."""

Kind = Literal[
    "system prompt", "instructions", "skills", "tools", "summary", "your messages",
    "its messages", "tool results", "notes",
]  # fmt: skip
"""What fills a window, in the order it is shown; notes are those that ml-intern writes."""
_KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one kind takes of the request."""

    kind: Kind
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """The next request against the window it has to fit into, in tokens."""

    model: str
    tokens: int
    window: int
    limit: int
    """Above it, the history is compacted before the request."""
    messages: int
    parts: tuple[Part, ...] = ()
    """Every kind; together they are `tokens`."""
    files: tuple[str, ...] = ()
    """Where the instructions came from."""


async def measure(at: Attachment) -> Filling:
    """Count the next request.

    Raises:
        MlInternError: the model cannot be had, so its window is not known.
    """
    state = await at.state()
    model = as_learned(await at.deps.model(at.options.model), state)
    messages = state.get("messages", [])
    tokens, parts = await asyncio.to_thread(_count, messages, at.deps)
    return Filling(
        model=model.name,
        tokens=tokens,
        window=model.window,
        limit=limit_of(model, at.deps),
        messages=len(messages),
        parts=parts,
        files=sections_of(at.deps.system_prompt).files,
    )


def context_parts(filling: Filling) -> list[tuple[str, str]]:
    """A row for each kind that takes anything: its name, and its tokens and share."""
    return [(part.kind, _row(part, filling)) for part in filling.parts if part.tokens]


def _row(part: Part, filling: Filling) -> str:
    share = f"{part.tokens:,} ({part.tokens / filling.window:.1%})"
    of = part.kind == "instructions" and filling.files
    return f"{share} {', '.join(filling.files)}" if of else share


def _count(messages: Sequence[AnyMessage], deps: Deps) -> tuple[int, tuple[Part, ...]]:
    """The request's tokens, and what they are spent on. Blocks."""
    tokens = context_size(messages, overhead(deps))
    counted = _fixed(deps)
    for message in messages:
        counted[kind_of(message)] += count_messages([message])
    shares = shared_out(tokens, counted)
    return tokens, tuple(Part(kind=kind, tokens=shares[kind]) for kind in _KINDS)


def _fixed(deps: Deps) -> Counter[Kind]:
    """What goes with every request."""
    sections = sections_of(deps.system_prompt)
    instructions, skills = count_text(sections.instructions), count_text(sections.skills)
    ours = max(0, count_text(deps.system_prompt) - instructions - skills)
    counted: Counter[Kind] = Counter()
    counted["system prompt"], counted["instructions"], counted["skills"] = (
        ours, instructions, skills
    )  # fmt: skip
    counted["tools"] = count_text(deps.schemas)
    return counted


def kind_of(message: AnyMessage) -> Kind:
    """What a message of the history counts as."""
    if mark := mark_of(message):
        return "summary" if mark == "summary" else "notes"
    if isinstance(message, HumanMessage):
        return "your messages"
    if isinstance(message, AIMessage):
        return "its messages"
    return "tool results" if isinstance(message, ToolMessage) else "notes"


def shared_out(total: int, counted: Mapping[Kind, int]) -> Counter[Kind]:
    """`total`, which a provider may have counted, in the proportions of our own counts."""
    whole = sum(counted.values()) or 1
    shares: Counter[Kind] = Counter({kind: total * n // whole for kind, n in counted.items()})
    ranked = shares.most_common(1)
    shares[ranked[0][0] if ranked else _KINDS[0]] += total - shares.total()
    return shares


async def too_long(at: Attachment, text: str) -> str:
    """Why a message cannot be sent at all; "" for nearly all of them, which are not counted."""
    if len(text) < _UNCOUNTED:
        return ""
    model = await at.deps.model(at.options.model)
    size, limit = await asyncio.to_thread(count_text, text), limit_of(model, at.deps)
    if size <= limit:
        return ""
    return (
        f"The message has about {size:,} tokens; {model.name} takes {limit:,}. Nothing was sent. "
        "Put the text into a file and name the file instead."
    )
