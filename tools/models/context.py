"""How many tokens a model takes, as its files state it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_intern.tools.models.fields import mapping, number, positive, text
from ml_intern.tools.models.shape import language_part

_NAMES = (
    "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length",
    "seq_length", "max_target_positions",
)  # fmt: skip
_NO_LIMIT = 10**9
"""Tokenizers that know no limit state 1e30."""


def longest(config: Mapping[str, Any]) -> tuple[str, int] | None:
    """The name of the entry that states the context length, and its tokens."""
    own = language_part(config)[1]
    found = ((name, positive(own.get(name))) for name in _NAMES)
    return next(((name, size) for name, size in found if size), None)


def context_line(
    config: Mapping[str, Any], tokenizer: Mapping[str, Any], gguf: Mapping[str, Any]
) -> str:
    """Everything stated about the context length, on one line."""
    own = language_part(config)[1]
    parts = [_stated(config, gguf), _rope(own), _window(own)]
    limit = positive(tokenizer.get("model_max_length"))
    if limit and limit < _NO_LIMIT:
        parts.append(f"the tokenizer cuts at {limit:,}")
    return "; ".join(part for part in parts if part)


def _stated(config: Mapping[str, Any], gguf: Mapping[str, Any]) -> str:
    if found := longest(config):
        return f"{found[1]:,} tokens ({found[0]})"
    size = positive(gguf.get("context_length"))
    return f"{size:,} tokens (GGUF header)" if size else "not stated"


def _rope(own: Mapping[str, Any]) -> str:
    """Position scaling. Whether the stated length includes it differs from family to family."""
    scaling = mapping(own.get("rope_scaling")) or mapping(own.get("rope_parameters"))
    kind = text(scaling.get("rope_type") or scaling.get("type"), 30)
    if not kind or kind == "default":
        return ""
    factor = number(scaling.get("factor"))
    original = positive(scaling.get("original_max_position_embeddings"))
    scaled = f" by {factor:g}" if factor else ""
    return f"RoPE scaling {kind}{scaled}" + (f" from {original:,}" if original else "")


def _window(own: Mapping[str, Any]) -> str:
    window = positive(own.get("sliding_window"))
    if not window or own.get("use_sliding_window") is False:
        return ""
    kinds = own.get("layer_types")
    layers = kinds if isinstance(kinds, list) else []
    sliding = sum(kind == "sliding_attention" for kind in layers)
    where = f" in {sliding} of {len(layers)} layers" if layers else ""
    return f"sliding window of {window:,}{where}"
