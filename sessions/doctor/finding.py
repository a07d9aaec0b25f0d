"""What a check found, and what can be done about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "problem"]
"""A problem keeps something from working, or may cost data; a warning does not, or not always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Something that the doctor can do itself."""

    what: str
    """For the question; two findings with the same are repaired by one."""
    do: Callable[[], Awaitable[str]]
    """Does it; what was done. Raises MlInternError or OSError where it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check."""

    check: str
    level: Level
    found: str
    remedy: str = ""
    repair: Repair | None = None

    def wire(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "check": self.check,
            "level": self.level,
            "found": self.found,
            "remedy": self.remedy or None,
            "repairable": self.repair is not None,
        }


def fine(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check=check, level="ok", found=found)


def warning(check: str, found: str, remedy: str = "", repair: Repair | None = None) -> Finding:
    """Something to know."""
    return Finding(check=check, level="warning", found=found, remedy=remedy, repair=repair)


def problem(check: str, found: str, remedy: str = "", repair: Repair | None = None) -> Finding:
    """Something to be put right."""
    return Finding(check=check, level="problem", found=found, remedy=remedy, repair=repair)
