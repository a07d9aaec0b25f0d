"""Prompt files, filled in."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from ml_intern.configs.paths import PROMPTS
from ml_intern.configs.text import clean


def render(name: str, **values: str) -> str:
    """The prompt file `name` with `$placeholders` replaced.

    Raises:
        KeyError: a placeholder of the file has no value.
    """
    return Template((PROMPTS / f"{name}.md").read_text(encoding="utf-8")).substitute(values).strip()


def system_prompt(cwd: Path) -> str:
    """The system prompt of a session that starts now in `cwd`.

    Rendered once a session: a changed prompt would void the provider's cache and signed thinking.
    """
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    folder = clean(str(cwd))[0]
    return render("system", cwd=folder, platform=platform.platform(terse=True), date=date)
