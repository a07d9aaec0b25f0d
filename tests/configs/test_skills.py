"""Which skills are listed to the model, and what is said of those that are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ml_intern.configs.guidance import guidance_in
from ml_intern.configs.prompts import system_prompt
from ml_intern.configs.skills import MOST_SKILLS, Skill


def skill(root: Path, name: str = "pdf", text: str | None = None, **values: str) -> Path:
    path = root / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    matter = {"name": name, "description": "Reads PDFs.", **values}
    head = "\n".join(f"{key}: {value}" for key, value in matter.items())
    path.write_text(text if text is not None else f"---\n{head}\n---\n\nDo this.\n")
    return path


def found(cwd: Path) -> tuple[Skill, ...]:
    return guidance_in(cwd, os.environ).skills


def problems(cwd: Path) -> tuple[str, ...]:
    return guidance_in(cwd, os.environ).problems


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "a").mkdir()
    return tmp_path / "repo"


def test_every_place_is_looked_in(tmp_path: Path, repo: Path) -> None:
    places = {
        "a": repo / "a" / ".agents" / "skills",
        "b": repo / "a" / ".claude" / "skills",
        "c": repo / ".agents" / "skills",
        "d": repo / ".claude" / "skills",
        "e": tmp_path / "xdg_config_home" / "ml-intern" / "skills",
        "f": tmp_path / ".agents" / "skills",
        "g": tmp_path / ".claude" / "skills",
    }
    paths = [skill(place, name) for name, place in places.items()]
    levels = ["project"] * 4 + ["user"] * 3
    assert [(s.path, s.level) for s in found(repo / "a")] == list(zip(paths, levels, strict=True))


def test_of_one_name_the_nearest(tmp_path: Path, repo: Path) -> None:
    skill(tmp_path / ".agents" / "skills")
    in_root = skill(repo / ".claude" / "skills")
    assert [s.path for s in found(repo / "a")] == [in_root]
    near = skill(repo / "a" / ".agents" / "skills")
    assert [s.path for s in found(repo / "a")] == [near]


def test_in_the_home_itself_they_are_the_users_own(tmp_path: Path) -> None:
    skill(tmp_path / ".agents" / "skills")
    assert [s.level for s in found(tmp_path)] == ["user"]


def test_they_are_listed_on_a_line_each_and_not_whole(repo: Path) -> None:
    text = "---\nname: long\ndescription: >\n  Reads\n  " + "PDFs " * 500 + "\n---\nSECRET STEP\n"
    path = skill(repo / ".agents" / "skills", "long", text)
    prompt = system_prompt(repo)
    (line,) = [line for line in prompt.splitlines() if line.startswith("- long (project): Reads ")]
    assert line.endswith(f"… File: {path}")
    assert len(line) < 500 + len(str(path))
    assert "SECRET STEP" not in prompt


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Just text.", "does not begin with a line `---`"),
        ("", "does not begin with a line `---`"),
        ("---\nname: pdf\n", "no line `---` ends"),
        ("---\nname: pdf\ndescription: a: b: c\n---\n", "not valid YAML (line 3"),
        ("---\n" + "[" * 9000 + "\n---\n", "not valid YAML"),
        ("---\nname: 2026-13-45\n---\n", "not valid YAML"),
        ("---\n? [a]\n: b\n---\n", "no `name`|not valid YAML"),
        ("---\n- pdf\n---\n", "has no `name` and `description`"),
        ("---\nname: pdf\n---\n", "has no `description`"),
        ("---\nname: pdf\ndescription: [a]\n---\n", "has no `description`"),
        ("---\nname: Pdf Tool\ndescription: a\n---\n", "its `name` must be"),
        ("---\nname: a--b\ndescription: a\n---\n", "its `name` must be"),
        (f"---\nname: {'a' * 65}\ndescription: a\n---\n", "its `name` must be"),
        ("---\nname: !!python/object/apply:os.system [id]\n---\n", "not valid YAML"),
    ],
)
def test_a_broken_one_is_said_and_left_out(repo: Path, text: str, why: str) -> None:
    path = skill(repo / ".agents" / "skills", "broken", text)
    skill(repo / ".agents" / "skills", "sound")
    assert [s.name for s in found(repo)] == ["sound"]
    (said,) = problems(repo)
    assert str(path) in said
    assert any(each in said for each in why.split("|"))


def test_a_bomb_of_aliases_goes_off_nowhere(repo: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    text = "---\nname: bomb\n" + "\n".join(lines) + "\ndescription: *a29\n---\n"
    skill(repo / ".agents" / "skills", "bomb", text)
    assert found(repo) == ()
    assert "alias" in problems(repo)[0]


def test_a_projects_skill_must_not_lead_out_of_it(tmp_path: Path, repo: Path) -> None:
    outside = skill(tmp_path / "elsewhere")
    places = repo / ".agents" / "skills"
    places.mkdir(parents=True)
    (places / "pdf").symlink_to(outside.parent)
    assert found(repo) == ()
    assert "leads out of the project" in problems(repo)[0]


def test_no_more_than_fit_are_listed(repo: Path) -> None:
    for number in range(MOST_SKILLS + 7):
        skill(repo / ".agents" / "skills", f"s{number:03}")
    assert len(found(repo)) == MOST_SKILLS
    assert problems(repo) == (f"7 skills beyond the first {MOST_SKILLS} are not listed.",)


def test_many_broken_ones_are_not_told_one_by_one(repo: Path) -> None:
    for number in range(40):
        skill(repo / ".agents" / "skills", f"s{number:03}", "")
    assert len(problems(repo)) == 6
    assert "35 others" in problems(repo)[-1]


def test_aliases_cannot_fill_the_memory(repo: Path) -> None:
    """Merged into one another, some 500 bytes of them took minutes and gigabytes."""
    levels = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    head = "\n".join(["name: pdf", "description: Reads **PDFs** * well.", "a0: &a0 {x: 1}"])
    skill(repo / ".agents" / "skills", text="\n".join(["---", head, *levels, "---"]))
    assert found(repo) == ()
    assert "alias" in problems(repo)[0]


def test_a_star_is_no_alias(repo: Path) -> None:
    skill(repo / ".agents" / "skills", description="Reads **PDFs**, *all* of them.")
    assert [s.description for s in found(repo)] == ["Reads **PDFs**, *all* of them."]
