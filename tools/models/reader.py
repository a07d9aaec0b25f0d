"""Reading about models on the Hub: descriptions and small files. Never weights."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.fields import bytes_in_words
from ml_intern.tools.models.repository import Repository, described
from ml_intern.tools.models.shape import quantization_of
from ml_intern.tools.models.weights import File, count_of, counted, main_weights

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from ml_intern.tools.services import Services

LARGEST = 5_000_000
"""Bytes of a file that is read."""
SHARDS = 16
"""Weight files whose headers are read where the Hub has not read them itself."""
AT_ONCE = 4
"""Requests to the Hub under way at the same time."""
_FILE_SECONDS = 40.0
"""For one file; the library makes several attempts of its own within it."""

T = TypeVar("T")


class Reader:
    """Reads about models for one call of the tool, a few requests at once."""

    def __init__(self, services: Services) -> None:
        self._hub = services.hub
        self._cache = services.cache
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def repository(self, repo_id: str, wanted: Sequence[str]) -> Repository:
        """The model, with those of the `wanted` files that it has.

        Raises:
            HubError: the model is not there, or not for this user.
        """
        info = await self.ask(
            f"the model {repo_id}", lambda api: api.model_info(repo_id, files_metadata=True)
        )
        found = described(repo_id, info)
        chosen = [file for file in found.files if file.path in wanted]
        read = await asyncio.gather(*(self._content(found, file) for file in chosen))
        got = {file.path: content for file, content in zip(chosen, read, strict=True)}
        found = replace(
            found,
            contents={name: c for name, c in got.items() if not isinstance(c, ToolError)},
            failed={name: c for name, c in got.items() if isinstance(c, ToolError)},
        )
        return await self._with_count(found)

    async def ask(self, what: str, work: Callable[[HfApi], T]) -> T:
        """What `work` gets from the Hub, when it is its turn.

        Raises:
            HubError: the Hub's refusal.
        """
        async with self._gate:
            return await self._hub.read(what, work)

    async def _content(self, found: Repository, file: File) -> Any:  # noqa: ANN401 - JSON
        """A file's JSON or text; the error if it cannot be had."""
        if file.size is None or file.size > LARGEST:
            size = "of unknown size" if file.size is None else bytes_in_words(file.size)
            return ToolError(f"not read, because it is {size}")
        what = f"the file {file.path} of the model {found.id}"
        try:
            async with self._gate:
                # Not `read`: the library tries files again itself.
                return await self._hub.write(
                    what, lambda api: self._download(api, found, file.path), _FILE_SECONDS
                )
        except ToolError as error:
            return error

    def _download(self, api: HfApi, found: Repository, path: str) -> Any:  # noqa: ANN401 - JSON
        """Blocks. A copy of a commit's file is good for ever: it is asked for once."""
        with ExitStack() as stack:
            kept = self._cache / "files" if self._cache else None
            folder = kept or stack.enter_context(TemporaryDirectory())
            at = api.hf_hub_download(found.id, path, revision=found.info.sha, cache_dir=folder)
            content = Path(at).read_text("utf-8", errors="replace")
        if not path.endswith(".json"):
            return content
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise ToolError("it is no JSON") from None

    async def _with_count(self, found: Repository) -> Repository:
        """Where the Hub has no count of parameters, the headers of the weight files have one."""
        quantization = quantization_of(found.config)
        count = count_of(found.info.safetensors, found.gguf, quantization)
        main = [file.path for file in main_weights(found.files)]
        if count.source or not 0 < len(main) <= SHARDS:
            return replace(found, count=count)
        try:
            what = f"the headers of the weight files of {found.id}"
            dtypes = await self.ask(what, lambda api: _headers(api, found, main))
        except ToolError as error:
            return replace(found, count=count, failed={**found.failed, main[0]: error})
        return replace(found, count=counted(dtypes, "headers of the weight files", quantization))


def _headers(api: HfApi, found: Repository, paths: Sequence[str]) -> dict[str, int]:
    """Elements by type of tensor. Blocks; reads some 100 kB of each file."""
    total: dict[str, int] = {}
    for path in paths:
        header = api.parse_safetensors_file_metadata(found.id, path, revision=found.info.sha)
        for name, size in header.parameter_count.items():
            total[name] = total.get(name, 0) + size
    return total
