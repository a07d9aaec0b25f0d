"""Prompt files, filled in."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from ml_intern.configs.guidance import Guidance, guidance_in
from ml_intern.configs.instructions import MOST, Instructions
from ml_intern.configs.paths import PROMPTS
from ml_intern.configs.sections import enclosed, shown_path
from ml_intern.configs.skills import Skill
from ml_intern.configs.text import clean


def render(name: str, **values: str) -> str:
    """The prompt file `name` with `$placeholders` replaced.

    Raises:
        KeyError: a placeholder of the file has no value.
    """
    return Template((PROMPTS / f"{name}.md").read_text(encoding="utf-8")).substitute(values).strip()


def system_prompt(cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """The system prompt of a session that starts now in `cwd`, instructions and skills included.

    Rendered once a session: a changed prompt would void the provider's cache and signed thinking.
    """
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    folder = clean(str(cwd))[0]
    base = render("system", cwd=folder, platform=platform.platform(terse=True), date=date)
    found = guidance_in(cwd, os.environ if environ is None else environ)
    return with_guidance(base, found)


def with_guidance(base: str, found: Guidance) -> str:
    """A system prompt and what was found for it."""
    parts = [base, *(_instructions(each) for each in found.instructions)]
    if found.skills:
        lines = "\n".join(_listed(skill) for skill in found.skills)
        parts.append(render("skills", content=enclosed("skills", lines)))
    return "\n\n".join(parts)


def _instructions(found: Instructions) -> str:
    path = shown_path(str(found.path))
    rest = f"\n[Cut: these are the first {MOST:,} of {found.size:,} bytes of {path}.]"
    text = found.text.rstrip() + (rest if found.cut else "")
    name = f"{found.level}_instructions"
    return render(name, file=path, content=enclosed(name, text, file=path))


def _listed(skill: Skill) -> str:
    mark = " (project)" if skill.level == "project" else ""
    return f"- {skill.name}{mark}: {skill.description} File: {skill.path}"
