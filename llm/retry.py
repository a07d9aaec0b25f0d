"""Whether a failed call is tried again, and when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ml_intern.llm.errors import ModelError, ModelUnreachableError

LONGEST_WAIT = 60.0
_UNREACHABLE_RETRIES = 2
"""A server that is not there seldom comes back within a minute."""


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds a provider asks to wait, 0 if that is over; None if it does not say so sensibly."""
    precise = _seconds(headers.get("retry-after-ms"))
    if precise is not None:
        return precise / 1000
    text = headers.get("retry-after")
    seconds = _seconds(text)
    return _until(text, now) if seconds is None else seconds


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(text: str | None, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(text or "")
        aware = then if then.tzinfo else then.replace(tzinfo=UTC)
        return max(0.0, (aware - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def wait_before(attempt: int, asked: float | None, chance: float) -> float:
    """Seconds before the `attempt`-th retry: what the provider asked for, else full jitter.

    That is AWS's: uniform below an exponentially growing bound, so that clients which failed
    together do not come back together. Either way at most a minute. `chance` is in [0, 1).
    """
    if asked is not None:
        return min(asked, LONGEST_WAIT)
    return min(2.0 ** min(attempt, 10), LONGEST_WAIT) * chance


@dataclass(slots=True)
class Budget:
    """What is left for retrying one call, however many ways of asking it takes."""

    retries: int
    seconds: float
    """For all the waits together."""
    used: int = 0
    lost: int = 0
    """Attempts that broke when the answer had begun."""

    def next_wait(self, error: ModelError, chance: float) -> float | None:
        """Seconds before the next retry, which is thereby taken; None: `error` is the last word."""
        if not error.retryable or self.used >= self.limit(error):
            return None
        wait = wait_before(self.used + 1, error.retry_after, chance)
        if max(wait, error.retry_after or 0.0) > self.seconds:
            if error.retry_after is not None:
                error.adding(_too_long(error.retry_after, self.seconds))
            return None
        self.used += 1
        self.seconds -= wait
        return wait

    def limit(self, error: ModelError) -> int:
        """Retries that such an error is worth."""
        unreachable = isinstance(error, ModelUnreachableError)
        return min(self.retries, _UNREACHABLE_RETRIES) if unreachable else self.retries


def _too_long(asked: float, left: float) -> str:
    return (
        f"The provider asks to wait {asked:,.0f} s, and {left:,.0f} s are left for waiting "
        "(retry_seconds). Try again later, or choose another model."
    )
