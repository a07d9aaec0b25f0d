"""What memory it takes to run and to train a model: formulas, and nothing but formulas.

Sources: the states of mixed-precision Adam (2 + 2 + 4 + 4 + 4 bytes) are those of the ZeRO paper;
34 * hidden bytes of activations in a layer that is computed again, those of "Reducing activation
recomputation in large transformer models", with an attention that keeps no score matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

from ml_intern.tools.models.adapters import Adapter, lora
from ml_intern.tools.models.fields import gigabytes
from ml_intern.tools.models.kv import KvCache
from ml_intern.tools.models.shape import Shape

WEIGHTS = {"bf16": 2.0, "int8": 1.0, "4-bit": 0.55}
"""Bytes of a parameter; 4-bit with its scales and the parts that stay in bf16."""
FULL = 16
"""Bytes of a trained parameter: bf16 weight and gradient, fp32 master weight, two fp32 moments."""
FULL_8BIT = 10
"""As `FULL`, with moments of one byte each."""
RUNNING_SHARE = 0.2
"""On top of weights and cache when running: the CUDA context, buffers, fragments."""
TRAINING_SHARE = 0.1
"""On top of everything when training, for the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is run or trained, and how."""

    parameters: int
    shape: Shape
    kv: KvCache
    tokens: int
    """Of one sequence."""
    batch: int
    """Sequences at once; when training, on each GPU."""
    rank: int
    stored: int | None = None
    """Bytes of the weights as they are, for a model that is quantized already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Bytes that one way of using the model takes."""

    name: str
    shared: float
    """Of all GPUs together, when each holds its part."""
    each: float = 0.0
    """Of every GPU, however many there are."""
    share: float = TRAINING_SHARE
    parts: str = ""
    partial: bool = False
    """Whether something that is not known is missing from it."""

    def on(self, gpus: int) -> float:
        """Bytes of one GPU of `gpus`."""
        return (self.shared / gpus + self.each) * (1 + self.share)


def activations(shape: Shape, tokens: int) -> int | None:
    """Bytes of activations with gradient checkpointing, for all tokens of one GPU's step.

    The input of each layer in bf16, one layer computed again, and fp32 logits with gradients.
    """
    if shape.encoder_decoder or not (shape.layers and shape.hidden):
        return None
    per_token = 2 * shape.layers * shape.hidden + 34 * shape.hidden + 8 * (shape.vocabulary or 0)
    return tokens * per_token


def logits_unknown(shape: Shape) -> bool:
    """Whether `activations` lacks the largest of its terms."""
    return shape.vocabulary is None and shape.generates is not False


def needs(load: Load) -> list[Need]:
    """Every way of using it; of a model that is quantized already only running it is known."""
    if load.stored is not None:
        return [_running("run as stored", load.stored, load)]
    running = [
        _running(f"run {name}", load.parameters * size, load) for name, size in WEIGHTS.items()
    ]
    return [*running, *_training(load)]


def _running(name: str, weights: float, load: Load) -> Need:
    cache = load.kv.size(load.tokens, load.batch)
    parts = f"weights {gigabytes(weights)}"
    parts += f" + KV cache {gigabytes(cache)}" if cache is not None else " + KV cache (unknown)"
    return Need(
        name=name,
        shared=weights + (cache or 0),
        share=RUNNING_SHARE,
        parts=parts,
        partial=cache is None,
    )


def _training(load: Load) -> list[Need]:
    adapter = lora(load.shape, load.rank)
    count = load.parameters
    return [
        _adapting("LoRA", count * WEIGHTS["bf16"], adapter, load),
        _adapting("QLoRA", count * WEIGHTS["4-bit"], adapter, load),
        _full("full", FULL, load),
        _full("full, 8-bit Adam", FULL_8BIT, load),
    ]


def _adapting(name: str, frozen: float, adapter: Adapter, load: Load) -> Need:
    """The model frozen, the adapter trained."""
    trained = None if adapter.parameters is None else adapter.parameters * FULL
    kept = activations(load.shape, load.tokens * load.batch)
    states = " + adapter (unknown)" if trained is None else f" + adapter {gigabytes(trained)}"
    return Need(
        name=name,
        shared=frozen + (trained or 0),
        each=kept or 0,
        parts=f"frozen weights {gigabytes(frozen)}{states}{_in_words(kept)}",
        partial=trained is None or kept is None or logits_unknown(load.shape),
    )


def _full(name: str, size: int, load: Load) -> Need:
    kept = activations(load.shape, load.tokens * load.batch)
    states = load.parameters * size
    return Need(
        name=name,
        shared=states,
        each=kept or 0,
        parts=f"weights, gradients and optimizer {gigabytes(states)}{_in_words(kept)}",
        partial=kept is None or logits_unknown(load.shape),
    )


def _in_words(kept: int | None) -> str:
    return " + activations (unknown)" if kept is None else f" + activations {gigabytes(kept)}"
