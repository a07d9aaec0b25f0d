"""Rules of the design that no linter has."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("graph", "nodes", "tools", "configs", "checkpoints", "sessions", "llm", "cli")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
MOST_LINES = 400
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(["ml_intern", *parts]).removesuffix(".__init__")


def readings(tree: ast.AST) -> Iterator[str]:
    """Where the process's environment is touched, by any spelling."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT:
            if isinstance(node.value, ast.Name) and node.value.id in ("os", "posix"):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "posix"):
            yield from (
                f"line {node.lineno}: import of {n.name}"
                for n in node.names
                if n.name in ENVIRONMENT
            )


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 60
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(FOLDERS)


@pytest.mark.parametrize(
    "code", ["os.environ['A']", "os.getenv('A')", "from os import environ", "x = os.environ"]
)
def test_the_check_of_the_environment_can_fail(code: str) -> None:
    assert list(readings(ast.parse(code)))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_configs_reads_the_environment(path: Path) -> None:
    found = list(readings(ast.parse(path.read_text())))
    assert not found or path.is_relative_to(ROOT / "configs")


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_the_graph_package_imports_nothing() -> None:
    """It holds both the lowest and the highest layer: an import here would be a cycle."""
    (docstring,) = ast.parse((ROOT / "graph" / "__init__.py").read_text()).body
    assert isinstance(docstring, ast.Expr)


def test_importing_does_nothing_but_define_names(tmp_path: Path) -> None:
    """W21: importing one module pulled in, and started, everything."""
    names = ["ml_intern", "ml_intern.__main__", *map(module, FILES)]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=work, env={"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert [*home.rglob("*"), *work.rglob("*")] == []
