"""Questions on the input line of a pane without a terminal: which keys answer, and which do not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import DummyCompleter
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import DummyOutput

from ml_intern.cli import pane as pane_module
from ml_intern.cli import person as person_module
from ml_intern.cli.approve import Scope, Stopped
from ml_intern.cli.layout import Parts
from ml_intern.cli.pane import Pane
from ml_intern.cli.person import AtTerminal
from ml_intern.configs.errors import ConfigError


async def taken(rule: str, scope: Scope) -> str:
    return f"{rule} {scope}"


class Desk:
    """A pane, who is asked on it, and what came in as messages."""

    def __init__(self, keys: PipeInput, history: Path) -> None:
        self.keys = keys
        self.messages: list[str] = []
        parts = Parts(live=lambda columns, rows: [], prefix=lambda: "> ", standing=lambda: "")
        bindings = KeyBindings()
        bindings.add("enter")(self._enter)
        self.pane = Pane(parts, bindings, DummyCompleter(), history)
        self.person = AtTerminal(self.pane, taken)

    def _enter(self, event: KeyPressEvent) -> None:
        text = event.current_buffer.text
        if not self.person.take(text):
            self.messages.append(text)
            self.pane.sent()

    async def armed(self) -> None:
        await until(lambda: bool(self.person.label))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


@contextmanager
def plain_input() -> Iterator[PipeInput]:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield keys


@asynccontextmanager
async def at(desk: Desk) -> AsyncIterator[Desk]:
    """The desk, its pane shown."""
    done = asyncio.Event()
    shown = asyncio.create_task(desk.pane.run(done.wait()))
    await until(lambda: desk.pane.app.is_running)
    try:
        yield desk
    finally:
        done.set()
        await shown


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(pane_module, "terminal_output", DummyOutput)
    with plain_input() as keys:
        yield Desk(keys, tmp_path / "history")


async def asked(desk: Desk, act: Callable[[], Awaitable[None]]) -> str:
    """The answer to a question during which `act` is done."""
    answer = asyncio.create_task(desk.person.ask("your answer: "))
    await asyncio.sleep(0)
    await act()
    async with asyncio.timeout(20):
        return await answer


async def test_an_answer_is_what_was_typed_behind_the_question(desk: Desk) -> None:
    async def type_it() -> None:
        await desk.armed()
        desk.keys.send_text("yes\r")

    async with at(desk):
        assert await asked(desk, type_it) == "yes"
        assert desk.pane.buffer.text == desk.person.label == ""
    assert desk.messages == []


async def test_what_was_typed_ahead_is_a_message_and_no_answer(desk: Desk) -> None:
    async def type_it() -> None:
        desk.keys.send_text("y\r")
        await desk.armed()
        desk.keys.send_text("n\r")

    async with at(desk):
        assert await asked(desk, type_it) == "n"
    assert desk.messages == ["y"]


async def test_a_message_that_is_being_written_is_put_aside_and_comes_back(desk: Desk) -> None:
    async def type_it() -> None:
        await desk.armed()
        assert desk.pane.buffer.text == ""
        desk.keys.send_text("n\r")

    async with at(desk):
        desk.keys.send_text("use the sm")
        await until(lambda: desk.pane.buffer.text == "use the sm")
        assert await asked(desk, type_it) == "n"
        assert desk.pane.buffer.text == "use the sm"


async def answer_yes(desk: Desk) -> None:
    await desk.armed()
    desk.keys.send_text("y\r")


async def test_a_second_key_for_the_question_before_answers_nothing(desk: Desk) -> None:
    async def too_early() -> None:
        desk.keys.send_text("y\r")
        await desk.armed()
        desk.keys.send_text("n\r")

    async with at(desk):
        await asked(desk, lambda: answer_yes(desk))
        assert await asked(desk, too_early) == "n"
    assert desk.messages == []


async def test_a_message_begun_right_behind_an_answer_is_kept(desk: Desk) -> None:
    """The next question used to wipe it away, finished or not."""

    async def on_it_goes() -> None:
        desk.keys.send_text("and mind the seed\rthen t")
        await desk.armed()
        desk.keys.send_text("n\r")

    async with at(desk):
        await asked(desk, lambda: answer_yes(desk))
        assert await asked(desk, on_it_goes) == "n"
        assert desk.pane.buffer.text == "then t"
    assert desk.messages == ["and mind the seed"]


@pytest.mark.parametrize("early", [True, False])
async def test_a_stop_ends_the_question(desk: Desk, early: bool) -> None:
    async def stop() -> None:
        if not early:
            await desk.armed()
        assert desk.person.stop()

    async with at(desk):
        with pytest.raises(Stopped):
            await asked(desk, stop)
        assert not desk.person.stop()
        assert not desk.person.asked


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = tmp_path / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(person_module, "_editor", lambda: [str(path)])


async def test_an_editor_gets_the_text_and_gives_it_back(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, 'echo "$1" > seen; tr a-z A-Z < "$1" > up; cat up > "$1"')
    monkeypatch.chdir(tmp_path)
    async with at(desk):
        assert await desk.person.edit("größe = 'ab'\n", ".py") == "GRößE = 'AB'\n"
    seen = Path((tmp_path / "seen").read_text().strip())
    assert seen.suffix == ".py"
    assert not seen.exists()


@pytest.mark.parametrize(
    ("script", "said"), [("exit 3", "ended with 3"), ('printf "\\377" > "$1"', "not UTF-8")]
)
async def test_an_editor_that_fails_changes_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    editor(tmp_path, monkeypatch, script)
    async with at(desk):
        with pytest.raises(ConfigError, match=said):
            await desk.person.edit("x", ".txt")
        assert not desk.pane.away


async def test_an_editor_is_ended_with_the_question(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new "
           f"{tmp_path}/pid; exec sleep 300")  # fmt: skip
    async with at(desk):
        task = asyncio.create_task(desk.person.edit("x", ".txt"))
        await until((tmp_path / "pid").exists)
        task.cancel()
        await asyncio.wait([task])
        pid = int((tmp_path / "pid").read_text())
        await until(lambda: not runs(pid))


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_rule_goes_to_who_takes_it(desk: Desk) -> None:
    assert await desk.person.allow("bash(ls)", "user") == "bash(ls) user"
