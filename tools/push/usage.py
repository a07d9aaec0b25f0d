"""How to load the model: a snippet that fits it, or none."""

from __future__ import annotations

from ml_intern.tools.push.model import Model

_ADAPTERS = {
    "text-generation": "CausalLM",
    "text-classification": "SequenceClassification",
    "token-classification": "TokenClassification",
    "question-answering": "QuestionAnswering",
}


def usage(model: Model, repo_id: str, base: str) -> str:
    """Python that loads the model; "" where its kind is not known well enough."""
    if model.kind == "adapter":
        return _adapter(model, repo_id, base)
    if model.library == "sentence-transformers":
        return _lines(
            "from sentence_transformers import SentenceTransformer",
            "",
            f'model = SentenceTransformer("{repo_id}")',
            'embeddings = model.encode(["A sentence.", "Another one."])',
        )
    if model.library != "transformers" or not model.tokenizer:
        return ""
    if model.task == "text-generation":
        return _generation(repo_id, model.chat)
    if model.task == "text-classification":
        return _lines(
            "from transformers import pipeline",
            "",
            f'classify = pipeline("text-classification", model="{repo_id}")',
            'print(classify("A text to classify."))',
        )
    return ""


def _generation(repo_id: str, chat: bool) -> str:
    prompt = '[{"role": "user", "content": "Hello!"}]' if chat else '"Once upon a time"'
    return _lines(
        "from transformers import pipeline",
        "",
        f'generate = pipeline("text-generation", model="{repo_id}", device_map="auto")',
        f"print(generate({prompt}, max_new_tokens=100))",
    )


def _adapter(model: Model, repo_id: str, base: str) -> str:
    if model.task not in _ADAPTERS or not (base or model.tokenizer):
        return ""
    auto = f"AutoPeftModelFor{_ADAPTERS[model.task]}"
    return _lines(
        f"from peft import {auto}",
        "from transformers import AutoTokenizer",
        "",
        f'model = {auto}.from_pretrained("{repo_id}")',
        f'tokenizer = AutoTokenizer.from_pretrained("{repo_id if model.tokenizer else base}")',
    )


def _lines(*lines: str) -> str:
    return "\n".join(["```python", *lines, "```"])
