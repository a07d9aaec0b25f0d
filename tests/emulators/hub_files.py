"""Files of the Hub's repositories: trees, contents, commits, uploads."""

from __future__ import annotations

import base64
import fnmatch
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from emulators.hub_repos import Refused, Visit, guarded, next_page, url_of
from emulators.hub_state import Blob, Commit, HubRepos, Repo, Tree, User
from emulators.site import Ask, Reply, Site

_LFS_NAMES = ("*.safetensors", "*.bin", "*.parquet", "*.gguf", "*.pt", "*.zip", "*.png")
_LFS_SIZE = 10_000_000


def add(site: Site, state: HubRepos) -> None:
    """The storage of large files, which is asked by the addresses that it was handed out with."""

    def stored(ask: Ask) -> Reply:
        state.lfs[ask.parts["oid"]] = ask.body
        wrong = ask.parts["oid"] != Blob(ask.body).sha256
        return Reply(status=400 if wrong else 200, body="", headers={"ETag": '"x"'})

    def verified(ask: Ask, _: User | None) -> Any:
        body = ask.json
        if len(state.lfs.get(body["oid"], b"")) != body["size"]:
            raise Refused(400, "the object is not there or has another size")
        return {}

    site.on("PUT /storage/{oid}", stored)
    site.on("POST /verify", guarded(state, verified))
    add_storage(site, state)


def add_storage(site: Site, state: HubRepos) -> None:
    """Let `site` give the contents of large files; it needs no token."""

    def given(ask: Ask) -> Reply:
        blobs = (b for repo in state.repos.values() for c in repo.branches.values()
                 for b in c[-1].tree.values())  # fmt: skip
        return _sent(ask, next(b for b in blobs if b.sha256 == ask.parts["oid"]), {})

    for method in ("GET", "HEAD"):
        site.on(f"{method} /storage/{{oid}}", given)


def _entry(path: str, blob: Blob) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": blob.size, "oid": blob.oid}
    if blob.lfs:
        entry["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": 134}
    return entry


def _folders(tree: Tree) -> set[str]:
    parts = (path.split("/")[:-1] for path in tree)
    return {"/".join(names[: n + 1]) for names in parts for n in range(len(names))}


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": Blob(path.encode()).oid, "size": 0}


def _tree(visit: Visit) -> Reply:
    _, commit, path = visit.split()
    recursive = visit.ask.query.get("recursive", "").lower() == "true"
    prefix = f"{path}/" if path else ""
    folders = _folders(commit.tree)
    if path and path not in folders:
        raise Refused(404, f"{path} does not exist on {visit.repo.id}", "EntryNotFound")
    entries = [_folder(f) for f in folders] + [_entry(p, b) for p, b in commit.tree.items()]
    inside = [e for e in entries if e["path"].startswith(prefix)]
    if not recursive:
        inside = [e for e in inside if "/" not in e["path"][len(prefix) :]]
    inside.sort(key=lambda e: e["path"])
    at, page = int(visit.ask.query.get("cursor", 0)), visit.state.page
    more = at + page < len(inside)
    headers = next_page(visit.ask, visit.site, cursor=at + page) if more else {}
    return Reply(body=inside[at : at + page], headers=headers)


def _paths_info(visit: Visit) -> Any:
    _, commit, _ = visit.split()
    asked = parse_qs(visit.ask.body.decode())
    if unknown := set(asked) - {"paths", "expand"}:
        raise Refused(400, f"unknown fields {unknown}")
    folders, paths = _folders(commit.tree), asked.get("paths", [])
    files = [_entry(path, commit.tree[path]) for path in paths if path in commit.tree]
    return files + [_folder(path) for path in paths if path in folders]


def _resolve(visit: Visit) -> Reply:
    visit.require_read()
    _, commit, path = visit.split()
    if (blob := commit.tree.get(path)) is None:
        raise Refused(404, "Entry not found", "EntryNotFound")
    headers = {
        "X-Repo-Commit": commit.oid, "ETag": f'"{blob.etag}"', "X-Linked-ETag": f'"{blob.etag}"',
        "X-Linked-Size": str(blob.size), "Accept-Ranges": "bytes",
    }  # fmt: skip
    if blob.lfs and visit.state.cdn:
        location = {"Location": f"{visit.state.cdn}/storage/{blob.sha256}"}
        return Reply(status=302, body=b"", headers=headers | location)
    return _sent(visit.ask, blob, headers)


def _sent(ask: Ask, blob: Blob, headers: dict[str, str]) -> Reply:
    """A file or the range of it that was asked for."""
    if ask.method == "HEAD":
        return Reply(body=b"", headers={**headers, "Content-Length": str(blob.size)})
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", ask.headers.get("range", ""))
    if not match:
        return Reply(body=blob.read(0, blob.size), headers=headers)
    start, end = int(match[1]), min(int(match[2] or blob.size), blob.size - 1)
    if start >= blob.size:
        return Reply(status=416, body=b"", headers={"Content-Range": f"bytes */{blob.size}"})
    span = {"Content-Range": f"bytes {start}-{end}/{blob.size}"}
    return Reply(status=206, body=blob.read(start, end + 1), headers={**headers, **span})


def _commits(visit: Visit) -> Reply:
    name, commit, _ = visit.split()
    branches = [visit.repo.branches.get(name, []), *visit.repo.branches.values()]
    branch = next(commits for commits in branches if commit in commits)
    history = branch[: branch.index(commit) + 1][::-1]
    at = int(visit.ask.query.get("p", 0))
    shown = [
        {"id": c.oid, "title": c.title, "message": c.description, "date": c.at,
         "authors": [{"user": c.author}]}
        for c in history[at * 50 : at * 50 + 50]
    ]  # fmt: skip
    more = at * 50 + 50 < len(history)
    return Reply(body=shown, headers=next_page(visit.ask, visit.site, p=at + 1) if more else {})


def _require_push(visit: Visit) -> User:
    """Whoever sees a repository may propose a change of it."""
    if visit.ask.query.get("create_pr") and visit.user and visit.user.role == "write":
        return visit.user
    return visit.require_write()


def _preupload(visit: Visit) -> Any:
    _require_push(visit)
    _, commit, _ = visit.split()
    ignored = str(visit.ask.json.get("gitIgnore") or _text(commit.tree, ".gitignore")).split()
    return {"files": [_mode(file, commit.tree, ignored) for file in visit.ask.json["files"]]}


def _text(tree: Tree, path: str) -> str:
    return tree[path].data.decode() if path in tree else ""


def _mode(file: dict[str, Any], tree: Tree, ignored: list[str]) -> dict[str, Any]:
    path, sample = file["path"], base64.b64decode(file["sample"])
    names = path.split("/")
    large = file["size"] > _LFS_SIZE or b"\0" in sample
    lfs = large or any(fnmatch.fnmatch(path, pattern) for pattern in _LFS_NAMES)
    skip = any(fnmatch.fnmatch(name, p.rstrip("/")) for name in names for p in ignored)
    found = {"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": skip}
    return found | ({"oid": tree[path].etag} if path in tree else {})


def _batch(visit: Visit) -> Any:
    if visit.user is None:
        raise Refused(401, "Invalid username or password.")
    body = visit.ask.json
    if (visit.rest, body["operation"]) != ("objects/batch", "upload"):
        raise Refused(400, f"{visit.rest} {body['operation']} is not known")
    return {"transfer": "basic", "objects": [_action(visit, one) for one in body["objects"]]}


def _action(visit: Visit, one: dict[str, Any]) -> dict[str, Any]:
    if one["oid"] in visit.state.lfs:
        return one
    upload = {"href": f"{visit.site.url}/storage/{one['oid']}"}
    return {**one, "actions": {"upload": upload, "verify": {"href": f"{visit.site.url}/verify"}}}


def _commit(visit: Visit) -> Any:
    user = _require_push(visit)
    lines = [json.loads(line) for line in visit.ask.body.splitlines()]
    if not lines or lines[0].get("key") != "header":
        raise Refused(400, "the first line must be the header")
    header, proposed = lines[0]["value"], bool(visit.ask.query.get("create_pr"))
    hook, visit.state.before_commit = visit.state.before_commit, None
    if hook:
        hook(visit.repo)
    name, base, _ = visit.split()
    base = _parent(visit.repo, header.get("parentCommit"), base, proposed)
    if name not in visit.repo.branches:
        raise Refused(400, f"{name} is no branch")
    tree = dict(base.tree)
    for line in lines[1:]:
        _apply(line["key"], line["value"], tree, visit.state)
    commit = visit.repo.made(header["summary"], header["description"], user.name, tree)
    done = _recorded(visit, commit, name, proposed)
    hook, visit.state.after_commit = visit.state.after_commit, None
    if hook:
        hook(visit.repo)
    return done


def _parent(repo: Repo, asked: str | None, head: Commit, proposed: bool) -> Commit:
    if asked is None or head.oid.startswith(asked):
        return head
    if proposed and (found := repo.find(asked)):
        return found
    raise Refused(412, "A commit has happened since. Please refresh and try again.")


def _apply(kind: str, value: dict[str, Any], tree: Tree, state: HubRepos) -> None:
    path = value["path"]
    if path.startswith("/") or {"..", ".git", ""} & set(path.rstrip("/").split("/")):
        raise Refused(400, f"{path} is an invalid path")
    if kind == "file":
        tree[path] = Blob(base64.b64decode(value["content"], validate=True))
    elif kind == "lfsFile":
        if value["oid"] not in state.lfs:
            raise Refused(400, f"the LFS object of {path} was not uploaded")
        tree[path] = Blob(state.lfs[value["oid"]], lfs=True)
    elif kind in ("deletedFile", "deletedFolder"):
        gone = list(_deleted(kind, path, tree))
        if not gone:
            raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
        for name in gone:
            del tree[name]
    else:
        raise Refused(400, f"{kind} is not known")


def _deleted(kind: str, path: str, tree: Tree) -> Iterator[str]:
    folder = f"{path.rstrip('/')}/"
    if kind == "deletedFile":
        return (name for name in tree if name == path)
    return (name for name in tree if name.startswith(folder))


def _recorded(visit: Visit, commit: Commit, branch: str, proposed: bool) -> dict[str, Any]:
    repo, url = visit.repo, url_of(visit.site, visit.repo)
    more = {}
    if proposed:
        pull = repo.open(commit.title, commit.author, description=commit.description)
        pull.add("commit", commit.author, subject=commit.title, oid=commit.oid)
        branch = f"refs/pr/{pull.num}"
        more = {"pullRequestUrl": f"{url}/discussions/{pull.num}"}
    repo.branches[branch].append(commit)
    return {"success": True, "commitOid": commit.oid, "commitUrl": f"{url}/commit/{commit.oid}",
            "hookOutput": "", **more}  # fmt: skip


CALLS = {
    "GET tree": _tree,
    "POST paths-info": _paths_info,
    "GET resolve": _resolve,
    "HEAD resolve": _resolve,
    "GET commits": _commits,
    "POST preupload": _preupload,
    "POST lfs": _batch,
    "POST commit": _commit,
}
"""By method and the name of the call."""
