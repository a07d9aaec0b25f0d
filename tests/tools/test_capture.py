from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ml_intern.tools.capture import Capture, RollingFile


@given(st.lists(st.binary(max_size=90), max_size=30), st.integers(min_value=8, max_value=200))
def test_a_full_file_keeps_its_head_and_the_latest(chunks: list[bytes], cap: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        file = RollingFile(path, cap)
        for chunk in chunks:
            file.write(chunk)
            assert path.stat().st_size <= cap
        file.finish()
        data = b"".join(chunks)
        dropped = max(0, len(data) - cap)
        gap = f"\n[... {dropped:,} bytes dropped ...]\n".encode() if dropped else b""
        assert path.read_bytes() == data[: cap // 4] + gap + data[cap // 4 + dropped :]
        assert [entry.name for entry in Path(folder).iterdir()] == ["log"]


def test_memory_holds_both_ends(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "log")
    data = b"".join(b"%07d\n" % number for number in range(500_000))
    for start in range(0, len(data), 100_000):
        capture.write(data[start : start + 100_000])
    view = capture.view()
    assert data.startswith(view.head)
    assert data.endswith(view.tail)
    assert view.missing == len(data) - len(view.head) - len(view.tail) > 0
    assert len(view.head) + len(view.tail) < 1_200_000
    capture.close()
    assert capture.path.read_bytes() == data


def test_nothing_is_missing_from_small_output(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "log")
    data = b"x" * 100_000 + b"y" * 100_000
    capture.write(data[:150_000])
    capture.write(data[150_000:])
    view = capture.view()
    assert view.head + view.tail == data
    assert view.missing == 0
    capture.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_late_thread_changes_nothing(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "log")
    capture.write(b"in time")
    capture.close()
    capture.write(b"late")
    assert capture.total == 7
    assert capture.path.read_bytes() == b"in time"


def test_no_place_on_disk_is_remembered_not_raised(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    capture = Capture(tmp_path / "file" / "log")
    capture.write(b"kept in memory")
    capture.close()
    capture.discard()
    assert capture.fault
    assert capture.view().head == b"kept in memory"
