"""Which AGENTS.md the model is given, and what is not taken of a project that is not trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ml_intern.configs.guidance import Guidance, guidance_in
from ml_intern.configs.instructions import MOST


def write(path: Path, text: str | bytes = "Use uv.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def look(cwd: Path) -> Guidance:
    cwd.mkdir(parents=True, exist_ok=True)
    return guidance_in(cwd, os.environ)


def taken(cwd: Path) -> list[Path]:
    return [found.path for found in look(cwd).instructions]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository in the user's home, which is `tmp_path`."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    return tmp_path / "repo"


def own(tmp_path: Path, text: str = "Mine.") -> Path:
    return write(tmp_path / "xdg_config_home" / "ml-intern" / "AGENTS.md", text)


def test_nothing_there_is_nothing_said(repo: Path) -> None:
    assert look(repo) == Guidance()
    assert look(repo).told() == []


def test_the_nearest_of_a_project_and_the_users_own_before_it(tmp_path: Path, repo: Path) -> None:
    mine, far, near = own(tmp_path), write(repo / "AGENTS.md"), repo / "a" / "AGENTS.md"
    assert taken(repo / "a" / "b") == [mine, far]
    write(near)
    found = look(repo / "a" / "b")
    assert [(f.level, f.path) for f in found.instructions] == [("user", mine), ("project", near)]
    (line,) = found.told()
    assert str(mine) in line
    assert str(near) in line


def test_claude_md_only_where_there_is_no_agents_md(repo: Path) -> None:
    other = write(repo / "CLAUDE.md")
    assert taken(repo / "a") == [other]
    nearer = write(repo / "a" / "CLAUDE.md")
    assert taken(repo / "a") == [nearer]
    agents = write(repo / "a" / "AGENTS.md")
    assert taken(repo / "a") == [agents]
    write(agents, " \n")  # an empty one is none
    assert taken(repo / "a") == [nearer]


def test_nothing_above_the_repository_nor_above_home(tmp_path: Path, repo: Path) -> None:
    write(tmp_path.parent / "AGENTS.md", "From above the home.")
    try:
        assert taken(tmp_path / "plain") == []
        in_home = write(tmp_path / "AGENTS.md", "From above the repository.")
        assert taken(repo / "a") == []
        assert taken(tmp_path / "plain") == [in_home]
    finally:
        (tmp_path.parent / "AGENTS.md").unlink()


def test_a_worktree_is_a_repository_too(tmp_path: Path) -> None:
    write(tmp_path / "AGENTS.md", "Above.")
    write(tmp_path / "tree" / ".git", "gitdir: /elsewhere\n")
    assert taken(tmp_path / "tree" / "a") == []


def test_the_users_own_is_not_beside_a_file_that_a_variable_names(
    tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repo / "ci" / "AGENTS.md", "I am your user.")
    monkeypatch.setenv("ML_INTERN_CONFIG", str(repo / "ci" / "config.json"))
    mine = own(tmp_path)
    assert taken(repo) == [mine]


def test_a_long_one_is_cut_and_that_is_said(repo: Path) -> None:
    path = write(repo / "AGENTS.md", "é" * MOST)
    found = look(repo)
    (instructions,) = found.instructions
    assert instructions.text == "é" * (MOST // 2)
    assert (instructions.size, instructions.cut) == (2 * MOST, True)
    assert found.problems == (f"{path} has 65,536 bytes; the model is told the first 32,768, "
                              "and where the rest is.",)  # fmt: skip


def test_a_cut_inside_a_character_is_not_seen(repo: Path) -> None:
    write(repo / "AGENTS.md", "a" + "é" * MOST)
    assert look(repo).instructions[0].text == "a" + "é" * (MOST // 2 - 1)


@pytest.mark.parametrize(
    ("data", "text"), [(b"a\xffb", "a\ufffdb"), (b"\xef\xbb\xbfa", "a"), (b"a\xc3", "a\ufffd")]
)
def test_bytes_that_are_no_text(repo: Path, data: bytes, text: str) -> None:
    write(repo / "AGENTS.md", data)
    assert look(repo).instructions[0].text == text


def test_a_fifo_does_not_block(repo: Path) -> None:
    os.mkfifo(repo / "AGENTS.md")
    found = look(repo)
    assert found.instructions == ()
    assert found.problems == (f"{repo / 'AGENTS.md'} was not read: it is not a regular file.",)


@pytest.mark.parametrize("what", ["folder", "loop", "unreadable"])
def test_what_cannot_be_read_is_said_and_the_next_one_taken(
    tmp_path: Path, repo: Path, what: str
) -> None:
    mine = own(tmp_path)
    path, other = repo / "a" / "AGENTS.md", write(repo / "AGENTS.md")
    path.parent.mkdir()
    if what == "folder":
        path.mkdir()
    elif what == "loop":
        path.symlink_to(path)
    else:
        write(path).chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root reads everything")
    found = look(repo / "a")
    assert [f.path for f in found.instructions] == [mine, other]
    assert str(path) in found.problems[0]


def test_a_link_must_not_lead_out_of_the_project(tmp_path: Path, repo: Path) -> None:
    secret = write(tmp_path / "secret.md", "token")
    (repo / "AGENTS.md").symlink_to(secret)
    found = look(repo)
    assert found.instructions == ()
    assert "leads out of the project" in found.problems[0]


def test_nor_to_what_is_no_markdown(repo: Path) -> None:
    write(repo / ".env", "HF_TOKEN=x")
    (repo / "AGENTS.md").symlink_to(".env")
    assert look(repo).instructions == ()


def test_a_link_within_the_project_is_followed(repo: Path) -> None:
    write(repo / "docs" / "rules.md", "Use uv.")
    (repo / "AGENTS.md").symlink_to("docs/rules.md")
    assert look(repo).instructions[0].text == "Use uv."


def test_the_users_own_may_be_a_link(tmp_path: Path, repo: Path) -> None:
    mine = own(tmp_path)
    mine.rename(tmp_path / "dotfile")
    mine.symlink_to(tmp_path / "dotfile")
    assert taken(repo) == [mine]


def test_what_another_user_could_put_there_is_not_taken(repo: Path) -> None:
    """Such as /tmp/AGENTS.md beside /tmp/.git."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = write(repo / "AGENTS.md")
    (repo / "a").mkdir()
    os.chown(path, 12345, -1)
    found = look(repo / "a")
    assert found.instructions == ()
    assert "belongs to another user" in found.problems[0]
    (repo / "a").chmod(0o777)
    write(repo / "a" / "AGENTS.md")
    os.chown(repo / "a" / "AGENTS.md", 12345, -1)
    assert taken(repo / "a") == []  # the working folder is one like /tmp
    (repo / "a" / "AGENTS.md").unlink()
    os.chown(repo / "a", 12345, -1)
    assert taken(repo / "a") == [path]  # all of it is theirs, as in a container's mount
