"""Sizes, context length and KV cache from configurations of real families."""

from __future__ import annotations

from typing import Any

import pytest

from emulators import hub_models_catalogue as known
from ml_intern.tools.models.context import context_line, longest
from ml_intern.tools.models.kv import kv_cache
from ml_intern.tools.models.shape import Shape, shape_of


def cache(config: dict[str, Any], tokens: int = 1, batch: int = 1) -> int | None:
    return kv_cache(shape_of(config), config).size(tokens, batch)


def why(config: dict[str, Any]) -> str:
    return kv_cache(shape_of(config), config).unknown


@pytest.mark.parametrize(
    ("config", "layers", "hidden", "kv_heads", "head_dim", "intermediate", "vocabulary"),
    [
        (known.LLAMA_CONFIG, 32, 4096, 8, 128, 14336, 128256),
        (known.QWEN_CONFIG, 24, 896, 2, 64, 4864, 151936),
        (known.GPT2_CONFIG, 12, 768, 12, 64, 3072, 50257),
        (known.QWEN_MOE_CONFIG, 48, 2048, 4, 128, 6144, 151936),
        (known.MISTRAL_CONFIG, 40, 5120, 8, 128, 32768, 131072),
    ],
)
def test_each_family_has_its_own_words_for_the_same_sizes(
    config: dict[str, Any],
    layers: int,
    hidden: int,
    kv_heads: int,
    head_dim: int,
    intermediate: int,
    vocabulary: int,
) -> None:
    shape = shape_of(config)
    found = (shape.layers, shape.hidden, shape.kv_heads, shape.head_dim, shape.intermediate)
    assert (*found, shape.vocabulary) == (
        layers, hidden, kv_heads, head_dim, intermediate, vocabulary,
    )  # fmt: skip


def test_what_else_is_stated_is_kept() -> None:
    assert shape_of(known.QWEN_CONFIG).tied is True
    assert shape_of(known.LLAMA_CONFIG).tied is False
    assert shape_of(known.GPT2_CONFIG).tied is None
    assert shape_of(known.MISTRAL_CONFIG).part == "text_config"
    moe = shape_of(known.DEEPSEEK_CONFIG)
    assert (moe.experts, moe.active_experts, moe.shared_experts) == (256, 8, 1)
    assert (moe.expert_intermediate, moe.latent, moe.quantization) == (2048, 576, "fp8")


def test_an_mlp_has_a_gate_where_its_family_has_one() -> None:
    gated = {"hidden_size": 8, "hidden_act": "silu"}
    assert shape_of(gated).gated
    assert shape_of({"model_type": "gemma2", "hidden_activation": "gelu_pytorch_tanh"}).gated
    assert shape_of({"model_type": "t5", "feed_forward_proj": "gated-gelu"}).gated
    assert not shape_of(known.GPT2_CONFIG).gated
    assert not shape_of({"model_type": "starcoder2", "hidden_act": "gelu_pytorch_tanh"}).gated


@pytest.mark.parametrize(
    ("config", "tokens", "batch", "size"),
    [
        (known.LLAMA_CONFIG, 1, 1, 131_072),
        (known.LLAMA_CONFIG, 8192, 4, 4_294_967_296),
        (known.QWEN_CONFIG, 1, 1, 12_288),
        (known.GPT2_CONFIG, 1, 1, 36_864),
        (known.QWEN_MOE_CONFIG, 1, 1, 98_304),
        (known.MISTRAL_CONFIG, 1, 1, 163_840),
        # Latent attention: 61 layers, 512 + 64 values of 2 bytes.
        (known.DEEPSEEK_CONFIG, 1, 1, 70_272),
        # 12 layers keep all tokens, 12 the last 128: 2,048 bytes a token in each.
        (known.GPT_OSS_CONFIG, 1000, 1, 12 * 2048 * 1000 + 12 * 2048 * 128),
        (known.GPT_OSS_CONFIG, 100, 2, 2 * 24 * 2048 * 100),
        # Llama 4: three of four layers attend within chunks.
        (
            {
                **known.LLAMA_CONFIG,
                "attention_chunk_size": 8192,
                "layer_types": [*["chunked_attention"] * 24, *["full_attention"] * 8],
            },
            10_000,
            1,
            4096 * (24 * 8192 + 8 * 10_000),
        ),
    ],
)
def test_the_kv_cache_is_what_one_computes_by_hand(
    config: dict[str, Any], tokens: int, batch: int, size: int
) -> None:
    assert cache(config, tokens, batch) == size


LLAMA = known.LLAMA_CONFIG


@pytest.mark.parametrize(
    ("config", "size"),
    [
        # Falcon 7B: 71 query heads share one key head.
        ({"n_layer": 32, "n_head": 71, "hidden_size": 4544, "multi_query": True}, 2 * 32 * 64 * 2),
        # Falcon 40B has the same entry with another meaning.
        (
            {"num_hidden_layers": 60, "num_attention_heads": 128, "num_kv_heads": 8,
             "hidden_size": 8192, "multi_query": True, "new_decoder_architecture": True},
            2 * 60 * 8 * 64 * 2,
        ),
        # Qwen3-Next: every fourth layer has attention.
        ({**LLAMA, "full_attention_interval": 4}, 131_072 // 4),
        ({**LLAMA, "layer_types": ["linear_attention", "full_attention"] * 16}, 131_072 // 2),
    ],
)  # fmt: skip
def test_only_layers_and_heads_that_keep_something_count(config: dict[str, Any], size: int) -> None:
    assert cache(config) == size


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "does not state the layers"),
        (known.GEMMA_CONFIG, "does not state the heads"),
        ({**LLAMA, "num_key_value_heads": [4, 8]}, "does not state the heads"),
        ({**LLAMA, "mamba_d_state": 16}, "state-space layers"),
        ({**LLAMA, "block_configs": [{}]}, "differ from each other"),
        ({**LLAMA, "is_encoder_decoder": True}, "encoder-decoder"),
    ],
)
def test_a_cache_that_cannot_be_computed_is_not_guessed(
    config: dict[str, Any], reason: str
) -> None:
    assert reason in why(config)
    assert cache(config) is None


def test_a_model_that_writes_nothing_has_no_cache() -> None:
    bert = {**LLAMA, "architectures": ["BertForMaskedLM"], "model_type": "bert"}
    assert cache(bert, 512) == 0
    assert "does not write text" in kv_cache(shape_of(bert), bert).formula


def test_a_window_of_unknown_layers_makes_the_cache_an_upper_bound() -> None:
    assert "(at most" in kv_cache(shape_of(c := {**LLAMA, "sliding_window": 4096}), c).formula
    qwen = known.QWEN_CONFIG
    assert "at most" not in kv_cache(shape_of(qwen), qwen).formula


ODD: list[Any] = [None, "x", -1, 0, 1.5, True, [], {}, float("inf"), 10**400, float("nan")]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_entry_of_no_sense_is_as_if_it_were_missing(odd: Any) -> None:
    numbers = {name: odd for name, value in LLAMA.items() if isinstance(value, int)}
    shape = shape_of({**LLAMA, **numbers, "text_config": odd, "attn_config": odd,
                      "quantization_config": odd if odd != {} else None})  # fmt: skip
    sizes = (shape.layers, shape.hidden, shape.heads, shape.kv_heads, shape.vocabulary)
    assert sizes == (None,) * 5
    assert cache({**LLAMA, **numbers}) is None


def test_configurations_in_each_other_end() -> None:
    deep: dict[str, Any] = {"num_hidden_layers": 1}
    for _ in range(500):
        deep = {"text_config": deep}
    assert shape_of(deep) == Shape(gated=False, part="text_config.text_config.text_config")


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            known.LLAMA_CONFIG,
            "131,072 tokens (max_position_embeddings); RoPE scaling llama3 by 8 from 8,192",
        ),
        (known.QWEN_CONFIG, "32,768 tokens (max_position_embeddings)"),
        (known.GPT2_CONFIG, "1,024 tokens (n_positions)"),
        (known.MISTRAL_CONFIG, "131,072 tokens (max_position_embeddings)"),
        (known.GEMMA_CONFIG, "not stated; RoPE scaling linear by 8; sliding window of 1,024"),
        (
            known.GPT_OSS_CONFIG,
            "131,072 tokens (max_position_embeddings); sliding window of 128 in 12 of 24 layers",
        ),
        ({"max_seq_len": 2048, "rope_parameters": {"rope_type": "default"}},
         "2,048 tokens (max_seq_len)"),
        ({}, "not stated"),
    ],
)  # fmt: skip
def test_the_context_is_as_stated(config: dict[str, Any], line: str) -> None:
    assert context_line(config, {}, {}) == line


def test_other_files_state_a_length_too() -> None:
    assert context_line({}, {}, {"context_length": 32768}) == "32,768 tokens (GGUF header)"
    both = context_line(known.QWEN_CONFIG, {"model_max_length": 131072}, {})
    assert both.endswith("; the tokenizer cuts at 131,072")
    # What tokenizers without a limit have.
    unlimited = {"model_max_length": 1000000000000000019884624838656}
    assert context_line({}, unlimited, {}) == "not stated"
    assert longest(known.GPT2_CONFIG) == ("n_positions", 1024)
