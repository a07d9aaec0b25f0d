"""What people read on the model's page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_intern.tools.push.args import Metric, PushModelArgs, Relation
from ml_intern.tools.push.model import Model, is_hub_id
from ml_intern.tools.push.usage import usage
from ml_intern.tools.repos.card import MARKER

NO_SOURCE = "source not given"
_MADE = {
    "finetune": "A fine-tuned version of",
    "quantized": "A quantized version of",
    "merge": "A merge of",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the body is written from."""

    args: PushModelArgs
    model: Model
    bases: Sequence[str]
    relation: Relation
    session: str
    hub: str
    """Address of the Hub, for links."""


def body(story: Story) -> str:
    """The card without its metadata."""
    args = story.args
    snippet = usage(story.model, args.repo_id, story.bases[0] if story.bases else "")
    made = f", in its session `{story.session}`" if story.session else ""
    parts = [
        f"# {args.repo_id.partition('/')[2]}",
        f"{_what(story)}\n\n{_facts(story.model)}",
        _section("Training", _training(story)),
        _section("Evaluation", _evaluation(args.metrics)),
        _section("Use", snippet),
        _section("Notes", args.notes),
        f"{MARKER}\nMade with ML Intern{made}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(story: Story) -> str:
    bases = _listed(_link(story.hub, name) for name in story.bases)
    if story.model.kind == "adapter":
        kind = story.model.architecture
        said = "A LoRA adapter" if kind == "LORA" else f"A PEFT adapter ({kind or 'kind unknown'})"
        said = f"{said} for {bases}" if bases else said
    else:
        said = f"{_MADE.get(story.relation, 'Made from')} {bases}" if bases else "A model"
    data = _listed(_data_link(story.hub, name) for name in story.args.datasets)
    return f"{said}, trained on {data}." if data else f"{said}."


def numbers(model: Model) -> str:
    """How large the model is, as its files say; "" if they do not.

    What quantized files hold are packed numbers, of which one may be several parameters.
    """
    total = sum(model.numbers.values())
    if not total:
        return ""
    packed = model.quantized or not all("F" in kind for kind in model.numbers)
    listed = ", ".join(
        f"{count:,} {kind}" if len(model.numbers) > 1 else kind
        for kind, count in sorted(model.numbers.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"{total:,} {'stored numbers' if packed else 'parameters'} ({listed})"


def _facts(model: Model) -> str:
    architecture = "" if model.kind == "adapter" else model.architecture
    named = f"`{architecture}`" if architecture else ""
    facts = [named, numbers(model), "chat template" if model.chat else ""]
    return "; ".join(fact for fact in facts if fact) + "." * any(facts)


def _training(story: Story) -> str:
    args = story.args
    method = f"Method: {_inline(args.method)}." if args.method else ""
    rows = [(f"`{_cell(key)}`", _cell(_value(v))) for key, v in args.hyper_parameters.items()]
    return _joined(method, table(("Hyper-parameter", "Value"), rows))


def _evaluation(metrics: Sequence[Metric]) -> str:
    rows = [
        tuple(map(_cell, (m.name, f"{m.value:.15g}", m.dataset, m.split, m.run or NO_SOURCE)))
        for m in metrics
    ]
    return table(("Metric", "Value", "Dataset", "Split", "Source"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table without the columns that are empty; "" without rows."""
    shown = [at for at in range(len(head)) if any(row[at] for row in rows)]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line[at] for at in shown)} |" for line in lines) * bool(rows)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text.strip()}" if text.strip() else ""


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _link(hub: str, name: str) -> str:
    return f"[{name}]({hub}/{name})"


def _data_link(hub: str, name: str) -> str:
    linked = "/" in name and is_hub_id(name)
    return f"[{name}]({hub}/datasets/{name})" if linked else _inline(name)


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _value(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list) or value is None or isinstance(value, bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return f"{value}"


def _inline(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
