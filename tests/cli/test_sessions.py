"""`ml-intern sessions`: the truth about each session, and nothing removed by accident."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pexpect
import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from rich.console import Console

from emulators.openai_server import Call, ModelServer, calls, text
from emulators.strict import history_violations
from harness import agent
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.cli.app import main
from ml_intern.cli.listing import Entry
from ml_intern.cli.markdown import document, fenced, shortened
from ml_intern.cli.table import age, cost, show, size
from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState
from ml_intern.nodes.policies.marks import marking
from process import COMMAND, Ended, environment, finish, run, start, workdir

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WRITE = calls(Call("write", {"path": "out.txt", "content": "made\nit\n"}), content="Writing.")
STORED = Path(__file__).parents[1] / "checkpoints" / "stored" / "v1.sqlite.gz"
Command = Callable[..., Ended]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`ml-intern sessions …` in this process, which is quicker."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(workdir(tmp_path))

    def call(*words: str) -> Ended:
        with pytest.raises(SystemExit) as left:
            main(["sessions", *words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ended(int(left.value.code or 0), out, err)

    return call


def talk(root: Path, *steps: Any, mode: Any = "yolo", say: str = "make it") -> str:
    """A session of one turn; its id."""

    async def one() -> str:
        async with agent([*steps], root, options=RunOptions(permission_mode=mode)) as it:
            await it.say(say)
            return it.session.id

    return asyncio.run(one())


def record(root: Path, *threads: Thread) -> None:
    async def write() -> None:
        (root / "home").mkdir(exist_ok=True)
        async with open_database(root / "home" / "sessions.sqlite") as database:
            for thread in threads:
                await Threads(database).record(thread)

    asyncio.run(write())


def listed(ended: Ended) -> list[dict[str, Any]]:
    assert ended.code == 0
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        subprocess.run(["sleep", "0.1"], check=True)
    raise AssertionError(f"{path} was never written")


def test_without_a_session_a_line_says_how_to_begin(command: Command) -> None:
    assert command().out == "No sessions yet. Start one with: ml-intern\n"
    assert listed(command("--json")) == []


def test_the_list_is_what_was_done(tmp_path: Path, command: Command) -> None:
    first = talk(tmp_path, text("Hello.", usage=(1200, 34)), say="say hello")
    asked = talk(tmp_path, WRITE, mode="default", say="write a file")
    shown = command()
    head, newest, oldest = shown.out.splitlines()
    assert head.split() == ["id", "state", "age", "turns", "cost", "size", "title"]
    assert newest.startswith(f"{asked[:8]}  waiting for approval  now  1 ")
    assert newest.endswith("write a file")
    assert oldest.split()[:3] == [first[:8], "finished", "now"]
    assert "$0.0000 + 1 unpriced" in oldest
    waiting, finished = listed(command("--json"))
    assert (waiting["state"], finished["state"]) == ("waiting", "finished")
    assert (finished["id"], finished["title"], finished["turns"]) == (first, "say hello", 1)
    assert finished["folder"] == str(tmp_path / "work")
    assert (finished["usage"]["input_tokens"], finished["unpriced_calls"]) == (1200, 1)
    assert finished["bytes"] > 500
    assert finished["holder"] is None


def test_a_killed_process_leaves_no_session_running(tmp_path: Path, command: Command) -> None:
    shell = calls(Call("bash", {"command": "echo > started; sleep 60"}))
    with ModelServer([shell]) as server:
        process = start(tmp_path, "go", server=server)
        wait_for(workdir(tmp_path) / "started")
        (while_running,) = listed(command("--json"))
        shown = command().out
        refused = command("rm", while_running["id"], "--yes")
        copied = command("export", while_running["id"])
        process.kill()
        finish(process)
    assert while_running["state"] == "running"
    assert f"process {process.pid} on host " in while_running["holder"]
    assert f"process {process.pid} on host " in shown
    assert refused.code == 1
    assert f"is in use by process {process.pid}" in refused.err
    assert (copied.code, "sleep 60" in copied.out) == (0, True)
    (dead,) = listed(command("--json"))
    assert (dead["state"], dead["holder"]) == ("interrupted", None)


def test_a_process_killed_while_a_person_is_asked_left_a_question(
    tmp_path: Path, command: Command
) -> None:
    """`running` was stored before the graph ran up to the question."""
    session = talk(tmp_path, WRITE, mode="default")

    async def forget() -> None:
        async with open_database(tmp_path / "home" / "sessions.sqlite") as database:
            await Threads(database).note(session, "running")

    asyncio.run(forget())
    assert listed(command("--json"))[0]["state"] == "waiting"


def test_sessions_of_an_older_version_are_looked_at(tmp_path: Path, command: Command) -> None:
    (tmp_path / "home").mkdir()
    database = tmp_path / "home" / "sessions.sqlite"
    database.write_bytes(gzip.decompress(STORED.read_bytes()))
    found = listed(command("--json"))
    assert found
    assert {entry["state"] for entry in found} <= {"finished", "waiting", "interrupted"}


def test_twenty_are_shown_and_the_rest_is_counted(tmp_path: Path, command: Command) -> None:
    prompt = "x"
    record(tmp_path, *(Thread(id=f"{n:08}-a", cwd="/x", system_prompt=prompt) for n in range(23)))
    shown = command()
    assert len(shown.out.splitlines()) == 21
    assert shown.err == "… and 3 more: ml-intern sessions --all\n"
    assert shown.out.splitlines()[1].startswith("00000022")
    every = command("--all")
    assert (len(every.out.splitlines()), every.err) == (24, "")


def test_a_title_cannot_act_on_the_terminal(tmp_path: Path, command: Command) -> None:
    evil = "red\x1b[31m\x9b2J \u202eback\nnew line"
    record(tmp_path, Thread(id="a" * 8, cwd="/e\x1b]0;x\x07", system_prompt="", title=evil))
    shown = command().out
    assert len(shown.splitlines()) == 2
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(shown)
    (found,) = listed(command("--json"))
    assert found["title"] == evil


def test_rm_asks_nobody_and_takes_yes(tmp_path: Path, command: Command) -> None:
    kept, doomed = talk(tmp_path, text("A.")), talk(tmp_path, WRITE, text("B."))
    refused = command("rm", doomed)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert len(listed(command("--json"))) == 2
    removed = command("rm", doomed[:8], doomed, "--yes")
    assert removed.out == f"Removed {doomed[:8]} · make it · 1 turn.\n"
    assert [entry["id"] for entry in listed(command("--json"))] == [kept]
    # What it made stays.
    assert (tmp_path / "work" / "out.txt").exists()


def test_rm_is_all_or_nothing_when_an_id_is_wrong(tmp_path: Path, command: Command) -> None:
    record(tmp_path, *(Thread(id=f"abc{n}", cwd="/x", system_prompt="") for n in range(2)))
    for words in (("abc0", "nope"), ("abc",), ("abc0", "abc")):
        ended = command("rm", *words, "--yes")
        assert ended.code == 2
        assert "begin" in ended.err
    assert len(listed(command("--json"))) == 2


@pytest.mark.parametrize(("answer", "left"), [("n", 1), ("", 1), ("y", 0)])
def test_rm_names_what_goes_and_asks(
    tmp_path: Path, command: Command, answer: str, left: int
) -> None:
    record(tmp_path, Thread(id="abcdef123456", cwd="/x", system_prompt="", title="Train it"))
    child = pexpect.spawn(
        COMMAND, ["sessions", "rm", "abc"], cwd=str(workdir(tmp_path)),
        timeout=30, encoding="utf-8",
        env={**environment(tmp_path), "TERM": "xterm", "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    child.expect("abcdef12 · Train it · 0 turns")
    child.expect("stay in its folder")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == left
    assert len(listed(command("--json"))) == left


def test_rename(tmp_path: Path, command: Command) -> None:
    record(tmp_path, Thread(id="abc", cwd="/x", system_prompt="", title="old"))
    assert command("rename", "ab", "a", " new\ntitle").out == "abc is now called: a new title\n"
    assert listed(command("--json"))[0]["title"] == "a new title"
    assert command("rename", "ab", " ").code == 2
    assert command("rename", "x", "y").code == 2


def test_an_export_for_people_has_all_that_was_said(tmp_path: Path, command: Command) -> None:
    session = talk(tmp_path, WRITE, text("All done."), say="make `it`")
    shown = command("export", session[:8]).out
    parts = ("# make \\`it\\`", session, "openai/gpt-test", "## User", "> make `it`", "Writing.",
             "**Call of `write`**", '"path": "out.txt"', "made\nit\n", "Result of write",
             "All done.")  # fmt: skip
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)


def test_an_export_for_programs_is_a_valid_request(tmp_path: Path, command: Command) -> None:
    session = talk(tmp_path, WRITE, mode="default")  # the call has no result yet
    value = json.loads(command("export", session, "--format", "json").out)
    assert value["schema_version"] == 1
    assert value["session"]["id"] == session
    assert [message["role"] for message in value["messages"]] == ["user", "assistant", "tool"]
    assert history_violations(value["messages"]) == []
    assert value["usage"]["calls"] == 1


def test_an_export_overwrites_nothing_unasked(tmp_path: Path, command: Command) -> None:
    session, file = talk(tmp_path, text("A.")), tmp_path / "x.md"
    file.write_text("mine")
    refused = command("export", session, "-o", str(file))
    assert (refused.code, file.read_text()) == (2, "mine")
    assert command("export", session, "-o", str(file), "--force").code == 0
    assert "## User" in file.read_text()
    nowhere = command("export", session, "-o", str(tmp_path / "no" / "x.md"))
    assert nowhere.code == 1
    assert "Cannot write" in nowhere.err


def test_a_damaged_database_points_to_the_doctor(tmp_path: Path, command: Command) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sessions.sqlite").write_bytes(b"no database" * 1000)
    for words in ((), ("rm", "a", "--yes"), ("export", "a")):
        ended = command(*words)
        assert ended.code == 1
        assert "ml-intern doctor" in ended.err


def test_as_a_process(tmp_path: Path) -> None:
    with ModelServer([text("Hi.")]) as server:
        run(tmp_path, "hello", server=server)
    shown = run(tmp_path, "sessions", env={"NO_COLOR": "1", "COLUMNS": "30"})
    assert (shown.code, shown.err) == (0, "")
    assert "hello" in shown.out
    assert "\x1b" not in shown.out
    assert run(tmp_path, "sessions", "--nonsense").code == 2
    assert not run(tmp_path, "sessions", "rm").out


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("langgraph", "langchain_core", "litellm", "httpx", "aiosqlite")
    code = f"""
import sys
from ml_intern.cli.app import main
try:
    main(sys.argv[1:])
finally:
    print("heavy:", *(m for m in {heavy} if m in sys.modules), file=sys.stderr)
"""
    for words in (["sessions", "--help"], ["sessions", "rm", "--help"], ["doctor", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=environment(tmp_path), capture_output=True, text=True,
        )  # fmt: skip
        assert done.stderr.splitlines()[-1] == "heavy:"
        assert f"ml-intern {words[0]}" in done.stdout


@pytest.mark.parametrize(
    ("before", "said"),
    [(-3600, "now"), (0, "now"), (59, "now"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"),
     (86399, "23 h"), (86400 * 2, "2 d"), (86400 * 800, "800 d")],
)  # fmt: skip
def test_ages(before: int, said: str) -> None:
    assert age((NOW - timedelta(seconds=before)).isoformat(), NOW) == said


def test_an_age_that_is_none() -> None:
    assert [age(then, NOW) for then in ("", "soon", "2030-01-01")] == ["?", "?", "?"]


def test_sizes_and_costs() -> None:
    assert [size(n) for n in (0, 999, 1000, 1_500_000, 2 * 10**9)] == [
        "0 B", "999 B", "1.0 kB", "1.5 MB", "2.0 GB"
    ]  # fmt: skip
    assert cost(entry(usage={})) == "$0.0000"
    assert cost(entry(usage={"cost_usd": 1.25, "unpriced_calls": 3.0})) == "$1.2500 + 3 unpriced"


def entry(**values: Any) -> Entry:
    thread = Thread(**{"id": "abcdefgh-1", "cwd": "/w", "system_prompt": "", **values})
    return Entry(thread=thread, state="finished", holder="", size=1)


@pytest.mark.parametrize("width", [10, 40, 60, 100, 200])
@pytest.mark.parametrize("numbered", [False, True])
def test_it_fits_into_any_terminal(width: int, numbered: bool) -> None:
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=True, no_color=True)
    entries = [entry(title="漢字 " * 30), entry(title="", cwd="/elsewhere/" + "x" * 90)]
    show(entries, console, Path("/w"), numbered=numbered)
    lines = out.getvalue().splitlines()
    assert lines
    from rich.cells import cell_len
    from rich.text import Text

    assert max(cell_len(Text.from_ansi(line).plain) for line in lines) <= width
    assert ("漢字" in out.getvalue()) == (width > 10)


def test_what_we_wrote_ourselves_is_told_from_the_user() -> None:
    messages: list[AnyMessage] = [
        HumanMessage("do it"),
        HumanMessage("Go on.", additional_kwargs=marking("nudge")),
        AIMessage("", tool_calls=[{"name": "bash", "args": {}, "id": "1"}]),
        ToolMessage("denied", tool_call_id="1", name="bash", status="error",
                    additional_kwargs=marking("denied")),
    ]  # fmt: skip
    shown = document(entry().thread, "finished", AgentState(messages=messages), full=False)
    assert shown.count("## User") == 1
    assert "## Note by ML Intern to the model (nudge)\n\n> Go on." in shown
    assert "<summary>Result of bash, failed, by ML Intern: denied</summary>" in shown


def test_long_results_are_shortened_unless_all_is_wanted() -> None:
    output = "\n".join(f"line {n}" for n in range(100))
    call = AIMessage("", tool_calls=[{"name": "bash", "args": {}, "id": "1"}])
    values = AgentState(messages=[call, ToolMessage(output, tool_call_id="1")])
    short, full = (document(entry().thread, "finished", values, full=f) for f in (False, True))
    assert "… 60 more lines (--full shows them)" in short
    assert "line 50\n" not in short
    assert all(f"line {n}" in short for n in (0, 19, 80, 99))
    assert output in full
    assert shortened(["x" * 600]) == "x" * 500 + "… (cut)"


def test_a_code_block_cannot_be_ended_by_its_content() -> None:
    assert fenced("a\n````\nb").startswith("`````\n")
    assert fenced("plain", "json") == "```json\nplain\n```"
