"""How many parameters a model has, of what kinds, and in what files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_intern.tools.models.fields import bytes_in_words, mapping, positive, text

_FORMATS = (".safetensors", ".gguf", ".onnx", ".bin", ".pth", ".pt", ".ckpt", ".h5", ".msgpack",
            ".npz", ".tflite", ".nemo", ".keras", ".mlmodel")  # fmt: skip
_MAIN = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_PACKED = {"I32", "U8", "I64", "I16", "U32", "F4"}
"""Types of tensors whose elements are no parameters where the weights are quantized."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the repository."""

    path: str
    size: int | None
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Parameters, and where the number is from."""

    total: int | None
    dtypes: Mapping[str, int]
    """Elements by type of tensor."""
    source: str
    packed: bool = False
    """Whether elements hold several quantized parameters each: `total` is None then."""


def counted(dtypes: Mapping[str, Any], source: str, quantization: str) -> Count:
    """A count by type of tensor, as the Hub or the files have it."""
    known = {text(name, 12): size for name, n in dtypes.items() if (size := positive(n))}
    packed = bool(quantization) and any(name in _PACKED for name in known)
    total = None if packed else sum(known.values()) or None
    return Count(total=total, dtypes=known, source=source, packed=packed)


def count_of(safetensors: object, gguf: Mapping[str, Any], quantization: str) -> Count:
    """What the Hub has read from the files' headers."""
    stated = mapping(mapping(safetensors).get("parameters"))
    if stated:
        return counted(stated, "safetensors metadata", quantization)
    total = positive(mapping(safetensors).get("total"))
    if total:
        return Count(total=total, dtypes={}, source="safetensors metadata")
    if total := positive(gguf.get("total")):
        return Count(total=total, dtypes={}, source="GGUF header")
    return Count(total=None, dtypes={}, source="")


def count_line(count: Count) -> str:
    """The number and its parts."""
    kinds = sorted(count.dtypes.items(), key=lambda item: (-item[1], item[0]))
    parts = ", ".join(f"{name} {n:,}" if len(kinds) > 1 else name for name, n in kinds[:6])
    if count.packed:
        return f"packed by quantization, so the elements do not tell: {parts}"
    if count.total is None:
        return "not stated: no safetensors or GGUF metadata"
    return f"{count.total:,} ({'; '.join(filter(None, (parts, count.source)))})"


def main_weights(files: Iterable[File]) -> list[File]:
    """The safetensors files at the root that make up the model, without second copies of it."""
    own = [file for file in files if "/" not in file.path and file.path.endswith(".safetensors")]
    return [file for file in own if _MAIN.fullmatch(file.path)] or own


def files_line(files: Sequence[File]) -> str:
    """Number and size by format of weights, the largest first, and of everything."""
    if not files:
        return "none listed"
    groups: dict[str, list[File]] = {}
    for file in files:
        if end := next((end for end in _FORMATS if file.path.lower().endswith(end)), None):
            groups.setdefault(end.removeprefix("."), []).append(file)
    sizes = sorted(groups.items(), key=lambda item: (-_size(item[1]), item[0]))
    parts = [f"{len(group)} {name} {_in_words(group)}" for name, group in sizes]
    whole = f"{len(files):,} file{'s' * (len(files) > 1)} in all, {_in_words(files)}"
    return "; ".join([*(parts or ["no weights"]), whole])


def _size(files: Iterable[File]) -> int:
    return sum(file.size or 0 for file in files)


def _in_words(files: Sequence[File]) -> str:
    unknown = sum(file.size is None for file in files)
    if unknown == len(files):
        return "of unknown size"
    return bytes_in_words(_size(files)) + (f" and {unknown} of unknown size" if unknown else "")
