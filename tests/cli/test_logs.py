"""Log entries are no way around the filter, and no traceback is shown to people."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ml_intern.cli import logs


def test_an_error_is_a_line_and_its_traceback_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    handler = logs.Lines()
    for data in (ValueError("\x1b[2Jowned"), ValueError("again")):
        try:
            raise data
        except ValueError as error:
            info = (ValueError, error, error.__traceback__)
            entry = ("the run failed %s", ("\x1b]0;x\x07here",), info)
            handler.handle(logging.LogRecord("x", logging.ERROR, "f", 1, *entry))
    said = capsys.readouterr().err
    assert said.count("ml-intern: the run failed here The details are in ") == 2
    assert "\x1b" not in said
    assert "Traceback" not in said
    kept = [file.read_text() for file in tmp_path.glob("ml-intern-crash-*")]
    assert sum("Traceback" in text for text in kept) == 2
