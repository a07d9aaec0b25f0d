"""Every setting, its meaning and its bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ml_intern.configs.rules import checked, several

PermissionMode = Literal["default", "accept-edits", "plan", "yolo"]
Effort = Literal["off", "minimal", "low", "medium", "high", "xhigh", "max"]

STRICTNESS: tuple[PermissionMode, ...] = ("plan", "default", "accept-edits", "yolo")
"""The modes, the strictest first."""


def _calls(number: int) -> int:
    if number == 0 or number < -1:
        raise PydanticCustomError("calls", "It must be at least 1, or -1 for no limit")
    return number


def _rules(rules: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return checked(rules)
    except ValueError as error:
        # The message without pydantic's "Value error, ", and with braces as they are.
        raise PydanticCustomError("rule", "{said}", {"said": str(error).rstrip(".")}) from None


RuleList = Annotated[tuple[str, ...], BeforeValidator(several), AfterValidator(_rules)]

_STRICT = ConfigDict(
    extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
)


class PriceSetting(BaseModel):
    """Dollars a million tokens of a model."""

    model_config = _STRICT

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)


class Settings(BaseModel):
    """The effective configuration; frozen, unknown keys refused."""

    model_config = _STRICT

    model_name: str
    """The model without `--model`: LiteLLM's id, `huggingface/<org>/<model>` or a local one."""
    mcpServers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """MCP servers by name. Accepted and checked; not connected yet."""
    fallback_models: tuple[str, ...] = ()
    """Models that take over, in this order, when the one in use is down or out of quota."""
    compaction_model: str | None = None
    """The model that writes summaries; not given: the one in use."""
    effort: Effort | None = None
    """How hard a model should think: the highest level it accepts at or below this one; `off` asks
    for none. Not given: what the provider does by itself."""
    prices: dict[str, PriceSetting] = Field(default_factory=dict)
    """Dollars a million tokens by model id, where the catalogues are wrong or do not know."""
    max_budget_usd: float | None = Field(default=None, gt=0)
    """Dollars that the model calls of one session may cost."""
    permission_mode: PermissionMode | None = None
    """What needs a person. Not given: `default` in a terminal, `yolo` when headless."""
    allow: RuleList = ()
    """Calls that need nobody's approval: `tool` or `tool(pattern)`, such as `bash(git status *)`.
    Lists of several sources add up; a variable holds one rule a line."""
    ask: RuleList = ()
    """Calls that need a person in every mode."""
    deny: RuleList = ()
    """Calls that never run, in no mode. Goes before `ask`, which goes before `allow`."""
    max_iterations: Annotated[int, AfterValidator(_calls)] = 300
    """Model calls in one turn; -1 is no limit."""
    context_window: int | None = Field(default=None, ge=1000)
    """Tokens the model can take, when the catalogue is wrong or does not know."""
    compact_at: float = Field(default=0.9, gt=0.1, le=1.0)
    """Share of the window at which the history is compacted."""
    request_timeout: float = Field(default=600, gt=0)
    """Seconds to wait for the provider's next byte."""
    idle_timeout: float = Field(default=180, gt=0)
    """Seconds without anything new after which a stream that had begun is given up."""
    retry_seconds: float = Field(default=300, ge=0)
    """How long all the waits before retries of one call may be together."""
    max_retries: int = Field(default=4, ge=0, le=20)
    """How often one model call is tried again after 429, 5xx, a time-out or a lost connection."""
    database_url: str | None = None
    """PostgreSQL (`postgresql://…`) for the sessions; not given: one SQLite file in the home."""
    undo_turns: int = Field(default=20, ge=1)
    """Turns of a session that can be undone; older ones are pruned when it is closed."""
    snapshots: bool = True
    """Whether files are remembered, so that undo brings them back."""
    snapshot_file_mb: float = Field(default=10, gt=0)
    """Size above which a file is not remembered."""
    snapshot_session_mb: float = Field(default=1000, gt=0)
    """What all remembered files of a session may take."""
    hf_router_url: str = "https://router.huggingface.co/v1"
    """The Hugging Face router's OpenAI-compatible endpoint."""
    hf_endpoint: str = "https://huggingface.co"
    """The Hub; from `HF_ENDPOINT`."""
    hf_docs_url: str = "https://huggingface.co/docs"
    """Documentation of the Hub's libraries."""
    hf_openapi_url: str = "https://huggingface.co/.well-known/openapi.json"
    """The description of the Hub's own API."""
    dataset_viewer_url: str = "https://datasets-server.huggingface.co"
    """The Hub's dataset viewer."""
    gradio_docs_url: str = "https://www.gradio.app"
    """Documentation of Gradio."""
    arxiv_url: str = "https://arxiv.org"
    """Papers as HTML."""
    ar5iv_url: str = "https://ar5iv.labs.arxiv.org"
    """Older papers as HTML, where arXiv has none."""
    semantic_scholar_url: str = "https://api.semanticscholar.org"
    """Citations and search; `S2_API_KEY` is used if it is set."""
    hub_collection: bool = True
    """Whether what a session makes on the Hub goes into one private collection."""
    openai_base_url: str | None = None
    """Endpoint of `openai/…` models; from `OPENAI_BASE_URL`."""
    anthropic_base_url: str | None = None
    """Endpoint of `anthropic/…` models; from `ANTHROPIC_BASE_URL`."""
    local_base_urls: dict[str, str] = Field(default_factory=dict)
    """Endpoint of each local server prefix; from `OLLAMA_BASE_URL` and its like."""
