"""What `push_model` is called with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ml_intern.tools.repos.file_args import Text, text
from ml_intern.tools.spec import ToolArgs


def _list(value: Any) -> Any:  # noqa: ANN401 - whatever the model sent
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    return [] if value is None else value


def _relation(value: Any) -> Any:  # noqa: ANN401 - whatever the model sent
    return _lower(value) or "auto"


def _lower(value: Any) -> Any:  # noqa: ANN401 - whatever the model sent
    return value.strip().lower() if isinstance(value, str) else text(value)


_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"
RepoId = Annotated[str, Field(pattern=f"^{_PART}/{_PART}$")]
Id = Annotated[str, Field(pattern=f"^({_PART}/)?{_PART}$")]
"""Also that of the Hub's oldest models, which have no owner."""
Short = Annotated[str, Field(max_length=200)]
Relation = Literal["auto", "finetune", "adapter", "quantized", "merge"]


class Metric(BaseModel):
    """One measured number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=100)
    value: float
    dataset: Text = Field(default="", max_length=200)
    split: Text = Field(default="", max_length=100)
    run: Text = Field(default="", max_length=300, description="Job, run or file that measured it.")


class PushModelArgs(ToolArgs):
    """What `push_model` is called with."""

    folder: str = Field(max_length=4096, description="Folder with config, weights, tokenizer.")
    repo_id: RepoId = Field(description="owner/name; created if it does not exist.")
    private: bool = Field(
        default=True, description="false shows it to everybody; only if the user wants that."
    )
    base_model: Annotated[list[Id], BeforeValidator(_list)] = Field(
        default=[], max_length=20, description="Hub id of what it was made from; several if merged."
    )
    base_relation: Annotated[Relation, BeforeValidator(_relation)] = Field(
        default="auto", description="How it was made from it."
    )
    datasets: Annotated[list[Short], BeforeValidator(_list)] = Field(
        default=[], max_length=50, description="Hub ids of the training data."
    )
    method: Text = Field(default="", max_length=500, description='Such as "SFT with TRL, LoRA".')
    hyper_parameters: Annotated[dict[str, Any], BeforeValidator(lambda given: given or {})] = Field(
        default={}, max_length=100, description="As they were in the run, by name."
    )
    metrics: Annotated[list[Metric], BeforeValidator(_list)] = Field(
        default=[], max_length=100, description="Results, each with where it is from."
    )
    license: Annotated[str, BeforeValidator(_lower)] = Field(
        default="", max_length=60, description="Hub license id; it must suit the base's."
    )
    languages: Annotated[list[Short], BeforeValidator(_list)] = Field(
        default=[], max_length=100, description="ISO 639 codes."
    )
    notes: Text = Field(
        default="", max_length=20_000, description="Markdown for the card: limits, intended use."
    )
    revision: Text = Field(default="", max_length=200, description="Branch; empty: main.")
    create_pr: bool = Field(default=False, description="Open a pull request, do not commit.")
    include: Annotated[list[Short], BeforeValidator(_list)] = Field(
        default=[],
        max_length=50,
        description="Globs of what would be left out: optimizer states, checkpoints, data, logs.",
    )

    @property
    def branch(self) -> str:
        """Where it goes."""
        return self.revision or "main"
