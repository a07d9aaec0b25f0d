"""What a chat template supports, told from its text: it is never run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ml_intern.tools.models.fields import mapping, mappings, text

_MOST = 200_000
"""Characters of a template that are looked at."""
_NO_SYSTEM = re.compile(
    r"system (?:role|message|prompt)s? (?:is |are )?not (?:supported|allowed)"
    r"|(?:do|does) not support (?:the |a )?system",
    re.IGNORECASE,
)
_NO_CODE = re.compile(r"{#(?:(?!{#|#}).)*#}|raise_exception\([^()]*\)", re.DOTALL)
"""Comments and refusals, whose words say nothing of what is supported."""
_SYSTEM = re.compile(r"['\"]system['\"]")
_TOOLS = re.compile(r"{[{%][^{}]*\btools\b")
_THINKING = re.compile(r"enable_thinking|reasoning_content|<think>|\bthinking\b")
_TRAINING = re.compile(r"{%-?\s*generation\b")
_PARTS = ("bos_token", "eos_token", "pad_token", "unk_token")


def template_of(tokenizer: Mapping[str, Any]) -> str:
    """The template in `tokenizer_config.json`; of several, the one called default, or the first."""
    stated = tokenizer.get("chat_template")
    if isinstance(stated, str):
        return stated
    named = [item for item in mappings(stated) if isinstance(item.get("template"), str)]
    default = [item for item in named if item.get("name") == "default"]
    found: str = (default or named)[0]["template"] if named else ""
    return found


def template_line(template: str) -> str:
    """What it has words for. A check of the text: it may be wrong about odd templates."""
    if not template.strip():
        return "none found"
    has = _NO_CODE.sub("", template[:_MOST])
    system = bool(_SYSTEM.search(has)) and not _NO_SYSTEM.search(template[:_MOST])
    marks = {
        "system role": system,
        "tools": bool(_TOOLS.search(has)),
        "thinking": bool(_THINKING.search(has)),
        "{% generation %} marks for assistant-only loss": bool(_TRAINING.search(has)),
    }
    yes = ", ".join(name for name, there in marks.items() if there) or "nothing special"
    no = ", ".join(name for name, there in marks.items() if not there)
    return f"{len(template):,} characters; has {yes}" + (f"; no {no}" if no else "")


def tokenizer_line(tokenizer: Mapping[str, Any], *, whole: bool) -> str:
    """Its class and special tokens; only of a `whole` file can it be said what is not in it."""
    name = text(tokenizer.get("tokenizer_class"), 80)
    tokens = [(part, _token(tokenizer.get(part))) for part in _PARTS]
    said = ", ".join(f"{part.removesuffix('_token')} {token}" for part, token in tokens if token)
    if not (name or said):
        return ""
    missing = "; pad not set" if whole and not _token(tokenizer.get("pad_token")) else ""
    return f"{name or 'class not stated'}; {said or 'no special tokens stated'}{missing}"


def _token(value: object) -> str:
    return text(value, 60) or text(mapping(value).get("content"), 60)
