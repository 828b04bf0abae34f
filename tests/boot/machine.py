# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Boots a kernel in qemu with an initramfs of busybox, the loader, modules and objects, and returns what it printed.

::

    KernelImage, objects --initramfs--> qemu --second serial port--> Loads

A kernel may hang or panic while it loads a program.  Then that program has no result, and the kernel is booted again
for the programs after it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Mapping, Sequence

from boot.images import KernelImage, unpacked
from boot.outcomes import Load, parse

HERE = Path(__file__).resolve().parent
BUSYBOX = ("/bin/busybox", "/usr/bin/busybox")
FOLDERS = "bin boot dev modules objects proc sys tmp".split()
#: How many objects there are in one boot, and their bytes: the initramfs and its files are in memory at the same time.
MOST_OBJECTS = 400
MOST_BYTES = 96 << 20
MEMORY = "2G"
#: In the first page of a program that is linked dynamically; the initramfs has no libraries.
_INTERPRETER = b"/ld-linux"
#: Seconds from the start of qemu to the first result, on a busy machine.
MOST_BOOTING = 240


class BootFailed(Exception):
    """A kernel did not come as far as the loader."""


@dataclass(frozen=True)
class Machine:
    """What all boots share: the *loader*, the *modules* to insert, and *seconds* that a program may take."""

    loader: Path
    modules: Sequence[str]
    seconds: int = 60
    tell: Callable[[str], None] = print

    def load(self, kernel: KernelImage, objects: Mapping[str, Path]) -> Iterator[dict[str, list[Load]]]:
        """Yield what *kernel* says of each program of *objects*, by the same keys, a portion of them at a time.

        Raises :exc:`BootFailed`.
        """
        modules = kernel.with_dependencies(self.modules)
        for chunk in _chunks(objects):
            results: dict[str, list[Load]] = {key: [] for key in chunk}
            left = dict.fromkeys(chunk, 0)
            while left:
                left = self._load_some(kernel, modules, objects, left, results)
            yield results

    def _load_some(
        self,
        kernel: KernelImage,
        modules: Mapping[str, Path],
        objects: Mapping[str, Path],
        left: Mapping[str, int],
        results: dict[str, list[Load]],
    ) -> dict[str, int]:
        """Load what is *left*, objects with the number of the first program, into *results*; return what is left."""
        with tempfile.TemporaryDirectory(prefix="kfuncdoc-boot-") as folder:
            work = Path(folder)
            self._initramfs(work, kernel, modules, {key: (objects[key], first) for key, first in left.items()})
            started = time.monotonic()
            self._run(kernel, work)
            lines = (work / "results").read_text(encoding="utf-8", errors="replace").splitlines()
            console = (work / "console").read_text(encoding="utf-8", errors="replace").splitlines()
        loads = parse(lines)
        for module in loads.refused_modules:
            self.tell(f"{kernel.name}: cannot insert the module {module}; the audit takes it for inserted")
        for path, attempts in loads.by_object.items():
            results[Path(path).name] += attempts
        self.tell(f"{kernel.name}: {len(loads.by_object)} objects, {time.monotonic() - started:.0f} s")
        if loads.is_done:
            return {}
        if loads.last is None:
            raise BootFailed(f"{kernel.name} printed no result; the end of its console:\n" + "\n".join(console[-15:]))
        path, load = loads.last
        key = Path(path).name
        self.tell(f"{kernel.name}: hung at {objects[key].name}, program {load.program or load.number}")
        position = list(left).index(key)
        return {key: load.number + 1, **dict.fromkeys(list(left)[position + 1 :], 0)}

    def _initramfs(
        self, work: Path, kernel: KernelImage, modules: Mapping[str, Path], objects: Mapping[str, tuple[Path, int]]
    ) -> None:
        """Write the initramfs to the folder *work*; *objects* have the number of their first program."""
        root = work / "root"
        for name in FOLDERS:
            (root / name).mkdir(parents=True)
        shutil.copy(next(path for path in BUSYBOX if Path(path).is_file()), root / "bin" / "busybox")
        shutil.copy(HERE / "init", root / "init")
        shutil.copy(self.loader, root / "loader")
        (root / "seconds").write_text(f"{self.seconds}\n")
        if kernel.config:
            shutil.copy(kernel.config, root / "boot" / "config")
        for name, path in modules.items():
            (root / "modules" / f"{name}.ko").write_bytes(unpacked(path))
        (root / "modules" / "list").write_text("".join(f"{name}.ko\n" for name in modules))
        for key, (path, _) in objects.items():
            shutil.copy(path, root / "objects" / key)
        (root / "objects" / "list").write_text(
            "".join(f"{first} /objects/{key}\n" for key, (_, first) in objects.items())
        )
        with open(work / "initramfs", "wb") as output:
            names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input=names.encode(), stdout=output, cwd=root,
                           check=True)  # fmt: skip
        shutil.rmtree(root)

    def _run(self, kernel: KernelImage, work: Path) -> None:
        """Run qemu until it ends, or prints nothing for longer than a program may take."""
        results = work / "results"
        results.touch()
        qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", "tcg",
             "-cpu", "max", "-smp", "1", "-m", MEMORY, "-kernel", kernel.vmlinuz, "-initrd", work / "initramfs",
             "-append", "console=ttyS0 panic=-1 quiet loglevel=3 mitigations=off apparmor=0 selinux=0 audit=0",
             "-serial", f"file:{work / 'console'}", "-serial", f"file:{results}"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            size, changed = 0, time.monotonic()
            while qemu.poll() is None:
                time.sleep(0.2)
                now = time.monotonic()
                if results.stat().st_size != size:
                    size, changed = results.stat().st_size, now
                # The processor of the kernel is emulated, and its clock does not stop if the machine is busy.
                elif now - changed > (MOST_BOOTING if size == 0 else 2 * self.seconds + 60):
                    qemu.kill()
        finally:
            qemu.kill()
            qemu.wait()


def _chunks(objects: Mapping[str, Path]) -> Iterator[list[str]]:
    """Yield the keys of *objects* in portions that fit into the memory of one boot."""
    chunk: list[str] = []
    size = 0
    for key, path in objects.items():
        bytes_of_object = path.stat().st_size
        if chunk and (size + bytes_of_object > MOST_BYTES or len(chunk) == MOST_OBJECTS):
            yield chunk
            chunk, size = [], 0
        chunk.append(key)
        size += bytes_of_object
    if chunk:
        yield chunk


def check_tools() -> None:
    """Raise :exc:`BootFailed` where kernels cannot be booted, with the Debian package to install."""
    for command, package in (("qemu-system-x86_64", "qemu-system-x86"), ("cpio", "cpio")):
        if shutil.which(command) is None:
            raise BootFailed(f"there is no {command}; Debian's package {package} has it")
    busybox = next((Path(path) for path in BUSYBOX if Path(path).is_file()), None)
    if busybox is None or _INTERPRETER in busybox.read_bytes()[:4096]:
        raise BootFailed("there is no static busybox; Debian's package busybox-static has it")
