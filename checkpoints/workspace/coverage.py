"""What is remembered, by size, name and place; `.gitignore` is in `ignore.py`."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG

from ml_intern.checkpoints.workspace.states import Reason

_RULES = 1
"""Raised when a list below changes, so that known files are classified anew."""
CEILING = 500_000_000
"""A file above this is never remembered: SQLite refuses values of 1 GB."""
_VERSIONS = frozenset({".git", ".hg", ".svn", ".bzr", ".jj", "CVS"})
_CACHES = frozenset({
    "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".cache", ".ipynb_checkpoints", "wandb", "mlruns", ".tox", ".nox", ".eggs", ".hypothesis",
    ".direnv", ".conda", ".pixi", ".gradle", "__pypackages__",
})  # fmt: skip
CACHE_MARKS = frozenset({"CACHEDIR.TAG", "pyvenv.cfg", "conda-meta"})
"""A folder that has one of these is a cache or an environment, whatever its name."""
_DATA = (
    ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".gguf", ".ggml", ".h5", ".hdf5",
    ".npy", ".npz", ".parquet", ".arrow", ".feather", ".orc", ".tfrecord", ".tfrecords", ".pb",
    ".tflite", ".mar", ".msgpack", ".lmdb", ".mdb", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz",
    ".zst", ".lz4", ".7z", ".rar", ".whl",
)  # fmt: skip
_OWN_START, _OWN_END = ".ml-intern-", ".tmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is remembered."""

    max_file: int = 10_000_000
    """Bytes above which a file is not."""
    max_total: int = 1_000_000_000
    """Bytes of a session: the tree, and what its turns hold besides; one turn may exceed it."""
    max_files: int = 50_000
    """Above it the folder is not scanned at all: only files that are `keep`t are covered."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The folder whose files are followed."""

    root: Path
    """Absolute, links resolved."""
    store: Path
    """Absolute, links resolved; skipped if it is below `root`."""
    home: Path | None
    limits: Limits

    @property
    def unscanned(self) -> Reason | None:
        """Why the folder is not scanned; None if it is. An ancestor of the home is like it."""
        if self.root == Path(self.root.anchor):
            return Reason.HOME
        home = self.home
        return Reason.HOME if home and home.is_relative_to(self.root) else None

    @property
    def max_file(self) -> int:
        """Bytes up to which a file is remembered."""
        return min(self.limits.max_file, CEILING)

    @property
    def basis(self) -> str:
        """What known files were classified by; another value means to classify them anew."""
        return sha256(f"{_RULES} {self.limits}".encode()).hexdigest()


def own(name: str) -> bool:
    """Whether a file is a temporary one of ours."""
    return name.startswith(_OWN_START) and name.endswith(_OWN_END)


def folder_reason(name: str) -> Reason | None:
    """Why a folder of this name is not entered."""
    if name in _VERSIONS:
        return Reason.VERSIONS
    return Reason.CACHE if name in _CACHES else None


def file_reason(name: str, mode: int) -> Reason | None:
    """Why a file of this name is not remembered; links always are."""
    if name in _VERSIONS:
        return Reason.VERSIONS
    return Reason.DATA if S_ISREG(mode) and name.lower().endswith(_DATA) else None
