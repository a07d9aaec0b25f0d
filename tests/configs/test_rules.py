"""Permission rules in configuration: their syntax, their sources, and what is kept for good."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.grants import granted, grants_file, remember
from ml_intern.configs.load import load_settings, placed_rules
from ml_intern.configs.rules import Placed, Rule, doubts, parse_rule
from ml_intern.configs.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "ml-intern").mkdir()
    (tmp_path / "project" / ".ml-intern").mkdir(parents=True)
    return tmp_path


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(home), **more}


def configure(home: Path, user: object = None, project: object = None) -> None:
    for path, values in (("ml-intern", user), ("project/.ml-intern", project)):
        (home / path / "config.json").write_text(json.dumps(values or {}))


def load(home: Path, flags: dict[str, Any] | None = None, **env: str) -> Settings:
    return load_settings(environ(home, **env), home / "project", flags or {})


def test_a_rule_is_a_tool_or_a_tool_and_a_pattern() -> None:
    assert parse_rule("bash") == Rule("bash")
    assert parse_rule(" bash( git status * ) ") == Rule("bash", "git status *")
    assert parse_rule("write(a(1).txt)") == Rule("write", "a(1).txt")
    assert parse_rule("mcp__x__y({*})") == Rule("mcp__x__y", "{*}")


@given(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.text(min_size=1))
def test_a_rule_reads_as_it_is_written(tool: str, pattern: str) -> None:
    try:
        rule = parse_rule(f"{tool}({pattern})")
    except ValueError:
        return
    assert parse_rule(str(rule)) == rule


BAD = ["", " ", "(x)", "bash(", "bash()", "bash( )", "bash)", "bash x", "b(x)y", "*", "read(!x)"]


@pytest.mark.parametrize("rule", BAD)
@pytest.mark.parametrize("kind", ["allow", "ask", "deny"])
def test_a_malformed_rule_is_named_with_its_source_and_the_remedy(
    home: Path, rule: str, kind: str
) -> None:
    configure(home, user={kind: [rule]})
    with pytest.raises(ConfigError) as caught:
        load(home)
    said = str(caught.value)
    assert f"config.json: '{kind}': '{rule}' is no permission rule" in said
    assert "tool(pattern)" in said
    configure(home)
    with pytest.raises(ConfigError, match=f"the flags: '--{kind}'"):
        load(home, {kind: [rule]})


def test_rules_of_all_sources_add_up_and_tell_where_they_are_from(home: Path) -> None:
    configure(
        home,
        user={"allow": ["bash(a)"], "deny": ["bash(b)"]},
        project={"deny": ["bash(c)"], "ask": ["bash(d)"]},
    )
    remember("bash(e)", "user", home / "project", environ(home))
    flags = {"allow": ("bash(g)", "bash(a)"), "deny": ("bash(h)",)}
    settings = load(home, flags, ML_INTERN_DENY="bash(f)\nbash(f2)")
    assert settings.allow == ("bash(a)", "bash(e)", "bash(g)")
    assert settings.ask == ("bash(d)",)
    assert settings.deny == ("bash(b)", "bash(c)", "bash(f)", "bash(f2)", "bash(h)")
    placed = placed_rules(environ(home), home / "project", flags)
    assert Placed("deny", "bash(c)", "project") in placed
    assert Placed("allow", "bash(e)", "grant") in placed
    assert Placed("allow", "bash(g)", "flag") in placed
    assert Placed("allow", "bash(a)", "user") in placed


def test_a_project_may_not_allow(home: Path) -> None:
    configure(home, project={"allow": ["bash(rm *)"]})
    with pytest.raises(ConfigError, match=r"may not allow calls.*~/.config/ml-intern/config.json"):
        load(home)


def test_a_rule_about_a_mistyped_tool_is_pointed_out() -> None:
    assert doubts(["bash(x)", "mcp__github__push", "plan_tool"]) == []
    assert "Did you mean bash?" in doubts(["bsh(ls *)"])[0]
    assert "Did you mean write?" in doubts(["Write(src/**)"])[0]


def test_what_is_granted_for_a_project_holds_there_alone(home: Path) -> None:
    env, project, other = environ(home), home / "project", home / "other"
    other.mkdir()
    path = remember("bash(make)", "project", project, env)
    remember("bash( make )", "project", project, env)
    remember("bash(ls *)", "user", project, env)
    assert granted(env, project) == ["bash(ls *)", "bash(make)"]
    assert granted(env, other) == ["bash(ls *)"]
    assert path == grants_file(env) == home / "ml-intern" / "permissions.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list((project / ".ml-intern").iterdir())
    link = home / "link"
    link.symlink_to(project)
    assert granted(env, link) == granted(env, project)


def test_a_folder_that_holds_the_configuration_brings_no_permissions(home: Path) -> None:
    (home / "project" / "config.json").write_text("{}")
    (home / "project" / "permissions.json").write_text('{"user": ["bash"]}')
    assert load(home, ML_INTERN_CONFIG=str(home / "project" / "config.json")).allow == ()


def test_what_is_no_rule_is_not_kept(home: Path) -> None:
    with pytest.raises(ConfigError, match="no permission rule"):
        remember("bash(", "user", home, environ(home))
    assert not grants_file(environ(home)).exists()


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"user": "bash"}', '{"projects": []}', '{"projects": {"/x": [1]}}', "\xff"],
)
def test_a_damaged_file_is_named_and_left_alone(home: Path, content: str) -> None:
    path = grants_file(environ(home))
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"permissions\.json"):
        load(home)
    with pytest.raises(ConfigError, match=r"permissions\.json"):
        remember("bash", "user", home, environ(home))
    assert path.read_bytes() == content.encode("latin-1")


def test_kept_behind_a_link_they_stay_there(home: Path) -> None:
    kept = home / "dotfiles" / "permissions.json"
    kept.parent.mkdir()
    kept.write_text('{"user": ["bash(ls *)"]}')
    grants_file(environ(home)).symlink_to(kept)
    remember("bash(make)", "user", home, environ(home))
    assert grants_file(environ(home)).is_symlink()
    assert json.loads(kept.read_text())["user"] == ["bash(ls *)", "bash(make)"]


def test_two_that_remember_at_once_lose_nothing(home: Path) -> None:
    def grant(number: int) -> None:
        remember(f"bash(tool{number})", "user", home, environ(home))

    threads = [threading.Thread(target=grant, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted(environ(home), home)) == sorted(f"bash(tool{n})" for n in range(8))
