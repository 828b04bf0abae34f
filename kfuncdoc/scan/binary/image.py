# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kfuncs of a built kernel: ``vmlinux``, its modules, or BTF alone.

::

    vmlinux --ELF--> .BTF -----> Btf <------base------+
                     .BTF_ids --> sets                |
                                   |                  |
    modules --unpack, ELF--> .BTF, .BTF_ids --------> Btf, sets --> Observation

Two things mark a function as a kfunc.  Each misses some functions that the other has, so both are read:

- the decl tag ``bpf_kfunc`` in BTF, since about v6.10; it needs no more than BTF;
- the sets in ``.BTF_ids`` (``include/linux/btf_ids.h``), which also have the flags.

A set of eight-byte entries begins with their number and a word of flags.  Since v6.9 its first bit says that the
entries are kfuncs.  Sets without the bit have other functions, such as those whose return value programs may
change (fmodret).  One fmodret set has the bit nevertheless, ``bpf_test_modify_return_ids`` of the kernel's own
tests; it is left out with these, by the names of its functions.  Before v6.9 no set has the bit, and an image
does not tell kfuncs from other functions.  A set that only a filter searches looks like a registered one; its
entries are in other sets, too.

The functions of a set are sorted numbers of BTF.  Symbols tell where each set is, and its name; modules have them,
an installed ``vmlinux`` does not.  Without symbols, sets are found by their form: hardly anything else has the
header of a set of kfuncs and then as many functions as it says.

A kfunc ``NAME`` with KF_IMPLICIT_ARGS has a twin ``NAME_impl`` in BTF, with the arguments that the verifier
adds.  The twin is in no set, and programs cannot call it.  Other kfuncs whose names end so are ordinary ones.
``tools/bpf/resolve_btfids`` makes the twin, and takes these arguments out of the prototype of ``NAME``.  Up to v7.2
it does so only for functions with the decl tag, which pahole writes: pahole before 1.26 tags none, and kernels that
were built with 1.30 lack some.  libbpf and the verifier refuse the calls of a kfunc without its twin.
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
from kfuncdoc.bpf.conditions import CoreOutcome
from kfuncdoc.bpf.shape import Shape
from kfuncdoc.kernels.observation import KernelFunctions, Kind, Observation, ObservedKfunc, Registration, Remark
from kfuncdoc.kernels.selftests import is_selftest
from kfuncdoc.scan.binary.btf import LARGEST_BLOB, Btf, byte_order_of
from kfuncdoc.scan.binary.core_outcomes import has_candidate, outcome
from kfuncdoc.scan.binary.elf import BPF_MACHINE, COMPRESSED, EXECUTABLE, LARGEST_SECTION, LOADED, MAGIC, PROGBITS, Elf
from kfuncdoc.scan.binary.id_sets import BtfIdSet, kfunc_sets
from kfuncdoc.scan.binary.packed import GZIP_MAGIC, XZ_MAGIC, ZSTD_MAGIC, unpacked
from kfuncdoc.scan.errors import Unscannable, is_folder, opened, readable

_MODULE = re.compile(r"\.ko(?:\.(?:xz|zst|gz))?$")
_VMLINUX = re.compile(r"vmlinux(?:-\d.*)?$")

_SINCE = (6, 9)

_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?(?:-rc\d+)?")
_BANNER = re.compile(rb"Linux version (\d+\.\d+[!-~]{0,100}) ")
#: The folder with the BTF of a running kernel and of its modules.
_OWN_KERNEL = "/sys/kernel/btf"
_BIT = re.compile(r"v(\d+)\.(\d+)$")

_IMPLICIT = "KF_IMPLICIT_ARGS"
_TWIN = "_impl"


def scan_image(paths: Sequence[str], *, track: Track = iter) -> Observation:
    """Return the kfuncs of the built kernel in *paths*: a ``vmlinux``, modules, raw BTF, or folders of these.

    Modules need the ``vmlinux`` that they were built with, or have BTF that needs none (``.BTF.base``).
    *track* wraps the names of the modules to read, to show progress.  Raises :exc:`Unscannable`.
    """
    return _scan(paths, track).observation()


def find_functions(
    paths: Sequence[str], names: Collection[str], questions: Collection[CoreOutcome] = (), *, track: Track = iter
) -> KernelFunctions:
    """Return the functions in *names* that the built kernel in *paths* has, and what it answers to *questions*.

    Raises :exc:`Unscannable`.

    An image with sets tells which of them are kfuncs.  Raw BTF does not: some kfuncs have no decl tag.
    """
    scan = _scan(paths, track)
    functions = scan.functions(frozenset(names))
    return KernelFunctions(
        scan.observation().kernel or _own_kernel(paths),
        {name: function.prototype for name, function in functions.items()},
        scan.with_modules,
        {name: function.shape for name, function in functions.items()},
        frozenset(name for name, function in functions.items() if function.is_classified and name not in scan.names),
        frozenset(
            name for name, function in functions.items() if not function.is_classified and name not in scan.names
        ),
        without_twin=frozenset(name for name, function in functions.items() if function.lacks_twin),
        modules={name: function.module for name, function in functions.items() if function.module is not None},
        outcomes=dict(scan.outcomes(questions)),
        lacking=frozenset(filter(scan.lacks, questions)),
    )


def _own_kernel(paths: Sequence[str]) -> Optional[str]:
    """Return the version of the running kernel if *paths* are its own BTF, which has no version in it."""
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
            # Raw BTF alone is a kernel, whatever its name.
            kernels, split = split, []
        scan = _ImageScan(_one_kernel(kernels), split, modules)
        scan.read(track)
        return scan


def _files(paths: Sequence[str]) -> Iterator[str]:
    """Yield the files of *paths*; of a folder, what is called as modules and kernels are."""
    for path in paths:
        if not is_folder(path):
            yield path
            continue
        files = []
        for folder, folders, names in os.walk(path, onerror=_refuse):
            folders.sort()
            files += [os.path.join(folder, name) for name in sorted(names) if _MODULE.search(name)]
            files += [os.path.join(folder, name) for name in sorted(names) if _VMLINUX.match(name)]
            if os.path.abspath(folder) == _OWN_KERNEL:
                files += [os.path.join(folder, name) for name in sorted(names) if not _VMLINUX.match(name)]
        if not files:
            raise Unscannable(path, "this folder has neither a vmlinux nor modules, nor is it a source tree")
        yield from files


def _refuse(error: OSError) -> None:
    """Refuse a folder that cannot be read: what is in it would be missing, and nobody would know."""
    raise Unscannable(str(error.filename), error.strerror or "it cannot be read") from None


def _one_kernel(kernels: Sequence[_Image]) -> Optional[_Image]:
    """Return the ``vmlinux`` among *kernels*; a copy of it in another place is no second one."""
    if len({(kernel.release, kernel.size) for kernel in kernels}) > 1:
        raise Unscannable(kernels[1].path, f"'{kernels[0].path}' is a kernel already; name one at a time")
    return kernels[0] if kernels else None


class _KernelFunction(NamedTuple):
    """A function of a kernel; its prototype is that of BTF, which libbpf compares."""

    prototype: Optional[str]
    shape: Shape
    #: Whether its image tells if it is a kfunc.
    is_classified: bool
    #: Whether it has an implicit argument, and no twin.  BTF alone does not tell whether it has KF_IMPLICIT_ARGS.
    lacks_twin: bool
    #: None if it is in the kernel itself.
    module: Optional[str]


class _ImageScan:
    """One scan of a built kernel: the kernel, if there is one, and the modules that may continue its BTF."""

    def __init__(self, kernel: Optional[_Image], split: Sequence[_Image], modules: Sequence[str]) -> None:
        self._kernel = kernel
        self._split = split
        self._modules = modules
        self._base: Optional[Btf] = None
        self._release = kernel.release if kernel else None
        self._kfuncs: dict[str, ObservedKfunc] = {}
        self._remarks: list[Remark] = []
        self._foreign: list[str] = []
        self._types: list[tuple[Btf, _Image]] = []
        #: The names of all kfuncs, also of the kernel's own tests; and of those with KF_IMPLICIT_ARGS.
        self.names: set[str] = set()
        self.implicit: set[str] = set()
        self.with_modules = bool(split or modules)

    def read(self, track: Track) -> None:
        """Read the kernel and the modules; *track* wraps the names of the modules."""
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
        """Return the functions in *names* that the kernel has, kfuncs and others."""
        functions: dict[str, _KernelFunction] = {}
        names_and_twins = names | {name + _TWIN for name in names}
        for btf, image in self._types:
            numbers = btf.functions_named(names_and_twins)
            for name, number in numbers.items():
                if name not in names or name in functions:
                    continue
                is_implicit = btf.has_implicit_argument(number) and (name in self.implicit or not image.has_sets)
                functions[name] = _KernelFunction(
                    btf.prototype(number),
                    btf.shape_of(number),
                    image.has_sets,
                    is_implicit and name + _TWIN not in numbers,
                    image.module,
                )
        return functions

    def outcomes(self, questions: Collection[CoreOutcome]) -> Iterator[tuple[CoreOutcome, bool]]:
        """Yield the answers of libbpf to those of *questions* whose types are in the kernel itself."""
        for question in questions:
            answer = outcome(self._base, question) if self._base is not None else None
            if answer is not None:
                yield question, answer

    def lacks(self, question: CoreOutcome) -> bool:
        """Whether the kernel itself has no type of the name that is asked for.

        libbpf then looks into the loaded modules (``bpf_core_find_cands()``), which are not known here.
        """
        return self._base is not None and not has_candidate(self._base, question)

    def observation(self) -> Observation:
        """Return what was read."""
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
            # It was built without a vmlinux, whose BTF it continues; the kernel registers no kfuncs of it either.
            self._remark(image.path, "it has no section .BTF, so that its kfuncs cannot be told")
        elif image.has_base or self._base is not None:
            self._add(image, image.btf(self._base))
        else:
            raise Unscannable(image.path, "its BTF continues that of its kernel: name the vmlinux as well")

    def _is_of_another_machine(self, image: _Image) -> bool:
        """Whether *image* has another architecture than the kernel, as far as both tell; releases may be the same."""
        machine = self._kernel.machine if self._kernel else None
        return None not in (machine, image.machine) and machine != image.machine

    def _add(self, image: _Image, btf: Btf) -> None:
        """Add the kfuncs of *image*: those with the decl tag and those in sets."""
        by_name: dict[str, tuple[int, list[Registration]]] = {}
        for number, registered in self._registrations(image, btf).items():
            by_name.setdefault(btf.function(number), (number, []))[1].extend(registered)
        implicit = {
            name
            for name, (_, registrations) in by_name.items()
            if any(_IMPLICIT in registration.flags for registration in registrations)
        }
        self._types.append((btf, image))
        self.names |= by_name.keys()
        self.implicit |= implicit
        self._remark_missing_twins(image, btf, {name: by_name[name][0] for name in implicit})
        for name, (number, registered) in by_name.items():
            is_twin = not registered and name.endswith(_TWIN) and name[: -len(_TWIN)] in implicit
            if is_twin or is_selftest(name):
                continue
            prototype = btf.prototype(number, implicit_arguments=name in implicit)
            if prototype is None:
                self._remark(image.path, "its prototype has a type without a name", name)
            # The first image with a kfunc has its prototype and module; any image may have sets with it.
            known = self._kfuncs.get(name) or ObservedKfunc(name, prototype, module=image.module)
            registrations = tuple(dict.fromkeys((*known.registrations, *registered)))
            self._kfuncs[name] = dataclasses.replace(known, registrations=registrations)

    def _remark_missing_twins(self, image: _Image, btf: Btf, implicit: Mapping[str, int]) -> None:
        """Remark on those of the kfuncs *implicit*, by number in *btf*, that have an implicit argument and no twin."""
        if not implicit:
            return
        twins = btf.functions_named(frozenset(name + _TWIN for name in implicit))
        missing = sorted(
            name for name, number in implicit.items() if name + _TWIN not in twins and btf.has_implicit_argument(number)
        )
        if missing:
            text = (
                f"{len(missing)} of {len(implicit)} kfuncs with KF_IMPLICIT_ARGS have the implicit argument in BTF, and"
                f" no twin NAME_impl, because pahole did not tag them as kfuncs (before 1.26 it tags none); programs"
                f" cannot call them: {', '.join(missing)}"
            )
            self._remark(image.path, text)

    def _registrations(self, image: _Image, btf: Btf) -> dict[int, list[Registration]]:
        """Return the registrations of each kfunc by its number in *btf*; none of one that only has the decl tag."""
        registrations: dict[int, list[Registration]] = {number: [] for number in btf.tagged()}
        names_of_bits = _names_of_bits(self._release)
        for id_set in image.sets(btf):
            unresolved = sum(number == 0 for number, _ in id_set.entries)
            if unresolved:
                self._remark(image.path, f"{unresolved} entries of {id_set} have no function in BTF")
            for number, word in id_set.entries:
                if number:
                    flags = self._flags(word, names_of_bits, image, btf.function(number))
                    registrations.setdefault(number, []).append(Registration(id_set.name, flags))
        return registrations

    def _flags(self, word: int, names: Mapping[int, str], image: _Image, kfunc: str) -> tuple[str, ...]:
        """Return the flags of an entry, in the order of their bits."""
        bits = [bit for bit in range(32) if word >> bit & 1]
        unknown = [str(bit) for bit in bits if bit not in names]
        if unknown:
            self._remark(image.path, f"no flag is known for bit {', '.join(unknown)} of its entry", kfunc)
        return tuple(names.get(bit, f"KF_BIT_{bit}") for bit in bits)

    def _remark(self, path: str, text: str, kfunc: Optional[str] = None) -> None:
        # Without the folder, which is no fact about the kernel.
        self._remarks.append(Remark(os.path.basename(path), 0, text, kfunc))


@functools.lru_cache(maxsize=1)
def _names_of_bits(release: Optional[str]) -> Mapping[int, str]:
    """Return the flag of each bit in the kernel *release*; the flags of all kernels if it is None.

    Flags come and go: the bit of KF_TRUSTED_ARGS has been free since v7.0.  ``data/flags.yaml`` has their bits.
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
    """Yield the modules at *paths* that have a section ``.BTF_ids``; a kernel has thousands of modules, and few have.

    Unpacking takes most of the time.  Two threads share it: the libraries release the lock of the interpreter.
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
    """Return the unpacked content of the module at *path*, None where it has no section ``.BTF_ids``."""
    with opened(path) as stream, readable(path):
        content = unpacked(stream, path)
    # To search for the name of the section is faster than to parse.
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
            if self._elf.machine[0] == BPF_MACHINE:
                raise Unscannable(path, "this is a BPF object, and no kernel")
        elif not self.is_raw:
            raise Unscannable(path, _foreign(start))
        information = self._elf.read(".modinfo") if self._elf else None
        #: The name of the module; None of ``vmlinux``, which has no ``.modinfo`` (that of built-ins is elsewhere).
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
        """The machine, word size and byte order that it runs on; None of BTF alone."""
        return self._elf.machine if self._elf else None

    @property
    def has_btf(self) -> bool:
        """Whether it has types."""
        return self.is_raw or (self._elf is not None and ".BTF" in self._elf.by_name)

    @property
    def has_sets(self) -> bool:
        """Whether it has sets that are marked as sets of kfuncs: since v6.9, and not BTF alone."""
        version = _RELEASE.match(self.release or "")
        old = version is not None and (int(version[1]), int(version[2])) < _SINCE
        return self._elf is not None and ".BTF_ids" in self._elf.by_name and not old

    def sets(self, btf: Btf) -> Iterator[BtfIdSet]:
        """Yield the sets of kfuncs; BTF alone has none."""
        return kfunc_sets(self._elf, btf) if self._elf else iter(())

    @property
    def has_base(self) -> bool:
        """Whether it has the BTF that it continues in itself."""
        return self._elf is not None and ".BTF.base" in self._elf.by_name

    def btf(self, base: Optional[Btf]) -> Btf:
        """Return its types; those of a module continue *base*, or the part of it that is in the module."""
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
    """Return why a file that begins with *start* is no kernel."""
    if start.startswith(b"MZ"):
        return "this is a kernel packed for booting: unpack it first, or name the vmlinux of its debug package"
    return "this is neither ELF (vmlinux, a module) nor BTF" if start else "it is empty"


# -- ELF


def _banner(elf: Elf) -> Optional[str]:
    """Return the release in the banner that the kernel prints when it boots: ``Linux version 7.3.4 (...)``."""
    constants = [
        section
        for section in elf.sections
        if section.type == PROGBITS
        and section.flags & (LOADED | EXECUTABLE | COMPRESSED) == LOADED
        and section.size <= LARGEST_SECTION
    ]
    # It is in .rodata as a rule.  Overlapping sections may have far more bytes than the file.
    constants.sort(key=lambda section: section != elf.by_name.get(".rodata"))
    left = elf.size
    for section in constants:
        left -= section.size
        if left < 0:
            break
        match = _BANNER.search(elf.contents(section, "a section of constants"))
        if match:
            return match[1].decode("ascii")
    return None
