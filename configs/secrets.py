"""Where credentials come from, and where they must not go."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from ml_intern.configs.errors import ConfigError

KNOWN_CREDENTIALS = frozenset(
    {
        "ANTHROPIC_API_KEY", "AZURE_API_KEY", "CEREBRAS_API_KEY", "COHERE_API_KEY",
        "DEEPSEEK_API_KEY", "FIREWORKS_AI_API_KEY", "GEMINI_API_KEY", "GITHUB_TOKEN",
        "GOOGLE_API_KEY", "GROQ_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
        "LLAMACPP_API_KEY", "LMSTUDIO_API_KEY", "LOCAL_LLM_API_KEY", "MISTRAL_API_KEY",
        "OLLAMA_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "S2_API_KEY",
        "TOGETHERAI_API_KEY", "VLLM_API_KEY", "WANDB_API_KEY", "XAI_API_KEY",
    }
)  # fmt: skip
"""The only names a `.env` file in the working directory may supply."""

_SECRET_NAME = re.compile(
    r"(^|_)(TOKENS?|SECRETS?|PASSWD|PASSPHRASE|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)(_|$)"
    r"|API_?KEYS?(_|$)|PASSWORD|_(KEY|PAT|PWD)$"
)
_URL_WITH_PASSWORD = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


def credentials(environ: Mapping[str, str], cwd: Path) -> dict[str, str]:
    """The known credentials that are set: the environment's, then those of `.env` in `cwd`.

    Without a Hugging Face token in either, the one that `hf auth login` saved.

    Raises:
        ConfigError: the `.env` or the saved token cannot be read.
    """
    found = {k: v for k, v in environ.items() if k in KNOWN_CREDENTIALS and v}
    found = {**_dotenv(cwd / ".env"), **found}
    if not found.keys() & {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} and (token := _saved(environ)):
        found["HF_TOKEN"] = token
    return found


def token_file(environ: Mapping[str, str]) -> Path:
    """Where `hf auth login` keeps its token, as huggingface_hub documents it."""
    cache = Path(environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    root = Path(environ.get("HF_HOME") or cache)
    return Path(environ.get("HF_TOKEN_PATH") or root / "token").expanduser()


def _saved(environ: Mapping[str, str]) -> str:
    """The token file; importing huggingface_hub for it costs 0.3 s."""
    path = token_file(environ)
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"Cannot read the saved Hugging Face token in {path}: {error}. Set HF_TOKEN, or log in "
            "anew with: hf auth login"
        ) from error


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"Cannot read {path}: {error}. Save it as UTF-8, or remove it."
        ) from error
    return {k: v for k, v in values.items() if k in KNOWN_CREDENTIALS and v}


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for programs the model starts: `environ` without anything secret.

    Our own interpreter's folder comes last on PATH, so that `python3` is found where none is
    installed.
    """
    kept = {k: v for k, v in environ.items() if not _is_secret(k, v)}
    folders = [kept.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    return {**kept, "PATH": os.pathsep.join(folders)}


def _is_secret(name: str, value: str) -> bool:
    if name in KNOWN_CREDENTIALS or _SECRET_NAME.search(name.upper()):
        return True
    return bool(_URL_WITH_PASSWORD.search(value)) and not name.upper().endswith("_PROXY")
