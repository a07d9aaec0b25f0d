"""Where credentials come from, and that programs the model starts get none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.secrets import KNOWN_CREDENTIALS, child_environment, credentials


def found(cwd: Path, dotenv: str = "", **environ: str) -> dict[str, str]:
    (cwd / ".env").write_text(dotenv)
    return credentials({"HF_HOME": str(cwd / "hf"), **environ}, cwd)


def test_only_known_names_are_credentials(tmp_path: Path) -> None:
    assert found(tmp_path, OPENAI_API_KEY="sk-1", PATH="/bin", MY_TOKEN="t") == {
        "OPENAI_API_KEY": "sk-1"
    }


def test_a_dotenv_supplies_keys_and_nothing_else(tmp_path: Path) -> None:
    """Endpoints and policy in a cloned project's `.env` would redirect the user's key."""
    dotenv = """
    export GROQ_API_KEY='gsk'  # mine
    OPENAI_API_KEY="sk-${HOME}"
    OPENAI_BASE_URL=http://evil/v1
    LOCAL_LLM_BASE_URL=http://evil
    ML_INTERN_PERMISSION_MODE=yolo
    PATH=/evil
    XAI_API_KEY=
    """
    assert found(tmp_path, dotenv) == {"GROQ_API_KEY": "gsk", "OPENAI_API_KEY": "sk-${HOME}"}
    assert "OPENAI_BASE_URL" not in os.environ


def test_the_environment_wins_over_the_dotenv(tmp_path: Path) -> None:
    assert found(tmp_path, "HF_TOKEN=b\nS2_API_KEY=c", HF_TOKEN="a") == {
        "HF_TOKEN": "a",
        "S2_API_KEY": "c",
    }
    assert found(tmp_path, "HF_TOKEN=b", HF_TOKEN="")["HF_TOKEN"] == "b"


@pytest.mark.parametrize("content", [b"\xff\xfeH\0F\0", b"OPENAI_API_KEY=\xe9"])
def test_a_dotenv_that_is_not_text_is_named(tmp_path: Path, content: bytes) -> None:
    """PowerShell's `echo … > .env` writes UTF-16."""
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError, match=r"\.env.*UTF-8"):
        credentials({}, tmp_path)


def test_a_byte_order_mark_does_not_hide_the_first_key(tmp_path: Path) -> None:
    assert found(tmp_path, "\ufeffXAI_API_KEY=x") == {"XAI_API_KEY": "x"}


def test_a_folder_called_dotenv_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert credentials({"HF_HOME": str(tmp_path)}, tmp_path) == {}


def test_the_saved_token_is_the_last_choice(tmp_path: Path) -> None:
    saved = tmp_path / "hf" / "token"
    saved.parent.mkdir()
    saved.write_text("hf_saved\n")
    assert found(tmp_path) == {"HF_TOKEN": "hf_saved"}
    assert found(tmp_path, HF_TOKEN="a") == {"HF_TOKEN": "a"}
    assert found(tmp_path, HUGGING_FACE_HUB_TOKEN="b") == {"HUGGING_FACE_HUB_TOKEN": "b"}
    assert found(tmp_path, "HF_TOKEN=c") == {"HF_TOKEN": "c"}


@pytest.mark.parametrize("variable", ["HF_TOKEN_PATH", "XDG_CACHE_HOME", "HF_HOME"])
def test_the_saved_token_is_looked_for_where_hugging_face_keeps_it(
    tmp_path: Path, variable: str
) -> None:
    paths = {"HF_TOKEN_PATH": "mine", "XDG_CACHE_HOME": "huggingface/token", "HF_HOME": "token"}
    path = tmp_path / paths[variable]
    path.parent.mkdir(exist_ok=True)
    path.write_text("hf_saved")
    value = path if variable == "HF_TOKEN_PATH" else tmp_path
    assert credentials({variable: str(value)}, tmp_path) == {"HF_TOKEN": "hf_saved"}


def test_a_saved_token_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfehf")
    with pytest.raises(ConfigError, match="hf auth login") as caught:
        credentials({"HF_TOKEN_PATH": str(path)}, tmp_path)
    assert str(path) in str(caught.value)


SECRET = [
    *sorted(KNOWN_CREDENTIALS),
    "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET",
    "CI_JOB_TOKEN", "COMET_API_KEY", "COMETML_APIKEY", "DB_PASSWORD", "DJANGO_SECRET_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS", "GPG_PASSPHRASE", "KAGGLE_KEY", "MYSQL_PWD", "GITHUB_PAT",
    "PGPASSWORD", "POSTGRES_PASSWD", "SSH_PRIVATE_KEY", "TWINE_PASSWORD", "my_api_key", "token",
]  # fmt: skip
KEPT = [
    "CUDA_VISIBLE_DEVICES", "HF_HOME", "HOME", "HTTPS_PROXY", "KEYMAP", "LANG", "MONKEY", "OLDPWD",
    "PWD", "PYTHONPATH", "TOKENIZERS_PARALLELISM", "WANDB_PROJECT", "http_proxy",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET)
def test_w35_children_do_not_get(name: str) -> None:
    """W35: every command the model ran inherited every token."""
    assert name not in child_environment({name: "x"})


@pytest.mark.parametrize("name", KEPT)
def test_children_keep(name: str) -> None:
    assert child_environment({name: "x"})[name] == "x"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("postgresql://me:secret@db/x", False),
        ("redis://:secret@cache:6379", False),
        ("https://db:5432/x", True),
        ("https://host/a:b@c", True),
        ("user:secret@host", True),
    ],
)
def test_passwords_in_urls_are_secrets(value: str, kept: bool) -> None:
    assert ("DATABASE" in child_environment({"DATABASE": value})) == kept


def test_a_proxy_with_a_password_is_kept() -> None:
    """Without it nothing on a company's machine could be downloaded."""
    proxies = {"HTTPS_PROXY": "http://me:secret@proxy:3128", "all_proxy": "socks5://me:x@proxy"}
    assert proxies.items() <= child_environment(proxies).items()


def test_path_keeps_its_order_and_our_interpreter_comes_last() -> None:
    own = str(Path(sys.executable).parent)
    assert child_environment({"PATH": "/a:/b"})["PATH"] == f"/a:/b:{own}"
    assert child_environment({})["PATH"] == f"{os.defpath}:{own}"
