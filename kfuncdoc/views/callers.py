# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a program of each type may call, and since when.

::

    KfuncViews --ProgramTypes--> the offers to a Caller --section--> CallerSection --> the page of a program type

Whether a caller may call a kfunc in one release is decided as in audits: by the registrations as of that release and
the kernel's map of hooks (:mod:`kfuncdoc.kernels.hooks`), and by the program types and the structures of callbacks
that a filter lets call.  If a filter asks for more, such as a member of the structure, the page shows it beside the
kfunc.  "Since" is the first release
from which on, up to the release of the snapshot, the caller may call the kfunc in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Mapping, NamedTuple, Optional

from kfuncdoc.bpf.program_types import PROGRAM_TYPES
from kfuncdoc.kernels.hooks import ANY, REPLACES_ANOTHER, STRUCT_OPS
from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.record.address import program_type_address, struct_ops_address
from kfuncdoc.record.lifecycle import Facts, facts_after
from kfuncdoc.views.allowed import lets_call
from kfuncdoc.views.kfunc import KfuncView, KfuncViews


class _FactsSince(NamedTuple):
    """The facts of a kfunc after an event; None where it is not in the kernel."""

    when: When
    facts: Optional[Facts]


#: The facts after each event of a kfunc, in order.
_FactsHistory = tuple[_FactsSince, ...]


@dataclass(frozen=True)
class Caller:
    """A kind of program, by all that decides which kfuncs it may call.

    ``BPF_PROG_TYPE_UNSPEC`` stands for a program of any type, and ``BPF_PROG_TYPE_STRUCT_OPS`` without *struct_ops*
    for one of any struct_ops.
    """

    program_type: str
    struct_ops: Optional[str] = None

    @property
    def is_any(self) -> bool:
        """Whether it stands for a program of any type."""
        return self.program_type == ANY

    @property
    def is_any_struct_ops(self) -> bool:
        """Whether it stands for a program of any struct_ops."""
        return self.program_type == STRUCT_OPS and self.struct_ops is None

    @property
    def address(self) -> str:
        """The label of the section that lists what it may call."""
        return struct_ops_address(self.struct_ops) if self.struct_ops else program_type_address(self.program_type)

    @property
    def wider_callers(self) -> tuple[Caller, ...]:
        """The callers that include this one, the widest first."""
        if self.is_any:
            return ()
        return (Caller(ANY), Caller(self.program_type)) if self.struct_ops else (Caller(ANY),)


@dataclass(frozen=True)
class Offer:
    """A kfunc that a caller may call, and *since* when it may without a break."""

    kfunc: KfuncView
    since: When
    #: The types of the registrations that allow the call: the caller's own, else any, else those that share its hook.
    registered_for: tuple[str, ...]

    @property
    def is_for_any(self) -> bool:
        """Whether it is registered for no type in particular (``BPF_PROG_TYPE_UNSPEC``)."""
        return self.registered_for == (ANY,)

    @property
    def short_types(self) -> tuple[str, ...]:
        """The types of :attr:`registered_for`, without ``BPF_PROG_TYPE_``."""
        return tuple(name.replace("BPF_PROG_TYPE_", "") for name in self.registered_for)


@dataclass(frozen=True)
class CallerSection:
    """The section of one caller on the page of a program type: what it may call and wider callers may not.

    What wider callers may call, too, is in it if this caller could call it in an earlier release.
    """

    caller: Caller
    offers: tuple[Offer, ...]
    #: The number of kfuncs that no wider caller may call.
    own_count: int
    #: The number of all kfuncs that the caller may call.
    total_count: int

    @property
    def kfuncs(self) -> tuple[KfuncView, ...]:
        return tuple(offer.kfunc for offer in self.offers)

    @property
    def has_repeats(self) -> bool:
        """Whether wider callers may call some of these kfuncs, too."""
        return len(self.offers) > self.own_count

    @property
    def offers_by_name(self) -> Mapping[str, Offer]:
        return {offer.kfunc.name: offer for offer in self.offers}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table; a column that would say nothing is left out."""
        is_indirect = any(offer.registered_for != (self.caller.program_type,) for offer in self.offers)
        is_filtered = any(kfunc.field("filter") for kfunc in self.kfuncs)
        optional = (["registered"] if is_indirect else []) + (["filter"] if is_filtered else [])
        return ("kfunc", "summary", "callable", "stability", *optional)


class ProgramTypes:
    """The kfuncs of *views* by the programs that may call them, at the release as of which each kfunc is seen."""

    def __init__(self, views: KfuncViews) -> None:
        self._views = views
        self._calendar = views.catalog.calendar
        self._hooks = views.catalog.hooks
        # Few registrations differ, and the answer for each is needed for many releases.
        self._hooks_allow = lru_cache(maxsize=None)(self._hooks.may_call)
        self._facts_histories: dict[str, _FactsHistory] = {}
        self._offers: dict[Caller, Mapping[str, Offer]] = {}

    # -- callers

    @property
    def types(self) -> tuple[str, ...]:
        """The types that have a page: "any", then those that any release has a hook for, by name."""
        return tuple(sorted({ANY, *self._hooks.program_types}, key=lambda name: (name != ANY, name)))

    @property
    def without_hook(self) -> tuple[str, ...]:
        """The types of the kernel that never had a hook, without ``BPF_PROG_TYPE_EXT``: it replaces other programs."""
        return tuple(sorted(PROGRAM_TYPES - {*self.types, REPLACES_ANOTHER}))

    def is_open(self, program_type: str) -> bool:
        """Whether *program_type* has a hook at the release."""
        return self._hooks.is_open(program_type, self._views.release)

    def sharing(self, program_type: str) -> tuple[Caller, ...]:
        """Return the other types that share the hook of *program_type* at the release, by name."""
        return tuple(map(Caller, sorted(self._hooks.sharing((program_type,), self._views.release))))

    @cached_property
    def struct_ops(self) -> tuple[str, ...]:
        """The struct_ops to which any kfunc that they may call is or was limited, by name."""
        names = {
            name
            for view in self._views.kfuncs
            for release in self._up_to(view)
            for name in self._struct_ops_allowed(_facts_in(self._facts_history(view), release), release)
        }
        return tuple(sorted(names, key=lambda name: (name.lower(), name)))

    def _struct_ops_allowed(self, facts: Optional[Facts], release: Release) -> tuple[str, ...]:
        """Return the struct_ops to which a kfunc with *facts* is limited, as far as they may call it in *release*."""
        names = facts.struct_ops if facts else ()
        return tuple(name for name in names if self._may_call(facts, Caller(STRUCT_OPS, name), release))

    @property
    def unregistered(self) -> tuple[KfuncView, ...]:
        """The kfuncs in the kernel whose registrations are not recorded."""
        present = (view for view in self._views.kfuncs if view.lifecycle.state.present)
        return tuple(view for view in present if not view.facts.program_types)

    # -- what they may call

    def section(self, caller: Caller) -> CallerSection:
        """Return what *caller* may call, without what wider callers may call since the same release or longer."""
        offers = self.offers(caller)
        wider = {name: offer for wide in caller.wider_callers for name, offer in self.offers(wide).items()}
        shown = (offer for name, offer in offers.items() if name not in wider or offer.since.by < wider[name].since.by)
        return CallerSection(caller, tuple(shown), len(offers.keys() - wider), len(offers))

    def sections(self, program_type: str) -> tuple[CallerSection, ...]:
        """Return the sections of the page of *program_type*: one, and for struct_ops one more for each of these."""
        names = self.struct_ops if program_type == STRUCT_OPS else ()
        return tuple(self.section(Caller(program_type, name)) for name in (None, *names))

    def offers(self, caller: Caller) -> Mapping[str, Offer]:
        """Return every kfunc that *caller* may call, by name; sorted by name, without leading underscores."""
        if caller not in self._offers:
            offers = filter(None, (self._offer(view, caller) for view in self._views.kfuncs))
            ordered = sorted(offers, key=lambda offer: (offer.kfunc.name.lstrip("_"), offer.kfunc.name))
            self._offers[caller] = {offer.kfunc.name: offer for offer in ordered}
        return self._offers[caller]

    def _offer(self, view: KfuncView, caller: Caller) -> Optional[Offer]:
        since = self._since(view, caller)
        if since is None:
            return None
        return Offer(view, self._uncertain_since(view, caller, since), self._registered_for(view, caller.program_type))

    def _registered_for(self, view: KfuncView, program_type: str) -> tuple[str, ...]:
        registered, release = view.facts.program_types, view.lifecycle.release
        for name in (program_type, ANY):
            if name in registered:
                return (name,)
        return tuple(name for name in registered if program_type in self._hooks.sharing((name,), release))

    # -- since when

    def _facts_history(self, view: KfuncView) -> _FactsHistory:
        if view.name not in self._facts_histories:
            self._facts_histories[view.name] = tuple(
                _FactsSince(step.when, facts_after(view.kfunc, step.index) if step.after.present else None)
                for step in view.lifecycle.steps
            )
        return self._facts_histories[view.name]

    def _up_to(self, view: KfuncView) -> tuple[Release, ...]:
        """Return the releases up to the one as of which *view* is seen."""
        return self._calendar.between(self._calendar.real[0], view.lifecycle.release)

    def _may_call(self, facts: Optional[Facts], caller: Caller, release: Release) -> bool:
        """Whether *caller* may call a kfunc with *facts* under the hooks of *release*; never, if it is not there."""
        if facts is None:
            return False
        is_allowed = lets_call(facts, caller.program_type, caller.struct_ops)
        return is_allowed and self._hooks_allow(facts.program_types, caller.program_type, release)

    def _since(self, view: KfuncView, caller: Caller) -> Optional[Release]:
        """Return the first release from which on *caller* may call the kfunc in all, up to that of *view*, if any."""
        since = None
        for release in reversed(self._up_to(view)):
            if not self._may_call(_facts_in(self._facts_history(view), release), caller, release):
                break
            since = release
        return since

    def _uncertain_since(self, view: KfuncView, caller: Caller, since: Release) -> When:
        """Return *since* with what is uncertain about it.

        An event of the kfunc that allowed the call is as uncertain as the record says.  If a hook had to open as well,
        or nothing else happened, the release counts in which the hook opened.
        """
        history, before = self._facts_history(view), self._calendar.before(since)
        could_call = before < since and self._may_call(_facts_in(history, before), caller, since)
        allowed = None
        for when, facts in history:
            if when.by == since:
                may_call = self._may_call(facts, caller, since)
                allowed = when if may_call and not could_call else allowed
                could_call = may_call
        if allowed is not None and (not allowed.uncertain or self._may_call(_facts_in(history, since), caller, before)):
            return allowed
        return self._hooks.opened(caller.program_type, since)


def _facts_in(history: _FactsHistory, release: Release) -> Optional[Facts]:
    """Return the facts of a kfunc in *release*; None where it is not in the kernel."""
    facts = None
    for since in history:
        if since.when.by <= release:
            facts = since.facts
    return facts
