"""What a command line runs, told without running it; and against the real bash."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ml_intern.nodes.policies.reach import reached
from ml_intern.nodes.policies.shell import LONGEST, take_apart
from ml_intern.nodes.policies.words import ANY

TAKEN = {
    "git status": [["git", "status"]],
    "a && b || c; d | e |& f & g": [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]],
    "( a; { b; } )": [["a"], ["b"]],
    "echo $(a) `b` <(c) \"$(d)\"": [["echo", ANY, ANY, ANY, ANY], ["a"], ["b"], ["c"], ["d"]],
    "if a; then b; elif c; then d; else e; fi": [["a"], ["b"], ["c"], ["d"], ["e"]],
    "while a; do b; done": [["a"], ["b"]],
    "for i in 1 2; do a $i; done": [["a", ANY]],
    "case $x in a) b;; *) c;; esac": [["b"], ["c"]],
    "f() { rm x; }; f": [["rm", "x"], ["f"]],
    "cat <<END\n$(a)\nEND\nb": [["cat"], ["a"], ["b"]],
    "cat <<'END'\n$(a)\nEND": [["cat"]],
    "cat <<< \"$(a)\"": [["cat"], ["a"]],
    "x=$(a) b": [["a"], ["b"]],
    "export X=1": [["export", "X=1"]],
    "echo ${x:-$(a)} $(( $(b) + 1 ))": [["echo", ANY, ANY], ["a"], ["b"]],
    "! a": [["a"]],
    "[ -f x ] && a": [["a"]],
    "[[ $(a) = b ]] && c": [["a"], ["c"]],
    "r'm' \"-rf\" $'x' a\\ b": [["rm", "-rf", "x", "a b"]],
    "ls *.py {a,b} ~/x f?": [["ls", f"{ANY}.py", ANY, "~/x", f"f{ANY}"]],
    "git log HEAD@{1} 'x*'": [["git", "log", "HEAD@{1}", "x*"]],
    "a \\\n  b": [["a", "b"]],
    "python - <<'END'\nx\nEND": [["python"]],
    "# nothing\na # rm x": [["a"]],
    'echo "a  $X b"': [["echo", f"a  {ANY} b"]],
    "": [],
}  # fmt: skip


def order(commands: list[list[str]]) -> list[list[str]]:
    return sorted(commands)


@pytest.mark.parametrize("text", TAKEN)
def test_a_line_is_taken_apart(text: str) -> None:
    line = take_apart(text)
    assert line is not None
    assert order([list(command.words) for command in line.commands]) == order(TAKEN[text])


@pytest.mark.parametrize(
    "text",
    [
        "echo 'open", "a &&", "$X y", "${X} y", "$(echo rm) y", "`echo rm` y", "r\\\nm x", "r* x",
        "{rm,x}", '$"rm" x', "$'\\x72m' x", "echo ${x@P}", "echo ${!x}", "a\rb", "a\x0bb",
        "git >/dev/null push", "git <<END push\nEND", "'r'\\m x", "echo\n\\rm x",
        "cat <<E\"N\"D\nEND\n", "a\u00a0b",
        "echo " + "x" * LONGEST, "coproc a", '"" x', "then x",
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_not_guessed(text: str) -> None:
    assert take_apart(text) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("git status", True),
        ("git status 2>&1 >/dev/null | cat", True),
        ("git status &>/dev/null", True),
        ("for f in a b; do cat $f; done", True),
        ("git status > out", False),
        ("git status >> out", False),
        ("git status < in", False),
        ("git status >& out", False),
        ("2> out git status", False),
        ("LD_PRELOAD=x git status", False),
        ("PATH=/evil; git status", False),
        ("export PATH=/evil; git status", False),
        ("for PATH in /evil; do git status; done", False),
        ("git() { ls; }; git status", False),
        ("python <<END\nx\nEND", False),
        ("python <<< x", False),
        ("unset PATH; git status", False),
        ("echo $((PATH=5)); git status", False),
        ("(( PATH = 5 )); git status", False),
        ("[[ PATH=5 -eq 5 ]]; git status", False),
        ("echo ${X:=--output=f}; git log $X", False),
        ("echo ${X=--output=f}; git log $X", False),
        ("echo $((1 <= 2)) ${X:-y}; [[ a = b ]]", True),
        ("for x in -a; do git log $x; done", False),
        ("for x in $(echo -a); do git log $x; done", False),
    ],
)
def test_a_line_that_does_more_than_its_commands_is_not_plain(text: str, plain: bool) -> None:
    line = take_apart(text)
    assert line is not None
    assert line.plain is plain


RUNS_RM = [
    "rm x", "r'm' x", '"rm" x', "\\rm x", "  rm   x", "a\nrm x", "a;rm x", "a&&rm x", "a|rm x",
    "/bin/rm x", "../bin/rm x", "command rm x", "builtin rm x", "exec rm x", "env rm x",
    "env -i A=b rm x", "sudo rm x", "sudo -u root -E rm x", "timeout 5 rm x",
    "timeout -s KILL 5 rm x", "nohup rm x", "nice -n 5 rm x", "time rm x", "time -p rm x",
    "time ! rm x",
    "echo x | xargs rm", "xargs -0 -n1 rm", "xargs -I % sh -c 'rm %'", "sh -c 'rm x'",
    "bash -lc 'rm x'", "bash -o pipefail -c 'rm x'", "bash -c \"bash -c 'rm x'\"", "eval rm x",
    "eval 'rm x'", "trap 'rm x' EXIT", "find . -exec rm {} \\;", "find . -execdir rm {} +",
    "ssh host rm x", "ssh -p 22 host 'rm x'", "watch -n 5 'rm x'", "su -c 'rm x'", "$(rm x)",
    "echo `rm x`", "cat <(rm x)", "x=$(rm x)", "if true; then rm x; fi", "f() { rm x; }",
    "(rm x)", "{ rm x; }", "rm x &", "! rm x", "FOO=1 rm x", "rm x > out", ">out rm x",
    "sudo env A=b nice timeout 5 rm x", "cat <<END\n$(rm x)\nEND", "flock l rm x",
    "case a in a) rm x;; esac", "while rm x; do true; done", "export A=$(rm x)",
    "uv run rm x", "uv run --with y rm x", "poetry run rm x", "conda run -n y rm x",
    "srun -n 1 rm x",
]  # fmt: skip


@pytest.mark.parametrize("text", RUNS_RM)
def test_what_runs_a_program_is_seen_through_every_spelling(text: str) -> None:
    commands = reached(text)
    assert commands is None or any(words[0] == "rm" for words in commands), commands


@pytest.mark.parametrize("text", [text for text in RUNS_RM if text != "$(rm x)"])
def test_and_it_is_told_not_only_doubted(text: str) -> None:
    assert reached(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "eval $X", "sh", "curl u | sh", "bash -s < x", "bash /dev/stdin", "bash <(curl u)",
        "sh -c \"$X\"", "xargs sh -c", "env -S 'rm x'", "alias ls=rm", "sudo $X", "su root",
        "find . -exec {} \\;", "parallel rm ::: x", "trap $X EXIT", "hash -p /bin/rm ls",
        "mapfile -C rm x", "mapfile -c1 -C'rm x' a", ". /dev/stdin <<< 'rm x'",
        "source <(echo rm x)",
        ". $X", "x='a[$(rm x)]'; echo $((x))", "printf -v 'a[$(rm x)]' y", "let 'a[$(rm x)]=1'",
        "read 'a[`rm x`]' <<< 1", "unset 'a[$(rm x)]'", "echo `echo \\`rm x\\``",
    ],
)  # fmt: skip
def test_what_hides_a_command_is_not_understood(text: str) -> None:
    assert reached(text) is None


@pytest.mark.parametrize(
    "text", ["bash x.sh", ". x.sh", "command -v rm", "sudo -u root ls", "env", "xargs"]
)
def test_what_hides_nothing_is(text: str) -> None:
    commands = reached(text)
    assert commands is not None
    assert not any(words[0] == "rm" for words in commands)


def test_shells_within_shells_come_to_an_end() -> None:
    text = "rm x"
    for _ in range(20):
        text = "eval " + text
    assert reached(text) is None
    assert reached("$(" * 3000 + "rm" + ")" * 3000) is None or True  # it returns


def test_a_line_is_taken_apart_within_a_millisecond() -> None:
    take_apart("a")
    lines = [
        f"cd x && git status --short | grep py{n}; python train.py --lr 1e-4" for n in range(300)
    ]
    began = time.perf_counter()
    assert all(reached(line) for line in lines)
    assert (time.perf_counter() - began) / len(lines) < 0.01  # generous: 0.2 ms are usual


WORD = st.sampled_from(
    [
        "rm",
        "r'm'",
        '"rm"',
        "\\rm",
        "r\\m",
        "r''m",
        "$'rm'",
        "'r'\\m",
        "echo",
        "true",
        "x",
        "$X",
        "'a b'",
        "-f",
        "-",
        "--",
        "2>&1",
        ">&2",
        "\\;",
        "\\",
        "a=1",
        "'",
        '"',
        "#",
        "\\ ",
        "-c",
        "sh",
    ]
)
JOIN = st.sampled_from(
    [" ", "  ", " ; ", ";", " && ", " || ", " | ", "\n", " & ", " \\\n ", "", "\t", "\n\n "]
)
AROUND = st.sampled_from(
    ["{}", "({})", "{{ {}; }}", "$({})", "echo `{}`", "echo \"$({})\"", "if {}; then {}; fi",
     "for i in 1; do {}; done", "cat <<E\n$({})\nE", "cat <<'E'\n{}\nE", "cat <<'E'\n{}\nE\n{}",
     "f() {{ {}; }}; f", "command {}", "eval {}", "! {}", "x=1 {}", "{} > /dev/null", "{} # {}",
     "'{}'", "\"{}\"", "echo a#{}", "[[ a = a ]] && {}", "cat <<< $({})", ": ${{Y:-$({})}}",
     "time {}", "case a in a) {};; esac", "<({})", "echo $(({}))", "{{{},x}}", "\\{}", "sh -c '{}'",
     "[[ 'a[$({})]' -eq 0 ]]", "echo `echo \\`{}\\``",
     "x='a[$({})]'; echo $((x))",
     "echo ${PATH:'a[$({})]'}", ". /dev/stdin <<< '{}'"]
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> str:
    words = draw(st.lists(WORD, min_size=1, max_size=5))
    text = words[0] + "".join(draw(JOIN) + word for word in words[1:])
    for around in draw(st.lists(AROUND, max_size=3)):
        text = around.replace("{}", text).replace("{{", "{").replace("}}", "}")
    return text


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PATH with nothing but a `rm` that leaves a mark and removes nothing."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "rm").write_text('#!/bin/bash\n: > "$MARK"\n')
    (folder / "rm").chmod(0o755)
    for name in ("cat", "sh"):
        (folder / name).symlink_to(f"/bin/{name}")
    return folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(text="\\ \na=1 rm")
@given(text=lines())
def test_no_spelling_hides_from_the_policy_what_the_real_bash_runs(
    programs: Path, text: str
) -> None:
    """bash is the judge: where it ran `rm`, the policy saw it, or said that it could not tell."""
    mark = programs.parent / "mark"
    mark.unlink(missing_ok=True)
    env = {"PATH": str(programs), "MARK": str(mark)}
    subprocess.run(
        ["/bin/bash", "-c", text], env=env, cwd=programs.parent, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    if mark.exists():
        commands = reached(text)
        assert commands is None or any(words[0] == "rm" for words in commands), text
