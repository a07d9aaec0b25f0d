"""The first start, with no model to work with: what was looked for, and the ways to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ml_intern.cli.hubtoken import check, save, sound
from ml_intern.cli.safe import safe
from ml_intern.configs.environment import prepared_environment
from ml_intern.configs.errors import CredentialError, MlInternError
from ml_intern.configs.load import LOCAL_SERVERS
from ml_intern.configs.secrets import token_file
from ml_intern.configs.settings import Settings
from ml_intern.llm.choice import DEFAULTS, Choice, choose, servers, variables
from ml_intern.llm.endpoint import PROVIDER_KEYS

Ask = Callable[[str, bool], Awaitable[str]]
"""Asks a person a question; with True, what is typed is not shown.

Raises KeyboardInterrupt or EOFError if the person wants to leave.
"""

_WAYS = (
    "paste a Hugging Face token; you get one at {hub}/settings/tokens",
    "paste the key of another provider",
    "use a local server: start it now, then choose this",
    "watch the demo, which needs no key",
)


async def first_run(
    settings: Settings,
    keys: MutableMapping[str, str],
    cwd: Path,
    *,
    console: Console | None = None,
    ask: Ask | None = None,
) -> Choice:
    """The model that a person finds a way to; a key they paste is put into `keys`.

    Raises:
        CredentialError: they would rather leave.
    """
    start = FirstRun(settings, keys, cwd, console or Console(highlight=False), ask or ask_person)
    try:
        await start.explain()
        while not (choice := await start.step()):
            pass
    except (KeyboardInterrupt, EOFError):
        raise CredentialError(
            "No model was chosen, so nothing was started. Set HF_TOKEN or another provider's key, "
            "or start a local server. To see how it works without any: ml-intern demo."
        ) from None
    return choice


async def ask_person(question: str, hidden: bool) -> str:
    """Ask at the terminal."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import DummyHistory

    session: PromptSession[str] = PromptSession(history=DummyHistory())
    return await session.prompt_async(question, is_password=hidden)


class FirstRun:
    """One person, who is asked until there is a model or they leave."""

    def __init__(
        self,
        settings: Settings,
        keys: MutableMapping[str, str],
        cwd: Path,
        console: Console,
        ask: Ask,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._cwd = cwd
        self._console = console
        self._ask = ask

    async def explain(self) -> None:
        """Say what was looked for."""
        asked = await servers(self._settings, self._keys)
        self._say("There is no model to work with yet. Looked for:", "bold")
        self._say(f"  a key in the environment: {', '.join(variables())}")
        file, saved = self._cwd / ".env", token_file(prepared_environment())
        self._say(f"  the same in {await asyncio.to_thread(_state, file)}")
        self._say(f"  a saved Hugging Face token in {await asyncio.to_thread(_state, saved)}")
        self._say(f"  a local server ({', '.join(LOCAL_SERVERS)}):")
        for server in asked:
            state = "nobody answers" if server.models is None else "runs, but has no model for chat"
            self._say(f"    {server.base}: {state}")

    async def step(self) -> Choice | None:
        """Ask for a way and go it; None if it led nowhere.

        Raises:
            EOFError: no way was wanted.
        """
        self._say("Ways to go on:", "bold")
        ways = (self._token, self._key, self._server, self._demo)
        number = await self._pick([way.format(hub=self._settings.hf_endpoint) for way in _WAYS])
        if number is None:
            raise EOFError
        return await ways[number]()

    async def _token(self) -> Choice | None:
        hub, router = self._settings.hf_endpoint, self._settings.hf_router_url
        asked = f"Token (not shown; goes to {hub} and, for its models, {router} only): "
        while token := (await self._ask(asked, True)).strip():
            if not sound(token):
                self._say("  That is not a token: it has a blank or another odd character.", "red")
                continue
            self._say("  checking …", "dim")
            checked = await check(token, hub)
            if checked.problem:
                self._say(f"  {checked.problem} Empty: another way.", "red")
                continue
            self._say(f"  Signed in as {checked.user}. {await save(token, checked.name)}")
            self._keys["HF_TOKEN"] = token
            return await self._chosen()
        return None

    async def _key(self) -> Choice | None:
        providers = [name for name in DEFAULTS if name != "huggingface"]
        number = await self._pick([f"{name}: {DEFAULTS[name]}" for name in providers])
        if number is None:
            return None
        variable = PROVIDER_KEYS[providers[number]][0]
        while key := (await self._ask(f"{variable} (not shown): ", True)).strip():
            if not sound(key):
                self._say("  That is not a key: it has a blank or another odd character.", "red")
                continue
            self._keys[variable] = key
            self._say("  The key is used for this session only. To keep it, put this line into")
            self._say(f"  your shell's start-up file: export {variable}=<the key>")
            return await self._chosen()
        return None

    async def _server(self) -> Choice | None:
        found = await servers(self._settings, self._keys)
        served = [(name, server.base) for server in found for name in server.models or ()]
        if not served:
            bases = ", ".join(server.base for server in found)
            self._say(f"  No server has a model at {bases}.", "red")
            self._say("  Another address goes into LOCAL_LLM_BASE_URL or its like.")
            return None
        number = await self._pick([f"{name} at {base}" for name, base in served])
        return None if number is None else Choice(model=served[number][0])

    async def _demo(self) -> Choice | None:
        from ml_intern.cli.demo import play

        try:
            await play(self._cwd, "text", goes_on=True)
        except MlInternError as error:
            self._say(f"  {error}", "red")
        return None

    async def _chosen(self) -> Choice | None:
        try:
            return await choose(self._settings, self._keys)
        except MlInternError as error:
            self._say(f"  {error}", "red")
            return None

    async def _pick(self, options: Sequence[str]) -> int | None:
        """The place of the option that is chosen; None for an empty answer."""
        for number, option in enumerate(options, start=1):
            self._say(f"  {number:>2}  {option}")
        asked = f"Which one? (1-{len(options)}, empty: none) "
        while answer := (await self._ask(asked, False)).strip():
            if answer.isdecimal() and 1 <= int(answer[:9]) <= len(options):
                return int(answer[:9]) - 1
            self._say(f"  A number from 1 to {len(options)}, please.", "red")
        return None

    def _say(self, line: str, style: str = "") -> None:
        self._console.print(Text(safe(line), style=style), soft_wrap=True)


def _state(path: Path) -> str:
    return f"{path} ({'it has none' if path.is_file() else 'not there'})"
