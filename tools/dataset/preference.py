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
    without,
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
_TAKEN = ("messages", "completion")
"""Columns that trainers on preferences may take for part of an example."""
_BEGINNING = 8
"""Characters that texts must share for it to be more than chance."""
EXTRACT = """\
from trl import extract_prompt
if "prompt" not in ds.column_names:
    ds = ds.map(extract_prompt)"""
"""Takes what pairs begin with for their prompt."""
_UNPAIR = f"""\
from trl import unpair_preference_dataset
{EXTRACT}
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
    prompt = shape.prompt() or shape.find("conversations", "messages", "context")
    if whole(shape, prompt, good) or (prompt is None and _begin_alike(shape, good, bad)):
        return _implicit(shape, prompt, good, bad)
    if prompt is None:
        why = f"`{good}` and `{bad}` begin with nothing in common, and no column has the prompt"
        return Verdict("DPO", "no", why)
    named = (prompt, good, bad) == ("prompt", "chosen", "rejected")
    if named and shape.alike(prompt, good, bad):
        kind = "text" if shape.text(prompt) else "conversational"
        why = f"`prompt`, `chosen` and `rejected`, {kind}"
        return without(shape, Verdict("DPO", "as is", why, columns=(prompt, good, bad)), _TAKEN)
    return _explicit(shape, prompt, good, bad)


def _begin_alike(shape: Shape, good: str, bad: str) -> bool:
    """Whether most pairs share a beginning, which can be the prompt; True if there are none."""
    rows = [(row.cells.get(good), row.cells.get(bad)) for row in shape.sample.rows]
    pairs = [(g, b) for g, b in rows if g and b and isinstance(g, str | list)]
    size = 1 if good in shape.chats else _BEGINNING
    alike = sum(type(g) is type(b) and g[:size] == b[:size] for g, b in pairs)
    return alike * 2 > len(pairs) or not pairs


def whole(shape: Shape, prompt: str | None, good: str) -> bool:
    """Whether the answers are whole conversations, prompt included, in most of the sample."""
    if good in shape.chats:
        return shape.role_at(good, 0, "assistant") is False
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
    return without(shape, Verdict("DPO", "as is", why, columns=columns), ("prompt", *_TAKEN))


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
    lower = {name.lower(): name for name in shape.columns if _tells_two_apart(shape, name)}
    label = next((lower[name] for name in _LABELS if name in lower), None)
    if prompt is None or answer is None or label is None:
        return None
    columns, kind = (prompt, answer, label), shape.columns[label]
    why = f"prompts in `{prompt}`, answers in `{answer}`, good or bad in `{label}`"
    named = columns == ("prompt", "completion", "label") and kind.kind == "bool"
    if named and shape.alike(prompt, answer):
        found = Verdict("KTO", "as is", why, columns=columns)
        return without(shape, found, ("messages", "chosen", "rejected"))
    new = {"prompt": asked(shape, prompt), "completion": as_messages(shape, answer, "assistant"),
           "label": f"bool({cell_of(label)})"}  # fmt: skip
    if kind.kind != "bool":
        good = kind.names[1] if kind.names else "1"
        why += f" (check that `{good}` is good)"
    code = mapping(shape, [prompt, answer], new, keep=False)
    return Verdict("KTO", "after mapping", why, code, columns)


def _tells_two_apart(shape: Shape, column: str) -> bool:
    """Whether it is a truth, one of two classes, or a number that is 0 or 1 in the sample."""
    kind = shape.columns[column]
    if kind.kind == "label":
        return len(kind.names) in (0, 2)
    seen = {value for value in shape.sample.values(column) if isinstance(value, int)}
    return kind.kind == "bool" or (kind.kind.startswith("int") and seen == {0, 1})


def _unpaired(pairs: Verdict) -> Verdict | None:
    if pairs.fits == "no":
        return None
    why = "each pair gives one good and one bad answer"
    why += " (first the mapping for DPO)" if pairs.code else ""
    return Verdict("KTO", "after mapping", why, _UNPAIR, pairs.columns)
