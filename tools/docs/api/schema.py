"""JSON schemas in few words. They come from a service: anything may be missing or go in circles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

_DEEP = 5
"""Levels of nesting that are written out."""
_VALUES = 10
"""Values of an enumeration that are written out."""
_FIELDS = 30
"""Fields of an object inside another that are written out."""
_VARIANTS = 5
_PARTS = 20
"""Parts of `allOf` that are merged, and in turn theirs."""
_LAYERS = 1
_NODES = 600
"""Schemas looked at for one sketch: references may multiply without end."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object, or a parameter."""

    name: str
    type: str
    required: bool
    description: str = ""
    where: str = ""
    """`path` or `query`; "" in an object."""
    default: str = ""
    """As JSON; "" for none."""


class Schemas:
    """Reads the schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolved(self, node: object) -> dict[str, Any]:
        """What a node is, its references followed; {} if that leads nowhere."""
        for _ in range(10):
            if not isinstance(node, dict):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._target(reference)
        return {}

    def sketch(self, node: object) -> str:
        """The type that a schema describes, on one line."""
        return _Sketch(self).type(node, ())

    def fields(self, node: object) -> list[Field]:
        """The fields of an object."""
        schema = self.merged(self.resolved(node))
        required = schema.get("required")
        names = required if isinstance(required, list) else []
        found = list[Field]()
        for name, value in _properties(schema):
            own, kind = self.resolved(value), self.sketch(value)
            said = text(own.get("description"))
            found.append(Field(name, kind, name in names, said, default=default_of(own)))
        return found

    def forms(self, node: object) -> int:
        """How many variants there are, of which `fields` are those of the first."""
        schema = self.resolved(node)
        variants = [*list_of(schema.get("anyOf")), *list_of(schema.get("oneOf"))]
        return 0 if schema.get("properties") else len(variants)

    def merged(self, schema: dict[str, Any], layers: int = _LAYERS) -> dict[str, Any]:
        """One object for all parts of `allOf`; of variants without fields of its own, the first."""
        parts = [self.resolved(part) for part in list_of(schema.get("allOf"))[:_PARTS]]
        if layers:
            parts = [self.merged(part, layers - 1) for part in parts]
        properties = {**dict(_properties(schema))}
        required = [*list_of(schema.get("required"))]
        for part in parts:
            properties.update(_properties(part))
            required += list_of(part.get("required"))
        if not properties:
            for variant in (*list_of(schema.get("anyOf")), *list_of(schema.get("oneOf"))):
                found = self.resolved(variant)
                if found is not schema and (fields := dict(_properties(found))):
                    properties, required = fields, list_of(found.get("required"))
                    break
        return {**schema, "properties": properties, "required": required}

    def _target(self, reference: str) -> object:
        node: object = self._document
        if not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, dict) else None
        return node


class _Sketch:
    """One line about one schema, whatever its size."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._left = _NODES

    def type(self, node: object, above: tuple[int, ...]) -> str:
        self._left -= 1
        schema = self._schemas.resolved(node)
        # By identity: what stands inside itself is a circle.
        if self._left < 0 or len(above) > _DEEP or (schema and id(schema) in above):
            return "…"
        inner = (*above, id(schema))
        return self._values(schema) or self._variants(schema, inner) or self._plain(schema, inner)

    def _values(self, schema: Mapping[str, Any]) -> str:
        if "const" in schema:
            return _json(schema["const"])
        values = list_of(schema.get("enum"))
        rest = f"|… {len(values) - _VALUES} more" if len(values) > _VALUES else ""
        return "|".join(map(_json, values[:_VALUES])) + rest

    def _variants(self, schema: Mapping[str, Any], above: tuple[int, ...]) -> str:
        variants = [*list_of(schema.get("anyOf")), *list_of(schema.get("oneOf"))]
        if not variants or schema.get("properties"):
            return ""
        shown = [self.type(variant, above) for variant in variants[:_VARIANTS]]
        rest = ["…"] * (len(variants) > _VARIANTS)
        return "|".join(dict.fromkeys([*shown, *rest]))

    def _plain(self, schema: dict[str, Any], above: tuple[int, ...]) -> str:
        kinds = schema.get("type")
        names = [text(kind) for kind in kinds] if isinstance(kinds, list) else [text(kinds)]
        names = [name for name in names if name] or [_guess(schema)]
        written = [self._one(name, schema, above) for name in names]
        if schema.get("nullable") is True and "null" not in written:
            written.append("null")
        return "|".join(dict.fromkeys(written))

    def _one(self, name: str, schema: dict[str, Any], above: tuple[int, ...]) -> str:
        if name == "array":
            inner = self.type(schema.get("items"), above)
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        if name != "object":
            return name
        merged = self._schemas.merged(schema)
        required = merged["required"]
        fields = list(_properties(merged))
        shown = [
            f"{key}{'' if key in required else '?'}: {self.type(value, above)}"
            for key, value in fields[:_FIELDS]
        ]
        if len(fields) > _FIELDS:
            shown.append(f"… {len(fields) - _FIELDS} more")
        if isinstance(extra := schema.get("additionalProperties"), dict) and extra:
            shown.append(f"[key]: {self.type(extra, above)}")
        return f"{{{', '.join(shown)}}}" if shown else "object"


def default_of(schema: Mapping[str, Any]) -> str:
    """The default value as JSON; "" if there is none, or it is long."""
    if schema.get("default") is None:
        return ""
    value = _json(schema["default"])
    return value if len(value) <= 60 else ""


def text(value: object, room: int = 200) -> str:
    """A text of the service on one line; "" if it is none."""
    if not isinstance(value, str):
        return ""
    line = " ".join(value.encode("utf-8", "replace").decode().split())
    return line if len(line) <= room else f"{line[:room].rstrip()}…"


def list_of(value: object) -> list[Any]:
    """A list; [] if it is none."""
    return value if isinstance(value, list) else []


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    found = schema.get("properties")
    if isinstance(found, dict):
        yield from ((text(key, 100), value) for key, value in found.items())


def _guess(schema: Mapping[str, Any]) -> str:
    if schema.get("properties") or schema.get("allOf"):
        return "object"
    return "array" if schema.get("items") else "any"


def _json(value: object) -> str:
    return text(json.dumps(value, ensure_ascii=False), 60)
