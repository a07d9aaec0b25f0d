"""`ml-intern doctor`: says what is wrong, whatever it is, and mends without losing anything."""

from __future__ import annotations

import asyncio
import gzip
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pexpect
import pytest

import postgres
from emulators.openai_server import Call, ModelServer, calls, text
from harness import agent
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.schema import SCHEMA_VERSION
from ml_intern.cli.app import main
from process import COMMAND, Ended, environment, finish, run, start, workdir

SECRETS = ("sk-very-secret", "hunter2", "hf_very_secret")
Command = Callable[..., Ended]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`ml-intern doctor …` in this process; never a traceback, never a secret."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS[0])
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://me:{SECRETS[1]}@127.0.0.1:9/v1?key={SECRETS[2]}")
    monkeypatch.chdir(workdir(tmp_path))

    def call(*words: str) -> Ended:
        with pytest.raises(SystemExit) as left:
            main(["doctor", *words])
        out, err = capsys.readouterr()
        assert not any(secret in out + err for secret in (*SECRETS, "Traceback"))
        return Ended(int(left.value.code or 0), out, err)

    return call


def talk(root: Path, *say: str) -> str:
    """A session of some turns; its id."""

    async def one() -> str:
        async with agent([text("Yes. " * 200)] * len(say), root) as it:
            for line in say:
                await it.say(line)
            return it.session.id

    return asyncio.run(one())


def database(root: Path) -> Path:
    return root / "home" / "sessions.sqlite"


def sql(root: Path, *statements: str) -> list[Any]:
    with closing(sqlite3.connect(database(root), isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements]


def checks(ended: Ended, level: str) -> list[str]:
    return [f"{c['check']}: {c['found']}" for c in ended.json["checks"] if c["level"] == level]


def zeroed(content: bytes, begin: int, count: int = 4096) -> bytes:
    return content[:begin] + bytes(count) + content[begin + count :]


def test_all_is_well(tmp_path: Path, command: Command) -> None:
    talk(tmp_path, "hello")
    ended = command()
    assert ended.code == 0
    assert ended.out.endswith("No problems.\n")
    assert "ok      keys: set: OPENAI_API_KEY\n" in ended.out
    assert "ok      model: openai/gpt-test at http://127.0.0.1:9/v1\n" in ended.out
    assert "ok      sessions: 1 session, readable" in ended.out
    assert "warning network: http://127.0.0.1:9/v1 does not answer (ConnectError)" in ended.out


def test_a_proxy_that_cannot_be_used_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    ended = command()
    assert "warning network: a proxy in the environment cannot be used" in ended.out
    assert "Look at ALL_PROXY" in ended.out


class Refusing(BaseHTTPRequestHandler):
    """Wants a key, which the doctor does not send."""

    status = 401

    def do_GET(self) -> None:
        assert "Authorization" not in self.headers
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "level", "said"),
    [(401, "ok", "answers"), (502, "warning", "answers with status 502")],
)
def test_an_endpoint_that_answers(
    command: Command, monkeypatch: pytest.MonkeyPatch, status: int, level: str, said: str
) -> None:
    monkeypatch.setattr(Refusing, "status", status)
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        ended = command("--json")
        server.shutdown()
        thread.join()
    assert f"network: {url} {said}" in checks(ended, level)


def test_json_is_one_object(tmp_path: Path, command: Command) -> None:
    value = command("--json").json
    assert value.keys() == {"schema_version", "ok", "checks", "repairs"}
    assert value["ok"] is True
    keys = {"check", "level", "found", "remedy", "repairable"}
    assert all(found.keys() == keys for found in value["checks"])
    assert not (tmp_path / "home").exists()  # looking makes nothing


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: zeroed(content, 0, 16),
        lambda content: zeroed(content, 100, 8),
        lambda content: zeroed(content, 0),
        lambda content: zeroed(content, 4096),
        lambda content: zeroed(content, 8192),
        lambda content: zeroed(content, 12288),
        lambda content: zeroed(content, 16384),
    ],
    ids=["magic", "tree", "page 1", "page 2", "page 3", "page 4", "page 5"],
)
def test_a_damaged_page_costs_no_session(
    tmp_path: Path, command: Command, damage: Callable[[bytes], bytes]
) -> None:
    ids = [talk(tmp_path, "one", "two"), talk(tmp_path, "three")]
    content = database(tmp_path).read_bytes()
    database(tmp_path).write_bytes(damage(content))
    told = command()
    assert told.code == 1
    assert "is damaged" in told.out
    assert "ml-intern doctor --fix" in told.out
    assert database(tmp_path).read_bytes() == damage(content)
    mended = command("--fix")
    assert mended.code == 0, mended.out
    assert "Saved 2 sessions" in mended.out
    copy = database(tmp_path).with_name("sessions.sqlite.damaged-1")
    assert copy.read_bytes() == damage(content)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(i for (i,) in sql(tmp_path, "SELECT id FROM sessions")[0]) == sorted(ids)
    assert command("--json").json["ok"]
    main_messages = asyncio.run(_conversation(tmp_path))
    assert len(main_messages) == 2


async def _conversation(root: Path) -> list[Any]:
    async with agent([], root, proceed=True) as it:
        return await it.messages()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello world " * 900, "is damaged"),
        (b"SQLite format 3\0", "is damaged"),
    ],
)
def test_what_is_no_database_is_kept_and_replaced(
    tmp_path: Path, command: Command, content: bytes, said: str
) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    database(tmp_path).write_bytes(content)
    assert said in command().out
    ended = command("--fix", "--json")
    assert ended.json["ok"]
    assert database(tmp_path).with_name("sessions.sqlite.damaged-1").read_bytes() == content
    assert sql(tmp_path, "SELECT count(*) FROM sessions") == [[(0,)]]


def test_a_file_cut_in_half(tmp_path: Path, command: Command) -> None:
    first = talk(tmp_path, "one")
    for _ in range(8):
        talk(tmp_path, "two", "three")
    content = database(tmp_path).read_bytes()
    database(tmp_path).write_bytes(content[: len(content) // 2])
    assert command().code == 1
    command("--fix")
    known = [i for (i,) in sql(tmp_path, "SELECT id FROM sessions")[0]]
    assert first in known
    assert command(first, "--json").json["ok"]


def test_damage_inside_a_value_goes_back_to_what_can_be_read(
    tmp_path: Path, command: Command
) -> None:
    """SQLite sees nothing wrong."""
    bad, good = talk(tmp_path, "one", "two"), talk(tmp_path, "three")
    newest = f"(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = '{bad}')"
    sql(tmp_path, f"UPDATE checkpoints SET checkpoint = x'c1c1' WHERE checkpoint_id = {newest}")
    (told,) = checks(command("--json"), "problem")
    assert told.startswith(f"session {bad[:8]}: its newest checkpoint cannot be read")
    assert command(good, "--json").json["ok"]
    mended = command("--fix")
    assert mended.code == 0
    assert "(1 lost)" in mended.out
    assert command(bad, "--json").json["ok"]


def test_a_row_of_the_list_that_makes_no_sense(tmp_path: Path, command: Command) -> None:
    bad = talk(tmp_path, "one")
    sql(tmp_path, "UPDATE sessions SET usage = '{', options = 'x'")
    assert "the list of sessions cannot be read" in command().out
    assert command("--fix", "--json").json["ok"]
    assert sql(tmp_path, "SELECT id, usage, options FROM sessions") == [[(bad, "{}", "{}")]]


def test_a_lost_row_is_made_anew(tmp_path: Path, command: Command) -> None:
    lost = talk(tmp_path, "one")
    content = database(tmp_path).read_bytes()
    page = sql(tmp_path, "SELECT rootpage FROM sqlite_master WHERE name = 'sessions'")[0][0][0]
    database(tmp_path).write_bytes(zeroed(content, (page - 1) * 4096))
    assert "had lost their title and folder" in command("--fix").out
    found = sql(tmp_path, "SELECT id, title, turns FROM sessions")
    assert found == [[(lost, "Recovered session", 1)]]
    assert len(asyncio.run(_conversation(tmp_path))) == 2


def test_orphans_go_and_others_stay(tmp_path: Path, command: Command) -> None:
    kept, lost = talk(tmp_path, "one"), talk(tmp_path, "two")
    sql(tmp_path, f"DELETE FROM sessions WHERE id = '{lost}'")
    home = tmp_path / "home"
    for name in (kept, lost, "studio", "mine"):
        (home / "outputs" / name).mkdir(parents=True)
        (home / "outputs" / name / "1.txt").touch()
    stale = home / "locks" / str(uuid.uuid4())
    stale.touch()
    ended = command()
    assert ended.code == 0
    assert "of 1 sessions that do not exist" in ended.out
    assert "Some of this can be repaired: ml-intern doctor --fix" in ended.out
    assert (home / "outputs" / lost).exists()
    assert command("--fix").code == 0
    assert sorted(p.name for p in (home / "outputs").iterdir()) == sorted([kept, "studio", "mine"])
    assert not stale.exists()
    for table, column in (
        ("checkpoints", "thread_id"),
        ("writes", "thread_id"),
        ("turns", "session"),
    ):
        assert sql(tmp_path, f"SELECT DISTINCT {column} FROM {table}") == [[(kept,)]]
    assert not checks(command("--json"), "problem")


def test_outputs_of_what_was_lost_are_kept(tmp_path: Path, command: Command) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    database(tmp_path).write_bytes(b"junk" * 5000)
    outputs = tmp_path / "home" / "outputs" / str(uuid.uuid4())
    outputs.mkdir(parents=True)
    assert command("--fix").code == 0
    assert outputs.exists()


def test_loosened_permissions(tmp_path: Path, command: Command) -> None:
    talk(tmp_path, "one")
    home = tmp_path / "home"
    home.chmod(0o755)
    database(tmp_path).chmod(0o644)
    ended = command("--json")
    assert (ended.code, len(checks(ended, "problem"))) == (1, 2)
    assert database(tmp_path).stat().st_mode & 0o777 == 0o644
    assert command("--fix").code == 0
    assert (home.stat().st_mode & 0o777, database(tmp_path).stat().st_mode & 0o777) == (
        0o700, 0o600
    )  # fmt: skip


def test_a_newer_database_is_left_alone(tmp_path: Path, command: Command) -> None:
    talk(tmp_path, "one")
    sql(tmp_path, "PRAGMA user_version = 99")
    before = database(tmp_path).read_bytes()
    ended = command("--fix")
    assert ended.code == 1
    assert "version 99 of a newer ml-intern" in ended.out
    assert database(tmp_path).read_bytes() == before


def test_an_older_database_is_brought_up_to_date(tmp_path: Path, command: Command) -> None:
    stored = Path(__file__).parents[1] / "checkpoints" / "stored" / "v1.sqlite.gz"
    (tmp_path / "home").mkdir(mode=0o700)
    database(tmp_path).write_bytes(gzip.decompress(stored.read_bytes()))
    database(tmp_path).chmod(0o600)
    ended = command()
    assert ended.code == 0
    assert "warning schema: version 1; " in ended.out
    assert sql(tmp_path, "PRAGMA user_version") == [[(1,)]]
    mended = command("--fix", "--json")
    assert mended.json["ok"]
    assert f"schema: version {SCHEMA_VERSION}" in checks(mended, "ok")
    assert not checks(mended, "problem")


def test_a_locked_database(tmp_path: Path, command: Command) -> None:
    talk(tmp_path, "one")
    with closing(sqlite3.connect(database(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = command()
        other.execute("ROLLBACK")
    assert ended.code == 1
    assert "is locked by another program" in ended.out
    assert "ok      sessions: 1 session, readable" in ended.out


def test_nothing_is_replaced_while_a_session_is_open(tmp_path: Path, command: Command) -> None:
    session = talk(tmp_path, "one")

    async def holding() -> Ended:
        async with open_database(database(tmp_path)) as opened, opened.hold(session):
            return await asyncio.to_thread(run, tmp_path, "doctor", "--fix")

    sql(tmp_path, "UPDATE sessions SET usage = 'x'")
    ended = asyncio.run(holding())
    assert ended.code == 1
    assert f"Session {session[:8]} is in use by process {os.getpid()}" in ended.out
    assert not list((tmp_path / "home").glob("*.damaged*"))


def test_what_a_killed_process_left_is_named(tmp_path: Path, command: Command) -> None:
    shell = calls(Call("bash", {"command": "echo > started; sleep 60"}))
    with ModelServer([shell]) as server:
        process = start(tmp_path, "go", server=server)
        for _ in range(600):
            if (workdir(tmp_path) / "started").exists():
                break
            time.sleep(0.1)
        busy = command("--json")
        process.kill()
        finish(process)
    assert any(f"in use by process {process.pid}" in found for found in checks(busy, "ok"))
    ended = command()
    assert ended.code == 0
    assert "the outcome of call " in ended.out


def test_a_move_that_was_cut_off_is_named(tmp_path: Path, command: Command) -> None:
    session = talk(tmp_path, "one")
    sql(tmp_path, "UPDATE sessions SET move = '{}'")
    shown = command().out
    assert "an undo or redo was cut off → It is completed when the session is opened" in shown
    assert f"ml-intern -r {session[:8]}" in shown


def test_a_wrong_configuration_does_not_keep_it_from_looking(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk(tmp_path, "one")
    monkeypatch.setenv("ML_INTERN_MAX_ITERATIONS", "many")
    ended = command()
    assert ended.code == 1
    assert "problem configuration: the environment: 'ML_INTERN_MAX_ITERATIONS'" in ended.out
    assert "ok      sessions: 1 session, readable" in ended.out


def test_a_missing_key_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_INTERN_MODEL_NAME", "anthropic/claude")
    ended = command()
    assert ended.code == 1
    assert "set ANTHROPIC_API_KEY" in ended.out


def test_a_home_that_is_none(tmp_path: Path, command: Command) -> None:
    (tmp_path / "home").touch()
    ended = command("--fix")
    assert ended.code == 1
    assert "is not a folder" in ended.out


def test_a_home_that_cannot_be_written_to(tmp_path: Path, command: Command) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    talk(tmp_path, "one")
    database(tmp_path).chmod(0o400)
    (tmp_path / "home").chmod(0o500)
    try:
        ended = command()
    finally:
        (tmp_path / "home").chmod(0o700)
    assert ended.code == 1
    assert "cannot be written to" in ended.out
    assert "ok      sessions: 1 session, readable" in ended.out


def test_an_unknown_id_is_wrong_use(tmp_path: Path, command: Command) -> None:
    talk(tmp_path, "one")
    ended = command("zzz")
    assert (ended.code, ended.err) == (2, "ml-intern: No session's id begins with 'zzz'.\n")


def test_a_server_that_is_not_there(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://me:{SECRETS[1]}@127.0.0.1:9/x"
    monkeypatch.setenv("ML_INTERN_DATABASE_URL", url)
    ended = command()
    assert ended.code == 1
    assert "problem database: " in ended.out


def test_sessions_in_postgresql(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh()

    async def talked() -> str:
        async with agent([text("Yes.")], tmp_path, database_url=url) as it:
            await it.say("one")
            await it.sessions.database.write(
                ("INSERT INTO turns (session, number, before) VALUES (?, ?, ?)", ("lost", 1, "")),
            )
            return it.session.id

    session = asyncio.run(talked())
    monkeypatch.setenv("ML_INTERN_DATABASE_URL", url)
    ended = command()
    assert ended.code == 0, ended.out
    assert not any(word in ended.out for word in (postgres.PASSWORD, postgres.QUOTED))
    assert "ok      sessions: 1 session, readable" in ended.out
    assert "checkpoints or other rows of 1 sessions" in ended.out
    mended = command("--fix", "--json")
    assert mended.json["repairs"] == [
        "Repaired: the rows of 1 sessions that did not exist are gone"
    ]
    assert "orphans: no rows without a session" in checks(mended, "ok")
    assert command(session, "--json").json["ok"]
    listed = run(tmp_path, "sessions", "--json", env={"ML_INTERN_DATABASE_URL": url})
    assert f'"id": "{session}"' in listed.out


@pytest.mark.parametrize(("answer", "mode"), [("n", 0o755), ("y", 0o700)])
def test_it_asks_before_it_repairs(tmp_path: Path, answer: str, mode: int) -> None:
    talk(tmp_path, "one")
    home = tmp_path / "home"
    home.chmod(0o755)
    child = pexpect.spawn(
        COMMAND, ["doctor"], cwd=str(workdir(tmp_path)), timeout=30, encoding="utf-8",
        env={**environment(tmp_path), "TERM": "xterm", "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    child.expect("Shall I make .*home private")
    child.sendline(answer)
    child.expect("No problems" if answer == "y" else "1 problem is left")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == (0 if answer == "y" else 1)
    assert home.stat().st_mode & 0o777 == mode


def test_as_a_process(tmp_path: Path) -> None:
    ended = run(tmp_path, "doctor", env={"OPENAI_API_KEY": SECRETS[0]})
    assert (ended.code, ended.err) == (0, "")
    assert SECRETS[0] not in ended.out
