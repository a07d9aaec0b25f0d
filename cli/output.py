"""Writes what a command made: to stdout, or whole into a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_intern.cli.request import OutputFormat
from ml_intern.cli.safe import safe
from ml_intern.configs.errors import MlInternError
from ml_intern.configs.text import clean, clean_json


def json_line(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value on one line; for a terminal, with nothing in it that one acts on."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    ascii_only = sys.stdout.isatty() or not utf8
    line = json.dumps(clean_json(value), ensure_ascii=ascii_only)
    return line.replace("\x7f", "\\u007f") + "\n"  # the one control character JSON leaves alone


def result_line(result: Mapping[str, Any], output_format: OutputFormat) -> str:
    """The object that a headless run ends with, on its line."""
    return json_line({"type": "result", **result} if output_format == "stream-json" else result)


def print_json(value: Any) -> None:  # noqa: ANN401 - JSON
    """A value on its line."""
    sys.stdout.write(json_line(value))
    sys.stdout.flush()


def deliver(text: str, output: Path | None) -> None:
    """Write a text to a file, without one to stdout.

    Raises:
        MlInternError: the file cannot be written.
    """
    if output is None:
        sys.stdout.write(safe(text) if sys.stdout.isatty() else clean(text)[0])
        sys.stdout.flush()
        return
    try:
        output.write_text(clean(text)[0], encoding="utf-8")
    except OSError as error:
        raise MlInternError(f"Cannot write {output}: {error.strerror or error}.") from error
