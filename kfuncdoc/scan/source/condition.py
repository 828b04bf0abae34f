# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Conditions of a kernel's configuration: combined, simplified, spelled as Kconfig expressions.

Makefiles, ``#if`` lines and ``depends on`` lines all say when a piece of code is built.  Here they
become one kind of expression::

    #if defined(CONFIG_A)  --parse_preprocessor--+
    depends on A && B      --parse_kconfig-------+--> Condition --conjunction, reduced--> spelled
    obj-$(CONFIG_A)        --Symbol("A")---------+

A test that the configuration does not decide (``BITS_PER_LONG == 32``) is :data:`UNKNOWN`.  It stays until the
whole expression is known, because ``!(A && UNKNOWN)`` does not mean ``!A``; then :func:`certain` drops it.

The languages are those of the kernel's ``Documentation/kbuild/kconfig-language.rst`` and
``include/linux/kconfig.h`` (``IS_ENABLED()`` and its like).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Collection, Optional, Union


@dataclass(frozen=True)
class Symbol:
    """The symbol ``CONFIG_<name>`` is set: to *value* (``m`` or ``y``), or to either if *value* is empty."""

    name: str
    value: str = ""


@dataclass(frozen=True)
class Not:
    """The symbol is not set, or not to the value of *operand*."""

    operand: Symbol


@dataclass(frozen=True)
class All:
    """All *operands* hold; without any it is true."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True)
class Any:
    """At least one of *operands* holds; without any it is false."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True)
class Unknown:
    """A test that the configuration does not decide."""


Condition = Union[Symbol, Not, All, Any, Unknown]
TRUE, FALSE, UNKNOWN = All(()), Any(()), Unknown()

#: No real condition has more operands; the others of a longer one count as unknown.
_MOST_OPERANDS = 64


def conjunction(*operands: Condition) -> Condition:
    """Return the condition that all *operands* hold, in their order, each once."""
    flat: dict[Condition, None] = {}
    for operand in operands:
        flat.update(dict.fromkeys(conjuncts(operand)))
    if FALSE in flat or any(isinstance(operand, Symbol) and _contradicts(operand, flat) for operand in flat):
        return FALSE
    kept = [operand for operand in flat if not _adds_nothing(operand, flat)][:_MOST_OPERANDS]
    return kept[0] if len(kept) == 1 else All(tuple(kept))


def _contradicts(symbol: Symbol, others: Collection[Condition]) -> bool:
    """Whether *others* have the opposite of *symbol*."""
    return Not(Symbol(symbol.name)) in others or Not(symbol) in others


def _adds_nothing(condition: Condition, others: Collection[Condition]) -> bool:
    """Whether *others* imply *condition*: ``A=y`` implies ``A`` and ``A!=m``."""
    if isinstance(condition, Symbol) and not condition.value:
        return Symbol(condition.name, "y") in others or Symbol(condition.name, "m") in others
    if isinstance(condition, Not) and condition.operand.value:
        return Symbol(condition.operand.name, "y" if condition.operand.value == "m" else "m") in others
    # `A || B` beside `A`.
    return isinstance(condition, Any) and any(other in condition.operands for other in others)


def disjunction(*operands: Condition) -> Condition:
    """Return the condition that at least one of *operands* holds, in their order, each once."""
    flat: dict[Condition, None] = {}
    for operand in operands:
        flat.update(dict.fromkeys(operand.operands if isinstance(operand, Any) else (operand,)))
    if UNKNOWN in flat or len(flat) > _MOST_OPERANDS:
        return UNKNOWN
    for operand in list(flat):
        if isinstance(operand, Symbol) and Symbol(operand.name, "y") in flat and Symbol(operand.name, "m") in flat:
            flat = {Symbol(e.name) if isinstance(e, Symbol) and e.name == operand.name else e: None for e in flat}
    narrower = _without_opposites(flat)
    while narrower != flat:
        flat, narrower = narrower, _without_opposites(narrower)
    if TRUE in flat or UNKNOWN in flat:
        return TRUE if TRUE in flat else UNKNOWN
    # `A && B` beside `A` adds nothing.
    kept = [
        operand
        for operand in flat
        if not any(other != operand and other in flat for other in (*conjuncts(operand), *_symbols(operand)))
    ]
    return kept[0] if len(kept) == 1 else Any(tuple(kept))


def _without_opposites(choices: dict[Condition, None]) -> dict[Condition, None]:
    """Return *choices* without the opposites of others in them: ``A || !A && B`` is ``A || B``."""
    kept = dict(choices)
    for choice in choices:
        del kept[choice]
        kept[conjunction(*(part for part in conjuncts(choice) if negation(part) not in kept))] = None
    return kept


def _symbols(condition: Condition) -> tuple[Condition, ...]:
    """Return the symbols that *condition* asks for, whatever their value."""
    return tuple(Symbol(part.name) for part in conjuncts(condition) if isinstance(part, Symbol))


def negation(condition: Condition) -> Condition:
    """Return the condition that *condition* does not hold."""
    if isinstance(condition, Not):
        return condition.operand
    if isinstance(condition, All):
        return disjunction(*map(negation, condition.operands))
    if isinstance(condition, Any):
        return conjunction(*map(negation, condition.operands))
    return condition if isinstance(condition, Unknown) else Not(condition)


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions that *condition* joins by ``&&``; itself if it joins none."""
    return condition.operands if isinstance(condition, All) else (condition,)


def certain(condition: Condition) -> Condition:
    """Return the strictest condition without unknown parts that *condition* implies."""
    if isinstance(condition, All):
        return conjunction(*map(certain, condition.operands))
    if isinstance(condition, Any):
        return disjunction(*map(certain, condition.operands))
    return TRUE if isinstance(condition, Unknown) else condition


def without(condition: Condition, names: frozenset[str]) -> Condition:
    """Return what is left of *condition* once the symbols in *names* are known to be set."""
    if isinstance(condition, Symbol):
        return TRUE if condition.name in names else condition
    if isinstance(condition, Not):
        # The symbol is set, and its value is not known: `A != m` may hold.
        return condition if condition.operand.name not in names else UNKNOWN if condition.operand.value else FALSE
    if isinstance(condition, All):
        return conjunction(*(without(operand, names) for operand in condition.operands))
    if isinstance(condition, Any):
        return disjunction(*(without(operand, names) for operand in condition.operands))
    return condition


def spelled(condition: Condition) -> str:
    """Return *condition* as a Kconfig expression; empty where it is always true, ``n`` where it never is."""
    condition = certain(condition)
    return "" if condition == TRUE else _spelled(condition)


def _spelled(condition: Condition) -> str:
    if isinstance(condition, Symbol):
        return f"{condition.name}={condition.value}" if condition.value else condition.name
    if isinstance(condition, Not):
        name, value = condition.operand.name, condition.operand.value
        return f"{name}!={value}" if value else f"!{name}"
    if isinstance(condition, All):
        return " && ".join(f"({_spelled(e)})" if isinstance(e, Any) else _spelled(e) for e in condition.operands)
    if isinstance(condition, Any):
        return " || ".join(f"({_spelled(e)})" if isinstance(e, All) else _spelled(e) for e in condition.operands) or "n"
    return "?"


# -- reading

_PREPROCESSOR_TOKEN = re.compile(r"\s*(?:(&&|\|\||[!=<>]=|<<|>>|[()!<>,?:&|^~+\-*/%=])|(\w+)|(.))", re.S | re.A)
_KCONFIG_TOKEN = re.compile(r"""\s*(?:(&&|\|\||!=|<=|>=|[()!=<>])|([\w.\-]+)|("[^"]*"|'[^']*'|\$\([^)]*\)|.))""", re.S)
_PREFIX = "CONFIG_"
_QUESTIONS = frozenset(["defined", "IS_ENABLED", "IS_BUILTIN", "IS_MODULE", "IS_REACHABLE"])
_COMPARISONS = frozenset(["==", "!=", "<", ">", "<=", ">=", "="])
_MOST_TOKENS = 2000


def parse_preprocessor(text: str) -> Condition:
    """Return the condition of the expression of an ``#if`` line; what the configuration does not decide is unknown."""
    return _ExpressionParser(_tokens(_PREPROCESSOR_TOKEN, text), _preprocessor_atom).whole()


def parse_kconfig(text: str) -> Condition:
    """Return the condition of the expression of a ``depends on`` or ``if`` line of a Kconfig file."""
    return _ExpressionParser(_tokens(_KCONFIG_TOKEN, text), _kconfig_atom).whole()


def _tokens(pattern: re.Pattern[str], text: str) -> list[str]:
    tokens = [match[match.lastindex or 0] for match in pattern.finditer(text.rstrip())]
    # Nobody writes an expression of thousands of tokens: it counts as one unknown test.
    return tokens if len(tokens) <= _MOST_TOKENS else ["?"]


class _ExpressionParser:
    """Recursive descent over ``||``, ``&&``, ``!`` and parentheses; *atom* reads the operands of these."""

    _DEEPEST = 100

    def __init__(self, tokens: list[str], atom: Callable[[_ExpressionParser], Condition]) -> None:
        self._tokens = tokens
        self._at = 0
        self._atom = atom
        self._depth = 0

    @property
    def next(self) -> Optional[str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def take(self) -> Optional[str]:
        token = self.next
        self._at += token is not None
        return token

    def accept(self, token: str) -> bool:
        if self.next != token:
            return False
        self._at += 1
        return True

    def whole(self) -> Condition:
        condition = self._either()
        return UNKNOWN if self.next is not None else condition

    def _either(self) -> Condition:
        operands = [self._both()]
        while self.accept("||"):
            operands.append(self._both())
        return disjunction(*operands) if len(operands) > 1 else operands[0]

    def _both(self) -> Condition:
        operands = [self._negated()]
        while self.accept("&&"):
            operands.append(self._negated())
        return conjunction(*operands) if len(operands) > 1 else operands[0]

    def _negated(self) -> Condition:
        negated = False
        while self.accept("!"):
            negated = not negated
        condition = self._primary()
        return negation(condition) if negated else condition

    def _primary(self) -> Condition:
        if not self.accept("("):
            return self._atom(self)
        self._depth += 1
        if self._depth > self._DEEPEST:
            self._at = len(self._tokens)
            return UNKNOWN
        condition = self._either()
        self._depth -= 1
        if not self.accept(")"):
            condition = self.skip_arithmetic()
            self.accept(")")
        return self.skip_arithmetic() if self._goes_on() else condition

    def _goes_on(self) -> bool:
        return self.next not in (None, ")", "&&", "||", ",")

    def skip_arithmetic(self) -> Condition:
        """Skip the rest of a comparison or calculation, which the configuration does not decide."""
        depth = 0
        while self.next is not None and (depth or self._goes_on()):
            token = self.take()
            depth += (token == "(") - (token == ")")
        return UNKNOWN


def _preprocessor_atom(parser: _ExpressionParser) -> Condition:
    token = parser.take()
    if token in _QUESTIONS:
        parenthesis = parser.accept("(")
        name = parser.take() or ""
        if parenthesis and not parser.accept(")"):
            return parser.skip_arithmetic()
        value = {"IS_BUILTIN": "y", "IS_MODULE": "m"}.get(token, "")
        condition = _configured(name, value)
    elif parser.next == "(":
        return parser.skip_arithmetic()
    elif token is not None and token.isdecimal():
        condition = FALSE if not token.strip("0") else TRUE
    else:
        condition = _configured(token or "", "")
    return condition if parser.next in (None, ")", "&&", "||") else parser.skip_arithmetic()


def _configured(name: str, value: str) -> Condition:
    if not name.startswith(_PREFIX):
        return UNKNOWN
    name = name[len(_PREFIX) :]
    if name.endswith("_MODULE"):
        return Symbol(name[: -len("_MODULE")], "m")
    return Symbol(name, value)


def _kconfig_atom(parser: _ExpressionParser) -> Condition:
    token = parser.take() or ""
    comparison = parser.take() if parser.next in _COMPARISONS else None
    if comparison is None:
        return _constant(token)
    value = (parser.take() or "").strip("\"'")
    if comparison not in ("=", "!=") or value not in ("y", "m", "n") or not token.isidentifier():
        return UNKNOWN
    condition: Condition = Not(Symbol(token)) if value == "n" else Symbol(token, value)
    return condition if comparison == "=" else negation(condition)


def _constant(token: str) -> Condition:
    token = token.strip("\"'")
    if token in ("y", "m"):
        return TRUE
    if token == "n":
        return FALSE
    return Symbol(token) if re.fullmatch(r"\w+", token) else UNKNOWN
