"""The one list of tools, in the order the model is shown them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ml_intern.tools.bash import BASH
from ml_intern.tools.dataset.inspection import INSPECT_DATASET
from ml_intern.tools.docs.api.find import FIND_API
from ml_intern.tools.docs.explore import EXPLORE_DOCS
from ml_intern.tools.docs.fetch import FETCH_DOCS
from ml_intern.tools.files.edit import EDIT
from ml_intern.tools.files.read import READ
from ml_intern.tools.files.write import WRITE
from ml_intern.tools.models.tool import MODELS
from ml_intern.tools.papers.tool import PAPERS
from ml_intern.tools.plan import PLAN
from ml_intern.tools.push.tool import PUSH_MODEL
from ml_intern.tools.recall import RECALL
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.repos.git import REPO_GIT
from ml_intern.tools.spec import ToolSpec

TOOLS: tuple[ToolSpec[Any], ...] = (
    BASH, READ, WRITE, EDIT, PLAN, RECALL,
    EXPLORE_DOCS, FETCH_DOCS, FIND_API, PAPERS, INSPECT_DATASET, MODELS,
    REPO_FILES, REPO_GIT, PUSH_MODEL,
)  # fmt: skip
"""Adding a tool is one module and one entry here."""


def by_name(tools: Iterable[ToolSpec[Any]] = TOOLS) -> dict[str, ToolSpec[Any]]:
    """The tools under the names the model calls them by, which must differ."""
    table: dict[str, ToolSpec[Any]] = {}
    for tool in tools:
        assert tool.name not in table, f"two tools are named {tool.name}"
        table[tool.name] = tool
    return table
