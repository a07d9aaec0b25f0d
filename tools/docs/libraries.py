"""Names of the libraries that have documentation."""

from __future__ import annotations

import difflib
import re

from ml_intern.tools.errors import ToolError

LIBRARIES = (
    "accelerate", "argilla", "autotrain", "bitsandbytes", "chat-ui", "dataset-viewer",
    "datasets", "diffusers", "distilabel", "evaluate", "google-cloud", "gradio", "hub",
    "huggingface.js", "huggingface_hub", "inference-endpoints", "inference-providers",
    "kernels", "leaderboards", "lerobot", "lighteval", "microsoft-azure", "openenv", "optimum",
    "peft", "safetensors", "sagemaker", "sentence_transformers", "setfit", "simulate",
    "smolagents", "tasks", "text-embeddings-inference", "text-generation-inference", "timm",
    "tokenizers", "trackio", "transformers", "transformers.js", "trl",
)  # fmt: skip
"""What a misspelled name is compared with. Any other name is looked for just the same."""

COMPOSITES = {
    "optimum": (
        "optimum", "optimum-habana", "optimum-neuron", "optimum-intel", "optimum-executorch",
        "optimum-tpu",
    ),
    "courses": (
        "llm-course", "robotics-course", "mcp-course", "smol-course", "agents-course",
        "deep-rl-course", "computer-vision-course", "audio-course", "ml-games-course",
        "diffusion-course", "ml-for-3d-course", "cookbook",
    ),
}  # fmt: skip
"""Names that stand for several libraries."""

_SHORT = {"tgi": "text-generation-inference", "tei": "text-embeddings-inference"}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*){0,2}", re.ASCII)
"""A slug; a version and a language may follow, as in `transformers/v4.57.0/en`."""


def named(said: str) -> tuple[str, ...]:
    """The libraries that a name stands for.

    Raises:
        ToolError: it can be none.
    """
    name = said.strip().strip("/").removeprefix("docs/").removeprefix("learn/")
    if not _NAME.fullmatch(name):
        raise ToolError(f"{said[:100]!r} is no name of a library. {near(name)}")
    return COMPOSITES.get(name) or (_SHORT.get(name, name),)


def near(name: str) -> str:
    """A sentence that names libraries spelled like `name`, or some."""
    known = [*LIBRARIES, *COMPOSITES, *COMPOSITES["courses"], *COMPOSITES["optimum"]]
    wanted = name.lower().partition("/")[0]
    found = difflib.get_close_matches(wanted, known, n=5, cutoff=0.6)
    parts = [one for one in known if wanted and (wanted in one or one in wanted)]
    close = list(dict.fromkeys([*found, *parts]))[:6]
    return f"Near names: {', '.join(close)}." if close else f"Some of them: {', '.join(LIBRARIES)}."
