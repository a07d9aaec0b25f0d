"""What is known of a paper besides its text, whoever said it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_intern.tools.papers.identifier import arxiv_id_in
from ml_intern.tools.papers.untrusted import (
    Row,
    address_of,
    date_of,
    number_of,
    row_of,
    rows_of,
    text_of,
    texts_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper; None and "" are for what is not known."""

    title: str
    arxiv: str = ""
    other: str = ""
    """Another name where it is not at arXiv, as in `CorpusId:123`."""
    date: str = ""
    venue: str = ""
    authors: Sequence[str] = ()
    abstract: str = ""
    summary: str = ""
    """In a sentence or two."""
    citations: int | None = None
    influential: int | None = None
    """Those of its citations that build on it, as Semantic Scholar judges."""
    references: int | None = None
    upvotes: int | None = None
    keywords: Sequence[str] = ()
    code: str = ""
    stars: int | None = None
    project: str = ""
    organization: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """The models, the datasets or the Spaces on the Hub that name a paper."""

    kind: str
    total: int | None
    """None if the Hub does not say."""
    names: Sequence[str]
    """Some of them."""


def hub_paper(row: Row) -> Paper:
    """A paper as the Hub has it: fields stand in the entry itself or below `paper`."""
    inner = row_of(row.get("paper"))

    def field_of(name: str) -> object:
        found = inner.get(name)
        return row.get(name) if found is None else found

    organization = row_of(field_of("organization"))
    return Paper(
        title=text_of(field_of("title"), 500),
        arxiv=text_of(field_of("id"), 40),
        date=date_of(field_of("publishedAt")),
        authors=[
            n for author in rows_of(field_of("authors")) if (n := text_of(author.get("name")))
        ],
        abstract=text_of(field_of("summary")),
        summary=text_of(field_of("ai_summary")),
        upvotes=number_of(field_of("upvotes")),
        keywords=texts_of(field_of("ai_keywords")),
        code=address_of(field_of("githubRepo")),
        stars=number_of(field_of("githubStars")),
        project=address_of(field_of("projectPage")),
        organization=text_of(organization.get("fullname")) or text_of(organization.get("name")),
    )


def linked(row: Row) -> list[Linked]:
    """What the Hub's page of a paper says is linked to it."""
    found = []
    for kind in ("Models", "Datasets", "Spaces"):
        total = number_of(row.get(f"numTotal{kind}"))
        names = [name for r in rows_of(row.get(f"linked{kind}")) if (name := text_of(r.get("id")))]
        found.append(Linked(kind.lower(), total, names))
    return found


def scholar_paper(row: Row) -> Paper:
    """A paper as Semantic Scholar has it."""
    ids = row_of(row.get("externalIds"))
    corpus = number_of(row.get("corpusId")) or number_of(ids.get("CorpusId"))
    year = number_of(row.get("year"))
    return Paper(
        title=text_of(row.get("title"), 500),
        arxiv=text_of(ids.get("ArXiv"), 40),
        other=_other(ids, corpus, row),
        date=date_of(row.get("publicationDate")) or (str(year) if year else ""),
        venue=text_of(row.get("venue"), 100),
        authors=[
            name for item in rows_of(row.get("authors")) if (name := text_of(item.get("name")))
        ],
        abstract=text_of(row.get("abstract")),
        summary=text_of(row_of(row.get("tldr")).get("text")),
        citations=number_of(row.get("citationCount")),
        influential=number_of(row.get("influentialCitationCount")),
        references=number_of(row.get("referenceCount")),
    )


def _other(ids: Row, corpus: int | None, row: Row) -> str:
    if doi := text_of(ids.get("DOI"), 100):
        return f"DOI:{doi}"
    return f"CorpusId:{corpus}" if corpus else text_of(row.get("paperId"), 40)


def snippet_paper(row: Row) -> Paper:
    """The paper of a snippet: its arXiv id stands in the notice on its licence only."""
    notice = text_of(row_of(row.get("openAccessInfo")).get("disclaimer"), 1000)
    corpus = text_of(row.get("corpusId"), 40) or str(number_of(row.get("corpusId")) or "")
    authors = row.get("authors")
    if isinstance(authors, list) and authors and isinstance(authors[0], list):
        authors = authors[0]
    return Paper(
        title=text_of(row.get("title"), 500),
        arxiv=arxiv_id_in(notice),
        other=f"CorpusId:{corpus}" if corpus else "",
        authors=texts_of(authors) or [text_of(item.get("name")) for item in rows_of(authors)],
    )
