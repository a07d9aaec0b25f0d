"""Folders with models, small but whole."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SIZES = {"F32": 4, "BF16": 2, "F16": 2, "U8": 1}
LLAMA: dict[str, Any] = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
LORA: dict[str, Any] = {
    "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "meta/llama",
}  # fmt: skip


def safetensors(tensors: Mapping[str, tuple[str, list[int]]] | None = None) -> bytes:
    """A file with these tensors, type and shape by name, all zero."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape) in (tensors or {"w": ("BF16", [10, 4])}).items():
        end = at + SIZES[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(at)


def written(root: Path, files: Mapping[str, Any]) -> Path:
    """`root` with files: bytes, text, or what is written as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def causal(root: Path, **more: Any) -> Path:
    """A language model with tokenizer and chat template."""
    return written(
        root,
        {
            "config.json": LLAMA,
            "model.safetensors": safetensors({"a": ("BF16", [10, 4]), "b": ("F32", [3])}),
            "tokenizer.json": {"version": "1.0"},
            "tokenizer_config.json": {"chat_template": "{{ messages }}"},
            **more,
        },
    )


def adapter(root: Path, **more: Any) -> Path:
    """A LoRA adapter without a tokenizer."""
    files = {"adapter_config.json": LORA, "adapter_model.safetensors": safetensors()}
    return written(root, {**files, **more})
