"""The Hub's repositories over HTTP, as its client library asks for them.

The library must not use Xet, which a loopback server cannot speak: set
`huggingface_hub.constants.HF_HUB_DISABLE_XET`. Where it uploads a large file it also warns of
itself: ignore `Use 'content=:DeprecationWarning`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

import yaml

from emulators.hub_state import Blob, Commit, HubCollection, HubRepos, Huge, Repo, RepoType, User
from emulators.site import Ask, Reply, Site

__all__ = [
    "Blob", "HubCollection", "HubRepos", "Huge", "Refused", "Repo", "User", "Visit", "add_repos",
]  # fmt: skip

_PREFIXES: dict[str, RepoType] = {"datasets/": "dataset", "spaces/": "space", "": "model"}


class Refused(Exception):
    """The answer is an error."""

    def __init__(self, status: int, said: str, code: str = "", **more: Any) -> None:
        headers = {"X-Error-Message": said} | ({"X-Error-Code": code} if code else {})
        self.reply = Reply(status=status, body={"error": said, **more}, headers=headers)
        super().__init__(said)


class Visit(NamedTuple):
    """One request about one repository, by whom."""

    site: Site
    state: HubRepos
    ask: Ask
    user: User | None
    repo: Repo
    rest: str
    """What of the path follows the name of the call."""

    def require_write(self) -> User:
        """The user, who may change the repository."""
        return require_namespace(self.user, self.repo.owner)

    def require_read(self) -> None:
        """Refuse the content of a gated repository."""
        name = self.user.name if self.user else ""
        if self.repo.gated and name != self.repo.owner and name not in self.repo.granted:
            raise Refused(403 if self.user else 401, f"{self.repo.id} is gated", "GatedRepo")

    def split(self) -> tuple[str, Commit, str]:
        """Revision, its commit, and the path after it."""
        known = sorted([*self.repo.branches, *self.repo.tags], key=len, reverse=True)
        for name in known:
            if f"{self.rest}/".startswith(f"{name}/"):
                return name, _found(self.repo, name), self.rest[len(name) + 1 :]
        name, _, path = self.rest.partition("/")
        return name, _found(self.repo, name), path


Answer = Callable[[Visit], Any]


def _found(repo: Repo, revision: str) -> Commit:
    if (commit := repo.find(revision)) is None:
        raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return commit


def user_of(state: HubRepos, ask: Ask) -> User | None:
    """Whoever asks; None for nobody."""
    if not ask.token:
        return None
    if ask.token not in state.users:
        raise Refused(401, "Invalid credentials in Authorization header")
    return state.users[ask.token]


def require_namespace(user: User | None, namespace: str) -> User:
    """The user, who may write there."""
    if user is None:
        raise Refused(401, "Invalid username or password.")
    if user.role != "write" or namespace not in (user.name, *user.orgs):
        raise Refused(403, f"You don't have the rights to write in the namespace {namespace!r}")
    return user


def url_of(site: Site, repo: Repo) -> str:
    prefix = "" if repo.type == "model" else f"{repo.type}s/"
    return f"{site.url}/{prefix}{repo.id}"


def next_page(ask: Ask, site: Site, **query: object) -> dict[str, str]:
    """The header that leads to more of a listing."""
    more = urlencode({**ask.query, **{name: str(value) for name, value in query.items()}})
    return {"Link": f'<{site.url}{ask.path}?{more}>; rel="next"'}


class _Routes:
    def __init__(self, site: Site, state: HubRepos, calls: Mapping[str, Answer]) -> None:
        self._site, self._state = site, state
        self._calls = sorted(calls.items(), key=lambda item: len(item[0]), reverse=True)

    def api(self, ask: Ask) -> Any:
        """`/api/models/{id}[/{call}[/{rest}]]`."""
        kind = cast(RepoType, ask.parts["kind"].removesuffix("s"))
        return self._answer(kind, ask.parts["rest"], ask)

    def content(self, ask: Ask) -> Any:
        """`/[datasets/]{id}/resolve/{rest}` and `/[datasets/]{id}.git/info/lfs/{rest}`."""
        path = ask.path.removeprefix("/").replace(".git/info/lfs/", "/lfs/", 1)
        prefix = next(p for p in _PREFIXES if path.startswith(p))
        return self._answer(_PREFIXES[prefix], path.removeprefix(prefix), ask)

    def _answer(self, kind: RepoType, path: str, ask: Ask) -> Any:
        try:
            user = user_of(self._state, ask)
            repo, rest = self._repo(kind, path, user)
            for call, answer in self._calls:
                method, _, name = call.partition(" ")
                if ask.method == method and (found := re.fullmatch(f"{name}(?:/(.*))?", rest)):
                    visit = Visit(self._site, self._state, ask, user, repo, found[1] or "")
                    return answer(visit)
        except Refused as refused:
            return refused.reply
        return Reply(status=404, body={"error": f"nothing at {ask.line}"})

    def _repo(self, kind: RepoType, path: str, user: User | None) -> tuple[Repo, str]:
        parts = path.split("/")
        for length in (2, 1):
            repo = self._state.repos.get((kind, "/".join(parts[:length])))
            if repo and (not repo.private or _may_see(repo, user)):
                return repo, "/".join(parts[length:])
        # Who is not known is not told whether there is such a repository.
        if user is None:
            raise Refused(401, "Invalid username or password.", "RepoNotFound")
        raise Refused(404, "Repository not found", "RepoNotFound")


def _may_see(repo: Repo, user: User | None) -> bool:
    return user is not None and repo.owner in (user.name, *user.orgs)


def add_repos(site: Site, state: HubRepos) -> None:
    """Let `site` answer for the repositories and collections of `state`."""
    from emulators import hub_community, hub_files, hub_settings

    calls = {**hub_files.CALLS, **hub_settings.CALLS, **hub_community.CALLS}
    routes = _Routes(site, state, calls)
    for method in ("GET", "POST", "PUT", "DELETE"):
        for kind in ("models", "datasets", "spaces"):
            site.on(f"{method} /api/{kind}/{{rest+}}", _with_kind(routes.api, kind))
    hub_settings.add(site, state)
    hub_community.add(site, state)
    hub_files.add(site, state)
    for method in ("GET", "HEAD"):
        site.on(f"{method} /{{id+}}/resolve/{{rest+}}", routes.content)
    site.on("POST /{id+}.git/info/lfs/{rest+}", routes.content)


def _with_kind(answer: Callable[[Ask], Any], kind: str) -> Callable[[Ask], Any]:
    def asked(ask: Ask) -> Any:
        return answer(replace(ask, parts={**ask.parts, "kind": kind}))

    return asked


def guarded(state: HubRepos, answer: Callable[[Ask, User | None], Any]) -> Callable[[Ask], Any]:
    """`answer` for a request that is about no single repository."""

    def asked(ask: Ask) -> Any:
        try:
            return answer(ask, user_of(state, ask))
        except Refused as refused:
            return refused.reply

    return asked


def front_matter(text: str) -> dict[str, Any]:
    """The metadata of a card; {} if it has none.

    Raises:
        yaml.YAMLError: it is none.
    """
    match = re.match(r"\s*---\r?\n(.*?)\r?\n?---(\r?\n|$)", text, re.DOTALL)
    found = yaml.safe_load(match[1]) if match else {}
    return found if isinstance(found, dict) else {}
