"""The life of the Hub's repositories: created, described, changed, branched, deleted."""

from __future__ import annotations

from typing import Any, cast

import yaml

from emulators.hub_repos import (
    Refused,
    Visit,
    front_matter,
    guarded,
    require_namespace,
    url_of,
)  # fmt: skip
from emulators.hub_state import HubRepos, Repo, RepoType, User
from emulators.site import Ask, Reply, Site


def add(site: Site, state: HubRepos) -> None:
    """What is about no repository that exists already."""

    def whoami(_: Ask, user: User | None) -> Any:
        if user is None:
            raise Refused(401, "Invalid username or password.")
        about = {"displayName": "test", "role": user.role, "createdAt": "2026-01-01"}
        return {
            "type": "user", "id": f"id-{user.name}", "name": user.name, "isPro": False,
            "orgs": [{"name": name, "type": "org"} for name in user.orgs],
            "auth": {"type": "access_token", "accessToken": about},
        }  # fmt: skip

    def create(ask: Ask, user: User | None) -> Any:
        return _created(site, state, ask.json, user)

    def delete(ask: Ask, user: User | None) -> Any:
        kind, id, _ = _named(ask.json, user)
        if (kind, id) not in state.repos:
            raise Refused(404, "Repository not found", "RepoNotFound")
        del state.repos[kind, id]
        return {}

    site.on("GET /api/whoami-v2", guarded(state, whoami))
    site.on("POST /api/repos/create", guarded(state, create))
    site.on("DELETE /api/repos/delete", guarded(state, delete))
    site.on("POST /api/validate-yaml", _validated)


def _named(body: dict[str, Any], user: User | None) -> tuple[RepoType, str, User]:
    """The repository that is meant, by a user who may write where it is."""
    owner = require_namespace(user, body.get("organization") or (user.name if user else ""))
    kind = cast(RepoType, body.get("type") or "model")
    return kind, f"{body.get('organization') or owner.name}/{body['name']}", owner


def _created(site: Site, state: HubRepos, body: dict[str, Any], user: User | None) -> Any:
    known = {"name", "organization", "type", "visibility", "sdk", "hardware", "secrets",
             "variables", "volumes", "sleepTimeSeconds"}  # fmt: skip
    if unknown := set(body) - known:
        raise Refused(400, f"unknown fields {unknown}")
    kind, id, _ = _named(body, user)
    if kind == "space" and body.get("sdk") not in ("gradio", "docker", "static", "streamlit"):
        raise Refused(400, "a Space needs an sdk")
    if there := state.repos.get((kind, id)):
        url = url_of(site, there)
        raise Refused(409, f"You already created this {kind} repo: {id}", url=url)
    private = body.get("visibility") == "private"
    repo = state.add(id, type=kind, private=private, sdk=body.get("sdk"))
    return {"url": url_of(site, repo), "id": id, "name": id}


def _validated(ask: Ask) -> Reply:
    try:
        front_matter(ask.json["content"])
    except yaml.YAMLError as error:
        errors = [{"message": str(error).splitlines()[0]}]
        return Reply(status=400, body={"errors": errors, "warnings": [], "error": "invalid"})
    return Reply(body={"errors": [], "warnings": []})


def _info(visit: Visit) -> Any:
    repo, commit = visit.repo, visit.repo.head
    if visit.rest:
        _, commit, _ = visit.split()
    card = commit.tree.get("README.md")
    try:
        data = front_matter(card.data.decode()) if card else {}
    except yaml.YAMLError:
        data = {}
    return {
        "_id": f"id-{repo.id}", "id": repo.id, "author": repo.owner, "sha": commit.oid,
        "private": repo.private, "gated": repo.gated, "disabled": False, "likes": 2,
        "downloads": 11, "createdAt": repo.at, "lastModified": commit.at,
        "tags": [*data.get("tags", []), "region:us"], "cardData": data,
        "siblings": [{"rfilename": path} for path in sorted(commit.tree)],
        **({"sdk": repo.sdk, "host": "https://x.hf.space", "subdomain": "x"} if repo.sdk else {}),
    }  # fmt: skip


def _settings(visit: Visit) -> Any:
    visit.require_write()
    body = visit.ask.json
    if not body or set(body) - {"visibility", "gated", "private"}:
        raise Refused(400, f"unknown settings {body}")
    if "gated" in body and body["gated"] not in ("auto", "manual", False):
        raise Refused(400, '"gated" must be one of [auto, manual, false]')
    visit.repo.gated = body.get("gated", visit.repo.gated)
    if "visibility" in body:
        visit.repo.private = body["visibility"] == "private"
    return {"private": visit.repo.private, "gated": visit.repo.gated}


def _refs(visit: Visit) -> Any:
    repo = visit.repo
    heads = {n: c[-1].oid for n, c in repo.branches.items() if not n.startswith("refs/pr/")}
    pulls = {n: c[-1].oid for n, c in repo.branches.items() if n.startswith("refs/pr/")}
    found = {
        "branches": [_ref(n, f"refs/heads/{n}", oid) for n, oid in heads.items()],
        "tags": [_ref(n, f"refs/tags/{n}", oid) for n, (oid, _) in repo.tags.items()],
        "converts": [],
    }
    if visit.ask.query.get("include_prs"):
        found["pullRequests"] = [_ref(n, n, oid) for n, oid in pulls.items()]
    return found


def _ref(name: str, ref: str, oid: str) -> dict[str, str]:
    return {"name": name, "ref": ref, "targetCommit": oid}


def _create_branch(visit: Visit) -> Any:
    visit.require_write()
    name = visit.rest
    if name in visit.repo.branches:
        raise Refused(409, f"Reference already exists: refs/heads/{name}")
    start = (visit.ask.json or {}).get("startingPoint", "main")
    commit = visit.repo.find(start)
    if commit is None:
        raise Refused(404, f"Invalid rev id: {start}", "RevisionNotFound")
    visit.repo.branches[name] = [*_until(visit.repo, commit.oid)]
    return {}


def _until(repo: Repo, oid: str) -> list[Any]:
    for commits in repo.branches.values():
        oids = [commit.oid for commit in commits]
        if oid in oids:
            return commits[: oids.index(oid) + 1]
    raise AssertionError(oid)


def _delete_branch(visit: Visit) -> Any:
    visit.require_write()
    if visit.rest == "main":
        raise Refused(403, "Cannot delete the default branch")
    if visit.rest not in visit.repo.branches:
        raise Refused(404, f"Invalid rev id: {visit.rest}", "RevisionNotFound")
    del visit.repo.branches[visit.rest]
    return {}


def _create_tag(visit: Visit) -> Any:
    visit.require_write()
    _, commit, _ = visit.split()
    body = visit.ask.json
    if set(body) - {"tag", "message"}:
        raise Refused(400, f"unknown fields {body}")
    if body["tag"] in visit.repo.tags:
        raise Refused(409, f"Tag reference exists already: {body['tag']}")
    visit.repo.tags[body["tag"]] = (commit.oid, body.get("message", ""))
    return {}


def _delete_tag(visit: Visit) -> Any:
    visit.require_write()
    if visit.rest not in visit.repo.tags:
        raise Refused(404, f"Invalid rev id: {visit.rest}", "RevisionNotFound")
    del visit.repo.tags[visit.rest]
    return {}


CALLS = {
    "GET ": _info,
    "GET revision": _info,
    "PUT settings": _settings,
    "GET refs": _refs,
    "POST branch": _create_branch,
    "DELETE branch": _delete_branch,
    "POST tag": _create_tag,
    "DELETE tag": _delete_tag,
}
"""By method and the name of the call."""
