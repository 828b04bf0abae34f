# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""``extract_vmlinux.py VMLINUZ VMLINUX``: write the ELF file that is compressed in an image of x86."""

from __future__ import annotations

import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import zstandard

#: How to decompress what begins with these bytes; what comes after the end of it does not matter.
_DECOMPRESS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"\x28\xb5\x2f\xfd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    b"\xfd7zXZ\x00": lambda body: lzma.LZMADecompressor().decompress(body),
    b"\x1f\x8b\x08": lambda body: zlib.decompressobj(31).decompress(body),
}
_ERRORS = (zstandard.ZstdError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)


def extract(image: bytes) -> bytes:
    """Return the ELF file in *image*; raises :exc:`ValueError` if there is none."""
    for magic, decompress in _DECOMPRESS.items():
        start = image.find(magic)
        while start >= 0:
            try:
                content = decompress(image[start:])
            except _ERRORS:
                content = b""
            if content.startswith(b"\x7fELF"):
                return content
            start = image.find(magic, start + 1)
    raise ValueError("no ELF file is compressed in it with zstd, xz or gzip")


if __name__ == "__main__":
    try:
        Path(sys.argv[2]).write_bytes(extract(Path(sys.argv[1]).read_bytes()))
    except ValueError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
