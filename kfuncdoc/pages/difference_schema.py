# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The JSON Schema of what ``kfuncdoc diff --format json`` prints."""

from __future__ import annotations

from typing import Mapping

from kfuncdoc.base import json_schema as json_schemas
from kfuncdoc.base.json_schema import Schema

#: The version of the JSON.
FORMAT = 1
#: The lists of the document, in order: a kfunc is in each list that is true of it.
LISTS: Mapping[str, str] = {
    "removed": "Kfuncs that the first release has and the last one has not.",
    "breaking": "Kfuncs of both that changed in a way that callers notice.",
    "deprecated": "Kfuncs of both that are deprecated in the last one, since whenever.",
    "superseded": "Kfuncs of both that got a successor, with no end announced.",
    "added": "Kfuncs that the last release has and the first one has not.",
    "passed": "Kfuncs that came and went in between.",
    "quiet": "Kfuncs of both that changed in a way that no caller notices.",
}


def json_schema() -> Schema:
    """Return the JSON Schema of a difference."""
    replacement = json_schemas.record(
        "One of them.",
        {
            "name": json_schemas.nullable(json_schemas.text("The kfunc to call; null where it is no kfunc.")),
            "words": json_schemas.text("What to call, and in which case, in words."),
            "in_from": _presence("Whether the first release has it; null where the record does not say."),
            "in_to": _presence("Whether the last release has it; null where the record does not say."),
            "deprecated": json_schemas.flag("Whether it is deprecated itself in the last one."),
        },
    )
    kfunc = json_schemas.record(
        "One kfunc.",
        {
            "name": json_schemas.text("Its name."),
            "subsystem": json_schemas.text("The short name of its subsystem."),
            "told": json_schemas.texts("What happened, in words, without its name."),
            "instead": json_schemas.array("What to call instead.", replacement),
            "no_replacement": json_schemas.nullable(
                json_schemas.text("Why nothing replaces it; null where something does, or nothing is said.")
            ),
        },
    )
    return json_schemas.document(
        "Difference",
        "What `kfuncdoc diff --format json` prints.",
        FORMAT,
        {
            "from": json_schemas.text("The release that programs run on."),
            "to": json_schemas.text("The later release that they are to run on."),
            "behind": json_schemas.mapping(
                "The subsystems whose record does not reach the last release, each with how far it goes.",
                {"type": "string"},
            ),
            **{name: json_schemas.array(description, kfunc) for name, description in LISTS.items()},
        },
    )


def _presence(description: str) -> Schema:
    return json_schemas.nullable(json_schemas.flag(description))
