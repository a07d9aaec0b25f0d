"""Random turns, undone and redone in random order, against a model: the folder's own pictures."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_intern.checkpoints.workspace import Workspace
from ml_intern.checkpoints.workspace import contents as kept

Operation = tuple[str, str, Any]
Picture = Callable[[Path], dict[str, Any]]

PLAIN = ["a", "b", "a/c", "a/d", "b/c", "a/c/e", "b/c/f", "\udcffg"]
ODD = [*PLAIN, "model.pt", "b/x.pt", "a/.gitignore", ".gitignore", "a/node_modules"]


def turns_of(paths: list[str]) -> st.SearchStrategy[list[list[Operation]]]:
    names = st.sampled_from(paths)
    operations = st.one_of(
        st.tuples(st.just("write"), names, st.sampled_from(["", "1", "2", "3", "c\n", "*\n"])),
        st.tuples(st.just("remove"), names, st.none()),
        st.tuples(st.just("folder"), names, st.sampled_from([0o755, 0o700, 0o500])),
        st.tuples(st.just("link"), names, st.sampled_from(["b", "../a", "/nowhere/at all"])),
        st.tuples(st.just("mode"), names, st.sampled_from([0o755, 0o644, 0o600, 0o500])),
        st.tuples(st.just("move"), names, names),
    )
    return st.lists(st.lists(operations, min_size=1, max_size=6), min_size=1, max_size=4)


THOROUGH = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MOVES = st.lists(st.tuples(st.sampled_from(["undo", "redo"]), st.integers(1, 4)), max_size=6)


def carry_out(root: Path, operation: Operation) -> None:
    what, name, value = operation
    path = root / name
    with suppress(OSError, shutil.Error):
        if what == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(value)
        elif what == "folder":
            path.mkdir(parents=True)
            path.chmod(value)
        elif what == "link":
            path.symlink_to(value)
        elif what == "mode" and not path.is_symlink():
            # Of folders that cannot be read nothing is known.
            path.chmod(value | 0o500 if path.is_dir() else value)
        elif what == "move":
            path.rename(root / value)
        elif what == "remove":
            remove(path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextmanager
def project() -> Iterator[tuple[Path, Workspace]]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "project")
        root.mkdir()
        workspace = Workspace(Path(folder, "store"), root, "a", home=Path(folder, "home"))
        yield root, workspace
        workspace.close()


@settings(THOROUGH)
@given(turns=turns_of(PLAIN), moves=MOVES)
def test_undo_and_redo_are_what_the_model_says(
    turns: list[list[Operation]], moves: list[tuple[str, int]], picture: Picture
) -> None:
    with project() as (root, workspace):
        pictures = [picture(root)]
        for number, operations in enumerate(turns, 1):
            workspace.begin(number)
            for operation in operations:
                carry_out(root, operation)
            workspace.end(number)
            pictures.append(picture(root))
        at = len(turns)
        for move, count in moves:
            to = max(0, at - count) if move == "undo" else min(len(turns), at + count)
            done = getattr(workspace, move)(list(range(min(at, to) + 1, max(at, to) + 1)))
            at = to
            assert picture(root) == pictures[at]
            assert (done.conflicts, done.not_covered) == ((), ())


@settings(THOROUGH)
@given(turns=turns_of(ODD), between=turns_of(ODD), moves=MOVES)
def test_nothing_is_ever_lost(
    turns: list[list[Operation]],
    between: list[list[Operation]],
    moves: list[tuple[str, int]],
    picture: Picture,
) -> None:
    """Whatever users, ignore files and turns do: a content that goes away is in the store."""
    with project() as (root, workspace):
        for number, operations in enumerate(turns, 1):
            for operation in between[number % len(between)]:
                carry_out(root, operation)
            workspace.begin(number)
            for operation in operations:
                carry_out(root, operation)
            workspace.end(number)
        for operation in between[0]:
            carry_out(root, operation)
        for move, count in moves:
            before = picture(root)
            done = getattr(workspace, move)(range(1, len(turns) + 1)[-count:])
            now = picture(root)
            lost = contents(before) - contents(now) - stored(workspace)
            assert not lost
            for name, what in before.items():
                assert now.get(name) == what or Path(name) in done.restored
            assert workspace.check() == []


def contents(picture: dict[str, Any]) -> set[bytes]:
    return {what[2] for what in picture.values() if what[0] == "file"}


def stored(workspace: Workspace) -> set[bytes]:
    with workspace._store.reading() as connection:
        digests = connection.execute("SELECT digest FROM blobs").fetchall()
        return {kept.get(connection, digest) or b"" for (digest,) in digests}
