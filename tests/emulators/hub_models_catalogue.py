"""Models as the Hub has them: figures of real ones, each an example of one kind."""

from __future__ import annotations

import json
from typing import Any

from emulators.hub_models import Model, safetensors

LLAMA_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_act": "silu",
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "rope_scaling": {
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "torch_dtype": "bfloat16",
}
QWEN_CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "hidden_act": "silu",
    "vocab_size": 151936,
    "max_position_embeddings": 32768,
    "sliding_window": 32768,
    "use_sliding_window": False,
    "tie_word_embeddings": True,
}
GPT2_CONFIG = {
    "architectures": ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "n_ctx": 1024,
    "n_embd": 768,
    "n_head": 12,
    "n_inner": None,
    "n_layer": 12,
    "n_positions": 1024,
    "vocab_size": 50257,
}
QWEN_MOE_CONFIG = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "moe_intermediate_size": 768,
    "num_attention_heads": 32,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": False,
    "vocab_size": 151936,
}
DEEPSEEK_CONFIG = {
    "architectures": ["DeepseekV3ForCausalLM"],
    "model_type": "deepseek_v3",
    "hidden_act": "silu",
    "hidden_size": 7168,
    "intermediate_size": 18432,
    "kv_lora_rank": 512,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_attention_heads": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 61,
    "num_key_value_heads": 128,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "vocab_size": 129280,
    "max_position_embeddings": 163840,
    "quantization_config": {"quant_method": "fp8", "fmt": "e4m3"},
}
MISTRAL_CONFIG = {
    "architectures": ["Mistral3ForConditionalGeneration"],
    "model_type": "mistral3",
    "text_config": {
        "model_type": "mistral",
        "head_dim": 128,
        "hidden_act": "silu",
        "hidden_size": 5120,
        "intermediate_size": 32768,
        "max_position_embeddings": 131072,
        "num_attention_heads": 32,
        "num_hidden_layers": 40,
        "num_key_value_heads": 8,
        "vocab_size": 131072,
    },
    "vision_config": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
}
GEMMA_CONFIG = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "text_config": {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "model_type": "gemma3_text",
        "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "sliding_window": 1024,
    },
}
GPT_OSS_CONFIG = {
    "architectures": ["GptOssForCausalLM"],
    "model_type": "gpt_oss",
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "num_attention_heads": 64,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 24,
    "num_key_value_heads": 8,
    "num_local_experts": 32,
    "sliding_window": 128,
    "vocab_size": 201088,
    "max_position_embeddings": 131072,
    "quantization_config": {"quant_method": "mxfp4"},
}

LLAMA_TEMPLATE = (
    "{{- bos_token }}{%- if messages[0]['role'] == 'system' %}{%- set system_message = 1 %}"
    "{%- endif %}{%- if tools is not none %}{{- 'Environment: ipython' }}{%- endif %}"
)
QWEN_TEMPLATE = (
    "{%- if tools %}{{- '<|im_start|>system' }}{%- endif %}{%- if messages[0].role == 'system' %}"
    "{%- endif %}{% generation %}{{ message.content }}{% endgeneration %}"
    "{%- if enable_thinking is defined and enable_thinking is false %}<think></think>{%- endif %}"
)
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
QWEN = "Qwen/Qwen2.5-0.5B-Instruct"
GPT2 = "openai-community/gpt2"
SHARDED = "lab/sharded-2b"
GPTQ = "TheBloke/Llama-2-7B-GPTQ"
GGUF = "bartowski/Qwen2.5-0.5B-Instruct-GGUF"
ADAPTER = "someone/llama-lora"
BARE = "someone/bare"
MOE = "Qwen/Qwen3-30B-A3B"
PRIVATE = "acme/secret"
TOKEN = "hf_granted"


def info(name: str, **more: Any) -> dict[str, Any]:
    """What every model has."""
    base = {
        "id": name,
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 1000,
        "likes": 10,
        "tags": [],
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "lastModified": "2025-03-01T12:00:00.000Z",
        "createdAt": "2024-07-18T08:56:00.000Z",
    }
    return {**base, **more}


def _weights(**kinds: int) -> dict[str, Any]:
    return {"parameters": kinds, "total": sum(kinds.values())}


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


_LLAMA = Model(
    info(
        LLAMA,
        gated="manual",
        downloads=5_234_567,
        likes=4123,
        tags=["transformers", "safetensors", "llama", "en", "de", "license:llama3.1",
              "base_model:meta-llama/Llama-3.1-8B",
              "base_model:finetune:meta-llama/Llama-3.1-8B"],
        safetensors=_weights(BF16=8_030_261_248),
        config={"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                "tokenizer_config": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>",
                                     "chat_template": LLAMA_TEMPLATE}},
        cardData={"license": "llama3.1", "base_model": "meta-llama/Llama-3.1-8B",
                  "language": ["en", "de", "fr"]},
        childrenModelCount={"adapter": 1716, "finetune": 2328, "merge": 119, "quantized": 690},
        evalResults=[
            {"dataset": {"id": "cais/mmlu", "task_id": "default"}, "value": 69.4,
             "date": "2024-07-23", "notes": "5-shot"},
            {"dataset": {"id": "Idavidrein/gpqa", "task_id": "gpqa_main"}, "value": 30.4,
             "source": {"url": "https://example.com/x", "name": "Model card"}},
        ],
    ),
    {
        "README.md": b"# Llama",
        "config.json": _json(LLAMA_CONFIG),
        "generation_config.json": _json({"temperature": 0.6, "top_p": 0.9, "do_sample": True}),
        "tokenizer_config.json": _json({
            "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>",
            "eos_token": {"content": "<|eot_id|>"}, "model_max_length": 131072,
            "chat_template": LLAMA_TEMPLATE,
        }),
        "tokenizer.json": 9_085_657,
        "model.safetensors.index.json": b"{}",
        "model-00001-of-00004.safetensors": 4_976_698_672,
        "model-00002-of-00004.safetensors": 4_999_802_720,
        "model-00003-of-00004.safetensors": 4_915_916_176,
        "model-00004-of-00004.safetensors": 1_168_138_808,
        "original/consolidated.00.pth": 16_060_617_592,
    },
    token=TOKEN,
)  # fmt: skip
_QWEN = Model(
    info(
        QWEN,
        downloads=900_123,
        likes=301,
        tags=["transformers", "safetensors", "qwen2", "chat", "en", "license:apache-2.0",
              "dataset:someone/chats", "base_model:Qwen/Qwen2.5-0.5B",
              "base_model:finetune:Qwen/Qwen2.5-0.5B"],
        safetensors=_weights(BF16=494_032_768),
        cardData={"license": "apache-2.0", "base_model": ["Qwen/Qwen2.5-0.5B"],
                  "license_link": "https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct/LICENSE",
                  "datasets": ["someone/chats", "HuggingFaceH4/ultrachat_200k"],
                  "language": "en"},
        childrenModelCount={"adapter": 12, "finetune": 0, "quantized": 2},
        **{"model-index": [{"name": "Qwen", "results": [
            {"task": {"type": "text-generation"},
             "dataset": {"name": "GSM8K", "type": "gsm8k", "config": "main", "split": "test"},
             "metrics": [{"type": "exact_match", "value": 49.6, "name": "exact match"},
                         {"type": "exact_match", "value": 49.6, "name": "exact match"}]},
            {"dataset": {"name": "MMLU"}, "metrics": [{"type": "acc", "value": 0.475}]},
        ]}]},
    ),
    {
        "README.md": b"# Qwen",
        "config.json": _json(QWEN_CONFIG),
        "generation_config.json": _json({"temperature": 0.7, "top_k": 20, "do_sample": True}),
        "tokenizer_config.json": _json({
            "tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>", "bos_token": None, "model_max_length": 131072,
        }),
        "chat_template.jinja": QWEN_TEMPLATE.encode(),
        "model.safetensors": 988_097_824,
        "onnx/model.onnx": 1_977_000_000,
    },
)  # fmt: skip
_GPT2 = Model(
    info(
        GPT2, downloads=11_000_000, likes=2900, tags=["gpt2", "en", "license:mit"],
        safetensors=_weights(F32=137_022_720), cardData={"license": "mit"},
    ),
    {"config.json": _json(GPT2_CONFIG), "model.safetensors": 548_105_171,
     "pytorch_model.bin": 548_118_077, "flax_model.msgpack": 497_764_120},
)  # fmt: skip
_SHARDED = Model(
    info(SHARDED, safetensors=None, tags=["license:other"], cardData={
        "license": "other", "license_name": "lab-non-commercial", "license_link": "LICENSE"}),
    {
        "config.json": _json({**LLAMA_CONFIG, "num_hidden_layers": 2}),
        "model.safetensors.index.json": b"{}",
        "model-00001-of-00003.safetensors": safetensors(
            ("embed", "BF16", [1000, 4096]), ("a", "BF16", [4096, 4096])),
        "model-00002-of-00003.safetensors": safetensors(("b", "BF16", [4096, 4096])),
        "model-00003-of-00003.safetensors": safetensors(("norm", "F32", [4096])),
    },
)  # fmt: skip
_GPTQ = Model(
    info(
        GPTQ, downloads=50_000, tags=["gptq", "license:llama2",
              "base_model:quantized:meta-llama/Llama-2-7b-hf"],
        safetensors=_weights(I32=860_000_000, F16=262_000_000),
    ),
    {
        "config.json": _json({**LLAMA_CONFIG, "num_key_value_heads": 32, "vocab_size": 32000,
                              "max_position_embeddings": 4096, "rope_scaling": None,
                              "quantization_config": {"bits": 4, "quant_method": "gptq"}}),
        "model.safetensors": 3_896_000_000,
    },
)  # fmt: skip
_GGUF = Model(
    info(
        GGUF, library_name="gguf",
        tags=["gguf", "license:apache-2.0", f"base_model:{QWEN}", f"base_model:quantized:{QWEN}"],
        downloads=4000, cardData={"license": "apache-2.0", "base_model": QWEN},
        gguf={"total": 494_032_768, "architecture": "qwen2", "context_length": 32768,
              "chat_template": QWEN_TEMPLATE},
    ),
    {"Qwen2.5-0.5B-Instruct-Q4_K_M.gguf": 397_808_192,
     "Qwen2.5-0.5B-Instruct-Q8_0.gguf": 531_068_480},
)  # fmt: skip
_ADAPTER = Model(
    info(ADAPTER, library_name="peft", tags=["peft", f"base_model:adapter:{LLAMA}"], downloads=7),
    {"adapter_config.json": _json({
        "peft_type": "LORA", "r": 8, "lora_alpha": 16, "base_model_name_or_path": LLAMA,
        "target_modules": ["v_proj", "q_proj"]}),
     "adapter_model.bin": 6_800_000},
)  # fmt: skip
_BARE = Model({"id": BARE}, {})
_MOE = Model(
    info(MOE, tags=["license:apache-2.0"], safetensors=_weights(BF16=30_532_122_624)),
    {"config.json": _json(QWEN_MOE_CONFIG), "model.safetensors": 61_064_245_248},
)
_PRIVATE = Model(info(PRIVATE, private=True), {}, token=TOKEN)
MODELS = {
    LLAMA: _LLAMA, QWEN: _QWEN, GPT2: _GPT2, SHARDED: _SHARDED, GPTQ: _GPTQ, GGUF: _GGUF,
    ADAPTER: _ADAPTER, BARE: _BARE, MOE: _MOE, PRIVATE: _PRIVATE,
}  # fmt: skip


def machine(
    name: str, gpu: str = "", gpus: int = 0, gigabytes: int = 0, cents: float = 1.0
) -> dict[str, Any]:
    """A flavor; `cents` for a minute."""
    accelerator = {
        "type": "gpu", "model": gpu, "quantity": str(gpus), "vram": f"{gigabytes} GB",
        "manufacturer": "Nvidia",
    }  # fmt: skip
    return {
        "name": name,
        "prettyName": name,
        "cpu": "4 vCPU",
        "ram": "15 GB",
        "ephemeralStorage": "50 GB",
        "accelerator": accelerator if gpu else None,
        "unitCostMicroUSD": round(cents * 10_000),
        "unitCostUSD": cents / 100,
        "unitLabel": "minute",
    }


HARDWARE = [
    machine("cpu-basic", cents=0.0167),
    machine("cpu-upgrade", cents=0.05),
    machine("t4-small", "T4", 1, 16, 0.6667),
    machine("l4x1", "L4", 1, 24, 1.3333),
    machine("l4x4", "L4", 4, 96, 6.3333),
    machine("a10g-large", "A10G", 1, 24, 2.5),
    machine("a10g-largex4", "A10G", 4, 96, 8.3333),
    machine("l40sx1", "L40S", 1, 48, 3.0),
    machine("a100-large", "A100", 1, 80, 4.1667),
    machine("a100x4", "A100", 4, 320, 16.6667),
    machine("a100x8", "A100", 8, 640, 33.3333),
    machine("h200", "H200", 1, 141, 8.3333),
    machine("h200x8", "H200", 8, 1128, 66.6667),
]
