# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The facts of synthetic declarations as a person would write them, with ``.. c:function::``.

One page a subsystem, the same four pages across subsystems that kfuncdoc has, and one page for what
the flags mean.  What kfuncdoc works out (dates of releases, who shares a hook, what is left) is
taken from its views, as a diligent person would look it up, so that the pages state the same facts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, Iterator

from benchmarks.synthetic import Declaration
from kfuncdoc.pages.rst import month
from kfuncdoc.views.kfunc import KfuncView, KfuncViews


def write(files: list[Declaration], views: KfuncViews, folder: Path) -> None:
    """Write every page to *folder*, with what *views* of the same declarations worked out."""
    folder.mkdir(parents=True, exist_ok=True)
    kfuncs = [(file["subsystem"], kfunc) for file in files for kfunc in file["kfuncs"]]
    pages = {
        "index": _index(files, kfuncs),
        "deprecated": _overview("Deprecated kfuncs", kfuncs, ("deprecated", "superseded")),
        "removed": _overview("Removed kfuncs", kfuncs, ("removed",)),
        "changes": _changes(kfuncs),
    }
    pages["flags"] = _flags(views)
    pages.update((file["subsystem"], _page(file, views)) for file in files)
    for name, lines in pages.items():
        (folder / f"{name}.rst").write_text("\n".join(lines) + "\n", encoding="utf-8")


Kfuncs = list[tuple[str, Declaration]]


def _page(file: Declaration, views: KfuncViews) -> Iterator[str]:
    yield from _heading(file["title"], "=")
    yield from (file["description"], f":Recorded: up to {file['recorded']}", f":Contact: {file['contact']}", "")
    for kfunc in file["kfuncs"]:
        yield from (f".. c:function:: {kfunc['prototype']}", "")
        view = views.view(kfunc["name"])
        assert view is not None
        yield from (f"   {line}".rstrip() for line in _kfunc(kfunc, view))


def _flags(views: KfuncViews) -> Iterator[str]:
    yield from _heading("Flags", "=")
    for flag in views.catalog.flags.values():
        since = f"Since {flag.first}. " if flag.first else ""
        yield from (f".. c:macro:: {flag.flag}", "", f"   {since}{' '.join(flag.meaning.split())}", "")


def _kfunc(kfunc: Declaration, view: KfuncView) -> Iterator[str]:
    yield from (kfunc["summary"], "")
    if "description" in kfunc:
        yield from kfunc["description"].split("\n")
    end = _end(kfunc)
    yield f":Stability: {_stability(kfunc)}"
    added = view.lifecycle.added
    assert added is not None
    if not view.removed:
        yield f":In the kernel since: {added.by} ({month(added.by)}, {view.lifecycle.age} releases ago)"
    if end["event"] == "deprecated":
        yield f":Deprecated since: {end['release']}"
        yield f":What is to happen: Removal; announced for {end['removal']}."
        yield f":Remaining lifespan: {_remaining(view)}"
    if view.removed:
        yield from _gone(view)
    if _instead(kfunc):
        yield f":Replacement: {_instead(kfunc)}"
    if "reason" in end:
        yield f":Reason: {end['reason']}"
    if "said_in" in end:
        yield f":Said in: ``{end['said_in']}``"
    if kfunc["flags"]:
        yield f":Flags: {', '.join(f':c:macro:`{flag}`' for flag in kfunc['flags'])}"
    sharing = f"; through a shared hook also callable from {_literals(view.sharing)}" if view.sharing else ""
    yield f":Program types: registered for {_literals(kfunc['program_types'])}{sharing}"
    if "filter" in kfunc:
        yield f":Filter: {kfunc['filter']}"
    if "depends_on" in kfunc:
        yield f":Configuration: ``{kfunc['depends_on']}``"
    yield f":Source: ``{kfunc['source']}``"
    for user in kfunc.get("users", ()):
        yield f":Known users: `{user['name']} <{user['url']}>`__: {user['note']}"
    yield ""
    if len(kfunc["history"]) > 1:
        rows = ((event["release"], _happened(event)) for event in kfunc["history"])
        yield from _table("15 85", ("Release", "What happened"), rows)


def _remaining(view: KfuncView) -> str:
    if view.end is None:
        return "not decided"
    left = view.lifecycle.remaining_releases
    return f"{left} releases: last in {view.last}, to be gone from {view.end}, {month(view.end)}; best effort"


def _gone(view: KfuncView) -> Iterator[str]:
    gone, lts = view.lifecycle.removed, ", ".join(f"LTS {release}" for release in view.long_term)
    assert gone is not None
    yield f":Removed: in {gone.by} ({month(gone.by)}), last in {view.last}"
    yield f":In the kernel: {view.in_kernel[0][0]} to {view.last}, and so in {lts or 'no LTS'}"
    yield (
        f":Programs: From {gone.by} a program that calls it does not load, unless the extern is ``__weak`` "
        "and the call guarded by ``bpf_ksym_exists()``."
    )
    yield f":Notice: {f'Deprecated since {view.plan.since.by}' if view.plan else 'None'}."


def _index(files: list[Declaration], kfuncs: Kfuncs) -> Iterator[str]:
    yield from _heading("BPF kernel functions (kfuncs)", "=")
    yield from (".. toctree::", "   :maxdepth: 1", "", "   deprecated", "   removed", "   changes", "   flags")
    yield from (f"   {file['subsystem']}" for file in files)
    yield from ("", *_heading("All kfuncs", "-"))
    rows = (
        (_link(kfunc), kfunc["summary"], subsystem, _stability(kfunc), kfunc["history"][0]["release"])
        for subsystem, kfunc in sorted(kfuncs, key=lambda named: named[1]["name"])
    )
    yield from _table("36 48 14 12 12", ("kfunc", "What it does", "Subsystem", "Stability", "Since"), rows)


def _overview(title: str, kfuncs: Kfuncs, states: tuple[str, ...]) -> Iterator[str]:
    yield from _heading(title, "=")
    rows = (
        (_link(kfunc), _end(kfunc)["release"], _end(kfunc).get("removal", "none"), _instead(kfunc) or "none", subsystem)
        for subsystem, kfunc in kfuncs
        if _stability(kfunc) in states
    )
    yield from _table("36 12 36 36 14", ("kfunc", "Since", "Announced for", "Call instead", "Subsystem"), rows)


def _changes(kfuncs: Kfuncs) -> Iterator[str]:
    yield from _heading("Changes by release", "=")
    releases: dict[str, dict[str, list[str]]] = {}
    for _, kfunc in kfuncs:
        for event in kfunc["history"]:
            what = _link(kfunc) if event["event"] == "added" else f"{_link(kfunc)}: {_happened(event)}"
            releases.setdefault(event["release"], {}).setdefault(event["event"], []).append(what)
    for release, events in releases.items():
        yield from _heading(release, "-")
        for kind, happened in events.items():
            if kind == "added":
                yield f":Added: {', '.join(happened)}"
            else:
                yield f":{kind.capitalize()}:"
                yield from (f"   * {what}" for what in happened)
        yield ""


# -- words


def _end(kfunc: Declaration) -> Declaration:
    last: Declaration = kfunc["history"][-1]
    return last


def _stability(kfunc: Declaration) -> str:
    kind = _end(kfunc)["event"]
    return kind if kind in ("deprecated", "removed", "superseded") else "present"


def _instead(kfunc: Declaration) -> str:
    """Return what to call instead: by the last event that says it."""
    for event in reversed(kfunc["history"]):
        if "replacement" in event:
            return ", ".join(f":c:func:`{name}`" for name in event["replacement"])
        if "no_replacement" in event:
            return f"nothing: {event['no_replacement']}"
    return ""


def _happened(event: Declaration) -> str:
    words = [event["event"].capitalize() + "."]
    for field, value in event.get("was", {}).items():
        words.append(f"{field.capitalize()} was {_literals([value] if isinstance(value, str) else value) or 'none'}.")
    words += [event[field] for field in ("behaviour", "reason", "note") if field in event]
    if "commit" in event:
        words.append(f"(commit ``{event['commit']}``)")
    return " ".join(words)


def _link(kfunc: Declaration) -> str:
    return f":c:func:`{kfunc['name']}`"


def _literals(words: Iterable[str]) -> str:
    return ", ".join(f"``{word}``" for word in words)


def _heading(title: str, underline: str) -> tuple[str, str, str]:
    return title, underline * len(title), ""


def _table(widths: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    if not rows:
        yield "None."
        return
    yield from (".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", "")
    for row in (head, *rows):
        yield from (f"   {'* -' if number == 0 else '  -'} {cell}" for number, cell in enumerate(row))
    yield ""
