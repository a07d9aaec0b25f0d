"""The card's metadata: what the Hub indexes, searches and links by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.args import Metric, PushModelArgs, Relation
from ml_intern.tools.push.licenses import Base
from ml_intern.tools.push.model import Model, is_hub_id
from ml_intern.tools.repos.card import TAG

_AGREEING = ("license", "base_model", "base_model_relation")
"""What a card that is there and a call must not say differently."""


def relation(given: Relation, model: Model, bases: Sequence[str]) -> Relation:
    """How the model was made from its bases; "auto" where the Hub had better find out.

    Raises:
        ToolError: what is given is not what the files say.
    """
    if given == "auto":
        return _likely(model, bases)
    if not bases:
        raise ToolError(f'base_relation="{given}" says how it was made: of what? Pass base_model.')
    if (given == "adapter") != (model.kind == "adapter"):
        there = "an adapter_config.json" if model.kind == "adapter" else "no adapter_config.json"
        raise ToolError(f'base_relation="{given}" does not fit: the folder has {there}.')
    return given


def _likely(model: Model, bases: Sequence[str]) -> Relation:
    if not bases:
        return "auto"
    if model.kind == "adapter":
        return "adapter"
    # A quantized one may also have been trained.
    return "merge" if len(bases) > 1 else "auto" if model.quantized else "finetune"


def metadata(
    args: PushModelArgs, model: Model, bases: Sequence[Base], how: Relation
) -> dict[str, Any]:
    """What the call and the files say, in the Hub's words."""
    ids = [base.repo_id for base in bases]
    found: dict[str, Any] = {
        "license": args.license,
        **_named_license(args.license, bases),
        "library_name": model.library,
        "pipeline_tag": model.task,
        "base_model": ids[0] if len(ids) == 1 else ids,
        "base_model_relation": "" if how == "auto" else how,
        "datasets": [name for name in args.datasets if is_hub_id(name)],
        "language": args.languages,
        "tags": [TAG, "lora"] if model.architecture == "LORA" else [TAG],
        "model-index": _index(args.repo_id, model.task, args.metrics),
    }
    return {key: value for key, value in found.items() if value}


def _named_license(ours: str, bases: Sequence[Base]) -> dict[str, str]:
    """Name and address of a license that has no identifier: the base's, if it has the same."""
    named = [base for base in bases if base.license == ours == "other" and base.name]
    if len({base.name for base in named}) != 1:
        return {}
    return {"license_name": named[0].name, "license_link": named[0].link}


def _index(repo_id: str, task: str, metrics: Sequence[Metric]) -> list[dict[str, Any]]:
    """The metrics as the Hub wants them; it has no place for one without task or dataset."""
    results: dict[tuple[str, str], dict[str, Any]] = {}
    for metric in metrics:
        if not task or not metric.dataset:
            continue
        type_ = metric.dataset if is_hub_id(metric.dataset) else _slug(metric.dataset)
        dataset = {"name": metric.dataset, "type": type_, "split": metric.split}
        result = results.setdefault(
            (metric.dataset, metric.split),
            {
                "task": {"type": task},
                "dataset": {key: value for key, value in dataset.items() if value},
                "metrics": [],
            },
        )
        kind = _slug(metric.name).replace("-", "_")
        result["metrics"].append({"type": kind, "value": metric.value, "name": metric.name})
    name = repo_id.partition("/")[2]
    return [{"name": name, "results": list(results.values())}] if results else []


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-") or "unknown"


def merged(there: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """A card's own metadata with ours added: lists are joined, what it says itself stays.

    Raises:
        ToolError: they contradict each other about license or base.
    """
    for key in _AGREEING:
        one, other = _words(there.get(key)), _words(ours.get(key))
        if one and other and set(one) != set(other):
            raise ToolError(
                f"The README.md that is there says {key}: {', '.join(one)}, the call says "
                f"{', '.join(other)}. Correct the one that is wrong."
            )
    whole = dict(there)
    for key, value in ours.items():
        whole[key] = _joined(key, whole[key], value) if whole.get(key) else value
    return whole


def _words(value: object) -> list[str]:
    """Text or a list of it. What is nested may be endless, by YAML's references."""
    listed = value if isinstance(value, list) else [value]
    return [word for word in listed if isinstance(word, str) and word]


def _joined(key: str, there: Any, ours: Any) -> Any:  # noqa: ANN401 - YAML
    if key == "model-index":
        return _with_results(there, ours)
    if not isinstance(ours, list):
        return there
    own = there if isinstance(there, list) else [there]
    return [*own, *(value for value in ours if value not in own)]


def _with_results(there: Any, ours: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - YAML
    """Our results after those that are there; each once."""
    if not (isinstance(there, list) and there and isinstance(there[0], dict)):
        return ours
    own = there[0].get("results")
    own = own if isinstance(own, list) else []
    new = [result for result in ours[0]["results"] if result not in own]
    return [{**there[0], "results": [*own, *new]}, *there[1:]]
