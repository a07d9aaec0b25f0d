"""From the command line's words to an open session."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ml_intern.cli.choose import choose
from ml_intern.cli.request import Request
from ml_intern.configs.environment import prepared_environment
from ml_intern.configs.errors import ConfigError, MlInternError
from ml_intern.configs.load import load_settings
from ml_intern.configs.paths import home
from ml_intern.configs.secrets import child_environment, credentials
from ml_intern.configs.settings import Settings
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.deps import Models, ModelSource
from ml_intern.sessions.opening import Surroundings, open_sessions
from ml_intern.sessions.session import Session
from ml_intern.tools.registry import by_name


@asynccontextmanager
async def open_session(request: Request, *, interactive: bool) -> AsyncIterator[Session]:
    """The session that `request` names; its model is being loaded meanwhile.

    Raises:
        MlInternError: the configuration or the database cannot be used, or no such session.
    """
    around = _surroundings(request)
    options = _options(request, around.settings, interactive=interactive)
    given = {_OPTION_OF.get(key, key): value for key, value in request.flags.items()}
    async with open_sessions(around) as sessions:
        if request.resume is not None:
            wanted = request.resume or await choose(sessions.threads, interactive=interactive)
            session = await sessions.by_id(wanted, options, given)
        elif request.proceed:
            session = await sessions.latest(options, given)
        else:
            session = sessions.start(options)
        loading = asyncio.create_task(_load(around.model, session.options.model))
        try:
            yield session
        finally:
            loading.cancel()


_OPTION_OF = {"model_name": "model"}


def _surroundings(request: Request) -> Surroundings:
    environ = prepared_environment()
    if not request.cwd.is_dir():
        raise ConfigError(f"--cwd {request.cwd}: there is no such folder.")
    settings = load_settings(environ, request.cwd, request.flags, request.config)
    tools = by_name()
    model = Models(settings, credentials(environ, request.cwd), tools)
    return Surroundings(
        settings=settings,
        home=home(environ),
        cwd=request.cwd,
        model=model,
        close=model.close,
        tools=tools,
        env=child_environment(environ),
    )


def _options(request: Request, settings: Settings, *, interactive: bool) -> RunOptions:
    return RunOptions(
        model=settings.model_name,
        permission_mode=settings.permission_mode or ("default" if interactive else "yolo"),
        max_iterations=settings.max_iterations,
        stream=request.stream,
        interactive=interactive,
    )


async def _load(model: ModelSource, name: str | None) -> None:
    """Import the provider's library before it is needed. What fails here fails again, aloud."""
    with suppress(MlInternError):
        await model(name)
    # The collector is off since the command began: it would go through millions of new objects.
    gc.freeze()
    gc.enable()
