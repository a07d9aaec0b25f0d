"""What may end a command, and how the shell is told.

```
MlInternError        a person reads the message; exit code 1
├── ConfigError      a flag, a file or a variable is wrong; exit code 2
└── CredentialError  a key is missing, refused or unpaid; exit code 3
```
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; 75 is sysexits' EX_TEMPFAIL, 124 is timeout(1)'s, 130 and 143 are the shell's."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CREDENTIALS = 3
    DENIED = 4
    LIMIT = 5
    STUCK = 6
    PARKED = 75
    TIMEOUT = 124
    INTERRUPTED = 130
    TERMINATED = 143


class MlInternError(Exception):
    """A failure whose message names the thing and the remedy, for the person at the terminal."""

    exit = Exit.FAILED


class ConfigError(MlInternError):
    """A flag, a configuration file or a variable is wrong."""

    exit = Exit.USAGE


class CredentialError(MlInternError):
    """A key is missing, refused or unpaid."""

    exit = Exit.CREDENTIALS


def did_you_mean(names: Sequence[str]) -> str:
    """What may follow a message about a name that is wrong; "" with nothing to suggest."""
    return f" Did you mean {' or '.join(names)}?" if names else ""
