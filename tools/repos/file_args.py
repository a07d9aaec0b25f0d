"""What `hf_repo_files` is called with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ml_intern.tools.repos.names import RepoType
from ml_intern.tools.spec import ToolArgs


def text(value: Any) -> Any:  # noqa: ANN401 - whatever the model sent
    """Nothing for what models send when they mean nothing."""
    return "" if value is None else value.strip() if isinstance(value, str) else value


def unless_blank(default: object) -> BeforeValidator:
    """The default for what models send when they mean nothing."""
    return BeforeValidator(lambda value: default if value in (None, "") else value)


def _list(value: Any) -> Any:  # noqa: ANN401 - whatever the model sent
    if isinstance(value, str):
        return [value] if value else []
    return [] if value is None else value


Text = Annotated[str, BeforeValidator(text)]


class FileArgs(ToolArgs):
    """What `hf_repo_files` is called with."""

    operation: Literal["list", "read", "upload", "delete"]
    repo_id: Text = Field(max_length=300, description="owner/name.")
    repo_type: Annotated[RepoType, unless_blank("model")] = "model"
    revision: Annotated[str, unless_blank("main")] = Field(
        default="main", max_length=300, description="Branch, tag, commit, or refs/pr/N."
    )
    path: Text = Field(
        default="",
        max_length=1000,
        description="In the repository: the folder to list, the file to read or delete; for "
        "`upload` where it goes.",
    )
    recursive: Annotated[bool, unless_blank(False)] = Field(
        default=False, description="list: every file, instead of a summary if there are many."
    )
    offset: Annotated[int, unless_blank(0)] = Field(
        default=0,
        ge=-1_000_000_000,
        description="list: files to skip. read: the byte to start at; below 0 from the end.",
    )
    content: str | None = Field(default=None, description="upload: the text of the file `path`.")
    local_path: Text = Field(
        default="",
        max_length=4096,
        description="upload: a local file or folder instead of content.",
    )
    patterns: Annotated[list[str], BeforeValidator(_list)] = Field(
        default=[],
        max_length=100,
        description='Globs such as "*.bin": what to delete, or what of a folder to upload.',
    )
    commit_message: Text = Field(default="", max_length=500, description="upload, delete: a line.")
    create_pr: Annotated[bool, unless_blank(False)] = Field(
        default=False, description="Open a pull request instead of committing to `revision`."
    )
    parent_commit: Text = Field(
        default="",
        max_length=40,
        description="The commit your change is based on; a conflict if there is a newer one.",
    )
