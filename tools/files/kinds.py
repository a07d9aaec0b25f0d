"""What a file that is no text probably is."""

from __future__ import annotations

import codecs
from typing import NamedTuple

SNIFFED = 8192
"""Bytes at the start that decide what a file is."""
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\x08\x0c\x1b"))


class Magic(NamedTuple):
    """Bytes at a fixed place that give a format away."""

    offset: int
    mark: bytes
    kind: str


_MAGICS = (
    Magic(0, b"PAR1", "a Parquet table (pandas or pyarrow read it)"),
    Magic(0, b"ARROW1", "an Arrow IPC file (pyarrow reads it)"),
    Magic(0, b"GGUF", "a GGUF model"),
    Magic(0, b"\x93NUMPY", "a NumPy array (numpy.load)"),
    Magic(0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (h5py reads it)"),
    Magic(0, b"PK\x03\x04", "a ZIP archive; PyTorch checkpoints, .npz, .docx and wheels are too"),
    Magic(0, b"PK\x05\x06", "an empty ZIP archive"),
    Magic(0, b"\x1f\x8b", "gzip data (zcat shows it)"),
    Magic(0, b"\x28\xb5\x2f\xfd", "Zstandard data (zstdcat shows it)"),
    Magic(0, b"BZh", "bzip2 data (bzcat shows it)"),
    Magic(0, b"\xfd7zXZ\0", "xz data (xzcat shows it)"),
    Magic(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    Magic(257, b"ustar", "a tar archive (tar -tf lists it)"),
    Magic(0, b"SQLite format 3\0", "an SQLite database (sqlite3 reads it)"),
    Magic(0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    Magic(0, b"\xff\xd8\xff", "a JPEG image"),
    Magic(0, b"GIF8", "a GIF image"),
    Magic(8, b"WEBP", "a WebP image"),
    Magic(8, b"WAVE", "a WAV recording"),
    Magic(0, b"fLaC", "a FLAC recording"),
    Magic(0, b"OggS", "an Ogg recording"),
    Magic(0, b"ID3", "an MP3 recording"),
    Magic(4, b"ftyp", "an MP4 video"),
    Magic(0, b"\x7fELF", "an ELF program or library"),
    Magic(0, b"MZ\x90", "a Windows program"),
    Magic(0, b"Obj\x01", "an Avro file"),
    Magic(0, b"ORC", "an ORC table"),
)
_BOMS = (
    # UTF-32 first: its little-endian mark starts with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Encoding(NamedTuple):
    """How a text file's bytes become text."""

    name: str
    bom: bytes


def encoding(start: bytes) -> Encoding:
    """The encoding its byte order mark declares, else UTF-8."""
    for bom, name in _BOMS:
        if start.startswith(bom):
            return Encoding(name, bom)
    return Encoding("utf-8", b"")


def binary_kind(start: bytes) -> str | None:
    """What a file is that starts with these bytes, or None if it is text."""
    if encoding(start).bom:
        return None
    if _is_safetensors(start):
        return "a safetensors file (safetensors.safe_open lists its tensors)"
    binary = b"\0" in start or _garbled(start)
    for magic in _MAGICS:
        if start.startswith(magic.mark, magic.offset) and (binary or not _is_ascii(magic.mark)):
            return magic.kind
    if start.startswith(b"%PDF-"):
        return "a PDF document (pdftotext shows its text)"
    if start[:1] == b"\x80" and start[1:2] in b"\2\3\4\5":
        return "a Python pickle (unpickling runs code: only if you trust it)"
    return "a binary file of unknown format" if binary else None


def _is_ascii(mark: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in mark)


def _is_safetensors(start: bytes) -> bool:
    length = int.from_bytes(start[:8], "little")
    return start[8:9] == b"{" and 2 <= length < 2**40


def _garbled(start: bytes) -> bool:
    """Whether there are more control characters than any text has, whatever its encoding."""
    controls = len(start) - len(start.translate(None, _CONTROLS))
    return controls > 3 and 20 * controls > len(start)
