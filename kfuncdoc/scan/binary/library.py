# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Libraries of objects, as GNU and BSD ``ar`` write them."""

from __future__ import annotations

from collections.abc import Iterator

from kfuncdoc.scan.binary.elf import shown
from kfuncdoc.scan.errors import Unscannable

LIBRARY, THIN_LIBRARY = b"!<arch>\n", b"!<thin>\n"
_MEMBER_BYTES = 60
_LONGEST_NAME = 1024


def members(path: str, library: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each file in *library*, but not its indexes; *path* names it in errors.

    Raises :exc:`Unscannable` where the library is broken.
    """
    at, long_names = len(LIBRARY), b""
    while at < len(library):
        head = library[at : at + _MEMBER_BYTES]
        size_text = head[48:58].strip()
        if len(head) < _MEMBER_BYTES or head[58:] != b"`\n" or not size_text.isdigit():
            raise Unscannable(path, f"this library is broken at byte {at:,}")
        start, size = at + _MEMBER_BYTES, int(size_text)
        content = library[start : start + size]
        if len(content) < size:
            raise Unscannable(path, f"this library is cut off: a member at byte {at:,} reaches past its end")
        at = start + size + size % 2
        raw = head[:16].rstrip()
        if raw == b"//":
            long_names = content
        elif raw not in (b"/", b"/SYM64/"):
            name, content = _name_of_member(raw, content, long_names)
            if not name.startswith("__.SYMDEF"):
                yield name, content


def _name_of_member(raw: bytes, content: bytes, long_names: bytes) -> tuple[str, bytes]:
    if raw.startswith(b"#1/") and raw[3:].isdigit():
        length = int(raw[3:])
        return shown(content[: min(length, _LONGEST_NAME)].rstrip(b"\0")), content[length:]
    if raw.startswith(b"/") and raw[1:].isdigit():
        start = int(raw[1:])
        raw = long_names[start : start + _LONGEST_NAME].partition(b"\n")[0]
    return shown(raw.rstrip(b"/")), content
