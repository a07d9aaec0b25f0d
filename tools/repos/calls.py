"""Calls that are written out for the model, to be made next."""

from __future__ import annotations

import json

from ml_intern.tools.repos.names import Target


def call(tool: str, operation: str, target: Target, **args: object) -> str:
    """`tool(operation="…", …)` with those of the arguments that say something."""
    kind = {} if target.type == "model" else {"repo_type": target.type}
    given = {"operation": operation, "repo_id": target.id, **kind, **args}
    words = (
        f"{name}={_literal(value)}" for name, value in given.items() if value not in ("", None)
    )
    return f"{tool}({', '.join(words)})"


def files(operation: str, target: Target, revision: str = "main", **args: object) -> str:
    """A call of `hf_repo_files`."""
    return call("hf_repo_files", operation, target, **_revision(revision), **args)


def git(operation: str, target: Target, **args: object) -> str:
    """A call of `hf_repo_git`."""
    return call("hf_repo_git", operation, target, **args)


def _revision(revision: str) -> dict[str, str]:
    return {} if revision == "main" else {"revision": revision}


def _literal(value: object) -> str:
    return repr(value) if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)
