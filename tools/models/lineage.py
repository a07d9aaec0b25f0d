"""What a model was made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_intern.tools.models.fields import text, texts

_RELATIONS = {
    "finetune": "finetune",
    "quantized": "quantization",
    "adapter": "adapter",
    "merge": "merge",
}
"""What the Hub's tags say, as a noun."""


def base_line(card: Mapping[str, Any], tags: list[str], adapter: Mapping[str, Any]) -> str:
    """`finetune of a/b`; "" if no base is stated. The Hub works out the relation and tags it."""
    parts = [tag.split(":", 2) for tag in tags if tag.startswith("base_model:")]
    related = {part[2]: part[1] for part in parts if len(part) == 3}
    bases = texts(card.get("base_model"), 10) or [text(base) for base in related][:10]
    if not bases and (base := text(adapter.get("base_model_name_or_path"))):
        return f"adapter of {base} (adapter_config.json)"
    stated = text(card.get("base_model_relation"), 20)
    nouns = [_RELATIONS.get(related.get(base, stated), "made") for base in bases]
    return ", ".join(f"{noun} of {base}" for noun, base in zip(nouns, bases, strict=True))


def adapter_line(adapter: Mapping[str, Any]) -> str:
    """What kind of PEFT adapter the repository holds; "" if it holds none."""
    if not adapter:
        return ""
    kind = text(adapter.get("peft_type"), 30) or "PEFT"
    targets = texts(adapter.get("target_modules"), 12)
    sizes = [f"{name} {adapter[name]}" for name in ("r", "lora_alpha") if _small(adapter.get(name))]
    return ", ".join([kind, *sizes, *([f"on {', '.join(sorted(targets))}"] if targets else [])])


def _small(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e6
