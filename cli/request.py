"""What was asked for on the command line. Light: parsed before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

OutputFormat = Literal["text", "json", "stream-json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for, in the command line's terms."""

    prompt: str | None = None
    output_format: OutputFormat = "text"
    proceed: bool = False
    """Go on with the last session of this folder."""
    resume: str | None = None
    """Go on with the session whose id begins with this; "" lets the person choose."""
    fork: bool = False
    """Go on in a copy of the session."""
    fork_into: Path | None = None
    """The same, with its files copied into this folder."""
    cwd: Path
    config: Path | None = None
    timeout: float | None = None
    stream: bool = True
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Settings given by flag, by their keys: `model_name`, `max_budget_usd`, …"""
