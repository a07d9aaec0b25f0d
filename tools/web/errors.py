"""What asking a service can come to, other than an answer.

```
ToolError
└── WebError        the service did not give what it was asked for; `status` tells how
```
"""

from __future__ import annotations

from ml_intern.tools.errors import ToolError


class WebError(ToolError):
    """A service that did not answer, or not with what was asked for."""

    def __init__(self, message: str, status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status; None if there was no answer at all."""
        self.code = code
        """The service's own name of the error (`X-Error-Code`); "" if it gave none."""


class StrayError(WebError):
    """A redirect led to a host that must not be asked."""
