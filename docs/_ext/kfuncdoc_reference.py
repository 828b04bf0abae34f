# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The reference pages of the guide, made from the code that they describe.

``.. kfuncdoc-reference:: PART`` asks one function of this module for lines of rst and parses them
in place.  The code has the names, types, defaults and words; what it has no words for stands in
the tables below, and a table that lacks an entry, or has one too many, fails the build.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import typing
from typing import Any, Callable, ClassVar, Iterable, Iterator, Mapping

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

import kfuncdoc
from kfuncdoc import api
from kfuncdoc.audit import findings, ignores, reports
from kfuncdoc.audit.findings import AuditRule, Status
from kfuncdoc.base import diagnostics
from kfuncdoc.base.resources import packaged
from kfuncdoc.cli import arguments, declarations, main
from kfuncdoc.kernels import messages, observation
from kfuncdoc.kernels.messages import Topic, load_messages
from kfuncdoc.kernels.packaged import load_calendar
from kfuncdoc.pages import columns, difference_schema, explanation, export, rst, selection
from kfuncdoc.record import model
from kfuncdoc.record.model import EVENTS
from kfuncdoc.sphinxext import directives as directives_module
from kfuncdoc.sphinxext import options

# -- words that the code has no place for

#: The forms of values in a declaration: the alias of the model, its name, and what it looks like.
FORMS: tuple[tuple[Any, str, str], ...] = (
    (model.Name, "name", "An identifier of C: ``bpf_task_acquire``."),
    (model.ReleaseName, "release", "A release of the kernel, as its git tag: ``v6.10``."),
    (
        model.EventRelease, "release or range",
        "``v6.10``; or ``v6.12..v6.16``, not yet in v6.12 and so by v6.16; or ``..v6.12``, by v6.12.",
    ),
    (model.AnnouncedRelease, "announced release", "``v7.5``, or ``undecided``. It may still be to come."),
    (
        model.PrototypeText, "prototype",
        "One declaration of a C function, without a body, a semicolon or ``__bpf_kfunc``.",
    ),
    (model.Flag, "flag", "``KF_ACQUIRE`` and the like."),
    (model.ProgramType, "program type", "``BPF_PROG_TYPE_XDP`` and the like."),
    (model.AttachType, "attach type", "``BPF_TRACE_ITER`` and the like."),
    (model.GroupName, "name of a group", "Letters, digits, ``_``, ``.`` and ``-``."),
    (model.Prose, "prose", "reStructuredText, one line or many; no section titles."),
    (model.Line, "line", "One line of text. A summary is reStructuredText, all others are shown as they are."),
    (model.Boolean, "true or false", "``true``, ``false``."),
    (model.Link, "link", "``https://...`` or ``http://...``."),
    (model.Commit, "commit", "12 to 40 hexadecimal digits."),
)  # fmt: skip
#: The sections of records, by the record: the label, the title, and the word for one of them.
RECORDS: Mapping[type[BaseModel], tuple[str, str, str]] = {
    model.Subsystem: ("schema-file", "A file", "file"),
    model.Kfunc: ("schema-kfunc", "A kfunc", "kfunc"),
    model.Was: ("schema-was", "``was``", "former values"),
    model.DeclaredCaller: ("schema-caller", "A caller", "caller"),
    model.DeclaredReplacement: ("schema-replacement", "``replacement``", "replacement"),
    model.AlsoSaid: ("schema-also-said", "``also_said``", "announcement"),
    model.Wrapper: ("schema-wrapper", "``wrapper``", "wrapper"),
    model.User: ("schema-users", "``users``", "user"),
    model.Backport: ("schema-backports", "``backports``", "backport"),
    export.Export: ("export-document", "The document", "document"),
    export.ExportedKfunc: ("export-kfunc", "A kfunc", "kfunc"),
    export.ExportedCaller: ("export-allowed", "``allowed``", "caller"),
    export.Deprecation: ("export-deprecated", "``deprecated``", "deprecation"),
    export.ExportedReplacement: ("export-replacement", "``replacement`` and ``superseded_by``", "replacement"),
    export.Dated: ("export-dated", "``added`` and ``removed``", "release with its day"),
}
PLAIN_TYPES = {str: "text", int: "number", bool: "true or false", type(None): "null", Any: "any value"}

JSON_TYPES = {"string": "text", "integer": "number", "boolean": "true or false"}
#: The formats of JSON that have no page of their own, each with its title.
JSON_FORMATS = {
    "check": "``check`` and ``verify``",
    "diff": "``diff``",
    "audit": "``audit``",
    "explain": "``explain``",
    "scan": "``scan``",
}

#: What the groups of rules are about, in the order of the enum.
RULE_GROUPS = {
    "form": "Can the file be read, and has it the shape of the schema?",
    "names": "Names, prototypes, flags and program types.",
    "callers": "Who may call a kfunc that has a filter: ``callers``, ``allowed`` and ``enforced_by``.",
    "releases": "Releases, and how far the record goes.",
    "history": "The events of one kfunc.",
    "replacement": "What to call instead, across files.",
    "prose": "Words for readers.",
    "allowances": "Comments that silence a finding.",
    "references": "Names in hand-written pages. The Sphinx build alone has these.",
    "kernel": "Declarations held against a kernel. ``kfuncdoc verify`` alone has these.",
}

#: What the options of the directives mean.
DIRECTIVE_OPTIONS: dict[str, dict[str, str]] = {
    "kfunc-table": {
        "stability": f"One or several of {', '.join(f'``{name}``' for name in selection.STABILITIES)}.",
        "past-due": "Only those whose announced end is reached and that are still there.",
        "subsystem": "One or several subsystems, by the ``subsystem`` of their file.",
        "added": "Only those that came in this release.",
        "deprecated": "Only those deprecated since this release.",
        "removed": "Only those gone from this release on.",
        "program-type": "Only those that a program of this type may call, through shared hooks too.",
        "columns": "Which columns, in this order; see below.",
        "order": f"One of {', '.join(f'``{name}``' for name in selection.ORDERS)}. Without it, by name.",
    },
    "kfunc-changes": {
        "release": "This release alone.",
        "from": "After this release; without it, from the beginning of the record.",
        "to": "Up to this release; without it, up to the one as of which the site speaks.",
        "sections": "Give each release a section of its own, with an address, instead of a rubric.",
    },
    "kfunc-summary": {},
    "kfunc-lifecycle": {},
}


def page_of(part: str) -> Iterator[str]:
    """Return the lines of rst of one part of the reference."""
    return PARTS[part]()


# -- parts


def schema() -> Iterator[str]:
    """The declaration file, record by record."""
    records = iter(record for record in RECORDS if record.__module__ == model.__name__)
    common = set.intersection(*(set(event.model_fields) for event in EVENTS.values())) - {"event"}
    yield from _record(next(records))
    yield from _record(next(records))
    yield from _target("schema-events")
    yield from _heading("Events")
    yield from ("``event`` says which kind it is. Every event has these:", "")
    yield from _fields(model.Added, only=common)
    for kind, event in EVENTS.items():
        yield from _target(f"event-{kind}")
        yield from _heading(f"``{kind}``", "~")
        yield from _docstring(event)
        yield from _fields(event, without={*common, "event"})
    for record in records:
        yield from _record(record)
    yield from _heading("Forms of values")
    for _, name, words in FORMS:
        yield from _definition(name, words)


def rules() -> Iterator[str]:
    """Every rule, by group."""
    groups: dict[str, list[diagnostics.Rule]] = {}
    for rule in diagnostics.Rule:
        groups.setdefault(rule.group, []).append(rule)
    _same("groups of rules", groups, RULE_GROUPS)
    for group, members in groups.items():
        yield from _heading(group.capitalize())
        yield from (RULE_GROUPS[group], "")
        for rule in members:
            yield from _target(f"rule-{rule.rule}")
            yield from _definition(f"``{rule.rule}`` : {rule.severity.value}", rst.escape(rule.explanation))


def audit() -> Iterator[str]:
    """The findings of an audit, what it ends with, and the file of what is ignored."""
    yield from _heading("Findings")
    for rule in AuditRule:
        yield from _target(f"audit-{rule.rule}")
        name = f"``{rule.rule}`` : {rule.severity.value}"
        yield from _definition(name, rst.escape(rule.explanation))
    yield from _heading("Exit status")
    yield from ("The highest of those that ``--fail-on`` names counts; 1 does before all others.", "")
    meanings = {1: ("1", "Something cannot be used: an argument, an object, a kernel, the record.")}
    for status in Status:
        told = ", ".join(f"``{rule.rule}``" for rule in AuditRule if rule.status is status)
        meanings[status.code] = (f"{status.code} : {status.word}", f"{status.meaning} {told}{'.' if told else ''}")
    for _, (term, words) in sorted(meanings.items()):
        yield from _definition(term, words)
    yield from _heading("What is ignored")
    yield from inspect.cleandoc(ignores.__doc__ or "").split("\n")
    yield ""


def conf_options() -> Iterator[str]:
    """The options of conf.py."""
    for option in options.OPTIONS:
        name = f"kfuncdoc_{option.name}"
        yield from _target(name.replace("_", "-"))
        yield from _definition(f"``{name}`` : {option.metadata['default']!r}", option.metadata["help"])


def directive_pages() -> Iterator[str]:
    """The directives and the role."""
    classes = dict(_directive_classes())
    _same("directives", classes, DIRECTIVE_OPTIONS)
    for name, directive in classes.items():
        spec = directive.option_spec or {}
        _same(f"options of {name}", spec, DIRECTIVE_OPTIONS[name])
        arguments = " NAME" if directive.required_arguments else ""
        yield from _heading(f"``{name}``")
        yield from ("::", "", f"   .. {name}::{arguments}")
        yield from (*(f"      :{option}:" for option in spec), "")
        yield from _docstring(directive)
        for option, words in DIRECTIVE_OPTIONS[name].items():
            yield from _definition(f"``:{option}:``", words)
        if "columns" in spec:
            yield from ("The columns are:", "")
            for column in columns.choosable():
                default = ", shown where none are named" if column.name in columns.DEFAULT_COLUMNS else ""
                yield f'* ``{column.name}``, headed "{column.head}"{default}'
            yield ""
    yield from _heading("The role ``kfunc``")
    yield from _docstring(directives_module.KfuncRole)


def commands() -> Iterator[str]:
    """The command line."""
    for name, parser in _commands(main.make_parser()):
        yield from _target(f"command-{name}")
        yield from _heading(f"``kfuncdoc {name}``")
        yield from ("::", "", f"   kfuncdoc {name} {' '.join(_usage(parser))}".rstrip(), "")
        yield from (f"{parser.description}", "")
        for action in _actions(parser):
            words = rst.escape(f"{action.help}.")
            if action.choices:
                words = f"One of {', '.join(f'``{choice}``' for choice in action.choices)}; {words}"
            yield from _definition(f"``{_written(action)}``", words[0].upper() + words[1:])


def export_format() -> Iterator[str]:
    """The export, record by record."""
    for record in RECORDS:
        if record.__module__ == export.__name__:
            yield from _record(record)


def api_functions() -> Iterator[str]:
    """The functions of the public API."""
    functions = {name: getattr(kfuncdoc, name) for name in kfuncdoc.__all__}
    for name, function in functions.items():
        if inspect.isfunction(function):
            yield from _heading(f"``{name}()``")
            yield from ("::", "", f"   {name}{inspect.signature(function)}", "")
            yield from _docstring(function)


def json_formats() -> Iterator[str]:
    """What commands print as JSON, field by field."""
    for name, title in JSON_FORMATS.items():
        yield from _target(f"json-{name}")
        yield from _heading(title)
        yield from _schema_fields(declarations.json_schema(name))


def _schema_fields(schema: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Yield the fields of an object and those below them, each by its way from the top of the document."""
    for name, field in schema["properties"].items():
        path, inner = f"{place}{name}", field
        form = _json_type(field)
        if field.get("items", {}).get("type") == "object":
            path, inner = f"{place}{name}[]", field["items"]
        optional = "" if name in schema["required"] else ", may be left out"
        yield from _definition(f"``{place}{name}`` : {form}{optional}", rst.escape(field["description"]))
        if "properties" in inner:
            yield from _schema_fields(inner, f"{path}.")


def _json_type(schema: Mapping[str, Any]) -> str:
    """Say in words which values a field has."""
    kind, *null = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "const" in schema:
        words = f"``{schema['const']}``"
    elif "enum" in schema:
        words = " or ".join(f"``{value}``" for value in schema["enum"])
    elif kind == "array":
        words = f"list of {_json_type(schema['items'])}"
    elif kind == "object":
        words = "object" if "properties" in schema else f"mapping to {_json_type(schema['additionalProperties'])}"
    else:
        words = JSON_TYPES[kind]
    return f"{words}, or null" if null else words


def message_page() -> Iterator[str]:
    """The messages of libbpf, the verifier and others, by topic."""
    for group in load_messages(load_calendar()).groups:
        yield from _target(f"messages-{group.id}")
        yield from _heading(group.title)
        yield from (*group.intro.split("\n"), "")
        for topic in group.topics:
            yield from _message_topic(topic)


def _message_topic(topic: Topic) -> Iterator[str]:
    yield from _target(f"message-{topic.id}")
    yield from _heading(topic.title, "~")
    for message in topic.messages:
        yield from (".. code-block:: text", f"   :caption: {explanation.spoken_by(message)}", "")
        yield from (f"   {message.shown}", "")
    yield f":Meaning: {' '.join(topic.meaning.split())}"
    yield f":What to do: {' '.join(topic.to_do.split())}"
    if topic.audits:
        rules = ", ".join(f":ref:`{rule} <audit-{rule}>`" for rule in topic.audits)
        yield f":Audits: {rules}{topic.audits_note}"
    yield ""


PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "schema": schema,
    "rules": rules,
    "audit": audit,
    "options": conf_options,
    "directives": directive_pages,
    "commands": commands,
    "export": export_format,
    "api": api_functions,
    "json": json_formats,
    "messages": message_page,
}
#: Where the words of all parts come from: a page is read again when one of these files changes.
SOURCES = (
    *dict.fromkeys(sys.modules[command.__module__] for command in main.COMMANDS), arguments, main, api,
    diagnostics, difference_schema, export, findings, ignores, model, observation, reports, columns, rst, selection,
    directives_module, options, messages, explanation, sys.modules[__name__],
)  # fmt: skip
#: The data of all parts that are made from data.
DATA = (str(packaged("data") / "messages.yaml"), str(packaged("data") / "releases.yaml"))


# -- models


def _record(record: type[BaseModel]) -> Iterator[str]:
    label, title, _ = RECORDS[record]
    yield from _target(label)
    yield from _heading(title)
    yield from _docstring(record)
    yield from _fields(record)


def _fields(record: type[BaseModel], *, only: Iterable[str] = (), without: Iterable[str] = ()) -> Iterator[str]:
    annotations = typing.get_type_hints(record, include_extras=True)
    for name, field in record.model_fields.items():
        if name in without or (only and name not in only):
            continue
        # Nobody writes an export; it always has all its fields, and some of them are null.
        declared = record.__module__ == model.__name__
        form = type_words(annotations[name])
        if field.is_required() and declared:
            form += ", required"
        elif not declared and type(None) in typing.get_args(annotations[name]):
            form += ", or null"
        yield from _definition(f"``{name}`` : {form}", _described(name, field))


def _described(name: str, field: FieldInfo) -> str:
    return field.description or f"The {name.replace('_', ' ')}."


def type_words(annotation: Any) -> str:
    """Say in words what form a value of this annotation has."""
    if annotation == model.Replacements:
        return f"list of name or {_reference(model.DeclaredReplacement)}"
    if annotation == model.AllowedCallers:
        return f"list of {_reference(model.DeclaredCaller)} or name of a group"
    for alias, name, _ in FORMS:
        if annotation == alias:
            return name
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_words(arguments[0])
    if origin is typing.Literal:
        return " or ".join(f"``{value}``" for value in arguments)
    if origin is tuple:
        several = arguments[-1] is Ellipsis
        return f"list of {type_words(arguments[0])}" if several else "pair of " + type_words(arguments[0])
    if origin is dict:
        return f"mapping of {type_words(arguments[0])} to {type_words(arguments[1])}"
    if origin is typing.Union:
        if set(arguments) == set(EVENTS.values()):
            return ":ref:`event <schema-events>`"
        return " or ".join(type_words(argument) for argument in arguments if argument is not type(None))
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return _reference(annotation)
    return PLAIN_TYPES[annotation]


def _reference(record: type[BaseModel]) -> str:
    label, _, noun = RECORDS[record]
    return f":ref:`{noun} <{label}>`"


# -- directives and commands


def _directive_classes() -> Iterator[tuple[str, type[SphinxDirective]]]:
    """Yield the directives of kfuncdoc with their names, of which those of the classes are the spelling."""
    for directive in vars(directives_module).values():
        own = inspect.isclass(directive) and issubclass(directive, SphinxDirective)
        if own and directive.__module__ == directives_module.__name__:
            name = re.sub(r"(?<!^)(?=[A-Z])", "-", directive.__name__).lower()
            yield name, directive


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    # argparse has no public way to ask a parser for what it knows.
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]


def _written(action: argparse.Action) -> str:
    """Write an argument as it is typed; argparse's own usage is wrapped to the width of the terminal."""
    value = str(action.metavar or (action.dest.upper() if action.nargs != 0 else ""))
    if not action.option_strings:
        return value
    return ", ".join(action.option_strings) + (f" {value}" if value else "")


def _usage(parser: argparse.ArgumentParser) -> Iterator[str]:
    actions = _actions(parser)
    for action in sorted(actions, key=lambda action: not action.option_strings):
        value = str(action.metavar or action.dest.upper()) if action.nargs != 0 else ""
        word = f"{action.option_strings[0]} {value}".rstrip() if action.option_strings else value
        if action.nargs in ("*", "+"):
            word += " ..."
        yield word if action.required and action.nargs != "*" else f"[{word}]"


# -- rst


def _heading(title: str, underline: str = "-") -> Iterator[str]:
    yield from (title, underline * len(title), "")


def _target(label: str) -> Iterator[str]:
    yield from (f".. _{label}:", "")


def _definition(term: str, words: str) -> Iterator[str]:
    yield from (term, f"   {' '.join(words.split())}", "")


def _docstring(described: Any) -> Iterator[str]:
    yield from (*inspect.cleandoc(described.__doc__ or "").split("\n"), "")


def _same(what: str, code: Iterable[str], words: Iterable[str]) -> None:
    """Refuse to build where the words of this module and the code have drifted apart."""
    differing = set(code) ^ set(words)
    if differing:
        raise ValueError(f"kfuncdoc_reference: {what}: {', '.join(sorted(differing))} on one side only")


# -- Sphinx


class Reference(SphinxDirective):
    """One part of the reference, in place."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {}

    def run(self) -> list[nodes.Node]:
        part = directives.choice(self.arguments[0], tuple(PARTS))
        for module in SOURCES:
            self.env.note_dependency(inspect.getfile(module))
        for path in DATA:
            self.env.note_dependency(path)
        lines = StringList(list(page_of(part)), source=f"<{part} of kfuncdoc>")
        parent = nodes.section(document=self.state.document)
        nested_parse_with_titles(self.state, lines, parent)
        return parent.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives; called by Sphinx."""
    app.setup_extension("kfuncdoc")
    app.add_directive("kfuncdoc-reference", Reference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
