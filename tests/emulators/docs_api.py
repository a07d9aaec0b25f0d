"""An OpenAPI document in the form of the Hub's: references, circles, variants, odd corners."""

from __future__ import annotations

from typing import Any

_NAMESPACE = {"name": "namespace", "in": "path", "required": True, "schema": {"type": "string"}}
_REPO = {"name": "repo", "in": "path", "required": True, "schema": {"type": "string"}}
_ERROR = {"description": "Refused", "content": {"application/json": {"schema": {"type": "string"}}}}


def _json(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Hugging Face Hub API", "version": "0.0.1"},
    "servers": [{"url": "https://evil.example"}],
    "tags": [{"name": "repos"}, {"name": "models"}, {"name": "discussions"}],
    "paths": {
        "/api/repos/create": {
            "post": {
                "operationId": "repos.createRepo",
                "summary": "Create a new repository",
                "description": "Create a repository of a user or an organization.",
                "tags": ["repos"],
                "requestBody": {"$ref": "#/components/requestBodies/CreateRepo"},
                "responses": {
                    "200": {
                        "description": "Created",
                        **_json({
                            "type": "object",
                            "properties": {"url": {"type": "string"}, "id": {"type": "string"}},
                            "required": ["url"],
                        }),
                    },
                    "4XX": _ERROR,
                },
            }
        },
        "/api/models/{namespace}/{repo}/tree/{rev}/{path}": {
            "parameters": [_NAMESPACE, _REPO],
            "get": {
                "operationId": "models.listTreeContent",
                "summary": "List the content of a repository tree, with pagination",
                "tags": ["models", "repos"],
                "parameters": [
                    {"name": "recursive", "in": "query", "description": "Subfolders, too",
                     "schema": {"type": "boolean", "default": False}},
                    {"name": "limit", "in": "query", "schema": {"type": ["integer", "null"]}},
                    {"name": "rev", "in": "path", "schema": {"type": "string"}},
                    {"name": "path", "in": "path", "schema": {"type": "string"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"description": "x", **_json({
                        "type": "array", "items": {"$ref": "#/components/schemas/TreeEntry"},
                    })},
                },
            },
        },
        "/api/models/{namespace}/{repo}/discussions": {
            "parameters": [_NAMESPACE, _REPO],
            "get": {
                "operationId": "discussions.list",
                "summary": "Get discussions and pull requests",
                "tags": ["discussions"],
                "parameters": [
                    {"name": "status", "in": "query", "required": True,
                     "schema": {"type": "string", "enum": ["all", "open", "closed"]}},
                ],
                "responses": {"200": {"description": "x", **_json({
                    "$ref": "#/components/schemas/Discussion"
                })}},
            },
            "post": {
                "operationId": "discussions.create",
                "summary": "Open a discussion",
                "tags": ["discussions"],
                "requestBody": {"required": True, **_json({
                    "allOf": [
                        {"$ref": "#/components/schemas/Comment"},
                        {"properties": {"title": {"type": "string"}}, "required": ["title"]},
                    ],
                })},
                "responses": {"201": {"description": "The new discussion"}},
            },
        },
        "/api/models/{namespace}/{repo}/commit/{rev}": {
            "post": {
                "operationId": "models.commit",
                "summary": "Commit files",
                "tags": ["models"],
                "parameters": [_NAMESPACE, _REPO],
                "requestBody": {
                    "content": {"application/x-ndjson": {"schema": {"type": "string"}}}
                },
                "responses": {"200": {"$ref": "#/components/responses/nowhere"}},
            }
        },
        "/api/it's/$(odd)": {
            "delete": {"summary": None, "tags": "models", "parameters": [None, 7, {"in": "query"}],
                       "responses": None, "requestBody": {"content": {"application/json": None}}},
            "get": 7,
        },
        "/api/broken": None,
    },
    "components": {
        "requestBodies": {
            "CreateRepo": _json({"anyOf": [{"$ref": "#/components/schemas/CreateRepo"}]}),
        },
        "schemas": {
            "CreateRepo": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "Name without the namespace"},
                    "type": {"enum": ["model", "dataset", "space"], "default": "model"},
                    "private": {"type": "boolean", "nullable": True},
                    "files": {"type": "array", "items": {"type": "object", "properties": {
                        "path": {"type": "string"}}, "required": ["path"]}},
                    "sdk": {"anyOf": [{"const": "gradio"}, {"const": "docker"}, {"type": "null"}]},
                },
            },
            "TreeEntry": {
                "type": "object",
                "required": ["type", "oid", "path"],
                "properties": {
                    "type": {"type": "string", "enum": ["file", "directory"]},
                    "oid": {"type": "string"},
                    "size": {"type": "number"},
                    "path": {"type": "string"},
                    "lfs": {"type": "object", "additionalProperties": {"type": "string"}},
                    "children": {
                        "type": "array", "items": {"$ref": "#/components/schemas/TreeEntry"},
                    },
                },
            },
            "Comment": {"properties": {"text": {"type": "string"}, "parent": {
                "$ref": "#/components/schemas/Comment"}}, "required": ["text"]},
            "Discussion": {"$ref": "#/components/schemas/Loop"},
            "Loop": {"$ref": "#/components/schemas/Discussion"},
        },
    },
}  # fmt: skip
"""Part of what the Hub describes, and what it might."""
