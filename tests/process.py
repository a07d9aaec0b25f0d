"""The real command as a child process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.openai_server import ModelServer

COMMAND = str(Path(sys.executable).parent / "ml-intern")
MODEL = "openai/gpt-test"


@dataclass(frozen=True)
class Ended:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def environment(root: Path, server: ModelServer | None = None) -> dict[str, str]:
    """A private home; nothing of the machine's own configuration."""
    url = server.base_url if server else "http://127.0.0.1:9/v1"
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "VIRTUAL_ENV")}
    return {
        **kept,
        "HOME": str(root),
        "ML_INTERN_HOME": str(root / "home"),
        "ML_INTERN_MODEL_NAME": MODEL,
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "sk-test",
        "PYTHONWARNINGS": "default",
    }


def workdir(root: Path) -> Path:
    work = root / "work"
    work.mkdir(exist_ok=True)
    return work


def start(
    root: Path, *words: str, server: ModelServer | None = None, **options: Any
) -> subprocess.Popen[str]:
    """The command, running."""
    options = {"stdin": subprocess.DEVNULL, "stdout": -1, "stderr": -1, **options}
    env = {**environment(root, server), **options.pop("env", {})}
    return subprocess.Popen(
        [COMMAND, *words],
        cwd=workdir(root),
        env=env,
        text=True,
        errors="surrogateescape",
        **options,
    )


def finish(process: subprocess.Popen[str], stdin: str | None = None) -> Ended:
    out, err = process.communicate(stdin, timeout=90)
    return Ended(process.returncode, out, err)


def run(
    root: Path,
    *words: str,
    server: ModelServer | None = None,
    stdin: str | None = None,
    **options: Any,
) -> Ended:
    """The command, run to its end."""
    if stdin is not None:
        options["stdin"] = subprocess.PIPE
    return finish(start(root, *words, server=server, **options), stdin)


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was never written"
        time.sleep(0.05)
