"""What others made of a model, and how it was measured: the Hub works both out for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.fields import mapping, text, whole

if TYPE_CHECKING:
    from huggingface_hub import EvalResultEntry, HfApi

    from ml_intern.tools.models.reader import Reader

_LISTED = ("finetune", "quantized")
_NAMES = {"finetune": "finetunes", "quantized": "quantized", "adapter": "adapters",
          "merge": "merges"}  # fmt: skip
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Models made of one, and its evaluations."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """By relation."""
    most_used: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Ids by relation, those with the most downloads."""
    evaluations: Sequence[EvalResultEntry] = ()
    trouble: str = ""
    """Why something is missing here."""


async def derived_from(reader: Reader, repo_id: str) -> Derived:
    """What the Hub has of it.

    Raises:
        HubError: the Hub's refusal.
    """
    info = await reader.ask(
        f"the evaluations of {repo_id}",
        lambda api: api.model_info(repo_id, expand=["evalResults", "childrenModelCount"]),
    )
    counted = mapping(info.children_model_count)
    counts = {name: n for name in _NAMES if (n := whole(counted.get(name))) is not None}
    wanted = [relation for relation in _LISTED if counts.get(relation) != 0]
    lists = await asyncio.gather(*(_most_used(reader, repo_id, name) for name in wanted))
    trouble = next((str(found) for found in lists if isinstance(found, ToolError)), "")
    used = zip(wanted, lists, strict=True)
    return Derived(
        counts=counts,
        most_used={name: found for name, found in used if not isinstance(found, ToolError)},
        evaluations=info.eval_results or (),
        trouble=trouble,
    )


async def _most_used(reader: Reader, repo_id: str, relation: str) -> list[str] | ToolError:
    def listed(api: HfApi) -> list[str]:
        found = api.list_models(
            filter=f"base_model:{relation}:{repo_id}",
            sort="downloads",
            limit=_SHOWN,
            expand=["downloads"],
        )
        return [name for model in islice(found, _SHOWN) if (name := text(model.id))]

    try:
        return await reader.ask(f"the models made of {repo_id}", listed)
    except ToolError as error:
        return error


def derived_line(derived: Derived, repo_id: str) -> str:
    """Numbers and names by relation, and how to list them; "" if nothing is known."""
    parts = []
    for relation, name in _NAMES.items():
        count, used = derived.counts.get(relation), derived.most_used.get(relation, ())
        if not (count or used):
            continue
        number = f"{count:,} {name}" if count is not None else name
        more = "" if count == len(used) else ", …"
        parts.append(f"{number} ({', '.join(used)}{more})" if used else number)
    if not parts:
        return ""
    how = f'hf_models(operation="search", tags="base_model:RELATION:{repo_id}")'
    return f"{'; '.join(parts)} [{how} lists those of one RELATION: {', '.join(_NAMES)}]"
