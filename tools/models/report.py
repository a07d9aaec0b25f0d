"""One model in words: each line says one thing, and nothing twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_intern.tools.models.context import context_line
from ml_intern.tools.models.derived import Derived, derived_line
from ml_intern.tools.models.evaluations import SHOWN, results
from ml_intern.tools.models.fields import mapping, number, text, texts, whole
from ml_intern.tools.models.licences import licence_line
from ml_intern.tools.models.lineage import adapter_line, base_line
from ml_intern.tools.models.repository import Repository, access_line, failed_lines
from ml_intern.tools.models.shape import Shape, shape_of
from ml_intern.tools.models.templates import template_line, template_of, tokenizer_line
from ml_intern.tools.models.weights import count_line, files_line

_SAMPLING = ("do_sample", "temperature", "top_p", "top_k", "repetition_penalty")


def report(repository: Repository, derived: Derived, endpoint: str) -> str:
    """The whole section about a model, without its heading."""
    card, tags = repository.card, repository.tags
    adapter = mapping(repository.contents.get("adapter_config.json"))
    lines = {
        "kind": _kind(repository),
        "access": access_line(repository, endpoint),
        "licence": licence_line(card, tags),
        "architecture": architecture_line(repository),
        "adapter": adapter_line(adapter),
        "parameters": count_line(repository.count),
        "context": _context(repository),
        "tokenizer": _tokenizer(repository),
        "chat template": template_line(_template(repository)),
        "generation defaults": _defaults(repository),
        "base model": base_line(card, tags, adapter),
        "made from it": derived_line(derived, repository.id),
        "trained on": _listed(card.get("datasets"), tags, "dataset:") or "not stated",
        "languages": _listed(card.get("language"), tags, "language:"),
        "files": files_line(repository.files),
    }
    said = [f"{name}: {line}" for name, line in lines.items() if line]
    return "\n".join([*said, *_evaluations(repository, derived), *_troubles(repository, derived)])


def _kind(repository: Repository) -> str:
    """Task, library, popularity and age."""
    info = repository.info
    downloads, likes = whole(info.downloads), whole(info.likes)
    parts = [
        text(info.pipeline_tag, 40) or "task not stated",
        text(info.library_name, 40),
        "" if downloads is None else f"{downloads:,} downloads in 30 days",
        "" if likes is None else f"{likes:,} likes",
        f"updated {info.last_modified:%Y-%m-%d}" if info.last_modified else "",
        f"commit {text(info.sha, 12)}".removesuffix("…") if info.sha else "",
    ]
    return ", ".join(part for part in parts if part)


def architecture_line(repository: Repository) -> str:
    """Class and sizes, or why there are none."""
    pipeline = mapping(repository.contents.get("model_index.json"))
    if name := text(pipeline.get("_class_name"), 80):
        return f"diffusers pipeline {name}"
    shape = shape_of(repository.config)
    name = ", ".join(shape.architectures) or text(repository.gguf.get("architecture"), 60)
    family = f" ({shape.family})" if shape.family and shape.family != name else ""
    parts = [f"{name or 'class not stated'}{family}", sizes(shape)]
    if "config.json" not in repository.contents:
        hidden = "config.json" in repository.failed
        parts.append("config.json cannot be read" if hidden else "there is no config.json")
    return "; ".join(part for part in parts if part)


def sizes(shape: Shape) -> str:
    """The sizes that are stated."""
    stated = [
        (shape.layers, "{:,} layers"),
        (shape.hidden, "hidden {:,}"),
        (shape.heads, "{:,} heads"),
        (shape.kv_heads, "{:,} KV heads"),
        (shape.head_dim, "head size {:,}"),
        (shape.latent, "latent attention of {:,} values a token"),
        (shape.intermediate, "MLP {:,}"),
        (shape.vocabulary, "vocabulary {:,}"),
        (shape.experts, "{:,} experts"),
        (shape.active_experts, "{:,} of them active for a token"),
        (shape.shared_experts, "{:,} shared"),
        (shape.expert_intermediate, "expert MLP {:,}"),
    ]
    said = [form.format(size) for size, form in stated if size]
    if shape.tied:
        said.append("embeddings tied")
    if shape.quantization:
        said.append(f"quantized: {shape.quantization}")
    where = f" (of {shape.part})" if shape.part and said else ""
    return ", ".join(said) + where


def _context(repository: Repository) -> str:
    line = context_line(repository.config, repository.tokenizer, repository.gguf)
    hidden = "config.json" in repository.failed
    return line.replace("not stated", "unknown", 1) if hidden else line


def _tokenizer(repository: Repository) -> str:
    whole = "tokenizer_config.json" in repository.contents
    hidden = "tokenizer_config.json" in repository.failed
    nothing = "unknown" if hidden else "not stated"
    return tokenizer_line(repository.tokenizer, whole=whole) or nothing


def _template(repository: Repository) -> str:
    own = repository.contents.get("chat_template.jinja")
    if isinstance(own, str) and own.strip():
        return own
    stated = template_of(repository.tokenizer)
    gguf = repository.gguf.get("chat_template")
    return stated or (gguf if isinstance(gguf, str) else "")


def _defaults(repository: Repository) -> str:
    stated = mapping(repository.contents.get("generation_config.json"))
    return ", ".join(
        f"{name} {value:g}" if not isinstance(value, bool) else f"{name} {str(value).lower()}"
        for name in _SAMPLING
        if isinstance(value := stated.get(name), bool) or number(value) is not None
    )


def _listed(stated: object, tags: list[str], prefix: str, most: int = 15) -> str:
    tagged = [tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)]
    found = texts(stated, 200) or tagged
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def _evaluations(repository: Repository, derived: Derived) -> list[str]:
    index: Any = repository.info.model_index
    found = results(derived.evaluations, index)
    if not found:
        return ["evaluations: none in the metadata; the model card may have some"]
    more = len(found) - SHOWN
    card = f'hf_repo_files(operation="read", repo_id="{repository.id}", path="README.md")'
    cut = [f"- {more} more; {card} has the card"] if more > 0 else []
    return ["evaluations (reported by the owner):", *(f"- {line}" for line in found[:SHOWN]), *cut]


def _troubles(repository: Repository, derived: Derived) -> list[str]:
    failed: Mapping[str, Any] = repository.failed
    lines = [*failed_lines(failed), *([derived.trouble] if derived.trouble else [])]
    return [f"could not be read: {line}" for line in lines]
