"""Which license a model may have, by that of its base."""

from __future__ import annotations

import pytest

from ml_intern.tools.push.licenses import (
    NO_DERIVATIVES,
    PERMISSIVE,
    SUITING,
    Base,
    verdict,
)


def level(ours: str, its: str, public: bool = False) -> str:
    return verdict(ours, Base(repo_id="b/b", license=its), public).level


@pytest.mark.parametrize(
    ("its", "ours"),
    [
        ("apache-2.0", "mit"),
        ("mit", "apache-2.0"),
        ("apache-2.0", "cc-by-nc-4.0"),
        ("llama3.1", "llama3.1"),
        ("gemma", "gemma"),
        ("cc-by-nc-4.0", "cc-by-nc-sa-4.0"),
        ("cc-by-sa-3.0", "cc-by-sa-4.0"),
        ("gpl-3.0", "agpl-3.0"),
        ("cc-by-4.0", "other"),
    ],
)
def test_what_suits_is_fine(its: str, ours: str) -> None:
    assert level(ours, its) == "ok"


@pytest.mark.parametrize(
    ("its", "ours"),
    [
        ("llama3.1", ""),
        ("llama3.1", "apache-2.0"),
        ("llama3.2", "llama3.1"),
        ("gemma", "mit"),
        ("cc-by-nc-4.0", "cc-by-4.0"),
        ("cc-by-nc-sa-4.0", "cc-by-nc-4.0"),
        ("creativeml-openrail-m", "mit"),
        ("bigscience-openrail-m", ""),
        ("agpl-3.0", "gpl-3.0"),
        ("gpl-3.0", "cc-by-nc-nd-4.0"),
    ],
)
def test_what_is_looser_or_missing_is_refused_with_what_would_do(its: str, ours: str) -> None:
    found = verdict(ours, Base(repo_id="b/b", license=its), public=False)
    assert found.level == "refused"
    assert f"Pass license='{its}'" in found.said
    assert f"{ours or 'no license'} was given" in found.said


@pytest.mark.parametrize(
    ("its", "ours"),
    [
        ("apache-2.0", ""),
        ("", "mit"),
        ("other", "mit"),
        ("other", ""),
        ("unheard-of", "mit"),
        ("llama3.1", "other"),
        ("llama3.1", "unheard-of"),
    ],
)
def test_what_cannot_be_known_is_a_warning(its: str, ours: str) -> None:
    assert level(ours, its) == "warning"


def test_a_license_without_identifier_is_named() -> None:
    base = Base(repo_id="b/b", license="other", name="nvidia-open", link="https://x.test/l")
    assert "other nvidia-open https://x.test/l" in verdict("mit", base, public=False).said


def test_a_base_that_cannot_be_looked_at_is_a_warning_that_says_why() -> None:
    found = verdict("mit", Base(repo_id="b/b", problem="It does not exist."), public=True)
    assert (found.level, found.said) == (
        "warning",
        "The license of the base b/b is unknown: It does not exist.",
    )


@pytest.mark.parametrize("its", sorted(NO_DERIVATIVES))
def test_what_must_not_be_shared_is_never_public(its: str) -> None:
    assert level(its, its, public=True) == "refused"
    assert level(its, its, public=False) == "warning"


def test_the_tables_agree() -> None:
    assert not PERMISSIVE & SUITING.keys()
    assert not NO_DERIVATIVES & (PERMISSIVE | SUITING.keys())
    assert all(name in suiting for name, suiting in SUITING.items())
    suiting = frozenset[str]().union(*SUITING.values())
    assert not suiting & (PERMISSIVE | NO_DERIVATIVES)
    assert suiting <= SUITING.keys()
