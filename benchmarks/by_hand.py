# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The facts of synthetic declarations as a person would write them, with ``.. c:function::``.

One page a subsystem and the same four pages across subsystems that kfuncdoc has.  What kfuncdoc
works out and a person would leave to the reader is left out: dates of releases, who shares a hook,
what the flags mean.  So there is less on these pages than on kfuncdoc's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, Iterator

from benchmarks.synthetic import Declaration


def write(files: list[Declaration], folder: Path) -> None:
    """Write every page to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    kfuncs = [(file["subsystem"], kfunc) for file in files for kfunc in file["kfuncs"]]
    pages = {
        "index": _index(files, kfuncs),
        "deprecated": _overview("Deprecated kfuncs", kfuncs, ("deprecated", "superseded")),
        "removed": _overview("Removed kfuncs", kfuncs, ("removed",)),
        "changes": _changes(kfuncs),
    }
    pages.update((file["subsystem"], _page(file)) for file in files)
    for name, lines in pages.items():
        (folder / f"{name}.rst").write_text("\n".join(lines) + "\n", encoding="utf-8")


Kfuncs = list[tuple[str, Declaration]]


def _page(file: Declaration) -> Iterator[str]:
    yield from _heading(file["title"], "=")
    yield from (file["description"], f":Recorded: up to {file['recorded']}", f":Contact: {file['contact']}", "")
    for kfunc in file["kfuncs"]:
        yield from (f".. c:function:: {kfunc['prototype']}", "")
        yield from (f"   {line}".rstrip() for line in _kfunc(kfunc))


def _kfunc(kfunc: Declaration) -> Iterator[str]:
    yield from (kfunc["summary"], "")
    if "description" in kfunc:
        yield from kfunc["description"].split("\n")
    end = _end(kfunc)
    yield f":Stability: {_stability(kfunc)}"
    yield f":In the kernel since: {kfunc['history'][0]['release']}"
    if end["event"] == "deprecated":
        yield f":Deprecated since: {end['release']}"
        yield f":What is to happen: Removal in {end['removal']}"
    if end["event"] == "removed":
        yield f":Gone from: {end['release']}"
    if _instead(kfunc):
        yield f":Replacement: {_instead(kfunc)}"
    if "reason" in end:
        yield f":Reason: {end['reason']}"
    if "said_in" in end:
        yield f":Said in: ``{end['said_in']}``"
    yield f":Flags: {_literals(kfunc['flags'])}"
    yield f":Program types: {_literals(kfunc['program_types'])}"
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


def _index(files: list[Declaration], kfuncs: Kfuncs) -> Iterator[str]:
    yield from _heading("BPF kernel functions (kfuncs)", "=")
    yield from (".. toctree::", "   :maxdepth: 1", "", "   deprecated", "   removed", "   changes")
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
