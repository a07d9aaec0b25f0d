"""Which section of a paper is meant."""

from __future__ import annotations

import pytest

from emulators.papers import PAGE
from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.document import Document, Section
from ml_intern.tools.papers.latexml import parse
from ml_intern.tools.papers.lookup import address, find

DOCUMENT = parse(PAGE)


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        ("3", "3 Experiments"),
        ("3.", "3 Experiments"),
        ("Section 3.1", "3.1 Setup"),
        ("§ 3.1.1", "3.1.1 Hardware"),
        ("A", "A. Proofs"),
        ("a.1", "A.1 Setup"),
        ("Appendix A", "A. Proofs"),
        ("appendix b", "B. A Survey of Annotators"),
        ("Appendix A: Proofs", "A. Proofs"),
        ("B. A Survey of Annotators", "B. A Survey of Annotators"),
        ("3.1 Setup", "3.1 Setup"),
        ("EXPERIMENTS", "3 Experiments"),
        ("exper", "3 Experiments"),
        ("ablations", "3.2 Results and Ablations"),
        ("survey of annotators", "B. A Survey of Annotators"),
        ("contributions", "Contributions."),
        ("Experiments > setup", "3.1 Setup"),
        ("a > setup", "A.1 Setup"),
        ("bibliography", "References"),
        ('"3.1"', "3.1 Setup"),
        ("(3.1)", "3.1 Setup"),
        ("Sec 3.1", "3.1 Setup"),
        ("3.2 Results", "3.2 Results and Ablations"),
        ("3.2 Results and…", "3.2 Results and Ablations"),
        ("App. B", "B. A Survey of Annotators"),
    ],
)
def test_a_section_is_found_by_number_title_start_or_words(wanted: str, label: str) -> None:
    assert find(DOCUMENT, wanted).label == label


@pytest.mark.parametrize("wanted", ["S", "e", "4", "1.1", "B.1", "blation", "margins", "***", ">"])
def test_no_part_of_a_word_finds_a_section(wanted: str) -> None:
    with pytest.raises(ToolError, match=r"There is no section .* There are: 1 Introduction; "):
        find(DOCUMENT, wanted)


def test_what_several_have_is_asked_about() -> None:
    with pytest.raises(ToolError) as caught:
        find(DOCUMENT, "setup")
    assert str(caught.value) == (
        '"setup" can mean several sections. Give one of: "3.1" (3.1 Setup); "A.1" (A.1 Setup).'
    )


def test_the_address_of_every_section_finds_it() -> None:
    twins = [Section("Data", parts=[Section("Setup")]), Section("Model", parts=[Section("Setup")])]
    odd = [Section("Bigger > better"), Section("***"), Section("", "7"), Section(""), Section("A")]
    same = [Section("Same"), Section("Same", parts=[Section("Same")]), Section("x", "1"),
            Section("y", "1")]  # fmt: skip
    for document in (DOCUMENT, *(Document(sections=sections) for sections in (twins, odd, same))):
        found = [find(document, address(document, section)) for section in document.every()]
        assert found == document.every()


def test_twins_are_named_by_their_place() -> None:
    document = Document(sections=[Section("Same"), Section("Same")])
    with pytest.raises(ToolError, match=r'Give one of: "#1" \(Same\); "#2" \(Same\)\.$'):
        find(document, "same")


def test_titles_without_end_are_cut_in_lists_and_not_asked_for() -> None:
    """A paragraph that is taken for a heading; `section` takes no more than 300 characters."""
    long = Section("Long " * 10_000)
    document = Document(sections=[long, Section("Long " * 10_000)])
    assert address(document, long) == address(Document(sections=[long]), long) == "#1"
    for wanted in ("nothing", "long"):
        with pytest.raises(ToolError) as caught:
            find(document, wanted)
        assert len(str(caught.value)) < 1000


def test_a_long_list_of_sections_is_cut() -> None:
    many = Document(sections=[Section(f"Part {n}") for n in range(60)])
    with pytest.raises(ToolError, match=r"Part 39; and 20 more\.$"):
        find(many, "nothing")
    same = Document(sections=[Section("Same") for _ in range(60)])
    with pytest.raises(ToolError, match=r'"#40" \(Same\); and 20 more\.$'):
        find(same, "same")
