"""The index on disk: shared, private, fresh, replaced if damaged, and never in the way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ml_intern.tools.docs.fts import expression
from ml_intern.tools.docs.passages import Passage
from ml_intern.tools.docs.store import Store, Stored


def page(name: str, *bodies: str) -> Stored:
    parts = [Passage("", "", body, f"s{n}", n) for n, body in enumerate(bodies)]
    return Stored(f"https://a/{name}", name, parts)


@contextmanager
def opened(path: Path | None, lifetime: float = 60) -> Iterator[Store]:
    store = Store(path, lifetime)
    try:
        yield store
    finally:
        store.close()


def found(store: Store, word: str, *names: str) -> list[tuple[str, str]]:
    urls = [f"https://a/{name}" for name in names]
    return [(hit.title, hit.anchor) for hit in store.find(urls, expression(word), 10)]


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_put_in_is_found_and_known(tmp_path: Path, kept: bool) -> None:
    with opened(tmp_path / "docs.sqlite" if kept else None) as store:
        store.add([page("one", "a zebra", "two zebras"), page("two", "no horse")])
        assert store.known(["https://a/one", "https://a/x"]) == {"https://a/one"}
        assert sorted(found(store, "zebra", "one", "two")) == [("one", "s0"), ("one", "s1")]
        assert found(store, "zebra", "two") == []
    assert list(tmp_path.iterdir()) == ([tmp_path / "docs.sqlite"] if kept else [])


def test_a_page_takes_the_place_of_what_it_was(tmp_path: Path) -> None:
    with opened(tmp_path / "docs.sqlite") as store:
        store.add([page("one", "a zebra", "more zebra"), page("two", "zebra")])
        store.add([page("one", "a horse")])
        assert found(store, "zebra", "one", "two") == [("two", "s0")]
        assert found(store, "horse", "one") == [("one", "s0")]


def test_what_is_old_is_unknown_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "docs.sqlite"
    with opened(path) as store:
        store.add([page("one", "a zebra")])
    with opened(path, lifetime=-1) as old:
        assert old.known(["https://a/one"]) == set()
        assert found(old, "zebra", "one") == []
        old.add([])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM page").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM passage").fetchone() == (0,)


def test_what_is_read_again_is_fresh_again(tmp_path: Path) -> None:
    path = tmp_path / "docs.sqlite"
    with opened(path) as store:
        store.add([page("one", "a zebra")])
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE page SET at = 0")
        assert store.known(["https://a/one"]) == set()
        store.add([page("one", "a zebra")])
        assert found(store, "zebra", "one") == [("one", "s0")]


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "docs.sqlite"
    with opened(path) as store:
        store.add([page("one", "zebra")])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [b"nonsense" * 1000, b""])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "docs.sqlite"
    path.write_bytes(damage)
    with opened(path) as store:
        store.add([page("one", "zebra")])
    with opened(path) as again:
        assert found(again, "zebra", "one") == [("one", "s0")]


def test_a_file_damaged_in_the_middle_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "docs.sqlite"
    with opened(path) as store:
        store.add([page(f"p{n}", "zebra " * 500) for n in range(50)])
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with opened(path) as store:
        store.add([page("one", "zebra")])
        assert found(store, "zebra", "one") == [("one", "s0")]


def test_a_file_of_another_version_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "docs.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE page (x); PRAGMA user_version = 99;")
    with opened(path) as store:
        store.add([page("one", "zebra")])
        assert found(store, "zebra", "one") == [("one", "s0")]


def test_where_no_file_can_be_the_call_goes_on_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with opened(tmp_path / "file" / "docs.sqlite") as store:
        assert store.known(["https://a/one"]) == set()
        store.add([page("one", "zebra")])
        assert found(store, "zebra", "one") == [("one", "s0")]


def test_many_may_write_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with opened(tmp_path / "docs.sqlite") as store:
            store.add([page(f"{number}-{n}", "zebra") for n in range(5)])

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    urls = [f"https://a/{number}-{n}" for number in range(8) for n in range(5)]
    with opened(tmp_path / "docs.sqlite") as store:
        assert store.known(urls) == set(urls)


def test_lone_surrogates_are_no_obstacle(tmp_path: Path) -> None:
    with opened(tmp_path / "docs.sqlite") as store:
        store.add([page("one", "zebra \ud800")])
        assert found(store, "zebra", "one") == [("one", "s0")]
