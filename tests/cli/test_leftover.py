"""The command, after a process that died with messages of the user's undelivered."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, ModelServer, Step, calls, fault, text
from process import run

WRITE = calls(Call("write", {"path": "out.txt", "content": "x"}))


def leave(root: Path, *messages: str) -> None:
    """What a process that is killed leaves in the newest session."""
    with closing(sqlite3.connect(root / "home" / "sessions.sqlite")) as database, database:
        (session,) = database.execute("SELECT id FROM sessions").fetchone()
        rows = [(session, n, f"id{n}", said) for n, said in enumerate(messages, 1)]
        database.executemany("INSERT INTO inbox (session, number, id, text) VALUES (?,?,?,?)", rows)


def left(root: Path) -> int:
    with closing(sqlite3.connect(root / "home" / "sessions.sqlite")) as database:
        return int(database.execute("SELECT count(*) FROM inbox").fetchone()[0])


def users(body: dict[str, Any]) -> list[str]:
    return [m["content"] for m in body["messages"] if m["role"] == "user"]


ENDED = {
    "done": ([text("Done.")], ("go",), ["go"]),
    "failed": ([fault("401")], ("go",), ["go"]),
    "denied": ([WRITE, text("No.")], ("go", "--permission-mode=default"), ["go"]),
}


@pytest.mark.parametrize("ending", ENDED)
@pytest.mark.parametrize("words", [("-c", "next"), ("-c",)], ids=["message", "none"])
def test_going_on_says_what_waited_once_and_in_order(
    tmp_path: Path, ending: str, words: tuple[str, ...]
) -> None:
    script, first, said = ENDED[ending]
    with ModelServer(script) as server:
        run(tmp_path, *first, server=server)
    leave(tmp_path, "one", "two")
    answers: list[Step] = [text("Heard.")]
    if ending == "failed" and len(words) == 1:  # the turn that failed is answered before
        answers.insert(0, text("Late."))
    with ModelServer(answers) as server:
        ended = run(tmp_path, *words, server=server)
        waited = "\n\n".join(["one", "two", *words[1:]])
        assert "\n\n".join(users(server.bodies[-1])) == "\n\n".join([*said, waited])
        assert (ended.code, ended.out) == (0, "Heard.\n"), ended.err
    assert left(tmp_path) == 0
    with ModelServer([text("Yes.")]) as server:
        assert run(tmp_path, "-c", "more", server=server).code == 0
        assert "\n\n".join(users(server.bodies[-1])) == "\n\n".join([*said, waited, "more"])
