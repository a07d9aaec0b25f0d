"""`hf_models(operation="memory")`: what memory a model takes, and which machines have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.args import ModelsArgs, ids_of, parameters_of
from ml_intern.tools.models.context import longest
from ml_intern.tools.models.fields import gigabytes
from ml_intern.tools.models.formulas import formulas
from ml_intern.tools.models.kv import KvCache, kv_cache
from ml_intern.tools.models.machines import machines
from ml_intern.tools.models.memory import Load, Need, needs
from ml_intern.tools.models.reader import Reader
from ml_intern.tools.models.report import sizes
from ml_intern.tools.models.repository import Repository, failed_lines
from ml_intern.tools.models.shape import Shape, shape_of
from ml_intern.tools.models.weights import main_weights

if TYPE_CHECKING:
    from ml_intern.tools.spec import ToolContext


async def memory(args: ModelsArgs, ctx: ToolContext) -> str:
    """Needs, formulas, and the machines.

    Raises:
        ToolError: the number of parameters is nowhere to be had.
    """
    given = parameters_of(args)
    if not args.repo_id and given:
        load, head = by_hand(args, given), [f"A model of {given:,} parameters"]
    else:
        [repo_id] = ids_of(args, 1)
        repository = await Reader(ctx.services).repository(repo_id, ("config.json",))
        load = load_of(args, given, repository)
        head = [*_head(repository, given), *_beyond(args, repository)]
    found = needs(load)
    lines = [*head, *_asked(args, load), "", *_needs(found), "", *formulas(load)]
    return "\n".join([*lines, "", *await machines(found, ctx)])


def by_hand(args: ModelsArgs, parameters: int) -> Load:
    """A model of which nothing else is known."""
    return Load(
        parameters=parameters, shape=Shape(), kv=KvCache(unknown="there is no config.json"),
        tokens=args.context, batch=args.batch, rank=args.lora_r,
    )  # fmt: skip


def load_of(args: ModelsArgs, given: int | None, repository: Repository) -> Load:
    """The model on the Hub; what is given by hand counts more.

    Raises:
        ToolError: nobody knows how many parameters it has.
    """
    count, shape = repository.count, shape_of(repository.config)
    stored = None
    if given is None and count.packed:
        files = main_weights(repository.files)
        stored = sum(file.size or 0 for file in files) or None
    parameters = given or count.total
    if parameters is None and stored is None:
        raise ToolError(
            f"The Hub has no parameter count of {repository.id}. Give it by hand: "
            f'hf_models(operation="memory", repo_id="{repository.id}", parameters="7B").'
        )
    kv = kv_cache(shape, repository.config)
    if "config.json" not in repository.contents and kv.unknown:
        kv = KvCache(unknown="there is no config.json that can be read")
    return Load(
        parameters=parameters or 0, shape=shape, kv=kv, tokens=args.context, batch=args.batch,
        rank=args.lora_r, stored=stored,
    )  # fmt: skip


def _head(repository: Repository, given: int | None) -> list[str]:
    shape = shape_of(repository.config)
    source = "given by hand" if given else repository.count.source
    count = given or repository.count.total
    known = f"{count:,} parameters ({source})" if count else "packed weights"
    lines = [f"{repository.id}: {known}; {sizes(shape) or 'sizes unknown'}"]
    if repository.count.packed and not given:
        lines.append(
            "Its weights are packed by quantization: training needs the model they were made from, "
            "or `parameters` given by hand."
        )
    if shape.experts:
        lines.append("Mixture of experts: all experts are in memory, whichever are active.")
    if shape.part:
        lines.append("Other parts (vision, audio) count as parameters; only text as activations.")
    return [*lines, *(f"could not be read: {line}" for line in failed_lines(repository.failed)),
            *_quantized_gguf(repository)]  # fmt: skip


def _quantized_gguf(repository: Repository) -> list[str]:
    if repository.count.source != "GGUF header":
        return []
    return ["A GGUF repository: its files have their own sizes; the figures are for other formats."]


def _asked(args: ModelsArgs, load: Load) -> list[str]:
    return [
        f"For sequences of {load.tokens:,} tokens (`context`), {load.batch:,} at once (`batch`; "
        f"when training, on each GPU), LoRA of rank {load.rank} (`lora_r`). GB are 10^9 bytes."
    ]


def _needs(found: Sequence[Need]) -> list[str]:
    """The table of what is needed."""
    rows = [
        f"| {need.name} | {'at least ' if need.partial else ''}{gigabytes(need.on(1))} "
        f"| ({need.parts}) + {need.share:.0%} |"
        for need in found
    ]
    return ["| use | GB on one GPU | of which, GB |", "|---|---|---|", *rows]


def _beyond(args: ModelsArgs, repository: Repository) -> list[str]:
    """A word about a context longer than the model's; none if it is not."""
    stated = longest(repository.config)
    if stated is None or args.context <= stated[1]:
        return []
    return [f"`context` is more than the {stated[1]:,} tokens that the model states."]
