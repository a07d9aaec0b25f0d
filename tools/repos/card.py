"""The part of a repository's card that says where it comes from."""

from __future__ import annotations

from typing import Any

TAG = "ml-intern"
MARKER = "<!-- ml-intern -->"
"""Stands once in a card that says it."""


def with_provenance(card: str, session: str) -> str | None:
    """The card with the tag and a section; None if it has it already. Imports the library.

    Raises:
        ValueError: its metadata are none.
    """
    if MARKER in card:
        return None
    from huggingface_hub import RepoCard

    # With no metadata at all, the library warns of it and finds the same.
    parsed: Any = RepoCard(card if card.startswith("---") else f"---\n{{}}\n---\n{card}",
                           ignore_metadata_errors=True)  # fmt: skip
    tags = parsed.data.get("tags")
    known = [tags] if isinstance(tags, str) else tags if isinstance(tags, list) else []
    if TAG not in known:
        parsed.data["tags"] = [*known, TAG]
    parsed.text = f"{parsed.text.rstrip()}\n\n{_section(session)}".lstrip("\n")
    return str(parsed)


def _section(session: str) -> str:
    named = f", in its session `{session[:8]}`" if session else ""
    return (
        f"{MARKER}\n## Provenance\n\nMade with ML Intern, an agent for machine learning{named}.\n"
    )
