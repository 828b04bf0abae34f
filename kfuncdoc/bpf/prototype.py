# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""C prototypes of kfuncs: checked, taken apart, and laid out for reading.

A prototype is one line of C, ``int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)``.
This is no C parser: types are not looked into.  What is needed of a prototype is its name, its
parameters as text, and the certainty that a C lexer will not stumble over it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<number>\d\w*)|(?P<dots>\.\.\.)|(?P<mark>[()\[\]*,]))", re.ASCII)
_SPACE = re.compile(r"\s*", re.ASCII)
_STARS = re.compile(r"\s*((?:\*\s*)+)")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LINE_WIDTH = 80

#: What may stand in the C definition and does not belong to the prototype, with the reason.
_FOREIGN = {
    "__bpf_kfunc": "leave out __bpf_kfunc: it marks the definition in the kernel",
    "static": "a kfunc is not static",
    "extern": "leave out extern",
    "__ksym": "leave out __ksym: it belongs to the declaration in a BPF program",
    "__weak": "leave out __weak: it belongs to the declaration in a BPF program",
}


class PrototypeError(ValueError):
    """The text is no prototype; *offset* is the place in it, *hint* a way out or empty."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.hint = hint


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
        """Return the prototype over as many lines as *width* columns ask for, in the kernel's manner."""
        if len(str(self)) < width:
            return f"{self};"
        head = f"{self._head}("
        # Continuation lines stand below the first parameter, unless that leaves too little room.
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
    """Take *text* apart; raises :exc:`PrototypeError` where it is no prototype of one function."""
    tokens = _tokens(text)
    opening = _parameter_list(text, tokens)
    name, name_offset = tokens[opening - 1]
    if not _IDENTIFIER.fullmatch(name):
        raise PrototypeError("there is no name before the parameters", name_offset)
    returns = _spaced(text[:name_offset])
    if not returns:
        hint = f"write 'void {name}(...)' if it gives nothing"
        raise PrototypeError(f"'{name}' has no return type", name_offset, hint)
    parameters = _split(text, tokens[opening + 1 : -1])
    if not parameters:
        raise PrototypeError("there is nothing between the parentheses", tokens[opening][1], "write (void)")
    return Prototype(returns, name, parameters)


def _tokens(text: str) -> list[tuple[str, int]]:
    """Return the tokens of *text*, each with its offset."""
    tokens: list[tuple[str, int]] = []
    offset, end = 0, len(text.rstrip())
    while offset < end:
        match = _TOKEN.match(text, offset)
        if match is None:
            offset = _SPACE.match(text, offset).end()  # type: ignore[union-attr]  # it matches no space, too
            raise PrototypeError(f"'{text[offset]}' cannot stand in a prototype", offset, _advice(text[offset]))
        token = match[match.lastgroup or 0]
        offset = match.end()
        if token in _FOREIGN:
            raise PrototypeError(f"'{token}' does not belong to a prototype", offset - len(token), _FOREIGN[token])
        tokens.append((token, offset - len(token)))
    return tokens


def _advice(character: str) -> str:
    if character == ";":
        return "leave out the semicolon"
    return "leave out the body" if character == "{" else ""


def _parameter_list(text: str, tokens: list[tuple[str, int]]) -> int:
    """Return the index of the parenthesis that opens the parameters, which end the prototype."""
    closing = {"(": ")", "[": "]"}
    open_marks: list[tuple[str, int, int]] = []
    opening: Optional[int] = None
    for index, (token, offset) in enumerate(tokens):
        if token in closing:
            if not open_marks and token == "(":
                opening = index
            open_marks.append((closing[token], offset, index))
        elif token in closing.values():
            if not open_marks or open_marks[-1][0] != token:
                raise PrototypeError(f"'{token}' closes nothing", offset)
            open_marks.pop()
            if not open_marks and index + 1 < len(tokens):
                raise PrototypeError("something follows the parameters", tokens[index + 1][1])
    if open_marks:
        raise PrototypeError(f"'{text[open_marks[-1][1]]}' is never closed", open_marks[-1][1])
    if opening is None:
        raise PrototypeError("there are no parameters in parentheses", 0, "write (void) for none")
    if opening == 0:
        raise PrototypeError("there is no name before the parameters", 0)
    return opening


def _split(text: str, tokens: list[tuple[str, int]]) -> tuple[str, ...]:
    """Split the tokens between the outer parentheses at the commas that separate parameters."""
    if not tokens:
        return ()
    depth, start = 0, tokens[0][1]
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


# -- what a caller sees


#: Words that a caller of the function does not notice: they qualify what is behind a pointer.
_UNSEEN = frozenset(["const", "volatile", "restrict"])
#: Words that are a type, or the beginning of one, and never the name of a parameter.
_BASIC = frozenset(["void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "bool", "_Bool"])
_TAGGED = frozenset(["struct", "union", "enum"])
#: How the verifier treats an argument is in the end of its name: ``mem__sz``, ``s__str``, ``p__nullable``.
_ANNOTATION = re.compile(r"\w(__[a-z][a-z0-9_]*)$")


def as_callers_see(text: str) -> tuple[str, ...]:
    """Return what matters to a caller of the prototype *text*, to be compared with another such tuple.

    That are the types, in one spelling, and the annotations at the end of the names of parameters,
    which tell the verifier how to treat an argument.  Names themselves and ``const`` do not matter:
    neither libbpf's check of prototypes nor the verifier looks at them.  Raises :exc:`PrototypeError`.
    """
    prototype = parse_prototype(text)
    return (_seen_type(_words(prototype.returns)), *(_seen_parameter(_words(each)) for each in prototype.parameters))


def _words(text: str) -> list[str]:
    return [token for token, _ in _tokens(text)]


def types_of(text: str) -> tuple[str, ...]:
    """Return the types in the prototype *text*, that of the result first, in one spelling and without ``const``.

    A function without parameters has the one type ``void`` for them.  Raises :exc:`PrototypeError`.
    """
    prototype = parse_prototype(text)
    return (_seen_type(_words(prototype.returns)), *(_typed(_words(each))[0] for each in prototype.parameters))


def name_of_parameter(text: str) -> str:
    """Return the name in *text*, one parameter of a prototype; empty where it has none."""
    words = [word for word in _words(text) if word not in _UNSEEN]
    if "(" in words:
        return _head_of_callback(words)[1]
    if "[" in words:
        words = words[: words.index("[")]
    return words[-1] if _is_named(words) else ""


def _seen_parameter(words: list[str]) -> str:
    return "".join(_typed(words))


def _typed(words: list[str]) -> tuple[str, str]:
    """Return the type of a parameter, and the annotation at the end of its name."""
    words = [word for word in words if word not in _UNSEEN]
    if "(" in words:
        return _typed_callback(words)
    dimensions = words.count("[")
    if dimensions:
        words = words[: words.index("[")]
    name = words[-1] if _is_named(words) else ""
    # An array as a parameter is a pointer to its first element.
    typed = (words[:-1] if name else words) + ["*"] * dimensions
    return _seen_type(typed), _annotation_of(name)


def _annotation_of(name: str) -> str:
    annotation = _ANNOTATION.search(name)
    return annotation[1] if annotation else ""


def _is_named(words: list[str]) -> bool:
    """Whether the last of *words*, which are one parameter, is its name."""
    last = words[-1]
    if not _IDENTIFIER.fullmatch(last) or last in _BASIC:
        return False
    return len(words) > 1 and words[-2] not in _TAGGED


def _typed_callback(words: list[str]) -> tuple[str, str]:
    """Return the type of a parameter that is a function, ``int (*callback)(void *map)``, and its annotation."""
    parameters = [_seen_parameter(each) for each in _at_commas(words[_opening_of_the_last(words) + 1 : -1])]
    returns, name = _head_of_callback(words)
    return f"{_seen_type(returns)} (*)({', '.join(parameters)})", _annotation_of(name)


def _head_of_callback(words: list[str]) -> tuple[list[str], str]:
    """Return the words of what a callback returns, and its name."""
    head = [word for word in words[: _opening_of_the_last(words)] if word not in "()"]
    name = head.pop() if head and _IDENTIFIER.fullmatch(head[-1]) and head[-1] not in _BASIC else ""
    # `int (callback)(...)` and `int (*callback)(...)` are the same as a parameter.
    pointers = words[: words.index("(")].count("*")
    return [word for word in head if word != "*"] + ["*"] * pointers, name


def _opening_of_the_last(words: list[str]) -> int:
    """Return the index of the parenthesis that opens the last group of *words*, the parameters of a callback."""
    depth = 0
    for index in range(len(words) - 1, -1, -1):
        depth += (words[index] == ")") - (words[index] == "(")
        if words[index] == "(" and depth == 0:
            return index
    return 0


def _at_commas(words: list[str]) -> list[list[str]]:
    """Split *words* at the commas that are in no parentheses."""
    parts: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if word == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _seen_type(words: list[str]) -> str:
    words = [word for word in words if word not in _UNSEEN]
    basic = sorted(word for word in words if word in _BASIC)
    if len(basic) > 1 and "int" in basic:
        basic.remove("int")  # `unsigned int` is `unsigned`, `long int` is `long`
    rest = [word for word in words if word not in _BASIC]
    return " ".join(basic + rest).replace("_Bool", "bool").replace("* *", "**")
