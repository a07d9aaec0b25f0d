"""litellm, langchain-litellm, langchain-mcp-adapters and mcp break each other when one moves.

`pip check` does not notice; a tool call does (see the comment at the pins in pyproject.toml).
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from emulators.openai_server import Call, ModelServer, calls
from process import environment

PROBE = """
import sys, asyncio
import litellm, mcp, langchain_mcp_adapters.client
from langchain_litellm import ChatLiteLLM
from langchain_core.tools import tool

@tool
def add(a: int, b: int) -> int:
    "Add."
    return a + b

model = ChatLiteLLM(model="openai/gpt-test", api_base=sys.argv[1], api_key="k", max_retries=1)
print(model.bind_tools([add]).invoke("1+2?").tool_calls[0]["args"])
"""


def test_the_pinned_libraries_work_together(tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(textwrap.dedent(PROBE))
    with ModelServer([calls(Call("add", {"a": 1, "b": 2}))]) as server:
        env = {**environment(tmp_path, server), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        done = subprocess.run(
            [sys.executable, str(probe), server.base_url], env=env, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'a': 1, 'b': 2}"
