# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happened from one release to another, as text, Markdown and JSON: ``kfuncdoc diff``."""

from __future__ import annotations

import json
import textwrap
from typing import Any, Iterator

from kfuncdoc.views.difference import Change, Difference, Group, groups, sentence, summary
from kfuncdoc.views.replacement import Markup


def as_text(found: Difference, width: int, *, quiet: bool = False) -> str:
    """Return *found* for a terminal of *width* columns, by what happened and by subsystem.

    What no caller notices is only counted, unless it is to be told with *quiet*.
    """

    def wrapped(text: str, indent: int) -> str:
        return textwrap.fill(
            text, max(width, 40), initial_indent=" " * indent, subsequent_indent=" " * (indent + 2),
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    lines = [wrapped(summary(found), 0)]
    for group in _shown(found, quiet):
        lines += ["", group.change.heading]
        for subsystem, told in group.by_subsystem.items():
            lines.append(f"  {subsystem}")
            lines += [wrapped(f"{', '.join(alike.names)}: {sentence(alike.entry, found)}", 4) for alike in told]
    return "\n".join(lines) + "\n"


def as_markdown(found: Difference, *, quiet: bool = False) -> str:
    """Return *found* as Markdown, for release notes and issues; as in :func:`as_text`."""
    lines = [f"# kfuncs from {found.first} to {found.last}", "", _escaped(summary(found))]
    for group in _shown(found, quiet):
        lines += ["", f"## {group.change.heading}"]
        for subsystem, told in group.by_subsystem.items():
            lines += ["", f"### {_escaped(subsystem)}", ""]
            lines += [
                f"- {', '.join(f'`{name}`' for name in alike.names)}: {sentence(alike.entry, found, _MARKDOWN)}"
                for alike in told
            ]
    return "\n".join(lines) + "\n"


def _shown(found: Difference, quiet: bool) -> Iterator[Group]:
    return (group for group in groups(found) if quiet or group.change is not Change.QUIET)


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|~&" else character for character in text)


_MARKDOWN = Markup(name=_escaped, words=_escaped)


def as_json(found: Difference) -> str:
    """Return *found* as JSON, format 1: everything in it."""
    document: dict[str, Any] = {
        "format": 1,
        "from": found.first.name,
        "to": found.last.name,
        "behind": {name: release.name for name, release in found.behind},
    }
    for change in Change:
        document[change.key] = [
            {
                "name": entry.name,
                "subsystem": entry.subsystem,
                "told": list(entry.told),
                "instead": [
                    {
                        "name": each.name,
                        "words": each.words,
                        "in_from": each.present_on[0] if each.present_on else None,
                        "in_to": each.present_on[1] if each.present_on else None,
                        "deprecated": each.deprecated,
                    }
                    for each in entry.instead
                ],
                "no_replacement": entry.no_replacement or None,
            }
            for entry in found.of(change)
        ]
    return json.dumps(document, indent=2) + "\n"
