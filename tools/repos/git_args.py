"""What `hf_repo_git` is called with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ml_intern.tools.errors import ToolError
from ml_intern.tools.repos.file_args import Text, unless_blank
from ml_intern.tools.repos.names import RepoType
from ml_intern.tools.spec import ToolArgs


def _gated(value: Any) -> Any:  # noqa: ANN401 - whatever the model sent
    word = value.strip().lower() if isinstance(value, str) else value
    return "off" if word in (False, "false", "none") else word or None


class GitArgs(ToolArgs):
    """What `hf_repo_git` is called with."""

    operation: Literal[
        "create_branch", "delete_branch", "create_tag", "delete_tag", "list_refs", "list_commits",
        "create_pr", "list_prs", "get_pr", "merge_pr", "close_pr", "comment_pr", "change_pr_status",
        "create_repo", "update_repo",
    ]  # fmt: skip
    repo_id: Text = Field(max_length=300, description="owner/name.")
    repo_type: Annotated[RepoType, unless_blank("model")] = "model"
    branch: Text = Field(default="", max_length=250, description="create_branch, delete_branch.")
    from_rev: Annotated[str, unless_blank("main")] = Field(
        default="main", max_length=250, description="create_branch: where it starts."
    )
    tag: Text = Field(default="", max_length=250, description="create_tag, delete_tag.")
    tag_message: Text = Field(default="", max_length=1000, description="create_tag.")
    revision: Annotated[str, unless_blank("main")] = Field(
        default="main", max_length=250, description="create_tag, list_commits: of what."
    )
    title: Text = Field(default="", max_length=200, description="create_pr.")
    description: Text = Field(default="", max_length=20_000, description="create_pr.")
    pr_num: Annotated[int | None, unless_blank(None)] = Field(
        default=None, ge=1, description="Number of the pull request."
    )
    comment: Text = Field(
        default="", max_length=20_000, description="comment_pr; may go with merge or a new status."
    )
    status: Annotated[Literal["open", "closed", "all"], unless_blank("all")] = Field(
        default="all", description="list_prs: which ones."
    )
    new_status: Annotated[Literal["open", "closed"] | None, unless_blank(None)] = Field(
        default=None, description="change_pr_status; open also ends a draft."
    )
    private: Annotated[bool | None, unless_blank(None)] = Field(
        default=None, description="create_repo: true unless told otherwise. update_repo: the new."
    )
    gated: Annotated[Literal["auto", "manual", "off"] | None, BeforeValidator(_gated)] = Field(
        default=None, description="update_repo: who may read it asks first, or not."
    )
    space_sdk: Annotated[
        Literal["gradio", "streamlit", "docker", "static"] | None, unless_blank(None)
    ] = Field(default=None, description="create_repo of a Space.")
    offset: Annotated[int, unless_blank(0)] = Field(
        default=0, ge=0, le=10_000_000, description="Items of a list, or characters, to skip."
    )


def required(args: GitArgs, name: str) -> str:
    """The argument of that name.

    Raises:
        ToolError: it is not given.
    """
    value = getattr(args, name)
    if value in ("", None):
        raise ToolError(f"{args.operation} needs {name}.")
    return str(value)
