# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kfuncs of a built kernel: ``vmlinux``, its modules, or BTF alone.

::

    vmlinux --ELF--> .BTF -----> Btf <------base------+
                     .BTF_ids --> sets                |
                                   |                  |
    modules --unpack, ELF--> .BTF, .BTF_ids --------> Btf, sets --> Observation

Two things tell that a function is a kfunc, and each misses some that the other has, so both are used:

- the decl tag ``bpf_kfunc`` in BTF, since v6.10 or so; it needs no more than BTF;
- the sets in ``.BTF_ids``, which also have the flags.

A set of eight-byte entries begins with their number and a word of flags, whose first bit says since v6.9
that the entries are kfuncs.  Sets without it are of other functions, such as those of which programs may
change the return value (fmodret): these are not kfuncs.  One fmodret set has the bit all the same, the
kernel's own test of it (``bpf_test_modify_return_ids``); it goes with the other tests, by its names.
Before v6.9 no set has the bit, and an image cannot tell kfuncs from the others.  A set that is never
registered, but only asked by a filter, looks like all others; its entries are those of other sets again.

The functions that a set holds are numbers of BTF, sorted.  Where symbols are left (modules keep them, an
installed ``vmlinux`` does not), they tell where each set is, and its name.  Without, sets are found by their
form: hardly anything else has the header of a kfunc set and then as many functions as it says.

A kfunc ``NAME`` with KF_IMPLICIT_ARGS has a twin ``NAME_impl`` in BTF, with the arguments that the verifier
adds.  It is in no set, and programs cannot call it.  Other kfuncs with such a name are as good as any.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import os
import platform
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import BinaryIO, FrozenSet, NamedTuple, Optional

from kfuncdoc.base import yaml_text
from kfuncdoc.base.progress import Track
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.shape import Shape
from kfuncdoc.kernels.observation import KernelFunctions, Kind, Observation, ObservedKfunc, Registration, Remark
from kfuncdoc.scan.binary.btf import LARGEST_BLOB, Btf, byte_order_of
from kfuncdoc.scan.binary.elf import BPF_MACHINE, COMPRESSED, EXECUTABLE, LARGEST_SECTION, LOADED, MAGIC, PROGBITS, Elf
from kfuncdoc.scan.binary.id_sets import BtfIdSet, kfunc_sets
from kfuncdoc.scan.binary.packed import GZIP_MAGIC, XZ_MAGIC, ZSTD_MAGIC, unpacked
from kfuncdoc.scan.errors import Unscannable, is_folder, opened, readable
from kfuncdoc.scan.selftests import is_selftest

_MODULE = re.compile(r"\.ko(?:\.(?:xz|zst|gz))?$")
_VMLINUX = re.compile(r"vmlinux(?:-\d.*)?$")

_SINCE = (6, 9)

_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?(?:-rc\d+)?")
_BANNER = re.compile(rb"Linux version (\d+\.\d+[!-~]{0,100}) ")
#: Where a running kernel has its own BTF, and below their names that of its modules.
_OWN_KERNEL = "/sys/kernel/btf"
_BIT = re.compile(r"v(\d+)\.(\d+)$")

_IMPLICIT = "KF_IMPLICIT_ARGS"
_TWIN = "_impl"


def scan_image(paths: Sequence[str], *, track: Track = iter) -> Observation:
    """Return what the built kernel in *paths* has: a ``vmlinux``, modules, raw BTF, or folders that hold them.

    Modules need the ``vmlinux`` that they were built with, or BTF that stands alone (``.BTF.base``).
    *track* wraps the modules as they are read, to show progress.  Raises :exc:`Unscannable`.
    """
    return _scan(paths, track).observation()


def find_functions(paths: Sequence[str], names: Collection[str], *, track: Track = iter) -> KernelFunctions:
    """Return which functions of *names* the built kernel in *paths* has.  Raises :exc:`Unscannable`.

    Whether they are kfuncs, an image with sets tells.  Decl tags alone, as in raw BTF, do not: some kfuncs have none.
    """
    scan = _scan(paths, track)
    observation = scan.observation()
    found = scan.functions(frozenset(names))
    known = observation.by_name
    return KernelFunctions(
        observation.kernel or _own_kernel(paths),
        {name: known[name].prototype if name in known else each.prototype for name, each in found.items()},
        scan.with_modules,
        {name: each.shape for name, each in found.items() if name not in scan.implicit},
        frozenset(name for name, each in found.items() if each.told and name not in scan.names),
        frozenset(name for name, each in found.items() if not each.told and name not in scan.names),
    )


def _own_kernel(paths: Sequence[str]) -> Optional[str]:
    """Return the version of the running kernel if *paths* are its own BTF, which does not tell."""
    own = all(os.path.abspath(path).startswith(_OWN_KERNEL) for path in paths)
    version = _RELEASE.match(platform.release()) if own else None
    return version[0] if version else None


def _scan(paths: Sequence[str], track: Track) -> _ImageScan:
    kernels: list[_Image] = []
    modules: list[str] = []
    split: list[_Image] = []
    with ExitStack() as stack:
        for path in _files(paths):
            image = None if _MODULE.search(path) else _Image(path, stack.enter_context(opened(path)))
            if image is None or image.module is not None:
                modules.append(path)
            elif image.is_raw and os.path.basename(path) != "vmlinux":
                split.append(image)
            else:
                kernels.append(image)
        if not kernels and len(split) == 1:
            # Raw BTF alone under whatever name.
            kernels, split = split, []
        scan = _ImageScan(_one_kernel(kernels), split, modules)
        scan.read(track)
        return scan


def _files(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        if not is_folder(path):
            yield path
            continue
        found = []
        for folder, folders, names in os.walk(path, onerror=_refuse):
            folders.sort()
            found += [os.path.join(folder, name) for name in sorted(names) if _MODULE.search(name)]
            found += [os.path.join(folder, name) for name in sorted(names) if _VMLINUX.match(name)]
            if os.path.abspath(folder) == _OWN_KERNEL:
                found += [os.path.join(folder, name) for name in sorted(names) if not _VMLINUX.match(name)]
        if not found:
            raise Unscannable(path, "this folder has neither a vmlinux nor modules, nor is it a source tree")
        yield from found


def _refuse(error: OSError) -> None:
    """What is below a folder that cannot be read would be missing, and nobody would know."""
    raise Unscannable(str(error.filename), error.strerror or "it cannot be read") from None


def _one_kernel(kernels: Sequence[_Image]) -> Optional[_Image]:
    """Return the ``vmlinux`` among *kernels*; a copy of it in another place is no second one."""
    if len({(kernel.release, kernel.size) for kernel in kernels}) > 1:
        raise Unscannable(kernels[1].path, f"'{kernels[0].path}' is a kernel already; name one at a time")
    return kernels[0] if kernels else None


class _KernelFunction(NamedTuple):
    """A function of a kernel, and whether the image that has it would have *told* that it is a kfunc."""

    prototype: Optional[str]
    shape: Shape
    told: bool


class _ImageScan:
    """One scan: the kernel, if there is one, and the modules that may continue its BTF."""

    def __init__(self, kernel: Optional[_Image], split: Sequence[_Image], modules: Sequence[str]) -> None:
        self._kernel = kernel
        self._split = split
        self._modules = modules
        self._base: Optional[Btf] = None
        self._release = kernel.release if kernel else None
        self._kfuncs: dict[str, ObservedKfunc] = {}
        self._remarks: list[Remark] = []
        self._foreign: list[str] = []
        self._types: list[tuple[Btf, bool]] = []
        #: The names of all kfuncs, those of the kernel's own tests, too, and of those with implicit arguments.
        self.names: set[str] = set()
        self.implicit: set[str] = set()
        self.with_modules = bool(split or modules)

    def read(self, track: Track) -> None:
        if self._kernel:
            self._base = self._kernel.btf(None)
            self._add(self._kernel, self._base)
        for image in self._split:
            image.module = os.path.basename(image.path)
            self._add_module(image)
        for image in _unpacked(self._modules, track):
            self._add_module(image)
        if self._foreign:
            text = f"{len(self._foreign)} modules are of another kernel and left out, such as {self._foreign[0]}"
            self._remark(self._modules[0], text)
        version = _RELEASE.match(self._release or "")
        if version and (int(version[1]), int(version[2])) < _SINCE:
            text = (
                f"before v{_SINCE[0]}.{_SINCE[1]} an image does not tell which of its sets hold kfuncs: none of them is"
                f" read, and only functions with the decl tag are found"
            )
            self._remark((self._kernel.path if self._kernel else self._modules[0]), text)

    def functions(self, names: FrozenSet[str]) -> dict[str, _KernelFunction]:
        """Return the functions of *names* that the kernel has, kfuncs or not."""
        found: dict[str, _KernelFunction] = {}
        for btf, told in self._types:
            for name, number in btf.functions_named(names).items():
                if name not in found:
                    found[name] = _KernelFunction(btf.prototype(number), btf.shape_of(number), told)
        return found

    def observation(self) -> Observation:
        version = _RELEASE.match(self._release or "")
        return Observation(
            Kind.IMAGE,
            kernel=version[0] if version else None,
            kfuncs=tuple(self._kfuncs[name] for name in sorted(self._kfuncs)),
            remarks=tuple(self._remarks),
        )

    def _add_module(self, image: _Image) -> None:
        if self._release is None:
            self._release = image.release
        elif image.release not in (None, self._release) or self._is_of_another_machine(image):
            self._foreign.append(os.path.basename(image.path))
            return
        if not image.has_btf:
            # Built where there was no vmlinux to describe it against; the kernel takes no kfuncs of it either.
            self._remark(image.path, "it has no section .BTF, so that its kfuncs cannot be told")
        elif image.has_base or self._base is not None:
            self._add(image, image.btf(self._base))
        else:
            raise Unscannable(image.path, "its BTF continues that of its kernel: name the vmlinux as well")

    def _is_of_another_machine(self, image: _Image) -> bool:
        """Whether *image* has another architecture than the kernel, as far as both tell; releases can be alike."""
        machine = self._kernel.machine if self._kernel else None
        return None not in (machine, image.machine) and machine != image.machine

    def _add(self, image: _Image, btf: Btf) -> None:
        """Add the kfuncs of *image*: those with the decl tag and those in sets."""
        by_name: dict[str, tuple[int, list[Registration]]] = {}
        for number, registered in self._registrations(image, btf).items():
            by_name.setdefault(btf.function(number), (number, []))[1].extend(registered)
        implicit = {
            name for name, (_, registered) in by_name.items() if any(_IMPLICIT in each.flags for each in registered)
        }
        self._types.append((btf, image.has_sets))
        self.names |= by_name.keys()
        self.implicit |= implicit
        for name, (number, registered) in by_name.items():
            is_twin = not registered and name.endswith(_TWIN) and name[: -len(_TWIN)] in implicit
            if is_twin or is_selftest(name):
                continue
            prototype = btf.prototype(number, implicit_arguments=name in implicit)
            if prototype is None:
                self._remark(image.path, "its prototype has a type without a name", name)
            # The first that has a kfunc speaks for it, except that its sets may be anywhere.
            known = self._kfuncs.get(name) or ObservedKfunc(name, prototype, module=image.module)
            both = tuple(dict.fromkeys((*known.registrations, *registered)))
            self._kfuncs[name] = dataclasses.replace(known, registrations=both)

    def _registrations(self, image: _Image, btf: Btf) -> dict[int, list[Registration]]:
        """Return the sets of each kfunc by its number in *btf*; one that only has the decl tag is in none."""
        registrations: dict[int, list[Registration]] = {number: [] for number in btf.tagged()}
        names_of_bits = _names_of_bits(self._release)
        for found in image.sets(btf):
            unresolved = sum(number == 0 for number, _ in found.entries)
            if unresolved:
                self._remark(image.path, f"{unresolved} entries of {found} have no function in BTF")
            for number, word in found.entries:
                if number:
                    flags = self._flags(word, names_of_bits, image, btf.function(number))
                    registrations.setdefault(number, []).append(Registration(found.name, flags))
        return registrations

    def _flags(self, word: int, names: Mapping[int, str], image: _Image, kfunc: str) -> tuple[str, ...]:
        """Return the flags of an entry, in the order of their bits."""
        bits = [bit for bit in range(32) if word >> bit & 1]
        unknown = [str(bit) for bit in bits if bit not in names]
        if unknown:
            self._remark(image.path, f"no flag is known for bit {', '.join(unknown)} of its entry", kfunc)
        return tuple(names.get(bit, f"KF_BIT_{bit}") for bit in bits)

    def _remark(self, path: str, text: str, kfunc: Optional[str] = None) -> None:
        # Without the folder: where a kernel was unpacked is no fact about it.
        self._remarks.append(Remark(os.path.basename(path), 0, text, kfunc))


@functools.lru_cache(maxsize=1)
def _names_of_bits(release: Optional[str]) -> Mapping[int, str]:
    """Return the flag that each bit stands for in the kernel *release*, in any where that is unknown.

    Bits come and go with the flags: that of KF_TRUSTED_ARGS has been free since v7.0.
    """
    match = _RELEASE.match(release or "")
    now = (int(match[1]), int(match[2])) if match else None
    names = {}
    for flag in yaml_text.read(str(packaged("data") / "flags.yaml")).value["flags"]:
        first, last = (_BIT.search(flag.get(key, "")) for key in ("first", "last"))
        before = now and first and now < (int(first[1]), int(first[2]))
        after = now and last and now > (int(last[1]), int(last[2]))
        if "bit" in flag and not before and not after:
            names[int(flag["bit"])] = flag["flag"]
    return names


# -- files


def _unpacked(paths: Sequence[str], track: Track) -> Iterator[_Image]:
    """Yield those of the modules at *paths* that have any ``.BTF_ids``; of thousands, these are some.

    Most of the time goes into unpacking, which two threads share: the libraries let go of the interpreter.
    """
    if not paths:
        return
    with ExitStack() as stack:
        pool = ThreadPoolExecutor(2)
        stack.callback(pool.shutdown, cancel_futures=True)
        for path, content in zip(track(paths), pool.map(_module_with_sets, paths)):
            if content is not None:
                yield _Image(path, io.BytesIO(content), of_module=True)


def _module_with_sets(path: str) -> Optional[bytes]:
    with opened(path) as stream, readable(path):
        content = unpacked(stream, path)
    # The name of the section is looked for before anything is taken apart.
    return content if b".BTF_ids\0" in content or not content.startswith(MAGIC) else None


# -- images


class _Image:
    """One file: ELF or raw BTF, packed or not."""

    def __init__(self, path: str, stream: BinaryIO, *, of_module: bool = False) -> None:
        self.path = path
        self._elf: Optional[Elf] = None
        self._blob = b""
        with readable(path):
            start = _start(stream)
            if start.startswith((XZ_MAGIC, ZSTD_MAGIC, GZIP_MAGIC)):
                stream = io.BytesIO(unpacked(stream, path))
                start = _start(stream)
            self.size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            if byte_order_of(start):
                self._blob = stream.read(LARGEST_BLOB + 1)
        #: Whether it is BTF alone, without a kernel around it.
        self.is_raw = bool(self._blob)
        if start.startswith(MAGIC):
            self._elf = Elf(path, stream)
            if self._elf.machine[0] in BPF_MACHINE:
                raise Unscannable(path, "this is a BPF object, and no kernel")
        elif not self.is_raw:
            raise Unscannable(path, _foreign(start))
        information = self._elf.read(".modinfo") if self._elf else None
        #: The module that it is; None for ``vmlinux``, which has the information of what is built in elsewhere.
        self.module: Optional[str] = None
        self.release: Optional[str] = None
        if information is not None or of_module:
            self._read_module_information(information or b"")
        elif self._elf:
            self.release = _banner(self._elf)

    def _read_module_information(self, information: bytes) -> None:
        fields = dict(line.partition("=")[::2] for line in information.decode("utf-8", "replace").split("\0"))
        in_path = _MODULE.sub("", os.path.basename(self.path)).replace("-", "_")
        self.module = fields.get("name") or in_path
        self.release = (fields.get("vermagic") or "").split(" ")[0] or None

    @property
    def machine(self) -> Optional[tuple[object, ...]]:
        """What it runs on; None of BTF alone."""
        return self._elf.machine if self._elf else None

    @property
    def has_btf(self) -> bool:
        return self.is_raw or (self._elf is not None and ".BTF" in self._elf.by_name)

    @property
    def has_sets(self) -> bool:
        """Whether it has sets that can be told to be of kfuncs: since v6.9, and not BTF alone."""
        version = _RELEASE.match(self.release or "")
        old = version is not None and (int(version[1]), int(version[2])) < _SINCE
        return self._elf is not None and ".BTF_ids" in self._elf.by_name and not old

    def sets(self, btf: Btf) -> Iterator[BtfIdSet]:
        """Yield the sets of kfuncs; BTF alone has none."""
        return kfunc_sets(self._elf, btf) if self._elf else iter(())

    @property
    def has_base(self) -> bool:
        """Whether it needs no other file's BTF."""
        return self._elf is not None and ".BTF.base" in self._elf.by_name

    def btf(self, base: Optional[Btf]) -> Btf:
        """Return its types; those of a module continue *base*, or what the module itself has of it."""
        if self._elf is None:
            return Btf(self._blob, self.path, base)
        if self.module is not None and self.has_base:
            base = Btf(self._elf.read(".BTF.base", LARGEST_BLOB) or b"", self.path)
        blob = self._elf.read(".BTF", LARGEST_BLOB)
        if not blob:
            raise Unscannable(self.path, "it has no section .BTF: it was built without CONFIG_DEBUG_INFO_BTF")
        return Btf(blob, self.path, base)


def _start(stream: BinaryIO) -> bytes:
    start = stream.read(6)
    stream.seek(0)
    return start


def _foreign(start: bytes) -> str:
    if start.startswith(b"MZ"):
        return "this is a kernel packed for booting: unpack it first, or name the vmlinux of its debug package"
    return "this is neither ELF (vmlinux, a module) nor BTF" if start else "it is empty"


# -- ELF


def _banner(elf: Elf) -> Optional[str]:
    """Return the release in what the kernel says of itself when it boots: ``Linux version 7.3.4 (...)``."""
    constants = [
        each
        for each in elf.sections
        if each.type == PROGBITS
        and each.flags & (LOADED | EXECUTABLE | COMPRESSED) == LOADED
        and each.size <= LARGEST_SECTION
    ]
    # It is in .rodata as a rule.  Sections that lie one over the other are no reason to read a file for ever.
    constants.sort(key=lambda each: each != elf.by_name.get(".rodata"))
    left = elf.size
    for section in constants:
        left -= section.size
        if left < 0:
            break
        match = _BANNER.search(elf.contents(section, "a section of constants"))
        if match:
            return match[1].decode("ascii")
    return None
