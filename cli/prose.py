"""The model's Markdown for a terminal, in which no word of it is dropped."""

from __future__ import annotations

from markdown_it import MarkdownIt
from rich.markdown import Markdown

_PARSER = (
    MarkdownIt()
    .enable(["strikethrough", "table"])
    # Rich shows nothing of HTML: `<pad>` and `List<int>` would vanish. A reference would be
    # dropped too, as its text may be long finished; and so would the address of an image.
    .disable(["html_inline", "html_block", "reference", "image"])
)


class Prose(Markdown):
    """Rich's rendering of what the parser above makes of a text."""

    def __init__(self, text: str) -> None:
        super().__init__("", hyperlinks=False)
        self.markup = text
        self.parsed = _PARSER.parse(text)
