"""The repository as it is now, and what of it a push would change."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.files import LocalFile
from ml_intern.tools.repos.names import Account

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MOST = 20_000
"""Files of a repository that are looked at."""
COMPARED = 2_000_000_000
"""Bytes of all files together that are compared by content; some seconds of hashing."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on the Hub."""

    size: int
    digest: str
    """SHA-256 of a large file's content, git's object id of another one."""
    large: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The repository a model is pushed to."""

    repo_id: str
    exists: bool
    private: bool = True
    head: str = ""
    """The last commit of the branch."""
    files: Mapping[str, Remote] = field(default_factory=dict)
    user: str = ""
    organisations: Collection[str] = ()

    @property
    def owner(self) -> str:
        """User or organisation."""
        return self.repo_id.partition("/")[0]

    @property
    def foreign(self) -> bool:
        """Whether it belongs neither to the user nor to one of their organisations."""
        return self.owner not in (self.user, *self.organisations)


Difference = Literal["new", "same", "other", "unknown"]


def require_writing(who: Account) -> None:
    """Refuse a token that can only read.

    Raises:
        ToolError: it can only read.
    """
    if who.role == "read":
        raise ToolError(
            "The Hub token can only read. The user must set HF_TOKEN to one with write permission "
            "(https://huggingface.co/settings/tokens)."
        )


def tree(api: HfApi, repo_id: str, revision: str) -> dict[str, Remote]:
    """The files of the repository. Blocks."""
    found: Iterable[Any] = api.list_repo_tree(repo_id, recursive=True, revision=revision)
    return {
        item.path: Remote(item.size, _digest(item), bool(item.lfs))
        for item in islice(found, MOST)
        if hasattr(item, "blob_id") and isinstance(item.path, str) and isinstance(item.size, int)
    }


def _digest(item: Any) -> str:  # noqa: ANN401 - a file of the library's
    return str(item.lfs.sha256 if item.lfs else item.blob_id)


def differences(
    root: Path, files: Iterable[LocalFile], there: Mapping[str, Remote]
) -> dict[str, Difference]:
    """What each file would be to the repository. Reads those that may be the same; blocks."""
    found: dict[str, Difference] = {}
    left = COMPARED
    for file in files:
        remote = there.get(file.path)
        if remote is None:
            found[file.path] = "new"
        elif remote.size != file.size:
            found[file.path] = "other"
        elif file.size > left:
            found[file.path] = "unknown"
        else:
            left -= file.size
            found[file.path] = "same" if matches(root / file.path, remote) else "other"
    return found


def matches(content: Path | bytes, remote: Remote) -> bool:
    """Whether the content is that of a file on the Hub with the same size. Blocks."""
    digest = hashlib.sha256() if remote.large else hashlib.sha1(usedforsecurity=False)
    if not remote.large:
        digest.update(f"blob {remote.size}\0".encode())
    if isinstance(content, bytes):
        digest.update(content)
        return digest.hexdigest() == remote.digest
    with content.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest() == remote.digest


def visibility(target: Target, private: bool, create_pr: bool) -> str:
    """Who will see what is pushed, in words.

    Raises:
        ToolError: more people than the call says.
    """
    if not target.exists:
        return "new, private" if private else "NEW AND PUBLIC: everybody will see it"
    if not target.private:
        if private:
            raise ToolError(
                f"{target.repo_id} exists and is public: everybody would see what is pushed there. "
                "Pass private=false if the user wants that, or another repo_id."
            )
        return "PUBLIC already: everybody will see what is pushed"
    if private:
        return "exists, private, and stays so"
    if create_pr:
        raise ToolError("A pull request does not make a repository public: pass private=true.")
    return (
        f"IS PRIVATE NOW AND WILL BE MADE PUBLIC: everybody will see all of its files, of which "
        f"{len(target.files):,} are there now, and its history"
    )
