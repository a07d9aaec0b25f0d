"""The entry of LangGraph's server and Studio: the same graph, without a checkpointer of ours.

The server loads this file by its path, so no class may be defined here: it would be stored in
checkpoints under a module name that nothing else can import.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from ml_intern.configs.environment import prepared_environment
from ml_intern.configs.load import load_settings
from ml_intern.configs.paths import home
from ml_intern.configs.prompts import system_prompt
from ml_intern.configs.secrets import child_environment, credentials
from ml_intern.graph.build import build_graph
from ml_intern.llm.models import Models
from ml_intern.nodes.deps import Deps
from ml_intern.tools.registry import by_name
from ml_intern.tools.services import Services


def studio_deps() -> Deps:
    """What the graph runs with under a server: its folder, the user's settings."""
    environ, cwd = prepared_environment(), Path.cwd()
    # A lazy import inside a node would block the server's event loop, which it refuses.
    for module in ("langchain_litellm", "tiktoken", "tiktoken_ext.openai_public"):
        importlib.import_module(module)
    settings, tools = load_settings(environ, cwd, {}), by_name()
    keys, place = credentials(environ, cwd), home(environ)
    prompt, schemas = system_prompt(cwd), [spec.schema() for spec in tools.values()]
    return Deps(
        settings=settings,
        model=Models(settings, keys, schemas, prompt=lambda: prompt),
        tools=tools,
        system_prompt=prompt,
        cwd=cwd,
        spill=place.outputs("studio"),
        env=child_environment(environ),
        services=Services(settings, keys, place.cache),
    )


graph = build_graph(studio_deps()).compile(name="ml-intern")
