"""What is known of one model's repository on the Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.models.fields import mapping, text, texts, whole
from ml_intern.tools.models.weights import Count, File, count_of

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

_WAYS = {
    "auto": "must accept the terms on {page} (granted at once)",
    "manual": "must ask for access on {page} (the owner decides by hand)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The Hub's description of a model, and its small files."""

    id: str
    info: ModelInfo
    files: Sequence[File]
    contents: Mapping[str, Any]
    """By name: an object of JSON, or text."""
    failed: Mapping[str, ToolError]
    """Why a file that is there could not be read."""
    count: Count

    @property
    def config(self) -> Mapping[str, Any]:
        """`config.json`; where it is hidden, the little that the Hub shows of it."""
        return mapping(self.contents.get("config.json")) or mapping(self.info.config)

    @property
    def tokenizer(self) -> Mapping[str, Any]:
        """`tokenizer_config.json`, or what the Hub shows of it."""
        own = mapping(self.contents.get("tokenizer_config.json"))
        return own or mapping(mapping(self.info.config).get("tokenizer_config"))

    @property
    def gguf(self) -> Mapping[str, Any]:
        """What the Hub has read of a GGUF file's header."""
        return mapping(self.info.gguf)

    @property
    def card(self) -> Mapping[str, Any]:
        """The metadata of the model card."""
        return mapping(getattr(self.info.card_data, "__dict__", None))

    @property
    def tags(self) -> list[str]:
        """The Hub's tags."""
        return texts(self.info.tags, 500)


def files_of(info: ModelInfo) -> list[File]:
    """The repository's files; those without a name are left out."""
    listed = info.siblings or []
    return [File(s.rfilename, whole(s.size)) for s in listed if isinstance(s.rfilename, str)]


def described(repo_id: str, info: ModelInfo) -> Repository:
    """A repository none of whose files is read yet."""
    return Repository(
        id=text(info.id) or repo_id,
        info=info,
        files=files_of(info),
        contents={},
        failed={},
        count=count_of(None, {}, ""),
    )


def access_line(repository: Repository, endpoint: str) -> str:
    """Who may read the files, and what to do for it."""
    info = repository.info
    if info.disabled is True:
        return "disabled by the Hub"
    if info.gated:
        if repository.contents:
            return "gated, and this token has access"
        if not repository.failed:
            return "gated; no file was read that would show whether this token has access"
        way = _WAYS.get(str(info.gated), "must ask for access on {page}")
        return f"gated: the user {way.format(page=f'{endpoint}/{repository.id}')}"
    return "private" if info.private is True else "open"


def failed_lines(failed: Mapping[str, ToolError]) -> list[str]:
    """What could not be read; of refusals that are the same for all files, the first stands."""
    groups: dict[str, list[str]] = {}
    for name, error in failed.items():
        groups.setdefault(error.kind if isinstance(error, HubError) else name, []).append(name)
    return [f"{', '.join(names)}: {failed[names[0]]}" for names in groups.values()]
