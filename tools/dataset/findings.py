"""What can be learnt of a dataset, from the viewer, the Hub and, if need be, its files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ml_intern.tools.dataset.feature import features_of
from ml_intern.tools.dataset.files import from_files
from ml_intern.tools.dataset.repository import Repository, repository
from ml_intern.tools.dataset.sample import Sample
from ml_intern.tools.dataset.sampling import sampled
from ml_intern.tools.dataset.splits import Split, choose, splits_of
from ml_intern.tools.dataset.trouble import explained
from ml_intern.tools.dataset.viewer import Viewer
from ml_intern.tools.errors import ToolError, ToolTimeout
from ml_intern.tools.hub.client import Hub
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything a report is made of."""

    dataset: str
    split: Split
    splits: Sequence[Split]
    sample: Sample
    repository: Repository | None
    powers: Mapping[str, Any]
    figures: Mapping[str, Any]
    notes: Sequence[str]
    """What could not be had, and why."""


async def gathered(
    services: Services, dataset: str, config: str | None, split: str | None
) -> Findings:
    """All that a report on one split is made of.

    Raises:
        ToolError: the dataset is missing or closed, or nothing could be learnt of it.
    """
    home, notes = await _home(services, dataset)
    name = home.name if home else dataset
    if name != dataset:
        notes.append(f"{dataset} is now called {name}.")
    viewer = Viewer(services, name)
    valid, names, sizes = await asyncio.gather(
        viewer.tried("is-valid", lifetime=0), viewer.tried("splits"), viewer.tried("size")
    )
    known = splits_of(_or_nothing(names), _or_nothing(sizes))
    chosen = choose(known, config, split)
    about, figures = await asyncio.gather(
        viewer.tried("info", config=chosen.config),
        viewer.tried("statistics", config=chosen.config, split=chosen.name),
    )
    declared = features_of(_features(_or_nothing(about)))
    sample = await sampled(viewer, chosen, declared)
    parts = {"splits": names, "sizes": sizes, "columns": about, "statistics": figures}
    notes += _gaps({**parts, "rows": sample if isinstance(sample, WebError) else _NOTHING})
    if isinstance(sample, WebError):
        sample, missing = await _from_files(services.hub, name, (config, split), sample)
        if missing and not declared:
            raise ToolError(f"No rows of {name} can be shown. {missing}")
        notes += [missing] if missing else []
        chosen = chosen if known else Split(config or "", split or "")
    return Findings(
        dataset=name,
        split=chosen,
        splits=known,
        sample=replace(sample, features=declared or sample.features),
        repository=home,
        powers=_or_nothing(valid),
        figures=_or_nothing(figures),
        notes=notes,
    )


async def _home(services: Services, dataset: str) -> tuple[Repository | None, list[str]]:
    """The repository, or None with a note where the Hub itself does not answer."""
    try:
        return await repository(services.hub, dataset), []
    except ToolTimeout as error:
        return None, [str(error)]
    except HubError as error:
        if error.kind not in ("down", "busy", "other"):
            raise
        return None, [str(error)]


async def _from_files(
    hub: Hub, name: str, place: tuple[str | None, str | None], refusal: WebError
) -> tuple[Sample, str]:
    """Rows from the files, or none and why."""
    try:
        sample = await from_files(hub, name, *place)
    except ToolError as error:
        return Sample(source="none"), f"{explained(refusal)}. And of its files: {error}"
    return replace(sample, source=f"{sample.source}, for the viewer has none"), ""


def _or_nothing(answer: Mapping[str, Any] | WebError) -> Mapping[str, Any]:
    return _NOTHING if isinstance(answer, WebError) else answer


def _features(about: Mapping[str, Any]) -> object:
    inner = about.get("dataset_info")
    return inner.get("features") if isinstance(inner, dict) else None


def _gaps(parts: Mapping[str, Mapping[str, Any] | WebError]) -> list[str]:
    """What the viewer did not give, by the reasons; what it has not finished."""
    reasons: dict[str, list[str]] = {}
    for part, answer in parts.items():
        if isinstance(answer, WebError):
            reasons.setdefault(explained(answer), []).append(part)
    notes = [f"No {', '.join(names)}: {reason}." for reason, names in reasons.items()]
    unfinished = [p for p, answer in parts.items() if _or_nothing(answer).get("pending")]
    if unfinished:
        notes.append(f"Still being computed, in part: {', '.join(unfinished)}.")
    return notes
