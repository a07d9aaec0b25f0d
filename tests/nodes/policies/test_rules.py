"""Command lines, paths and arguments against rules and modes: what runs, asks, is denied."""

from __future__ import annotations

import re
import shlex
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import ToolCall

from ml_intern.configs.rules import Placed, Rule, parse_rule
from ml_intern.graph.context import PermissionMode
from ml_intern.nodes.policies.approval import Permissions, Verdict, decide, effective
from ml_intern.nodes.policies.places import Place
from ml_intern.nodes.policies.rules import Rules, _glob, read_rules
from ml_intern.nodes.policies.suggest import suggest
from ml_intern.tools.registry import by_name

TOOLS = by_name()


def rules(text: str) -> Rules:
    """`+` allows, `?` asks, `-` denies; one rule a line or after `;;`."""
    lists: dict[str, list[Rule]] = {"+": [], "?": [], "-": []}
    for item in filter(None, text.split(";;")):
        lists[item.strip()[0]].append(parse_rule(item.strip()[1:]))
    return Rules(tuple(lists["+"]), tuple(lists["?"]), tuple(lists["-"]))


def bash(command: str, **more: Any) -> ToolCall:
    return ToolCall(name="bash", args={"command": command, **more}, id="c")


def verdict(command: str, given: str, mode: PermissionMode = "default", **more: Any) -> Verdict:
    return decide(bash(command, **more), TOOLS, Permissions(mode, rules(given)))


GIT = "+bash(git status *);;+bash(ls *);;+bash(cat *)"
NO_RM = "-bash(rm *)"

TABLE: list[tuple[str, str, str, PermissionMode]] = [
    # allow: what a person would expect, and not a word more
    ("git status", GIT, "run", "default"),
    ("git status --short", GIT, "run", "default"),
    ("git  status   -s", GIT, "run", "default"),
    ("git 'status'", GIT, "run", "default"),
    ("git status && ls -la", GIT, "run", "default"),
    ("git status | cat", GIT, "run", "default"),
    ("ls $(git status)", GIT, "run", "default"),
    ("ls 2>/dev/null", GIT, "run", "default"),
    ("for f in a b; do cat $f; done", GIT, "run", "default"),
    ("ls *.py", GIT, "run", "default"),
    ("git statusx", GIT, "ask", "default"),
    ("git", GIT, "ask", "default"),
    ("git push", GIT, "ask", "default"),
    ("git -C x status", GIT, "ask", "default"),
    ("./git status", GIT, "ask", "default"),
    ("/tmp/git status", GIT, "ask", "default"),
    ("sudo git status", GIT, "ask", "default"),
    ("env git status", GIT, "ask", "default"),
    ("sh -c 'git status'", GIT, "ask", "default"),
    ("git $X", GIT, "ask", "default"),
    ("git stat*", GIT, "ask", "default"),
    ("git status; rm x", GIT, "ask", "default"),
    ("git status && rm x", GIT, "ask", "default"),
    ("git status | tee x", GIT, "ask", "default"),
    ("git status `rm x`", GIT, "ask", "default"),
    ("git status $(rm x)", GIT, "ask", "default"),
    ("cat <(rm x)", GIT, "ask", "default"),
    ("git status\nrm x", GIT, "ask", "default"),
    ("git status & rm x", GIT, "ask", "default"),
    ("git status > ~/.bashrc", GIT, "ask", "default"),
    ("git status >> x", GIT, "ask", "default"),
    ("cat < /etc/shadow", GIT, "ask", "default"),
    ("cat <<E\n$(rm x)\nE", GIT, "ask", "default"),
    ("LD_PRELOAD=./x.so git status", GIT, "ask", "default"),
    ("PATH=.; git status", GIT, "ask", "default"),
    ("git() { rm x; }; git status", GIT, "ask", "default"),
    ("git status 'open", GIT, "ask", "default"),
    ("eval git status", GIT, "ask", "default"),
    ("anything", "+bash", "run", "default"),
    ("$X", "+bash", "run", "default"),
    ("git", "+bash(git *)", "run", "default"),
    ("gitk", "+bash(git *)", "ask", "default"),
    ("python train.py", "+bash(python train.py)", "run", "default"),
    ("python train.py --lr 1", "+bash(python train.py)", "ask", "default"),
    ("python 'train.py'", "+bash(python train.py)", "run", "default"),
    ("python 'a b'", "+bash(python a b)", "ask", "default"),
    ("python 'a b'", "+bash(python 'a b')", "run", "default"),
    ("git status", "+git(status)", "ask", "default"),
    # allow and the modes
    ("git status", GIT, "deny", "plan"),
    ("git status", GIT, "run", "accept-edits"),
    ("git push", GIT, "ask", "accept-edits"),
    ("git push", GIT, "run", "yolo"),
    # deny: in every mode, through every spelling
    ("rm x", NO_RM, "deny", "yolo"),
    ("rm", NO_RM, "deny", "yolo"),
    ("rm x", NO_RM, "deny", "default"),
    ("rm x", NO_RM, "deny", "plan"),
    ("rm x", NO_RM + ";;+bash(rm *)", "deny", "yolo"),
    ("rm x", NO_RM + ";;?bash(rm *)", "deny", "yolo"),
    ("ls; rm x", NO_RM, "deny", "yolo"),
    ("r'm' -rf x", NO_RM, "deny", "yolo"),
    ("\\rm x", NO_RM, "deny", "yolo"),
    ("/bin/rm x", NO_RM, "deny", "yolo"),
    ("command rm x", NO_RM, "deny", "yolo"),
    ("sudo -u root rm x", NO_RM, "deny", "yolo"),
    ("sh -c 'rm x'", NO_RM, "deny", "yolo"),
    ("find . -exec rm {} +", NO_RM, "deny", "yolo"),
    ("ls | xargs rm", NO_RM, "deny", "yolo"),
    ("rm x > /dev/null", NO_RM, "deny", "yolo"),
    ("A=1 rm x", NO_RM, "deny", "yolo"),
    ("rm $X", NO_RM, "deny", "yolo"),
    ("rmdir x", NO_RM, "run", "yolo"),
    ("grep rm x", NO_RM, "run", "yolo"),
    ("echo 'rm x'", NO_RM, "run", "yolo"),
    ("python - <<'E'\nrm x\nE", NO_RM, "run", "yolo"),
    ("ls", "-bash", "deny", "yolo"),
    ("$X", "-bash", "deny", "yolo"),
    ("git push origin main", "-bash(git push *)", "deny", "yolo"),
    ("git  push", "-bash(git push *)", "deny", "yolo"),
    ("git pull", "-bash(git push *)", "run", "yolo"),
    ("git -C . push", "-bash(git push *)", "deny", "yolo"),
    ("git --no-pager -c a=b push x", "-bash(git push *)", "deny", "yolo"),
    ("git -C push pull", "-bash(git push *)", "run", "yolo"),
    # what cannot be told is asked where a rule forbids
    ("$X y", NO_RM, "ask", "yolo"),
    ("eval \"$X\"", NO_RM, "ask", "yolo"),
    ("curl u | sh", NO_RM, "ask", "yolo"),
    ("echo 'open", NO_RM, "ask", "yolo"),
    ("git $X", "-bash(git push *)", "ask", "yolo"),
    ("git $X", "-bash(rm *)", "run", "yolo"),
    ("git pu*", "-bash(git push *)", "ask", "yolo"),
    ("$X y", "", "run", "yolo"),
    ("$X y", "-write(x)", "run", "yolo"),
    # ask: also in yolo, before allow
    ("git push", "?bash(git push *)", "ask", "yolo"),
    ("git push", "?bash(git push *);;+bash(git *)", "ask", "default"),
    ("git push", "?bash(git push *)", "deny", "plan"),
    ("ls", "?bash(git push *)", "run", "yolo"),
    ("ls", "?bash", "ask", "yolo"),
]  # fmt: skip


STARS = "+bash(git *);;+bash(find *);;+bash(sort *);;+bash(echo *);;+bash(sed *);;+bash(tar *)"

BEYOND = [
    ("git log --oneline -c -p", "run"), ("git -C x --no-pager log", "run"),
    ("git switch -c new", "run"), ("git commit -c HEAD", "run"), ("git diff -- --output=x", "run"),
    ("git log $X", "run"), ("git diff *.py", "run"), ("git log HEAD@{1}", "run"),
    ("git log --output=x", "ask"), ("git diff --output x", "ask"),
    ("git 'log' --out'put=x'", "ask"),
    ("git -c alias.x=!rm x", "ask"), ("git -ccore.pager=rm log", "ask"),
    ("git -C x -c core.pager=rm log", "ask"), ("git --exec-path=. log", "ask"),
    ("git --config-env=core.pager=X log", "ask"), ("git grep -Orm x", "ask"),
    ("git rebase -x rm HEAD", "ask"), ("git fetch --upload-pack=rm .", "ask"),
    ("git clone -c core.pager=rm a", "ask"),
    ("git log $(echo --output=x)", "ask"), ("git log `echo --output=x`", "ask"),
    ("git log {--output=x,y}", "ask"), ("for x in --output=f; do git log $x; done", "ask"),
    ("for x in $(echo --output=f); do git log $x; done", "ask"),
    ("for x in a b; do git log $x; done", "run"),
    ("find . -name '*.py'", "run"), ("find . -exec rm {} +", "ask"), ("find . -delete", "ask"),
    ("find . -fprintf x y", "ask"), ("find -- . -delete", "ask"),
    ("sort -u x", "run"), ("sort -uo x y", "ask"), ("sort --o=x y", "ask"),
    ("sort -u -- -o", "run"),
    ("sed -n 1p x", "run"), ("sed -i s/a/b/ x", "ask"), ("sed -ni s/a/b/ x", "ask"),
    ("tar xf x", "run"), ("tar --to-command=rm -xf x", "ask"), ("tar -I rm -xf x", "ask"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "action"), BEYOND)
def test_a_star_is_not_about_options_that_run_or_write_something_else(
    command: str, action: str
) -> None:
    assert verdict(command, STARS).action == action
    assert verdict(command, "+bash").action == "run"


def test_a_rule_can_name_them() -> None:
    assert verdict("git log --output=x", "+bash(git log --output=*)").action == "run"
    assert verdict("find . -name x -delete", "+bash(find * -delete)").action == "run"
    assert verdict("find . -exec rm {} + -delete", "+bash(find * -delete)").action == "ask"
    assert verdict("sort -uo x y", "+bash(sort -uo x y)").action == "run"
    assert verdict("find . -delete", "+bash(*)").action == "run"


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_a_star_is_anything(pattern: str, text: str) -> None:
    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text)
    assert _glob(pattern.split("*"), text) == bool(wanted)


def test_many_stars_take_no_time() -> None:
    command = f"echo {'a' * 15_000}"
    began = time.perf_counter()
    assert verdict(command, "-bash(*a*a*a*a*a*a*b)", "yolo").action == "run"
    assert time.perf_counter() - began < 5


ARITHMETIC = [
    "[[ 'a[$(rm x)]' -eq 0 ]] && echo", "[[ -v 'a[`rm x`]' ]] && echo",
    "for x in 'a[$(rm x)]'; do echo $((x)); done", "echo ${PATH:'a[$(rm x)]'}",
    "for x in '$(rm x)]'; do [[ a[$x -eq 0 ]] && echo; done", "echo $[ 'a[$(rm x)]' ]",
    "echo -v 'a[$(rm x)]' $((1))", "[[ 'a['$'\\x24(rm x)]' -eq 0 ]] && echo",
    "[[ 'a[$'\"(rm x)]\" -eq 0 ]] && echo", "echo `echo \\`rm x\\``",
    'echo "`echo \\`rm x\\``"', "[ -v 'a[$(rm x)]' ] && echo",
]  # fmt: skip


@pytest.mark.parametrize("command", ARITHMETIC)
def test_what_bash_reads_a_second_time_is_not_let_through(command: str) -> None:
    assert verdict(command, "+bash(echo *)").action == "ask"


def test_arithmetic_and_dollars_that_do_no_harm_are() -> None:
    given = "+bash(echo *);;+bash(awk *)"
    assert verdict("echo $((1 + 2)) ${x:-1}", given).action == "run"
    assert verdict("awk '{print $1}' x", given).action == "run"
    assert verdict("x=$(awk '{print $1}' y); echo $((x + 1))", NO_RM, "yolo").action == "run"


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 60


@pytest.mark.parametrize(("command", "given", "action", "mode"), TABLE)
def test_a_command_line(command: str, given: str, action: str, mode: PermissionMode) -> None:
    found = verdict(command, given, mode)
    assert found.action == action, found


@pytest.mark.parametrize("folder", ["/tmp", "sub", "../x"])
def test_an_allowed_command_is_another_one_in_another_folder(folder: str) -> None:
    given = "+bash(python train.py)"
    assert verdict("python train.py", given, work_dir=folder).action == "ask"
    assert verdict("python train.py", given, work_dir=".").action == "run"
    assert verdict("rm x", NO_RM, "yolo", work_dir=folder).action == "deny"


def test_the_reason_says_which_rule() -> None:
    assert "`deny bash(rm *)`" in verdict("rm x", NO_RM, "yolo").reason
    assert "`ask bash(rm *)`" in verdict("rm x", "?bash(rm *)", "yolo").reason
    assert "cannot be told whether the rule `deny bash(rm *)`" in verdict("$X", NO_RM).reason


def place(named: str, real: str | None = None) -> Place:
    return Place(named, real or named, "/work", "/home/me")


PATHS = [
    ("src/**", place("/work/src/a/b.py"), True),
    ("src/**", place("/work/srcs/b.py"), False),
    ("src", place("/work/src/b.py"), True),
    ("*.py", place("/work/deep/b.py"), True),
    ("*.py", place("/other/b.py"), False),
    ("./a.txt", place("/work/a.txt"), True),
    ("./a.txt", place("/work/deep/a.txt"), False),
    ("/etc/**", place("/etc/passwd"), True),
    ("/etc/**", place("/work/etc/passwd"), False),
    ("~/.ssh/**", place("/home/me/.ssh/id"), True),
    ("~", place("/home/me/x"), True),
    ("~/x", place("/home/other/x"), False),
    ("../side/**", place("/side/x"), True),
    ("a[12].txt", place("/work/a1.txt"), True),
    ("a\\*.txt", place("/work/ab.txt"), False),
]


@pytest.mark.parametrize(("pattern", "where", "matching"), PATHS)
def test_a_path(pattern: str, where: Place, matching: bool) -> None:
    call = ToolCall(name="write", args={"path": "x", "content": ""}, id="c")
    for sign, otherwise, then in (("+", "ask", "run"), ("-", "run", "deny"), ("?", "run", "ask")):
        mode: PermissionMode = "default" if sign == "+" else "yolo"
        permissions = Permissions(mode, rules(f"{sign}write({pattern})"))
        found = decide(call, TOOLS, permissions, place=where)
        assert found.action == (then if matching else otherwise)


def test_a_link_does_not_slip_through() -> None:
    call = ToolCall(name="read", args={"path": "link"}, id="c")
    where = place("/work/link", "/home/me/.ssh/id")
    denying = Permissions("yolo", rules("-read(~/.ssh/**)"))
    assert decide(call, TOOLS, denying, place=where).action == "deny"
    write = ToolCall(name="write", args={"path": "link", "content": ""}, id="c")
    allowing = Permissions("default", rules("+write(./link)"))
    assert decide(write, TOOLS, allowing, place=where).action == "ask"


def test_a_path_that_leads_nowhere_is_asked_for_where_a_rule_forbids() -> None:
    call = ToolCall(name="read", args={"path": "loop"}, id="c")
    denying = Permissions("yolo", rules("-read(x)"))
    assert decide(call, TOOLS, denying, place=None).action == "ask"


def test_other_tools_go_by_their_arguments() -> None:
    call = ToolCall(name="recall", args={"query": "secret plans"}, id="c")
    assert decide(call, TOOLS, Permissions("yolo", rules("-recall(*secret*)"))).action == "deny"
    assert decide(call, TOOLS, Permissions("yolo", rules("-recall(*public*)"))).action == "run"


QUOTED = st.sampled_from(["{}", "'{}'", '"{}"', "$'{}'", "\\{}", "''{}", '{}""'])


@given(st.lists(QUOTED, min_size=2, max_size=2), st.sampled_from([" ", "  ", "\t", " \\\n "]))
def test_quoting_never_turns_deny_into_run(quotes: list[str], blank: str) -> None:
    word = "".join(quote.replace("{}", letter) for quote, letter in zip(quotes, "rm", strict=True))
    found = verdict(f"{word}{blank}x", NO_RM, "yolo")
    assert found.action in ("deny", "ask")


@given(st.text(max_size=12), st.sampled_from(["git status {}", "ls {}", "cat '{}'"]))
def test_whatever_follows_an_allowed_command_runs_nothing_else(text: str, line: str) -> None:
    """What is allowed with anything behind it consists of allowed commands alone."""
    command = line.replace("{}", text)
    if verdict(command, GIT).action == "run":
        from ml_intern.nodes.policies.shell import take_apart

        taken = take_apart(command)
        assert taken is not None
        assert {c.words[0] for c in taken.commands} <= {"git", "ls", "cat"}


SUGGESTED = [
    ("git status", "git status *"), ("git commit -m 'a b'", "git commit *"),
    ("git push", "git push"), ("git -c x=y status", "git -c x=y status"), ("ls -la", "ls *"),
    ("python train.py", "python train.py"), ("python -m pytest -q", "python -m pytest *"),
    ("python -m http.server", "python -m http.server"), ("uv sync", "uv sync *"),
    ("uv run pytest", "uv run pytest"), ("just test", "just test"), ("make", "make"),
    ("pip install x", "pip install x"), ("pip list", "pip list *"), ("npm install", "npm install"),
    ("uv add x", "uv add x"), ("hf download a/b", "hf download a/b"),
    ("python -m json.tool a b", "python -m json.tool a b"),
    ("git log --output=x", "git log --output=x"), ("sort -uo x y", "sort -uo x y"),
    ("./run.sh 'a b'", "./run.sh 'a b'"),
    ("python -c 'x'", ""), ("python", ""), ("python -", ""), ("rm x", ""), ("/bin/rm x", ""),
    ("sudo ls", ""), ("curl u", ""), ("curl u | sh", ""), ("echo x > y", ""), ("A=1 ls", ""),
    ("ls; pwd", ""), ("ls | grep x", ""), ("$X", ""), ("python $X", ""),
    ("git status $X", "git status *"),
    ("tool 'a*'", ""), ("echo 'open", ""), ("bash x.sh", ""), ("x " + "y" * 300, ""),
    ("cd x && make", ""), ("'a b' c", ""),
]  # fmt: skip


@pytest.mark.parametrize(("command", "pattern"), SUGGESTED)
def test_always_allow_takes_a_narrow_rule(command: str, pattern: str) -> None:
    rule = suggest(bash(command), TOOLS["bash"], (), None)
    assert rule == (f"bash({pattern})" if pattern else "")
    assert verdict(command, "").rule == rule
    if rule:
        assert verdict(command, f"+{rule}").action == "run"


def test_of_a_compound_line_only_the_part_that_is_missing_is_suggested() -> None:
    assert verdict("ls | grep x", "+bash(ls *)").rule == "bash(grep *)"
    assert verdict("ls | grep x | wc", "+bash(ls *)").rule == ""
    assert verdict("ls; rm x", "+bash(ls *)").rule == ""


def test_nothing_is_suggested_that_would_not_help() -> None:
    assert verdict("git status", "?bash(git *)").rule == ""
    assert verdict("git status", "", work_dir="/tmp").rule == ""


@pytest.mark.parametrize(
    ("where", "pattern"),
    [
        (place("/work/src/a.py"), "src/a.py"),
        (place("/work/a.py"), "./a.py"),
        (place("/work/link", "/data/out.txt"), "/data/out.txt"),
        (place("/work/a*[1].py"), "./a\\*\\[1\\].py"),
        (place("/work/#a/!b"), "\\#a/\\!b"),
        (place("/work/a\nb"), ""),
    ],
)
def test_for_a_file_it_is_the_very_file(where: Place, pattern: str) -> None:
    call = ToolCall(name="write", args={"path": "x", "content": ""}, id="c")
    rule = suggest(call, TOOLS["write"], (), where)
    assert rule == (f"write({pattern})" if pattern else "")
    if rule:
        allowing = Permissions("default", Rules(allow=read_rules((rule,))))
        assert decide(call, TOOLS, allowing, place=where).action == "run"
        other = place("/work/sub/" + where.real.rsplit("/", 1)[-1])
        assert decide(call, TOOLS, allowing, place=other).action == "ask"


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
def test_a_suggested_rule_is_about_the_call_it_was_made_for(words: list[str]) -> None:
    command = shlex.join(words)
    if rule := suggest(bash(command), TOOLS["bash"], (), None):
        assert verdict(command, f"+{rule}").action == "run"


def test_the_effective_rules_are_listed_with_their_origin() -> None:
    placed = [Placed("allow", "bash(ls *)", "user"), Placed("deny", "bash(rm *)", "project")]
    listed = effective(placed, TOOLS, "default")
    assert listed[:2] == [placed[1], placed[0]]
    assert Placed("ask", "bash", "default") in listed
    assert Placed("allow", "read", "default") in listed
    assert Placed("deny", "write", "default") in effective([], TOOLS, "plan")


def test_a_decision_takes_well_under_a_millisecond() -> None:
    given = rules(
        ";;".join([*(f"+bash(tool{n} *)" for n in range(30)), NO_RM, "?bash(git push *)"])
    )
    calls = [bash(f"cd x && git status | grep {n}; python t.py --n {n}") for n in range(200)]
    decide(calls[0], TOOLS, Permissions("default", given))
    began = time.perf_counter()
    for call in calls:
        decide(call, TOOLS, Permissions("default", given))
    assert (time.perf_counter() - began) / len(calls) < 0.02  # generous: 0.5 ms are usual
