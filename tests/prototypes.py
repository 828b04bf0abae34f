# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Texts that are prototypes, and texts that look like some, as hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

#: What prototypes are made of, right or wrong.
_PARTS = st.sampled_from(
    "const volatile void int unsigned struct enum a b_t __arena __x * ( ) [ ] , ... 3 (* (void) int(a) b__sz".split()
)
_RESULTS = st.sampled_from(["int", "struct a *", "b_t __x *", "void", "unsigned", "const void", "const", "a *const"])


def _text(most: int) -> st.SearchStrategy[str]:
    return st.lists(_PARTS, min_size=1, max_size=most).map(" ".join)


#: What stands between the parentheses.
_PARAMETERS = st.one_of(
    st.text("ab _*()[],.1", max_size=30), _text(12), st.lists(_text(5), min_size=1, max_size=3).map(", ".join)
)


def near_prototypes(name: str) -> st.SearchStrategy[str]:
    """Draw a text that may be a prototype of the function *name*."""
    return st.builds(lambda result, parameters: f"{result} {name}({parameters})", _RESULTS, _PARAMETERS)


_TYPES = st.sampled_from(
    ["int", "unsigned long", "const char", "struct a", "enum b const", "c_t", "c_t __arena", "__user union d", "u32"]
)


def _around(declarators: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw declarators around others, which are names or nothing."""
    return st.one_of(
        declarators.map("*{}".format),
        declarators.map("* const {}".format),
        declarators.map("(*{})[4]".format),
        st.builds("(*{})({})".format, declarators, st.sampled_from(["void", "int, struct a *", "c_t (*x)(u8 y__sz)"])),
    )


_DECLARATORS = st.recursive(st.sampled_from(["", "x", "x__sz", "y", "__map"]), _around, max_leaves=4)
_PLAIN_PARAMETERS = st.one_of(
    st.builds("{} {}".format, _TYPES, _DECLARATORS),
    st.sampled_from(["int [3]", "char x[N][2]", "int (callback)(void *map)", "int less(int, int)"]),
)


@st.composite
def prototypes(draw: st.DrawFn, name: str) -> str:
    """Draw a prototype of the function *name*."""
    result = draw(st.sampled_from(["int ", "void ", "struct a *", "const c_t *const *", "u64 __ret ", "enum b "]))
    parameters = draw(st.lists(_PLAIN_PARAMETERS, max_size=4)) or ["void"]
    more = draw(st.sampled_from(["", ", ..."])) if parameters != ["void"] else ""
    return f"{result}{name}({', '.join(parameters)}{more})"
