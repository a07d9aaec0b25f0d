"""Results of evaluations, from the two places where the Hub has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ml_intern.tools.models.fields import mapping, mappings, number, text

if TYPE_CHECKING:
    from huggingface_hub import EvalResultEntry

SHOWN = 12


def results(entries: Iterable[EvalResultEntry], model_index: object) -> list[str]:
    """One line for each result, without repetitions: those with a file of their own come first."""
    found: dict[str, str] = {}
    for what, value in [*_entries(entries), *_indexed(model_index)]:
        found.setdefault(f"{what.casefold()}: {value}", f"{what}: {value}")
    return list(found.values())


def _entries(entries: Iterable[EvalResultEntry]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        task, value = text(entry.task_id, 60), _value(entry.value)
        if value and (dataset := text(entry.dataset_id, 80)):
            named = dataset if task in ("", "default") else f"{dataset}, {task}"
            notes = "; ".join(filter(None, (text(entry.source_name, 60), text(entry.notes, 80))))
            yield named, f"{value} ({notes})" if notes else value


def _indexed(model_index: object) -> Iterator[tuple[str, str]]:
    """Of the card's `model-index`: a list of models, each with results, each with metrics."""
    for model in mappings(model_index, 20):
        for result in mappings(model.get("results")):
            for metric in mappings(result.get("metrics"), 50):
                name = text(metric.get("name") or metric.get("type"), 60)
                value = _value(metric.get("value"))
                if name and value:
                    yield f"{_dataset(mapping(result.get('dataset')))}, {name}", value


def _dataset(dataset: Mapping[str, Any]) -> str:
    name = text(dataset.get("name") or dataset.get("type"), 80) or "dataset not stated"
    where = [text(dataset.get(key), 40) for key in ("config", "split")]
    inner = ", ".join(part for part in where if part and part != "default")
    return f"{name} ({inner})" if inner else name


def _value(value: object) -> str:
    figure = number(value)
    return text(value, 40) if figure is None else f"{figure:.6g}"
