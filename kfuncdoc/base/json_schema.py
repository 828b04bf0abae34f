# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Functions that make the JSON Schemas of what commands print: one for each form of value, each with a description.

The schema of a format is in the module that writes the format, or beside it.
"""

from __future__ import annotations

from typing import Any, Collection, Mapping

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(title: str, description: str, version: int, fields: Mapping[str, Schema], **more: Any) -> Schema:
    """Return the schema of a whole document; its first field is the *version* of its format."""
    versioned = {
        "format": {"type": "integer", "const": version, "description": "The version of this format."},
        **fields,
    }
    return {"$schema": DIALECT, "title": title, **record(description, versioned, **more)}


def record(description: str, fields: Mapping[str, Schema], *, optional: Collection[str] = ()) -> Schema:
    """Return the schema of an object with *fields* and no others; those that are *optional* may be left out."""
    return {
        "type": "object",
        "description": description,
        "properties": dict(fields),
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
    }


def mapping(description: str, values: Schema) -> Schema:
    """Return the schema of an object whose keys are data."""
    return {"type": "object", "description": description, "additionalProperties": values}


def array(description: str, items: Schema) -> Schema:
    return {"type": "array", "description": description, "items": items}


def texts(description: str) -> Schema:
    """Return the schema of a list of strings."""
    return array(description, {"type": "string"})


def text(description: str) -> Schema:
    return {"type": "string", "description": description}


def choice(description: str, values: Collection[str]) -> Schema:
    """Return the schema of a string that is one of *values*."""
    return {"type": "string", "enum": list(values), "description": description}


def number(description: str) -> Schema:
    return {"type": "integer", "description": description}


def flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def nullable(schema: Schema) -> Schema:
    """Return *schema*, changed so that it also allows null."""
    return {**schema, "type": [schema["type"], "null"]}
