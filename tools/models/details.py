"""`hf_models(operation="details")`: what a model is, from its metadata and configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.args import MOST_MODELS, ModelsArgs, ids_of
from ml_intern.tools.models.derived import Derived, derived_from
from ml_intern.tools.models.reader import Reader
from ml_intern.tools.models.report import report

if TYPE_CHECKING:
    from ml_intern.tools.spec import ToolContext

FILES = (
    "config.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja",
    "adapter_config.json", "model_index.json",
)  # fmt: skip


async def details(args: ModelsArgs, ctx: ToolContext) -> str:
    """Each model in a section of its own; one that cannot be had takes nothing from the others.

    Raises:
        ToolError: none of them can be had.
    """
    ids = ids_of(args, MOST_MODELS)
    reader, endpoint = Reader(ctx.services), ctx.services.hub.endpoint
    found = await asyncio.gather(*(_section(reader, repo_id, endpoint) for repo_id in ids))
    if all(isinstance(section, ToolError) for section in found):
        raise _one(found)
    return "\n\n".join(
        f"## {repo_id}\n{section}" for repo_id, section in zip(ids, found, strict=True)
    )


def _one(found: Sequence[str | ToolError]) -> ToolError:
    errors = [error for error in found if isinstance(error, ToolError)]
    return errors[0] if len(errors) == 1 else ToolError("\n".join(map(str, errors)))


async def _section(reader: Reader, repo_id: str, endpoint: str) -> str | ToolError:
    try:
        repository = await reader.repository(repo_id, FILES)
        try:
            derived = await derived_from(reader, repository.id)
        except ToolError as error:
            derived = Derived(trouble=str(error))
        return report(repository, derived, endpoint)
    except ToolError as error:
        return error
