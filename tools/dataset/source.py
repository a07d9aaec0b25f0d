"""A file of which only so much is read."""

from __future__ import annotations

import io
from typing import Any, Protocol

from typing_extensions import override

from ml_intern.tools.errors import ToolError


class Source(Protocol):
    """What a reader of files is given: bytes at any place."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes from here on."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to another place; the place."""
        ...

    def tell(self) -> int:
        """The place, in bytes from the start."""
        ...


class Metered(io.RawIOBase):
    """A file that refuses to give more than `most` bytes in all."""

    def __init__(self, inner: Any, most: int) -> None:  # noqa: ANN401 - fsspec is not typed
        self._inner = inner
        self._left = most

    @override
    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self._inner.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise TooMuchError("its first rows alone are larger than what is read of a file")
        return data

    @override
    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._inner.seek(offset, whence))

    @override
    def tell(self) -> int:
        return int(self._inner.tell())

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True


class TooMuchError(ToolError):
    """A file would have to be read further than is reasonable."""
