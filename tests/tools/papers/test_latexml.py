"""Papers as LaTeXML writes them: sections, formulas, tables, and pages that are broken."""

from __future__ import annotations

import time

import pytest

from emulators.papers import PAGE
from ml_intern.tools.papers.document import Section
from ml_intern.tools.papers.latexml import NoTextError, parse

DOCUMENT = parse(PAGE)


def section(label: str) -> Section:
    [found] = [s for s in DOCUMENT.every() if s.label == label]
    return found


def body(html: str) -> str:
    """The text of a page with one section."""
    heading = '<h2 class="ltx_title ltx_title_section">T</h2>'
    [only] = parse(f'<article class="ltx_document">{heading}{html}</article>').sections
    return "\n\n".join(only.blocks)


def table(rows: str) -> str:
    return body(f'<table class="ltx_tabular">{rows}</table>')


def test_title_authors_and_abstract_stand_apart_from_the_sections() -> None:
    assert DOCUMENT.title == "Margin Matters: Preference Tuning with Adaptive Margins"
    assert DOCUMENT.authors == "Ada Noether, Émile Kovač"
    assert DOCUMENT.abstract == "We give each pair a margin $m_{i}$ of its own."
    text = "".join(s.text() for s in DOCUMENT.sections)
    assert "of its own" not in text
    assert "Noether" not in text


def test_sections_are_a_tree_with_the_references_last() -> None:
    def labels(sections: object) -> list[object]:
        assert isinstance(sections, list)
        return [[s.label, *labels(s.parts)] if s.parts else s.label for s in sections]

    assert labels(list(DOCUMENT.sections)) == [
        ["1 Introduction", "Contributions."],
        "2 Method",
        ["3 Experiments", ["3.1 Setup", "3.1.1 Hardware"], "3.2 Results and Ablations"],
        "Acknowledgments",
        ["A. Proofs", "A.1 Setup"],
        "B. A Survey of Annotators",
        "References",
    ]


def test_a_parent_has_its_own_text_and_then_that_of_its_parts_once() -> None:
    experiments = section("3 Experiments")
    assert experiments.blocks == ["We ask three questions."]
    text = experiments.text()
    assert text.count("We tune for one epoch.") == 1
    assert text.startswith("## 3 Experiments\n\nWe ask three questions.\n\n### 3.1 Setup\n\n")


def test_formulas_stand_once_as_tex() -> None:
    text = section("2 Method").text()
    assert "$$ L(\\theta)=-\\log\\sigma(z-m_{i}) $$ (1)" in text
    assert "$$ a =b+c $$\n$$ d =e $$" in text
    assert "with $z$ and $x^{2}$ as before." in text
    assert "SYMBOLS" in PAGE
    assert "SYMBOLS" not in text


def test_tables_are_markdown_tables_with_their_captions() -> None:
    text = section("3.2 Results and Ablations").text()
    assert (
        "Table 2: Win rates, in percent.\n\n"
        "| Method | Win rate | Win rate |\n|---|---|---|\n| Method | clean | noisy |\n"
        "| 7B models |  |  |\n| DPO | 61.2 | 52.0 |\n| Ours (a\\|b) | 64.9 | 63.1 |\n\n"
        "Figure 1: Margins over time."
    ) in text
    # LaTeXML also makes tables of spans.
    assert (
        "| learning rate | $5$e-7 |\n|---|---|\n| batch size | 128 |" in section("3.1 Setup").text()
    )


def test_notes_links_lists_code_and_powers() -> None:
    text = section("1 Introduction").text()
    assert "[1, 2] is common (footnote: Pairs of one annotator.)." in text
    assert "Our code (https://github.com/noether-lab/margin) is out; see Section 3." in text
    assert "- A margin for each pair.\n- A proof." in text
    hardware = section("3.1.1 Hardware").text()
    assert "for 10^5 steps" in hardware
    assert "```\nfor pair in pairs:\n    step(pair)\n```" in hardware


def test_references_are_a_list_without_where_they_are_cited() -> None:
    assert section("References").blocks == [
        "- [1] R. Rafe. Direct tuning. 2023.\n"
        "- [2] A. Proof. A setup of setups. Link (https://doi.org/10.1/x)."
    ]


def test_numbers_are_found_in_titles_without_tags() -> None:
    titles = ["1.  Aim", "Appendix C More", "C.2 Most", "3D Scenes", "Mix of Experts", "II-A Sets"]
    heads = "".join(f'<h2 class="ltx_title ltx_title_section">{t}</h2><p>x</p>' for t in titles)
    found = parse(f'<article class="ltx_document">{heads}</article>').sections
    assert [(s.number, s.title) for s in found] == [
        ("1", "Aim"), ("C", "More"), ("C.2", "Most"), ("", "3D Scenes"), ("", "Mix of Experts"),
        ("II-A", "Sets"),
    ]  # fmt: skip


def test_text_before_the_first_heading_is_kept() -> None:
    opening = "A letter to the editor. " * 20
    head = '<h2 class="ltx_title ltx_title_section">Methods</h2><p>m</p>'
    document = parse(f'<article class="ltx_document"><p>{opening}</p>{head}</article>')
    assert [s.title for s in document.sections] == ["Before the first section", "Methods"]
    assert document.sections[0].blocks == [opening.strip()]


def test_cells_that_span_rows_and_columns_stand_in_each() -> None:
    rows = (
        "<tr><th>a</th><th>b</th><th>c</th></tr>"
        "<tr><td rowspan='2'>r</td><td colspan='2'>w</td></tr><tr><td>x</td><td>y</td></tr>"
    )
    assert table(rows) == "| a | b | c |\n|---|---|---|\n| r | w | w |\n| r | x | y |"


def test_a_table_in_a_cell_is_text_of_the_cell() -> None:
    inner = "<table class='ltx_tabular'><tr><td>two</td></tr><tr><td>lines</td></tr></table>"
    assert table(f"<tr><td>{inner}</td><td>b</td></tr>") == "| two lines | b |\n|---|---|"


@pytest.mark.parametrize(
    "rows",
    [
        "<tr><td colspan='999999999' rowspan='999999999'>a</td><td>b</td></tr>" * 50,
        "<tr>" + "<td>a</td>" * 10_000 + "</tr>",
        "<tr><td>a</td></tr>" * 10_000,
        "<tr><td colspan='-1' rowspan='x'>a</td></tr>",
        "<tr></tr>",
        "",
    ],
    ids=["spans", "columns", "rows", "no numbers", "no cells", "no rows"],
)
def test_no_table_is_boundless(rows: str) -> None:
    assert len(table(rows)) < 400_000


def test_a_long_cell_stands_whole_in_one_place_only() -> None:
    """60 by 60 cells of a megabyte were 3.6 GB."""
    long = "word " * 20_000
    first = f"<tr><td colspan='50' rowspan='60'>{long}</td><td>b</td></tr>"
    text = table(first + "<tr><td>c</td></tr>" * 70)
    assert text.startswith(f"| {long}| word word word")
    assert len(text) < 2_000_000


def test_a_number_made_to_be_slow_is_not() -> None:
    began = time.monotonic()
    parse(PAGE.replace(">2 </span>Method", f">{'.' * 200_000}2 </span>Method"))
    assert time.monotonic() - began < 5


def test_a_table_that_is_cut_says_so() -> None:
    assert table("<tr><td>a</td></tr>" * 500).endswith("[the first 400 rows]")


def test_sections_that_are_not_closed_are_told_apart_by_their_headings() -> None:
    """The tree is made of headings, not of how a page nests."""
    broken = parse(PAGE.replace("</section>", ""))
    assert [s.text() for s in broken.sections] == [s.text() for s in DOCUMENT.sections]
    worse = parse(PAGE.replace("</section>", "").replace("</ul></div>", "").replace("</li>", ""))
    assert [s.label for s in worse.every()] == [s.label for s in DOCUMENT.every()]
    assert worse.sections[-2].blocks == ["Ten of them."]


@pytest.mark.parametrize(
    "html",
    [
        "", "<", "\x00\x00", "plain text", "<html><h1>No HTML for 2404.01234</h1></html>",
        '<?xml version="1.0" encoding="utf-16"?><html/>',
        '<article class="ltx_document"><h1 class="ltx_title_document">T</h1></article>',
        '<article class="ltx_document">' + "<div>" * 100_000,
        "<article class='ltx_document'>" + "<section><p>" * 3000,
    ],
)  # fmt: skip
def test_a_page_without_a_paper_is_said_to_be_one(html: str) -> None:
    with pytest.raises(NoTextError, match=r"^the page (has no|is no)"):
        parse(html)


def test_a_page_that_is_cut_off_gives_what_it_has() -> None:
    cut = parse(PAGE[: PAGE.index("Ablation 9:")])
    assert cut.every()[-1].label == "3.2 Results and Ablations"


def test_a_page_of_five_megabytes_is_read_in_reasonable_time() -> None:
    formula = (
        '<math alttext="x_{1}"><semantics><mrow><mi>x</mi><mn>1</mn></mrow></semantics></math>'
    )
    more = f'<p class="ltx_p">{f"word {formula} " * 55_000}</p>'
    html = PAGE.replace('<section id="S2"', f'{more}<section id="S2"')
    assert len(html) > 5_000_000
    began = time.monotonic()
    text = parse(html).sections[0].text()
    assert time.monotonic() - began < 20
    assert text.count("$x_{1}$") == 55_000
