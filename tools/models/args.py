"""What `hf_models` is called with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.fields import amount
from ml_intern.tools.spec import ToolArgs

MOST_MODELS = 5
"""Models described in one call."""
_RANGE = re.compile(r"(?:min:[\d.]+[KMBT]?)?,?(?:max:[\d.]+[KMBT]?)?", re.IGNORECASE)
_SPAN = re.compile(r"([\d.]+[KMBT]?)\s*-\s*([\d.]+[KMBT]?)", re.IGNORECASE)


class ModelsArgs(ToolArgs):
    """What `hf_models` is called with."""

    operation: Literal["search", "details", "memory"]
    query: str = Field(default="", max_length=200, description="search: words of the model's id.")
    author: str = Field(default="", max_length=100, description="search: user or organization.")
    task: str = Field(default="", max_length=100, description='search: e.g. "text-generation".')
    library: str = Field(default="", max_length=100, description='search: e.g. "transformers".')
    tags: str = Field(
        default="",
        max_length=300,
        description='search: tags that all must be there, by commas, e.g. "license:mit,de,gguf" '
        'or "base_model:quantized:org/name".',
    )
    num_parameters: str = Field(
        default="", max_length=60, description='search: a range, e.g. "min:1B,max:8B".'
    )
    gated: bool | None = Field(
        default=None, description="search: only gated models, or (false) only open ones."
    )
    sort: Literal["downloads", "likes", "trending_score", "created_at", "last_modified"] = Field(
        default="downloads", description="search: descending."
    )
    limit: int = Field(default=20, ge=1, le=50, description="search: models shown.")
    repo_id: str = Field(
        default="",
        max_length=600,
        description="details, memory: org/name; for details up to 5, separated by commas.",
    )
    parameters: str = Field(
        default="",
        max_length=30,
        description='memory: parameter count like "8B", where the Hub has none, or for no repo_id.',
    )
    context: int = Field(
        default=4096, ge=1, le=10_000_000, description="memory: tokens of a sequence."
    )
    batch: int = Field(
        default=1, ge=1, le=100_000, description="memory: sequences at once (training: per GPU)."
    )
    lora_r: int = Field(default=16, ge=1, le=4096, description="memory: rank of the adapter.")

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the model sent
        """Models that mean nothing send null or "" for it."""
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value not in (None, "")}

    @field_validator("parameters", mode="before")
    @classmethod
    def _written(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the model sent
        number = isinstance(given, (int, float)) and not isinstance(given, bool)
        return f"{given:.0f}" if number else given


def ids_of(args: ModelsArgs, most: int) -> list[str]:
    """The models named, each once.

    Raises:
        ToolError: none, or more than `most`.
    """
    parts = (part.strip().strip("/") for part in re.split(r"[,\s]+", args.repo_id))
    ids = list(
        dict.fromkeys(part.removeprefix("https://huggingface.co/") for part in parts if part)
    )
    if not ids:
        raise ToolError(f'`{args.operation}` needs `repo_id`, e.g. repo_id="Qwen/Qwen3-8B".')
    if len(ids) > most:
        raise ToolError(f"`{args.operation}` takes {most} models at most; {len(ids)} were given.")
    return ids


def range_of(args: ModelsArgs) -> str | None:
    """`num_parameters` as the Hub takes it; `1B-8B` is understood, too.

    Raises:
        ToolError: it is no range.
    """
    given = args.num_parameters.replace(" ", "")
    if span := _SPAN.fullmatch(given):
        given = f"min:{span[1]},max:{span[2]}"
    if given and (given.strip(",") == "" or not _RANGE.fullmatch(given)):
        raise ToolError(
            f'num_parameters="{args.num_parameters}" is no range; write "min:1B,max:8B", or one of '
            "the two."
        )
    return given or None


def parameters_of(args: ModelsArgs) -> int | None:
    """The number given by hand.

    Raises:
        ToolError: it is no number.
    """
    if not args.parameters:
        return None
    found = amount(args.parameters)
    if found is None:
        raise ToolError(f'parameters="{args.parameters}" is no number; write "8B" or 8030261248.')
    return found
