# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A reader of C declarations as prototypes have them: tokens, and the types that they make.

It reads the part of C's grammar that a prototype needs (C11 6.7.2, 6.7.6 and 6.7.7): a type in words, then a
declarator with pointers, arrays and functions around a name or around none.  It does not know which names are
typedefs, and does not expand macros: an additional word beside a type (``__arena``) counts as an annotation of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, Optional, Sequence, Union

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<number>\d\w*)|(?P<dots>\.\.\.)|(?P<mark>[()\[\]*,]))", re.ASCII)
_SPACE = re.compile(r"\s*", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)

#: Words that qualify a type.  A caller of the function does not notice them.
_QUALIFIERS = frozenset(["const", "volatile", "restrict"])
#: Words that are a type or a part of a type, and never a name.
_BASIC = frozenset(["void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "bool", "_Bool"])
_TAGS = frozenset(["struct", "union", "enum"])
#: The most pointers, arrays and functions of one declaration, and the deepest nesting of brackets in a prototype.
DEEPEST = 12

#: Words that a C definition may have and a prototype may not, each with the reason.
_FOREIGN = {
    "__bpf_kfunc": "leave out __bpf_kfunc: it marks the definition in the kernel",
    "static": "a kfunc is not static",
    "extern": "leave out extern",
    "__ksym": "leave out __ksym: it belongs to the declaration in a BPF program",
    "__weak": "leave out __weak: it belongs to the declaration in a BPF program",
}
#: The other keywords of C11 (6.4.1) that neither name a type nor anything else.  ``sizeof`` and its like can stand in
#: the length of an array.
_KEYWORDS = frozenset(
    "auto break case continue default do else for goto if inline register return switch typedef while "
    "_Alignas _Generic _Imaginary _Noreturn _Static_assert _Thread_local".split()
)
VARIADIC = "..."


class PrototypeError(ValueError):
    """The text is no prototype; *offset* is the place of the error, *hint* says what to write, or is empty."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.hint = hint


class Token(NamedTuple):
    """A word, a number or a punctuation mark of C, and its offset in the text."""

    text: str
    offset: int


@dataclass(frozen=True)
class PlainType:
    """A type in words, without qualifiers: ``unsigned int``, ``struct task_struct``, ``...``."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class PointerType:
    """A pointer to another type."""

    to: CType


@dataclass(frozen=True)
class ArrayType:
    """An array of another type, whatever its length."""

    of: CType


@dataclass(frozen=True)
class FunctionType:
    """A function.  If it has no parameters, it has a single one of the type ``void``."""

    returns: CType
    parameters: tuple[Parameter, ...]


CType = Union[PlainType, PointerType, ArrayType, FunctionType]
VOID = PlainType(("void",))


@dataclass(frozen=True)
class Parameter:
    """A parameter: its type, and its name, which may be empty."""

    type: CType
    name: str


def is_identifier(text: str) -> bool:
    """Whether *text* can name something in C."""
    return _IDENTIFIER.fullmatch(text) is not None and text not in _QUALIFIERS | _BASIC | _TAGS


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of *text*; raises :exc:`PrototypeError` if a prototype cannot have one of them."""
    tokens: list[Token] = []
    offset, end = 0, len(text.rstrip())
    while offset < end:
        match = _TOKEN.match(text, offset)
        if match is None:
            offset = _SPACE.match(text, offset).end()  # type: ignore[union-attr]  # the pattern also matches the empty text
            raise PrototypeError(f"'{text[offset]}' cannot stand in a prototype", offset, _advice(text[offset]))
        token = match[match.lastgroup or 0]
        offset = match.end()
        if token in _FOREIGN:
            raise PrototypeError(f"'{token}' does not belong to a prototype", offset - len(token), _FOREIGN[token])
        if token in _KEYWORDS:
            raise PrototypeError(f"'{token}' is a keyword of C", offset - len(token))
        tokens.append(Token(token, offset - len(token)))
    return tokens


def _advice(character: str) -> str:
    if character == ";":
        return "leave out the semicolon"
    return "leave out the body" if character == "{" else ""


def read_parameter(tokens: Sequence[Token]) -> Parameter:
    """Return the parameter that *tokens* declare; raises :exc:`PrototypeError`."""
    reader = _ParameterReader(tokens)
    declaration = Parameter(PlainType((VARIADIC,)), "") if reader.takes(VARIADIC) else reader.declaration()
    reader.expect_end()
    return declaration


def read_parameters(tokens: Sequence[Token], opening: Token) -> tuple[Parameter, ...]:
    """Return the parameters that *tokens* declare: all tokens from the *opening* parenthesis to the last one."""
    reader = _ParameterReader(tokens)
    parameters = reader.parameters(opening)
    reader.expect_end()
    return parameters


def read_result(tokens: Sequence[Token]) -> CType:
    """Return the type of a function's result from *tokens*, all that are before its name; raises PrototypeError."""
    name = tokens[-1]
    hint = f"write 'void {name.text}(...)' if it gives nothing"
    untyped = PrototypeError(f"'{name.text}' has no return type", name.offset, hint)
    reader = _ParameterReader(tokens, untyped)
    returns = reader.result()
    if reader.is_at_end:
        raise untyped  # the word that should be the name was read as the type
    reader.takes(name.text)
    reader.expect_end()
    if returns == VOID and [token.text for token in tokens[:-1]] != ["void"]:
        raise PrototypeError("a result of the type void has no qualifiers", tokens[0].offset, "write void")
    return returns


class _ParameterReader:
    """Reads the tokens of one part of a prototype, from the first to the last."""

    def __init__(self, tokens: Sequence[Token], untyped: Optional[PrototypeError] = None) -> None:
        self._tokens = tokens
        self._next = 0
        #: The error for a missing type, if it is not the type of a parameter.
        self._untyped = untyped

    # -- tokens

    def _ahead(self, distance: int = 0) -> str:
        index = self._next + distance
        return self._tokens[index].text if index < len(self._tokens) else ""

    @property
    def _offset(self) -> int:
        """The offset of the next token, or of the end of the last one."""
        if self._next < len(self._tokens):
            return self._tokens[self._next].offset
        return self._tokens[-1].offset + len(self._tokens[-1].text) if self._tokens else 0

    def takes(self, text: str) -> bool:
        """Skip the next token if it is *text*, and return whether it was."""
        taken = self._ahead() == text
        self._next += taken
        return taken

    def _word(self) -> str:
        """Return the next token if it is a word, else the empty string."""
        return self._ahead() if _IDENTIFIER.fullmatch(self._ahead()) else ""

    @property
    def is_at_end(self) -> bool:
        return self._next == len(self._tokens)

    def expect_end(self) -> None:
        if not self.is_at_end:
            raise self._misplaced()

    def _misplaced(self) -> PrototypeError:
        return PrototypeError(f"'{self._ahead()}' cannot stand here", self._offset)

    # -- grammar

    def declaration(self) -> Parameter:
        """Read one parameter: a type, and a declarator around a name or around none."""
        start = self._offset
        base = self._type_in_words()
        name, derived = self._declarator()
        if len(derived) > DEEPEST:
            raise PrototypeError(f"a type nests deeper than {DEEPEST} levels", start)
        kind: CType = base
        for derive in derived:
            kind = FunctionType(kind, derive) if isinstance(derive, tuple) else derive(kind)
        # A parameter that is an array is a pointer to its first element; one that is a function is a pointer to it.
        if isinstance(kind, ArrayType):
            kind = PointerType(kind.of)
        return Parameter(PointerType(kind) if isinstance(kind, FunctionType) else kind, name)

    def result(self) -> CType:
        """Read the type of a result: a type in words, and only pointers."""
        start = self._offset
        kind: CType = self._type_in_words()
        stars = self._stars()
        if stars > DEEPEST:
            raise PrototypeError(f"a type nests deeper than {DEEPEST} levels", start)
        for _ in range(stars):
            kind = PointerType(kind)
        return kind

    def parameters(self, opening: Token) -> tuple[Parameter, ...]:
        """Read parameters up to the parenthesis that closes them, or to the end."""
        if self._ahead() in ("", ")"):
            raise PrototypeError("there is nothing between the parentheses", opening.offset, "write (void)")
        parameters: list[Parameter] = []
        while True:
            start = self._offset
            if self._ahead() in ("", ",", ")"):
                raise PrototypeError("a parameter is missing", start)
            if self.takes(VARIADIC):
                if not parameters:
                    raise PrototypeError("'...' comes after a parameter", start)
                parameters.append(Parameter(PlainType((VARIADIC,)), ""))
                break
            first = self._next
            parameters.append(self.declaration())
            more = self.takes(",")
            if parameters[-1].type == VOID and (more or len(parameters) > 1 or self._next != first + 1):
                raise PrototypeError("a parameter cannot have the type void", start, "write (void) for none")
            if not more:
                break
        return tuple(parameters)

    def _type_in_words(self) -> PlainType:
        """Read a type: the words before the declarator, without qualifiers."""
        start = self._offset
        words: list[str] = []
        annotations: list[str] = []
        named = False  # the word may be a typedef
        while self._word():
            word = self._word()
            if word in _TAGS or word in _BASIC:
                if named and all(name.startswith("__") for name in words):
                    words, annotations, named = [], words, False  # they annotate the type that follows
                elif words and (word in _TAGS or words[-1] not in _BASIC):
                    raise PrototypeError(f"'{word}' cannot stand behind a type", self._offset)
                words.append(word)
                if word in _TAGS:
                    self._next += 1
                    if not is_identifier(self._ahead()):
                        raise PrototypeError(f"'{word}' has no name", self._tokens[self._next - 1].offset)
                    words.append(self._ahead())
            elif word not in _QUALIFIERS:
                if words and not self._annotates():
                    break
                named = named or not words
                words.append(word)
            self._next += 1
        if not words:
            raise self._untyped or PrototypeError("a parameter has no type", start)
        return PlainType((*annotations, *words))

    def _annotates(self) -> bool:
        """Whether the next word is not a name, because a star, a word or a declarator in parentheses follows it."""
        following = self._ahead(1)
        if following == "(" and self._ahead(2) == "*":
            return True  # a declarator: a list of parameters does not begin with a star
        return following == "*" or _IDENTIFIER.fullmatch(following) is not None

    def _stars(self) -> int:
        """Read the stars of pointers, with the words that qualify them, and return the number of stars."""
        stars = 0
        while True:
            if self.takes("*"):
                stars += 1
            elif self._word() in _QUALIFIERS or (self._word() and self._annotates()):
                self._next += 1
            else:
                return stars

    def _declarator(self) -> tuple[str, list[_Derived]]:
        """Read a declarator, and return its name with the functions that derive its type from the words before it."""
        stars = self._stars()
        name = ""
        inner: list[_Derived] = []
        outer: list[_Derived] = []
        if self._word():
            name = self._word()
            if not is_identifier(name):
                raise PrototypeError(f"'{name}' cannot be the name of a parameter", self._offset)
            self._next += 1
        elif self._ahead() == "(" and self._is_around_a_declarator():
            self._next += 1
            name, inner = self._declarator()
            if not self.takes(")"):
                raise self._misplaced()
        while self._ahead() in ("(", "["):
            outer.append(self._array_or_function())
        pointers: list[_Derived] = [PointerType] * stars
        return name, [*pointers, *reversed(outer), *inner]

    def _is_around_a_declarator(self) -> bool:
        """Whether the next parenthesis is around a declarator, and not around parameters."""
        if self._ahead(1) in ("*", "(", "["):
            return True
        return self._ahead(self._closing(0) + 1) in ("(", "[")

    def _closing(self, distance: int) -> int:
        """Return the distance to the end of the parenthesis or bracket that is *distance* ahead."""
        depth = 0
        while True:
            depth += (self._ahead(distance) in ("(", "[")) - (self._ahead(distance) in (")", "]"))
            if depth == 0 or not self._ahead(distance):
                return distance
            distance += 1

    def _array_or_function(self) -> _Derived:
        opening = self._tokens[self._next]
        if opening.text == "(":
            self._next += 1
            parameters = self.parameters(opening)
            if not self.takes(")"):
                raise self._misplaced()
            return parameters
        closing = self._next + self._closing(0)
        while self._next < closing:
            if self._ahead() in (",", VARIADIC):
                raise self._misplaced()
            self._next += 1
        self._next += 1
        return ArrayType


#: A function that derives a type from another: a pointer to it, an array of it, or a function that returns it.
_Derived = Union[type[PointerType], type[ArrayType], tuple[Parameter, ...]]


# -- types as a caller sees them

#: The end of a parameter's name tells how the verifier treats it: ``mem__sz``, ``s__str``, ``p__nullable``
#: (Documentation/bpf/kfuncs.rst, "Annotating kfunc parameters").
_ANNOTATION = re.compile(r"\w(__[a-z][a-z0-9_]*)$")


def spelled(kind: CType, inner: str = "") -> str:
    """Return a type in a uniform spelling, without qualifiers and names; *inner* is the text of its declarator."""
    if isinstance(kind, PlainType):
        return f"{_in_order(kind.words)}{' ' if inner else ''}{inner}"
    if isinstance(kind, FunctionType):
        return f"{spelled(kind.returns)} ({inner})({', '.join(map(annotated, kind.parameters))})"
    return spelled(kind.to if isinstance(kind, PointerType) else kind.of, f"*{inner}")


def annotated(parameter: Parameter) -> str:
    """Return the type of *parameter* as :func:`spelled`, with the annotation at the end of its name."""
    annotation = _ANNOTATION.search(parameter.name)
    return spelled(parameter.type) + (annotation[1] if annotation else "")


def _in_order(words: Sequence[str]) -> str:
    basic = sorted(word for word in words if word in _BASIC)
    if len(basic) > 1 and "int" in basic:
        basic.remove("int")  # `unsigned int` is `unsigned`, `long int` is `long`
    return " ".join([*basic, *(word for word in words if word not in _BASIC)]).replace("_Bool", "bool")
