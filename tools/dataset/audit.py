"""What the conversations of a sample look like."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from ml_intern.tools.dataset.cell import label
from ml_intern.tools.dataset.conversation import Chat, Turn, broken
from ml_intern.tools.dataset.feature import Feature
from ml_intern.tools.dataset.sample import Sample

_PATTERNS = 5
"""Orders of roles that are shown."""
_ROLES = 8
_STEPS = 12


def audit(name: str, chat: Chat, sample: Sample, columns: Mapping[str, Feature]) -> list[str]:
    """Lines on one column of conversations."""
    talks = [turns for turns in sample.turns(name, chat) if turns]
    if not talks:
        return [f"`{name}`: no conversation in the sample"]
    turns = [turn for talk in talks for turn in talk]
    return [
        f"`{name}`: {len(talks):,} conversations{_written(chat)}",
        f"- turns: {_spread([len(talk) for talk in talks])}; {_endings(talks)}",
        f"- roles, with characters of a turn: {_roles(turns)}",
        f"- order: {_patterns(talks)}",
        f"- {_faults(talks)}",
        f"- {_extras(talks, columns)}",
    ]


def _written(chat: Chat) -> str:
    forms = {"columns": "a struct of lists", "json": "JSON in text", "one": "single messages"}
    parts = [forms[chat.form]] if chat.form in forms else []
    if (chat.role, chat.content) != ("role", "content"):
        parts.append(f"fields {chat.role} and {chat.content}")
    if chat.roles:
        parts.append("roles named " + ", ".join(f"{a} (= {b})" for a, b in chat.roles.items()))
    return f" ({'; '.join(map(label, parts))})" if parts else ""


def _spread(counts: Sequence[int]) -> str:
    return f"{min(counts):,} to {max(counts):,}, median {statistics.median(counts):,.0f}"


def _endings(talks: Sequence[Sequence[Turn]]) -> str:
    last = Counter(talk[-1].role for talk in talks)
    return "the last is of " + _counted(last.most_common(3))


def _counted(pairs: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{label(name, 60)} {count:,}" for name, count in pairs)


def _roles(turns: Sequence[Turn]) -> str:
    seen = Counter(turn.role for turn in turns).most_common()
    sizes = {role: [len(t.text) for t in turns if t.role == role] for role, _ in seen[:_ROLES]}
    parts = [
        f"{label(role, 60)} {count:,} (median {statistics.median(sizes[role]):,.0f}, "
        f"max {max(sizes[role]):,})"
        for role, count in seen[:_ROLES]
    ]
    more = len(seen) - _ROLES
    return ", ".join([*parts, *([f"{more:,} roles more"] if more > 0 else [])])


def _patterns(talks: Sequence[Sequence[Turn]]) -> str:
    seen = Counter(_pattern([turn.role for turn in talk]) for talk in talks)
    rest = len(seen) - _PATTERNS
    more = f"; {rest:,} other orders" if rest > 0 else ""
    return "; ".join(f"{p}: {n:,}" for p, n in seen.most_common(_PATTERNS)) + more


def _pattern(roles: Sequence[str]) -> str:
    """`system, then 3x user assistant`: turns in pairs, which hides nothing."""
    first = [roles[0]] if roles[0] == "system" else []
    rest = list(roles[len(first) :])
    pairs = [" ".join(rest[at : at + 2]) for at in range(0, len(rest), 2)]
    runs = [(pair, len(list(same))) for pair, same in groupby(pairs)]
    told = [f"{count}x {pair}" if count > 1 else pair for pair, count in runs]
    cut = [*told[:_STEPS], *(["…"] if len(told) > _STEPS else [])]
    return label(", ".join([*first, *cut]), 300)


def _faults(talks: Sequence[Sequence[Turn]]) -> str:
    out_of_turn = sum(broken(talk) for talk in talks)
    empty = sum(turn.empty for talk in talks for turn in talk)
    return (
        f"conversations with roles out of turn: {out_of_turn:,}; turns without content: {empty:,}"
    )


def _extras(talks: Sequence[Sequence[Turn]], columns: Mapping[str, Feature]) -> str:
    systems = [talk[0].text for talk in talks if talk[0].role == "system"]
    calling = sum(any(turn.calls for turn in talk) for talk in talks)
    parts = sum(any(not turn.plain for turn in talk) for talk in talks)
    tools = next((name for name in ("tools", "functions") if name in columns), None)
    said = [
        f"with a system prompt: {len(systems):,} ({len(set(systems)):,} different)",
        f"with tool calls: {calling:,}",
        f"column of tools: {f'`{tools}`' if tools else 'none'}",
    ]
    return "; ".join([*said, *([f"with content in parts (images): {parts:,}"] if parts else [])])
