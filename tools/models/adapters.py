"""How many parameters a LoRA adapter has."""

from __future__ import annotations

from dataclasses import dataclass

from ml_intern.tools.models.shape import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An adapter of one rank on every layer."""

    parameters: int | None
    """None where the sizes of the adapted matrices are not known."""
    formula: str


def lora(shape: Shape, rank: int) -> Adapter:
    """Rank * (inputs + outputs) for each matrix of attention, and of the MLP if it is dense."""
    pairs = _attention(shape)
    if pairs is None or not shape.layers or shape.unlike or shape.encoder_decoder:
        return Adapter(parameters=None, formula=_why(shape))
    dense = not shape.experts
    mlp = _mlp(shape) if dense else []
    if mlp is None:
        return Adapter(parameters=None, formula=_why(shape))
    ends = sum(inputs + outputs for inputs, outputs in [*pairs, *mlp])
    where = "attention and MLP" if dense else "attention only, not the experts"
    formula = f"r={rank} * {ends:,} (inputs + outputs of {where}) * {shape.layers} layers"
    return Adapter(parameters=rank * ends * shape.layers, formula=formula)


def _attention(shape: Shape) -> list[tuple[int, int]] | None:
    """Inputs and outputs of q, k, v and o; families that fuse them have a little less."""
    if shape.latent or not (shape.hidden and shape.heads and shape.kv_heads and shape.head_dim):
        return None
    hidden, queries = shape.hidden, shape.heads * shape.head_dim
    keys = shape.kv_heads * shape.head_dim
    return [(hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden)]


def _mlp(shape: Shape) -> list[tuple[int, int]] | None:
    if not (shape.hidden and shape.intermediate):
        return None
    into, out = (shape.hidden, shape.intermediate), (shape.intermediate, shape.hidden)
    return [into, into, out] if shape.gated else [into, out]


def _why(shape: Shape) -> str:
    if shape.latent:
        return "not computed for multi-head latent attention; usually below 1% of the model"
    if shape.unlike or shape.encoder_decoder:
        kind = "an encoder-decoder" if shape.encoder_decoder else "layers that differ"
        return f"not computed for {kind}; usually below 1% of the model"
    return "not known: config.json does not state the sizes; usually below 1% of the model"
