# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""``python -m boot KERNELS OBJECTS...``: boot each kernel, load each program of each object, and compare with audits.

KERNELS is a folder of kernels, see ``images.py``.  Each folder OBJECTS is a corpus, named by its last part.  The exit
status is 1 if an audit says "loads" or "breaks", the kernel says otherwise, and known.yaml does not explain it.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Optional

from boot import agreement
from boot.agreement import KnownUnusable, Pair, read_known
from boot.claims import Audits, Claim, Verdict
from boot.images import ImagesUnusable, KernelImage, find_kernels
from boot.machine import HERE, BootFailed, Machine, check_tools
from boot.outcomes import Answer, Load, Reply, answer
from boot.results import Results, digest
from kfuncdoc.api import load as load_record
from kfuncdoc.bpf.objects import BpfObject
from kfuncdoc.compat.kernels import KernelRecord

#: The first bytes of an ELF file, and its machine, the 16 bits at offset 18.
_ELF = b"\x7fELF"
_BPF = (247).to_bytes(2, "little")


def find_objects(folder: Path) -> list[Path]:
    """Return the BPF objects in *folder* and below, as their first bytes tell them, in order."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_object(path)]


def _is_object(path: Path) -> bool:
    with open(path, "rb") as stream:
        header = stream.read(20)
    return header.startswith(_ELF) and header[18:] == _BPF


def pairs_of(
    corpora: Mapping[str, Sequence[Path]],
    digests: Mapping[Path, str],
    judged: Mapping[str, Mapping[str, Sequence[Load]]],
    audits: Audits,
) -> Iterator[Pair]:
    """Yield each program on each kernel and kind of audit, of objects that have kfuncs, or are refused for one."""
    for (kernel, audit), asked in audits.kernels.items():
        for corpus, paths in corpora.items():
            for path in paths:
                if str(path) in audits.unreadable:
                    continue
                replies = _replies(judged[kernel][digests[path]], audits.objects.get(str(path)))
                for program, reply in replies.items():
                    if not audits.has_kfuncs(path) and reply.answer is not Answer.REFUSED:
                        continue
                    claim = audits.claim(path, program, asked) or Claim(Verdict.LOADS, "kfuncdoc sees no such program")
                    is_unlike = audits.is_unlike(path, kernel, audit, reply)
                    yield Pair(corpus, path.name, program, kernel, audit, claim, reply, is_unlike)


def _replies(loads: Sequence[Load], bpf_object: Optional[BpfObject]) -> dict[str, Reply]:
    """Return what a kernel replies, by program.  That libbpf cannot open an object holds of all programs in it."""
    if any(load.step == "open" for load in loads):
        names = [program.name for program in bpf_object.programs] if bpf_object else []
        return dict.fromkeys(names or [""], answer(loads[0]))
    return {load.program or f"number {load.number}": answer(load) for load in loads}


def options_of(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m boot", description="Compare audits with real kernels.")
    parser.add_argument("kernels", metavar="KERNELS", type=Path, help="a folder of kernels")
    parser.add_argument("objects", metavar="OBJECTS", type=Path, nargs="+", help="a folder of BPF objects: a corpus")
    parser.add_argument("--loader", type=Path, required=True, help="the program that tests/boot/build makes")
    parser.add_argument("--only", metavar="KERNEL", action="append", default=[], help="boot only these kernels")
    parser.add_argument("--ends", action="store_true", help="boot only the oldest and the newest kernel")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many kernels run at the same time")
    parser.add_argument("--seconds", type=int, default=60, help="how long the load of one program may take")
    parser.add_argument("--modules", default="", help="modules to insert besides those with kfuncs of the record")
    parser.add_argument("--kfuncs-only", action="store_true", help="load only objects in which kfuncdoc sees kfuncs")
    parser.add_argument("--results", metavar="DIR", type=Path, help="keep what kernels say, and load nothing twice")
    parser.add_argument("--known", metavar="FILE", type=Path, default=HERE / "known.yaml")
    parser.add_argument("--disagreements", metavar="FILE", type=Path, help="write each disagreement to FILE, too")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the tables as rst, too")
    return parser.parse_args(arguments)


def chosen_kernels(options: argparse.Namespace) -> list[KernelImage]:
    """Return the kernels to boot.  Raises :exc:`ImagesUnusable`."""
    kernels = find_kernels(options.kernels)
    for name in options.only:
        if name not in {kernel.name for kernel in kernels}:
            raise ImagesUnusable(f"there is no kernel {name} in {options.kernels}")
    kernels = [kernel for kernel in kernels if not options.only or kernel.name in options.only]
    return [kernels[0], kernels[-1]] if options.ends and len(kernels) > 2 else kernels


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Boot, compare, print the report, and write it where asked."""
    options = options_of(arguments)
    try:
        check_tools()
        known = read_known(options.known)
        check_corpora(options.objects)
        pairs = measure(options, chosen_kernels(options))
    except (ImagesUnusable, BootFailed, KnownUnusable) as error:
        print(f"boot: {error}", file=sys.stderr)
        return 2
    listed = agreement.disagreements(pairs, known)
    for title, rows in agreement.tables(pairs).items():
        print(f"{title}\n\n{agreement.as_text(rows)}")
    wrong_doubts, doubts = agreement.share_of_false_doubts(pairs)
    print(f'"may break" is wrong of {wrong_doubts} of the {doubts} pairs that it is said of')
    if options.disagreements:
        options.disagreements.write_text(f"{listed}\n{agreement.reasons_untold(pairs)}\n", encoding="utf-8")
    elif listed:
        print(listed)
    if options.output:
        options.output.write_text(agreement.as_include(pairs, known), encoding="utf-8")
    for entry in agreement.needless(pairs, known):
        tell(f"{options.known}: no pair needs this entry: {entry.reason}")
    return 1 if agreement.wrong(pairs, known) else 0


def check_corpora(folders: Sequence[Path]) -> None:
    """Raise :exc:`ImagesUnusable` where a folder is missing, or two have the same name."""
    names = [folder.resolve().name for folder in folders]
    for folder in folders:
        if not folder.is_dir():
            raise ImagesUnusable(f"there is no folder {folder}")
        if names.count(folder.resolve().name) > 1:
            raise ImagesUnusable(f"two folders of objects are named {folder.resolve().name}: nobody could tell which")


def measure(options: argparse.Namespace, kernels: Sequence[KernelImage]) -> list[Pair]:
    """Return all pairs of programs and *kernels*.  Raises :exc:`ImagesUnusable` and :exc:`BootFailed`."""
    corpora = {folder.resolve().name: find_objects(folder) for folder in options.objects}
    paths = [path for of_corpus in corpora.values() for path in of_corpus]
    if not paths:
        raise ImagesUnusable("there is no BPF object in " + ", ".join(map(str, options.objects)))
    record = KernelRecord.whole(load_record(), datetime.datetime.now(datetime.timezone.utc).date())
    modules = [*modules_with_kfuncs(record), *filter(None, options.modules.split(","))]
    audits = Audits(record, kernels, modules, paths)
    for path, message in audits.unreadable.items():
        tell(f"{path}: no audit: {message}")
    if options.kfuncs_only:
        corpora = {name: list(filter(audits.has_kfuncs, of_corpus)) for name, of_corpus in corpora.items()}
    digests = {path: digest(path) for of_corpus in corpora.values() for path in of_corpus}
    by_digest = {key: path for path, key in digests.items()}
    with tempfile.TemporaryDirectory(prefix="kfuncdoc-boot-") as folder:
        machine = Machine(options.loader, modules, options.seconds, tell)
        results = Results(options.results or Path(folder), machine)
        with ThreadPoolExecutor(max_workers=options.jobs) as pool:
            asked = {kernel.name: pool.submit(results.judge, kernel, by_digest) for kernel in kernels}
        judged = {name: future.result() for name, future in asked.items()}
    return list(pairs_of(corpora, digests, judged, audits))


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def modules_with_kfuncs(record: KernelRecord) -> list[str]:
    """Return the modules that have kfuncs in some release of *record*."""
    lifecycles = (
        record.snapshot.lifecycle_at(name, release)
        for name in record.snapshot.catalog.entries
        for release in record.snapshot.releases
    )
    return sorted({lifecycle.facts.module for lifecycle in lifecycles if lifecycle and lifecycle.facts.module})


if __name__ == "__main__":
    sys.exit(main())
