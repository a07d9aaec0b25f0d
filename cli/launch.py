"""From the command line's words to an open session."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from ml_intern.checkpoints.threads import Thread
from ml_intern.cli.choose import choose
from ml_intern.cli.request import Request
from ml_intern.configs.environment import prepared_environment
from ml_intern.configs.errors import ConfigError, CredentialError, MlInternError
from ml_intern.configs.guidance import guidance_in
from ml_intern.configs.load import load_settings, read_layer
from ml_intern.configs.paths import home, user_config
from ml_intern.configs.prompts import system_prompt
from ml_intern.configs.rules import doubts
from ml_intern.configs.secrets import child_environment, credentials
from ml_intern.configs.settings import Settings
from ml_intern.graph.context import RunOptions
from ml_intern.llm.choice import choose as choose_model
from ml_intern.llm.models import Models, ModelSource
from ml_intern.sessions import operations as op
from ml_intern.sessions.attaching import Surroundings
from ml_intern.sessions.opening import Sessions, open_sessions
from ml_intern.sessions.session import Session
from ml_intern.tools.registry import by_name
from ml_intern.tools.services import Services


@asynccontextmanager
async def open_session(request: Request, *, interactive: bool) -> AsyncIterator[Session]:
    """The session that `request` names; its model is being loaded meanwhile.

    Raises:
        MlInternError: the configuration or the database cannot be used, or no such session.
    """
    keys = credentials(prepared_environment(), request.cwd)
    around = surroundings(request, keys)
    options = _options(request, around.settings, interactive=interactive)
    given = {_OPTIONS[key]: value for key, value in request.flags.items() if key in _OPTIONS}
    async with open_sessions(around) as sessions:
        thread = await wanted(request, sessions, interactive=interactive)
        if thread and (there := _elsewhere(thread, request)):
            # Its folder's rules and limits hold, wherever it is gone on with.
            around = surroundings(there, keys)
            request, sessions = there, sessions.within(around)
            options = _options(request, around.settings, interactive=interactive)
        options, said = await _with_model(request, around.settings, options, thread, keys)
        if thread is None:
            session = await sessions.start(options)
            said += await _told_of_guidance(request)
        elif request.fork or request.fork_into:
            fork = op.Fork(folder=request.fork_into)
            session = await sessions.fork(thread, options, given, fork)
        else:
            session = await sessions.open(thread, options, given)
        settings = around.settings
        said += doubts((*settings.deny, *settings.ask, *settings.allow), around.tools)
        if said:
            session.say_first(said)
        loading = asyncio.create_task(_load(around.model, session.options.model))
        try:
            yield session
        finally:
            loading.cancel()


def _elsewhere(thread: Thread, request: Request) -> Request | None:
    """The request as if made in the session's folder, if that is another one."""
    folder = Path(thread.cwd)
    same = folder == request.cwd or not folder.is_dir()
    return None if same else replace(request, cwd=folder)


async def _with_model(
    request: Request,
    settings: Settings,
    options: RunOptions,
    thread: Thread | None,
    keys: MutableMapping[str, str],
) -> tuple[RunOptions, list[str]]:
    """The options with a model that can be used, where none was named; and why it is that one.

    Raises:
        CredentialError: there is none.
    """
    named = (thread and thread.options.get("model")) or _names_model(request)
    if named:
        return options, []
    try:
        choice = await choose_model(settings, keys)
    except CredentialError:
        if not options.interactive:
            raise
        from ml_intern.cli.firstrun import first_run

        choice = await first_run(settings, keys, request.cwd)
    return replace(options, model=choice.model), [choice.reason] if choice.reason else []


async def _told_of_guidance(request: Request) -> list[str]:
    """What to say of the instructions and skills that a new session was given."""
    found = await asyncio.to_thread(guidance_in, request.cwd, prepared_environment())
    return found.told()


def _names_model(request: Request) -> bool:
    """Whether the user did, instead of leaving it to the packaged default."""
    environ = prepared_environment()
    given = request.flags.keys() | read_layer(request.config or user_config(environ), environ)
    return "model_name" in given or "ML_INTERN_MODEL_NAME" in environ


async def wanted(request: Request, sessions: Sessions, *, interactive: bool) -> Thread | None:
    """The session to go on with; None for a new one."""
    if request.resume is not None:
        chosen = request.resume or await choose(sessions, interactive=interactive)
        return await sessions.find(chosen)
    if request.proceed:
        return await sessions.last_here()
    if request.fork or request.fork_into:
        raise ConfigError("--fork copies a session: name one with --resume ID or --continue.")
    return None


_OPTIONS = {
    "model_name": "model",
    "permission_mode": "permission_mode",
    "max_iterations": "max_iterations",
    "effort": "effort",
    "max_budget_usd": "max_budget_usd",
}
"""The settings that are a session's own, by the name of the option."""


def surroundings(request: Request, keys: Mapping[str, str] | None = None) -> Surroundings:
    """What the sessions of this process share.

    `keys` are looked up when a model is made, so that one can still be put into them.

    Raises:
        ConfigError: the folder, a file or a variable is wrong.
    """
    environ = prepared_environment()
    if not request.cwd.is_dir():
        raise ConfigError(f"--cwd {request.cwd}: there is no such folder.")
    settings = load_settings(environ, request.cwd, request.flags, request.config)
    tools, place = by_name(), home(environ)
    keys = credentials(environ, request.cwd) if keys is None else keys
    model = Models(
        settings,
        keys,
        [spec.schema() for spec in tools.values()],
        prompt=partial(system_prompt, request.cwd),
        cache=place.cache,
    )
    return Surroundings(
        settings=settings,
        home=place,
        cwd=request.cwd,
        model=model,
        close=model.close,
        tools=tools,
        env=child_environment(environ),
        services=Services(settings, keys, place.cache),
    )


def _options(request: Request, settings: Settings, *, interactive: bool) -> RunOptions:
    return RunOptions(
        model=settings.model_name,
        permission_mode=settings.permission_mode or ("default" if interactive else "yolo"),
        max_iterations=settings.max_iterations,
        effort=settings.effort,
        max_budget_usd=settings.max_budget_usd,
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
