"""Whether a dataset fits training on preferences (TRL's `DPOTrainer`, `KTOTrainer`)."""

from __future__ import annotations

from collections.abc import Sequence

from ml_intern.tools.dataset.shape import (
    ANSWERS,
    PROMPTS,
    Shape,
    Verdict,
    as_messages,
    asked,
    cell_of,
    mapping,
)

_PAIRS = (
    ("chosen", "rejected"), ("chosen_response", "rejected_response"),
    ("response_chosen", "response_rejected"), ("chosen_answer", "rejected_answer"),
    ("preferred", "dispreferred"), ("preferred", "non_preferred"), ("accepted", "rejected"),
)  # fmt: skip
_CHOICES = (
    ("response_0", "response_1", "better_response_id"),
    ("answer_0", "answer_1", "preference"),
)
"""Two answers, and the number of the better one."""
_LABELS = ("label", "labels", "is_correct", "correct", "accepted", "thumbs_up", "preferred")
_TRUTHS = frozenset({"bool", "label"})
_UNPAIR = """\
from trl import extract_prompt, unpair_preference_dataset
if "prompt" not in ds.column_names:
    ds = ds.map(extract_prompt)
ds = unpair_preference_dataset(ds.select_columns(["prompt", "chosen", "rejected"]))"""
_NO_PAIRS = "no pairs of a chosen and a rejected answer to the same prompt"


def dpo(shape: Shape) -> Verdict:
    """As it is, after mapping, or not."""
    return _pairs(shape) or _choice(shape) or Verdict("DPO", "no", _NO_PAIRS)


def _pairs(shape: Shape) -> Verdict | None:
    found = ((shape.find(good), shape.find(bad)) for good, bad in _PAIRS)
    good, bad = next(((g, b) for g, b in found if g and b), (None, None))
    if good is None or bad is None:
        return None
    prompt = shape.find(*PROMPTS, "conversations", "messages", "context")
    whole = _whole(shape, prompt, good)
    if prompt is None or whole:
        return _implicit(shape, prompt, good, bad)
    named = (prompt, good, bad) == ("prompt", "chosen", "rejected")
    if named and shape.alike(prompt, good, bad):
        kind = "text" if shape.text(prompt) else "conversational"
        why = f"`prompt`, `chosen` and `rejected`, {kind}"
        return Verdict("DPO", "as is", why, columns=(prompt, good, bad))
    return _explicit(shape, prompt, good, bad)


def _whole(shape: Shape, prompt: str | None, good: str) -> bool:
    """Whether the answers are whole conversations, prompt included, in most of the sample."""
    if chat := shape.chats.get(good):
        openings = [turns[0].role for turns in shape.sample.turns(good, chat) if turns]
        return sum(role != "assistant" for role in openings) * 2 > len(openings)
    if prompt is None or not shape.text(prompt):
        return False
    pairs = [(r.cells.get(prompt), r.cells.get(good)) for r in shape.sample.rows]
    texts = [(p, g) for p, g in pairs if isinstance(p, str) and isinstance(g, str) and p.strip()]
    return sum(g.lstrip().startswith(p.strip()) for p, g in texts) * 2 > len(texts)


def _implicit(shape: Shape, prompt: str | None, good: str, bad: str) -> Verdict:
    """Whole conversations: the trainer takes what both begin with for the prompt."""
    columns = (good, bad)
    why = f"whole conversations in `{good}` and `{bad}`; their common beginning is the prompt"
    named = columns == ("chosen", "rejected")
    if not (named and shape.alike(good, bad)):
        new = {"chosen": as_messages(shape, good, "assistant"),
               "rejected": as_messages(shape, bad, "assistant")}  # fmt: skip
        if shape.alike(good, bad) and shape.text(good):
            new = {"chosen": cell_of(good), "rejected": cell_of(bad)}
        return Verdict("DPO", "after mapping", why, mapping(shape, columns, new, keep=False),
                       columns)  # fmt: skip
    if prompt != "prompt":
        return Verdict("DPO", "as is", why, columns=columns)
    why += ", so the `prompt` beside them must go"
    return Verdict("DPO", "after mapping", why, 'ds = ds.remove_columns(["prompt"])', columns)


def _explicit(shape: Shape, prompt: str, good: str, bad: str) -> Verdict:
    new = {
        "prompt": asked(shape, prompt),
        "chosen": as_messages(shape, good, "assistant"),
        "rejected": as_messages(shape, bad, "assistant"),
    }
    code = mapping(shape, [prompt, good, bad], new, keep=False)
    why = f"prompts in `{prompt}`, answers in `{good}` and `{bad}`"
    return Verdict("DPO", "after mapping", why, code, (prompt, good, bad))


def _choice(shape: Shape) -> Verdict | None:
    prompt = shape.find(*PROMPTS)
    for first, second, number in _CHOICES:
        pair = (shape.find(first), shape.find(second))
        if prompt and all(pair) and number in shape.columns:
            return _chosen_by(shape, prompt, (first, second), number)
    return None


def _chosen_by(shape: Shape, prompt: str, pair: Sequence[str], number: str) -> Verdict:
    answers = f"[{cell_of(pair[0])}, {cell_of(pair[1])}]"
    message = '[{{"role": "assistant", "content": {}}}]'
    new = {
        "prompt": asked(shape, prompt),
        "chosen": message.format(f"{answers}[{cell_of(number)}]"),
        "rejected": message.format(f"{answers}[1 - {cell_of(number)}]"),
    }
    code = mapping(shape, [prompt, *pair], new, keep=False)
    why = f"`{number}` says which of `{pair[0]}` and `{pair[1]}` is better"
    return Verdict("DPO", "after mapping", why, code, (prompt, *pair))


def kto(shape: Shape) -> Verdict:
    """As it is, after mapping, or not; `DPO` data can always be unpaired."""
    return _labelled(shape) or _unpaired(dpo(shape)) or Verdict(
        "KTO", "no", "no answers with a label (bool) of good or bad"
    )  # fmt: skip


def _labelled(shape: Shape) -> Verdict | None:
    prompt, answer = shape.find(*PROMPTS), shape.find(*ANSWERS)
    lower = {name.lower(): name for name, f in shape.columns.items() if f.kind in _TRUTHS}
    label = next((lower[name] for name in _LABELS if name in lower), None)
    if prompt is None or answer is None or label is None:
        return None
    columns, kind = (prompt, answer, label), shape.columns[label]
    if kind.kind == "label" and len(kind.names) not in (0, 2):
        return None
    why = f"prompts in `{prompt}`, answers in `{answer}`, good or bad in `{label}`"
    named = columns == ("prompt", "completion", "label") and kind.kind == "bool"
    if named and shape.alike(prompt, answer):
        return Verdict("KTO", "as is", why, columns=columns)
    new = {"prompt": asked(shape, prompt), "completion": as_messages(shape, answer, "assistant"),
           "label": f"bool({cell_of(label)})"}  # fmt: skip
    if kind.kind == "label":
        good = kind.names[1] if kind.names else "1"
        why += f" (check that `{good}` is good)"
    code = mapping(shape, [prompt, answer], new, keep=False)
    return Verdict("KTO", "after mapping", why, code, columns)


def _unpaired(pairs: Verdict) -> Verdict | None:
    if pairs.fits == "no":
        return None
    why = "each pair gives one good and one bad answer"
    why += " (first the mapping for DPO)" if pairs.code else ""
    return Verdict("KTO", "after mapping", why, _UNPAIR, pairs.columns)
