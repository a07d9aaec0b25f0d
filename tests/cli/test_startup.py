"""What the quick commands may not import; the times are in `benchmarks/startup.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ml_intern import __version__
from ml_intern.cli.app import told
from process import environment, run

HEAVY = (
    "langgraph",
    "langchain_core",
    "litellm",
    "mcp",
    "huggingface_hub",
    "prompt_toolkit",
    "openai",
)
PROBE = """
import sys
from ml_intern.cli.app import main
try:
    main(sys.argv[1:])
finally:
    print(*(m for m in {heavy} if m in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("word", ["--version", "--help", "demo --help", "--no-such-flag"])
def test_quick_commands_import_nothing_heavy(tmp_path: Path, word: str) -> None:
    command = [sys.executable, "-c", PROBE.format(heavy=HEAVY), *word.split()]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == ""


def test_version_and_help(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").out == f"ml-intern {__version__}\n"
    shown = run(tmp_path, "--help").out
    for flag in (
        "--model",
        "--continue",
        "--resume",
        "--output-format",
        "--permission-mode",
        "demo",
    ):
        assert flag in shown
    assert not (tmp_path / "home").exists()


def test_a_defect_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = told(ZeroDivisionError("division by zero"))
    err = capsys.readouterr().err
    assert code == 1
    assert "ZeroDivisionError: division by zero" in err
    assert "Traceback" not in err
    details = Path(err.split("The details are in ")[1].split(". What")[0])
    assert "ZeroDivisionError" in details.read_text()
    details.unlink()
