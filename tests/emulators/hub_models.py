"""The Hub's routes about models, added to a `Site`: listing, description, files, Jobs hardware.

Strict: what the Hub does not know is refused with 400, and weights are served in ranges only.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.site import Ask, Reply, Site

LISTED = {
    "author", "cardData", "config", "createdAt", "disabled", "downloads", "downloadsAllTime",
    "evalResults", "gated", "gguf", "inference", "lastModified", "library_name", "likes",
    "mask_token", "model-index", "pipeline_tag", "private", "safetensors", "sha", "siblings",
    "spaces", "tags", "transformersInfo", "trendingScore",
}  # fmt: skip
"""What a listing can be expanded by."""
ONE_ONLY = {"baseModels", "childrenModelCount", "usedStorage"}
"""What only one model's description can be expanded by."""
SORTS = {"downloads", "likes", "trendingScore", "createdAt", "lastModified"}
FILTERS = {"search", "author", "filter", "pipeline_tag", "num_parameters", "gated", "sort",
           "limit", "expand"}  # fmt: skip
WEIGHTS = (".safetensors", ".bin", ".gguf", ".pth", ".onnx")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Model:
    """A repository: what the API says of it, and its files."""

    info: Mapping[str, Any]
    files: Mapping[str, bytes | int] = field(default_factory=dict)
    """Content by path, or only a size, for weights that nobody may ask for."""
    token: str = ""
    """Who may read the files of a gated model, or see a private one."""


def safetensors(*tensors: tuple[str, str, list[int]]) -> bytes:
    """The start of a file with such tensors (name, type, shape); their data is left out."""
    named = {name: {"dtype": kind, "shape": shape, "data_offsets": [0, 0]}
             for name, kind, shape in tensors}  # fmt: skip
    header = json.dumps({"__metadata__": {"format": "pt"}, **named}).encode()
    return struct.pack("<Q", len(header)) + header


def add_models(
    site: Site, models: Mapping[str, Model], hardware: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Make `site` the Hub with these models."""
    site.on("GET /api/models", lambda ask: _list(ask, models))
    site.on("GET /api/models/{owner}/{name}", lambda ask: _describe(ask, models))
    for method in ("HEAD", "GET"):
        route = f"{method} /{{owner}}/{{name}}/resolve/{{revision}}/{{path+}}"
        site.on(route, lambda ask: _file(ask, models))
    site.on("GET /api/jobs/hardware", Reply(body=list(hardware)))


def _refusal(status: int, said: str, code: str = "") -> Reply:
    headers = {"X-Error-Code": code, "X-Error-Message": said} if code else {}
    return Reply(status=status, body={"error": said}, headers=headers)


def _values(ask: Ask, name: str) -> list[str]:
    return [value for key, value in ask.pairs if key == name]


def _list(ask: Ask, models: Mapping[str, Model]) -> Reply:
    expand = _values(ask, "expand")
    if unknown := {key for key, _ in ask.pairs} - FILTERS:
        return _refusal(400, f"unknown parameters {sorted(unknown)}")
    if wrong := set(expand) - LISTED:
        return _refusal(400, f"a listing has no {sorted(wrong)}")
    if (sort := ask.query.get("sort", "trendingScore")) not in SORTS:
        return _refusal(400, f"no sort {sort}")
    found = [m.info for m in models.values() if not m.info.get("private") and _fits(ask, m.info)]
    found.sort(key=lambda info: str(info.get(sort, "")).rjust(30), reverse=True)
    return Reply(body=[_part(info, expand) for info in found[: int(ask.query.get("limit", 1000))]])


def _fits(ask: Ask, info: Mapping[str, Any]) -> bool:
    tags, name = info.get("tags") or [], info["id"]
    return (
        all(word in name.lower() for word in ask.query.get("search", "").lower().split())
        and ask.query.get("author", name.split("/")[0]) == name.split("/")[0]
        and all(tag in tags for tag in _values(ask, "filter"))
        and ask.query.get("pipeline_tag", info.get("pipeline_tag")) == info.get("pipeline_tag")
        and ("gated" not in ask.query or (ask.query["gated"] == "true") == bool(info.get("gated")))
        and _in_range(ask.query.get("num_parameters", ""), info)
    )


def _in_range(span: str, info: Mapping[str, Any]) -> bool:
    if not span:
        return True
    total = (info.get("safetensors") or {}).get("total")
    scales = {"": 1, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
    found = re.findall(r"(min|max):([\d.]+)([KMBT]?)", span.upper().replace("MIN", "min")
                       .replace("MAX", "max"))  # fmt: skip
    bounds = {end: float(size) * scales[scale] for end, size, scale in found}
    return total is not None and bounds.get("min", 0) <= total <= bounds.get("max", 1e99)


def _part(info: Mapping[str, Any], expand: Sequence[str]) -> dict[str, Any]:
    """With `expand`, the Hub gives the id and what is named, if there is any."""
    return {key: value for key, value in info.items() if key == "id" or key in expand}


def _seen(ask: Ask, models: Mapping[str, Model]) -> Model | None:
    model = models.get(f"{ask.parts['owner']}/{ask.parts['name']}")
    hidden = model is not None and model.info.get("private") and ask.token != model.token
    return None if hidden else model


def _describe(ask: Ask, models: Mapping[str, Model]) -> Reply:
    model, expand = _seen(ask, models), _values(ask, "expand")
    if unknown := {key for key, _ in ask.pairs} - {"expand", "blobs"}:
        return _refusal(400, f"unknown parameters {sorted(unknown)}")
    if wrong := set(expand) - LISTED - ONE_ONLY:
        return _refusal(400, f"no {sorted(wrong)}")
    if model is None:
        return _refusal(404 if ask.token else 401, "Repository not found", "RepoNotFound")
    if expand:
        return Reply(body=_part(model.info, expand))
    absent = {*ONE_ONLY, "evalResults"}
    whole = {key: value for key, value in model.info.items() if key not in absent}
    blobs = ask.query.get("blobs") == "true"
    siblings = [{"rfilename": path, **({"size": _size(data)} if blobs else {})}
                for path, data in model.files.items()]  # fmt: skip
    return Reply(body={"sha": COMMIT, "siblings": siblings, **whole})


def _size(data: bytes | int) -> int:
    return data if isinstance(data, int) else len(data)


def _file(ask: Ask, models: Mapping[str, Model]) -> Reply:
    model, path = _seen(ask, models), ask.parts["path"]
    if model is None:
        return _refusal(404 if ask.token else 401, "Repository not found", "RepoNotFound")
    if model.info.get("gated") and ask.token != model.token:
        return _refusal(403 if ask.token else 401, "Access is restricted", "GatedRepo")
    if path not in model.files:
        return _refusal(404, "Entry not found", "EntryNotFound")
    return _content(ask, path, model.files[path])


def _content(ask: Ask, path: str, data: bytes | int) -> Reply:
    headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{abs(hash(path)):x}"'}
    if isinstance(data, int) or (path.endswith(WEIGHTS) and not _asks_for_range(ask)):
        return _refusal(400, f"nobody may download {path}")
    if span := re.fullmatch(r"bytes=(\d+)-(\d+)", ask.headers.get("range", "")):
        first, last = int(span[1]), min(int(span[2]), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return Reply(status=206, body=data[first : last + 1], headers=headers)
    return Reply(body=data, headers=headers)


def _asks_for_range(ask: Ask) -> bool:
    return ask.method == "HEAD" or "range" in ask.headers
