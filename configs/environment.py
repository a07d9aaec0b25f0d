"""Variables that libraries read while they are imported; set once, before any of them is."""

from __future__ import annotations

import importlib.util
import os
import shlex
from collections.abc import Mapping, MutableMapping
from pathlib import Path

_DEFAULTS = {
    # The price map is packaged; without this the import of litellm fetches it from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # litellm ends a stream after this many equal chunks: 100 are a ruler or a row of zeros.
    "REPEATED_STREAMING_CHUNK_LIMIT": "1000000",
}

# Sends openai/… through litellm's own handler: the SDK's client walks the whole history on every
# call. Not a default, as the client in `llm/chat.py` fits no other.
_OWN_HANDLER = "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER"


def prepared_environment() -> MutableMapping[str, str]:
    """This process's environment, ready for litellm and tiktoken to be imported."""
    prepare(os.environ)
    return os.environ


def prepare(environ: MutableMapping[str, str]) -> None:
    """Fill in what litellm and tiktoken need to start offline; the user's own values win."""
    for name, value in _DEFAULTS.items():
        environ.setdefault(name, value)
    environ[_OWN_HANDLER] = "true"
    spec = importlib.util.find_spec("litellm")
    if spec and spec.origin:
        encodings = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
        environ.setdefault("TIKTOKEN_CACHE_DIR", str(encodings))


def editor(environ: Mapping[str, str]) -> list[str]:
    """The user's editor as words of a command; [] if none is named.

    Raises:
        ValueError: the variable is not a command line (an open quotation mark).
    """
    return shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "")


def notifies(environ: Mapping[str, str]) -> bool:
    """Whether the terminal shows OSC 9 as a notification; to others it means something else."""
    known = ("iTerm.app", "WezTerm", "ghostty", "kitty")
    return environ.get("TERM_PROGRAM") in known or environ.get("TERM") == "xterm-kitty"


def plain_terminal(environ: Mapping[str, str]) -> bool:
    """Whether the terminal can do nothing but print."""
    return environ.get("TERM", "").lower() in ("dumb", "unknown", "")
