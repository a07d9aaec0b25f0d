"""JSON that is kept between runs."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path


def keep(path: Path, value: object) -> None:
    """Write `value` to `path`, whole or not at all, for its owner only.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
