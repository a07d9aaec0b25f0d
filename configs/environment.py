"""Variables that libraries read while they are imported; set once, before any of them is."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

_DEFAULTS = {
    # The price map is packaged; without this the import of litellm fetches it from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # Sends openai/… through litellm's own client: the SDK's walks the whole history on every call.
    "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "true",
    # litellm ends a stream after this many equal chunks: 100 are a ruler or a row of zeros.
    "REPEATED_STREAMING_CHUNK_LIMIT": "1000000",
}


def prepared_environment() -> MutableMapping[str, str]:
    """This process's environment, ready for litellm and tiktoken to be imported."""
    prepare(os.environ)
    return os.environ


def prepare(environ: MutableMapping[str, str]) -> None:
    """Fill in what litellm and tiktoken need to start offline; the user's own values win."""
    for name, value in _DEFAULTS.items():
        environ.setdefault(name, value)
    spec = importlib.util.find_spec("litellm")
    if spec and spec.origin:
        encodings = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
        environ.setdefault("TIKTOKEN_CACHE_DIR", str(encodings))


def proxy_for(url: str) -> str | None:
    """The proxy that `HTTP(S)_PROXY` and `NO_PROXY` name for `url`."""
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies_environment()
    return proxies.get(parts.scheme) or proxies.get("all")
