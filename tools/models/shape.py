"""What `config.json` says of a model's sizes, by whatever names its family has for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_intern.tools.models.fields import first, mapping, positive, text, texts, whole

_LANGUAGE = ("text_config", "llm_config", "language_config", "thinker_config", "decoder")
"""Where a model of several kinds of input keeps the sizes of its language model."""
_GENERATES = ("CausalLM", "LMHead", "ConditionalGeneration", "Vision2Seq", "ImageTextToText")
STATE_SPACE = (
    "attn_layer_period", "hybrid_override_pattern", "mamba_d_state", "mamba_d_conv", "ssm_cfg",
    "state_size", "ssm_state_size", "d_state", "block_types",
)  # fmt: skip
"""Entries of models some of whose layers keep a state instead of attending."""
_UNLIKE = (*STATE_SPACE, "block_configs", "full_attention_interval")
_GATES = {"silu", "swish", "swiglu", "geglu", "reglu"}
_GATED_FAMILIES = ("gemma", "chatglm")
"""Whose MLP has a gate although the name of its activation does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of the language model, or of the only one; None where the file does not say."""

    architectures: tuple[str, ...] = ()
    family: str = ""
    """`model_type`."""
    part: str = ""
    """The key of the configuration the sizes are from; "" for the whole."""
    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    intermediate: int | None = None
    vocabulary: int | None = None
    tied: bool | None = None
    """Whether the input embeddings are the output's, too; None if not stated."""
    experts: int | None = None
    active_experts: int | None = None
    shared_experts: int | None = None
    expert_intermediate: int | None = None
    latent: int | None = None
    """Values that multi-head latent attention keeps of a token in a layer."""
    gated: bool = True
    """Whether the MLP has three matrices (gate, up, down) rather than two."""
    generates: bool | None = None
    """Whether it writes text token by token; None if not stated."""
    encoder_decoder: bool = False
    unlike: bool = False
    """Whether layers differ in the matrices they have."""
    quantization: str = ""
    """`quant_method` and bits."""


def language_part(config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The key and the content of the language model's own configuration; "" for the whole."""
    path: list[str] = []
    for _ in range(3):
        name = next((name for name in _LANGUAGE if mapping(config.get(name))), None)
        if name is None:
            break
        path.append(name)
        config = mapping(config[name])
    return ".".join(path), config


def shape_of(config: Mapping[str, Any]) -> Shape:
    """The sizes; for a configuration of several models, those of the language model."""
    part, own = language_part(config)
    architectures = tuple(texts(config.get("architectures"), 5))
    hidden = first(own, "hidden_size", "n_embd", "d_model", "dim")
    heads = first(own, "num_attention_heads", "n_head", "n_heads", "num_heads")
    family = text(config.get("model_type"), 60)
    return Shape(
        architectures=architectures,
        family=family,
        part=part,
        layers=first(own, "num_hidden_layers", "n_layer", "num_layers", "n_layers"),
        hidden=hidden,
        heads=heads,
        kv_heads=_kv_heads(own, heads),
        head_dim=_head_dim(own, hidden, heads),
        intermediate=_intermediate(own, hidden),
        vocabulary=first(own, "vocab_size", "padded_vocab_size"),
        tied=_tied(config, own),
        **_experts(own),
        latent=_latent(own),
        gated=_gated(own, text(own.get("model_type")) or family),
        generates=_generates(architectures, config),
        unlike=any(own.get(name) is not None for name in _UNLIKE),
        encoder_decoder=config.get("is_encoder_decoder") is True,
        quantization=quantization_of(config),
    )


def _kv_heads(own: Mapping[str, Any], heads: int | None) -> int | None:
    """As many as query heads where the file has no word for them."""
    if own.get("multi_query") is True and own.get("new_decoder_architecture") is not True:
        return 1
    attention = mapping(own.get("attn_config"))
    names = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
    if any(isinstance(own.get(name), list) for name in names):
        return None  # One number for each layer.
    return first(own, *names) or first(attention, "kv_n_heads") or heads


def _head_dim(own: Mapping[str, Any], hidden: int | None, heads: int | None) -> int | None:
    stated = first(own, "head_dim", "kv_channels", "d_kv")
    return stated or (hidden // heads if hidden and heads else None)


def _intermediate(own: Mapping[str, Any], hidden: int | None) -> int | None:
    names = ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size")
    if stated := first(own, *names):
        return stated
    # GPT-2's file has null where the width is four times the hidden size.
    return 4 * hidden if hidden and "n_embd" in own else None


def _tied(config: Mapping[str, Any], own: Mapping[str, Any]) -> bool | None:
    for stated in (own.get("tie_word_embeddings"), config.get("tie_word_embeddings")):
        if isinstance(stated, bool):
            return stated
    return None


def _experts(own: Mapping[str, Any]) -> dict[str, int | None]:
    ffn = mapping(own.get("ffn_config"))
    names = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
    active = ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_k")
    return {
        "experts": first(own, *names) or first(ffn, "moe_num_experts"),
        "active_experts": first(own, *active) or first(ffn, "moe_top_k"),
        "shared_experts": first(own, "n_shared_experts", "num_shared_experts"),
        "expert_intermediate": first(own, "moe_intermediate_size"),
    }


def _latent(own: Mapping[str, Any]) -> int | None:
    rank = positive(own.get("kv_lora_rank"))
    return rank + (whole(own.get("qk_rope_head_dim")) or 0) if rank else None


def _gated(own: Mapping[str, Any], family: str) -> bool:
    if family.startswith(_GATED_FAMILIES):
        return True
    names = ("hidden_act", "hidden_activation", "activation_function", "feed_forward_proj")
    stated = " ".join(text(own.get(name)).lower() for name in names)
    return any(gate in stated for gate in _GATES) or stated.strip().startswith("gated")


def _generates(architectures: tuple[str, ...], config: Mapping[str, Any]) -> bool | None:
    if not architectures:
        return True if config.get("is_decoder") is True else None
    return any(word in name for name in architectures for word in _GENERATES)


def quantization_of(config: Mapping[str, Any]) -> str:
    """`gptq, 4 bits`; "" for none."""
    stated = mapping(config.get("quantization_config"))
    if not stated:
        return ""
    method = text(stated.get("quant_method"), 40) or "of an unnamed kind"
    bits = positive(stated.get("bits")) or (4 if stated.get("load_in_4bit") is True else None)
    return f"{method}, {bits} bits" if bits else method
