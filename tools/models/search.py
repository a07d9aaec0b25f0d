"""`hf_models(operation="search")`: models that a description fits."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ml_intern.tools.models.args import ModelsArgs, range_of
from ml_intern.tools.models.fields import mapping, positive, short, text, texts, whole
from ml_intern.tools.models.licences import licence_id

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo
    from huggingface_hub.hf_api import ExpandModelProperty_T

    from ml_intern.tools.spec import ToolContext

_COLUMNS: list[ExpandModelProperty_T] = [
    "safetensors", "gguf", "pipeline_tag", "library_name", "tags", "downloads", "likes", "gated",
    "lastModified", "createdAt", "trendingScore",
]  # fmt: skip
_HEAD = "| model | parameters | task | licence | downloads, 30 days | likes | {date} | access |"
_RULE = "|---|---|---|---|---|---|---|---|"


async def search(args: ModelsArgs, ctx: ToolContext) -> str:
    """The models found, as a table."""
    span = range_of(args)
    filters = [part.strip() for part in args.tags.split(",") if part.strip()]
    if args.library:
        filters.append(args.library)

    def listed(api: HfApi) -> list[ModelInfo]:
        found = api.list_models(
            search=args.query.strip() or None,
            author=args.author or None,
            pipeline_tag=args.task or None,
            filter=filters or None,
            num_parameters=span,
            gated=args.gated,
            sort=args.sort,
            limit=args.limit,
            expand=_COLUMNS,
        )
        return list(islice(found, args.limit))

    models = await ctx.services.hub.read("the search for models", listed)
    return table(args, models) if models else nothing(args)


def table(args: ModelsArgs, models: list[ModelInfo]) -> str:
    """A row for each model, and how to go on."""
    created = args.sort == "created_at"
    rows = [_row(model, created) for model in models]
    head = _HEAD.format(date="created" if created else "updated")
    said = f"{len(models)} models, by {args.sort}, descending:"
    return "\n".join([said, "", head, _RULE, *rows, "", _foot(args, models)])


def _row(model: ModelInfo, created: bool) -> str:
    date = model.created_at if created else model.last_modified
    cells = [
        text(model.id),
        _parameters(model),
        text(model.pipeline_tag, 40) or "?",
        licence_id({}, texts(model.tags, 500)) or "not stated",
        _counted(model.downloads),
        _counted(model.likes),
        f"{date:%Y-%m-%d}" if date else "?",
        f"gated, {model.gated}" if model.gated else "open",
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _parameters(model: ModelInfo) -> str:
    """Of weights that are packed by quantization the Hub counts elements, not parameters."""
    stated = mapping(model.safetensors)
    total = positive(stated.get("total")) or positive(mapping(model.gguf).get("total"))
    kinds = mapping(stated.get("parameters"))
    packed = any(name in kinds for name in ("I32", "U8"))
    return short(total) + (" packed elements" if packed else "")


def _counted(value: object) -> str:
    count = whole(value)
    return "?" if count is None else f"{count:,}"


def _foot(args: ModelsArgs, models: list[ModelInfo]) -> str:
    one = f'hf_models(operation="details", repo_id="{text(models[0].id)}") describes one.'
    if len(models) < args.limit:
        return f"[These are all. {one}]"
    more = "limit=50 shows more; " if args.limit < 50 else ""
    return f"[There may be others: {more}more words or filters narrow the search. {one}]"


def nothing(args: ModelsArgs) -> str:
    """What was asked for, and what of it to leave out."""
    given = args.model_dump(
        include={"query", "author", "task", "library", "tags", "num_parameters", "gated"},
        exclude_defaults=True,
    )
    asked = ", ".join(f"{name}={value!r}" for name, value in given.items())
    tips = [tip for name, tip in _TIPS.items() if name in given]
    return f"No models with {asked or 'that'}. " + " ".join([*tips, "Leave out one of them."])


_TIPS = {
    "query": "The words must be part of the id: use fewer or shorter ones, not a description.",
    "author": "An author is the part of the id before the slash, exactly.",
    "task": 'A task is a tag of the Hub such as "text-generation".',
    "tags": "All tags must be there, as the Hub writes them.",
    "num_parameters": "Models without safetensors metadata have no parameter count.",
}
