# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scanning of built kernels: sets and decl tags, modules, what is packed, and files that are none of it."""

from __future__ import annotations

import dataclasses
import datetime
import gzip
import lzma
import os
import struct
from pathlib import Path

import pytest
import zstandard
from btf_builder import FUNC, Image, KfuncSet, Types, elf, packed
from hypothesis import given, settings
from hypothesis import strategies as st

from kfuncdoc.kernels.observation import KernelFunctions, Kind, Observation, ObservedKfunc, Registration
from kfuncdoc.kernels.packaged import load_flags
from kfuncdoc.kernels.selftests import is_selftest
from kfuncdoc.scan.binary import packed as packed_files
from kfuncdoc.scan.binary.image import find_functions, scan_image
from kfuncdoc.scan.errors import Unscannable

ACQUIRE, RELEASE, RET_NULL, TRUSTED, SLEEPABLE, RCU, IMPLICIT = 1, 2, 4, 1 << 4, 1 << 5, 1 << 7, 1 << 16
CLASSES = pytest.mark.parametrize(("order", "bits"), [("little", 64), ("big", 64), ("little", 32), ("big", 32)])


def thing_types(order: str = "little") -> Types:
    """Types with three functions; the first two have the decl tag."""
    types = Types(order)
    number = types.int()
    thing = types.ptr(types.struct("thing"))
    types.kfunc("bpf_thing_acquire", thing, [("id", number)])
    types.kfunc("bpf_thing_release", 0, [("p", thing)])
    types.func("bpf_thing_peek", thing, [("p", thing)])
    return types


THINGS = {"bpf_thing_acquire": ACQUIRE | RET_NULL, "bpf_thing_release": RELEASE, "bpf_thing_peek": 0}


@pytest.fixture
def scan(tmp_path):
    """Scan the images given by the names of their files."""

    def scanned(**images: Image | bytes) -> Observation:
        paths = []
        for name, image in images.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(image if isinstance(image, bytes) else image.elf())
            paths.append(str(path))
        return scan_image(paths)

    return scanned


def refusal(scan, **images: Image | bytes) -> str:
    with pytest.raises(Unscannable) as caught:
        scan(**images)
    return caught.value.message


def flags(observation: Observation) -> dict[str, list[tuple[str, ...]]]:
    return {kfunc.name: [registration.flags for registration in kfunc.registrations] for kfunc in observation.kfuncs}


# -- vmlinux


@CLASSES
@pytest.mark.parametrize("symbols", [False, True])
def test_kfuncs_of_a_vmlinux(scan, order, bits, symbols):
    image = Image(thing_types(order), [KfuncSet("thing_ids", THINGS)], bits=bits, symbols=symbols)
    name = "thing_ids" if symbols else None
    assert scan(vmlinux=image) == Observation(
        Kind.IMAGE,
        kernel="7.3.4",
        kfuncs=(
            ObservedKfunc(
                "bpf_thing_acquire",
                "struct thing *bpf_thing_acquire(int id)",
                (Registration(name, ("KF_ACQUIRE", "KF_RET_NULL")),),
            ),
            ObservedKfunc("bpf_thing_peek", "struct thing *bpf_thing_peek(struct thing *p)", (Registration(name),)),
            ObservedKfunc(
                "bpf_thing_release", "void bpf_thing_release(struct thing *p)", (Registration(name, ("KF_RELEASE",)),)
            ),
        ),
    )


def test_what_only_has_the_decl_tag_is_a_kfunc_too(scan):
    observation = scan(vmlinux=Image(thing_types(), [KfuncSet("ids", {"bpf_thing_peek": 0})]))
    assert flags(observation) == {"bpf_thing_acquire": [], "bpf_thing_peek": [()], "bpf_thing_release": []}
    assert [kfunc.flags for kfunc in observation.kfuncs] == [None, (), None]


def test_what_is_only_in_a_set_is_a_kfunc_too(scan):
    observation = scan(vmlinux=Image(thing_types(), [KfuncSet("ids", {"bpf_thing_peek": RCU})]))
    assert flags(observation)["bpf_thing_peek"] == [("KF_RCU",)]


def test_a_name_in_several_sets_with_other_flags_in_each(scan):
    sets = [KfuncSet("a", {"bpf_thing_peek": SLEEPABLE}), KfuncSet("b", {"bpf_thing_peek": 0}), KfuncSet("c", THINGS)]
    both = scan(vmlinux=Image(thing_types(), sets, symbols=True)).by_name["bpf_thing_peek"].registrations
    assert both == (Registration("a", ("KF_SLEEPABLE",)), Registration("b"), Registration("c"))
    # Without symbols, sets with the same flags cannot be told apart.
    unnamed = scan(vmlinux=Image(thing_types(), sets)).by_name["bpf_thing_peek"].registrations
    assert unnamed == (Registration(None, ("KF_SLEEPABLE",)), Registration(None, ()))


@pytest.mark.parametrize("symbols", [False, True])
def test_sets_whose_head_does_not_say_kfuncs_are_of_something_else(scan, symbols):
    fmodret = KfuncSet("bpf_mptcp_fmodret_ids", {"bpf_thing_peek": 0}, holds=0)
    image = Image(thing_types(), [fmodret, KfuncSet("ids", {"bpf_thing_acquire": ACQUIRE})], symbols=symbols)
    assert "bpf_thing_peek" not in scan(vmlinux=image).by_name


def test_sets_are_found_among_other_lists(scan):
    types = thing_types()
    acquire = types.functions["bpf_thing_acquire"]
    # A list of types, a set of plain numbers, a head with nothing after it that is a function.
    before = [1, 1, 2, 3, 2, acquire, acquire + 2, 0, 2, 1, 1, 0, 5, 0, 1, 1]
    image = Image(types, [KfuncSet("a", {"bpf_thing_peek": RCU}), KfuncSet("b", THINGS)], before=before)
    assert flags(scan(vmlinux=image))["bpf_thing_peek"] == [("KF_RCU",), ()]


def test_an_empty_set_and_an_empty_section(scan):
    image = Image(thing_types(), [KfuncSet("none", {}), KfuncSet("ids", {"bpf_thing_peek": RCU})])
    assert flags(scan(vmlinux=image))["bpf_thing_peek"] == [("KF_RCU",)]
    assert len(scan(vmlinux=Image(thing_types())).kfuncs) == 2


@pytest.mark.parametrize("symbols", [False, True])
def test_entries_without_a_function_are_remarked_on(scan, symbols):
    image = Image(thing_types(), [KfuncSet("ids", {0: RELEASE, "bpf_thing_peek": RCU})], symbols=symbols, before=[7])
    observation = scan(vmlinux=image)
    assert flags(observation)["bpf_thing_peek"] == [("KF_RCU",)]
    place = "ids" if symbols else "the set at byte 4 of .BTF_ids"
    assert [(remark.file, remark.text) for remark in observation.remarks] == [
        ("vmlinux", f"1 entries of {place} have no function in BTF")
    ]


# -- implicit arguments


def implicit_types(*, shown: bool = False, twin: bool = True) -> Types:
    types = Types()
    number, aux = types.int(), types.ptr(types.const(types.struct("bpf_prog_aux")))
    full = [("cpu", number), ("aux", aux)]
    types.func("bpf_kick", 0, full if shown else full[:1])
    if twin:
        types.func("bpf_kick_impl", 0, full)
    return types


@pytest.mark.parametrize(("shown", "twin"), [(False, True), (True, False), (True, True)])
def test_implicit_arguments_are_no_part_of_what_programs_call(scan, shown, twin):
    image = Image(implicit_types(shown=shown, twin=twin), [KfuncSet("ids", {"bpf_kick": IMPLICIT})])
    assert [(kfunc.name, kfunc.prototype, kfunc.flags) for kfunc in scan(vmlinux=image).kfuncs] == [
        ("bpf_kick", "void bpf_kick(int cpu)", ("KF_IMPLICIT_ARGS",))
    ]


TWINLESS = (
    "1 of 1 kfuncs with KF_IMPLICIT_ARGS have the implicit argument in BTF, and no twin NAME_impl, because pahole did"
    " not tag them as kfuncs (before 1.26 it tags none); programs cannot call them: bpf_kick"
)


@pytest.mark.parametrize(
    ("shown", "twin", "remarks"), [(False, True, []), (True, False, [TWINLESS]), (True, True, []), (False, False, [])]
)
def test_kfuncs_whose_twin_is_missing(scan, shown, twin, remarks):
    image = Image(implicit_types(shown=shown, twin=twin), [KfuncSet("ids", {"bpf_kick": IMPLICIT})])
    assert [remark.text for remark in scan(vmlinux=image).remarks] == remarks


@pytest.mark.parametrize(
    ("flags_of_kick", "twin", "without_twin"),
    [(IMPLICIT, False, {"bpf_kick"}), (IMPLICIT, True, set()), (0, False, set())],
)
def test_functions_whose_twin_is_missing(tmp_path, flags_of_kick, twin, without_twin):
    """Their prototypes are those of BTF, because libbpf compares these."""
    image = Image(implicit_types(shown=True, twin=twin), [KfuncSet("ids", {"bpf_kick": flags_of_kick})])
    kernel_functions = functions(tmp_path, {"bpf_kick"}, vmlinux=image.elf())
    assert kernel_functions.without_twin == without_twin
    assert kernel_functions.prototypes == {"bpf_kick": "void bpf_kick(int cpu, const struct bpf_prog_aux *aux)"}
    integer, structure = "integer", ("pointer", "struct")
    assert kernel_functions.shapes == {"bpf_kick": ("function", "void", integer, structure)}


@pytest.mark.parametrize("twin", [True, False])
def test_btf_alone_does_not_tell_the_flag_of_a_function_without_a_twin(tmp_path, twin):
    kernel_functions = functions(tmp_path, {"bpf_kick"}, vmlinux=implicit_types(shown=True, twin=twin).blob())
    assert kernel_functions.without_twin == (set() if twin else {"bpf_kick"})
    assert kernel_functions.doubtful == {"bpf_kick"}


def test_without_the_flag_nothing_is_left_out(scan):
    image = Image(implicit_types(shown=True), [KfuncSet("ids", {"bpf_kick": 0})])
    prototypes = [kfunc.prototype for kfunc in scan(vmlinux=image).kfuncs]
    assert prototypes == ["void bpf_kick(int cpu, const struct bpf_prog_aux *aux)"]


def test_a_twin_that_has_the_decl_tag_is_still_a_twin(scan):
    types = implicit_types()
    types.tag(types.functions["bpf_kick_impl"])
    assert [kfunc.name for kfunc in scan(vmlinux=Image(types, [KfuncSet("ids", {"bpf_kick": IMPLICIT})])).kfuncs] == [
        "bpf_kick"
    ]


def test_real_kfuncs_whose_name_ends_so_are_reported(scan):
    types = implicit_types()
    types.kfunc("bpf_obj_drop_impl", 0, [("p", types.ptr(0))])
    sets = [KfuncSet("ids", {"bpf_kick": IMPLICIT, "bpf_kick_impl": SLEEPABLE, "bpf_obj_drop_impl": RELEASE})]
    assert flags(scan(vmlinux=Image(types, sets))) == {
        "bpf_kick": [("KF_IMPLICIT_ARGS",)],
        "bpf_kick_impl": [("KF_SLEEPABLE",)],
        "bpf_obj_drop_impl": [("KF_RELEASE",)],
    }


# -- flags and releases


def test_every_flag_that_a_kernel_has_tells_its_bit():
    known = load_flags().values()
    assert all((flag.bit is None) == (flag.first is None) for flag in known)
    assert {flag.bit for flag in known if flag.first} == set(range(19))


@pytest.mark.parametrize(
    ("release", "name"), [("6.12.1", "KF_TRUSTED_ARGS"), ("6.19.0-rc8", "KF_TRUSTED_ARGS"), ("7.0", "KF_BIT_4")]
)
def test_bits_stand_for_the_flags_of_their_release(scan, release, name):
    observation = scan(vmlinux=Image(thing_types(), [KfuncSet("ids", {"bpf_thing_peek": TRUSTED})], release=release))
    assert flags(observation)["bpf_thing_peek"] == [(name,)]
    assert observation.kernel == release
    remarked = [(remark.text, remark.kfunc) for remark in observation.remarks]
    assert remarked == ([("no flag is known for bit 4 of its entry", "bpf_thing_peek")] if "BIT" in name else [])


def test_a_kernel_that_does_not_tell_its_release(scan):
    observation = scan(vmlinux=Image(thing_types(), [KfuncSet("ids", {"bpf_thing_peek": TRUSTED})], release=None))
    assert observation.kernel is None
    assert flags(observation)["bpf_thing_peek"] == [("KF_TRUSTED_ARGS",)]


def test_flags_stand_in_the_order_of_their_bits(scan):
    image = Image(thing_types(), [KfuncSet("ids", {"bpf_thing_peek": 1 << 18 | RCU | 1 << 31 | ACQUIRE})])
    assert flags(scan(vmlinux=image))["bpf_thing_peek"] == [("KF_ACQUIRE", "KF_RCU", "KF_PERFMON", "KF_BIT_31")]


def test_before_v6_9_sets_do_not_tell_what_they_hold(scan):
    sets = [KfuncSet("ids", {"bpf_thing_peek": RCU}, holds=0)]
    observation = scan(vmlinux=Image(thing_types(), sets, release="6.8.12", symbols=True))
    assert flags(observation) == {"bpf_thing_acquire": [], "bpf_thing_release": []}
    assert [remark.text for remark in observation.remarks] == [
        "before v6.9 an image does not tell which of its sets hold kfuncs: none of them is read, and only functions "
        "with the decl tag are found"
    ]


# -- the kernel's own tests


def test_selftests_are_left_out(scan):
    types = thing_types()
    tests = [
        "bpf_fentry_test1",
        "bpf_modify_return_test2",
        "bpf_kfunc_call_memb_release",
        "bpf_kfunc_call_test_release",
    ]
    for name in tests:
        types.kfunc(name)
    sets = [KfuncSet("bpf_test_modify_return_ids", dict.fromkeys(tests, 0)), KfuncSet("ids", THINGS)]
    assert list(flags(scan(vmlinux=Image(types, sets)))) == sorted(THINGS)


def test_selftests_are_told_by_name_or_by_file():
    assert is_selftest("bpf_testmod_test_mod_kfunc")
    assert is_selftest("bpf_iter_testmod_seq_new")
    assert is_selftest("bpf_test_modorder_retx")
    assert is_selftest("kfunc_a", "tools/testing/selftests/bpf/prog_tests/resolve_btfids.c")
    assert is_selftest("bpf_anything", "net/bpf/test_run.c")
    assert not is_selftest("bpf_cpumask_test_cpu", "kernel/bpf/cpumask.c")
    assert not is_selftest("scx_bpf_test_and_clear_cpu_idle")


# -- modules


def split_types(base: Types) -> Types:
    types = Types(base.order, base)
    # The pointer to struct thing is the base's.
    types.kfunc("bpf_widget", types.ptr(types.struct("widget")), [("p", 3)])
    return types


def kernel_and_module(order: str = "little", **options) -> tuple[Image, Image]:
    base = thing_types(order)
    sets = [KfuncSet("widget_ids", {"bpf_widget": ACQUIRE})]
    module = Image(split_types(base), sets, module="widget_core", symbols=True, **options)
    return Image(base, [KfuncSet("thing_ids", THINGS)], bits=module.bits), module


WIDGET = ObservedKfunc(
    "bpf_widget",
    "struct widget *bpf_widget(struct thing *p)",
    (Registration("widget_ids", ("KF_ACQUIRE",)),),
    module="widget_core",
)


@CLASSES
def test_modules_continue_the_btf_of_their_kernel(scan, order, bits):
    kernel, module = kernel_and_module(order, bits=bits)
    observation = scan(vmlinux=kernel, widget_core__ko=module)
    assert observation.by_name["bpf_widget"] == WIDGET
    assert list(observation.by_name) == ["bpf_thing_acquire", "bpf_thing_peek", "bpf_thing_release", "bpf_widget"]


def zstd_without_size(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(content)


PACKED = {
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
    "zst ": zstd_without_size,
    "gz": gzip.compress,
}


@pytest.mark.parametrize("suffix", PACKED)
def test_packed_modules(scan, suffix):
    kernel, module = kernel_and_module()
    packed = PACKED[suffix](module.elf())
    observation = scan(**{"vmlinux": kernel, f"widget_core__ko__{suffix.strip()}": packed})
    assert observation.by_name["bpf_widget"] == WIDGET


@pytest.mark.parametrize("suffix", PACKED)
def test_packed_modules_that_are_cut_off_or_broken(scan, suffix):
    kernel, module = kernel_and_module()
    packed = PACKED[suffix](module.elf())
    name = f"w__ko__{suffix.strip()}"
    assert refusal(scan, **{"vmlinux": kernel, name: packed[:-20]}) == "it cannot be unpacked: it is cut off"
    broken = packed[:12] + bytes(byte ^ 0x55 for byte in packed[12:60]) + packed[60:]
    assert refusal(scan, **{"vmlinux": kernel, name: broken})


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.endless
def test_packed_modules_are_unpacked_so_far_and_no_further(scan, suffix, monkeypatch):
    monkeypatch.setattr(packed_files, "LARGEST_UNPACKED", 32 << 20)
    packed = PACKED[suffix](bytes(33 << 20))
    assert refusal(scan, vmlinux=kernel_and_module()[0], **{f"w__ko__{suffix.strip()}": packed}) == (
        "it holds more than 32 MiB, more than a module can have"
    )


def test_a_vmlinux_that_is_packed(scan):
    kernel, _ = kernel_and_module()
    assert len(scan(vmlinux__xz=lzma.compress(kernel.elf())).kfuncs) == 3


def test_a_module_without_sets_is_not_looked_into(scan):
    kernel, _ = kernel_and_module()
    assert len(scan(vmlinux=kernel, other__ko=elf({".BTF": b"broken", ".modinfo": b"name=other\0"})).kfuncs) == 3


def test_a_module_without_btf_keeps_nothing_from_the_others(scan):
    kernel, module = kernel_and_module()
    bare = elf({".BTF_ids": bytes(8), ".modinfo": b"name=bare\0"})
    observation = scan(vmlinux=kernel, bare__ko=bare, widget__ko=module)
    assert observation.by_name["bpf_widget"] == WIDGET
    assert [(remark.file, remark.text) for remark in observation.remarks] == [
        ("bare.ko", "it has no section .BTF, so that its kfuncs cannot be told")
    ]


def test_a_module_alone_needs_its_kernel(scan):
    _, module = kernel_and_module()
    assert refusal(scan, w__ko=module) == "its BTF continues that of its kernel: name the vmlinux as well"


def test_a_module_with_what_it_needs_of_the_base(scan):
    base = thing_types()
    module = Image(split_types(base), [KfuncSet("widget_ids", {"bpf_widget": ACQUIRE})], module="widget_core")
    module.symbols, module.distilled, module.release = True, base, "7.2.1"
    observation = scan(widget__ko=module)
    assert observation.kfuncs == (WIDGET,)
    assert observation.kernel == "7.2.1"


def test_modules_of_another_kernel_are_left_out(scan):
    kernel, module = kernel_and_module(release="7.3.5-test")
    observation = scan(vmlinux=kernel, w__ko=module)
    assert len(observation.kfuncs) == 3
    assert [(remark.file, remark.text) for remark in observation.remarks] == [
        ("w.ko", "1 modules are of another kernel and left out, such as w.ko")
    ]


def test_modules_of_another_architecture_are_left_out(scan):
    kernel, _ = kernel_and_module("little")
    _, foreign = kernel_and_module("big")
    observation = scan(vmlinux=kernel, w__ko=foreign)
    assert "bpf_widget" not in observation.by_name
    assert [remark.text for remark in observation.remarks] == [
        "1 modules are of another kernel and left out, such as w.ko"
    ]


def test_the_first_that_has_a_kfunc_speaks_for_it(scan):
    kernel, module = kernel_and_module()
    again = Image(split_types(kernel.types), [KfuncSet("again", {"bpf_widget": RELEASE})], module="other", symbols=True)
    both = (*WIDGET.registrations, Registration("again", ("KF_RELEASE",)))
    observation = scan(vmlinux=kernel, a__ko=module, b__ko=again)
    assert observation.by_name["bpf_widget"] == dataclasses.replace(WIDGET, registrations=both)


def test_a_module_is_called_after_its_file_where_it_does_not_say(scan):
    kernel, module = kernel_and_module()
    content = module.elf().replace(b"\0name=", b"\0nome=")
    observation = scan(**{"vmlinux": kernel, "widget-core__ko": content})
    assert observation.by_name["bpf_widget"].module == "widget_core"


def test_a_folder_with_a_kernel_and_its_modules(tmp_path):
    kernel, module = kernel_and_module()
    (tmp_path / "lib" / "net").mkdir(parents=True)
    (tmp_path / "boot").mkdir()
    (tmp_path / "lib" / "net" / "widget_core.ko.xz").write_bytes(lzma.compress(module.elf()))
    (tmp_path / "lib" / "other.ko").write_bytes(elf({".text": b"nothing"}))
    (tmp_path / "boot" / "vmlinuz-7.3.4").write_bytes(b"MZ")
    (tmp_path / "boot" / "vmlinux-7.3.4").write_bytes(kernel.elf())
    (tmp_path / "vmlinux").write_bytes(kernel.elf())
    seen = []

    def track(paths):
        for path in paths:
            seen.append(os.path.basename(path))
            yield path

    observation = scan_image([str(tmp_path)], track=track)
    assert observation.by_name["bpf_widget"] == WIDGET
    assert len(observation.kfuncs) == 4
    assert observation.remarks == ()
    assert seen == ["other.ko", "widget_core.ko.xz"]


def test_two_kernels_and_none(tmp_path, scan):
    kernel, _ = kernel_and_module()
    other = Image(thing_types(), release="7.2.0")
    assert "is a kernel already; name one at a time" in refusal(scan, vmlinux=kernel, other=other)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unscannable, match="neither a vmlinux nor modules"):
        scan_image([str(tmp_path / "empty")])


# -- raw BTF


@pytest.mark.parametrize("order", ["little", "big"])
def test_raw_btf_has_decl_tags_alone(scan, order):
    assert scan(vmlinux=thing_types(order).blob()) == Observation(
        Kind.IMAGE,
        kfuncs=(
            ObservedKfunc("bpf_thing_acquire", "struct thing *bpf_thing_acquire(int id)"),
            ObservedKfunc("bpf_thing_release", "void bpf_thing_release(struct thing *p)"),
        ),
    )


def test_raw_btf_of_modules_goes_by_the_name_of_its_file(scan):
    base = thing_types()
    observation = scan(vmlinux=base.blob(), widget_core=split_types(base).blob())
    assert observation.by_name["bpf_widget"] == dataclasses.replace(WIDGET, registrations=())
    assert scan(whatever=base.blob()) == scan(vmlinux=base.blob())


def test_raw_btf_can_be_the_base_of_modules(scan):
    _, module = kernel_and_module()
    assert scan(vmlinux=thing_types().blob(), w__ko=module).by_name["bpf_widget"] == WIDGET


# -- files that are none of it


def test_foreign_files(scan, tmp_path):
    assert refusal(scan, a=b"") == "it is empty"
    assert refusal(scan, a=b"hello") == "this is neither ELF (vmlinux, a module) nor BTF"
    assert "packed for booting" in refusal(scan, vmlinuz=b"MZ\0\0")
    assert "ELF headers are broken" in refusal(scan, a=b"\x7fELF")
    assert "without CONFIG_DEBUG_INFO_BTF" in refusal(scan, a=elf({".text": b"code"}))
    with pytest.raises(Unscannable, match="No such file"):
        scan_image([str(tmp_path / "missing")])
    with pytest.raises(Unscannable, match="No such file"):
        scan_image([str(tmp_path / "missing.ko")])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unscannable, match="this is no regular file"):
        scan_image([str(tmp_path / "pipe")])


def test_files_much_larger_than_any_kernel_are_not_read_whole(tmp_path):
    content = elf({".rodata": b"Linux"})
    (start,) = struct.unpack_from("<Q", content, 40)
    lying = content[: start + 64 + 32] + struct.pack("<Q", 2 << 30) + content[start + 64 + 40 :]
    for name, beginning in (("zeros", b""), ("lying", lying)):
        with open(tmp_path / name, "wb") as file:
            file.write(beginning)
            file.truncate((2 << 30) + 4096)
    started = datetime.datetime.now()
    with pytest.raises(Unscannable, match="neither ELF"):
        scan_image([str(tmp_path / "zeros")])
    with pytest.raises(Unscannable, match=r"no section \.BTF"):
        scan_image([str(tmp_path / "lying")])
    assert datetime.datetime.now() - started < datetime.timedelta(seconds=2)


def test_a_folder_that_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch):
    kernel, _ = kernel_and_module()
    (tmp_path / "vmlinux").write_bytes(kernel.elf())
    (tmp_path / "modules").mkdir()
    really = os.scandir

    def refuse(path):
        if str(path).endswith("modules"):
            raise PermissionError(13, "Permission denied", path)
        return really(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(Unscannable, match="Permission denied"):
        scan_image([str(tmp_path)])


def test_folders_with_links_in_a_circle_and_pipes(tmp_path):
    kernel, module = kernel_and_module()
    (tmp_path / "vmlinux").write_bytes(kernel.elf())
    (tmp_path / "w.ko").write_bytes(module.elf())
    (tmp_path / "circle").symlink_to(tmp_path, target_is_directory=True)
    assert scan_image([str(tmp_path)]).by_name["bpf_widget"] == WIDGET
    os.mkfifo(tmp_path / "pipe.ko")
    with pytest.raises(Unscannable, match="this is no regular file"):
        scan_image([str(tmp_path)])


def test_elf_that_lies(scan):
    content = Image(thing_types(), [KfuncSet("ids", THINGS)]).elf()
    (start,) = struct.unpack_from("<Q", content, 40)
    assert "section headers at byte" in refusal(scan, a=content[: start + 100])
    assert "it has no sections" in refusal(scan, a=content[:40] + bytes(8) + content[48:])
    past = start + 64 + 32  # the size of the first section, .BTF
    content_past = content[:past] + struct.pack("<Q", 1 << 40) + content[past + 8 :]
    assert refusal(scan, a=content_past).startswith("section .BTF reaches to byte 1,099,511,62")
    assert refusal(scan, a=elf({".BTF": thing_types().blob()}, flags=0x802)) == "section .BTF is compressed"
    assert "no section .BTF" in refusal(scan, a=elf({".rodata": bytes(50)}, flags=0x802))
    large = elf({".BTF": thing_types().blob(), ".BTF_ids": bytes(300_000)})
    assert refusal(scan, a=large) == "section .BTF_ids has 300,000 bytes, more than any kernel's"


def test_symbols_that_lie(scan):
    types = thing_types()
    words = struct.pack("<4I", 1, 1, types.functions["bpf_thing_peek"], RCU)

    def message(ids: bytes, at: int) -> str:
        symbols = {"__BTF_ID__set8__ids": at}
        return refusal(scan, a=elf({".BTF": types.blob(), ".BTF_ids": ids}, symbols=symbols, at=".BTF_ids"))

    assert message(words, 16) == "its symbols place the set ids outside of .BTF_ids"
    assert message(words, 2) == "its symbols place the set ids outside of .BTF_ids"
    too_many = struct.pack("<2I", 9, 1) + words[8:]
    assert message(too_many, 0) == "the set ids cannot have 9 entries"
    symbols = {"__BTF_ID__set8__a": 0, "__BTF_ID__set8__b": 8}
    inside = struct.pack("<6I", 2, 1, 1, 1, types.functions["bpf_thing_acquire"], RCU)
    inside = inside[:8] + struct.pack("<2I", 0, 1) + inside[16:]
    lying = elf({".BTF": types.blob(), ".BTF_ids": inside}, symbols=symbols, at=".BTF_ids")
    assert refusal(scan, a=lying) == "the set b lies in another"
    no_function = struct.pack("<4I", 1, 1, 1, 0)
    assert message(no_function, 0) == "the set ids has entries that are no functions"


def test_heads_of_sets_everywhere_take_no_longer(scan):
    types = thing_types()
    number = types.functions["bpf_thing_acquire"]
    ids = struct.pack("<2I", number, 1) * 30_000
    assert len(scan(a=elf({".BTF": types.blob(), ".BTF_ids": ids})).kfuncs) == 2


def test_a_prototype_that_c_cannot_tell_is_left_open(scan):
    types = Types()
    types.kfunc("bpf_odd", 0, [("p", types.ptr(types.struct("")))])
    observation = scan(vmlinux=Image(types))
    assert observation.kfuncs == (ObservedKfunc("bpf_odd"),)
    assert [remark.text for remark in observation.remarks] == ["its prototype has a type without a name"]


KERNEL, MODULE = (image.elf() for image in kernel_and_module())


@pytest.mark.fuzz
@settings(max_examples=150, deadline=datetime.timedelta(seconds=20))
@given(st.sampled_from(["kernel", "module", "packed"]), st.data())
def test_fuzz_only_a_refusal_comes_out(tmp_path_factory, which, data):
    kernel, module = bytearray(KERNEL), bytearray(MODULE)
    content = kernel if which == "kernel" else module
    if which == "packed":
        content = bytearray(lzma.compress(MODULE))
    headers = len(content) - 64 * 8
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(
            st.integers(0, 63) | st.integers(max(headers, 0), len(content) - 1) | st.integers(0, len(content) - 1)
        )
        content[at] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))]
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "vmlinux").write_bytes(content if which == "kernel" else kernel)
    (folder / "w.ko").write_bytes(module if which == "kernel" else content)
    message = ""
    try:
        scan_image([str(folder)])
    except Unscannable as refused:
        message = refused.message
    assert message.isprintable()


# -- real kernels

KERNELS = os.environ.get("KFUNCDOC_KERNELS", "")
#: How many kfuncs with KF_IMPLICIT_ARGS have no twin in Debian's kernels.
MISSING_TWINS = {"7.1.13": "9 of 54", "7.2.12": "11 of 64"}


@pytest.mark.kernel
@pytest.mark.skipif(not KERNELS, reason="KFUNCDOC_KERNELS names no folder of kernels")
def test_real_kernels_are_read_without_another_remark_than_on_missing_twins():
    folders = sorted(path for path in Path(KERNELS).iterdir() if (path / "vmlinux").is_file())
    assert folders
    for folder in folders:
        observation = scan_image([str(folder)])
        assert folder.name.startswith(observation.kernel)
        assert len(observation.kfuncs) > 150
        missing = MISSING_TWINS.get(folder.name.partition("+")[0])
        assert [remark.text.partition(" kfuncs")[0] for remark in observation.remarks] == ([missing] if missing else [])
        for kfunc in observation.kfuncs:
            assert kfunc.registrations, kfunc
            assert "bpf_prog_aux" not in kfunc.prototype
            assert not is_selftest(kfunc.name)


# -- functions by their names


def functions(tmp_path, names: set[str], **images: bytes) -> KernelFunctions:
    paths = []
    for name, content in images.items():
        path = tmp_path / name.replace("__", ".")
        path.write_bytes(content)
        paths.append(str(path))
    return find_functions(paths, names)


ALL = {*THINGS, "bpf_nothing"}


@pytest.mark.parametrize("order", ["little", "big"])
def test_functions_of_an_image_with_sets(tmp_path, order):
    """It tells its kfuncs: another function of the name is none."""
    image = Image(thing_types(order), [KfuncSet("ids", {"bpf_thing_acquire": ACQUIRE, "bpf_thing_release": 0})])
    kernel_functions = functions(tmp_path, ALL, vmlinux=image.elf())
    assert (kernel_functions.kernel, kernel_functions.release, kernel_functions.with_modules) == (
        "7.3.4",
        "v7.3",
        False,
    )
    assert kernel_functions.prototypes == {
        "bpf_thing_acquire": "struct thing *bpf_thing_acquire(int id)",
        "bpf_thing_release": "void bpf_thing_release(struct thing *p)",
        "bpf_thing_peek": "struct thing *bpf_thing_peek(struct thing *p)",
    }
    assert kernel_functions.shapes["bpf_thing_release"] == ("function", "void", ("pointer", "struct"))
    assert (kernel_functions.no_kfuncs, kernel_functions.doubtful) == ({"bpf_thing_peek"}, frozenset())


def test_functions_of_raw_btf(tmp_path):
    """Tags alone do not tell that a function is no kfunc."""
    kernel_functions = functions(tmp_path, ALL, vmlinux=thing_types().blob())
    assert set(kernel_functions.prototypes) == set(THINGS)
    assert (kernel_functions.no_kfuncs, kernel_functions.doubtful) == (frozenset(), {"bpf_thing_peek"})


def test_functions_of_an_image_from_before_sets_could_be_told(tmp_path):
    image = Image(thing_types(), [KfuncSet("ids", {"bpf_thing_peek": 0}, holds=0)], release="6.6.1")
    kernel_functions = functions(tmp_path, ALL, vmlinux=image.elf())
    assert (kernel_functions.no_kfuncs, kernel_functions.doubtful) == (frozenset(), {"bpf_thing_peek"})


def test_functions_of_modules(tmp_path):
    """Their names may be among the strings of the kernel that they continue."""
    base = thing_types()
    base.string("bpf_thing_drop")
    split = Types(base=base)
    number = split.add_written(base.strings.index(b"bpf_thing_drop"), FUNC << 24 | 1, split.proto(0, []))
    split.functions["bpf_thing_drop"] = number
    split.tag(number)
    module = Image(split, [KfuncSet("drop", {"bpf_thing_drop": 0})], module="thing").elf()
    kernel = Image(base, [KfuncSet("ids", dict.fromkeys(THINGS, 0))]).elf()
    kernel_functions = functions(tmp_path, {"bpf_thing_drop", "bpf_thing_peek"}, vmlinux=kernel, thing__ko=module)
    assert kernel_functions.with_modules
    assert set(kernel_functions.prototypes) == {"bpf_thing_drop", "bpf_thing_peek"}
    assert kernel_functions.modules == {"bpf_thing_drop": "thing"}
    assert kernel_functions.no_kfuncs == frozenset()


def test_kfuncs_of_the_kernels_own_tests_are_kfuncs(tmp_path):
    types = thing_types()
    types.kfunc("bpf_kfunc_call_test1")
    image = Image(types, [KfuncSet("ids", {"bpf_kfunc_call_test1": 0})])
    kernel_functions = functions(tmp_path, {"bpf_kfunc_call_test1"}, vmlinux=image.elf())
    assert (set(kernel_functions.prototypes), kernel_functions.no_kfuncs) == ({"bpf_kfunc_call_test1"}, frozenset())


def test_a_program_is_no_kernel(tmp_path):
    path = tmp_path / "prog.bpf.o"
    path.write_bytes(packed([], machine=247))
    with pytest.raises(Unscannable, match="this is a BPF object, and no kernel"):
        scan_image([str(path)])
