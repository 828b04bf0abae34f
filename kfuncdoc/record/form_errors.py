# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Errors in the form of a file: from pydantic's errors to diagnostics in the words of YAML.

pydantic reports the path of a value and what it should be.  This module makes from that the rule, the place in the
YAML, a message in the words of YAML, and a hint that says what to write instead.
"""

from __future__ import annotations

from typing import Any, Iterator, NamedTuple

from pydantic import BaseModel, ValidationError

from kfuncdoc.base.diagnostics import Rule, nearest
from kfuncdoc.base.yaml_text import KeyPath, Place, SourceFile
from kfuncdoc.record import model
from kfuncdoc.record.model import EVENTS, describe


class FormError(NamedTuple):
    """An error in the form of the value at the path *keys* of the record."""

    rule: Rule
    keys: KeyPath
    place: Place
    message: str
    hint: str = ""


#: Facts that kfuncdoc works out.  People may try to declare them.
DERIVED = frozenset(
    "stability state status deprecated removed superseded added since past_due remaining lifespan "
    "remaining_lifespan remaining_releases removal replacement renamed_to lts callable_from".split()
)


def form_errors(
    source: SourceFile, error: ValidationError, at: KeyPath, record: type[BaseModel]
) -> Iterator[FormError]:
    """Yield the errors that *error* has about the *record* at the path *at* of *source*."""
    errors = error.errors(include_url=False)
    for detail in errors:
        kind = detail["type"]
        if kind == "too_short" and len(errors) > 1 and detail["input"]:
            continue  # only because its items are wrong; these have errors of their own
        keys = _without_tags(detail["loc"])
        full = (*at, *keys)
        place = source.place(*full)
        context = detail.get("ctx", {})
        rule = Rule.named(kind)
        if rule is not None:
            yield FormError(rule, keys, place, detail["msg"], str(context.get("hint", "")))
        elif kind == "too_long":
            yield FormError(Rule.TOO_LARGE, keys, place, f"more than {context['max_length']} events")
        elif kind == "missing":
            yield FormError(Rule.MISSING_KEY, keys, source.place(*full[:-1]), f"'{keys[-1]}' is missing")
        elif kind == "union_tag_not_found":
            yield FormError(Rule.MISSING_KEY, keys, place, "'event' is missing", f"one of {', '.join(EVENTS)}")
        elif kind == "union_tag_invalid":
            event = str(context.get("tag", ""))[:60]
            hint = nearest(event, EVENTS) or f"one of {', '.join(EVENTS)}"
            place = source.place(*full, "event")
            yield FormError(Rule.WRONG_TYPE, keys, place, f"there is no event '{event}'", hint)
        elif kind == "extra_forbidden":
            place = source.key_place(*full)
            message = f"unknown key '{str(full[-1])[:60]}'"
            yield FormError(Rule.UNKNOWN_KEY, keys, place, message, _hint_for_unknown_key(source, full, record))
        else:
            yield FormError(Rule.WRONG_TYPE, keys, place, _wrong_type(detail), _list_hint(detail))


def _without_tags(location: KeyPath) -> KeyPath:
    """Return pydantic's path without the kinds of events and the marks of keys that pydantic adds."""
    keys = location
    if len(keys) > 2 and keys[0] == "history":
        keys = (*keys[:2], *keys[3:])
    if len(keys) > 2 and keys[-1] == "[key]" and keys[-3] in ("flags_for", "callers"):
        keys = keys[:-1]
    return keys


def _hint_for_unknown_key(source: SourceFile, keys: KeyPath, record: type[BaseModel]) -> str:
    """Return a hint for an unknown key, the last of *keys*, or the empty string."""
    key = str(keys[-1])
    kinds = [kind for kind, event in EVENTS.items() if key in event.model_fields]
    if keys[-3:-2] == ("history",) and key in EVENTS:
        return f"{key} is an event of its own"
    if keys[-3:-2] == ("history",) and kinds:
        return f"only {', '.join(kinds)} {'has' if len(kinds) == 1 else 'have'} it"
    similar = nearest(key, _known_keys(source, keys, record))
    if key in DERIVED and not similar:
        return "leave it out: kfuncdoc works this out from the history"
    return similar


def _known_keys(source: SourceFile, keys: KeyPath, record: type[BaseModel]) -> list[str]:
    """Return the keys that the schema allows at the place of the last of *keys*."""
    parents = [key for key in keys[:-1] if isinstance(key, str)]
    nested: dict[str, type[BaseModel]] = {
        "was": model.Was, "wrapper": model.Wrapper, "users": model.User, "backports": model.Backport,
        "replacement": model.DeclaredReplacement, "also_said": model.AlsoSaid,
        "allowed": model.DeclaredCaller,
    }  # fmt: skip
    if parents[:1] == ["callers"]:
        return list(model.DeclaredCaller.model_fields)
    if parents and parents[-1] in nested:
        record = nested[parents[-1]]
    elif parents and parents[-1] == "history":
        value: Any = source.value
        for key in keys[:-1]:
            value = value[key]
        record = EVENTS[value["event"]]
    return list(record.model_fields)


_EXPECTED = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_type": "text",
}


def _wrong_type(detail: Any) -> str:
    """Return the message for a value of the wrong type, without pydantic's own words."""
    value, kind = detail["input"], detail["type"]
    if kind == "string_pattern_mismatch":
        return f"'{str(value)[:60]}' is not {model.PATTERNS[detail['ctx']['pattern']]}"
    if kind == "too_short":
        return "this list is empty"
    if kind == "literal_error":
        return f"'{str(value)[:60]}' is not {detail['ctx']['expected']}"
    return f"this should be {_EXPECTED.get(kind, 'something else')}, not {describe(value)}"


def _list_hint(detail: Any) -> str:
    """Return how to write a text that should be a list, or the empty string."""
    value = detail["input"]
    should_be_list = _EXPECTED.get(detail["type"]) == "a list"
    return f"write [{value}]" if should_be_list and isinstance(value, str) and len(value) < 60 else ""
