"""`hf_repo_files`: look at the files of a repository of the Hub, and change them."""

from __future__ import annotations

from ml_intern.tools.repos import deleting, listing, reading, upload
from ml_intern.tools.repos.commits import LONGEST
from ml_intern.tools.repos.file_args import FileArgs
from ml_intern.tools.repos.operation import Operation, Operations
from ml_intern.tools.spec import LOOKS, Nature, ToolSpec

_COMMITS = Nature("publish", "reconcilable")

_FILES: Operations[FileArgs] = Operations({
    "list": Operation(listing.run, LOOKS),
    "read": Operation(reading.run, LOOKS),
    "upload": Operation(upload.run, _COMMITS, upload.reconcile, upload.preview),
    "delete": Operation(deleting.run, _COMMITS, deleting.reconcile, deleting.preview),
})  # fmt: skip

REPO_FILES = ToolSpec(
    name="hf_repo_files",
    description=(
        "The files of a model, dataset or Space on the Hub. `list` shows them with sizes, `read` "
        "a part of a text file without downloading it, `upload` commits a text (`content`) or a "
        "local file or folder, `delete` what matches. Caches and credentials are never uploaded. "
        "`push_model` is better for a trained model; `hf_repo_git` makes the repository."
    ),
    args=FileArgs,
    handler=_FILES.run,
    effect="reconcilable",
    risk="publish",
    operations=_FILES.natures,
    subject="repository",
    reconcile=_FILES.reconcile,
    preview=_FILES.preview,
    timeout=LONGEST,
)
