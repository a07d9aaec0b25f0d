"""The one list of tools, in the order the model is shown them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ml_intern.tools.bash import BASH
from ml_intern.tools.files.edit import EDIT
from ml_intern.tools.files.read import READ
from ml_intern.tools.files.write import WRITE
from ml_intern.tools.plan import PLAN
from ml_intern.tools.recall import RECALL
from ml_intern.tools.spec import ToolSpec

TOOLS: tuple[ToolSpec[Any], ...] = (BASH, READ, WRITE, EDIT, PLAN, RECALL)
"""Adding a tool is one module and one entry here."""


def by_name(tools: Iterable[ToolSpec[Any]] = TOOLS) -> dict[str, ToolSpec[Any]]:
    """The tools under the names the model calls them by, which must differ."""
    table: dict[str, ToolSpec[Any]] = {}
    for tool in tools:
        assert tool.name not in table, f"two tools are named {tool.name}"
        table[tool.name] = tool
    return table
