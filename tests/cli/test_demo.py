"""The demo as users run it, judged by the files it leaves; the results are computed again."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ml_intern.cli import demo
from ml_intern.cli.app import told
from ml_intern.configs.errors import MlInternError
from ml_intern.llm.tape import Tape
from ml_intern.tools.registry import by_name

TAPE = Tape.load(demo.TAPE)
OFFLINE = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError(f"the network was asked for {args}")
socket.socket.connect = socket.getaddrinfo = refuse
from ml_intern.cli.app import main
try:
    main(["demo", *sys.argv[1:]])
finally:
    assert "litellm" not in sys.modules, "litellm was imported"
"""

Ended = subprocess.CompletedProcess[str]


def run(root: Path, *words: str) -> Ended:
    """The command, with a home of its own, no key and no network."""
    work = root / "work"
    work.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env = {**kept, "HOME": str(root), "ML_INTERN_HOME": str(root / "home")}
    command = [sys.executable, "-c", OFFLINE, *words]
    return subprocess.run(
        command, cwd=work, env=env, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def ended(root: Path) -> Ended:
    return run(root)


@pytest.fixture(scope="module")
def folder(root: Path, ended: Ended) -> Path:
    assert (ended.returncode, ended.args[0]) == (0, sys.executable), ended.stderr
    return root / "work" / "ml-intern-demo"


def metrics(folder: Path, name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "runs" / name / "metrics.json").read_text())
    return values


def rows(folder: Path, name: str) -> dict[str, int]:
    lines = (folder / "data" / f"{name}.jsonl").read_text().splitlines()
    return {row["text"]: row["label"] for row in map(json.loads, lines) if row["text"]}


def accuracy(folder: Path, name: str, *, pairs: bool) -> float:
    """The accuracy of the saved weights, computed without the demo's own script."""
    weights: list[float] = json.loads((folder / "runs" / name / "weights.json").read_text())
    train, test = rows(folder, "train"), rows(folder, "test")
    right = []
    for text in test.keys() - train.keys():
        words = text.lower().replace(".", "").split()
        names = words + [f"{a} {b}" for a, b in pairwise(words) if pairs]
        score = sum(weights[zlib.crc32(name.encode()) % len(weights)] for name in names)
        right.append((score > 0) == test[text])
    return sum(right) / len(right)


def test_the_second_run_is_better_and_the_saved_weights_prove_it(folder: Path) -> None:
    first, second = metrics(folder, "words"), metrics(folder, "word-pairs")
    assert 0.6 < first["test_accuracy"] < second["test_accuracy"] - 0.1
    assert first["test_rows"] == second["test_rows"] > 3000
    for name, values, pairs in (("words", first, False), ("word-pairs", second, True)):
        assert accuracy(folder, name, pairs=pairs) == pytest.approx(
            values["test_accuracy"], abs=1e-3
        )


def test_the_report_is_all_of_stdout_and_its_numbers_are_those_of_the_files(
    folder: Path, ended: Ended
) -> None:
    first, second = metrics(folder, "words"), metrics(folder, "word-pairs")
    accuracies = [first["test_accuracy"], second["test_accuracy"]]
    assert ended.stdout.startswith("Done. ")
    assert {float(n) for n in re.findall(r"\d\.\d+", ended.stdout)} == set(accuracies)
    headline = f"On {first['test_rows']} test reviews, accuracy rose from {accuracies[0]} to "
    assert headline + str(accuracies[1]) in ended.stdout
    for path in ("make_data.py", "audit.py", "train.py", "runs/words", "runs/word-pairs", "data"):
        assert path in ended.stdout
        assert (folder / path).exists()


def test_it_says_first_that_the_model_is_recorded_and_last_how_to_go_on(
    folder: Path, ended: Ended
) -> None:
    lines = ended.stderr.splitlines()
    assert "recording" in lines[1]
    assert "real" in lines[2]
    assert f"{folder.name}/" in lines[2]
    assert TAPE.prompt in " ".join(ended.stderr.split())
    [(session_id, cwd, options)] = sessions(folder.parents[1])
    assert (cwd, options) == (str(folder.resolve()), "{}")
    assert f"ml-intern -r {session_id[:8]}" in ended.stderr
    assert "Traceback" not in ended.stderr


def sessions(root: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(root / "home" / "sessions.sqlite")
    try:
        return connection.execute("SELECT id, cwd, options FROM sessions ORDER BY used").fetchall()
    finally:
        connection.close()


def test_a_second_demo_goes_to_a_new_folder_and_streams_pure_json(root: Path, folder: Path) -> None:
    before = (folder / "train.py").stat().st_mtime_ns
    ended = run(root, "--output-format", "stream-json")
    *events, result = map(json.loads, ended.stdout.splitlines())
    assert (ended.returncode, result["exit_code"], result["status"]) == (0, 0, "done")
    assert result["usage"]["input_tokens"] == result["usage"]["output_tokens"] == 0
    cost = {"llm_usd": 0.0, "unpriced_calls": 0, "budget_usd": None, "compaction_usd": 0.0}
    assert result["cost"] == cost
    assert result["iterations"] == len(TAPE.turns)
    assert events[0]["model"] == "recording"
    assert all(event["success"] for event in events if event["type"] == "tool_output")
    assert "recording" in ended.stderr
    second = root / "work" / "ml-intern-demo-2"
    assert metrics(second, "word-pairs") == metrics(folder, "word-pairs")
    assert (folder / "train.py").stat().st_mtime_ns == before
    assert [Path(cwd).name for _, cwd, _ in sessions(root)] == [folder.name, second.name]


def test_the_tape_has_no_number_of_its_own_about_results() -> None:
    for turn in TAPE.turns:
        assert not re.search(r"\d", re.sub(r"\$\{\w+\}", "", turn.say)), turn.say


def test_the_recorded_calls_fit_the_tools() -> None:
    tools = by_name()
    for turn in TAPE.turns:
        for call in turn.calls:
            tools[call.tool].args.model_validate(call.arguments)


async def test_where_nothing_can_be_written_one_error_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(
        MlInternError, match=r"Cannot make the folder .*file/ml-intern-demo: Not"
    ) as e:
        await demo.play(file, "json")
    assert told(e.value, "json") == 1
    assert "Cannot make the folder" in json.loads(capsys.readouterr().out)["error"]


async def test_where_no_session_can_be_kept_one_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ML_INTERN_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(MlInternError, match=r"Cannot keep sessions in .*ML_INTERN_HOME"):
        await demo.play(tmp_path, "text")


def test_a_number_is_added_until_the_folder_is_new(tmp_path: Path) -> None:
    (tmp_path / "ml-intern-demo").touch()
    assert demo.new_folder(tmp_path).name == "ml-intern-demo-2"
    assert demo.new_folder(tmp_path).name == "ml-intern-demo-3"
