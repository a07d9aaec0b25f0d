"""Endpoints as the model reads them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from ml_intern.tools.docs.api.endpoints import Body, Endpoint, answer, body, parameters
from ml_intern.tools.docs.api.schema import Field, Schemas

_FIELDS = 25
"""Parameters or fields of an endpoint that are listed."""
_TYPE = 300
"""Characters of a field's type."""
_ANSWER = 1200
"""Characters of the type of an answer."""
_EXAMPLES = {"string": "…", "integer": 1, "number": 1, "boolean": True, "object": {}}


def brief(endpoint: Endpoint) -> str:
    """An endpoint on one line."""
    said = endpoint.summary or endpoint.description or endpoint.name
    return f"- {endpoint.line}: {said[:150]}" if said else f"- {endpoint.line}"


def full(schemas: Schemas, endpoint: Endpoint, base: str) -> str:
    """All there is to know to call an endpoint."""
    asked, sent = parameters(schemas, endpoint), body(schemas, endpoint)
    status, given = answer(schemas, endpoint)
    tags = f" [{', '.join(endpoint.tags)}]" if endpoint.tags else ""
    lines = [f"## {endpoint.line}", f"{endpoint.summary or endpoint.name or '(no summary)'}{tags}"]
    if endpoint.description and endpoint.description != endpoint.summary:
        lines.append(endpoint.description)
    if asked:
        lines += ["Parameters:", *_fields(asked)]
    if sent:
        lines += _body(sent)
    if status:
        lines.append(f"Response {status}: {_short(given or 'nothing is said of it', _ANSWER)}")
    return "\n".join([*lines, curl(endpoint, asked, sent, base)])


def _fields(fields: Sequence[Field]) -> list[str]:
    lines = []
    for one in fields[:_FIELDS]:
        marks = [one.where, _short(one.type, _TYPE), "required" if one.required else ""]
        marks.append(f"default {one.default}" if one.default else "")
        said = f": {one.description}" if one.description else ""
        lines.append(f"- {one.name} ({', '.join(filter(None, marks))}){said}")
    left = len(fields) - _FIELDS
    return [*lines, *([f"- … {left} more"] if left > 0 else [])]


def _body(sent: Body) -> list[str]:
    head = f"Body ({sent.kind}):"
    if sent.fields and sent.forms < 2:
        return [head, *_fields(sent.fields)]
    lines = [f"{head} {_short(sent.type, _ANSWER)}"]
    if sent.fields:
        lines += [f"Of these {sent.forms} forms, the first:", *_fields(sent.fields)]
    return lines


def curl(endpoint: Endpoint, asked: Sequence[Field], sent: Body | None, base: str) -> str:
    """A command line to start from. What the document says is quoted: it is not ours."""
    query = "&".join(f"{one.name}=…" for one in asked if one.where == "query" and one.required)
    address = f"{base.rstrip('/')}{endpoint.path}{f'?{query}' if query else ''}"
    parts = ["curl", *(["-X", endpoint.method] if endpoint.method != "GET" else [])]
    parts += ['-H "Authorization: Bearer $HF_TOKEN"', shlex.quote(address)]
    if sent:
        parts.append(f"-H {shlex.quote(f'Content-Type: {sent.kind}')}")
        parts.append(_data(sent))
    return " ".join(parts)


def _data(sent: Body) -> str:
    if "application/json" not in sent.kind:
        return "--data-binary @FILE"
    needed = {one.name: _example(one) for one in sent.fields if one.required}
    return f"-d {shlex.quote(json.dumps(needed, ensure_ascii=False))}"


def _example(field: Field) -> object:
    first = field.type.partition("|")[0]
    if first.endswith("[]"):
        return []
    if first[:1] in ('"', "'"):
        return first.strip("\"'")
    return {} if first.startswith("{") else _EXAMPLES.get(first, "…")


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[:room].rstrip()}…"
