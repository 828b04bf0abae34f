# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prototypes: taken apart, put into the kernel's spelling, laid out over lines, or refused with a place."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Optional

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prototypes import near_prototypes, prototypes

from kfuncdoc.bpf.prototype import Prototype, PrototypeError, as_callers_see, name_of_parameter, parse_prototype
from kfuncdoc.bpf.shape import shape_of
from kfuncdoc.record.variants import types_in_c


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("void f(void)", Prototype("void", "f", ("void",))),
        (
            "struct task_struct *bpf_task_acquire(struct task_struct *p)",
            Prototype("struct task_struct *", "bpf_task_acquire", ("struct task_struct *p",)),
        ),
        ("unsigned long long f(u8 a, u16 b)", Prototype("unsigned long long", "f", ("u8 a", "u16 b"))),
        ("const char *const *f(void)", Prototype("const char *const *", "f", ("void",))),
        ("int f(int a[4], char (*b)[16])", Prototype("int", "f", ("int a[4]", "char (*b)[16]"))),
        (
            "int bpf_wq_set_callback(struct bpf_wq *wq, int (callback_fn)(void *map, int *key, void *value))",
            Prototype(
                "int",
                "bpf_wq_set_callback",
                ("struct bpf_wq *wq", "int (callback_fn)(void *map, int *key, void *value)"),
            ),
        ),
        ("void f(int (*less)(int a, int b), u64 x)", Prototype("void", "f", ("int (*less)(int a, int b)", "u64 x"))),
        ("int printk(const char *fmt, ...)", Prototype("int", "printk", ("const char *fmt", "..."))),
        ("s32 __f___v2_(s32 _)", Prototype("s32", "__f___v2_", ("s32 _",))),
    ],
)
def test_a_prototype_is_taken_apart(text, expected):
    assert parse_prototype(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("void  f( void )", "void f(void)"),
        ("struct cpumask*f(struct cpumask*mask)", "struct cpumask *f(struct cpumask *mask)"),
        ("char * * f(char* const * argv)", "char **f(char *const *argv)"),
        ("int f(int\n   a ,\n\tint b)", "int f(int a, int b)"),
        ("int f(int ( * cb )(void * ctx))", "int f(int (*cb )(void *ctx))"),
        ("  int f(void)\n", "int f(void)"),
    ],
)
def test_white_space_is_put_in_the_kernels_order(text, spelled):
    assert str(parse_prototype(text)) == spelled


@pytest.mark.parametrize(
    ("text", "message", "offset", "hint"),
    [
        ("", "there are no parameters in parentheses", 0, "write (void) for none"),
        ("int f", "there are no parameters in parentheses", 0, "write (void) for none"),
        ("int f()", "there is nothing between the parentheses", 5, "write (void)"),
        ("f(void)", "'f' has no return type", 0, "write 'void f(...)' if it gives nothing"),
        ("(void)", "there is no name before the parameters", 0, ""),
        ("int 3(void)", "there is no name before the parameters", 4, ""),
        ("int f(void);", "';' cannot stand in a prototype", 11, "leave out the semicolon"),
        ("int f(void) { return 0; }", "'{' cannot stand in a prototype", 12, "leave out the body"),
        ("int f(int a = 3)", "'=' cannot stand in a prototype", 12, ""),
        ("int f(\u00a0int a)", "'\u00a0' cannot stand in a prototype", 6, ""),
        ("int f(int a", "'(' is never closed", 5, ""),
        ("int f(int a[)", "')' closes nothing", 12, ""),
        ("int f(void))", "something follows the parameters", 11, ""),
        ("int x)", "')' closes nothing", 5, ""),
        ("int f(void) __ksym_x", "something follows the parameters", 12, ""),
        ("int (*f(void))(int)", "something follows the parameters", 14, ""),
        ("int f(int a,)", "a parameter is missing", 12, ""),
        ("int f(, int a)", "a parameter is missing", 6, ""),
        ("int f(int a,, int b)", "a parameter is missing", 12, ""),
        ("static int f(void)", "'static' does not belong to a prototype", 0, "a kfunc is not static"),
        ("extern int f(void)", "'extern' does not belong to a prototype", 0, "leave out extern"),
        (
            "__bpf_kfunc int f(void)",
            "'__bpf_kfunc' does not belong to a prototype",
            0,
            "leave out __bpf_kfunc: it marks the definition in the kernel",
        ),
        (
            "int f(void) __ksym",
            "'__ksym' does not belong to a prototype",
            12,
            "leave out __ksym: it belongs to the declaration in a BPF program",
        ),
        (
            "int f(void) __weak",
            "'__weak' does not belong to a prototype",
            12,
            "leave out __weak: it belongs to the declaration in a BPF program",
        ),
        # Keywords, which are neither types nor names.
        ("int f(register)", "'register' is a keyword of C", 6, ""),
        ("int f(int for)", "'for' is a keyword of C", 10, ""),
        ("int f(struct return *p)", "'return' is a keyword of C", 13, ""),
        ("inline int f(void)", "'inline' is a keyword of C", 0, ""),
        ("int while(void)", "'while' is a keyword of C", 4, ""),
        # Without a type, or with too much of one.
        ("int f(const)", "a parameter has no type", 6, ""),
        ("int f(int a, volatile *)", "a parameter has no type", 13, ""),
        ("int f(*p)", "a parameter has no type", 6, ""),
        ("int f([3])", "a parameter has no type", 6, ""),
        ("int f((*cb)(void))", "a parameter has no type", 6, ""),
        ("int f(int (*cb)(int, const))", "a parameter has no type", 21, ""),
        ("int f(3)", "a parameter has no type", 6, ""),
        ("int f(struct)", "'struct' has no name", 6, ""),
        ("int f(const struct *p)", "'struct' has no name", 12, ""),
        ("int f(enum int x)", "'enum' has no name", 6, ""),
        ("int f(int (*cb)())", "there is nothing between the parentheses", 15, "write (void)"),
        ("int f(int (*cb)(int, ))", "a parameter is missing", 21, ""),
        ("int f(u32 struct a)", "'struct' cannot stand behind a type", 10, ""),
        ("int f(u32 int)", "'int' cannot stand behind a type", 10, ""),
        ("int f(int *int)", "'int' cannot be the name of a parameter", 11, ""),
        ("int f(int a 3)", "'3' cannot stand here", 12, ""),
        ("int f(int a[3, 4])", "',' cannot stand here", 13, ""),
        ("int f(int a[...])", "'...' cannot stand here", 12, ""),
        ("int f(...)", "'...' comes after a parameter", 6, ""),
        ("int f(int a, ..., int b)", "',' cannot stand here", 16, ""),
        ("int f(void, int a)", "a parameter cannot have the type void", 6, "write (void) for none"),
        ("int f(int a, void)", "a parameter cannot have the type void", 13, "write (void) for none"),
        ("int f(void a)", "a parameter cannot have the type void", 6, "write (void) for none"),
        ("int f(const void)", "a parameter cannot have the type void", 6, "write (void) for none"),
        # The result.
        ("const f(void)", "'f' has no return type", 6, "write 'void f(...)' if it gives nothing"),
        ("struct f(void)", "'f' has no return type", 7, "write 'void f(...)' if it gives nothing"),
        ("*f(void)", "'f' has no return type", 1, "write 'void f(...)' if it gives nothing"),
        ("struct *f(void)", "'struct' has no name", 0, ""),
        ("int (void)", "there is no name before the parameters", 0, ""),
        ("struct a const(void)", "there is no name before the parameters", 9, ""),
        ("const void f(void)", "a result of the type void has no qualifiers", 0, "write void"),
        ("int a, f(void)", "'a' cannot stand here", 4, ""),
        ("int a[3] f(void)", "something follows the parameters", 9, ""),
        ("int [3](void)", "something follows the parameters", 7, ""),
        # So deep that no compiler goes there.
        (f"int f(int {'*' * 13}a)", "a type nests deeper than 12 levels", 6, ""),
        (f"int {'*' * 13}f(void)", "a type nests deeper than 12 levels", 0, ""),
        (f"int f(int {'(' * 12}a{')' * 12})", "parentheses nest deeper than 12 levels", 21, ""),
    ],
)
def test_what_is_no_prototype_is_refused_with_its_place(text, message, offset, hint):
    with pytest.raises(PrototypeError) as caught:
        parse_prototype(text)
    assert (str(caught.value), caught.value.offset, caught.value.hint) == (message, offset, hint)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("void f(void)", "void f(void);"),
        (
            "bool scx_bpf_dsq_insert___v2(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags)",
            """\
            bool scx_bpf_dsq_insert___v2(struct task_struct *p, u64 dsq_id, u64 slice,
                                         u64 enq_flags);""",
        ),
        (
            "int bpf_a_very_long_name_that_leaves_no_room(struct bpf_with_a_long_name *and_a_long_argument, u64 b)",
            """\
            int bpf_a_very_long_name_that_leaves_no_room(struct bpf_with_a_long_name *and_a_long_argument,
                    u64 b);""",
        ),
    ],
)
def test_a_prototype_is_laid_out_in_the_kernels_manner(text, lines):
    assert parse_prototype(text).laid_out() == dedent(lines)


def test_the_last_line_that_fits_has_79_columns_and_its_semicolon_in_the_80th():
    fits = parse_prototype(f"int f(int {'a' * 68})")
    assert (len(str(fits)), fits.laid_out()) == (79, f"{fits};")
    longer = parse_prototype(f"int f(u8 a, int {'a' * 63})")
    assert (len(str(longer)), longer.laid_out()) == (80, f"int f(u8 a,\n      int {'a' * 63});")


# -- any prototype, and any text

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name not in ("static", "extern", "__ksym", "__weak", "__bpf_kfunc")
)
SPACES = st.sampled_from(["", " ", "  ", "\n", "\t "])
TYPES = st.sampled_from(["int", "struct bpf_list_head", "const char", "u64", "unsigned long"])


@st.composite
def parameter_texts(draw: st.DrawFn) -> str:
    stars = "".join(draw(st.lists(st.sampled_from(["*", " *", "* "]), max_size=3)))
    ending = draw(st.sampled_from(["", "[]", "[16]", "[ N ]"]))
    plain = f"{draw(TYPES)}{draw(SPACES) or ' '}{stars}{draw(NAMES)}{ending}"
    callback = f"int{draw(SPACES)}({draw(SPACES)}*{draw(NAMES)})({draw(TYPES)}{draw(SPACES)}*,{draw(SPACES)}void * x)"
    return draw(st.sampled_from([plain, callback]))


@st.composite
def prototype_texts(draw: st.DrawFn) -> str:
    parameters = draw(st.lists(parameter_texts(), min_size=1, max_size=6))
    comma = f"{draw(SPACES)},{draw(SPACES)}"
    more = draw(st.sampled_from(["", ", ..."]))
    returns = f"{draw(TYPES)}{draw(st.sampled_from([' ', ' *', '* ', ' * *']))}"
    return f"{draw(SPACES)}{returns}{draw(NAMES)}{draw(SPACES)}({comma.join(parameters)}{more}){draw(SPACES)}"


@given(prototype_texts())
def test_the_spelling_of_a_prototype_is_stable(text):
    once = parse_prototype(text)
    assert parse_prototype(str(once)) == once
    assert str(parse_prototype(str(once))) == str(once)


@given(prototype_texts(), st.integers(20, 120))
def test_laying_out_changes_nothing_but_white_space(text, width):
    prototype = parse_prototype(text)
    laid_out = prototype.laid_out(width)
    assert laid_out.endswith(");")
    assert parse_prototype(laid_out[:-1]) == prototype
    assert all(line == line.rstrip() for line in laid_out.split("\n"))


@given(st.one_of(st.text(), st.text(alphabet="ab1_ *()[],.;\n\xa0\u2003static", max_size=40)))
@example("int\u2003f(void)")
@example("int f(\xa0")
def test_any_text_is_a_prototype_or_has_a_place_that_is_wrong(text):
    wrong = refusal(text)
    if wrong is None:
        assert str(parse_prototype(str(parse_prototype(text)))) == str(parse_prototype(text))
        return
    assert 0 <= wrong.offset <= len(text)
    named = re.match(r"'(.*)' (?:cannot stand|closes|is never|does not belong)", str(wrong), re.DOTALL)
    assert named is None or text[wrong.offset :].startswith(named[1])


def refusal(text: str) -> Optional[PrototypeError]:
    try:
        parse_prototype(text)
    except PrototypeError as error:
        return error
    return None


# -- what a caller sees


@pytest.mark.parametrize(
    ("prototype", "seen"),
    [
        ("void f(void)", ("void", "void")),
        ("const struct cpumask *f(const u32 *a__ign, ...)", ("struct cpumask *", "u32 *__ign", "...")),
        ("long unsigned int f(unsigned a, unsigned int b, _Bool c)", ("long unsigned", "unsigned", "unsigned", "bool")),
        ("void **f(char *const *argv, int grid[2][3])", ("void **", "char **", "int **")),
        ("int f(struct foo, u64, int)", ("int", "struct foo", "u64", "int")),
        ("int f(int (callback_fn)(void *map, int *key))", ("int", "int (*)(void *, int *)")),
        (
            "int f(struct a *(*cb__ign)(int (*inner)(void), u8 x[4]))",
            ("int", "struct a * (*)(int (*)(void), u8 *)__ign"),
        ),
        ("int f(int [3], char (*)[16])", ("int", "int *", "char **")),
        ("int f(struct a __arena *p, __user void *q)", ("int", "struct a __arena *", "void __user *")),
        ("int f(a_t __arena (*p)[4])", ("int", "a_t __arena **")),
        ("struct a __rcu *f(int (u32), int less(u8))", ("struct a __rcu *", "int (*)(u32)", "int (*)(u8)")),
        ("void f(int (**cb)(void), int (*(*g)(u8))(u16))", ("void", "int (**)(void)", "int (*)(u16) (*)(u8)")),
    ],
)
def test_what_a_caller_sees(prototype, seen):
    assert as_callers_see(prototype) == seen


@pytest.mark.fuzz
@settings(max_examples=400)
@given(st.one_of(prototypes("f"), near_prototypes("f")))
@example("int f(const)")
@example("int f(volatile *)")
@example("int f([3])")
@example("int f(int (*cb)(int (*inner)(a, b)))")
def test_what_is_a_prototype_can_be_used_everywhere(text):
    """Whatever is accepted is laid out, compared, and told apart in C without an exception."""
    wrong = refusal(text)
    if wrong is not None:
        assert 0 <= wrong.offset <= len(text)
        return
    parsed = parse_prototype(text)
    assert parse_prototype(parsed.laid_out(20)[:-1]) == parsed
    assert len(as_callers_see(text)) == len(types_in_c(text)) == 1 + len(parsed.parameters)
    assert [name for name in map(name_of_parameter, parsed.parameters) if not re.fullmatch(r"\w*", name)] == []
    assert shape_of(text)[0] == "function"
