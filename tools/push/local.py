"""The folder as it is: what would go, what kind of model it is, and that it is whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.paths import explained, show
from ml_intern.tools.push.card import Card, read
from ml_intern.tools.push.files import Contents, LocalFile, contents
from ml_intern.tools.push.model import DESCRIPTIONS, Model, described, shards, weights
from ml_intern.tools.push.weights import parameters
from ml_intern.tools.repos import credentials

README = "README.md"
_LARGEST = 20_000_000
"""Bytes of a JSON file or a card that is read; an index of thousands of tensors is far below."""


@dataclass(frozen=True, slots=True)
class Local:
    """A folder that holds a whole model."""

    contents: Contents
    model: Model
    card: Card | None
    """The README.md that is there."""


def looked_at(root: Path, include: Sequence[str], known: Iterable[str]) -> Local:
    """What is in `root`; `known` are credentials that must not be in it. Blocks.

    Raises:
        ToolError: it holds no model, a broken one, or a credential.
    """
    found = contents(root, include)
    names = [file.path for file in found.files]
    texts = {
        file.path: _text(root / file.path)
        for file in found.files
        if credentials.is_text(file.path, file.size)
    }
    credentials.require_clean(texts, known)
    parsed = {name: _json(root / name, name) for name in DESCRIPTIONS if name in names}
    require_weights(root, found.files)
    _require_shards(root, names)
    model = described(names, parsed, _numbers(root, names))
    if model is None:
        raise ToolError(
            f"{show(root)} is no model: it has neither config.json, adapter_config.json, "
            "model_index.json nor GGUF files. Save the model with save_pretrained and name its "
            "folder."
        )
    card = read(_text(root / README), README) if README in names else None
    return Local(found, model, card)


def require_weights(root: Path, files: Collection[LocalFile]) -> None:
    """Refuse a folder without weights, or with empty ones.

    Raises:
        ToolError: it has none.
    """
    found = set(weights([file.path for file in files]))
    if not found:
        raise ToolError(
            f"{show(root)} has no weights that would be uploaded (*.safetensors and the like). "
            "Save the model there; a training checkpoint is pushed by naming its own folder."
        )
    if empty := sorted(file.path for file in files if file.path in found and not file.size):
        raise ToolError(f"{', '.join(empty)} is empty: the model was not saved. Save it again.")


def _require_shards(root: Path, names: Collection[str]) -> None:
    """Refuse a model some of whose parts are not there."""
    for index in (name for name in names if name.endswith(".index.json")):
        folder = Path(index).parent
        parts = {(folder / part).as_posix() for part in shards(_json(root / index, index))}
        if missing := sorted(parts - set(names)):
            raise ToolError(
                f"{index} names {len(missing)} files that are not there, such as {missing[0]}. "
                "Save the model again."
            )


def _numbers(root: Path, names: Iterable[str]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for name in names:
        if name.endswith(".safetensors"):
            total += parameters(root / name, name)
    return total


def _text(path: Path) -> str:
    with explained(path):
        if path.stat().st_size > _LARGEST:
            raise ToolError(f"{show(path)} is too large for what it should be: it was not read.")
        return path.read_text(encoding="utf-8", errors="replace")


def _json(path: Path, name: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError):
        raise ToolError(
            f"{name} is not JSON: the model was not saved whole. Save it again."
        ) from None
