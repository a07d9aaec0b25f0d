"""What litellm and tiktoken read while they are imported."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from ml_intern.configs.environment import prepare


def test_what_they_need_to_start_offline() -> None:
    environ: dict[str, str] = {}
    prepare(environ)
    assert environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    url = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    name = hashlib.sha1(url.encode()).hexdigest()
    assert (Path(environ["TIKTOKEN_CACHE_DIR"]) / name).is_file()


def test_the_users_own_values_win_and_nothing_else_changes() -> None:
    own = {"TIKTOKEN_CACHE_DIR": "/mine", "LITELLM_LOCAL_MODEL_COST_MAP": "False", "PATH": "/bin"}
    environ = dict(own)
    prepare(environ)
    assert own.items() <= environ.items()
    before = dict(environ)
    prepare(environ)
    assert environ == before


def test_the_http_handler_is_not_a_matter_of_choice() -> None:
    """The client that `llm/chat.py` hands over fits no other."""
    environ = {"EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER": "false"}
    prepare(environ)
    assert environ["EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER"] == "true"


def test_preparing_imports_nothing_heavy() -> None:
    code = """
import os, sys
from ml_intern.configs.environment import prepared_environment
assert prepared_environment() is os.environ
assert "TIKTOKEN_CACHE_DIR" in os.environ
print([m for m in ("litellm", "tiktoken", "pydantic") if m in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={})
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
