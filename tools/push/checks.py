"""What is doubtful about a push, but does not forbid it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ml_intern.tools.push.body import NO_SOURCE
from ml_intern.tools.push.card import kept
from ml_intern.tools.push.gather import Facts
from ml_intern.tools.push.local import README
from ml_intern.tools.push.model import PICKLES, TEXT_TASKS, is_hub_id, weights

_NAMED = 5


def warnings(facts: Facts) -> list[str]:
    """One sentence each."""
    return [*_of_the_folder(facts), *_of_the_call(facts), *_of_the_repository(facts)]


def _of_the_folder(facts: Facts) -> Iterator[str]:
    found, model = facts.local.contents, facts.local.model
    names = [file.path for file in found.files]
    if pickled := [name for name in weights(names) if name.endswith(PICKLES)]:
        yield f"Pickles, which can run code when loaded: {some(pickled)}. Safetensors are safer."
    if found.root.name.startswith("checkpoint-"):
        yield f"{found.root.name} is a training checkpoint: is it the one that is meant?"
    if model.kind == "model" and model.task in TEXT_TASKS and not model.tokenizer:
        yield "There is no tokenizer: nobody can use the model without one."
    if model.kind == "adapter" and model.base and not is_hub_id(model.base):
        yield (
            f"adapter_config.json names a folder of this machine as its base ({model.base}): "
            "nobody else can load it. Put the Hub id there."
        )
    if model.kind == "adapter" and not facts.bases:
        yield "It is an adapter, and no base_model is known: nobody can tell what it belongs to."


def _of_the_call(facts: Facts) -> Iterator[str]:
    args, model = facts.args, facts.local.model
    if bare := [metric.name for metric in args.metrics if not metric.run]:
        yield f"Metrics without `run` are marked as {NO_SOURCE!r}: {some(bare)}."
    if lost := [m.name for m in args.metrics if not (model.task and m.dataset)]:
        missing = "`dataset`" if model.task else "a known task"
        yield f"Not in the metadata for want of {missing}, only in the text: {some(lost)}."
    if not args.license and not facts.bases:
        yield "No license is given: by law nobody may use the model."
    for base in facts.bases:
        if base.gated:
            yield f"The base {base.repo_id} is gated: its terms hold for what is made from it."
    if kept(facts.card) and (lost := _unwritten(facts)):
        yield (
            f"The text of {facts.card_from} is kept as it is, with metadata added: "
            f"{', '.join(lost)} of the call are not in the text. Write them there if they belong."
        )


def _unwritten(facts: Facts) -> list[str]:
    args = facts.args
    given = ("method", "hyper_parameters", "metrics", "notes")
    return [name for name in given if getattr(args, name)]


def _of_the_repository(facts: Facts) -> Iterator[str]:
    target = facts.target
    if target.foreign and not facts.args.create_pr:
        who = ", ".join(filter(None, [target.user, *target.organisations])) or "not known"
        yield (
            f"{target.owner} is neither the user nor one of their organisations ({who}): the Hub "
            "may refuse."
        )
    going = {file.path for file in facts.local.contents.files} | {README}
    if left := weights(sorted(set(target.files) - going)):
        yield (
            f"Weights that are in the repository and not in this push stay there: {some(left)}. "
            "A loader may take them."
        )


def some(names: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    listed = list(dict.fromkeys(names))
    more = f" and {len(listed) - _NAMED:,} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more
