# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The BTF reader: each kind, prototypes in C, both byte orders, split BTF, and whatever else a file may hold."""

from __future__ import annotations

import datetime
import shutil
import struct
import subprocess
import time

import btf_builder as built
import pytest
from btf_builder import Types, blob
from hypothesis import given, settings
from hypothesis import strategies as st

from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.scan.binary.btf import LARGEST_BLOB, Btf, byte_order_of
from kfuncdoc.scan.errors import Unscannable

#: No runaway, however busy the machine is.
ENDLESS = datetime.timedelta(seconds=20)
ORDERS = pytest.mark.parametrize("order", ["little", "big"])


def read(types: Types, base: Btf | None = None) -> Btf:
    return Btf(types.blob(), "vmlinux", base)


def prototype_of(types: Types, returns: int = 0, *parameters: tuple[str, int], **options: bool) -> str | None:
    number = types.func("f", returns, list(parameters))
    return read(types).prototype(number, **options)


def refusal(content: bytes, base: Btf | None = None) -> str:
    """Return the message that *content* is refused with, be it when it is opened or when it is looked into."""
    with pytest.raises(Unscannable) as caught:
        look_into(Btf(content, "vmlinux", base))
    assert caught.value.path == "vmlinux"
    return caught.value.message.partition(": ")[2]


def outcome(content: bytes) -> str:
    """Return the message that *content* is refused with, empty where it is not; nothing else may come out."""
    try:
        look_into(Btf(content, "vmlinux"))
    except Unscannable as refused:
        return str(refused)
    return ""


def look_into(btf: Btf) -> None:
    for number in btf.tagged():
        btf.prototype(number)


# -- kinds


@ORDERS
def test_every_kind_is_passed_over_and_counted(order):
    types = Types(order)
    number = types.int()
    types.ptr(number)
    types.array(number, 3)
    types.struct("s", (("a", number), ("b", number)))
    types.struct("u", (("a", number),), kind=built.UNION)
    types.add(built.ENUM, "e", 4, (types.string("A"), 1, types.string("B"), 2), 2)
    types.add(built.FWD, "forward")
    types.typedef("t", number)
    types.add(built.VOLATILE, what=number)
    types.const(number)
    types.add(built.RESTRICT, what=number)
    function = types.func("f", number)  # two: the prototype first
    types.add(built.VAR, "v", number, (1,))
    types.add(built.DATASEC, ".data", 4, (1, 0, 4, 1, 4, 4), 2)
    types.add(built.FLOAT, "double", 8)
    types.tag(function)
    types.add(built.TYPE_TAG, "user", number)
    types.add(built.ENUM64, "e64", 8, (types.string("C"), 0, 1), 1)
    last = types.int("last")
    btf = read(types)
    assert btf.count == 21
    assert btf.byte_order == order
    assert [btf.kind(number) for number in range(13)] == [*range(12), built.FUNC_PROTO]
    assert [btf.kind(number) for number in range(13, 20)] == [12, 14, 15, 16, 17, 18, 19]
    assert btf.name(last) == "last"
    assert btf.name(2) == ""
    assert btf.tagged() == (function,)
    assert btf.function(function) == "f"


# -- prototypes


@ORDERS
def test_prototype_in_either_byte_order(order):
    types = Types(order)
    task, number = types.ptr(types.struct("task_struct")), types.typedef("u64", types.int("long long unsigned int", 8))
    assert prototype_of(types, task, ("p", task), ("id", number)) == (
        "struct task_struct *f(struct task_struct *p, u64 id)"
    )


def test_prototype_without_parameters():
    assert prototype_of(Types()) == "void f(void)"


@pytest.mark.parametrize(
    ("in_btf", "in_c"),
    [
        ("int", "int"),
        ("char", "char"),
        ("unsigned int", "unsigned int"),
        ("long int", "long"),
        ("long unsigned int", "unsigned long"),
        ("long long int", "long long"),
        ("long long unsigned int", "unsigned long long"),
        ("short int", "short"),
        ("short unsigned int", "unsigned short"),
        ("unsigned char", "unsigned char"),
        ("_Bool", "bool"),
        ("__int128 unsigned", "unsigned __int128"),
    ],
)
def test_integers_are_spelled_as_people_do(in_btf, in_c):
    types = Types()
    assert prototype_of(types, types.int(in_btf)) == f"{in_c} f(void)"


def test_struct_union_enum_float_and_forward_declarations_have_their_keyword():
    types = Types()
    parameters = [
        ("a", types.struct("a")),
        ("b", types.struct("b", kind=built.UNION)),
        ("c", types.add(built.ENUM, "c", 4)),
        ("d", types.add(built.ENUM64, "d", 8)),
        ("e", types.add(built.FLOAT, "double", 8)),
        ("g", types.ptr(types.add(built.FWD, "g"))),
        ("h", types.ptr(types.add_written(types.string("h"), built.FWD << 24 | built.KIND_FLAG, 0))),
    ]
    assert prototype_of(types, 0, *parameters) == (
        "void f(struct a a, union b b, enum c c, enum d d, double e, struct g *g, union h *h)"
    )


def test_qualifiers_stand_where_c_wants_them():
    types = Types()
    char = types.int("char", 1)
    text = types.ptr(types.const(char))
    parameters = [
        ("a", text),
        ("b", types.const(types.ptr(char))),
        ("c", types.ptr(types.const(text))),
        ("d", types.const(char)),
        ("e", types.ptr(types.const(types.add(built.VOLATILE, what=char)))),
        ("g", types.add(built.RESTRICT, what=text)),
        ("h", types.ptr(types.const(0))),
    ]
    assert prototype_of(types, 0, *parameters) == (
        "void f(const char *a, char *const b, const char *const *c, const char d, const volatile char *e, "
        "const char *restrict g, const void *h)"
    )


def test_tags_on_types_are_no_part_of_the_prototype():
    types = Types()
    user = types.ptr(types.add(built.TYPE_TAG, "user", types.int("char", 1)))
    assert prototype_of(types, 0, ("p", user)) == "void f(char *p)"


def test_arrays_and_pointers_to_them():
    types = Types()
    char = types.int("char", 1)
    parameters = [
        ("a", types.array(char, 16)),
        ("b", types.ptr(types.array(types.array(char, 2), 3))),
        ("c", types.array(types.ptr(char), 4)),
    ]
    assert prototype_of(types, 0, *parameters) == "void f(char a[16], char (*b)[3][2], char *c[4])"


def test_function_pointers_with_and_without_names():
    types = Types()
    number, node = types.int(), types.ptr(types.const(types.struct("node")))
    less = types.ptr(types.proto(types.int("_Bool", 1), [("", node), ("", node)]))
    callback = types.ptr(types.proto(0, [("value", types.ptr(0)), ("less", less)]))
    maker = types.ptr(types.proto(less, []))
    assert prototype_of(types, number, ("less", less), ("callback", types.const(callback)), ("maker", maker)) == (
        "int f(bool (*less)(const struct node *, const struct node *), "
        "void (*const callback)(void *value, bool (*less)(const struct node *, const struct node *)), "
        "bool (*(*maker)(void))(const struct node *, const struct node *))"
    )


def test_variable_arguments():
    types = Types()
    text, listed = types.ptr(types.const(types.int("char", 1))), types.typedef("va_list", types.ptr(0))
    assert prototype_of(types, 0, ("fmt", text), ("args", listed), ("", 0)) == (
        "void f(const char *fmt, va_list args, ...)"
    )


def test_what_is_spelled_is_a_prototype_as_declarations_have_it():
    types = Types()
    less = types.ptr(types.proto(types.int("_Bool", 1), [("", types.ptr(0))]))
    text = prototype_of(types, types.ptr(types.const(types.struct("s"))), ("less", less), ("n", types.int()))
    assert str(parse_prototype(text)) == text


def test_a_type_without_a_name_cannot_be_told_in_c():
    types = Types()
    assert prototype_of(types, 0, ("p", types.ptr(types.struct("")))) is None


# -- implicit arguments


@pytest.mark.parametrize("name", ["bpf_prog_aux", "btf_struct_meta"])
def test_what_the_verifier_passes_is_left_out(name):
    types = Types()
    implicit = types.ptr(types.const(types.struct(name)))
    parameters = [("cpu", types.int()), ("aux", implicit)]
    assert prototype_of(types, 0, *parameters, implicit_arguments=True) == "void f(int cpu)"
    assert prototype_of(types, 0, *parameters) == f"void f(int cpu, const struct {name} *aux)"


def test_nothing_but_implicit_arguments_leaves_none():
    types = Types()
    aux = types.ptr(types.struct("bpf_prog_aux"))
    assert prototype_of(types, 0, ("aux", aux), implicit_arguments=True) == "void f(void)"


def test_a_type_that_resembles_an_implicit_one_stays():
    types = Types()
    aux = types.struct("bpf_prog_aux")
    parameters = [("a", aux), ("b", types.ptr(types.ptr(aux))), ("c", types.ptr(types.struct("bpf_prog_aux_x")))]
    assert prototype_of(types, 0, *parameters, implicit_arguments=True) == (
        "void f(struct bpf_prog_aux a, struct bpf_prog_aux **b, struct bpf_prog_aux_x *c)"
    )


# -- decl tags


def test_tags_of_parameters_of_other_texts_and_of_other_types_are_none():
    types = Types()
    functions = [types.func(f"f{index}", 0, [("p", types.int())]) for index in range(4)]
    types.tag(functions[0])
    types.tag(functions[1], component=0)
    types.tag(functions[2], "bpf_fastcall")
    types.tag(types.struct("s"))
    types.add_written(types.string("bpf_kfunc"), built.DECL_TAG << 24 | built.KIND_FLAG, functions[3], (built.ITSELF,))
    assert read(types).tagged() == (functions[0],)
    assert read(types).tagged("bpf_fastcall") == (functions[2],)


def test_a_function_that_is_tagged_twice_is_one():
    types = Types()
    types.tag(types.kfunc("f"))
    assert len(read(types).tagged()) == 1


# -- split BTF


@ORDERS
def test_split_btf_goes_on_with_the_types_and_strings_of_its_base(order):
    base = Types(order)
    task = base.ptr(base.struct("task_struct"))
    base.kfunc("bpf_base")
    kernel = read(base)
    split = Types(order, base)
    own = split.ptr(split.struct("own"))
    number = split.kfunc("bpf_split", own, [("p", task)])
    # The tag's text stands in the base, as it does after deduplication.
    tagged = split.func("bpf_other")
    split.add_written(kernel._strings.index(b"bpf_kfunc"), built.DECL_TAG << 24, tagged, (built.ITSELF,))
    module = read(split, kernel)
    assert module.first == kernel.count
    assert module.tagged() == (number, tagged)
    assert module.prototype(number) == "struct own *bpf_split(struct task_struct *p)"
    assert module.function(base.functions["bpf_base"]) == "bpf_base"


def test_split_btf_without_its_base_is_refused():
    base = Types()
    task = base.ptr(base.struct("task_struct"))
    split = Types(base=base)
    split.kfunc("bpf_split", 0, [("p", task)])
    # Its strings and its types begin far behind the end of what is there.
    assert "there are" in refusal(split.blob()) or "of the strings" in refusal(split.blob())


# -- broken and hostile


def one_kfunc() -> Types:
    types = Types()
    types.kfunc("bpf_thing", types.int(), [("p", types.ptr(types.struct("thing")))])
    return types


def test_wrong_magic_version_flags_and_header():
    assert refusal(blob(b"", magic=0xEB9E)) == "its magic number is 9eeb, not that of BTF"
    assert refusal(blob(b"", version=2)) == "it is of version 2, and only version 1 is known"
    assert refusal(blob(b"", flags=4)) == "its header has flags (0x4), and none are known"
    assert refusal(b"\x9f\xeb\x01") == "it ends after 3 bytes, within its header"
    assert refusal(b"") == "it ends after 0 bytes, within its header"
    assert refusal(blob(b"")[:4] + struct.pack("<I", 23) + blob(b"")[8:]) == "its header is said to have 23 bytes"
    assert refusal(blob(b"")[:4] + struct.pack("<I", 99) + blob(b"")[8:]) == "its header is said to have 99 bytes"
    assert refusal(blob(b"", more_header=b"\1\2\3\4")) == "its header is said to have 28 bytes"


def test_a_longer_header_is_harmless_only_where_it_says_nothing():
    types = one_kfunc()
    words = struct.pack(f"<{len(types.words())}I", *types.words())
    assert Btf(blob(words, types.strings, layout=b"", more_header=b"\0" * 8), "vmlinux").count == types.first + 6
    assert refusal(blob(words, types.strings, layout=b"", more_header=b"\0\0\0\1")) == (
        "its header has 36 bytes and says more than is known"
    )


def test_sections_past_the_end():
    content = one_kfunc().blob()
    size = len(content)
    at_types = content[:12] + struct.pack("<I", 1 << 31) + content[16:]
    assert refusal(at_types) == f"its types reach to byte {(1 << 31) + 24:,}, past its end at byte {size}"
    at_strings = content[:16] + struct.pack("<I", 0xFFFFFFFF) + content[20:]
    assert "its strings reach to byte" in refusal(at_strings)
    assert refusal(content[:-1]).startswith("its strings reach to byte")
    assert refusal(blob(b"\0" * 13)) == "its types take 13 bytes, which are no whole words"
    assert refusal(blob(b"", b"\0abc")) == "its last string has no end"


def test_a_blob_larger_than_any_kernels():
    assert "more than any kernel has" in refusal(bytes(LARGEST_BLOB + 1))


def test_a_kind_that_is_not_known():
    types = one_kfunc()
    types.add(20, "new")
    message = "type 7 at byte 88 of the types is of kind 20, which is not known"
    assert refusal(types.blob()) == message
    # Kind 0 has never been one.
    assert "kind 0" in refusal(blob(bytes(12)))


def test_a_newer_kind_passes_where_the_layout_tells_its_size():
    types = Types()
    types.add(20, "new", 0, (1, 2, 3, 4, 5), 2)
    number = types.kfunc("bpf_thing")
    using = types.func("bpf_using", 1)
    words = struct.pack(f"<{len(types.words())}I", *types.words())
    layout = bytes(4 * 20) + struct.pack("<BBH", 4, 8, 0)
    btf = Btf(blob(words, types.strings, layout=layout), "vmlinux")
    assert btf.prototype(number) == "void bpf_thing(void)"
    with pytest.raises(Unscannable, match="type 1 of kind 20 stands where a type of C has to"):
        btf.prototype(using)


def test_types_cut_off_and_counts_too_large():
    assert refusal(blob(struct.pack("<I", 0))) == "type 1 is cut off at byte 0 of the types"
    assert (
        refusal(blob(struct.pack("<3I", 0, built.INT << 24, 4)))
        == "type 1 reaches to byte 16 of the types, past their end"
    )
    huge = struct.pack("<3I", 0, built.FUNC_PROTO << 24 | 0xFFFFFF, 0)
    assert refusal(blob(huge)) == "type 1 reaches to byte 134,217,732 of the types, past their end"


def test_references_to_types_that_are_not_there():
    types = Types()
    types.kfunc("f", 99)
    assert refusal(types.blob()) == "something refers to type 99, and there are 3"
    types = Types()
    types.tag(types.add(built.FUNC, "f", 1))
    assert refusal(types.blob()) == "function 1 ('f') has type 1, which is no prototype"
    types = Types()
    types.tag(types.add(built.FUNC, "f", 0))
    assert refusal(types.blob()) == "function 1 ('f') has type 0, which is no prototype"
    types = Types()
    types.kfunc("f", 1)
    assert refusal(types.blob()) == "type 1 goes round in a circle or is nested too deep"


def test_a_function_where_a_type_has_to_be():
    types = Types()
    types.kfunc("f", types.func("g"))
    assert refusal(types.blob()) == "type 2 of kind 12 stands where a type of C has to"


@pytest.mark.parametrize("kind", [built.PTR, built.CONST, built.TYPE_TAG])
def test_types_that_refer_to_themselves(kind):
    types = Types()
    types.add(kind, what=1)
    types.kfunc("f", 1)
    assert "goes round in a circle" in refusal(types.blob())


def test_arrays_and_prototypes_that_hold_themselves():
    types = Types()
    types.array(1, 2)
    types.kfunc("f", 1)
    assert "goes round in a circle" in refusal(types.blob())
    types = Types()
    types.proto(0, [("p", 2)] * 50)
    types.ptr(1)
    types.kfunc("f", 2)
    started = time.monotonic()
    assert refusal(types.blob())
    assert time.monotonic() - started < 5


def test_prototypes_that_grow_without_a_circle():
    types = Types()
    inner = types.ptr(0)
    for _ in range(30):
        inner = types.ptr(types.proto(0, [("a", inner), ("b", inner)]))
    types.kfunc("f", inner)
    assert "longer than" in refusal(types.blob())


@pytest.mark.endless
def test_many_kfuncs_with_long_prototypes_are_given_up():
    types = Types()
    number = types.int()
    signature = types.proto(0, [("a", number)] * 500)
    for index in range(2000):
        types.tag(types.add(built.FUNC, f"f{index}", signature))
    assert "longer than any kernel's" in refusal(types.blob())


@pytest.mark.parametrize("name", ["no name", "a\nb", "1st", "", "\x1b[31m", "f;"])
def test_names_that_cannot_stand_in_c(name):
    types = Types()
    types.tag(types.func(name))
    assert "no name in C" in refusal(types.blob())
    types = Types()
    types.kfunc("f", 0, [("p", types.ptr(types.struct(name or "a b")))])
    assert "no name in C" in refusal(types.blob())
    types = Types()
    types.kfunc("f", types.int(name and name + "-"))
    assert "no type in C" in refusal(types.blob())


def test_messages_have_no_control_characters():
    types = Types()
    types.kfunc("f\x1b[2Jg" + "g" * 100)
    assert refusal(types.blob()) == f"type 2 names 'f\\x1b[2Jg{'g' * 34}', which is no name in C"


def test_names_outside_of_the_strings_and_too_long():
    types = Types()
    types.tag(types.add_written(10_000, built.FUNC << 24, types.proto(0, [])))
    assert refusal(types.blob()) == "type 2 has its name at byte 10,000 of 11 of the strings"
    types = Types()
    types.kfunc("f" * 513)
    assert refusal(types.blob()) == "the name of type 2 has more than 512 bytes"


def test_dots_before_the_last_parameter():
    types = Types()
    types.kfunc("f", 0, [("", 0), ("p", types.int())])
    assert refusal(types.blob()) == "type 2 has '...' before its last parameter"


def test_more_types_than_the_format_allows():
    assert refusal(blob(struct.pack("<3I", 0, built.PTR << 24, 0) * 0x100000)) == "it has more than 1,048,575 types"


def test_byte_order_is_told_by_the_magic():
    assert byte_order_of(blob(b"")) == "little"
    assert byte_order_of(blob(b"", order="big")) == "big"
    assert byte_order_of(b"\x7fELF") is None
    assert byte_order_of(b"") is None


RICH = Types()
_NODE = RICH.ptr(RICH.const(RICH.struct("node", (("next", 1),))))
_LESS = RICH.ptr(RICH.proto(RICH.int("_Bool", 1), [("", _NODE), ("b", _NODE)]))
RICH.kfunc("bpf_sort", RICH.array(_NODE, 3), [("less", _LESS), ("", 0)])
RICH.kfunc("bpf_next", _NODE, [("p", RICH.typedef("u64", RICH.int("long unsigned int", 8)))])
RICH_BLOB = RICH.blob()


@pytest.mark.fuzz
@settings(max_examples=400, deadline=ENDLESS)
@given(st.data())
def test_fuzz_only_a_refusal_comes_out(data):
    content = bytearray(RICH_BLOB)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            at -= at % 4
            word = data.draw(
                st.sampled_from([0, 1, 2, 3, 7, 0xFFFF, 0xFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 12 << 24, 13 << 24])
            )
            content[at : at + 4] = struct.pack("<I", word)[: len(content) - at]
    content = content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]
    assert outcome(bytes(content)).isprintable()


@pytest.mark.fuzz
@settings(max_examples=200, deadline=ENDLESS)
@given(st.lists(st.integers(0, 40) | st.integers(0, 0x7F).map(lambda kind: kind << 24 | 2), max_size=60))
def test_fuzz_words_of_any_kind(words):
    types = struct.pack(f"<{len(words)}I", *words)
    assert outcome(blob(types, b"\0bpf_kfunc\0name\0")).isprintable()


# -- the tool that writes the kernel's BTF reads what is built here


@pytest.mark.skipif(not shutil.which("pahole"), reason="pahole is not installed")
@ORDERS
def test_pahole_reads_the_fixtures(tmp_path, order):
    types = Types(order)
    types.kfunc("bpf_thing", types.int(), [("p", types.ptr(types.struct("thing", (("a", 1),))))])
    path = tmp_path / "btf"
    path.write_bytes(types.blob())
    run = subprocess.run(["pahole", "-F", "btf", "-C", "thing", str(path)], capture_output=True, text=True, check=False)
    assert "struct thing {" in run.stdout, run.stderr
