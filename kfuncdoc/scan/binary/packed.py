# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files that may be packed with xz, zstd or gzip, as modules and kernels are."""

from __future__ import annotations

import lzma
import zlib
from typing import BinaryIO

from kfuncdoc.scan.errors import Unscannable

XZ_MAGIC, ZSTD_MAGIC, GZIP_MAGIC = b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
#: Bytes; no module has nearly as many.
LARGEST_UNPACKED = 256 << 20
_ZSTD_STEP = 4096  # bytes


def unpacked(stream: BinaryIO, path: str) -> bytes:
    """Return the content of the file, unpacked if it is packed.

    Raises :exc:`Unscannable` where it cannot be unpacked, or has more than :data:`LARGEST_UNPACKED` bytes.
    """
    content = packed = stream.read(LARGEST_UNPACKED + 1)
    whole = True
    try:
        if packed.startswith(XZ_MAGIC):
            xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LARGEST_UNPACKED)
            content, whole = xz.decompress(packed, LARGEST_UNPACKED + 1), xz.eof
        elif packed.startswith(ZSTD_MAGIC):
            content, whole = _from_zstandard(packed, path)
        elif packed.startswith(GZIP_MAGIC):
            gzip = zlib.decompressobj(wbits=31)
            content, whole = gzip.decompress(packed, LARGEST_UNPACKED + 1), gzip.eof
    except (lzma.LZMAError, zlib.error) as error:
        raise Unscannable(path, f"it cannot be unpacked: {error}") from None
    if len(content) > LARGEST_UNPACKED:
        raise Unscannable(path, f"it holds more than {LARGEST_UNPACKED >> 20} MiB, more than a module can have")
    if not whole:
        raise Unscannable(path, "it cannot be unpacked: it is cut off")
    return content


def _from_zstandard(packed: bytes, path: str) -> tuple[bytes, bool]:
    """Return the unpacked content of *packed*, and whether it is complete."""
    try:
        import zstandard
    except ImportError:
        raise Unscannable(path, "zstandard is needed to unpack it: pip install 'kfuncdoc[scan]'") from None
    unpacker = zstandard.ZstdDecompressor(max_window_size=LARGEST_UNPACKED).decompressobj()
    content = bytearray()
    try:
        # Step by step: zstandard knows no bound, and a few bytes can unpack to a thousand times as many.
        for at in range(0, len(packed), _ZSTD_STEP):
            content += unpacker.decompress(packed[at : at + _ZSTD_STEP])
            if unpacker.eof or len(content) > LARGEST_UNPACKED:
                break
    except zstandard.ZstdError as error:
        raise Unscannable(path, f"it cannot be unpacked: {error}") from None
    return bytes(content), unpacker.eof
