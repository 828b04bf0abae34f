# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who may call what, and since when: as audits decide it, release by release; and the pages that say so.

The pages that are expected of ``pages/callers.yaml`` are in ``pages/callers/*.rst``.  Run as a program, this module
writes them anew, for the difference to be read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional

import pytest
from declared import CALENDAR, FLAGS, TESTS, TODAY, entry, subsystem, write_files
from histories import NAME, PROGRAM_TYPES, REAL_RELEASES, STRUCT_OPS, kfuncs, releases_of_events
from hypothesis import given
from hypothesis import strategies as st
from plain_sphinx import CONF, sphinx_build

from kfuncdoc.audit.engine import AuditRequest, run
from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.base.resources import packaged
from kfuncdoc.base.yaml_text import parse
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program
from kfuncdoc.bpf.shape import shape_of
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.kernels.hooks import ANY, HookEntry, HookMap
from kfuncdoc.kernels.packaged import load_calendar, load_hooks
from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.pages.page_files import pages as pages_of
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.pages.rst import lines_with_places, plain
from kfuncdoc.pages.site_map import Page, site_of
from kfuncdoc.record.address import program_type_address, program_type_page
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.lifecycle import assess
from kfuncdoc.record.load import load
from kfuncdoc.record.model import Header, Kfunc
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.allowed import lets_call
from kfuncdoc.views.callers import STRUCT_OPS as OF_STRUCT_OPS
from kfuncdoc.views.callers import Caller, ProgramTypes
from kfuncdoc.views.kfunc import KfuncViews

PAGES = TESTS / "pages"
TRACING, TRACEPOINT, XDP, SYSCALL = (f"BPF_PROG_TYPE_{name}" for name in ("TRACING", "TRACEPOINT", "XDP", "SYSCALL"))
HOOKS = HookMap(
    [
        HookEntry(OF_STRUCT_OPS, "struct_ops", CALENDAR.when("v6.1")),
        HookEntry(XDP, "xdp", CALENDAR.when("v6.1")),
        HookEntry(TRACING, "tracing", CALENDAR.when("v6.2")),
        HookEntry(ANY, "common", CALENDAR.when("v6.2")),
        HookEntry(TRACEPOINT, "tracing", CALENDAR.when("v6.12")),
        HookEntry(SYSCALL, "syscall", CALENDAR.when("v7.1")),
    ]
)


def catalog_of(folder: Path, text: str, hooks: HookMap = HOOKS) -> Catalog:
    return load(write_files(folder, {"door": text}), calendar=CALENDAR, flags=FLAGS, hooks=hooks)


def program_types_of(catalog: Catalog, release: str = "v7.3") -> ProgramTypes:
    return ProgramTypes(KfuncViews(Snapshot(catalog, catalog.calendar[release], TODAY)))


def offered(found: ProgramTypes, program_type: str, struct_ops: Optional[str] = None) -> dict[str, str]:
    """Return the kfuncs that a caller is offered, each with the release since which."""
    return {name: offer.since.by.name for name, offer in found.offers(Caller(program_type, struct_ops)).items()}


def since(folder: Path, *events: str, caller: Caller, hooks: HookMap = HOOKS, **fields: str) -> Optional[When]:
    """Return since when *caller* may call a kfunc with *events*."""
    catalog = catalog_of(folder, subsystem(entry("f", *events, **fields)), hooks)
    offer = program_types_of(catalog).offers(caller).get("f")
    return offer.since if offer else None


# -- since when


def test_it_counts_from_the_last_of_what_had_to_come(tmp_path):
    of_tracing = {"program_types": f"[{TRACING}]"}
    came = "release: v6.4, event: added"
    assert since(tmp_path, came, caller=Caller(TRACING), **of_tracing) == When(CALENDAR["v6.4"])
    assert since(tmp_path, came, caller=Caller(TRACEPOINT), **of_tracing) == When(CALENDAR["v6.12"])
    registered = f"release: v6.15, event: changed, was: {{program_types: [{XDP}]}}"
    assert since(tmp_path, came, registered, caller=Caller(TRACEPOINT), **of_tracing) == When(CALENDAR["v6.15"])
    assert since(tmp_path, came, registered, caller=Caller(XDP), **of_tracing) is None


def test_a_break_begins_it_anew(tmp_path):
    events = (
        "release: v6.2, event: added",
        "release: v6.6, event: removed, no_replacement: None.",
        "release: v6.9, event: added",
    )
    fields = {"program_types": f"[{XDP}]"}
    assert since(tmp_path, *events, caller=Caller(XDP), **fields) == When(CALENDAR["v6.9"])
    other = f"release: v7.1, event: changed, was: {{program_types: [{XDP}]}}"
    another = f"release: v7.2, event: changed, was: {{program_types: [{TRACING}]}}"
    assert since(tmp_path, *events, other, another, caller=Caller(XDP), **fields) == When(CALENDAR["v7.2"])


def test_what_was_taken_and_given_back_in_one_release_is_no_break(tmp_path):
    events = (
        "release: v6.2, event: added",
        "release: v6.6, event: removed, no_replacement: None.",
        "release: v6.6, event: added",
    )
    fields = {"program_types": f"[{XDP}]"}
    assert since(tmp_path, *events, caller=Caller(XDP), **fields) == When(CALENDAR["v6.2"])


def test_a_registration_that_takes_the_place_of_a_hook_is_no_break(tmp_path):
    """Tracepoints came in through the hook, which closes in the very release that registers the kfunc for them."""
    hooks = HookMap(
        [
            HookEntry(TRACING, "tracing", CALENDAR.when("v6.2")),
            HookEntry(TRACEPOINT, "tracing", CALENDAR.when("v6.12"), CALENDAR["v7.0"]),
        ]
    )
    moved = f"release: v7.0, event: changed, was: {{program_types: [{TRACING}]}}"
    fields = {"program_types": f"[{TRACEPOINT}]"}
    found = since(tmp_path, "release: v6.4, event: added", moved, caller=Caller(TRACEPOINT), hooks=hooks, **fields)
    assert found == When(CALENDAR["v6.12"])


def test_a_release_is_as_uncertain_as_the_event_that_let_it(tmp_path):
    of_tracing = {"program_types": f"[{TRACING}]"}
    between = "release: v6.4..v6.12, event: added"
    assert since(tmp_path, between, caller=Caller(TRACING), **of_tracing) == CALENDAR.when("v6.4..v6.12")
    # The hook opened in v6.12, whenever the kfunc came.
    assert since(tmp_path, between, caller=Caller(TRACEPOINT), **of_tracing) == When(CALENDAR["v6.12"])
    # What else happened in the release let nobody.
    reflagged = "release: v6.12, event: changed, was: {flags: [KF_RCU]}"
    assert since(tmp_path, between, reflagged, caller=Caller(TRACING), **of_tracing) == CALENDAR.when("v6.4..v6.12")
    hooks = HookMap([HookEntry(TRACING, "a", CALENDAR.when("v6.1")), HookEntry(XDP, "a", CALENDAR.when("..v6.12"))])
    came = "release: v6.4, event: added"
    assert since(tmp_path, came, caller=Caller(XDP), hooks=hooks, **of_tracing) == CALENDAR.when("..v6.12")
    assert since(tmp_path, came, reflagged, caller=Caller(XDP), hooks=hooks, **of_tracing) == CALENDAR.when("..v6.12")
    came = "release: v6.12, event: added"
    assert since(tmp_path, came, caller=Caller(XDP), hooks=hooks, **of_tracing) == When(CALENDAR["v6.12"])


# -- struct_ops


def test_struct_ops_are_told_apart():
    """Limited to some, to others and to all: of each, since it was so for that one."""
    found = program_types_of(CALLERS)
    assert offered(found, OF_STRUCT_OPS) == {"door_knock": "v6.4", "door_listen": "v7.0", "door_push": "v6.16"}
    of_any = offered(found, OF_STRUCT_OPS)
    assert offered(found, OF_STRUCT_OPS, "door_ops") == {**of_any, "__door_bolt": "v6.8"}
    assert offered(found, OF_STRUCT_OPS, "Gate_ops") == {**of_any, "__door_bolt": "v7.2"}
    assert offered(found, OF_STRUCT_OPS, "bell_ops") == of_any
    earlier = program_types_of(CALLERS, "v7.0")
    assert offered(earlier, OF_STRUCT_OPS)["__door_bolt"] == "v6.8"
    assert "door_ring" not in offered(earlier, OF_STRUCT_OPS)
    assert offered(earlier, OF_STRUCT_OPS, "bell_ops")["door_ring"] == "v6.8"


def test_struct_ops_that_were_named_once_keep_their_section():
    assert program_types_of(CALLERS).struct_ops == ("bell_ops", "door_ops", "Gate_ops")
    assert program_types_of(CALLERS, "v7.0").struct_ops == ("bell_ops",)
    assert program_types_of(CALLERS, "v6.7").struct_ops == ()


def test_types_that_a_filter_leaves_out_are_not_offered_the_kfunc(tmp_path):
    """The programs of the other types share a hook, or are those of another structure of callbacks."""
    only = "[{program_type: BPF_PROG_TYPE_TRACEPOINT}, {struct_ops: [door_ops]}]"
    changed = "release: v7.0, event: changed, was: {allowed: null}"
    types = f"[{TRACING}, {OF_STRUCT_OPS}, {XDP}]"
    text = entry("f", "release: v6.2, event: added", changed, program_types=types, allowed=only)
    catalog = catalog_of(tmp_path, subsystem(text))
    found, view = program_types_of(catalog), KfuncViews(Snapshot(catalog, CALENDAR["v7.3"], TODAY)).view("f")
    assert offered(found, TRACEPOINT) == {"f": "v6.12"}
    assert offered(found, OF_STRUCT_OPS, "door_ops") == {"f": "v6.2"}
    assert offered(found, TRACING) == offered(found, OF_STRUCT_OPS) == offered(found, XDP) == {}
    assert (view.may_call(TRACEPOINT), view.may_call(OF_STRUCT_OPS), view.may_call(XDP)) == (True, True, False)
    assert view.sharing == (TRACEPOINT,)
    assert view.called_by[-1].callers == (OF_STRUCT_OPS, TRACEPOINT, "door_ops")


def test_struct_ops_may_come_in_through_a_hook_later(tmp_path):
    """Through one that they share, which no event of the kfunc tells of."""
    hooks = HookMap(
        [HookEntry(TRACING, "a", CALENDAR.when("v6.1")), HookEntry(OF_STRUCT_OPS, "a", CALENDAR.when("v6.8"))]
    )
    text = entry("f", "release: v6.2, event: added", program_types=f"[{TRACING}]", allowed="[{struct_ops: [door_ops]}]")
    catalog = catalog_of(tmp_path, subsystem(text), hooks)
    assert program_types_of(catalog, "v6.7").struct_ops == ()
    assert program_types_of(catalog, "v6.8").struct_ops == ("door_ops",)
    assert offered(program_types_of(catalog), OF_STRUCT_OPS, "door_ops") == {"f": "v6.8"}


# -- how


def test_the_registration_that_lets_a_program_is_told(tmp_path):
    def registered_for(program_type: str, *types: str) -> tuple[str, ...]:
        text = entry("f", "release: v6.2, event: added", program_types=f"[{', '.join(types)}]")
        found = program_types_of(catalog_of(tmp_path, subsystem(text)))
        return found.offers(Caller(program_type))["f"].registered_for

    assert registered_for(TRACEPOINT, XDP, TRACING) == (TRACING,)
    assert registered_for(TRACEPOINT, TRACING, TRACEPOINT) == (TRACEPOINT,)
    assert registered_for(TRACEPOINT, TRACING, ANY) == (ANY,)
    assert registered_for(TRACEPOINT, TRACEPOINT, ANY) == (TRACEPOINT,)


def test_a_record_that_goes_less_far_is_shown_as_of_its_end(tmp_path):
    text = subsystem(entry("f", "release: v6.2, event: added", program_types=f"[{TRACING}]"), recorded="v6.11")
    found = program_types_of(catalog_of(tmp_path, text))
    assert offered(found, TRACING) == {"f": "v6.2"}
    assert offered(found, TRACEPOINT) == {}, "whose hook opened in v6.12"


# -- as every release says it


@st.composite
def hook_maps(draw: st.DrawFn) -> HookMap:
    """Draw a map in which types come to either of two hooks, and may leave it; that of any type nobody shares."""
    entries = []
    for program_type in (*PROGRAM_TYPES, TRACEPOINT):
        for _ in range(draw(st.integers(0, 2))):
            written, opened = draw(releases_of_events(CALENDAR.real[0]))
            closed = draw(st.sampled_from([None, *CALENDAR.real[opened.position + 1 :]]))
            hook = "common" if program_type == ANY else draw(st.sampled_from("ab"))
            entries.append(HookEntry(program_type, hook, CALENDAR.when(written), closed))
    return HookMap(entries)


def declared(kfunc: Kfunc, hooks: HookMap) -> Catalog:
    source = parse("demo.kfuncs.yaml", "kfuncs: []")
    header = Header(subsystem="demo", title="Demo", recorded="v7.3")
    file = SubsystemFile(source.path, "demo", header, CALENDAR["v7.3"], (Declaration(kfunc, source, 0),), source)
    return Catalog(CALENDAR, {}, hooks, (file,))


def may_call(kfunc: Kfunc, hooks: HookMap, caller: Caller, release: Release) -> bool:
    """Whether it is so in one release, which is asked about alone."""
    then = assess(kfunc, CALENDAR, release, TODAY)
    return (
        then.state.present
        and hooks.may_call(then.facts.program_types, caller.program_type, release)
        and lets_call(then.facts, caller.program_type, caller.struct_ops)
    )


def callers(found: ProgramTypes) -> list[Caller]:
    struct_ops = [Caller(OF_STRUCT_OPS, name) for name in STRUCT_OPS]
    return [*map(Caller, found.types), *struct_ops]


@given(kfuncs(), hook_maps(), REAL_RELEASES)
@pytest.mark.record
def test_an_offer_is_what_holds_in_every_release_since(kfunc, hooks, release):
    found = program_types_of(declared(kfunc, hooks), release.name)
    written = {CALENDAR.when(event.release) for event in kfunc.history} | {entry.since for entry in hooks.entries}
    for caller in callers(found):
        offer = found.offers(caller).get(NAME)
        assert (offer is not None) == may_call(kfunc, hooks, caller, release)
        if offer is None:
            continue
        first = offer.since.by
        assert all(may_call(kfunc, hooks, caller, each) for each in CALENDAR.between(first, release))
        assert first.position == 0 or not may_call(kfunc, hooks, caller, CALENDAR.before(first))
        assert offer.since in written | {When(first)}


@given(kfuncs(), hook_maps(), REAL_RELEASES)
@pytest.mark.record
def test_the_sections_of_a_type_have_all_that_programs_of_it_may_call(kfunc, hooks, release):
    """Together with what any program may; to struct_ops, all that some of them may."""
    catalog = declared(kfunc, hooks)
    found, view = program_types_of(catalog, release.name), KfuncViews(Snapshot(catalog, release, TODAY)).view(NAME)
    for program_type in found.types:
        sections = found.sections(program_type)
        shown = any(section.offers for section in (*sections, found.section(Caller(ANY))))
        assert shown == (view.lifecycle.state.present and view.may_call(program_type))
        for section in sections:
            assert section.total_count == len(found.offers(section.caller))


@given(kfuncs(), hook_maps(), REAL_RELEASES)
@pytest.mark.record
def test_an_audit_refuses_what_is_not_offered(kfunc, hooks, release):
    catalog = declared(kfunc, hooks)
    then = assess(kfunc, CALENDAR, release, TODAY)
    if not then.state.present or not then.facts.program_types or then.facts.enforced_by != "verifier":
        return  # an audit says other things of these
    found, record = program_types_of(catalog, release.name), KernelRecord.whole(catalog, TODAY)
    extern = Extern(NAME, False, then.facts.prototype, shape_of(then.facts.prototype))
    for caller in callers(found):
        if caller.program_type != ANY:  # which no program is of
            # To an audit, a program without struct_ops is one of which they are not known.
            struct_ops = caller.struct_ops or ("some_other_ops" if caller.is_any_struct_ops else None)
            program = Program("prog", "prog", caller.program_type, struct_ops)
            calling = BpfObject("prog.bpf.o", (extern,), (program,), (Call(NAME, "prog", (program,)),))
            findings = run(AuditRequest([calling], record, [record.kernel(release)])).findings
            refused = AuditRule.NOT_CALLABLE in [finding.rule for finding in findings]
            assert refused == (NAME not in found.offers(caller))


# -- the record


@pytest.fixture(scope="module")
def record():
    return load(sorted(str(path) for path in packaged("data").glob("*.kfuncs.yaml")))


def test_an_author_of_congestion_control_is_offered_none_of_the_schedulers(record):
    """No filter keeps a scheduler from the kfuncs for congestion control."""
    found = program_types_of(record)
    for_tcp = offered(found, OF_STRUCT_OPS, "tcp_congestion_ops")
    for_schedulers = offered(found, OF_STRUCT_OPS, "sched_ext_ops")
    assert not [name for name in for_tcp if "scx_bpf" in name]
    assert for_tcp["tcp_slow_start"] == for_schedulers["tcp_slow_start"] == "v5.13"
    assert for_schedulers["scx_bpf_kick_cpu"] == "v6.12", "where it was for any struct_ops"
    assert offered(found, OF_STRUCT_OPS, "sched_ext_ops_cid")["scx_bpf_now"] == "v7.2"


def test_tracepoints_got_theirs_with_the_hook(record):
    found = program_types_of(record)
    assert offered(found, TRACING)["bpf_task_acquire"] == "v6.2"
    assert offered(found, TRACEPOINT)["bpf_task_acquire"] == "v6.12"
    own = found.section(Caller(TRACEPOINT)).offers
    assert min(offer.since.by.name for offer in own if offer.since.by.name.startswith("v6")) == "v6.12"
    assert not [offer for offer in own if offer.since.by < record.calendar["v6.12"]]


def test_removed_kfuncs_are_not_offered_and_deprecated_ones_are(record):
    found = program_types_of(record)
    anywhere = {
        name: offer.kfunc
        for program_type in found.types
        for section in found.sections(program_type)
        for name, offer in found.offers(section.caller).items()
    }
    there = {
        view.name for view in KfuncViews(Snapshot(record, record.calendar["v7.3"], TODAY)).kfuncs if not view.removed
    }
    assert anywhere.keys() == there - {"bpf_qdisc_init_prologue", "bpf_qdisc_reset_destroy_epilogue"}
    assert any(view.lifecycle.past_due for view in anywhere.values())


# -- pages

CALLERS = load([str(PAGES / "callers.yaml")], calendar=CALENDAR, flags=FLAGS, hooks=HOOKS)


def renderer_of(catalog: Catalog, release: Release = CALENDAR["v7.3"]) -> Renderer:
    """Return a renderer of the index, the pages of program types and those of the files."""
    return Renderer(Snapshot(catalog, release, TODAY), site=site_of(catalog, release, ["index", "program-types"]))


def tidy(text: str) -> str:
    """Return a page as it is written to files: without marks, and with one blank line where there are several."""
    return re.sub(r"\n{3,}", "\n\n", plain(text)).strip("\n") + "\n"


def written(renderer: Renderer) -> dict[str, str]:
    """Return the pages by name."""
    pages = (page for page in renderer.site.generated.values() if page.kind in ("program-types", "program-type"))
    return {page.name: tidy(renderer.page(page)) for page in pages}


def test_nothing_is_wrong_in_what_the_pages_are_made_of():
    assert [found.rule.rule for found in CALLERS.diagnostics] == ["past-due"]


@pytest.mark.parametrize("name", ["program-types", *map(program_type_page, HOOKS.program_types)])
def test_a_page_is_exactly_as_expected(name):
    expected = (PAGES / "callers" / f"{name}.rst").read_text(encoding="utf-8")
    assert written(renderer_of(CALLERS))[name] == expected


def test_every_type_that_ever_had_a_hook_has_a_page_at_any_release():
    assert set(written(renderer_of(CALLERS, CALENDAR["v6.1"]))) == set(written(renderer_of(CALLERS)))
    with pytest.raises(KeyError):
        renderer_of(CALLERS).page(Page("program-type", "BPF_PROG_TYPE_SK_LOOKUP"))


def test_before_its_hook_opened_a_type_is_said_to_have_none():
    text = written(renderer_of(CALLERS, CALENDAR["v6.11"]))[program_type_page(TRACEPOINT)]
    any_program = ":ref:`any program <kfuncs-program-type-any>`"
    assert text == (
        ".. _kfuncs-program-type-tracepoint:\n\n"
        "What BPF\\_PROG\\_TYPE\\_TRACEPOINT programs may call\n"
        "==================================================\n\n"
        f"As of v6.11 (September 2024), nothing but what {any_program} may call (1 kfunc):\n"
        "the kernel has no hook for them.\n"
    )


def test_before_any_kfunc_was_for_any_program_that_is_said():
    assert written(renderer_of(CALLERS, CALENDAR["v6.3"]))[program_type_page(ANY)] == (
        ".. _kfuncs-program-type-any:\n\n"
        "What any program may call\n"
        "=========================\n\n"
        "As of v6.3 (April 2023), none: nothing is registered for all types (``BPF_PROG_TYPE_UNSPEC``).\n"
    )


def test_every_line_of_prose_on_a_page_knows_where_it_was_written():
    lines = (PAGES / "callers.yaml").read_text(encoding="utf-8").split("\n")
    places = {
        text: number
        for text, _, number in lines_with_places(renderer_of(CALLERS).page(Page("program-type", OF_STRUCT_OPS)), "")
    }
    shown = "        - Only from ``shut()`` of ``door_ops`` and ``Gate_ops``. Only with the *key*."
    assert lines[places[shown] - 1] == "      Only with the *key*."


@pytest.mark.record
def test_every_reference_has_its_label_at_any_release(record):
    for release in record.calendar.real[::8]:
        text = "\n".join(pages_of(renderer_of(record, release)).values())
        labels = re.findall(r"(?m)^\.\. _([a-z0-9_-]+):$", text)
        assert len(labels) == len(set(labels))
        assert set(re.findall(r":ref:`[^`<]+ <([^>]+)>`", text)) <= set(labels), release


def test_every_page_declares_its_roles_at_most_once():
    for name, text in written(renderer_of(CALLERS)).items():
        assert text.count(".. role:: kfunc-present") == (1 if "kfunc-present:`" in text else 0), name


@pytest.mark.sphinx
def test_the_pages_build_without_a_warning(tmp_path):
    """With plain Sphinx, no extension, and with every address as it is written."""
    renderer = renderer_of(CALLERS)
    folder = tmp_path / "pages"
    folder.mkdir()
    texts = {**written(renderer), "callers.yaml": tidy(renderer.page(Page("subsystem", CALLERS.subsystems[0].path)))}
    texts["index"] = tidy(renderer.page(Page("index")))
    for name, text in texts.items():
        (folder / f"{name}.rst").write_text(text, encoding="utf-8")
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    assert sphinx_build(folder, "html") == ""
    built = (tmp_path / "html" / "program-type-struct-ops.html").read_text(encoding="utf-8")
    for label in re.findall(r"(?m)^\.\. _([a-z0-9_-]+):$", texts["program-type-struct-ops"]):
        assert f'id="{label}"' in built
    assert 'class="kfunc-past-due"' in (tmp_path / "html" / "program-type-tracing.html").read_text(encoding="utf-8")


def test_pages_are_known_without_declarations():
    names = load_hooks(load_calendar()).program_types
    assert len({program_type_page(name) for name in names}) == len(names)
    assert program_type_page("BPF_PROG_TYPE_CGROUP_SOCK_ADDR") == "program-type-cgroup-sock-addr"
    assert (program_type_page(ANY), program_type_address(ANY)) == ("program-type-any", "kfuncs-program-type-any")


if __name__ == "__main__":
    for _name, _text in written(renderer_of(CALLERS)).items():
        (PAGES / "callers" / f"{_name}.rst").write_text(_text, encoding="utf-8")
