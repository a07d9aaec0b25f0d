"""What the model is told, word for word: reviewed like code.

`UPDATE_SNAPSHOTS=1 pytest tests/configs/test_prompts.py` accepts a changed prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_intern.configs.prompts import render, system_prompt
from ml_intern.configs.text import storable
from ml_intern.tools.registry import TOOLS

Golden = Callable[[str, str], None]
SESSION = {"cwd": "/work/project", "platform": "Linux-6.8-x86_64", "date": "2026-01-31"}


def test_the_system_prompt(golden: Golden) -> None:
    golden("system_prompt.md", render("system", **SESSION) + "\n")


def test_the_request_for_a_summary(golden: Golden) -> None:
    golden("compaction_prompt.md", render("compaction") + "\n")


def test_a_session_knows_its_folder_and_day(tmp_path: Path) -> None:
    prompt = system_prompt(tmp_path)
    assert f"Working directory: {tmp_path}\n" in prompt
    assert datetime.now(UTC).strftime("%Y-%m-%d") in prompt
    assert "$" not in prompt


def test_the_prompt_is_byte_stable(tmp_path: Path) -> None:
    assert system_prompt(tmp_path) == system_prompt(tmp_path)


@pytest.mark.parametrize("name", ["a$b", "$cwd", "${date}", "a\nb"])
def test_a_strange_folder_is_shown_as_it_is(name: str) -> None:
    assert f"/work/{name}" in system_prompt(Path("/work") / name)


def test_a_folder_that_is_not_utf8_can_be_sent() -> None:
    assert storable(system_prompt(Path("/work/\udce9")))


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="platform"):
        render("system", cwd="/work", date="2026-01-31")


def test_the_prompt_names_only_tools_that_exist() -> None:
    words = render("system", **SESSION).split("`")[1::2]
    named = {word for word in words if word.isidentifier()} - {"in_progress", "completed"}
    assert named - {"timeout"} <= {tool.name for tool in TOOLS}
