# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""C prototypes of kfuncs: this module checks them, takes them apart, and lays them out for reading.

A prototype is one line of C, ``int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)``.
kfuncdoc needs its name, its parameters as text, and their types as callers see them.  A checked prototype is valid C
for a compiler that knows its types; what a type is, is not checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Optional

from kfuncdoc.bpf.declaration import (
    DEEPEST,
    FunctionType,
    Token,
    annotated,
    is_identifier,
    read_parameter,
    read_parameters,
    read_result,
    spelled,
    tokens_of,
)
from kfuncdoc.bpf.declaration import PrototypeError as PrototypeError  # also for users of this module

_STARS = re.compile(r"\s*((?:\*\s*)+)")
_LINE_WIDTH = 80


@dataclass(frozen=True)
class Prototype:
    """A prototype taken apart: ``returns name(parameters)``."""

    returns: str
    name: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self._head}({', '.join(self.parameters)})"

    @property
    def _head(self) -> str:
        return f"{self.returns}{'' if self.returns.endswith('*') else ' '}{self.name}"

    def laid_out(self, width: int = _LINE_WIDTH) -> str:
        """Return the prototype on as many lines as *width* columns need, in the kernel's style."""
        if len(str(self)) < width:
            return f"{self};"
        head = f"{self._head}("
        # Continuation lines begin below the first parameter, unless that leaves too little room.
        indent = " " * (len(head) if len(head) + max(map(len, self.parameters), default=0) < width else 8)
        lines = [head]
        for number, parameter in enumerate(self.parameters, 1):
            text = parameter + (");" if number == len(self.parameters) else ",")
            fresh = lines[-1] in (head, indent)
            if not fresh and len(lines[-1]) + 1 + len(text) > width:
                lines.append(indent)
                fresh = True
            lines[-1] += text if fresh else f" {text}"
        return "\n".join(lines)


def parse_prototype(text: str) -> Prototype:
    """Take *text* apart; raises :exc:`PrototypeError` if it is not the prototype of one function."""
    return _parse(text).prototype


def function_type(text: str) -> FunctionType:
    """Return the type of the function that the prototype *text* declares; raises :exc:`PrototypeError`."""
    return _parse(text).type


class _Parsed(NamedTuple):
    prototype: Prototype
    type: FunctionType


@lru_cache(maxsize=1024)
def _parse(text: str) -> _Parsed:
    tokens = tokens_of(text)
    opening = _parameter_list(text, tokens)
    name = tokens[opening - 1]
    if not is_identifier(name.text):
        raise PrototypeError("there is no name before the parameters", name.offset)
    result = read_result(tokens[:opening])
    parameters = _split(text, tokens[opening + 1 : -1])
    types = read_parameters(tokens[opening + 1 : -1], tokens[opening])
    return _Parsed(Prototype(_spaced(text[: name.offset]), name.text, parameters), FunctionType(result, types))


def _parameter_list(text: str, tokens: list[Token]) -> int:
    """Return the index of the parenthesis that opens the parameters; they are at the end of the prototype."""
    closing = {"(": ")", "[": "]"}
    open_marks: list[tuple[str, int]] = []
    opening: Optional[int] = None
    for index, (token, offset) in enumerate(tokens):
        if token in closing:
            if not open_marks and token == "(":
                opening = index
            open_marks.append((closing[token], offset))
            if len(open_marks) > DEEPEST:
                raise PrototypeError(f"parentheses nest deeper than {DEEPEST} levels", offset)
        elif token in closing.values():
            if not open_marks or open_marks[-1][0] != token:
                raise PrototypeError(f"'{token}' closes nothing", offset)
            open_marks.pop()
            if not open_marks and index + 1 < len(tokens):
                raise PrototypeError("something follows the parameters", tokens[index + 1].offset)
    if open_marks:
        raise PrototypeError(f"'{text[open_marks[-1][1]]}' is never closed", open_marks[-1][1])
    if opening is None:
        raise PrototypeError("there are no parameters in parentheses", 0, "write (void) for none")
    if opening == 0:
        raise PrototypeError("there is no name before the parameters", 0)
    return opening


def _split(text: str, tokens: list[Token]) -> tuple[str, ...]:
    """Split the tokens between the outer parentheses at the commas that separate parameters."""
    if not tokens:
        return ()
    depth, start = 0, tokens[0].offset
    parameters = []
    for token, offset in tokens:
        depth += (token in "([") - (token in ")]")
        if token == "," and depth == 0:
            parameters.append(_parameter(text, start, offset))
            start = offset + 1
    last, offset = tokens[-1]
    parameters.append(_parameter(text, start, offset + len(last)))
    return tuple(parameters)


def _parameter(text: str, start: int, end: int) -> str:
    parameter = _spaced(text[start:end])
    if not parameter:
        raise PrototypeError("a parameter is missing", start)
    return parameter


def _spaced(text: str) -> str:
    """Return *text* with the white space of the kernel's coding style: ``struct cpumask *mask``."""
    if "*" in text:
        text = _STARS.sub(lambda match: " " + "".join(match[1].split()), text)
    return " ".join(text.split()).replace("( *", "(*")


# -- types as a caller sees them


def as_callers_see(text: str) -> tuple[str, ...]:
    """Return what a caller notices of the prototype *text*; two prototypes with equal tuples are the same to callers.

    The tuple has the types, in a uniform spelling, with the annotations at the ends of parameter names, which tell the
    verifier how to treat an argument.  It has neither names nor ``const``: libbpf's check of prototypes and the
    verifier ignore them.  Raises :exc:`PrototypeError`.
    """
    function = function_type(text)
    return (spelled(function.returns), *map(annotated, function.parameters))


def name_of_parameter(text: str) -> str:
    """Return the name in *text*, one parameter of a prototype; empty if it has none.

    Raises :exc:`PrototypeError` if *text* is not a parameter.
    """
    return read_parameter(tokens_of(text)).name
