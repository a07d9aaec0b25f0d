"""The machine: Python, packages, the programs that commands need."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from ml_intern.configs.secrets import child_environment
from ml_intern.sessions.doctor.finding import Finding, fine, problem, warning

_PACKAGES = (
    "langgraph",
    "langgraph-checkpoint",
    "langgraph-checkpoint-sqlite",
    "langchain-core",
    "langchain-litellm",
    "litellm",
    "pydantic",
    "httpx",
)
_OLDEST, _TOO_NEW = (3, 11), (3, 14)
_SANDBOXED = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all",
              "--die-with-parent", "true")  # fmt: skip
_WAIT = 5
"""Seconds that a command which does nothing may take."""
_LATER = "commands are not sandboxed yet"


async def check_machine(environ: Mapping[str, str]) -> list[Finding]:
    """Each of its parts."""
    env = child_environment(environ)
    sandbox = await asyncio.to_thread(_sandbox, env)
    return [_python(), *_packages(), _bash(env), sandbox]


def _python() -> Finding:
    found = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    if _OLDEST <= sys.version_info[:2] < _TOO_NEW:
        return fine("python", found)
    return warning("python", found, "Install it under Python 3.11, 3.12 or 3.13.")


def _packages() -> Iterator[Finding]:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield fine("packages", ", ".join(found))
    if missing:
        yield problem("packages", f"missing: {', '.join(missing)}", "Install ml-intern again.")


def _bash(env: Mapping[str, str]) -> Finding:
    if path := shutil.which("bash", path=env["PATH"]):
        return fine("commands", f"run by {path}")
    return problem("commands", "bash was not found on PATH", "Install bash, or correct PATH.")


def _sandbox(env: Mapping[str, str]) -> Finding:
    program = shutil.which("bwrap", path=env["PATH"])
    if program is None:
        remedy = "Install bubblewrap to be ready for it." if sys.platform == "linux" else ""
        return warning("sandbox", f"bubblewrap is not installed; {_LATER}", remedy)
    try:
        subprocess.run(
            [program, *_SANDBOXED], env=dict(env), timeout=_WAIT, check=True,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        kind = type(error).__name__
        remedy = "Allow unprivileged user namespaces, as your distribution describes it."
        return warning("sandbox", f"{program} cannot run a command ({kind}); {_LATER}", remedy)
    return fine("sandbox", f"{program} works; {_LATER}")
