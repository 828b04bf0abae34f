# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lifecycle of a kfunc at a release and on a day: exact examples, and what holds for any history."""

from __future__ import annotations

import datetime
from typing import Any, Optional

import pytest
from declared import CALENDAR, TODAY
from histories import DATES, REAL_RELEASES, kfuncs
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.bpf.callers import AllowedCaller
from kfuncdoc.kernels.releases import Release, UnknownRelease
from kfuncdoc.record.lifecycle import FACTS, Lifecycle, assess, facts_at
from kfuncdoc.record.model import Kfunc
from kfuncdoc.record.stability import Stability

NOT_YET, PRESENT, DEPRECATED, REMOVED = Stability


def kfunc(*events: str, **fields: Any) -> Kfunc:
    """Return a kfunc; an event is written ``RELEASE EVENT``, and more fields of the Nth one as *eN*."""
    history = []
    for number, event in enumerate(events):
        release, kind = event.split()
        history.append({"release": release, "event": kind, **fields.pop(f"e{number}", {})})
    return Kfunc.model_validate({"name": "f", "prototype": "int f(void)", "history": history, **fields})


def at(kfunc: Kfunc, release: str, date: datetime.date = TODAY) -> Lifecycle:
    return assess(kfunc, CALENDAR, CALENDAR[release], date)


def name(release: Optional[Release]) -> Optional[str]:
    return release.name if release else None


#: What a deprecation says at the least.
SAID = {"reason": "It is slow.", "said_in": "kernel/a.c", "replacement": ["g"]}


# -- one release after the other


def test_from_not_yet_to_present():
    lifecycle = at(kfunc("v6.5 added"), "v6.4")
    assert (lifecycle.stability, lifecycle.added, lifecycle.first_added, lifecycle.age) == (NOT_YET, None, None, 0)
    assert (lifecycle.plan, lifecycle.steps, lifecycle.past_due) == (None, (), False)
    lifecycle = at(kfunc("v6.5 added"), "v6.5")
    assert (lifecycle.stability, name(lifecycle.added.by), lifecycle.age) == (PRESENT, "v6.5", 0)
    assert at(kfunc("v6.5 added"), "v7.3").age == 18
    assert at(kfunc("v6.5 added"), "v7.3").remaining_releases is None


@pytest.mark.parametrize(
    ("release", "remaining", "past_due"),
    [("v6.19", 3, False), ("v7.0", 2, False), ("v7.1", 1, False), ("v7.2", 0, True), ("v7.3", 0, True)],
)
def test_a_deprecation_that_was_renumbered_runs_out_by_the_calendar(release, remaining, past_due):
    """Announced for "v6.22", three releases after v6.19: that is v7.2."""
    f = kfunc("v6.13 added", "v6.19 deprecated", e1={**SAID, "removal": "v6.22"})
    lifecycle = at(f, release)
    assert lifecycle.stability is DEPRECATED
    assert (lifecycle.remaining_releases, lifecycle.past_due) == (remaining, past_due)
    plan = lifecycle.plan
    assert (plan.kind, name(plan.since.by), name(plan.end)) == ("removal", "v6.19", "v7.2")
    assert (plan.governing.said, plan.governing.renumbered, plan.governing.said_in) == ("v6.22", True, "kernel/a.c")


def test_an_end_may_lie_in_a_projected_release():
    lifecycle = at(kfunc("v6.2 added", "v7.2 deprecated", e1={**SAID, "removal": "v7.5"}), "v7.3")
    assert (lifecycle.remaining_releases, lifecycle.past_due) == (2, False)
    assert lifecycle.plan.end.projected
    assert not lifecycle.plan.governing.renumbered


def test_an_undecided_end_is_never_past_due():
    lifecycle = at(kfunc("v6.2 added", "v6.5 deprecated", e1={**SAID, "removal": "undecided"}), "v7.3")
    assert (lifecycle.stability, lifecycle.remaining_releases, lifecycle.past_due) == (DEPRECATED, None, False)
    assert (lifecycle.plan.governing.said, lifecycle.plan.end) == ("undecided", None)


def test_where_the_kernel_contradicts_itself_the_earliest_release_governs():
    also = [{"removal": "undecided", "said_in": "b.c"}, {"removal": "v6.22", "said_in": "c.c"}]
    f = kfunc("v6.2 added", "v6.19 deprecated", e1={**SAID, "removal": "v6.23", "also_said": also})
    plan = at(f, "v7.0").plan
    assert (plan.governing.said, plan.governing.said_in, name(plan.end)) == ("v6.22", "c.c", "v7.2")
    assert [(a.said, name(a.release), a.said_in) for a in plan.announcements] == [
        ("v6.23", "v7.3", "kernel/a.c"),
        ("undecided", None, "b.c"),
        ("v6.22", "v7.2", "c.c"),
    ]
    assert at(f, "v7.2").past_due


def test_a_change_that_was_announced_ends_the_deprecation_when_the_prototype_changes():
    f = kfunc(
        "v6.13 added",
        "v6.16 deprecated",
        "v6.17 changed",
        "v6.19 changed",
        e1={**SAID, "change": "v6.18", "becomes": "long f(void)"},
        e2={"was": {"flags": ["KF_RCU"]}},
        e3={"was": {"prototype": "void f(void)"}, "breaking": True},
    )
    assert [at(f, release).stability for release in ("v6.15", "v6.16", "v6.17", "v6.19")] == [
        PRESENT, DEPRECATED, DEPRECATED, PRESENT,
    ]  # fmt: skip
    before, after = at(f, "v6.18"), at(f, "v6.19")
    assert (before.plan.kind, before.plan.becomes, before.past_due) == ("change", "long f(void)", True)
    assert (before.facts.prototype, before.breaking) == ("void f(void)", ())
    assert (after.facts.prototype, after.plan) == ("int f(void)", None)
    assert [step.when.by.name for step in after.breaking] == ["v6.19"]


def test_another_prototype_does_not_end_the_announcement_of_a_removal():
    f = kfunc("v6.2 added", "v6.5 deprecated", "v6.6 changed",
              e1={**SAID, "removal": "v6.9"}, e2={"was": {"prototype": "void f(void)"}})  # fmt: skip
    assert at(f, "v6.6").remaining_releases == 3


def test_a_withdrawn_deprecation_is_as_if_it_had_not_been():
    f = kfunc("v6.2 added", "v6.5 deprecated", "v6.8 withdrawn",
              e1={**SAID, "removal": "v6.9"}, e2={"reason": "Too many users."})  # fmt: skip
    assert [at(f, release).stability for release in ("v6.7", "v6.8", "v7.3")] == [DEPRECATED, PRESENT, PRESENT]
    assert at(f, "v6.8").plan is None


def test_a_restatement_keeps_what_it_leaves_out_and_since_stays_the_first():
    f = kfunc(
        "v6.2 added",
        "v6.5 deprecated",
        "v6.7 deprecated",
        "v6.8 deprecated",
        e1={**SAID, "removal": "undecided", "signal": "dmesg"},
        e2={"removal": "v6.12", "said_in": "kernel/b.c"},
        e3={"no_replacement": "Nothing does that.", "reason": "It is odd."},
    )
    plan = at(f, "v6.7").plan
    assert (name(plan.since.by), name(plan.end)) == ("v6.5", "v6.12")
    assert (plan.reason, plan.said_in, plan.signal) == ("It is slow.", "kernel/b.c", "dmesg")
    assert ([other.name for other in plan.replacement], plan.no_replacement) == (["g"], None)
    assert [plan.origin[field] for field in ("removal", "said_in", "reason", "replacement")] == [2, 2, 1, 1]
    plan = at(f, "v6.8").plan
    assert (name(plan.since.by), name(plan.end)) == ("v6.5", "v6.12")
    assert (plan.reason, plan.said_in, plan.signal) == ("It is odd.", "kernel/b.c", "dmesg")
    assert (plan.replacement, plan.no_replacement) == ((), "Nothing does that.")
    assert [plan.origin[field] for field in ("removal", "said_in", "reason", "no_replacement")] == [2, 2, 3, 3]


def test_a_restatement_may_say_only_where_the_end_is_said_otherwise():
    f = kfunc("v6.2 added", "v6.5 deprecated", "v6.7 deprecated",
              e1={**SAID, "removal": "v6.12"}, e2={"also_said": [{"removal": "v6.10", "said_in": "b.c"}]})  # fmt: skip
    plan = at(f, "v6.7").plan
    assert [(a.said, a.said_in) for a in plan.announcements] == [("v6.12", "kernel/a.c"), ("v6.10", "b.c")]
    assert name(plan.end) == "v6.10"


def test_a_restatement_may_turn_a_change_into_a_removal():
    f = kfunc("v6.2 added", "v6.5 deprecated", "v6.7 deprecated",
              e1={**SAID, "change": "v6.12", "becomes": "long f(void)"}, e2={"removal": "v6.14"})  # fmt: skip
    plan = at(f, "v6.7").plan
    assert (plan.kind, name(plan.end), plan.becomes) == ("removal", "v6.14", None)


def test_superseded_and_then_deprecated():
    f = kfunc("v6.2 added", "v6.5 superseded", "v6.8 deprecated",
              e1={"replacement": ["g"], "said_in": "a.c"}, e2={**SAID, "removal": "v6.12"})  # fmt: skip
    superseded, deprecated = at(f, "v6.5"), at(f, "v6.8")
    assert (superseded.stability, superseded.remaining_releases) == (PRESENT, None)
    assert [other.name for other in superseded.superseded_by] == ["g"]
    assert (deprecated.stability, deprecated.superseded_by) == (DEPRECATED, ())
    assert at(f, "v6.4").superseded_by == ()


def test_removed_with_notice_keeps_the_plan_that_it_had():
    f = kfunc("v6.12 added", "v6.13 deprecated", "v6.17 removed",
              e1={**SAID, "removal": "v6.15"}, e2={"reason": "Gone."})  # fmt: skip
    lifecycle = at(f, "v7.3")
    assert (lifecycle.stability, name(lifecycle.removed.by), lifecycle.removal.reason) == (REMOVED, "v6.17", "Gone.")
    assert (name(lifecycle.plan.since.by), name(lifecycle.plan.end)) == ("v6.13", "v6.15")
    assert (lifecycle.remaining_releases, lifecycle.past_due) == (None, False)
    assert (at(f, "v6.16").stability, at(f, "v6.16").removed, at(f, "v6.16").removal) == (DEPRECATED, None, None)


def test_removed_without_notice():
    lifecycle = at(kfunc("v6.2 added", "v6.17 removed", e1={"no_replacement": "Nobody asked."}), "v6.17")
    assert (lifecycle.stability, lifecycle.plan) == (REMOVED, None)
    assert lifecycle.removal.no_replacement == "Nobody asked."


def test_a_name_that_came_back():
    """As bpf_stream_vprintk: there in v6.17, gone in v6.18, back with another prototype in v7.0."""
    f = kfunc("v6.17 added", "v6.18 removed", "v7.0 added", e2={"was": {"prototype": "long f(void)"}})
    states = [at(f, release).stability for release in ("v6.16", "v6.17", "v6.18", "v6.19", "v7.0")]
    assert states == [NOT_YET, PRESENT, REMOVED, REMOVED, PRESENT]
    assert [at(f, release).facts.prototype for release in ("v6.17", "v6.19", "v7.0")] == [
        "long f(void)", "long f(void)", "int f(void)",
    ]  # fmt: skip
    lifecycle = at(f, "v7.3")
    assert (name(lifecycle.first_added.by), name(lifecycle.added.by), lifecycle.removed) == ("v6.17", "v7.0", None)
    assert (lifecycle.age, lifecycle.removal) == (3, None)


def test_events_of_one_release_are_folded_together():
    f = kfunc("v6.19 added", "v6.19 deprecated", e1={**SAID, "removal": "v7.3"})
    assert (at(f, "v6.18").stability, at(f, "v6.19").stability) == (NOT_YET, DEPRECATED)
    assert at(f, "v6.19").remaining_releases == 4


def test_an_uncertain_release_counts_from_where_there_is_a_witness():
    f = kfunc("..v6.12 added", "v6.13..v6.16 removed")
    assert [at(f, release).stability for release in ("v6.11", "v6.12", "v6.15", "v6.16")] == [
        NOT_YET, PRESENT, PRESENT, REMOVED,
    ]  # fmt: skip
    lifecycle = at(f, "v6.16")
    assert (lifecycle.added.after, lifecycle.added.uncertain) == (None, True)
    assert (name(lifecycle.removed.after), name(lifecycle.removed.by)) == ("v6.13", "v6.16")


def test_avoid_before_holds_for_the_stretch_in_which_it_was_said():
    said = {"behaviour": "It no longer crashes.", "avoid_before": True}
    f = kfunc("v6.2 added", "v6.5 changed", "v6.9 removed", "v6.12 added", e1=said)
    assert [name(at(f, release).avoid_before) for release in ("v6.4", "v6.5", "v6.8", "v6.12")] == [
        None, "v6.5", "v6.5", None,
    ]  # fmt: skip
    twice = kfunc("v6.2 added", "v6.5 changed", "v6.7 changed", e1=said, e2=said)
    assert name(at(twice, "v7.3").avoid_before) == "v6.7"


@pytest.mark.parametrize(
    ("release", "date", "lts"),
    [
        ("v7.3", "2027-12-31", ["v6.6", "v6.12"]),
        ("v7.3", "2028-01-01", ["v6.12"]),
        ("v7.3", "2028-12-31", ["v6.12"]),
        ("v7.3", "2029-01-01", []),
        ("v6.6", "2026-11-01", ["v6.6"]),
    ],
)
def test_lts_releases_that_have_it_are_listed_until_their_end_of_life(release, date, lts):
    f = kfunc("v6.2 added", "v6.13 removed")
    lifecycle = at(f, release, datetime.date.fromisoformat(date))
    assert [found.name for found in lifecycle.long_term(CALENDAR)] == lts


def test_who_may_call_is_undone_back_to_the_release():
    """With a filter, with one that the kernel enforced at run time, and without."""
    f = kfunc(
        "v6.2 added",
        "v6.4 changed",
        "v6.6 changed",
        "v7.1 changed",
        allowed=[{"program_type": "BPF_PROG_TYPE_LSM"}],
        e1={"was": {"allowed": None, "enforced_by": None}},
        e2={"was": {"allowed": [], "enforced_by": "verifier"}},
        e3={"was": {"allowed": [{"struct_ops": ["a_ops"]}], "enforced_by": "run-time"}},
    )
    found = {release: at(f, release).facts for release in ("v6.2", "v6.4", "v6.6", "v7.1")}
    assert {release: (facts.allowed, facts.enforced_by) for release, facts in found.items()} == {
        "v6.2": (None, "verifier"),
        "v6.4": ((), "verifier"),
        "v6.6": ((AllowedCaller("BPF_PROG_TYPE_STRUCT_OPS", struct_ops=("a_ops",)),), "run-time"),
        "v7.1": ((AllowedCaller("BPF_PROG_TYPE_LSM"),), "verifier"),
    }


def test_was_is_undone_back_to_the_release():
    f = kfunc(
        "v6.2 added",
        "v6.4 changed",
        "v6.6 changed",
        "v6.6 changed",
        flags=["KF_ACQUIRE"],
        module="m",
        e1={"was": {"flags": [], "module": None}},
        e2={"was": {"flags": ["KF_RCU"], "flags_for": {"BPF_PROG_TYPE_XDP": ["KF_RCU"]}}},
        e3={"was": {"flags": ["KF_SLEEPABLE"], "filter": "Only from ``a()``."}},
    )
    found = {
        release: (facts.flags, facts.flags_for, facts.module, facts.filter)
        for release in ("v6.2", "v6.4", "v6.5", "v6.6", "v7.3")
        for facts in (at(f, release).facts,)
    }
    before = {"BPF_PROG_TYPE_XDP": ("KF_RCU",)}
    assert found == {
        "v6.2": ((), before, None, "Only from ``a()``."),
        "v6.4": (("KF_RCU",), before, "m", "Only from ``a()``."),
        "v6.5": (("KF_RCU",), before, "m", "Only from ``a()``."),
        "v6.6": (("KF_ACQUIRE",), {}, "m", None),
        "v7.3": (("KF_ACQUIRE",), {}, "m", None),
    }


@pytest.mark.parametrize("release", ["v9.9", "v6.24..v6.25"])
def test_a_release_that_the_calendar_does_not_know_is_refused(release):
    with pytest.raises(UnknownRelease):
        at(kfunc("v6.2 added", f"{release} removed"), "v7.3")


def test_a_history_out_of_order_is_read_up_to_the_first_event_that_comes_later():
    """The rule history-order reports it; nothing breaks meanwhile."""
    f = kfunc("v6.5 added", "v6.9 changed", "v6.8 superseded",
              e1={"behaviour": "It does more."}, e2={"replacement": ["g"]})  # fmt: skip
    assert (at(f, "v6.8").stability, at(f, "v6.8").superseded_by) == (PRESENT, ())
    assert [other.name for other in at(f, "v6.9").superseded_by] == ["g"]


# -- any history

PROPERTIES = (
    "first_added", "added", "removed", "age", "past_due", "remaining_releases", "superseded_by", "removal",
    "avoid_before", "breaking",
)  # fmt: skip


@given(kfuncs(), REAL_RELEASES, DATES)
def test_any_valid_history_has_an_answer(kfunc, release, date):
    lifecycle = assess(kfunc, CALENDAR, release, date)
    for found in PROPERTIES:
        getattr(lifecycle, found)
    lifecycle.long_term(CALENDAR)
    assert (lifecycle.stability is NOT_YET) == (lifecycle.first_added is None)
    assert (lifecycle.stability is REMOVED) == (lifecycle.removed is not None) == (lifecycle.removal is not None)
    assert lifecycle.stability is not DEPRECATED or lifecycle.plan is not None
    assert lifecycle.stability is not PRESENT or lifecycle.plan is None
    assert all(step.when.by <= release for step in lifecycle.steps)


@given(st.data(), REAL_RELEASES, DATES)
def test_even_a_history_in_disorder_has_an_answer(data, release, date):
    valid = data.draw(kfuncs())
    disordered = valid.model_copy(update={"history": tuple(data.draw(st.permutations(valid.history)))})
    lifecycle = assess(disordered, CALENDAR, release, date)
    assert lifecycle.stability in Stability
    for found in PROPERTIES:
        getattr(lifecycle, found)


@given(kfuncs())
def test_what_is_removed_stays_removed_until_it_is_added_again(kfunc):
    states = [at(kfunc, release.name).stability for release in CALENDAR.real]
    added = {CALENDAR.when(event.release).by for event in kfunc.history if event.event == "added"}
    for release, before, after in zip(CALENDAR.real[1:], states, states[1:]):
        assert before is not REMOVED or after is REMOVED or release in added
        assert before is NOT_YET or after is not NOT_YET
        assert before is not NOT_YET or after is NOT_YET or release in added


@given(kfuncs())
def test_the_remaining_releases_of_a_plan_count_down(kfunc):
    """As long as nothing happens, each release takes one off, down to none."""
    eventful = {CALENDAR.when(event.release).by for event in kfunc.history}
    for before, after in zip(CALENDAR.real, CALENDAR.real[1:]):
        left, then = at(kfunc, before.name).remaining_releases, at(kfunc, after.name).remaining_releases
        if after not in eventful:
            assert then == (None if left is None else max(left - 1, 0))


@given(kfuncs())
def test_within_a_plan_that_is_not_restated_the_remaining_releases_never_grow(kfunc):
    """Other events, such as changes, do not lengthen it."""
    for before, after in zip(CALENDAR.real, CALENDAR.real[1:]):
        earlier, later = at(kfunc, before.name), at(kfunc, after.name)
        now = {event.event for event in kfunc.history if CALENDAR.when(event.release).by == after}
        same = earlier.stability is later.stability is DEPRECATED and not now & {"deprecated", "withdrawn", "removed"}
        if same and earlier.remaining_releases is not None:
            assert later.remaining_releases <= earlier.remaining_releases
            assert later.plan == earlier.plan


@given(kfuncs(), REAL_RELEASES)
def test_past_due_is_a_deprecated_kfunc_at_or_after_its_announced_end(kfunc, release):
    lifecycle = at(kfunc, release.name)
    assert lifecycle.past_due == (lifecycle.remaining_releases == 0)
    end = lifecycle.plan.end if lifecycle.stability is DEPRECATED else None
    assert lifecycle.past_due == (end is not None and end <= release)


def cut_off(kfunc: Kfunc, release: Release) -> Kfunc:
    """Return the declaration as it would have been written at *release*.

    A field's value then is what the first later event that speaks of it says it was.
    """
    history = [event.model_dump(exclude_unset=True) for event in kfunc.history]
    fields = {name: getattr(kfunc, name) for name in FACTS if name in kfunc.model_fields_set}
    settled = set()
    for event in history:
        if CALENDAR.when(event["release"]).by > release:
            for field, value in event.get("was", {}).items():
                if field not in settled:
                    fields[field] = value
                    settled.add(field)
    fields = {field: value for field, value in fields.items() if value is not None}
    kept = [event for event in history if CALENDAR.when(event["release"]).by <= release]
    return Kfunc.model_validate({"name": kfunc.name, **fields, "history": kept})


@given(st.data(), DATES)
def test_the_future_does_not_change_the_past(data, date):
    """Folding at a release is folding the history cut off there, then and for any release before."""
    kfunc = data.draw(kfuncs())
    first = CALENDAR.when(kfunc.history[0].release).by
    release = data.draw(st.sampled_from(CALENDAR.real[first.position :]))
    earlier = data.draw(st.sampled_from(CALENDAR.real[: release.position + 1]))
    past = cut_off(kfunc, release)
    for then in (release, earlier):
        assert facts_at(kfunc, CALENDAR, then) == facts_at(past, CALENDAR, then)
        assert assess(kfunc, CALENDAR, then, date) == assess(past, CALENDAR, then, date)


@given(kfuncs())
def test_facts_change_only_where_an_event_says_so(kfunc):
    for before, after in zip(CALENDAR.real, CALENDAR.real[1:]):
        earlier, later = facts_at(kfunc, CALENDAR, before), facts_at(kfunc, CALENDAR, after)
        said = {
            field
            for event in kfunc.history
            if CALENDAR.when(event.release).by == after and getattr(event, "was", None) is not None
            for field in event.was.model_fields_set
        }
        assert {field for field in FACTS if getattr(earlier, field) != getattr(later, field)} <= said


@given(kfuncs(), REAL_RELEASES, DATES, DATES)
def test_the_day_matters_to_lts_alone(kfunc, release, one, other):
    first, second = assess(kfunc, CALENDAR, release, one), assess(kfunc, CALENDAR, release, other)
    for found in (*PROPERTIES, "stability", "facts", "steps", "state", "plan"):
        assert getattr(first, found) == getattr(second, found)
    if one <= other:
        assert set(first.long_term(CALENDAR)) >= set(second.long_term(CALENDAR))


@given(kfuncs(), REAL_RELEASES)
def test_a_plan_is_dated_by_its_first_announcement_and_governed_by_its_earliest(kfunc, release):
    plan = at(kfunc, release.name).plan
    if plan is None:
        return
    deprecated = [step for step in at(kfunc, release.name).steps if step.event.event == "deprecated"]
    opened = [step.when for step in deprecated if step.before.plan is None]
    assert plan.since == opened[-1]
    dated = [announced.release for announced in plan.announcements if announced.release is not None]
    assert plan.end == min(dated, default=None)
