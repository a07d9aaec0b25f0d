"""No secret is shown, wherever in the configuration it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ml_intern.configs.masking import HIDDEN, Mask
from ml_intern.configs.settings import Settings

CANARY = "CaNaRy123456"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("database_url", f"postgresql://joe:{CANARY}@db/x"),
        ("database_url", f"postgresql://joe:{CANARY}/{CANARY}@db/x"),
        ("database_url", f"postgresql://joe:p@{CANARY}@db/x"),
        ("database_url", f"host=db password='two {CANARY}'"),
        ("hf_router_url", f"https://proxy/v1#access_token={CANARY}"),
        ("database_url", f"postgresql://db/x?user=joe&password={CANARY}"),
        ("database_url", f"host=db password={CANARY}"),
        ("hf_router_url", f"https://{CANARY}@proxy/v1"),
        ("hf_router_url", f"https://proxy/v1?api_key={CANARY}&x=1"),
        ("mcpServers", {"a": {"env": {"ANY": CANARY, "B": CANARY}}}),
        ("mcpServers", {"a": {"headers": {"X-Any": f"Bearer {CANARY}"}}}),
        ("mcpServers", {"a": {"args": ["--api-key", CANARY, "run"]}}),
        ("mcpServers", {"a": {"args": [f"--token={CANARY}"]}}),
        ("mcpServers", {"a": {"args": ["-H", f"Authorization: Bearer {CANARY}"]}}),
        ("mcpServers", {"a": {"args": ["-H", f"X-Api-Key: {CANARY} {CANARY}"]}}),
        ("mcpServers", {"a": {"args": ["sh", "-c", f"x --auth-token {CANARY}"]}}),
        ("mcpServers", {"a": {"url": f"https://x/mcp?token={CANARY}"}}),
        ("mcpServers", {"a": {"apiKey": CANARY}}),
        ("mcpServers", {"a": {"auth": {"client_secret": CANARY}}}),
        ("mcpServers", {"a": {"auth": {"client_secret": {"deep": [CANARY]}}}}),
        ("mcpServers", {"a": {"env": [CANARY]}}),
        ("mcpServers", {"a": {"args": [f"hf_{CANARY}"]}}),
        ("mcpServers", {"a": {"args": [f"sk-{CANARY}"]}}),
        ("model_name", f"x/{CANARY}"),
    ],
)
def test_a_secret_is_not_shown(key: str, value: Any) -> None:
    known = [CANARY] if key == "model_name" else []
    shown = json.dumps(Mask({}, known).value(value, key))
    assert CANARY not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "value",
    ["https://router.huggingface.co/v1", "http://localhost:8000/v1",
     "openai/gpt-5.4", ["-y", "@modelcontextprotocol/server-filesystem", "--max-tokens=5"],
     {"command": "npx", "args": ["--port", "80"]}, 300, None, True],
)  # fmt: skip
def test_what_is_none_stays_readable(value: Any) -> None:
    assert Mask({}).value(value) == value


def test_a_server_may_be_called_anything() -> None:
    servers = {"api-key-vault": {"command": "npx"}}
    assert Mask({}).value(servers, "mcpServers") == servers


def test_no_setting_is_hidden_for_its_name() -> None:
    for key in Settings.model_fields:
        assert Mask({}).value("x", key) == "x"


def test_what_came_from_a_secret_variable_is_hidden_wherever_it_went() -> None:
    environ = {"MY_TOKEN": CANARY, "PLAIN": "something", "DSN": f"x://u:{CANARY}@h"}
    mask = Mask(environ)
    assert mask.names == {"MY_TOKEN", "DSN"}
    assert mask.expanded(environ) == {"MY_TOKEN": HIDDEN, "PLAIN": "something", "DSN": HIDDEN}
    assert mask.text(f"a {CANARY} b something") == f"a {HIDDEN} b something"
