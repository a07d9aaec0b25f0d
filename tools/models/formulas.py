"""The formulas of `memory` in words, with this model's numbers."""

from __future__ import annotations

from ml_intern.tools.models.adapters import lora
from ml_intern.tools.models.fields import gigabytes, short
from ml_intern.tools.models.memory import (
    FULL,
    FULL_8BIT,
    RUNNING_SHARE,
    TRAINING_SHARE,
    WEIGHTS,
    Load,
    activations,
    logits_unknown,
)


def formulas(load: Load) -> list[str]:
    """A line for each term."""
    weights = ", ".join(f"{size:g} ({name})" for name, size in WEIGHTS.items())
    lines = [
        "How it is computed (estimates; measure before a long run):",
        f"- KV cache: {_cache(load)}",
    ]
    if load.stored is not None:
        return [*lines, f"- weights: the size of their files, {gigabytes(load.stored)} GB"]
    return [
        *lines,
        f"- weights: parameters * bytes: {weights}",
        f"- full: parameters * {FULL} bytes (bf16 weights and gradients, fp32 master weights, two "
        f"Adam moments); * {FULL_8BIT} with 8-bit moments",
        f"- adapter: {_adapter(load)}",
        f"- activations: {_activations(load)}",
        f"- added for CUDA, buffers and fragments: {RUNNING_SHARE:.0%} running, "
        f"{TRAINING_SHARE:.0%} training",
    ]


def _cache(load: Load) -> str:
    if load.kv.unknown:
        return f"unknown: {load.kv.unknown}"
    each = load.kv.everywhere + load.kv.windowed
    return load.kv.formula + (f" = {each:,} bytes a token, bf16" if each else "")


def _adapter(load: Load) -> str:
    found = lora(load.shape, load.rank)
    if found.parameters is None:
        return found.formula
    return f"{found.formula} = {found.parameters:,} ({short(found.parameters)}), * {FULL} bytes"


def _activations(load: Load) -> str:
    if activations(load.shape, 1) is None:
        if load.shape.encoder_decoder:
            return "unknown: it is an encoder-decoder, which takes two sequences"
        return "unknown: the layers and the hidden size are not stated"
    last = "the last term, the logits, goes with a fused or chunked loss"
    if logits_unknown(load.shape):
        last = "the last term, the logits, is missing here: the vocabulary is not stated"
    return (
        "with gradient checkpointing, tokens on a GPU * (2 * layers * hidden + 34 * hidden "
        f"+ 8 * vocabulary) bytes; {last}"
    )
