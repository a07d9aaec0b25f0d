"""`hf_models`: find models on the Hub, learn what one is, and what memory it takes."""

from __future__ import annotations

from ml_intern.tools.models.args import ModelsArgs
from ml_intern.tools.models.details import details
from ml_intern.tools.models.plan import memory
from ml_intern.tools.models.search import search
from ml_intern.tools.spec import ToolContext, ToolResult, ToolSpec

_OPERATIONS = {"search": search, "details": details, "memory": memory}


async def hf_models(args: ModelsArgs, ctx: ToolContext) -> ToolResult:
    """Do the one operation."""
    return ToolResult(text=await _OPERATIONS[args.operation](args, ctx))


MODELS = ToolSpec(
    name="hf_models",
    description=(
        "Models on the Hugging Face Hub. `search` lists models by words, task, tags, size and "
        "popularity. `details` says what a model is: architecture, parameters, context length, "
        "tokenizer and chat template, licence, access, base model, variants, evaluations, files. "
        "`memory` computes the GPU memory to run it and to train it (LoRA, QLoRA, full), and which "
        "Jobs hardware fits at what price: use it before you choose hardware."
    ),
    args=ModelsArgs,
    handler=hf_models,
    effect="pure",
    risk="read",
    timeout=120,
)
