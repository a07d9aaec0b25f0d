"""The endpoints in an OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ml_intern.tools.docs.api.schema import Field, Schemas, default_of, list_of, text
from ml_intern.tools.docs.fts import humps

METHODS = ("get", "post", "put", "patch", "delete", "head")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What can be asked at one path with one method."""

    method: str
    path: str
    name: str
    """The operation's id; "" if it has none."""
    summary: str
    description: str
    tags: tuple[str, ...]
    node: Mapping[str, Any]
    """The operation as it stands in the document, for what only a few endpoints are asked for."""
    shared: tuple[object, ...] = ()
    """Parameters that all methods of the path have."""

    @property
    def line(self) -> str:
        """What it is called by."""
        return f"{self.method} {self.path}"

    @property
    def columns(self) -> tuple[str, ...]:
        """What a search looks at, by `WEIGHTS`."""
        nodes = [*self.shared, *list_of(self.node.get("parameters"))]
        names = " ".join(text(node.get("name")) for node in nodes if isinstance(node, dict))
        path = f"{self.path} {' '.join(humps(self.path))}"
        words = f"{self.name} {' '.join(humps(self.name))} {self.method}"
        return (self.summary, words, path, " ".join(self.tags), self.description, names)


WEIGHTS = (4, 3, 3, 1.5, 1, 0.5)


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent to an endpoint."""

    kind: str
    """The content type."""
    type: str
    fields: tuple[Field, ...]
    forms: int = 0
    """Variants there are; the fields are those of the first."""


def endpoints(document: object) -> list[Endpoint]:
    """All endpoints, in the document's order."""
    paths = document.get("paths") if isinstance(document, dict) else None
    return list(_endpoints(paths)) if isinstance(paths, dict) else []


def _endpoints(paths: dict[Any, Any]) -> Iterator[Endpoint]:
    for path, item in paths.items():
        if not isinstance(item, dict):
            continue
        shared = tuple(list_of(item.get("parameters")))
        for method in METHODS:
            if isinstance(node := item.get(method), dict):
                tags = tuple(filter(None, map(text, list_of(node.get("tags")))))
                yield Endpoint(
                    method.upper(), text(path, 300), text(node.get("operationId")),
                    text(node.get("summary")), text(node.get("description"), 400), tags, node,
                    shared,
                )  # fmt: skip


def parameters(schemas: Schemas, endpoint: Endpoint) -> list[Field]:
    """What goes into the path and the query; those of the path first."""
    found = dict[tuple[str, str], Field]()
    for node in (*endpoint.shared, *list_of(endpoint.node.get("parameters"))):
        one = schemas.resolved(node)
        where, name = text(one.get("in")), text(one.get("name"), 100)
        if name and where in ("path", "query"):
            schema = schemas.resolved(one.get("schema"))
            said = text(one.get("description")) or text(schema.get("description"))
            needed = where == "path" or one.get("required") is True
            kind = schemas.sketch(one.get("schema"))
            found[where, name] = Field(name, kind, needed, said, where, default_of(schema))
    order = {"path": 0, "query": 1}
    return sorted(found.values(), key=lambda field: (order[field.where], not field.required))


def body(schemas: Schemas, endpoint: Endpoint) -> Body | None:
    """What is sent; None if nothing is."""
    kind, schema = _content(schemas.resolved(endpoint.node.get("requestBody")))
    if schema is None:
        return None
    fields = tuple(schemas.fields(schema))
    return Body(kind, schemas.sketch(schema), fields, schemas.forms(schema))


def answer(schemas: Schemas, endpoint: Endpoint) -> tuple[str, str]:
    """The status of success, and the type of what comes with it; "" for unknown."""
    responses = endpoint.node.get("responses")
    for status, node in responses.items() if isinstance(responses, dict) else ():
        if str(status).startswith("2"):
            response = schemas.resolved(node)
            _, schema = _content(response)
            said = text(response.get("description"), 100)
            return text(str(status)), said if schema is None else schemas.sketch(schema)
    return "", ""


def _content(node: Mapping[str, Any]) -> tuple[str, object]:
    """A content type and its schema: JSON if there is a choice."""
    content = node.get("content")
    if not isinstance(content, dict) or not content:
        return "", None
    kind = next((kind for kind in content if "application/json" in str(kind)), next(iter(content)))
    media = content[kind]
    return text(str(kind), 80), media.get("schema", {}) if isinstance(media, dict) else {}
