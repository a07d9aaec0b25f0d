"""The Hugging Face Hub, as far as it tells whose token one is."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from emulators.json_server import NOT_FOUND, JsonServer

WHOAMI = "GET /api/whoami-v2"


class Hub(JsonServer):
    """Knows tokens; the ledger has every request with the token it came with."""

    def __init__(self, **tokens: str) -> None:
        """User by token."""
        super().__init__()
        self.tokens = tokens
        self.display_name = "ml intern/laptop"
        self.failing: int | None = None
        """The status of every answer, if it is none of use."""
        self.whole: Any = None
        """The answer, if it is another one."""

    @override
    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        if self.failing is not None:
            return self.failing, {"error": "Internal error"}
        if self.whole is not None:
            return 200, self.whole
        if line != WHOAMI:
            return NOT_FOUND
        sent = (self.ledger[-1].key or "").removeprefix("Bearer ")
        if sent not in self.tokens:
            return 401, {"error": f"Invalid user token {sent}."}
        about = {"displayName": self.display_name, "role": "write", "createdAt": "2026-01-01"}
        return 200, {
            "type": "user", "name": self.tokens[sent], "isPro": False, "orgs": [],
            "auth": {"type": "access_token", "accessToken": about},
        }  # fmt: skip
