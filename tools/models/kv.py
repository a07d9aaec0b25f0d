"""The memory that keys and values of earlier tokens take while a model writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_intern.tools.models.fields import first, positive
from ml_intern.tools.models.shape import STATE_SPACE, Shape, language_part

BYTES = 2
"""Of one value: bf16 or fp16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KvCache:
    """Bytes of cache for one token of one sequence, or why they are not known."""

    everywhere: int = 0
    """Of the layers that keep every token."""
    windowed: int = 0
    """Of the layers that keep the last `window` tokens only."""
    window: int = 0
    formula: str = ""
    unknown: str = ""
    """Why there is no number; "" if there is."""

    def size(self, tokens: int, batch: int) -> int | None:
        """Bytes for `batch` sequences of `tokens`; None if not known."""
        if self.unknown:
            return None
        kept = min(tokens, self.window)
        return batch * (self.everywhere * tokens + self.windowed * kept)


@dataclass(frozen=True, slots=True)
class _Layers:
    everywhere: int
    windowed: int = 0
    window: int = 0

    def __str__(self) -> str:
        if not self.windowed:
            return f"{self.everywhere} layers"
        return f"({self.everywhere} layers + {self.windowed} that keep {self.window:,} tokens)"


def kv_cache(shape: Shape, config: Mapping[str, Any]) -> KvCache:
    """What the cache of a model of this shape takes."""
    own = language_part(config)[1]
    if shape.encoder_decoder:
        return KvCache(unknown="it is an encoder-decoder, whose cache is of two parts")
    if shape.generates is False:
        return KvCache(formula="none: it does not write text token by token")
    layers = _layers(shape, own)
    if isinstance(layers, str):
        return KvCache(unknown=layers)
    width = _width(shape)
    if width is None:
        return KvCache(unknown="config.json does not state the heads and their size")
    per_layer, formula = width
    return KvCache(
        everywhere=layers.everywhere * per_layer,
        windowed=layers.windowed * per_layer,
        window=layers.window,
        formula=f"{formula.format(layers=layers)} * {BYTES} bytes{_surplus(own)}",
    )


def _surplus(own: Mapping[str, Any]) -> str:
    """Without `layer_types` nobody knows which layers have the sliding window."""
    window = positive(own.get("sliding_window"))
    if not window or own.get("use_sliding_window") is False or own.get("layer_types"):
        return ""
    return f" (at most: layers with the sliding window keep only {window:,} tokens)"


def _width(shape: Shape) -> tuple[int, str] | None:
    """Bytes of one token in one layer."""
    if shape.latent:
        formula = (
            f"{{layers}} * {shape.latent} latent values (MLA, as engines that keep the latent)"
        )
        return shape.latent * BYTES, formula
    if not (shape.kv_heads and shape.head_dim):
        return None
    formula = f"2 * {{layers}} * {shape.kv_heads} KV heads * {shape.head_dim}"
    return 2 * shape.kv_heads * shape.head_dim * BYTES, formula


def _layers(shape: Shape, own: Mapping[str, Any]) -> _Layers | str:
    """The layers that have a cache, or why they cannot be counted."""
    kinds = own.get("layer_types")
    if isinstance(kinds, list) and kinds and all(isinstance(kind, str) for kind in kinds):
        return _by_kind(kinds, first(own, "sliding_window", "attention_chunk_size"))
    if any(own.get(name) is not None for name in STATE_SPACE):
        return "it has state-space layers, which keep a state of fixed size instead"
    if own.get("block_configs") is not None:
        return "its layers differ from each other"
    if not shape.layers:
        return "config.json does not state the layers"
    interval = positive(own.get("full_attention_interval"))
    return _Layers(shape.layers // interval if interval else shape.layers)


def _by_kind(kinds: list[str], window: int | None) -> _Layers:
    """Linear attention and the like keep a state of fixed size: not counted."""
    full = sum(kind in ("full_attention", "attention") for kind in kinds)
    local = sum(kind in ("sliding_attention", "chunked_attention") for kind in kinds)
    return _Layers(full, local, window) if window else _Layers(full + local)
