# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Built kernels in a folder: the image to boot, the ``vmlinux`` with its BTF, and the modules.

A kernel is a folder with the files of Debian's packages ``linux-image-*`` (``boot/vmlinuz-*``), or of the newer
``linux-binary-*`` and ``linux-modules-*`` (``usr/lib/modules/*/vmlinuz``), and with ``vmlinux``, which
``extract-vmlinux`` of the kernel's scripts makes from the image.
"""

from __future__ import annotations

import dataclasses
import gzip
import lzma
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Iterable, Mapping, Optional, Sequence

import zstandard

_MODULE = re.compile(r"(.+)\.ko(\.xz|\.zst|\.gz)?$", re.DOTALL)
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
#: In the section .modinfo of a module: the modules whose symbols it uses, and those that it asks for when it starts.
_DEPENDS = re.compile(rb"\0depends=([\w,-]*)\0")
_ASKS_FOR = re.compile(rb"\0softdep=pre: ([\w -]+)\0")


class ImagesUnusable(Exception):
    """There is no kernel, or it lacks a file."""


@dataclass(frozen=True)
class KernelImage:
    """A built kernel in *folder*; its *name* is that of the folder."""

    name: str
    folder: Path
    vmlinuz: Path
    #: The configuration, which libbpf reads for ``__kconfig`` variables; None without one.
    config: Optional[Path] = None

    @property
    def version(self) -> tuple[int, ...]:
        """The numbers of the version, such as ``(6, 12, 117)``."""
        numbers = _NUMBERS.search(self.name)
        return tuple(int(number or 0) for number in numbers.groups()) if numbers else ()

    @property
    def release(self) -> str:
        """The release of the record, such as ``v6.12``."""
        return "v{}.{}".format(*self.version)

    @property
    def vmlinux(self) -> Path:
        """The image as ELF, which has the BTF of the kernel."""
        return self.folder / "vmlinux"

    @cached_property
    def modules(self) -> Mapping[str, Path]:
        """The file of each module, by the name that the kernel knows it by."""
        paths = (Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names)
        matches = ((_MODULE.match(path.name), path) for path in paths)
        return {match[1].replace("-", "_"): path for match, path in matches if match}

    def with_dependencies(self, names: Iterable[str]) -> dict[str, Path]:
        """Return the files of the modules *names* and of those that they need, by name, in the order to insert them.

        A module that the kernel does not have is left out.
        """
        ordered: dict[str, Path] = {}

        def add(name: str) -> None:
            if name in ordered or name not in self.modules:
                return
            for needed in needs(unpacked(self.modules[name])):
                add(needed)
            ordered[name] = self.modules[name]

        for name in names:
            add(name)
        return ordered


def needs(module: bytes) -> list[str]:
    """Return the names of the modules that have to be inserted before *module*, the content of a ``.ko``.

    A module asks for an algorithm such as ``crc32c``; the module of its portable implementation is ``crc32c_generic``.
    """
    depends, asks_for = _DEPENDS.search(module), _ASKS_FOR.search(module)
    asked = asks_for[1].decode().split() if asks_for else []
    names = [*asked, *(f"{name}_generic" for name in asked), *(depends[1].decode().split(",") if depends else [])]
    return [name.replace("-", "_") for name in names if name]


def unpacked(path: Path) -> bytes:
    """Return the content of the file at *path*, decompressed as its suffix says."""
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    if path.suffix == ".gz":
        return gzip.decompress(content)
    return content


def find_kernels(folder: Path) -> list[KernelImage]:
    """Return the kernels in *folder*, which is one or has them in its subfolders, the oldest first.

    Raises :exc:`ImagesUnusable` where there is none, or one has no ``vmlinux``.
    """
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())] if folder.is_dir() else []
    kernels = []
    for candidate in folders:
        images = [*candidate.glob("boot/vmlinuz*"), *candidate.glob("usr/lib/modules/*/vmlinuz")]
        if images:
            configs = [*candidate.glob("boot/config-*"), *candidate.glob("usr/lib/modules/*/config")]
            kernels.append(KernelImage(candidate.name, candidate, images[0], configs[0] if configs else None))
    if not kernels:
        raise ImagesUnusable(f"there is no kernel in {folder}: none of its folders has boot/vmlinuz-*")
    for kernel in kernels:
        if not kernel.vmlinux.is_file():
            raise ImagesUnusable(f"{kernel.folder} has no vmlinux, which has the BTF of the kernel")
        if not kernel.version:
            raise ImagesUnusable(f"the name of {kernel.folder} does not begin with a version, such as 6.12.117")
    return with_configs(sorted(kernels, key=lambda kernel: kernel.version))


def with_configs(kernels: Sequence[KernelImage]) -> list[KernelImage]:
    """Return *kernels*, each with a configuration if any has one.

    The archive keeps the image of an old kernel longer than the package with its configuration.  Such a kernel gets
    the configuration of the next newer one, else of the next older one: programs read a few options only, and a
    distribution rarely changes these.
    """

    def nearest(position: int) -> Optional[Path]:
        candidates = [*kernels[position:], *kernels[:position][::-1]]
        return next((kernel.config for kernel in candidates if kernel.config), None)

    return [dataclasses.replace(kernel, config=nearest(position)) for position, kernel in enumerate(kernels)]
