"""Bytes of a file on the Hub: only those that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.repos.names import Target

if TYPE_CHECKING:
    import httpx
    from huggingface_hub import HfApi


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file."""

    data: bytes
    commit: str
    """The commit it was read at; "" if the Hub does not say."""


def piece(api: HfApi, target: Target, revision: str, path: str, span: range) -> Piece:
    """The bytes at `span`, or those of them that there are. Blocks.

    Raises:
        ToolError: the file's storage gives no parts of files.
        HfHubHTTPError: the Hub's refusal.
    """
    from huggingface_hub import hf_hub_url

    web: Any = import_module("huggingface_hub.utils")
    url = hf_hub_url(
        target.id, path, repo_type=target.type, revision=revision, endpoint=api.endpoint
    )
    headers = {
        **web.build_hf_headers(token=api.token, library_name="ml-intern"),
        "Range": f"bytes={span.start}-{span.stop - 1}",
        "Accept-Encoding": "identity",
    }
    if not len(span):
        return Piece(b"", "")
    with web.get_session().stream("GET", url, headers=headers, follow_redirects=True) as response:
        if not response.is_success:
            response.read()
            web.hf_raise_for_status(response)
        if response.status_code != 206 and span.start:
            raise ToolError(f"{path} can only be read from its start: its storage gives no parts.")
        return Piece(_taken(response, len(span)), _commit(response))


def _taken(response: httpx.Response, most: int) -> bytes:
    """The start of the answer: a storage that knows no parts sends all of the file."""
    data = bytearray()
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) >= most:
            break
    return bytes(data[:most])


def _commit(response: httpx.Response) -> str:
    """The header is the Hub's, not the storage's that it may lead to."""
    answers = [*response.history, response]
    found = (answer.headers.get("X-Repo-Commit") for answer in answers)
    return next((oid for oid in found if oid), "")
