"""Whether a dataset fits supervised fine-tuning (TRL's `SFTTrainer`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ml_intern.tools.dataset.preference import whole
from ml_intern.tools.dataset.shape import (
    ANSWERS,
    PROMPTS,
    Shape,
    Verdict,
    as_messages,
    asked,
    cell_of,
    has_system,
    mapping,
    quoted,
    with_system,
    without,
)

_CHATS = (
    "messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns", "data",
)  # fmt: skip
_PARTS = ("prompt", "completion", "chosen", "rejected")
"""Conversations under these names are parts of an example."""
_TEXTS = (
    "text", "content", "document", "article", "body", "markdown", "code", "passage", "story",
    "raw_content",
)  # fmt: skip
_TAKEN = (
    "input_ids", "labels", "messages", "conversations", "prompt", "completion", "chosen",
    "rejected",
)  # fmt: skip
"""Columns that `SFTTrainer` takes for (part of) an example, whatever else there is."""
_ONLY_TEXT = "for language modelling only: there are no questions and answers in it"


def sft(shape: Shape) -> Verdict:
    """As it is, after mapping, or not."""
    tests: list[Callable[[Shape], Verdict | None]] = [
        _messages, _pair_as_is, _text, _conversation, _pair, _chosen, _other_text, _tokens,
    ]  # fmt: skip
    found = (test(shape) for test in tests)
    why = "no column of conversations, no prompt with an answer, and no running text"
    return _with_pictures(shape, next((v for v in found if v), Verdict("SFT", "no", why)))


def _with_pictures(shape: Shape, found: Verdict) -> Verdict:
    pictures = [name for name in ("images", "image") if name in shape.columns]
    if found.fits == "no" or not pictures or "select_columns" in found.code:
        return found
    why = f"{found.why}; for a vision-language model, unless `{pictures[0]}` is removed"
    return replace(found, why=why)


def _messages(shape: Shape) -> Verdict | None:
    chat = shape.chats.get("messages")
    if not chat or not chat.standard or not has_system(shape, "messages"):
        return None
    if not _answered(shape, "messages"):
        return None
    found = Verdict("SFT", "as is", "conversations in `messages`", columns=("messages",))
    return without(shape, found, _TAKEN)


def _answered(shape: Shape, column: str) -> bool:
    """Whether the assistant says anything in the sample, if there is one."""
    talks = [turns for turns in shape.sample.turns(column, shape.chats[column]) if turns]
    asking = {"system", "developer", "user", "tool"}
    return not talks or any(turn.role not in asking for turns in talks for turn in turns)


def _pair_as_is(shape: Shape) -> Verdict | None:
    pair = ("prompt", "completion")
    if all(name in shape.columns for name in pair) and shape.alike(*pair):
        kind = "text" if shape.text("prompt") else "conversational"
        found = Verdict("SFT", "as is", f"`prompt` and `completion`, {kind}", columns=pair)
        # With a text beside it, the completion is not given the token that ends it.
        return without(shape, found, (*_TAKEN, "text"))
    return None


def _text(shape: Shape) -> Verdict | None:
    paired = shape.find(*PROMPTS) and shape.find(*ANSWERS)
    if "text" not in shape.columns or not shape.text("text") or paired:
        return None
    found = Verdict("SFT", "as is", f"running text in `text`, {_ONLY_TEXT}", columns=("text",))
    return without(shape, found, _TAKEN)


def _conversation(shape: Shape) -> Verdict | None:
    rest = [name for name in shape.chats if name.lower() not in _PARTS]
    found = shape.find(*_CHATS)
    name = found if found in shape.chats else next(iter(rest), None)
    chosen = shape.chats.get(shape.find("chosen") or "")
    if name is None or shape.chats[name].form == "one" or (chosen and chosen.form == "one"):
        return None
    if not _answered(shape, name):
        return None
    why = f"conversations in `{name}`"
    if shape.chats[name].standard and has_system(shape, name):
        others = shape.rivals([name], _TAKEN)
        code = f"ds = ds.remove_columns({others})\n" if others else ""
        code += f'ds = ds.rename_column({quoted(name)}, "messages")'
        return Verdict("SFT", "after mapping", why, code, (name,))
    if not shape.chats[name].standard:
        why += ", with other names of roles and fields than `messages` with role and content has"
    code = mapping(shape, [name], {"messages": with_system(shape, name)}, keep=False)
    return Verdict("SFT", "after mapping", why, code, (name,))


def _pair(shape: Shape) -> Verdict | None:
    prompt, answer = shape.find(*PROMPTS), shape.find(*ANSWERS)
    if prompt is None or answer is None:
        return None
    new = {"prompt": asked(shape, prompt), "completion": as_messages(shape, answer, "assistant")}
    code = mapping(shape, [prompt, answer], new, keep=False)
    why = f"questions in `{prompt}`, answers in `{answer}`"
    return Verdict("SFT", "after mapping", why, code, (prompt, answer))


def _chosen(shape: Shape) -> Verdict | None:
    chosen, prompt = shape.find("chosen"), shape.prompt() or shape.find("conversations")
    if chosen is None:
        return None
    chat = shape.chats.get(chosen)
    turns = shape.sample.turns(chosen, chat) if chat else []
    if chat and any(len(t) > 1 for t in turns):
        new = {"messages": as_messages(shape, chosen, "assistant")}
        why = f"the preferred conversations in `{chosen}`"
    elif prompt and not whole(shape, prompt, chosen):
        new = {"prompt": asked(shape, prompt),
               "completion": as_messages(shape, chosen, "assistant")}  # fmt: skip
        why = f"`{prompt}` with the preferred answers in `{chosen}`"
    else:
        new, why = {"text": cell_of(chosen)}, f"the preferred texts in `{chosen}`"
    used = (prompt, chosen) if prompt and "prompt" in new else (chosen,)
    code = mapping(shape, used, new, keep=False)
    return Verdict("SFT", "after mapping", why, code, used)


def _other_text(shape: Shape) -> Verdict | None:
    texts = [name for name in shape.columns if shape.text(name)]
    name = shape.find(*_TEXTS) or (texts[0] if len(texts) == 1 else None)
    if name is None or not shape.text(name):
        return None
    column = quoted(name)
    code = f'ds = ds.select_columns([{column}]).rename_column({column}, "text")'
    why = f"running text in `{name}`, {_ONLY_TEXT}"
    return Verdict("SFT", "after mapping", why, code, (name,))


def _tokens(shape: Shape) -> Verdict | None:
    ids = shape.columns.get("input_ids")
    if ids is None or ids.kind != "list" or not ids.item or not ids.item.kind.startswith("int"):
        return None
    why = "token ids in `input_ids`, which are those of one tokenizer and its models only"
    return Verdict("SFT", "as is", why, columns=("input_ids",))
