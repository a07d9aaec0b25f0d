"""The sites of documentation: the Hub's, of libraries and courses, and Gradio's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulators.docs_api import OPENAPI
from emulators.docs_pages import AGENTS, EVALUATE, GRADIO, TRL
from emulators.site import Ask, Reply, Site

MARKDOWN = {"Content-Type": "text/markdown; charset=utf-8"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class DocsSite(Site):
    """Files by their path. What has a query, or nothing at it, is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, Any] = {}
        self.on("GET /{path+}", self._file)

    def _file(self, ask: Ask) -> Any:
        if ask.query:
            return Reply(status=400, body={"error": f"unexpected {ask.query}"})
        found = self.files.get(ask.path)
        if found is None:
            return Reply(status=404, body="<!doctype html><title>404</title>Not found")
        if not isinstance(found, str):
            return found
        kind = MARKDOWN if ask.path.endswith(".md") else TEXT if ".txt" in ask.path else HTML
        return Reply(body=found.replace("{origin}", self.url), headers=kind)

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [ask.path for ask in self.ledger]


class HubDocs(DocsSite):
    """A library with `llms.txt` (trl), one with a navigation only (evaluate), a course, an API."""

    def __init__(self) -> None:
        super().__init__()
        self.add("/docs/trl", "v1.9.2", TRL)
        self.add("/learn/agents-course", "", AGENTS)
        for path, text in EVALUATE.items():
            self.files[path] = text
        self.files["/.well-known/openapi.json"] = Reply(body=OPENAPI)

    def add(self, place: str, version: str, pages: dict[str, str], whole: bool = True) -> None:
        """A library with its lists, as the Hub builds them; `place` is where it stands."""
        under = f"{place}/{version}" if version else place
        lines = [f"- [{_title(text)}]({{origin}}{under}/{name}.md)" for name, text in pages.items()]
        head = f"# {place.rpartition('/')[2].title()}\n\n## Docs\n\n"
        extra = [
            "- [Discord](https://discord.example/trl)",
            f"- [Again]({under}/{next(iter(pages))}.md?a=1#top)",
        ]
        self.files[f"{place}/llms.txt"] = head + "\n".join([*lines, *extra]) + "\n"
        if whole:
            parts = [
                f"### {_title(text)}\n{{origin}}{under}/{name}.md\n\n{text}\n"
                for name, text in pages.items()
            ]
            self.files[f"{place}/llms-full.txt"] = head + "\n".join([*lines, "", *parts])
        for name, text in pages.items():
            self.files[f"{under}/{name}.md"] = text
            self.files[f"{place}/{name}.md"] = text

    def add_large(self, pages: int, whole: bool) -> None:
        """`large`: many pages of which the last speaks of flamingos, and one by title."""
        texts = {
            f"guides/topic_{n:03}": f"# Topic {n:03}\n\nNothing to see.\n" for n in range(pages)
        }
        texts["guides/zoo"] = "# The zoo\n\n## Birds\n\nThere are flamingos and other birds.\n"
        self.add("/docs/large", "", texts, whole)


class GradioDocs(DocsSite):
    """Gradio: its `llms.txt` is the text itself, without headings."""

    def __init__(self) -> None:
        super().__init__()
        self.files.update(GRADIO)

    def list_pages(self, names: Sequence[str]) -> None:
        """Make `llms.txt` a list of pages."""
        lines = [f"- [{name.title()}](/docs/gradio/{name})" for name in names]
        self.files["/llms.txt"] = "\n".join(["# Gradio", "", "## Docs", "", *lines])


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").strip()
