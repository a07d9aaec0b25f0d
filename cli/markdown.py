"""A conversation as a Markdown document: pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from langchain_core.messages import AIMessage, AnyMessage, ToolCall, ToolMessage

from ml_intern.checkpoints.threads import Thread
from ml_intern.cli.render import cost_line
from ml_intern.cli.table import one_line
from ml_intern.graph.state import AgentState
from ml_intern.nodes.policies.archived import newest_summary, ordered, originals
from ml_intern.nodes.policies.history import valid_history
from ml_intern.nodes.policies.marks import mark_of

_LINES = (20, 20)
"""Lines shown of a result, from its start and its end: results come last."""
_WIDTH = 500
"""Characters of a line."""
_COMPACTED = "Compacted here: the summary that the model reads instead"
_BOXES = {"completed": "[x]", "in_progress": "[ ] (in progress)", "pending": "[ ]"}


def document(
    thread: Thread,
    state: str,
    values: AgentState,
    archived: Sequence[AnyMessage] = (),
    *,
    full: bool,
) -> str:
    """The whole conversation: what was archived, the summary in its place, what came then."""
    parts = [
        f"# {_escaped(one_line(thread.title)) or 'Session'}",
        "\n".join(_about(thread, state, values)),
        *_plan(values),
        *_conversation(archived, values.get("messages", []), full=full),
    ]
    return "\n\n".join(parts) + "\n"


def _conversation(
    archived: Sequence[AnyMessage], messages: Sequence[AnyMessage], *, full: bool
) -> Iterator[str]:
    for message in valid_history(_whole(archived, messages) if archived else messages):
        yield from _message(message, full=full)


def _whole(archived: Sequence[AnyMessage], messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """All messages in order, the summary where it took the place of those before."""
    summary, whole = newest_summary(messages), originals(archived, messages)
    order = ordered([message.id or "" for message in archived], messages)
    before, after = ([whole[id_] for id_ in ids] for ids in (order.before, order.after))
    return [*before, *([summary] if summary else []), *after]


def _about(thread: Thread, state: str, values: AgentState) -> Iterator[str]:
    yield f"- session: {_code(thread.id)}, {state}"
    yield f"- folder: {_code(one_line(thread.cwd))}"
    yield f"- model: {_code(one_line(str(thread.options.get('model') or 'unknown')))}"
    yield f"- begun {thread.created}, last used {thread.updated} (UTC)"
    yield f"- usage: {cost_line(values.get('usage', {}))}"


def _plan(values: AgentState) -> Iterator[str]:
    if plan := values.get("plan"):
        yield "## Plan"
        yield "\n".join(
            f"- {_BOXES.get(item['status'], '[ ]')} {one_line(item['content'])}" for item in plan
        )


def _message(message: AnyMessage, *, full: bool) -> Iterator[str]:
    text = str(message.text).strip()
    if isinstance(message, ToolMessage):
        yield _result(message, full=full)
    elif isinstance(message, AIMessage):
        yield "## ML Intern"
        if text:
            yield text
        for call in message.tool_calls:
            yield from _call(call)
    elif mark := mark_of(message):
        note = f"Note by ML Intern to the model ({mark})"
        yield f"## {_COMPACTED if mark == 'summary' else note}"
        yield _quoted(text)
    else:
        yield "## User" if message.type == "human" else f"## {message.type}"
        yield _quoted(text)


def _call(call: ToolCall) -> Iterator[str]:
    """Texts of several lines stand by themselves: as JSON, nobody could read them."""
    yield f"**Call of {_code(one_line(call['name']))}**"
    texts = {k: v for k, v in call["args"].items() if isinstance(v, str) and "\n" in v}
    if rest := {name: value for name, value in call["args"].items() if name not in texts}:
        yield fenced(json.dumps(rest, ensure_ascii=False, indent=2, default=str), "json")
    for name, text in texts.items():
        yield f"{_code(one_line(name))}:\n\n{fenced(text.rstrip())}"


def _result(message: ToolMessage, *, full: bool) -> str:
    failed = ", failed" if message.status == "error" else ""
    ours = f", by ML Intern: {mark}" if (mark := mark_of(message)) else ""
    name = one_line(message.name or "the call")
    summary = f"<summary>Result of {_html(name)}{failed}{ours}</summary>"
    body = str(message.text) if full else shortened(str(message.text).splitlines())
    return f"<details>{summary}\n\n{fenced(body)}\n\n</details>"


def shortened(lines: Sequence[str]) -> str:
    """Both ends of a text, and how much lies between them."""
    first, last = _LINES
    short = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}… (cut)" for line in lines]
    if (more := len(short) - first - last) > 0:
        short[first : first + more] = [f"… {more} more lines (--full shows them)"]
    return "\n".join(short)


def fenced(text: str, kind: str = "") -> str:
    """A code block that its own content cannot end."""
    longest = max((len(ticks) for ticks in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _code(text: str) -> str:
    plain = text.replace("`", "'")
    return f"`{plain}`"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text)
