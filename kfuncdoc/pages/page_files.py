# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files of ``kfuncdoc render``: it writes only pages that changed, and deletes only pages that it wrote before.

Each page begins with a comment that names kfuncdoc and has the digest of the rest.  With this comment, a later run
recognises its own pages.  It never overwrites or deletes a file without the comment, or one that somebody changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Mapping, Optional

from kfuncdoc.base.files import write_whole
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.pages.rst import plain
from kfuncdoc.record.catalog import SubsystemFile

_STAMP = re.compile(
    r"(?:\.\. (?P<spdx>SPDX-License-Identifier:[^\n]*)\n)?"
    r"\.\. Written by kfuncdoc render, do not edit; digest (?P<digest>[0-9a-f]{16})\n"
)
_SPDX = re.compile(r"#\s*(SPDX-License-Identifier:[^\n]*)")


@dataclass
class Written:
    """The result of a run: sorted names of files.  *refused* are files that kfuncdoc did not write."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def pages(renderer: Renderer) -> Mapping[str, str]:
    """Return every page of the *renderer*'s site with its comment, by the name of its file; this writes nothing."""
    licences = {subsystem.path: _licence(subsystem) for subsystem in renderer.catalog.subsystems}
    shared = next(iter(licences.values())) if len(set(licences.values())) == 1 else ""
    return {
        f"{docname}.rst": _stamped(renderer.page(page), licences.get(page.subject, shared))
        for docname, page in renderer.site.generated.items()
    }


def write(texts: Mapping[str, str], folder: str) -> Written:
    """Write *texts* to *folder*, and delete older pages of kfuncdoc there.  Raises OSError if this fails.

    It writes nothing if it would overwrite a file that kfuncdoc did not write.
    """
    os.makedirs(folder, exist_ok=True)
    result = Written()
    present = {name: _read(os.path.join(folder, name)) for name in sorted({*texts, *_rst_files(folder)})}
    result.refused = [name for name in sorted(texts) if present[name] is not None and not _is_own(present[name])]
    if result.refused:
        return result
    for name in sorted(texts):
        if present[name] == texts[name]:
            result.unchanged.append(name)
        else:
            write_whole(os.path.join(folder, name), texts[name])
            result.written.append(name)
    for name, text in present.items():
        if name not in texts and _is_own(text):
            os.unlink(os.path.join(folder, name))
            result.pruned.append(name)
    return result


def _rst_files(folder: str) -> Iterable[str]:
    return (entry.name for entry in os.scandir(folder) if entry.name.endswith(".rst"))


def _read(path: str) -> Optional[str]:
    """Return the text of a file; None if there is none.  A file that is not readable text is not ours."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return ""
        return Path(path).read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def _is_own(text: Optional[str]) -> bool:
    """Whether *text* is a page that kfuncdoc wrote, and that was not changed since."""
    stamp = _STAMP.match(text or "")
    return stamp is not None and stamp["digest"] == _digest(stamp["spdx"] or "", (text or "")[stamp.end() :])


def _stamped(text: str, licence: str) -> str:
    body = "\n" + re.sub(r"\n{3,}", "\n\n", plain(text)).strip("\n") + "\n"
    spdx = f".. {licence}\n" if licence else ""
    return f"{spdx}.. Written by kfuncdoc render, do not edit; digest {_digest(licence, body)}\n{body}"


def _digest(licence: str, body: str) -> str:
    return hashlib.sha256(f"{licence}\n{body}".encode()).hexdigest()[:16]


def _licence(subsystem: SubsystemFile) -> str:
    """Return the SPDX line of a declaration file; its page gets the same."""
    line = _SPDX.match(subsystem.source.text) if subsystem.source else None
    return line[1].strip() if line else ""
