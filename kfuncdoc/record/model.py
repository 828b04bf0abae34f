# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The models of declarations, which are the only source of the schema.

The loader validates YAML against these frozen models, ``kfuncdoc schema`` prints their JSON Schema, and the schema
reference of the guide is generated from their fields.  A model checks the *form* of one value.  A check that needs
the release calendar or another record is a rule (see :mod:`kfuncdoc.record.rules`).

Optional fields are written ``Optional[...]``: pydantic evaluates the annotations, and Python 3.9
cannot evaluate ``str | None``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Mapping, Optional, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from kfuncdoc.bpf.prototype import PrototypeError, parse_prototype
from kfuncdoc.kernels.releases import RELEASE, RELEASE_OR_RANGE

#: The most events of a history; the kernel has had fewer releases.
MOST_EVENTS = 500

FLAG = r"^KF_[A-Z0-9_]+$"
PROGRAM_TYPE = r"^BPF_PROG_TYPE_[A-Z0-9_]+$"
POINT_RELEASE = r"^v\d+\.\d+\.\d+$"
SHORT_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
#: The patterns in words, for messages that say what a value should be.
PATTERNS = {
    FLAG: "the name of a flag, KF_...",
    PROGRAM_TYPE: "the name of a program type, BPF_PROG_TYPE_...",
    POINT_RELEASE: "a stable release, as in v6.12.40",
    SHORT_NAME: "a short name of letters, digits, '_', '.' and '-'",
}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise PydanticCustomError("wrong-type", "this should be text, not {got}", {"got": describe(value)})


def describe(value: Any) -> str:
    """Return what *value* is, in the words of YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "text"


def is_name(text: str) -> bool:
    """Whether *text* can be the name of a kfunc."""
    return _NAME.fullmatch(text) is not None


def _name(value: Any) -> str:
    text = _text(value)
    if not is_name(text):
        raise PydanticCustomError("name-invalid", "'{name}' is no name of a C function", {"name": text[:60]})
    return text


def _release(value: Any) -> str:
    text = _text(value)
    if not RELEASE.fullmatch(text):
        raise PydanticCustomError(
            "release-format", "'{text}' is no release", {"text": text[:60], "hint": _spelling(text)}
        )
    return text


def _release_or_range(value: Any) -> str:
    text = _text(value)
    if not RELEASE_OR_RANGE.fullmatch(text):
        raise PydanticCustomError(
            "release-format", "'{text}' is no release and no range", {"text": text[:60], "hint": _spelling(text)}
        )
    return text


def _announced_release(value: Any) -> str:
    return "undecided" if value == "undecided" else _release(value)


def _spelling(text: str) -> str:
    numbers = re.search(r"(?<!\d)(\d{1,3})\.(\d{1,3})(?!\d)", text[:60])
    return f"write v{int(numbers[1])}.{int(numbers[2])}" if numbers else "write it as a git tag, v6.10"


def _prototype(value: Any) -> str:
    text = _text(value)
    try:
        return str(parse_prototype(re.sub(r"[ \t\n]+", " ", text)))
    except PrototypeError as error:
        raise PydanticCustomError("prototype-syntax", "{what}", {"what": str(error), "hint": error.hint}) from None


def _one_line(value: Any) -> str:
    text = _text(value).strip()
    if not text:
        raise PydanticCustomError("wrong-type", "this is empty")
    if "\n" in text:
        raise PydanticCustomError("wrong-type", "this should be one line")
    return text


def _prose(value: Any) -> str:
    if not _text(value).strip():
        raise PydanticCustomError("wrong-type", "this is empty")
    return str(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise PydanticCustomError("wrong-type", "this should be true or false")
    return bool(value == "true")


def _link(value: Any) -> str:
    text = _one_line(value)
    if not re.fullmatch(r"https?://[^\s<>`\"]+", text):
        raise PydanticCustomError("wrong-type", "this should be a link, https://...")
    return text


def _commit(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"[0-9a-f]{12,40}", text):
        raise PydanticCustomError("wrong-type", "this should be a commit: 12 to 40 hexadecimal digits")
    return text


def _replacement(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Name = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"})]
ReleaseName = Annotated[
    str, BeforeValidator(_release), WithJsonSchema({"type": "string", "pattern": f"^{RELEASE.pattern}$"})
]
EventRelease = Annotated[
    str,
    BeforeValidator(_release_or_range),
    WithJsonSchema({"type": "string", "pattern": rf"^(({RELEASE.pattern})?\.\.)?{RELEASE.pattern}$"}),
]
AnnouncedRelease = Annotated[
    str,
    BeforeValidator(_announced_release),
    WithJsonSchema({"type": "string", "pattern": f"^({RELEASE.pattern}|undecided)$"}),
]
PrototypeText = Annotated[str, BeforeValidator(_prototype), WithJsonSchema({"type": "string"})]
Flag = Annotated[str, StringConstraints(pattern=FLAG)]
ProgramType = Annotated[str, StringConstraints(pattern=PROGRAM_TYPE)]
#: One line without markup.
Line = Annotated[str, BeforeValidator(_one_line), WithJsonSchema({"type": "string", "minLength": 1})]
#: One line of reStructuredText.
ProseLine = Annotated[str, BeforeValidator(_one_line), WithJsonSchema({"type": "string", "minLength": 1})]
#: reStructuredText, of one line or many.
Prose = Annotated[str, BeforeValidator(_prose), WithJsonSchema({"type": "string", "minLength": 1})]
Boolean = Annotated[bool, BeforeValidator(_boolean), WithJsonSchema({"type": "boolean"})]
Link = Annotated[str, BeforeValidator(_link), WithJsonSchema({"type": "string", "format": "uri"})]
Commit = Annotated[str, BeforeValidator(_commit), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{12,40}$"})]


class DeclarationModel(BaseModel):
    """The base of all models."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    def get(self, name: str) -> Any:
        """Return the field *name*; None if this model has no such field.

        It gives the same as ``getattr(record, name, None)``, which is slow in pydantic if a field is missing.
        """
        return vars(self).get(name)


class DeclaredReplacement(DeclarationModel):
    """One thing to call instead: a kfunc (``name``), or something that is none (``other``)."""

    name: Optional[Name] = Field(None, description="A declared kfunc.")
    other: Optional[Prose] = Field(None, description="What is no kfunc, in words.")
    when: Optional[Prose] = Field(None, description="In which case this is the one to take.")

    @model_validator(mode="after")
    def _one_of_both(self) -> DeclaredReplacement:
        if (self.name is None) == (self.other is None):
            raise PydanticCustomError("wrong-type", "this should have either name or other")
        return self


_REPLACEMENT_SCHEMA = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/DeclaredReplacement"}]}
Replacements = Annotated[
    tuple[Annotated[DeclaredReplacement, BeforeValidator(_replacement)], ...],
    Field(min_length=1),
]


class Was(DeclarationModel):
    """What held until an event: any of these fields, with null for "was not set"."""

    prototype: Optional[PrototypeText] = Field(None, description="The prototype before.")
    flags: Optional[tuple[Flag, ...]] = Field(None, description="The flags before.")
    flags_for: Optional[dict[ProgramType, tuple[Flag, ...]]] = Field(None, description="The flags a program type had.")
    program_types: Optional[tuple[ProgramType, ...]] = Field(None, description="The registrations before.")
    struct_ops: Optional[tuple[Name, ...]] = Field(None, description="The struct_ops that could call it.")
    source: Optional[Line] = Field(None, description="The file in which it was defined; a move alone is no change.")
    module: Optional[Line] = Field(None, description="The module in which it lived.")
    depends_on: Optional[Line] = Field(None, description="The configuration it needed.")
    filter: Optional[Prose] = Field(None, description="The narrowing that held.")


class _Event(DeclarationModel):
    release: EventRelease = Field(
        description="The first release with the event; ``v6.12..v6.16`` or ``..v6.12`` where that is not certain."
    )
    note: Optional[Prose] = Field(None, description="Anything a reader should know.")
    commit: Optional[Commit] = Field(None, description="The commit in the mainline.")
    link: Optional[Link] = Field(None, description="A patch, thread or page about it.")


class Added(_Event):
    """The kfunc is there from this release on; again, after ``removed``, where a name came back."""

    event: Literal["added"]
    was: Optional[Was] = Field(None, description="Where a name came back: how it was the first time.")


class Changed(_Event):
    """Something about the kfunc changed."""

    event: Literal["changed"]
    was: Optional[Was] = Field(None, description="What held until then.")
    behaviour: Optional[Prose] = Field(None, description="What changed and is in no other field, in words.")
    breaking: Boolean = Field(
        False,
        description="Whether an unmodified program is refused by libbpf's prototype check or by the verifier, "
        "or behaves differently.",
    )
    avoid_before: Boolean = Field(False, description="Whether the kfunc should not be called before this release.")


class Superseded(_Event):
    """A successor exists; the kernel announced no end."""

    event: Literal["superseded"]
    replacement: Optional[Replacements] = Field(None, description="What to call instead.")
    reason: Optional[Prose] = Field(None, description="Why.")
    said_in: Optional[Line] = Field(None, description="Where it is said: a path in the kernel tree, or a link.")


class AlsoSaid(DeclarationModel):
    """Another announcement of the same end, where the kernel contradicts itself."""

    removal: Optional[AnnouncedRelease] = Field(None, description="The first release without the kfunc.")
    change: Optional[AnnouncedRelease] = Field(None, description="The first release with the other prototype.")
    said_in: Line = Field(description="Where it is said.")


class Deprecated(_Event):
    """An end is announced.

    A second one while the first is open restates the plan: fields left out stay as they were.
    """

    event: Literal["deprecated"]
    reason: Optional[Prose] = Field(None, description="Why.")
    said_in: Optional[Line] = Field(None, description="Where the kernel says it: a path in its tree, or a link.")
    removal: Optional[AnnouncedRelease] = Field(
        None, description="The first release that is to be without the kfunc, or ``undecided``."
    )
    change: Optional[AnnouncedRelease] = Field(
        None, description="The first release in which the name is to have another prototype, or ``undecided``."
    )
    becomes: Optional[PrototypeText] = Field(None, description="The prototype after the change.")
    also_said: Optional[tuple[AlsoSaid, ...]] = Field(
        None, description="Other announcements of the same; the earliest release governs."
    )
    renamed_to: Optional[Name] = Field(None, description="The same function under its new name.")
    replacement: Optional[Replacements] = Field(None, description="What to call instead.")
    no_replacement: Optional[Prose] = Field(None, description="Why nothing replaces it.")
    signal: Optional[Literal["dmesg", "verifier-log"]] = Field(None, description="Where the kernel warns at run time.")


class Withdrawn(_Event):
    """The deprecation is taken back."""

    event: Literal["withdrawn"]
    reason: Prose = Field(description="Why.")


class Removed(_Event):
    """The kfunc is gone; ``release`` is the first one without it."""

    event: Literal["removed"]
    reason: Optional[Prose] = Field(None, description="Why.")
    said_in: Optional[Line] = Field(None, description="Where the kernel says it.")
    renamed_to: Optional[Name] = Field(None, description="The same function under its new name.")
    replacement: Optional[Replacements] = Field(None, description="What to call instead.")
    no_replacement: Optional[Prose] = Field(None, description="Why nothing replaces it.")


Event = Annotated[
    Union[Added, Changed, Superseded, Deprecated, Withdrawn, Removed],
    Field(discriminator="event"),
]


#: The models of events, by kind.
EVENTS: Mapping[str, type[_Event]] = {
    "added": Added, "changed": Changed, "superseded": Superseded, "deprecated": Deprecated, "withdrawn": Withdrawn,
    "removed": Removed,
}  # fmt: skip


class Wrapper(DeclarationModel):
    """What programs call instead of the bare kfunc."""

    name: Line = Field(description="The inline function or macro.")
    header: Line = Field(description="The header that has it.")


class User(DeclarationModel):
    """A program or project that calls the kfunc."""

    name: Line = Field(description="The program or project.")
    url: Link = Field(description="Where its source is.")
    note: Optional[Line] = Field(None, description="What it calls the kfunc for.")


class Backport(DeclarationModel):
    """A change that also reached a stable kernel; it changes no state."""

    kernel: Annotated[str, StringConstraints(pattern=POINT_RELEASE)] = Field(description="As in v6.12.40.")
    commit: Optional[Commit] = Field(None, description="The commit in the stable tree.")
    note: Optional[Prose] = Field(None, description="What was brought back.")


class Kfunc(DeclarationModel):
    """One kfunc: how it is now, and its history."""

    name: Name = Field(description="The name that BPF programs call.")
    summary: Optional[ProseLine] = Field(None, description="One line: what it does for a BPF program.")
    description: Optional[Prose] = Field(None, description="More, where one line is not enough.")
    prototype: PrototypeText = Field(description="As BPF programs call it: without implicit arguments.")
    flags: tuple[Flag, ...] = Field((), description="The ``KF_*`` flags it is registered with.")
    flags_for: dict[ProgramType, tuple[Flag, ...]] = Field(
        {}, description="Other flags for one program type, where its set has others."
    )
    program_types: tuple[ProgramType, ...] = Field(
        (), description="What it is registered for; ``BPF_PROG_TYPE_UNSPEC`` means any."
    )
    struct_ops: tuple[Name, ...] = Field((), description="The struct_ops that may call it, where limited to some.")
    filter: Optional[Prose] = Field(None, description="How a filter narrows this further, in words.")
    source: Optional[Line] = Field(None, description="The file in the kernel tree that defines it.")
    module: Optional[Line] = Field(None, description="The module in which it lives.")
    depends_on: Optional[Line] = Field(None, description="A Kconfig expression, without ``CONFIG_``.")
    wrapper: Optional[Wrapper] = Field(None, description="What programs call instead of the bare kfunc.")
    users: tuple[User, ...] = Field((), description="Known users.")
    backports: tuple[Backport, ...] = Field((), description="Stable kernels that got it too.")
    history: Annotated[tuple[Event, ...], Field(min_length=1, max_length=MOST_EVENTS)] = Field(
        description="What happened, in the order of releases; only ever appended to."
    )


class Header(DeclarationModel):
    """A subsystem, without its kfuncs."""

    subsystem: Annotated[str, StringConstraints(pattern=SHORT_NAME)] = Field(description="A short name.")
    title: Line = Field(description="The title of the page.")
    recorded: ReleaseName = Field(description="The release up to which the file was compared with a kernel.")
    description: Optional[Prose] = Field(None, description="What these kfuncs are for.")
    contact: Optional[Line] = Field(None, description="The mailing list on which to speak up.")
    guidelines: Optional[Prose] = Field(None, description="The subsystem's own habits.")


class Subsystem(Header):
    """One file: a subsystem and its kfuncs."""

    kfuncs: tuple[Kfunc, ...] = Field(description="The kfuncs, in the order in which the page shows them.")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a declaration file, for editors."""
    schema = Subsystem.model_json_schema()
    for definition in schema["$defs"].values():
        replacement = definition.get("properties", {}).get("replacement")
        for choice in (replacement or {}).get("anyOf", ()):
            if "items" in choice:
                choice["items"] = _REPLACEMENT_SCHEMA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
