"""A pull request as the model reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.repos.marks import without_marks
from ml_intern.tools.repos.names import Target

PAGE = 12_000
"""Characters shown at once."""
_LISTED = 100


def status_of(details: Any) -> str:  # noqa: ANN401 - the library's
    """Such as "draft", "open", "closed", "merged"."""
    return str(details.status)


def line(one: Any) -> str:  # noqa: ANN401 - the library's
    """One of a list."""
    title = visible(" ".join(str(one.title).split()))[:200]
    return f"#{one.num} {status_of(one)}  {_when(one)}  {one.author}  {title}"


def _when(one: Any) -> str:  # noqa: ANN401 - the library's
    return f"{one.created_at:%Y-%m-%d}"


def whole(target: Target, details: Any, url: str) -> str:  # noqa: ANN401 - the library's
    """All there is of it: state, what was said and done, the difference."""
    kind = "Pull request" if details.is_pull_request else "Discussion (no pull request)"
    lines = [f"{kind} of {target.what}: {line(details)}", url]
    if details.is_pull_request:
        lines.append(f"revision refs/pr/{details.num}, into {details.target_branch}")
        names = conflicts(details)
        lines.append(f"Conflicts in {names}" if names else "No conflicts.")
    parts = ["\n".join(lines), *filter(None, map(_event, details.events))]
    if details.is_pull_request:
        diff = difference(details)
        parts.append(f"Difference:\n{visible(diff)}" if diff else "No difference.")
    return "\n\n".join(parts)


def _event(event: Any) -> str:  # noqa: ANN401 - the library's
    head = f"{event.author}, {_when(event)}"
    if isinstance(content := getattr(event, "content", None), str):
        said = "(hidden)" if getattr(event, "hidden", False) else without_marks(content).strip()
        return f"{head}: {visible(said)}" if said else ""
    if status := getattr(event, "new_status", None):
        return f"{head}: status {status}"
    if oid := getattr(event, "oid", None):
        return f"{head}: commit {oid} {visible(str(getattr(event, 'summary', '')))}"
    if title := getattr(event, "new_title", None):
        return f"{head}: new title {visible(str(title))}"
    return ""


def conflicts(details: Any) -> str:  # noqa: ANN401 - the library's
    """The files that conflict; "" if none does."""
    names = details.conflicting_files
    if isinstance(names, list):
        return ", ".join(visible(str(name)) for name in names[:_LISTED])
    return "files that the Hub does not name" if names is True else ""


def difference(details: Any) -> str:  # noqa: ANN401 - the library's
    """As git shows it; "" if the Hub gives none."""
    return details.diff if isinstance(details.diff, str) else ""


def changed_files(details: Any) -> list[str]:  # noqa: ANN401 - the library's
    """The files of the difference."""
    found = re.findall(r"^diff --git a/.* b/(.*)$", difference(details), re.MULTILINE)
    more = [f"and {len(found) - _LISTED:,} more"] if len(found) > _LISTED else []
    return [*map(visible, found[:_LISTED]), *more] or ["no file, as far as the Hub says"]


def page(text: str, offset: int, again: Callable[[int], str]) -> str:
    """A part of a long text, and the call that shows the next."""
    if offset and offset >= len(text):
        raise ToolError(f"There are {len(text):,} characters; give a smaller offset.")
    after = offset + PAGE
    rest = f"\n[{len(text) - after:,} characters more: {again(after)}]"
    return text[offset:after] + (rest if after < len(text) else "")
