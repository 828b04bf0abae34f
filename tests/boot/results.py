# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What kernels said of objects, kept in a folder of JSON files, so that no program is loaded twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from boot.images import KernelImage
from boot.machine import Machine
from boot.outcomes import Load

#: The ends of an attempt that may be different the next time.
UNSURE = frozenset({"timeout", "hang"})


class Results:
    """The answers of kernels in *folder*, a file for each kernel.

    An object is known by the digest of its content.  The answers count as long as the kernel and the *machine* are the
    same.  What took too long is asked again.
    """

    def __init__(self, folder: Path, machine: Machine) -> None:
        self._folder = folder
        self._machine = machine
        folder.mkdir(parents=True, exist_ok=True)

    def judge(self, kernel: KernelImage, objects: Mapping[str, Path]) -> dict[str, list[Load]]:
        """Return what *kernel* says of *objects*, by digest; it is asked only for what has no answer yet.

        Raises :exc:`BootFailed`; the answers up to then are kept.
        """
        known = self._read(kernel)
        missing = {key: path for key, path in objects.items() if key not in known}
        for loads in self._machine.load(kernel, missing):
            known.update(loads)
            self._write(kernel, known)
        return known

    def _read(self, kernel: KernelImage) -> dict[str, list[Load]]:
        path = self._path(kernel)
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if content.get("asked") != self._asked(kernel):
            return {}
        known = {key: [Load(**load) for load in loads] for key, loads in content["objects"].items()}
        # Whether a program takes too long depends on what else the machine does.
        return {key: loads for key, loads in known.items() if not any(load.step in UNSURE for load in loads)}

    def _write(self, kernel: KernelImage, results: Mapping[str, Sequence[Load]]) -> None:
        objects = {key: [asdict(load) for load in loads] for key, loads in results.items()}
        part = self._path(kernel).with_suffix(".part")
        part.write_text(json.dumps({"asked": self._asked(kernel), "objects": objects}, indent=0), encoding="utf-8")
        part.replace(self._path(kernel))

    def _asked(self, kernel: KernelImage) -> list[str]:
        modules = kernel.with_dependencies(self._machine.modules)
        files = [kernel.vmlinuz, self._machine.loader, *([kernel.config] if kernel.config else [])]
        return [*map(digest, files), str(self._machine.seconds), *modules]

    def _path(self, kernel: KernelImage) -> Path:
        return self._folder / f"{kernel.name}.json"


def digest(path: Path) -> str:
    """Return the name of the content of *path* in results."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]
