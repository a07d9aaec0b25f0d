"""What differs between two runs of one command though nothing has changed: times, ids, paths."""

from __future__ import annotations

import re
from functools import lru_cache

_VOLATILE = re.compile(
    r"""
      \d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?    # dates
    | \b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?                               # `date`, HTTP
      (?:\d{1,2}\s+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\s+\d{1,4}
      (?=\s+\d{1,2}:\d\d)
    | \b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\b(?:\s*[AP]M\b)?                          # clocks
    | \b\d+(?:[.,]\d+)?\s?(?:ns|[µu]s|ms|s|secs?|seconds?|min|mins|minutes?|hours?)\b  # durations
    | \b(?:real|user|sys)\s+\d+m\d+[.,]\d+s                                           # `time`
    | \bpids?\b[\s:=#]*\d+ | \bprocess(?:es)?\s+(?:id\s+)?\d+ | \[\d{3,}\]             # processes
    | \b0x[0-9a-fA-F]{4,}\b                                                           # addresses
    | \b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b  # UUIDs
    | /tmp/[\w.\-]+ | \btmp[\w]{6,}\b                                                 # temporary
    | \b1[5-9]\d{8}(?:[.,]\d+)?\b                                                     # Unix times
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST = 20_000
"""Characters looked at from either end: what is longer differs there if it differs at all."""


@lru_cache(maxsize=64)  # the same results are compared call after call
def steady(text: str) -> str:
    """`text` without what changes by itself; two runs with the same outcome become equal."""
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]}{len(text)}{text[-_LONGEST:]}"
    return _VOLATILE.sub("~", text)
