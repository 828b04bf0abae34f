# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Any valid history of a kfunc, as hypothesis strategies.

A history is drawn event by event, each from those that are possible where it stands: the kfunc is
there or not, a deprecation is open or not.  Releases come in order, certain or as a range.
"""

from __future__ import annotations

from typing import Any, Optional

from declared import CALENDAR, FLAGS, HOOKS
from hypothesis import strategies as st

from kfuncdoc.base.yaml_text import parse
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.lifecycle import FACTS
from kfuncdoc.record.model import Header, Kfunc

NAME = "bpf_k"
#: The names by which an announcement can mean a release: its own, and one that was renumbered.
_SPELLINGS = {release.name: [release.name] for release in CALENDAR.releases}
for _old, _new in CALENDAR.renumbered.items():
    _SPELLINGS[_new].append(_old)

#: With the two that are not as the others: any type, and the one whose programs are told apart further.
PROGRAM_TYPES = (
    "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_SYSCALL", "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_STRUCT_OPS",
    "BPF_PROG_TYPE_UNSPEC",
)  # fmt: skip
STRUCT_OPS = ("sched_ext_ops", "Qdisc_ops")
#: Callers as ``allowed`` has them: the registrations of a drawn kfunc need not include them.
CALLERS = (
    {"struct_ops": ["sched_ext_ops"], "callbacks": ["dispatch"]},
    {"struct_ops": ["sched_ext_ops", "Qdisc_ops"]},
    {"except_program_types": ["BPF_PROG_TYPE_STRUCT_OPS"]},
    {"program_type": "BPF_PROG_TYPE_SYSCALL"},
)
_FLAGS = st.lists(st.sampled_from(["KF_ACQUIRE", "KF_RCU", "KF_RET_NULL"]), unique=True, max_size=3)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "prototype": st.integers(0, 5).map(lambda number: f"int {NAME}(int a{number})"),
    "flags": _FLAGS,
    "flags_for": st.dictionaries(st.sampled_from(PROGRAM_TYPES), _FLAGS, max_size=2),
    "program_types": st.lists(st.sampled_from(PROGRAM_TYPES), unique=True, max_size=3),
    "allowed": st.lists(st.sampled_from(CALLERS), unique_by=str, max_size=3),
    "enforced_by": st.sampled_from(["verifier", "run-time"]),
    "source": st.sampled_from(["kernel/bpf/helpers.c", "kernel/bpf/cpumask.c"]),
    "module": st.sampled_from(["nf_conntrack", "hid_bpf"]),
    "depends_on": st.sampled_from(["BPF_JIT", "SCHED_CLASS_EXT"]),
    "filter": st.sampled_from(["Only from ``a()``.", "Only from ``b()``."]),
}
assert set(_VALUES) == set(FACTS)

_REPLACEMENTS = st.sampled_from(
    [
        {"renamed_to": "bpf_new"},
        {"replacement": ["bpf_new"]},
        {"replacement": [{"name": "bpf_new", "when": "it fits"}, {"other": "a helper"}]},
        {"no_replacement": "Nothing does that."},
    ]
)


@st.composite
def releases_of_events(draw: st.DrawFn, not_before: Release) -> tuple[str, Release]:
    """Draw a real release from *not_before* on, as it is written, and the release that it comes down to."""
    by = draw(st.sampled_from(CALENDAR.real[not_before.position :]))
    written = [by.name, f"..{by.name}"]
    if by.position:
        written.append(f"{draw(st.sampled_from(CALENDAR.real[: by.position])).name}..{by.name}")
    return draw(st.sampled_from(written)), by


@st.composite
def announced_releases(draw: st.DrawFn, after: Release) -> str:
    """Draw the end of a deprecation in *after*: a later release under any of its names, or undecided."""
    later = draw(st.sampled_from(CALENDAR.releases[after.position + 1 :]))
    return draw(st.sampled_from(["undecided", *_SPELLINGS[later.name]]))


@st.composite
def was(draw: st.DrawFn, *needed: str) -> dict[str, Any]:
    """Draw what held before an event, at least the fields *needed*; null stands for "was not set"."""
    names = draw(st.lists(st.sampled_from(FACTS), unique=True, max_size=4))
    fields: dict[str, Any] = {}
    for name in dict.fromkeys([*names, *needed]):
        unset = st.nothing() if name == "prototype" else st.none()
        fields[name] = draw(st.one_of(_VALUES[name], unset))
    return fields


@st.composite
def ends(draw: st.DrawFn, release: Release) -> dict[str, Any]:
    """Draw what is to happen after a deprecation in *release*, said once or more often."""
    kind = draw(st.sampled_from(["removal", "change"]))
    end: dict[str, Any] = {kind: draw(announced_releases(release))}
    if kind == "change" and draw(st.booleans()):
        end["becomes"] = f"long {NAME}(void)"
    others = draw(st.lists(announced_releases(release), max_size=2))
    if others:
        end["also_said"] = [{kind: other, "said_in": "kernel/other.c"} for other in others]
    return end


@st.composite
def deprecations(draw: st.DrawFn, release: Release, *, restated: bool) -> dict[str, Any]:
    """Draw the fields of a deprecation; one that restates the open plan may leave any of them out."""
    parts = [
        draw(ends(release)),
        draw(_REPLACEMENTS),
        {"reason": draw(st.sampled_from(["It is slow.", "It is odd."]))},
        {"said_in": draw(st.sampled_from(["kernel/a.c", "https://lore.kernel.org/bpf/1"]))},
    ]
    if restated:
        parts = draw(st.lists(st.sampled_from(parts), unique_by=id))
    parts += draw(st.lists(st.just({"signal": "dmesg"}), max_size=1))
    return {name: value for part in parts for name, value in part.items()}


@st.composite
def events(draw: st.DrawFn, kinds: list[str], release: Release, kind_of_plan: Optional[str]) -> dict[str, Any]:
    """Draw an event of one of *kinds* in *release*, without the release itself."""
    kind = draw(st.sampled_from(kinds))
    event: dict[str, Any] = {"event": kind}
    if kind == "carried out":
        event = {"event": "changed", "was": draw(was("prototype")), "breaking": True}
    elif kind == "changed":
        event["was"] = draw(was())
        event["behaviour"] = "It does more."
        event["breaking"], event["avoid_before"] = draw(st.booleans()), draw(st.booleans())
    elif kind == "added again":
        event = {"event": "added", **draw(st.sampled_from([{}, {"was": draw(was())}]))}
    elif kind == "superseded":
        event.update(replacement=["bpf_new"], said_in="kernel/a.c")
    elif kind == "deprecated":
        event.update(draw(deprecations(release, restated=kind_of_plan is not None)))
    elif kind == "withdrawn":
        event["reason"] = "Too many users."
    elif kind == "removed":
        event.update(draw(st.sampled_from([{}, {"reason": "Gone."}])))
        event.update(draw(st.one_of(st.just({}), _REPLACEMENTS)))
    return event


@st.composite
def kfuncs(draw: st.DrawFn, *, most_events: int = 9) -> Kfunc:
    """Draw a kfunc with a valid history."""
    written, release = draw(releases_of_events(CALENDAR.real[0]))
    history: list[dict[str, Any]] = [{"release": written, "event": "added"}]
    present, kind_of_plan = True, None
    for _ in range(draw(st.integers(0, most_events - 1))):
        written, release = draw(releases_of_events(release))
        kinds = ["changed", "superseded", "deprecated", "deprecated", "removed"] if present else ["added again"]
        if present and kind_of_plan is not None:
            kinds += ["withdrawn"] + ["carried out"] * (kind_of_plan == "change")
        event = {"release": written, **draw(events(kinds, release, kind_of_plan))}
        history.append(event)
        kind = event["event"]
        carried_out = kind == "changed" and kind_of_plan == "change" and "prototype" in event["was"]
        if kind in ("added", "removed"):
            present, kind_of_plan = kind == "added", None
        elif kind == "deprecated":
            kind_of_plan = next((end for end in ("removal", "change") if end in event), kind_of_plan)
        elif kind == "withdrawn" or carried_out:
            kind_of_plan = None
    fields = {name: draw(_VALUES[name]) for name in draw(st.lists(st.sampled_from(FACTS), unique=True))}
    fields.setdefault("prototype", f"int {NAME}(void)")
    return Kfunc.model_validate({"name": NAME, **fields, "history": history})


#: A release that pages can speak of, and a day.
REAL_RELEASES = st.sampled_from(CALENDAR.real)
DATES = st.dates()


def catalog_with(*made: Kfunc) -> Catalog:
    """Return a catalog of these kfuncs in one file, recorded for the newest release."""
    source = parse("demo.kfuncs.yaml", "kfuncs: []")
    header = Header(subsystem="demo", title="Demo", recorded=CALENDAR.real[-1].name)
    entries = tuple(Declaration(kfunc, source, number) for number, kfunc in enumerate(made))
    file = SubsystemFile("demo.kfuncs.yaml", "demo", header, CALENDAR.real[-1], entries, source)
    return Catalog(CALENDAR, FLAGS, HOOKS, (file,))
