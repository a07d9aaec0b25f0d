"""What kind of model a folder holds, told from its small files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["model", "adapter", "pipeline", "gguf"]
"""A whole model, a PEFT adapter, a diffusers pipeline, or nothing but GGUF files."""

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""Formats whose loading can run code."""
DESCRIPTIONS = (
    "config.json", "adapter_config.json", "model_index.json", "modules.json",
    "tokenizer_config.json",
)  # fmt: skip
"""Files that say what the model is."""
_TOKENIZERS = frozenset(
    {
        "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model",
        "sentencepiece.bpe.model", "tekken.json",
    }
)  # fmt: skip
_TASKS = {
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMaskedLM": "fill-mask",
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
    "ForSemanticSegmentation": "image-segmentation",
    "ForAudioClassification": "audio-classification",
    "ForCTC": "automatic-speech-recognition",
    "ForSpeechSeq2Seq": "automatic-speech-recognition",
    "WhisperForConditionalGeneration": "automatic-speech-recognition",
}
"""Task of the Hub by how the name of the class ends."""
_ADAPTER_TASKS = {
    "CAUSAL_LM": "text-generation",
    "SEQ_CLS": "text-classification",
    "TOKEN_CLS": "token-classification",
    "QUESTION_ANS": "question-answering",
}
TEXT_TASKS = frozenset(
    {
        "text-generation", "text-classification", "token-classification", "question-answering",
        "fill-mask",
    }
)  # fmt: skip
"""Tasks that nobody can do without a tokenizer."""
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+|[A-Za-z][\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is known of the model; "" and None where nothing is."""

    kind: Kind
    architecture: str = ""
    """Name of its class, or the kind of the adapter ("LORA")."""
    task: str = ""
    """The Hub's `pipeline_tag`."""
    library: str = ""
    chat: bool = False
    """Whether there is a chat template."""
    tokenizer: bool = False
    base: str = ""
    """What an adapter's own file says it belongs to; may be a folder of this machine."""
    quantized: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)
    """How many of which type are in its safetensors files."""


def described(
    files: Collection[str], descriptions: Mapping[str, Any], numbers: Mapping[str, int]
) -> Model | None:
    """The model that these files are; None if they are none.

    `descriptions` are the `DESCRIPTIONS` that are there, parsed.
    """
    config, adapter = _object(descriptions, "config.json"), None
    kind: Kind
    if "adapter_config.json" in descriptions:
        kind, adapter = "adapter", _object(descriptions, "adapter_config.json")
    elif "model_index.json" in descriptions:
        kind = "pipeline"
    elif "config.json" in descriptions:
        kind = "model"
    elif any(path.endswith(".gguf") for path in files):
        kind = "gguf"
    else:
        return None
    architecture = _architecture(config, _object(descriptions, "model_index.json"), adapter)
    return Model(
        kind=kind,
        architecture=architecture,
        task=_task(architecture, adapter, descriptions),
        library=_library(kind, config, descriptions),
        chat=_has_chat(files, descriptions),
        tokenizer=bool(_TOKENIZERS & set(files)),
        base=_word(adapter, "base_model_name_or_path"),
        quantized=isinstance(config.get("quantization_config"), dict),
        numbers=dict(numbers),
    )


def is_hub_id(name: str) -> bool:
    """Whether a base's name could be one on the Hub, and not a path."""
    return bool(_HUB_ID.fullmatch(name)) and not name.startswith(".")


def weights(files: Collection[str]) -> list[str]:
    """Those of the files that hold weights."""
    return [path for path in files if path.lower().endswith(WEIGHTS)]


def shards(index: object) -> frozenset[str]:
    """The files that an index of shards names."""
    listed = index.get("weight_map") if isinstance(index, dict) else None
    values = listed.values() if isinstance(listed, dict) else ()
    return frozenset(name for name in values if isinstance(name, str))


def _architecture(
    config: Mapping[str, Any], pipeline: Mapping[str, Any], adapter: Mapping[str, Any] | None
) -> str:
    if adapter is not None:
        return _word(adapter, "peft_type")
    listed = config.get("architectures")
    first = listed[0] if isinstance(listed, list) and listed else ""
    return first if isinstance(first, str) and first else _word(pipeline, "_class_name")


def _task(
    architecture: str, adapter: Mapping[str, Any] | None, descriptions: Mapping[str, Any]
) -> str:
    if adapter is not None:
        return _ADAPTER_TASKS.get(_word(adapter, "task_type"), "")
    if "modules.json" in descriptions:
        return "sentence-similarity"
    return next((task for end, task in _TASKS.items() if architecture.endswith(end)), "")


def _library(kind: Kind, config: Mapping[str, Any], descriptions: Mapping[str, Any]) -> str:
    if kind != "model":
        return {"adapter": "peft", "pipeline": "diffusers"}.get(kind, "")
    if "modules.json" in descriptions:
        return "sentence-transformers"
    known = config.get("model_type") or config.get("architectures")
    return "transformers" if known else ""


def _has_chat(files: Collection[str], descriptions: Mapping[str, Any]) -> bool:
    own = _object(descriptions, "tokenizer_config.json").get("chat_template")
    return bool(own) or bool({"chat_template.jinja", "chat_template.json"} & set(files))


def _object(descriptions: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = descriptions.get(name)
    return found if isinstance(found, dict) else {}


def _word(about: Mapping[str, Any] | None, key: str) -> str:
    found = (about or {}).get(key)
    return found if isinstance(found, str) else ""
