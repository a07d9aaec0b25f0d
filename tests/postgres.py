"""A private PostgreSQL server, if one is installed: started once, ended with the tests."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

import pytest

USER, PASSWORD = "postgres", "s3cret:p@ss"
QUOTED = "s3cret%3Ap%40ss"
_numbers = count()


def fresh() -> str:
    """The URL of an empty database of its own; skips the test if there is no server."""
    port = _server()
    if isinstance(port, str):
        pytest.skip(port)
    database = f"test_{next(_numbers)}"
    sql(f"CREATE DATABASE {database}")
    return url(port, database)


def url(port: int, database: str) -> str:
    return f"postgresql://{USER}:{QUOTED}@127.0.0.1:{port}/{database}"


def sql(statement: str, database: str = "postgres") -> None:
    """Carry out a statement as the administrator."""
    import psycopg

    port = _server()
    assert isinstance(port, int)
    with psycopg.connect(url(port, database), autocommit=True) as connection:
        connection.execute(statement.encode())


@cache
def _server() -> int | str:
    """The port it listens on; or why there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        return "no PostgreSQL server is installed under /usr/lib/postgresql"
    if os.geteuid() == 0 and not shutil.which("runuser"):
        return "PostgreSQL does not run as root, and there is no runuser"
    return _start(found[-1].parent)


def _start(bin_: Path) -> int:
    # Not pytest's tmp_path: the user postgres cannot enter root's.
    root = Path(tempfile.mkdtemp(prefix="ml-intern-postgres-", dir="/tmp"))
    (root / "password").write_text(PASSWORD)
    if os.geteuid() == 0:
        for path in (root, root / "password"):
            shutil.chown(path, USER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    data = root / "data"
    _run(bin_ / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "-E", "UTF8",
         "--no-sync", "--pwfile", root / "password")  # fmt: skip
    options = f"-F -p {port} -c listen_addresses=127.0.0.1 -k {root} -c max_connections=30"
    _run(bin_ / "pg_ctl", "-D", data, "-w", "-l", root / "log", "-o", options, "start")
    atexit.register(_stop, bin_, data, root)
    return port


def _stop(bin_: Path, data: Path, root: Path) -> None:
    _run(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    shutil.rmtree(root, ignore_errors=True)


def _run(*words: object) -> None:
    """As the user postgres, if we are root: the server refuses root."""
    prefix = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*prefix, *map(str, words)], check=True, capture_output=True, timeout=60, cwd="/",
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
