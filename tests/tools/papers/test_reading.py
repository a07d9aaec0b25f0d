"""`read_paper`: contents, sections page by page, and who else has the text."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from emulators.papers import OTHER, PAGE, PAPER, UNREAD, ArxivSite, ScholarSite
from emulators.site import Reply, Site
from ml_intern.tools.papers.reading import PAGE as ROOM

Ask = Callable[..., Awaitable[str]]
Golden = Callable[[str, str], None]


async def test_without_a_section_it_is_abstract_and_contents(
    ask: Ask, arxiv: ArxivSite, hub: Site, golden: Golden
) -> None:
    golden("hub/papers_read_contents.txt", await ask("read_paper", arxiv_id=PAPER))
    assert arxiv.lines == [f"GET /html/{PAPER}"]
    assert hub.ledger == []


async def test_a_section_is_its_text_and_that_of_its_parts(ask: Ask, golden: Golden) -> None:
    golden("hub/papers_read_section.txt", await ask("read_paper", arxiv_id=PAPER, section="2"))
    assert "### 3.1.1 Hardware\n\nEight" in await ask("read_paper", arxiv_id=PAPER, section="3.1")
    assert "Let it be." in await ask("read_paper", arxiv_id=PAPER, section="Appendix A")


async def test_a_long_section_is_read_page_by_page_and_nothing_is_lost(
    ask: Ask, arxiv: ArxivSite
) -> None:
    """What comes after the first 8,000 characters could never be read."""
    whole, offset, pages = "", 0, 0
    while True:
        said = await ask("read_paper", arxiv_id=PAPER, section="experiments", offset=offset)
        head, text, foot = re.fullmatch(r"(.*?)\n\n(.*)\n\n(\[.*\])", said, re.DOTALL).groups()  # type: ignore[union-attr]
        assert head.endswith(f"(arXiv:{PAPER}, from arXiv)")
        assert len(text) <= ROOM
        whole, pages = f"{whole}\n\n{text}" if whole else text, pages + 1
        call = r'read on with hf_papers\(operation="read_paper", arxiv_id="(.*)", section="(.*)", '
        more = re.search(call + r"offset=(\d+)\)", foot)
        if not more:
            break
        assert more.groups()[:2] == (PAPER, "experiments")
        offset = int(more[3])
    assert foot == "[end of section 3 Experiments]"
    assert pages == 2
    assert [int(n) for n in re.findall(r"Ablation (\d+):", whole)] == list(range(1, 241))
    assert len(arxiv.ledger) == 1


async def test_an_offset_beyond_the_end_is_refused(refusal: Ask) -> None:
    said = await refusal("read_paper", arxiv_id=PAPER, section="2", offset=10_000)
    assert re.fullmatch(r'Section "2 Method" has \d+ characters; give a smaller offset\.', said)


async def test_the_abstract_is_a_section_too(ask: Ask) -> None:
    said = await ask("read_paper", arxiv_id=PAPER, section="Abstract")
    assert "\n\n## Abstract\n\nWe give each pair a margin $m_{i}$ of its own.\n\n[end" in said


async def test_a_long_abstract_is_read_page_by_page(ask: Ask, arxiv: ArxivSite) -> None:
    text = "".join(f"<p>Sentence {n} of many in it.</p>" for n in range(1000))
    arxiv.pages[PAPER] = re.sub(
        r'(<div class="ltx_abstract">).*?</div>', rf"\g<1>{text}</div>", PAGE, flags=re.DOTALL
    )
    first = await ask("read_paper", arxiv_id=PAPER, section="Abstract")
    [offset] = re.findall(r'section="Abstract", offset=(\d+)\)\]$', first)
    rest = await ask("read_paper", arxiv_id=PAPER, section="Abstract", offset=int(offset))
    assert rest.endswith("[end of section Abstract]")
    seen = [int(n) for n in re.findall(r"Sentence (\d+) of", f"{first}{rest}")]
    assert seen == list(range(1000))


async def test_an_offset_without_a_section_is_refused(refusal: Ask, arxiv: ArxivSite) -> None:
    assert "read_paper needs section" in await refusal("read_paper", arxiv_id=PAPER, offset=9)
    assert arxiv.ledger == []


async def test_a_section_that_is_not_there_names_those_that_are(refusal: Ask) -> None:
    assert "3.2 Results and Ablations; " in await refusal(
        "read_paper", arxiv_id=PAPER, section="Conclusion"
    )


async def test_a_version_is_asked_for_where_versions_are(ask: Ask, arxiv: ArxivSite) -> None:
    said = await ask("read_paper", arxiv_id=f"https://arxiv.org/abs/{PAPER}v2")
    assert arxiv.lines == [f"GET /html/{PAPER}v2"]
    assert f'arxiv_id="{PAPER}v2", section="1")' in said


async def test_no_token_goes_to_who_has_the_text(ask: Ask, arxiv: ArxivSite) -> None:
    await ask("read_paper", arxiv_id=PAPER)
    assert "secret" not in str(arxiv.ledger[0].headers)


async def test_ar5iv_is_asked_where_arxiv_has_no_page(
    ask: Ask, arxiv: ArxivSite, ar5iv: ArxivSite
) -> None:
    arxiv.pages.clear()
    said = await ask("read_paper", arxiv_id=PAPER)
    assert (
        "from ar5iv. It may be an older version of the paper. (arXiv: it has none (404).)" in said
    )
    assert ar5iv.lines == [f"GET /html/{PAPER}"]


async def test_the_markdown_of_the_hub_is_asked_for_last(
    ask: Ask, arxiv: ArxivSite, ar5iv: ArxivSite, hub: Site
) -> None:
    arxiv.pages.clear()
    ar5iv.pages[PAPER] = "<html><body>redirected to the page of the abstract</body></html>"
    said = await ask("read_paper", arxiv_id=f"{PAPER}v2")
    assert "from the Hub. Tables may be missing from it, and formulas stand twice." in said
    assert "(arXiv: it has none (404); ar5iv: the page has no paper on it.)" in said
    assert hub.lines == [f"GET /papers/{PAPER}.md"]
    section = await ask("read_paper", arxiv_id=PAPER, section="contributions")
    assert section.endswith("## Contributions.\n\n- A margin.\n\n[end of section Contributions.]")


@pytest.mark.parametrize(
    ("reply", "times", "why"),
    [
        (Reply(status=429, headers={"Retry-After": "60"}), 1, "it answered 429"),
        (Reply(status=500, body="x"), 2, "it answered 500"),
        (Reply(body="x" * 1000, cut=True), 2, "could not be reached"),
        (Reply(body="\x00" * 1000), 1, "the page has no"),
    ],
    ids=["busy", "down", "broken off", "nonsense"],
)
async def test_another_source_stands_in_for_one_that_fails(
    ask: Ask, arxiv: ArxivSite, reply: Reply, times: int, why: str
) -> None:
    arxiv.fail("html", reply, times=times)
    said = await ask("read_paper", arxiv_id=PAPER)
    assert "from ar5iv" in said
    assert why in said.splitlines()[2]


async def test_without_any_text_there_is_the_abstract_and_the_reason(
    ask: Ask, refusal: Ask, golden: Golden
) -> None:
    golden("hub/papers_read_abstract.txt", await ask("read_paper", arxiv_id=UNREAD))
    said = await refusal("read_paper", arxiv_id=UNREAD, section="1")
    assert said.startswith(f"The full text of arXiv:{UNREAD} cannot be had. arXiv: it has none")
    assert "So no section can be read" in said


async def test_the_abstract_may_be_semantic_scholars(
    ask: Ask, refusal: Ask, arxiv: ArxivSite, ar5iv: ArxivSite, hub: Site
) -> None:
    arxiv.pages.clear()
    ar5iv.pages.clear()
    hub.fail(PAPER, Reply(status=404, body="<html>"), times=2)
    assert "Abstract: As at Semantic Scholar." in await ask("read_paper", arxiv_id=PAPER)
    assert (await refusal("read_paper", arxiv_id="2401.00001")).endswith("Nor its abstract.")


async def test_a_paper_of_many_sections_is_listed_as_far_as_it_fits(
    ask: Ask, arxiv: ArxivSite
) -> None:
    deep = "".join(
        f'<h2 class="ltx_title ltx_title_section">{n} Part</h2><p>x</p>'
        + f'<h3 class="ltx_title ltx_title_subsection">{n}.1 Piece</h3><p>x</p>' * 3
        for n in range(1, 41)
    )
    arxiv.pages[OTHER] = f'<article class="ltx_document">{deep}</article>'
    said = await ask("read_paper", arxiv_id=OTHER)
    assert "\n40 Part (" in said
    assert "Piece" not in said
    assert "(120 deeper or later sections are not listed; their titles find them, too)" in said
    assert f"# arXiv:{OTHER}\n" in said
    assert "Abstract: (the page has none)" in said


async def test_control_characters_of_a_page_are_written_out(ask: Ask, arxiv: ArxivSite) -> None:
    heading = '<h2 class="ltx_title ltx_title_section">1 Aim</h2>'
    arxiv.pages[OTHER] = f'<article class="ltx_document">{heading}<p>a\x1b[31m&#155;b</p></article>'
    said = await ask("read_paper", arxiv_id=OTHER, section="1")
    assert not [char for char in said if char != "\n" and not char.isprintable()]


async def test_nobody_is_asked_about_nonsense(
    refusal: Ask, arxiv: ArxivSite, hub: Site, scholar: ScholarSite
) -> None:
    assert "is no arXiv id" in await refusal("read_paper", arxiv_id="../../etc/passwd")
    assert arxiv.ledger + hub.ledger + scholar.ledger == []
