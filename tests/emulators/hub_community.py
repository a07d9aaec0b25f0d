"""Discussions, pull requests and collections of the Hub."""

from __future__ import annotations

import difflib
import re
from typing import Any

from emulators.hub_repos import Refused, Visit, guarded, require_namespace
from emulators.hub_state import (
    Commit,
    Discussion,
    HubCollection,
    HubRepos,
    Repo,
    RepoType,
    Tree,
    User,
)  # fmt: skip
from emulators.site import Ask, Site

_PAGE = 10
"""Discussions in one answer."""


def _listed(visit: Visit) -> Any:
    query = dict(visit.ask.query)
    at = int(query.pop("p", 0)) * _PAGE
    found = [d for d in visit.repo.discussions.values() if _fits(d, query)][::-1]
    shown = [_summary(visit.repo, one) for one in found[at : at + _PAGE]]
    return {"discussions": shown, "count": len(found), "start": at}


def _fits(one: Discussion, query: dict[str, str]) -> bool:
    kinds = {"all": True, "pull_request": one.pull, "discussion": not one.pull}
    is_open = one.status in ("open", "draft")
    states = {"all": True, "open": is_open, "closed": not is_open}
    if unknown := set(query) - {"type", "status", "author"}:
        raise Refused(400, f"unknown parameters {unknown}")
    same_author = query.get("author", one.author) == one.author
    return kinds[query.get("type", "all")] and states[query.get("status", "all")] and same_author


def _summary(repo: Repo, one: Discussion) -> dict[str, Any]:
    return {
        "num": one.num, "title": one.title, "status": one.status, "isPullRequest": one.pull,
        "author": {"name": one.author}, "repo": {"name": repo.id, "type": repo.type},
        "createdAt": one.at,
    }  # fmt: skip


def _opened(visit: Visit) -> Any:
    if visit.user is None or visit.user.role != "write":
        raise Refused(403 if visit.user else 401, "You may not open discussions.")
    body = visit.ask.json
    pull = bool(body["pullRequest"])
    one = visit.repo.open(body["title"], visit.user.name, body["description"], pull)
    one.status = "draft" if pull else "open"
    return {"num": one.num, "pullRequest": pull}


def _discussion(visit: Visit) -> tuple[Discussion, str]:
    number, _, call = visit.rest.partition("/")
    one = visit.repo.discussions.get(int(number))
    if one is None:
        raise Refused(404, f"Discussion #{number} not found")
    return one, call


def _shown(visit: Visit) -> Any:
    if not visit.rest:
        return _listed(visit)
    one, _ = _discussion(visit)
    details = {**_summary(visit.repo, one), "events": one.events}
    if one.base is None:
        return details
    head = visit.repo.branches[f"refs/pr/{one.num}"][-1]
    return {
        **details,
        "changes": {"base": "refs/heads/main", "mergeCommitId": one.merge_commit},
        "filesWithConflicts": _conflicts(one.base, head, visit.repo.head, one.status),
        "diff": _diff(one.base.tree, head.tree) if visit.ask.query.get("diff") else None,
    }


def _changed(before: Tree, after: Tree) -> list[str]:
    names = sorted({*before, *after})
    return [n for n in names if _oid(before, n) != _oid(after, n)]


def _oid(tree: Tree, name: str) -> str | None:
    return tree[name].oid if name in tree else None


def _conflicts(base: Commit, head: Commit, main: Commit, status: str) -> list[str]:
    if status == "merged":
        return []
    theirs = _changed(base.tree, main.tree)
    return [name for name in _changed(base.tree, head.tree) if name in theirs]


def _diff(before: Tree, after: Tree) -> str:
    whole = ""
    for name in _changed(before, after):
        old, new = (t[name].data.decode() if name in t else "" for t in (before, after))
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}",
                                     lineterm="")  # fmt: skip
        whole += "\n".join([f"diff --git a/{name} b/{name}", *lines]) + "\n"
    return whole


def _changed_discussion(visit: Visit) -> Any:
    if not visit.rest:
        return _opened(visit)
    one, call = _discussion(visit)
    if visit.user is None:
        raise Refused(401, "Invalid username or password.")
    body = visit.ask.json or {}
    if call == "comment":
        return {"newMessage": one.comment(visit.user.name, body["comment"])}
    if one.author != visit.user.name or call == "merge":
        visit.require_write()
    if body.get("comment"):
        one.comment(visit.user.name, body["comment"])
    if call == "status":
        return {"newStatus": _with_status(one, body["status"], visit.user)}
    if call == "merge":
        return _merged(visit.repo, one, visit.user)
    raise Refused(404, call)


def _with_status(one: Discussion, status: str, user: User) -> dict[str, Any]:
    if status not in ("open", "closed") or one.status in (status, "merged"):
        raise Refused(400, f"cannot change from {one.status} to {status}")
    one.status = "open" if status == "open" else "closed"
    return one.add("status-change", user.name, status=status)


def _merged(repo: Repo, one: Discussion, user: User) -> Any:
    if one.base is None or one.status != "open":
        raise Refused(400, f"#{one.num} is {one.status}: it cannot be merged")
    head = repo.branches[f"refs/pr/{one.num}"][-1]
    if conflicts := _conflicts(one.base, head, repo.head, one.status):
        raise Refused(409, f"conflicts in {', '.join(conflicts)}")
    names = _changed(one.base.tree, head.tree)
    title = f"{one.title} (#{one.num})"
    files = {name: head.tree.get(name) for name in names}
    one.merge_commit = repo.commit(files, title, author=user.name).oid
    one.status = "merged"
    one.add("status-change", user.name, status="merged")
    return {}


CALLS = {"GET discussions": _shown, "POST discussions": _changed_discussion}
"""By method and the name of the call."""


def add(site: Site, state: HubRepos) -> None:
    """Collections."""

    def listed(ask: Ask, user: User | None) -> Any:
        owner = ask.query.get("owner")
        seen = [c for c in state.collections.values() if _may_see(c, user)]
        mine = [_collection(c) for c in seen if owner in (None, c.owner)]
        return [{k: v for k, v in one.items() if k != "position"} for one in mine]

    def create(ask: Ask, user: User | None) -> Any:
        body = ask.json
        require_namespace(user, body["namespace"])
        if len(body["title"]) >= 60:
            raise Refused(400, "title must be shorter than 60 characters")
        for there in state.collections.values():
            if (there.owner, there.title) == (body["namespace"], body["title"]):
                raise Refused(409, "This collection already exists", slug=there.slug)
        slug = f"{body['namespace']}/{_slug(body['title'])}-{state.clock.oid()[:24]}"
        made = HubCollection(slug, body["title"], body["namespace"], bool(body["private"]),
                             body.get("description", ""))  # fmt: skip
        state.collections[slug] = made
        return _collection(made)

    def show(ask: Ask, user: User | None) -> Any:
        return _collection(_one(state, ask.parts["slug"], user))

    def add_item(ask: Ask, user: User | None) -> Any:
        one = _one(state, ask.parts["slug"], user)
        require_namespace(user, one.owner)
        return _collection(_with_item(state, one, ask.json))

    site.on("GET /api/collections", guarded(state, listed))
    site.on("POST /api/collections", guarded(state, create))
    site.on("POST /api/collections/{slug+}/items", guarded(state, add_item))
    site.on("GET /api/collections/{slug+}", guarded(state, show))


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _may_see(one: HubCollection, user: User | None) -> bool:
    return not one.private or (user is not None and one.owner in (user.name, *user.orgs))


def _one(state: HubRepos, slug: str, user: User | None) -> HubCollection:
    one = state.collections.get(slug)
    if one is None or not _may_see(one, user):
        raise Refused(404, "Collection not found")
    return one


def _with_item(state: HubRepos, one: HubCollection, body: dict[str, Any]) -> HubCollection:
    kind: RepoType = body["item"]["type"]
    id = body["item"]["id"]
    if (kind, id) not in state.repos:
        raise Refused(404, f"{kind} {id} not found")
    if any((item["type"], item["id"]) == (kind, id) for item in one.items):
        raise Refused(409, "This item is already in the collection")
    note = {"note": {"text": body["note"], "html": body["note"]}} if body.get("note") else {}
    place = {"_id": state.clock.oid()[:24], "position": len(one.items)}
    one.items.append({**place, "type": kind, "id": id, **note})
    return one


def _collection(one: HubCollection) -> dict[str, Any]:
    return {
        "slug": one.slug, "title": one.title, "owner": {"name": one.owner}, "items": one.items,
        "lastUpdated": "2026-03-01T12:00:00.000Z", "private": one.private, "theme": "blue",
        "upvotes": 0, "position": 0, "description": one.description,
    }  # fmt: skip
