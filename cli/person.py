"""The person at the terminal, as whoever asks them sees them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from ml_intern.cli.approve import Scope, Stopped
from ml_intern.cli.pane import Pane
from ml_intern.configs.environment import editor, prepared_environment
from ml_intern.configs.errors import ConfigError

_QUIET = 0.4
"""Seconds without a key before a question takes answers: what was typed ahead is none."""
_FOLLOWS = 2.0
"""Seconds after an answer in which keys are meant for the question, not for a message."""

_KEYS = 3
"""Characters of the longest answer by key, `yes`."""


class AtTerminal:
    """Asks on the pane's input line; a message that was being written there is kept aside."""

    def __init__(self, pane: Pane, allow: Callable[[str, Scope], Awaitable[str]]) -> None:
        self._pane = pane
        self._allow = allow
        self._answer: asyncio.Future[str] | None = None
        self._armed = False
        self._answered_at = -_FOLLOWS
        self._key_at = 0.0
        self.label = ""
        """What stands before the input while an answer is awaited."""
        pane.app.key_processor.before_key_press += lambda _: self._pressed()

    @property
    def asked(self) -> bool:
        """Whether a question is open."""
        return self._answer is not None

    async def ask(self, question: str, begin: str = "") -> str:
        """Their answer to `question`, the input line beginning with `begin`.

        Raises:
            Stopped: they want the turn to end.
        """
        self._answer = asyncio.get_running_loop().create_future()
        try:
            await self._still(self._answer)
            if self._answer.done():
                return self._answer.result()
            return await self._asked(self._answer, question, begin)
        finally:
            self._answer = None
            self._answered_at = time.monotonic()

    def take(self, text: str) -> bool:
        """Offer a finished line; whether it was an answer, or meant as one too early."""
        if self._answer is None or self._answer.done():
            return False
        if self._armed:
            self._answer.set_result(text)
            return True
        if self._follows() and _slip(text):
            self._pane.put("")
            return True
        return False

    def stop(self) -> bool:
        """End the turn instead of answering; False if nothing is asked."""
        if self._answer is None or self._answer.done():
            return False
        self._answer.set_exception(Stopped())
        return True

    async def edit(self, text: str, suffix: str) -> str | None:
        """`text` after their editor; None if they named none, or it could not be run."""
        words = await asyncio.to_thread(_editor)
        if not words:
            return None
        path = await asyncio.to_thread(_saved, text, suffix)
        editor = Editor(words, path)
        try:
            await self._pane.leave_to(editor.run)
            return await asyncio.to_thread(path.read_text, encoding="utf-8")
        except UnicodeDecodeError:
            raise ConfigError("The edited text is not UTF-8; the call is as it was.") from None
        finally:
            editor.stop()
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def allow(self, rule: str, scope: Scope) -> str:
        """Take a permission rule; what to say about it."""
        return await self._allow(rule, scope)

    async def _asked(self, answer: asyncio.Future[str], question: str, begin: str) -> str:
        draft = self._pane.buffer.text
        self._pane.put(begin)
        self.label, self._armed = question, True
        self._pane.refresh()
        try:
            return await answer
        finally:
            self.label, self._armed = "", False
            self._pane.put(draft)
            self._pane.refresh()

    async def _still(self, answer: asyncio.Future[str]) -> None:
        """Wait until nobody is typing, or nobody is asked any more."""
        begun = time.monotonic()
        while not answer.done():
            left = max(begun, self._key_at) + _QUIET - time.monotonic()
            if left <= 0:
                break
            await asyncio.wait([answer], timeout=left)
        if self._follows() and _slip(self._pane.buffer.text):
            self._pane.put("")

    def _follows(self) -> bool:
        return time.monotonic() - self._answered_at < _FOLLOWS

    def _pressed(self) -> None:
        self._key_at = time.monotonic()


def _slip(text: str) -> bool:
    """Whether it can be a key for a question; anything longer is a message, and is kept."""
    return len(text.strip()) <= _KEYS


def _editor() -> list[str]:
    try:
        return editor(prepared_environment())
    except ValueError:
        return []


def _saved(text: str, suffix: str) -> Path:
    handle, name = tempfile.mkstemp(prefix="ml-intern-", suffix=suffix)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)
    return Path(name)


class Editor:
    """Another program on the person's terminal, which is not waited for if they leave."""

    def __init__(self, words: list[str], path: Path) -> None:
        self._words = [*words, str(path)]
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Until it ends.

        Raises:
            ConfigError: it could not be started, or says that it failed.
        """
        try:
            self._process = subprocess.Popen(self._words)
        except OSError as error:
            raise ConfigError(
                f"The editor {self._words[0]} could not be started: {error.strerror}. "
                "Set EDITOR to another."
            ) from error
        if code := self._process.wait():
            raise ConfigError(f"The editor ended with {code}; the call is as it was.")

    def stop(self) -> None:
        """End it, should it still run."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
