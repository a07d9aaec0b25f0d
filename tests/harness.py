"""A session on real SQLite and the real LiteLLM, its model played by the scripted server."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.messages import AnyMessage, HumanMessage, convert_to_openai_messages

from emulators.openai_server import ModelServer
from emulators.script import Script
from emulators.strict import violations
from ml_intern.configs.load import load_settings
from ml_intern.configs.paths import Home
from ml_intern.configs.prompts import system_prompt
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.llm.models import Models, ModelSource
from ml_intern.nodes.policies.history import valid_history
from ml_intern.sessions import operations as op
from ml_intern.sessions.attaching import Surroundings
from ml_intern.sessions.opening import Sessions, open_sessions
from ml_intern.sessions.session import Session
from ml_intern.tools.registry import TOOLS, by_name
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolSpec

MODEL = "openai/gpt-test"
SERVICE_ADDRESSES = (
    "hf_endpoint", "hf_docs_url", "hf_openapi_url", "dataset_viewer_url", "gradio_docs_url",
    "arxiv_url", "ar5iv_url", "semantic_scholar_url",
)  # fmt: skip
"""The settings that say where the tools' services are."""
CORE = by_name(TOOLS[:6])
"""Tools whose schemas leave room in a small window."""
E = TypeVar("E", bound=ev.Event)


@dataclass
class Agent:
    """A session, its model and everything it has said."""

    session: Session
    sessions: Sessions
    server: ModelServer
    cwd: Path
    events: list[ev.Event] = field(default_factory=list)

    async def do(self, operation: op.Operation) -> list[ev.Event]:
        """The events of one operation."""
        new = [event async for event in self.session.handle(operation)]
        self.events += new
        return new

    def say_live(self, text: str) -> AsyncIterator[ev.Event]:
        return self.session.handle(op.UserInput(text))

    async def say(self, text: str) -> list[ev.Event]:
        return await self.do(op.UserInput(text))

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def messages(self) -> list[AnyMessage]:
        return (await self.session.state()).get("messages", [])

    async def history_violations(self) -> list[str]:
        """What a strict provider would object to in the next request."""
        history = [*valid_history(await self.messages()), HumanMessage("and now?")]
        body = {"model": "m", "messages": convert_to_openai_messages(history)}
        return violations(body)


def surroundings(
    server_url: str,
    root: Path,
    tools: dict[str, ToolSpec[Any]] | None = None,
    keys: dict[str, str] | None = None,
    **settings: Any,
) -> Surroundings:
    """Services that the settings do not name refuse to answer; `keys` are credentials."""
    cwd = root / "work"
    cwd.mkdir(exist_ok=True)
    environ = {"OPENAI_BASE_URL": server_url, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    nowhere = dict.fromkeys(SERVICE_ADDRESSES, "http://127.0.0.1:9")
    flags = {"model_name": MODEL, "max_retries": 2, **nowhere, **settings}
    loaded = load_settings({**environ, "XDG_CONFIG_HOME": str(root)}, cwd, flags)
    tools = tools or by_name()
    keys = {"OPENAI_API_KEY": "sk-test", **(keys or {})}
    schemas = [spec.schema() for spec in tools.values()]
    prompt = partial(system_prompt, cwd)
    models = Models(loaded, keys, schemas, prompt=prompt)
    return Surroundings(
        settings=loaded,
        home=Home(root / "home"),
        cwd=cwd,
        model=models,
        close=models.close,
        tools=tools,
        env=environ,
        services=Services(loaded, keys, root / "home" / "cache"),
    )


@asynccontextmanager
async def agent(
    script: Script | Sequence[Any],
    root: Path,
    *,
    options: RunOptions | None = None,
    proceed: bool = False,
    tools: dict[str, ToolSpec[Any]] | None = None,
    model: ModelSource | None = None,
    keys: dict[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[Agent]:
    """An agent in `root`; `proceed` opens the session used last there."""
    options = options or RunOptions(permission_mode="yolo")
    with ModelServer(script) as server:
        around = surroundings(server.base_url, root, tools, keys, **settings)
        around = replace(around, model=model) if model else around
        async with open_sessions(around) as sessions:
            options = replace(options, model=MODEL)
            if proceed:
                session = await sessions.open(await sessions.last_here(), options, {})
            else:
                session = await sessions.start(options)
            yield Agent(session, sessions, server, around.cwd)
    if litellm := sys.modules.get("litellm"):
        # Clients are cached by event loop, and every test has one of its own.
        litellm.in_memory_llm_clients_cache.flush_cache()
