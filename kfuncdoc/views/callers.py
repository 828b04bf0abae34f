# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a program of a type may call, and since when.

::

    KfuncViews --ProgramTypes--> offers to a Caller --section--> Section --render--> the page of a type

Whether a caller may call a kfunc in one release is decided as in audits: by the registrations as of that release
and the kernel's map of hooks (see ``hooks``), and for struct_ops by those that a registration is limited to.  A
filter, which is prose, decides nothing here: it stands beside the kfunc.  "Since" is found by going back from the
reference release, as long as the answer is yes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Mapping, Optional

from kfuncdoc.bpf.program_types import PROGRAM_TYPES
from kfuncdoc.kernels.hooks import ANY, REPLACES_ANOTHER, STRUCT_OPS
from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.record.address import program_type_address, struct_ops_address
from kfuncdoc.record.lifecycle import Facts, facts_after
from kfuncdoc.views.kfunc import KfuncView, KfuncViews

#: What held of a kfunc after each of its events; None where it was not in the kernel.
_Held = tuple[tuple[When, Optional[Facts]], ...]


@dataclass(frozen=True)
class Caller:
    """A kind of program, by all that decides which kfuncs it may call.

    ``BPF_PROG_TYPE_UNSPEC`` stands for a program of any type, and ``BPF_PROG_TYPE_STRUCT_OPS`` without *struct_ops*
    for one of any struct_ops.
    """

    program_type: str
    struct_ops: Optional[str] = None

    @property
    def any(self) -> bool:
        """Whether it stands for a program of any type."""
        return self.program_type == ANY

    @property
    def any_struct_ops(self) -> bool:
        """Whether it stands for a program of any struct_ops."""
        return self.program_type == STRUCT_OPS and self.struct_ops is None

    @property
    def address(self) -> str:
        """The label of what it may call."""
        return struct_ops_address(self.struct_ops) if self.struct_ops else program_type_address(self.program_type)

    @property
    def wider(self) -> tuple[Caller, ...]:
        """The kinds of which this is one, the widest first."""
        if self.any:
            return ()
        return (Caller(ANY), Caller(self.program_type)) if self.struct_ops else (Caller(ANY),)


@dataclass(frozen=True)
class Offer:
    """A kfunc that a caller may call, and from when on it could without a break."""

    kfunc: KfuncView
    since: When
    #: Which of its registrations let the caller: that for its own type, else for any, else those of the same hook.
    registered_for: tuple[str, ...]

    @property
    def for_any(self) -> bool:
        """Whether it is registered for no type in particular."""
        return self.registered_for == (ANY,)

    @property
    def registered_shortly(self) -> tuple[str, ...]:
        """The types it is registered for, without what all their names begin with."""
        return tuple(name.replace("BPF_PROG_TYPE_", "") for name in self.registered_for)


@dataclass(frozen=True)
class Section:
    """What the page of a type says of one caller: what it may call, and wider kinds of programs may not.

    What these may call, too, is in it where the caller could sooner.
    """

    caller: Caller
    offers: tuple[Offer, ...]
    #: How many kfuncs no wider kind may call.
    own: int
    #: How many kfuncs the caller may call, with those that wider kinds may.
    in_all: int

    @property
    def kfuncs(self) -> tuple[KfuncView, ...]:
        return tuple(offer.kfunc for offer in self.offers)

    @property
    def repeats(self) -> bool:
        """Whether some of it wider kinds may call, too."""
        return len(self.offers) > self.own

    @property
    def by_name(self) -> Mapping[str, Offer]:
        return {offer.kfunc.name: offer for offer in self.offers}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its table: those that would say nothing are left out."""
        through_others = any(offer.registered_for != (self.caller.program_type,) for offer in self.offers)
        filtered = any(kfunc.facts.filter for kfunc in self.kfuncs)
        optional = (["registered"] if through_others else []) + (["filter"] if filtered else [])
        return ("kfunc", "summary", "callable", "stability", *optional)


class ProgramTypes:
    """The kfuncs of *views* by who may call them, at the release that each is shown for."""

    def __init__(self, views: KfuncViews) -> None:
        self._views = views
        self._calendar = views.catalog.calendar
        self._hooks = views.catalog.hooks
        # Few registrations differ, and each is asked about for many releases.
        self._let_in = lru_cache(maxsize=None)(self._hooks.may_call)
        self._histories: dict[str, _Held] = {}
        self._offers: dict[Caller, Mapping[str, Offer]] = {}

    # -- who calls

    @property
    def types(self) -> tuple[str, ...]:
        """The types that have a page: any, and those that a hook was ever opened to, by name."""
        return tuple(sorted({ANY, *self._hooks.program_types}, key=lambda name: (name != ANY, name)))

    @property
    def without_hook(self) -> tuple[str, ...]:
        """The types of the kernel that never had a hook, but for that of programs that take another's place."""
        return tuple(sorted(PROGRAM_TYPES - {*self.types, REPLACES_ANOTHER}))

    def is_open(self, program_type: str) -> bool:
        """Whether *program_type* has a hook at the release."""
        return self._hooks.is_open(program_type, self._views.release)

    def sharing(self, program_type: str) -> tuple[Caller, ...]:
        """Return the other types of the hook of *program_type* at the release, by name."""
        return tuple(map(Caller, sorted(self._hooks.sharing((program_type,), self._views.release))))

    @cached_property
    def struct_ops(self) -> tuple[str, ...]:
        """The struct_ops that any kfunc they may call is, or ever was, limited to, by name."""
        names = {
            name
            for view in self._views.kfuncs
            for release in self._up_to(view)
            for name in self._limited_to(_at(self._held(view), release), release)
        }
        return tuple(sorted(names, key=lambda name: (name.lower(), name)))

    def _limited_to(self, facts: Optional[Facts], release: Release) -> tuple[str, ...]:
        names = facts.struct_ops if facts else ()
        return tuple(name for name in names if self._may_call(facts, Caller(STRUCT_OPS, name), release))

    @property
    def unregistered(self) -> tuple[KfuncView, ...]:
        """The kfuncs in the kernel of which the record does not say what they are registered for."""
        there = (view for view in self._views.kfuncs if view.lifecycle.state.present)
        return tuple(view for view in there if not view.facts.program_types)

    # -- what they may call

    def section(self, caller: Caller) -> Section:
        """Return what *caller* may call, without what wider kinds may and could for as long."""
        offers = self.offers(caller)
        wider = {name: offer for kind in caller.wider for name, offer in self.offers(kind).items()}
        shown = (offer for name, offer in offers.items() if name not in wider or offer.since.by < wider[name].since.by)
        return Section(caller, tuple(shown), len(offers.keys() - wider), len(offers))

    def sections(self, program_type: str) -> tuple[Section, ...]:
        """Return the sections of the page of *program_type*: one, and after it one for each struct_ops."""
        names = self.struct_ops if program_type == STRUCT_OPS else ()
        return tuple(self.section(Caller(program_type, name)) for name in (None, *names))

    def offers(self, caller: Caller) -> Mapping[str, Offer]:
        """Return every kfunc that *caller* may call, by name and in the order of names."""
        if caller not in self._offers:
            found = filter(None, (self._offer(view, caller) for view in self._views.kfuncs))
            ordered = sorted(found, key=lambda offer: (offer.kfunc.name.lstrip("_"), offer.kfunc.name))
            self._offers[caller] = {offer.kfunc.name: offer for offer in ordered}
        return self._offers[caller]

    def _offer(self, view: KfuncView, caller: Caller) -> Optional[Offer]:
        since = self._since(view, caller)
        if since is None:
            return None
        return Offer(view, self._when(view, caller, since), self._registered_for(view, caller.program_type))

    def _registered_for(self, view: KfuncView, program_type: str) -> tuple[str, ...]:
        registered, release = view.facts.program_types, view.lifecycle.release
        for name in (program_type, ANY):
            if name in registered:
                return (name,)
        return tuple(name for name in registered if program_type in self._hooks.sharing((name,), release))

    # -- since when

    def _held(self, view: KfuncView) -> _Held:
        if view.name not in self._histories:
            self._histories[view.name] = tuple(
                (step.when, facts_after(view.kfunc, step.index) if step.after.present else None)
                for step in view.lifecycle.steps
            )
        return self._histories[view.name]

    def _up_to(self, view: KfuncView) -> tuple[Release, ...]:
        """Return the releases up to the one that *view* is shown for."""
        return self._calendar.between(self._calendar.real[0], view.lifecycle.release)

    def _may_call(self, facts: Optional[Facts], caller: Caller, release: Release) -> bool:
        """Whether *caller* may call, under the hooks of *release*, a kfunc of which *facts* hold."""
        if facts is None:
            return False
        if caller.program_type == STRUCT_OPS and facts.struct_ops and caller.struct_ops not in facts.struct_ops:
            return False
        return self._let_in(facts.program_types, caller.program_type, release)

    def _since(self, view: KfuncView, caller: Caller) -> Optional[Release]:
        """Return the first of the releases, up to that of *view*, in all of which *caller* may call it, if any."""
        since = None
        for release in reversed(self._up_to(view)):
            if not self._may_call(_at(self._held(view), release), caller, release):
                break
            since = release
        return since

    def _when(self, view: KfuncView, caller: Caller, since: Release) -> When:
        """Return *since* with what is not certain about it.

        An event of the kfunc is as certain as the record says; where a hook had to open as well, its release counts.
        """
        held, before = self._held(view), self._calendar.before(since)
        could = before < since and self._may_call(_at(held, before), caller, since)
        let = None
        for when, facts in held:
            if when.by == since:
                let = when if self._may_call(facts, caller, since) and not could else let
                could = self._may_call(facts, caller, since)
        if let is not None and (not let.uncertain or self._may_call(_at(held, since), caller, before)):
            return let
        return self._hooks.opened(caller.program_type, since)


def _at(held: _Held, release: Release) -> Optional[Facts]:
    """Return what held in *release*."""
    facts = None
    for when, after in held:
        if when.by <= release:
            facts = after
    return facts
