# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reading BPF objects: what they declare, which programs call it, and files that are none."""

from __future__ import annotations

import re
import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Optional

import pytest
from btf_builder import DATASEC, PROGBITS, STRTAB, SYMTAB, VAR, Part, packed
from hypothesis import given, settings
from hypothesis import strategies as st
from object_builder import (
    EQUAL,
    NOT_EQUAL,
    Object,
    address,
    call,
    call_helper,
    call_near,
    jump_if,
    leave,
    move,
    store,
)  # fmt: skip
from unreadable import refuse_folders

from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.conditions import FactsOfKernel, KfuncFound
from kfuncdoc.bpf.objects import (
    BpfObject,
    Call,
    Extern,
    Program,
    SourceLine,
    SymbolFault,
    UnplacedSymbol,
    essential_name,
)
from kfuncdoc.bpf.shape import FUNCTION, INTEGER, POINTER, STRUCT, VOID
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load
from kfuncdoc.scan.binary import objects
from kfuncdoc.scan.binary.objects import find_objects, read_object, read_objects
from kfuncdoc.scan.errors import Unscannable

ORDERS = pytest.mark.parametrize("order", ["little", "big"])
XDP = "BPF_PROG_TYPE_XDP"


def read(written: Object) -> BpfObject:
    return read_object("prog.bpf.o", written.elf())


def refusal(content: bytes) -> str:
    with pytest.raises(Unscannable) as caught:
        read_object("prog.bpf.o", content)
    return caught.value.message


# -- names


@pytest.mark.parametrize(
    ("name", "essential"),
    [
        ("bpf_thing", "bpf_thing"),
        ("bpf_thing___compat", "bpf_thing"),
        ("bpf_thing___v2", "bpf_thing"),
        ("bpf_thing___v2___compat", "bpf_thing___v2"),
        ("bpf_thing___v6_13", "bpf_thing"),
        ("__bpf_thing", "__bpf_thing"),
        ("___bpf_thing", "___bpf_thing"),
        ("bpf_thing___", "bpf_thing___"),
        ("bpf_thing____x", "bpf_thing____x"),
        ("a___b", "a"),
        ("", ""),
    ],
)
def test_flavours_are_cut_off_as_libbpf_does(name, essential):
    assert essential_name(name) == essential


@given(st.text("ab_", max_size=12))
def test_flavours_by_the_letter(name):
    """The loop of libbpf: from the end, the first place of ``X___Y`` with X and Y no underscores."""
    expected = name
    for at in range(len(name) - 5, -1, -1):
        if name[at] != "_" and name[at + 1 : at + 4] == "___" and name[at + 4] != "_":
            expected = name[: at + 1]
            break
    assert essential_name(name) == expected


# -- externs and calls


@ORDERS
def test_one_of_everything(order):
    written = Object(order)
    thing = written.types.ptr(written.types.struct("thing"))
    written.extern("bpf_thing_get", returns=thing, parameters=[("", written.int)])
    written.extern("bpf_thing_put", weak=True, parameters=[("", thing)])
    written.function("xdp", "packet", [call("bpf_thing_get"), call("bpf_thing_put"), leave()], lines=10)
    get = Extern("bpf_thing_get", False, "struct thing *bpf_thing_get(int)", (FUNCTION, (POINTER, STRUCT), INTEGER))
    put = Extern("bpf_thing_put", True, "void bpf_thing_put(struct thing *)", (FUNCTION, VOID, (POINTER, STRUCT)))
    program = Program("packet", "xdp", XDP, attach_type="BPF_XDP", sleepable=False)
    assert read(written) == BpfObject(
        "prog.bpf.o",
        (get, put),
        (program,),
        (
            Call("bpf_thing_get", "packet", (program,), SourceLine("prog.c", 10, 7), directly=(program,)),
            Call("bpf_thing_put", "packet", (program,), SourceLine("prog.c", 11, 7), directly=(program,)),
        ),
        defined=frozenset({"packet"}),
    )


@ORDERS
def test_sources_are_named_from_the_current_folder(order, tmp_path, monkeypatch):
    """Compilers write whole paths, and code hosts want those in the repository."""
    written = Object(order, source=f"{tmp_path}/src/prog.c")
    written.extern("bpf_thing")
    written.function("xdp", "packet", [call("bpf_thing"), leave()], lines=10)
    assert read(written).calls[0].source == SourceLine(f"{tmp_path}/src/prog.c", 10, 7)
    monkeypatch.chdir(tmp_path)
    assert read(written).calls[0].source == SourceLine("src/prog.c", 10, 7)


@ORDERS
def test_what_is_no_kfunc(order):
    """Variables in .ksyms, functions that are defined, and what another object is to bring."""
    written = Object(order)
    written.extern("bpf_thing")
    written.extern("static_one", linkage=0)
    written.symbol("other_object", 0, 1)
    written.symbol("bpf_thing_local", 0, 0)
    written.function("xdp", "packet", [call("bpf_thing"), call("other_object"), leave()])
    bpf_object = read(written)
    assert [extern.name for extern in bpf_object.externs] == ["bpf_thing"]
    assert [kfunc_call.extern for kfunc_call in bpf_object.calls] == ["bpf_thing", "other_object"]
    assert bpf_object.unplaced == (
        UnplacedSymbol("other_object", SymbolFault.UNTYPED),
        UnplacedSymbol("static_one", SymbolFault.NOT_EXTERN, ".ksyms"),
    )


def test_declared_and_not_called():
    written = Object()
    written.extern("bpf_thing", weak=True)
    written.function("xdp", "packet", [leave()])
    bpf_object = read(written)
    assert ([extern.name for extern in bpf_object.externs], bpf_object.calls) == (["bpf_thing"], ())


@ORDERS
def test_without_btf(order):
    """Only what is called can be told to be a function; what it looks like nobody knows."""
    written = Object(order, btf=False)
    written.extern("bpf_thing")
    written.symbol("CONFIG_HZ", 0, 1)
    written.function("xdp", "packet", [address(1, "CONFIG_HZ"), call("bpf_thing"), leave()])
    bpf_object = read(written)
    assert bpf_object.externs == (Extern("bpf_thing", False),)
    assert not bpf_object.has_btf
    assert [(kfunc_call.extern, kfunc_call.source) for kfunc_call in bpf_object.calls] == [("bpf_thing", None)]


def test_stripped_of_the_names_of_functions():
    written = Object(named=False)
    written.extern("bpf_thing")
    written.function("xdp", "packet", [call("bpf_thing"), leave()])
    (kfunc_call,) = read(written).calls
    program = Program("xdp", "xdp", XDP, attach_type="BPF_XDP", sleepable=False)
    assert (kfunc_call.function, kfunc_call.programs) == ("xdp", (program,))


def test_stripped_of_its_symbols():
    """That nothing is found in it must not look as if nothing were wrong with it."""
    content = packed([Part("xdp", PROGBITS, 0x6, b"\x95" + b"\0" * 7)], machine=247)
    assert refusal(content) == "its symbols were stripped: nobody can tell what it calls, and libbpf cannot load it"


# -- programs


@ORDERS
def test_calls_in_subprograms_and_callbacks(order):
    written = Object(order)
    for name in ("bpf_one", "bpf_two", "bpf_three"):
        written.extern(name)
    written.section_symbol(".text")
    written.function(".text", "helper", [call("bpf_one"), leave()], local=True)
    written.function(".text", "callback", [call("bpf_two"), call_near(-4), leave()], local=True)
    written.function(".text", "global", [call("bpf_three"), leave()])
    # Of a static function a relocation names the section: in instructions where it is called, else in bytes.
    written.function("xdp", "first", [call("[.text]")._replace(immediate=-1), call("global"), leave()])
    written.function("tc", "second", [address(2, "[.text]", 16), call_helper(181), leave()])
    written.function("tc", "third", [leave()])
    bpf_object = read(written)
    assert {
        kfunc_call.extern: [program.name for program in kfunc_call.programs] for kfunc_call in bpf_object.calls
    } == {
        "bpf_one": ["first", "second"],
        "bpf_two": ["second"],
        "bpf_three": ["first"],
    }
    # From the callback on, it is another context.
    assert {
        kfunc_call.extern: [program.name for program in kfunc_call.directly] for kfunc_call in bpf_object.calls
    } == {
        "bpf_one": ["first"],
        "bpf_two": [],
        "bpf_three": ["first"],
    }
    assert [program.name for program in bpf_object.programs] == ["first", "second", "third"]


def test_a_function_alone_is_a_program():
    written = Object()
    written.extern("bpf_thing")
    written.function(".text", "lonely", [call("bpf_thing"), leave()])
    assert read(written).programs == (Program("lonely", ".text"),)


@ORDERS
@pytest.mark.parametrize("section", [".struct_ops", ".struct_ops.link", "?.struct_ops.link"])
def test_struct_ops(order, section):
    written = Object(order)
    written.extern("bpf_thing")
    written.function("struct_ops/a", "on_enqueue", [call("bpf_thing"), leave()])
    written.function("struct_ops/a", "on_dispatch", [call("bpf_thing"), leave()])
    written.function("struct_ops.s/b", "nowhere", [call("bpf_thing"), leave()])
    written.struct_ops(section, "sched_ext_ops___mine", {"enqueue": "on_enqueue", "dispatch": "on_dispatch"})
    assert [
        (program.name, program.program_type, program.struct_ops, program.member) for program in read(written).programs
    ] == [
        ("on_enqueue", "BPF_PROG_TYPE_STRUCT_OPS", "sched_ext_ops", "enqueue"),
        ("on_dispatch", "BPF_PROG_TYPE_STRUCT_OPS", "sched_ext_ops", "dispatch"),
        ("nowhere", "BPF_PROG_TYPE_STRUCT_OPS", None, None),
    ]


def test_several_structures_in_a_section():
    """Only their symbols tell where each of them is."""
    written = Object()
    for name in ("first", "second", "third"):
        written.function(f"struct_ops/{name}", name, [leave()])
    maps = {
        "one": ("sched_ext_ops", {"enqueue": "first", "dispatch": "second"}),
        "other": ("tcp_congestion_ops", {"init": "third"}),
    }
    written.maps_of_struct_ops(".struct_ops.link", maps)
    assert [(program.name, program.struct_ops, program.member) for program in read(written).programs] == [
        ("first", "sched_ext_ops", "enqueue"),
        ("second", "sched_ext_ops", "dispatch"),
        ("third", "tcp_congestion_ops", "init"),
    ]


def test_a_program_of_two_structures_is_a_callback_of_which_nobody_knows():
    """libbpf loads the one of the two maps that user space chooses."""
    written = Object()
    for name in ("both", "once"):
        written.function(f"struct_ops/{name}", name, [leave()])
    written.struct_ops(".struct_ops", "sched_ext_ops", {"enqueue": "both", "dispatch": "once"})
    written.struct_ops(".struct_ops.link", "sched_ext_ops_cid", {"enqueue": "both"})
    assert [(program.name, program.struct_ops, program.member) for program in read(written).programs] == [
        ("both", None, None),
        ("once", "sched_ext_ops", "dispatch"),
    ]


def test_callbacks_are_loaded_with_their_structures():
    """The section of a callback that is in a structure does not matter to libbpf."""
    written = Object()
    for section, name in (
        ("struct_ops/kept", "kept"), ("?struct_ops/asked", "asked"), ("struct_ops/left", "left"),
        ("struct_ops/both", "both"), ("struct_ops/none", "none"), ("?struct_ops/neither", "neither"),
    ):  # fmt: skip
        written.function(section, name, [leave()])
    written.struct_ops("?.struct_ops.link", "sched_ext_ops", {"enqueue": "left", "dispatch": "both"})
    written.struct_ops(".struct_ops.link", "other_ops", {"one": "kept", "two": "asked", "three": "both"})
    optional = {program.name: program.optional for program in read(written).programs}
    assert optional == {
        "kept": False, "asked": False, "left": True, "both": False, "none": False, "neither": True,
    }  # fmt: skip


def test_attach_types_and_lsm_hooks():
    written = Object()
    for section in ("iter/task", "?lsm.s/file_open", "lsm", "kprobe/vfs_read", "freplace/main", "mine"):
        written.function(section, section, [leave()])
    assert [(program.name, program.attach_type, program.lsm_hook) for program in read(written).programs] == [
        ("iter/task", "BPF_TRACE_ITER", None),
        ("?lsm.s/file_open", "BPF_LSM_MAC", "file_open"),
        ("lsm", "BPF_LSM_MAC", None),
        ("kprobe/vfs_read", "", None),
        ("freplace/main", None, None),
        ("mine", None, None),
    ]


def test_a_program_that_is_not_loaded_by_itself():
    written = Object()
    written.function("?xdp", "packet", [leave()])
    (program,) = read(written).programs
    assert (program.program_type, program.optional) == (XDP, True)


def facts(present: dict[str, Optional[bool]]) -> FactsOfKernel:
    """Return the facts of a kernel on which libbpf finds the externs that are *present*."""
    return lambda fact: present.get(fact.name) if isinstance(fact, KfuncFound) else None


@ORDERS
def test_tests_before_calls(order):
    written = Object(order)
    written.extern("bpf_new", weak=True)
    written.extern("bpf_old", weak=True)
    written.function(
        "xdp", "packet",
        [address(1, "bpf_new"), jump_if(EQUAL, 1, 0, 2), call("bpf_new"), leave(), call("bpf_old"), leave()],
    )  # fmt: skip
    new, old = read(written).calls
    assert (new.found, new.missed, new.guarded) == ({"bpf_new"}, frozenset(), True)
    assert (old.found, old.missed, old.guarded) == (frozenset(), {"bpf_new"}, False)
    assert not old.reached(facts({"bpf_new": True, "bpf_old": False}))
    assert old.reached(facts({"bpf_new": False, "bpf_old": True}))
    assert old.reached(facts({"bpf_new": None, "bpf_old": True})) is None
    assert not new.reached(facts({"bpf_new": False}))


# -- files


def library(*members: tuple[bytes, bytes]) -> bytes:
    content = b"!<arch>\n"
    for name, member in members:
        content += b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 0, 0, 0o644, len(member)) + member
        content += b"\n" if len(member) % 2 else b""
    return content


def one_object(name: str = "bpf_thing") -> bytes:
    written = Object()
    written.extern(name)
    written.function("xdp", "packet", [call(name), leave()])
    return written.elf()


def test_a_library_of_objects(tmp_path):
    long = b"a_name_that_is_longer_than_a_header.bpf.o/\n"
    path = tmp_path / "programs.a"
    path.write_bytes(
        library(
            (b"/", b"\0\0\0\0"),
            (b"//", long),
            (b"one.bpf.o/", one_object("bpf_one")),
            (b"/0", one_object("bpf_two")),
            (b"#1/11", b"bsd.bpf.o\0\0" + one_object("bpf_three")),
            (b"__.SYMDEF", b"\0"),
        )
    )
    objects = list(read_objects(str(path)))
    assert [(bpf_object.path, bpf_object.externs[0].name) for bpf_object in objects] == [
        (f"{path}(one.bpf.o)", "bpf_one"),
        (f"{path}(a_name_that_is_longer_than_a_header.bpf.o)", "bpf_two"),
        (f"{path}(bsd.bpf.o)", "bpf_three"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"!<thin>\n", "this library only names its objects: name them yourself"),
        (b"!<arch>\n", "there is no object in this library"),
        (b"!<arch>\nabc", "this library is broken at byte 8"),
        (library((b"x/", b"abcd"))[:-2], "this library is cut off: a member at byte 8 reaches past its end"),
        (library((b"x/", b"abcd")).replace(b"4         `", b"-4        `"), "this library is broken at byte 8"),
    ],
)
def test_a_library_that_is_none(tmp_path, content, message):
    path = tmp_path / "programs.a"
    path.write_bytes(content)
    with pytest.raises(Unscannable) as caught:
        list(read_objects(str(path)))
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"int main(void)", "this is no BPF object: it is not ELF"),
        (Object(machine=62).elf(), "this is no BPF object: it is for the machine EM_X86_64"),
        (b"\x7fELF" + b"\0" * 60, "its ELF headers are broken or cut off"),
    ],
)
def test_what_is_no_object(content, message):
    assert refusal(content) == message


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(Unscannable) as caught:
        list(read_objects(str(tmp_path / "nowhere")))
    assert caught.value.message == "there is no such file or folder"


def test_folders(tmp_path):
    for name in ("b/two.bpf.o", "b/one.bpf.o", "a/three.bpf.o", "a/user.o", "c/nothing.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    paths, broken = find_objects([str(tmp_path), str(tmp_path / "c")])
    assert broken == []
    assert [str(Path(path).relative_to(tmp_path)) for path in paths] == [
        "a/three.bpf.o", "b/one.bpf.o", "b/two.bpf.o", "c",
    ]  # fmt: skip
    with pytest.raises(Unscannable, match="there is no BPF object in this folder"):
        list(read_objects(str(tmp_path / "c")))


def test_an_object_that_is_named_again_is_listed_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    for name in ("one", "two"):
        (tmp_path / "build" / f"{name}.bpf.o").write_bytes(b"")
    one, two = "build/one.bpf.o", "build/two.bpf.o"
    assert find_objects([two, "build", two, "./build/", str(tmp_path / one)]) == ([two, one], [])
    assert find_objects(["nowhere", "./nowhere"]) == (["nowhere"], [])


def test_a_folder_that_cannot_be_read_and_is_named_again_is_told_of_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build" / "locked").mkdir(parents=True)
    refuse_folders(monkeypatch, "locked")
    assert find_objects(["build", "build/locked", "./build"]) == ([], [("build/locked", "permission denied")])


# -- hostile files


def whole() -> bytes:
    written = Object()
    for name in ("bpf_new", "bpf_old"):
        written.extern(name, weak=True, parameters=[("", written.int)])
    written.section_symbol(".text")
    written.function(".text", "helper", [call("bpf_old"), leave()], local=True)
    written.function(
        "struct_ops/a", "on_enqueue",
        [address(1, "bpf_new"), jump_if(EQUAL, 1, 0, 1), call("bpf_new"), call("[.text]"), leave()], lines=3,
    )  # fmt: skip
    written.struct_ops(".struct_ops", "ops", {"enqueue": "on_enqueue"})
    return written.elf()


WHOLE = whole()


def survives(content: bytes) -> None:
    """Read *content*: there is an object in it, or a clear error."""
    with suppress(Unscannable):
        assert isinstance(read_object("prog.bpf.o", content), BpfObject)


@pytest.mark.fuzz
@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(WHOLE)))
def test_cut_off_anywhere(length):
    survives(WHOLE[:length])


@pytest.mark.fuzz
@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_any_bytes_changed(changes):
    content = bytearray(WHOLE)
    for at, value in changes:
        content[at] = value
    survives(bytes(content))


@pytest.mark.fuzz
@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(WHOLE) // 4 - 1), st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
def test_any_word_changed(at, value):
    survives(WHOLE[: at * 4] + struct.pack("<I", value) + WHOLE[at * 4 + 4 :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_library(content):
    with suppress(Unscannable):
        assert all(name is not None for name, _ in objects.members("programs.a", b"!<arch>\n" + content))


def hostile(parts: list[Part]) -> str:
    """Return how an object of *parts* is refused, in little memory."""
    content = packed(parts, machine=247)
    tracemalloc.start()
    try:
        message = refusal(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(content) + (20 << 20)
    return message


def symbols(count: int, name: int = 1) -> bytes:
    return b"\0" * 24 + struct.pack("<IBBHQQ", name, 0x10, 0, 0, 0, 0) * count


def test_names_without_an_end():
    """Each symbol would have the rest of the table for its name."""
    parts = [
        Part("xdp", PROGBITS, 0x6, b"\x95" + b"\0" * 7),
        Part(".symtab", SYMTAB, 0, symbols(3000), 3, 0, 24),
        Part(".strtab", STRTAB, 0, b"\0" + b"a" * 300_000),
    ]
    assert hostile(parts) == "a name in it has more than 1024 bytes"


def test_sections_one_over_the_other():
    content = packed(
        [Part("xdp", PROGBITS, 0x6, b"\x95" + b"\0" * 99_999)] + [Part("xdp", PROGBITS, 0x6, b"")] * 300, machine=247
    )
    # Every header says what the first one does.
    start = struct.unpack_from("<Q", content, 40)[0]
    first = content[start + 64 + 24 : start + 64 + 40]
    changed = bytearray(content)
    for number in range(2, 302):
        changed[start + 64 * number + 24 : start + 64 * number + 40] = first
    assert refusal(bytes(changed)).startswith("its sections lie one over the other: ")


def test_names_of_members_without_an_end():
    long_names = b"a" * 200_000
    content = library((b"//", long_names), *[(b"/%d" % at, b"") for at in range(2000)])
    assert all(len(name) <= 1024 for name, _ in objects.members("programs.a", content))


def test_names_that_control_a_terminal():
    written = Object()
    written.extern("bpf_thing")
    written.function("xdp", "p\x1b[31m\n", [call("bpf_thing"), leave()])
    assert read(written).programs[0].name == "p\\x1b[31m\\n"
    ((name, _),) = objects.members(
        "programs.a",
        library(
            (
                b"#1/9",
                b"x\n::err::",
            )
        ),
    )
    assert name == "x\\n::err::"


def test_programs_that_share_all_their_functions():
    """A long chain that each of many programs calls is walked once."""
    written = Object()
    written.extern("bpf_thing")
    for number in range(400):
        following = [call(f"f{number + 1}")] if number < 399 else [call("bpf_thing")]
        written.function(".text", f"f{number}", [*following, leave()])
    for number in range(400):
        written.function("xdp", f"p{number}", [call("f0"), leave()])
    (kfunc_call,) = read(written).calls
    assert len(kfunc_call.programs) == 400


def test_symbols_without_a_type():
    """As a call of a function that was never declared leaves one."""
    written = Object()
    written.extern("bpf_thing")
    written.symbol("bpf_ksym_exists", 0, 1)
    written.function("xdp", "packet", [call("bpf_thing"), call("bpf_ksym_exists"), leave()])
    assert read(written).unplaced == (UnplacedSymbol("bpf_ksym_exists", SymbolFault.UNTYPED),)


@ORDERS
@pytest.mark.parametrize("kind", ["function", "variable"])
@pytest.mark.parametrize(
    ("section", "linkage", "unplaced"),
    [
        ("", 2, (UnplacedSymbol("thing", SymbolFault.WITHOUT_SECTION),)),
        ("", 0, (UnplacedSymbol("thing", SymbolFault.NOT_EXTERN),)),
        ("", 1, (UnplacedSymbol("thing", SymbolFault.NOT_EXTERN),)),
        (".maps", 2, (UnplacedSymbol("thing", SymbolFault.WRONG_SECTION, ".maps"),)),
        (".ksyms", 1, (UnplacedSymbol("thing", SymbolFault.NOT_EXTERN, ".ksyms"),)),
        (".ksyms", 2, ()),
    ],
)
def test_where_libbpf_looks_for_a_symbol(order, kind, section, linkage, unplaced):
    """As ``bpf_object__collect_externs()`` of libbpf does: the type has to be extern, and in .ksyms or .kconfig."""
    written = Object(order)
    if kind == "variable":
        number = written.types.add(VAR, "thing", written.int, (linkage,))
    else:
        number = written.types.func("thing", 0, [], linkage)
    if section:
        written.types.add(DATASEC, section, 0, (number, 0, 0), 1)
    written.symbol("thing", 0, 1)
    written.function("xdp", "packet", [address(1, "thing"), leave()])
    assert read(written).unplaced == unplaced


def test_functions_cannot_be_in_kconfig():
    """libbpf: extern function thing is unsupported under .kconfig section."""
    written = Object()
    written.types.add(DATASEC, ".kconfig", 0, (written.types.func("thing", 0, [], 2), 0, 0), 1)
    written.symbol("thing", 0, 1)
    written.function("xdp", "packet", [call("thing"), leave()])
    bpf_object = read(written)
    assert bpf_object.unplaced == (UnplacedSymbol("thing", SymbolFault.WRONG_SECTION, ".kconfig"),)
    assert [kfunc_call.programs[0].name for kfunc_call in bpf_object.calls] == ["packet"]


def test_what_an_object_defines_for_others():
    written = Object()
    written.function(".text", "shared", [leave()])
    written.function(".text", "own", [leave()], local=True)
    written.function("xdp", "packet", [call("shared"), call("own"), leave()])
    assert read(written).defined == {"shared", "packet"}


def peak_of_reading(content: bytes) -> int:
    """Return how many bytes it took at most to read *content*."""
    tracemalloc.start()
    try:
        read_object("prog.bpf.o", content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.endless
def test_slots_beyond_any_stack_take_no_memory():
    """Each state would have them all."""
    written = Object()
    written.extern("bpf_thing", weak=True)
    body = [store(-8 * number - 8, 1) for number in range(1500)]
    body += [jump_if(NOT_EQUAL, 5, 7, 1500) for _ in range(1500)] + [move(2, 0) for _ in range(1500)]
    written.function("xdp", "packet", [address(1, "bpf_thing"), *body, call("bpf_thing"), leave()])
    content = written.elf()
    assert peak_of_reading(content) < 40 * len(content) + (20 << 20)


def test_sections_of_one_name_share_what_is_patched():
    written = Object()
    written.extern("bpf_thing", weak=True)
    for number in range(3000):
        written.patch("xdp", number)
    for number in range(900):
        written.function(f"xdp{number:03}", f"p{number}", [leave()])
    written.function("xdp", "packet", [address(1, "bpf_thing"), call("bpf_thing"), leave()])
    content = re.sub(rb"\0xdp\d{3}\0", b"\0xdp\0\0\0\0", written.elf())
    assert peak_of_reading(content) < 40 * len(content) + (20 << 20)


def test_a_function_of_many_jumps_comes_to_an_end():
    """Ways that part and meet again and again, with a subprogram that calls itself."""
    written = Object()
    written.extern("bpf_thing", weak=True)
    code = []
    for _ in range(2000):
        code += [jump_if(EQUAL, 2, 0, 1), move(1, 0), jump_if(EQUAL, 3, 0, -3)]
    written.function("xdp", "packet", [address(1, "bpf_thing"), *code, call("bpf_thing"), call("packet"), leave()])
    (kfunc_call,) = read(written).calls
    assert not kfunc_call.guarded


def test_the_record_and_its_flavours():
    """Every kfunc that there is can be declared under a flavour that finds it."""
    names = [declaration.name for _, declaration in load(find([str(packaged("data"))])).declarations]
    assert len(names) > 300
    for name in names:
        assert essential_name(f"{name}___compat") == name
        assert essential_name(f"{name}___v7_0") == name
