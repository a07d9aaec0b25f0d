"""The one way to the Hub's API: its own client, in threads, with deadlines and words for errors."""

from __future__ import annotations

import asyncio
import importlib
import time
import traceback
from collections.abc import Callable
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from ml_intern.llm.background import in_daemon
from ml_intern.tools.errors import ToolError, ToolTimeout
from ml_intern.tools.hub.errors import HubError, hub_error, unreadable

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")

_PAUSES = (0.5, 2.0)
"""Seconds before the second and the third attempt of what only reads."""
_SILENCE = 60.0
"""Seconds without a byte after which a connection of the library is given up: it has no limit."""

_MISREAD = (
    LookupError, TypeError, ValueError, AttributeError, NameError, ArithmeticError, RecursionError,
)  # fmt: skip


class Hub:
    """The Hub at `endpoint`, asked with the token that `token` gives at that moment."""

    def __init__(self, endpoint: str, token: Callable[[], str | None]) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._token = token
        self._turns: dict[tuple[object, str], asyncio.Lock] = {}
        self._known: dict[tuple[str, str | None], tuple[float, Any]] = {}

    @property
    def token(self) -> str | None:
        """The user's token; for the Hub's own hosts only."""
        return self._token()

    async def read(self, what: str, work: Callable[[HfApi], T], seconds: float = 60) -> T:
        """What `work` gets from the Hub; tried again where the Hub is busy or down.

        Args:
            what: What is asked for, as errors name it: "the model a/b".
            work: Blocking calls that change nothing; a lazy listing must be drained in it.
            seconds: For one attempt.

        Raises:
            HubError: the Hub's refusal.
            ToolTimeout: it took too long.
        """
        for pause in (*_PAUSES, None):
            try:
                return await self.write(what, work, seconds)
            except HubError as error:
                if pause is None or error.kind not in ("busy", "down"):
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def known(self, what: str, work: Callable[[HfApi], T], lifetime: float) -> T:
        """As `read`, or what that gave this process less than `lifetime` seconds ago.

        `what` tells one thing asked for from another: for the few that all sessions share.
        """
        name = (what, self.token)
        if name in self._known and time.monotonic() - self._known[name][0] < lifetime:
            found: T = self._known[name][1]
            return found
        found = await self.read(what, work)
        self._known[name] = (time.monotonic(), found)
        return found

    def turn(self, name: str) -> asyncio.Lock:
        """Held while `name` is changed: of calls at once, each sees what the last one did."""
        key = (asyncio.get_running_loop(), name.casefold())
        return self._turns.setdefault(key, asyncio.Lock())

    async def write(self, what: str, work: Callable[[HfApi], T], seconds: float = 120) -> T:
        """What `work` does at the Hub, once.

        Whoever is cancelled leaves it under way: the library cannot be stopped.

        Raises:
            HubError: the Hub's refusal.
            ToolTimeout: it took too long; it may have been done.
        """
        try:
            async with asyncio.timeout(seconds):
                return await in_daemon(partial(self._work, work))
        except TimeoutError:
            raise ToolTimeout(f"The Hub took more than {seconds:g} s for {what}.") from None
        except ToolError:
            raise
        except Exception as error:
            if _of_the_library(error):
                raise hub_error(error, what, token=self.token) from error
            if _in_the_library(error):
                raise unreadable(what) from error
            raise

    def _work(self, work: Callable[[HfApi], T]) -> T:
        return work(self.api())

    def api(self) -> HfApi:
        """The library's client; for threads: importing it takes 0.3 s."""
        library = _library()
        # False keeps the library from taking a token that it finds by itself.
        api: HfApi = library.HfApi(
            endpoint=self.endpoint,
            token=self.token or False,
            library_name="ml-intern",
        )
        return api


_LOADING = Lock()


def _library() -> Any:  # noqa: ANN401 - a module
    # The cache alone lets several first callers each put another client under the others' feet.
    with _LOADING:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Any:  # noqa: ANN401 - a module
    module = importlib.import_module("huggingface_hub")
    module.set_client_factory(_bounded)
    module.utils.disable_progress_bars()
    module.utils.logging.set_verbosity_error()
    return module


def _bounded() -> Any:  # noqa: ANN401 - an httpx client
    """The library's own client with a limit: a thread that nobody waits for must end, too."""
    http = importlib.import_module("huggingface_hub.utils._http")
    client = http.default_client_factory()
    client.timeout = _SILENCE
    return client


def _in_the_library(error: Exception) -> bool:
    """Whether it met an answer of a form that it does not know: it reads them without checks."""
    frames = traceback.walk_tb(error.__traceback__)
    names = (frame.f_globals.get("__name__", "") for frame, _ in frames)
    return isinstance(error, _MISREAD) and any(n.startswith("huggingface_hub.") for n in names)


def _of_the_library(error: Exception) -> bool:
    """Whether it speaks of the Hub, not of a defect of ours."""
    modules = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
    return bool(modules & {"huggingface_hub", "httpx", "requests"})
