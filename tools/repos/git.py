"""`hf_repo_git`: branches, tags, pull requests and settings of a repository of the Hub."""

from __future__ import annotations

from ml_intern.tools.repos import pulls, refs, settings
from ml_intern.tools.repos.git_args import GitArgs
from ml_intern.tools.repos.operation import Operation, Operations
from ml_intern.tools.spec import LOOKS, Nature, ToolSpec

_ONCE = Nature("publish", "reconcilable")

_GIT: Operations[GitArgs] = Operations({
    "list_refs": Operation(refs.list_refs, LOOKS),
    "list_commits": Operation(refs.list_commits, LOOKS),
    "list_prs": Operation(pulls.list_prs, LOOKS),
    "get_pr": Operation(pulls.show, LOOKS),
    "create_branch": Operation(refs.create, _ONCE, refs.created),
    "delete_branch": Operation(refs.delete, _ONCE, refs.deleted, refs.show_deleted),
    "create_tag": Operation(refs.create, _ONCE, refs.created),
    "delete_tag": Operation(refs.delete, _ONCE, refs.deleted, refs.show_deleted),
    "create_pr": Operation(pulls.create, _ONCE, pulls.created),
    "merge_pr": Operation(pulls.change, _ONCE, pulls.changed, pulls.preview_merge),
    "close_pr": Operation(pulls.change, _ONCE, pulls.changed),
    "change_pr_status": Operation(pulls.change, _ONCE, pulls.changed),
    "comment_pr": Operation(pulls.comment, _ONCE, pulls.commented),
    "create_repo": Operation(
        settings.create, _ONCE, settings.created, settings.preview_create
    ),
    "update_repo": Operation(
        settings.update, _ONCE, settings.updated, settings.preview_update
    ),
})  # fmt: skip

REPO_GIT = ToolSpec(
    name="hf_repo_git",
    description=(
        "Branches, tags, commits, pull requests and settings of a model, dataset or Space on the "
        "Hub, and new repositories (private by default). `create_pr` opens a draft that uploads "
        "to refs/pr/N fill; `get_pr` shows its status, comments and diff. Files are for "
        "`hf_repo_files`."
    ),
    args=GitArgs,
    handler=_GIT.run,
    effect="reconcilable",
    risk="publish",
    operations=_GIT.natures,
    subject="repository",
    reconcile=_GIT.reconcile,
    preview=_GIT.preview,
    timeout=180,
)
