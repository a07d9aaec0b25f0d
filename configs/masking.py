"""Configuration that may be shown: what could be a secret is replaced by stars."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ml_intern.configs.secrets import child_environment

HIDDEN = "***"

_NAME = re.compile(
    r"(?<!max)(?<!max[-_])token|secret|passw|passphrase|api[-_]?key|access[-_]?key|private[-_]?key|authorization"
    r"|credential|cookie|(^|[-_])(key|pat|pwd|auth)$",
    re.IGNORECASE,
)
_WHOLE = ("env", "headers")
"""Keys of an MCP server whose values are nobody's business, whatever they are called."""
_USERINFO = re.compile(r"://(?:[^/\s]+|[^/@\s]*:\S*)@")
"""Up to the last `@`: a password may have one."""
_QUERY = re.compile(r"((?:^|[?&;#\s])([^=?&;#\s]+)=)(?:'[^']*'|[^&;#\s]+)")
_OPTION = re.compile(r"(?<![\w-])(--?([\w-]+)[= ])\S+")
_HEADER = re.compile(r"(?<![\w-])(([\w-]+):\s)[^\r\n]+")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+\S+", re.IGNORECASE)
_SHAPES = re.compile(
    r"\b(hf_|sk-|sk_|gh[oprsu]_|github_pat_|glpat-|xox[a-z]-|AKIA|AIza)[\w-]{6,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?"
)
_LEAST = 6
"""Characters below which a value is too common to be looked for everywhere."""


class Mask:
    """Hides what it knows to be secret, and what looks like it."""

    def __init__(self, environ: Mapping[str, str], known: Iterable[str] = ()) -> None:
        """`known` are secrets from other places than the environment."""
        shown = child_environment(environ)
        self.names = frozenset(environ.keys() - shown.keys())
        """Variables that hold a secret, by their name or their value."""
        values = {*(environ[name] for name in self.names), *known}
        self._values = sorted((v for v in values if len(v) >= _LEAST), key=len, reverse=True)

    def expanded(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment that a shown file is filled in from."""
        return {name: HIDDEN if name in self.names else value for name, value in environ.items()}

    def value(self, value: Any, key: str = "") -> Any:  # noqa: ANN401 - JSON
        """A setting as it may be shown."""
        if key == "mcpServers" and isinstance(value, Mapping):  # by names that people chose
            return {name: self.value(server) for name, server in value.items()}
        if key in _WHOLE or _NAME.search(key):
            return _hidden(value)
        if isinstance(value, Mapping):
            return {name: self.value(item, name) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return self._list(value)
        return self.text(value) if isinstance(value, str) else value

    def _list(self, items: Iterable[Any]) -> list[Any]:
        """What follows a word like `--api-key` is hidden, too."""
        shown: list[Any] = []
        hide = False
        for item in items:
            shown.append(HIDDEN if hide and isinstance(item, str) else self.value(item))
            flag = isinstance(item, str) and item.startswith("-") and "=" not in item
            hide = flag and bool(_NAME.search(item))
        return shown

    def text(self, text: str) -> str:
        """A text without its secrets."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        text = _USERINFO.sub(_user_only, text)
        text = _HEADER.sub(_if_named, text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        text = _QUERY.sub(_if_named, text)
        text = _OPTION.sub(_if_named, text)
        return _SHAPES.sub(HIDDEN, text)


def _hidden(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Only whether there is something, and under which names."""
    if isinstance(value, Mapping):
        return {name: _hidden(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item) for item in value]
    return HIDDEN if value not in (None, "") else value


def _user_only(found: re.Match[str]) -> str:
    """A name alone may be a token, as in https://TOKEN@host; with a password it is one."""
    name, colon, _ = found[0].removeprefix("://").rstrip("@").partition(":")
    return f"://{name if colon else HIDDEN}{':' + HIDDEN if colon else ''}@"


def _if_named(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}" if _NAME.search(found[2]) else found[0]
