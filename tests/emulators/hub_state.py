"""What the emulated Hub holds: users, repositories with their history, collections."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from typing_extensions import override

RepoType = Literal["model", "dataset", "space"]
Status = Literal["draft", "open", "closed", "merged"]


class Clock:
    """Moments and ids, each later or other than the one before and the same in every run."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def now(self) -> str:
        at = next(self._count)
        return f"2026-03-01T{at // 60 % 24:02d}:{at % 60:02d}:00.000Z"

    def oid(self) -> str:
        return hashlib.sha1(f"{next(self._count)}".encode()).hexdigest()


class Blob:
    """A file's content."""

    def __init__(self, data: bytes = b"", lfs: bool = False) -> None:
        self.data = data
        self.lfs = lfs

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """As git has it; of an LFS file, of its pointer."""
        body = self.data
        if self.lfs:
            body = f"version 1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()
        return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid

    def read(self, start: int, end: int) -> bytes:
        return self.data[start:end]


class Huge(Blob):
    """A file of any size that is made while it is read, `piece` over and over."""

    def __init__(self, size: int, piece: bytes = b"0123456789abcde\n") -> None:
        super().__init__(lfs=True)
        self._size, self._piece = size, piece

    @property
    @override
    def size(self) -> int:
        return self._size

    @property
    @override
    def sha256(self) -> str:
        return hashlib.sha256(f"{self._size} {self._piece!r}".encode()).hexdigest()

    @override
    def read(self, start: int, end: int) -> bytes:
        if end - start > 10_000_000:
            raise AssertionError(f"{end - start:,} bytes of a huge file were asked for at once")
        whole = io.BytesIO()
        first = start // len(self._piece)
        for _ in range(first, end // len(self._piece) + 1):
            whole.write(self._piece)
        at = start - first * len(self._piece)
        return whole.getvalue()[at : at + end - start]


Tree = dict[str, Blob]


@dataclass(frozen=True, slots=True)
class Commit:
    oid: str
    title: str
    description: str
    author: str
    tree: Tree
    at: str


@dataclass(slots=True)
class Discussion:
    """A discussion, or a pull request if it has a base."""

    num: int
    title: str
    author: str
    status: Status
    clock: Clock
    at: str
    base: Commit | None = None
    """What a pull request was opened on."""
    events: list[dict[str, Any]] = field(default_factory=list)
    merge_commit: str | None = None

    @property
    def pull(self) -> bool:
        return self.base is not None

    def add(self, kind: str, author: str, **data: Any) -> dict[str, Any]:
        event = {
            "id": self.clock.oid()[:24], "type": kind, "createdAt": self.clock.now(),
            "author": {"name": author}, "data": data,
        }  # fmt: skip
        self.events.append(event)
        return event

    def comment(self, author: str, text: str) -> dict[str, Any]:
        latest = {"raw": text, "html": text, "updatedAt": self.at}
        return self.add("comment", author, edited=False, hidden=False, latest=latest)


@dataclass(slots=True)
class Repo:
    type: RepoType
    id: str
    clock: Clock
    private: bool = False
    gated: str | bool = False
    sdk: str | None = None
    branches: dict[str, list[Commit]] = field(default_factory=dict)
    """Oldest commit first; pull requests are branches, too: `refs/pr/1`."""
    tags: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Commit and message."""
    discussions: dict[int, Discussion] = field(default_factory=dict)
    granted: set[str] = field(default_factory=set)
    """Users who may read it though it is gated."""
    at: str = "2026-02-28T00:00:00.000Z"

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0]

    @property
    def head(self) -> Commit:
        return self.branches["main"][-1]

    @property
    def files(self) -> Tree:
        return self.head.tree

    def find(self, revision: str) -> Commit | None:
        """A branch, a tag, or a commit by at least seven digits."""
        if revision in self.branches:
            return self.branches[revision][-1]
        wanted = self.tags[revision][0] if revision in self.tags else revision
        known = (commit for commits in self.branches.values() for commit in commits)
        fits = (c for c in known if c.oid.startswith(wanted) and len(wanted) >= 7)
        return next(fits, None)

    def commit(
        self,
        files: Mapping[str, Blob | bytes | str | None],
        title: str = "Change",
        *,
        description: str = "",
        author: str = "",
        branch: str = "main",
    ) -> Commit:
        """Add a commit; None deletes a file."""
        tree = dict(self.branches[branch][-1].tree) if self.branches.get(branch) else {}
        for path, content in files.items():
            if content is None:
                del tree[path]
            else:
                tree[path] = _blob(content)
        commit = self.made(title, description, author or self.owner, tree)
        self.branches.setdefault(branch, []).append(commit)
        return commit

    def made(self, title: str, description: str, author: str, tree: Tree) -> Commit:
        """A commit that is on no branch yet."""
        return Commit(self.clock.oid(), title, description, author, tree, self.clock.now())

    def open(self, title: str, author: str, description: str = "", pull: bool = True) -> Discussion:
        """A new discussion; a pull request gets a branch."""
        num = len(self.discussions) + 1
        base = self.head if pull else None
        one = Discussion(num, title, author, "open", self.clock, self.clock.now(), base)
        one.comment(author, description)
        self.discussions[num] = one
        if pull:
            self.branches[f"refs/pr/{num}"] = [self.head]
        return one


def _blob(content: Blob | bytes | str) -> Blob:
    if isinstance(content, Blob):
        return content
    return Blob(content.encode() if isinstance(content, str) else content)


@dataclass(slots=True)
class User:
    name: str
    orgs: tuple[str, ...] = ()
    role: Literal["read", "write"] = "write"
    """What the token allows."""


@dataclass(slots=True)
class HubCollection:
    slug: str
    title: str
    owner: str
    private: bool
    description: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)


class HubRepos:
    """The state; tests read it and change it."""

    def __init__(self, **users: User | str) -> None:
        """User by token; of a user without organisations the name is enough."""
        self.users = {t: User(u) if isinstance(u, str) else u for t, u in users.items()}
        self.clock = Clock()
        self.repos: dict[tuple[RepoType, str], Repo] = {}
        self.collections: dict[str, HubCollection] = {}
        self.lfs: dict[str, bytes] = {}
        """Uploaded contents by SHA-256."""
        self.page = 1000
        """Entries of a listing in one answer."""
        self.before_commit: Callable[[Repo], Any] | None = None
        """Called once, when the next commit has arrived and before it is looked at."""
        self.after_commit: Callable[[Repo], Any] | None = None
        """Called once, when the next commit was made and before it is answered."""
        self.cdn: str | None = None
        """Origin of a site that gives the contents of LFS files; None if the Hub itself does."""

    def add(
        self,
        id: str,
        files: Mapping[str, Any] | None = None,
        *,
        type: RepoType = "model",
        private: bool = False,
        gated: str | bool = False,
        sdk: str | None = None,
    ) -> Repo:
        """A repository with an initial commit and, if there are `files`, a second one.

        A file is a `Blob`, bytes or text.
        """
        repo = Repo(type, id, self.clock, private, gated, sdk)
        first: dict[str, Blob | bytes | str] = {".gitattributes": "*.bin filter=lfs\n"}
        if sdk:
            first["README.md"] = f"---\ntitle: {id}\nsdk: {sdk}\n---\n\nA Space.\n"
        repo.commit(first, "initial commit")
        if files:
            repo.commit(files, "Add files")
        self.repos[type, id] = repo
        return repo

    def repo(self, id: str, type: RepoType = "model") -> Repo:
        return self.repos[type, id]
