# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Synthetic declarations: as many kfuncs as asked for, the same ones in every run.

They resemble the real record in what counts for time and memory: about 25 kfuncs a file, one to four
events a kfunc, prose in some, and a tenth that is deprecated, removed or superseded with something
to call instead.  A declaration is what a YAML loader gives, so that ``by_hand`` can write the very
same facts in another form.  All of them pass ``kfuncdoc check --strict``.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import yaml

#: The release and the day as of which all pages are made.
RELEASE, DATE = "v7.3", "2026-11-01"

_AREAS = "sock xdp tcp cgrp task mem file inode dentry hid ct xfrm rbtree list timer wq cpu numa perf key".split()
_VERBS = "acquire release query update reset".split()
_NOUNS = "ctx ref state stats node".split()
#: Kfuncs of this noun are never retired, so that the others of the file can be replaced by them.
_LASTING = "ctx"
_TYPES = "struct task_struct *|struct cgroup *|struct sk_buff *|const void *|u64 |u32 |int |struct bpf_dynptr *".split(
    "|"
)
_RETURNS = "void |int |bool |s64 |struct bpf_node *".split("|")
_PARAMETERS = "first second third fourth".split()
_FLAGS = "KF_ACQUIRE KF_RELEASE KF_RET_NULL KF_RCU KF_SLEEPABLE KF_RCU_PROTECTED KF_FASTCALL".split()
_PROGRAM_TYPES = "TRACING XDP SCHED_CLS STRUCT_OPS SYSCALL NETFILTER".split()
_CONFIGURATIONS = "CGROUPS|NET|BPF_JIT && BPF_SYSCALL|NF_CONNTRACK|XFRM_INTERFACE".split("|")
_EARLY = "v5.18 v5.19 v6.0 v6.1 v6.2 v6.3 v6.4".split()
_LATER = "v6.5 v6.6 v6.7 v6.8 v6.9 v6.10 v6.11 v6.12 v6.13 v6.14".split()
_LATE = "v6.15 v6.16 v6.17 v6.18 v6.19 v7.0 v7.1".split()
_TO_COME = "v7.4 v7.5 v7.6 undecided".split()
_SENTENCES = (
    "The argument may be a trusted pointer or one that is protected by RCU.",
    "The result is NULL where the last reference was already dropped, so it has to be checked.",
    "What is not stored in a map has to be released before the program ends.",
    "It takes ``lock`` for a moment and must not be called while the program holds one itself.",
    "Only the flags in ``mode`` that are *known* are looked at; unknown ones give ``-EINVAL``.",
    "On a preemptible kernel the answer can be out of date as soon as it is given.",
)

Declaration = dict[str, Any]


def subsystems(kfuncs: int, *, in_a_file: int = 25) -> list[Declaration]:
    """Return the declaration files of *kfuncs* kfuncs."""
    names = itertools.product(range(kfuncs), _AREAS)
    files = []
    for start in range(0, kfuncs, in_a_file):
        number, area = next(names)
        files.append(_subsystem(f"{area}{number or ''}", min(in_a_file, kfuncs - start)))
    return files


def write(files: list[Declaration], folder: Path) -> None:
    """Write each of *files* to a ``.kfuncs.yaml`` in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        text = yaml.dump(file, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=110)
        (folder / f"{file['subsystem']}.kfuncs.yaml").write_text(text, encoding="utf-8")


class _Dumper(yaml.SafeDumper):
    """Writes as a person would: what has several lines as a block, small collections in one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def _subsystem(subsystem: str, kfuncs: int) -> Declaration:
    chance = random.Random(subsystem)  # seeded: the same in every run
    return {
        "subsystem": subsystem,
        "title": f"{subsystem.capitalize()} kfuncs",
        "recorded": RELEASE,
        "description": _prose(chance, 4),
        "contact": "bpf@vger.kernel.org",
        "kfuncs": [_kfunc(chance, subsystem, noun, verb) for noun, verb in _names()[:kfuncs]],
    }


def _names() -> list[tuple[str, str]]:
    return list(itertools.product(_NOUNS, _VERBS))


def _kfunc(chance: random.Random, subsystem: str, noun: str, verb: str) -> Declaration:
    name = f"bpf_{subsystem}_{verb}_{noun}"
    returns = chance.choice(_RETURNS)
    parameters = [chance.choice(_TYPES) + parameter for parameter in _PARAMETERS[: chance.randint(1, 4)]]
    kfunc: Declaration = {
        "name": name,
        "summary": f"{verb.capitalize()} the {noun} of a {subsystem}, as one of its programs sees it.",
        "prototype": f"{returns}{name}({', '.join(parameters)})",
        "flags": sorted(chance.sample(_FLAGS, chance.randint(1, 3))),
        "program_types": [f"BPF_PROG_TYPE_{kind}" for kind in chance.sample(_PROGRAM_TYPES, chance.randint(1, 3))],
        "source": f"kernel/bpf/{subsystem}.c",
    }
    if chance.random() < 0.5:
        kfunc["description"] = _prose(chance, chance.randint(1, 4))
    if chance.random() < 0.3:
        kfunc["filter"] = "Only from programs that are attached to ``cgroup/connect``."
    if chance.random() < 0.7:
        kfunc["depends_on"] = chance.choice(_CONFIGURATIONS)
    if chance.random() < 0.3:
        url = f"https://github.com/torvalds/linux/blob/v7.3/tools/testing/selftests/bpf/progs/{subsystem}.c"
        kfunc["users"] = [{"name": f"{subsystem}_{verb}", "url": url, "note": "a selftest"}]
    end = [] if noun == _LASTING else _end(chance, f"bpf_{subsystem}_{verb}_{_LASTING}")
    changes = _changes(chance, kfunc, name, returns, parameters)[: 3 - len(end)]
    kfunc["history"] = [
        {"release": chance.choice(_EARLY), "event": "added", "commit": _commit(chance)},
        *changes,
        *end,
    ]
    return kfunc


def _changes(
    chance: random.Random, kfunc: Declaration, name: str, returns: str, parameters: list[str]
) -> list[Declaration]:
    """Return up to three changes, each of something else, in the order of releases."""
    earlier = ", ".join(parameters[:-1]) or "void"
    kinds: list[Declaration] = [
        {"was": {"flags": kfunc["flags"][:-1]}, "note": "The verifier checks the argument since then."},
        {"was": {"prototype": f"{returns}{name}({earlier})"}, "breaking": True},
        {"behaviour": "A program that runs in ``softirq`` gets ``-EBUSY`` where it was made to wait before."},
    ]
    chosen = chance.sample(kinds, chance.choice((0, 0, 1, 1, 2, 3)))
    releases = sorted(chance.sample(_LATER, len(chosen)), key=_LATER.index)
    return [
        {"release": release, "event": "changed", **kind, "commit": _commit(chance)}
        for release, kind in zip(releases, chosen)
    ]


def _end(chance: random.Random, replacement: str) -> list[Declaration]:
    """Return the events with which a kfunc is retired; none for most."""
    first, second = sorted(chance.sample(_LATE, 2), key=_LATE.index)
    said = {"reason": "Its successor does the same without the lock.", "said_in": "kernel/bpf/helpers.c"}
    instead = {"replacement": [replacement]}
    announced = {"release": first, "event": "deprecated", **said}
    removed = {"release": second, "event": "removed", "commit": _commit(chance)}
    kind = chance.random()
    if kind < 0.05:
        return [{**announced, "removal": chance.choice(_TO_COME), **instead}]
    if kind < 0.07:
        return [{**announced, "removal": second, **instead}, removed]
    if kind < 0.09:
        return [{**removed, "reason": "Nothing called it.", "no_replacement": "The object is no longer there."}]
    if kind < 0.13:
        return [{"release": first, "event": "superseded", "reason": said["reason"], **instead}]
    return []


def _prose(chance: random.Random, sentences: int) -> str:
    return "\n".join(chance.sample(_SENTENCES, sentences)) + "\n"


def _commit(chance: random.Random) -> str:
    return f"{chance.getrandbits(48):012x}"
