# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A kernel that hangs costs one program, and what a kernel has said is not asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot import machine
from boot.images import KernelImage
from boot.machine import BootFailed, Machine
from boot.outcomes import Load
from boot.results import Results

LOADED = "program {0} xdp\nend loaded 0\n"


@pytest.fixture
def kernel(tmp_path) -> KernelImage:
    (tmp_path / "vmlinuz").touch()
    return KernelImage("7.3.4", tmp_path, tmp_path / "vmlinuz")


@pytest.fixture
def objects(tmp_path) -> dict[str, Path]:
    (tmp_path / "objects").mkdir()
    paths = {key: tmp_path / "objects" / f"{key}.bpf.o" for key in "abc"}
    for path in paths.values():
        path.write_bytes(b"\x7fELF")
    return paths


class Prepared(Machine):
    """A machine whose kernel prints at each boot the next of *outputs*."""

    def __init__(self, tmp_path: Path, outputs: list[str]) -> None:
        (tmp_path / "loader").touch()
        super().__init__(tmp_path / "loader", (), tell=lambda line: self.__dict__["lines"].append(line))
        self.__dict__.update(outputs=outputs, lines=[], lists=[])

    def _initramfs(self, work, kernel, modules, objects):
        self.lists.append({key: first for key, (_, first) in objects.items()})

    def _run(self, kernel, work):
        (work / "results").write_text(self.outputs.pop(0))
        (work / "console").write_text("Kernel panic")


def test_after_a_hang_the_kernel_is_booted_again_for_the_programs_after_it(tmp_path, kernel, objects):
    hung = f"object /objects/a\ntry 0\n{LOADED.format('one')}object /objects/b\ntry 0\nprogram two xdp\n"
    rest = f"object /objects/b\ntry 1\n{LOADED.format('three')}object /objects/c\ntry 0\n{LOADED.format('four')}done\n"
    prepared = Prepared(tmp_path, [hung, rest])
    (results,) = prepared.load(kernel, objects)
    assert results == {
        "a": [Load(0, "one", "xdp", "loaded")],
        "b": [Load(0, "two", "xdp", "hang"), Load(1, "three", "xdp", "loaded")],
        "c": [Load(0, "four", "xdp", "loaded")],
    }
    assert prepared.lists == [{"a": 0, "b": 0, "c": 0}, {"b": 1, "c": 0}]
    assert "7.3.4: hung at b.bpf.o, program two" in prepared.lines


def test_a_kernel_that_prints_nothing_is_an_error_with_the_end_of_its_console(tmp_path, kernel, objects):
    with pytest.raises(BootFailed, match=r"(?s)7\.3\.4 printed no result.*Kernel panic"):
        list(Prepared(tmp_path, [""]).load(kernel, objects))


def test_objects_are_loaded_in_portions(tmp_path, kernel, objects, monkeypatch):
    monkeypatch.setattr(machine, "MOST_OBJECTS", 2)
    prepared = Prepared(tmp_path, ["done\n", "done\n"])
    assert [[*portion] for portion in prepared.load(kernel, objects)] == [["a", "b"], ["c"]]


def test_what_a_kernel_has_said_is_kept(tmp_path, kernel, objects):
    def output(key: str) -> str:
        return f"object /objects/{key}\ntry 0\n{LOADED.format(key)}done\n"

    first, again = Prepared(tmp_path, [output("a")]), Prepared(tmp_path, [output("b")])
    said = Results(tmp_path / "results", first).judge(kernel, {"a": objects["a"]})
    both = Results(tmp_path / "results", again).judge(kernel, {"a": objects["a"], "b": objects["b"]})
    assert both["a"] == said["a"] == [Load(0, "a", "xdp", "loaded")]
    assert again.lists == [{"b": 0}]
    (tmp_path / "loader").write_text("another one")
    changed = Prepared(tmp_path, [output("a")])
    Results(tmp_path / "results", changed).judge(kernel, {"a": objects["a"]})
    assert changed.lists == [{"a": 0}]


def test_what_took_too_long_is_asked_again(tmp_path, kernel, objects):
    slow = "object /objects/a\ntry 0\nprogram one xdp\nend timeout 0\ndone\n"
    quick = f"object /objects/a\ntry 0\n{LOADED.format('one')}done\n"
    results = Results(tmp_path / "results", Prepared(tmp_path, [slow, quick]))
    assert results.judge(kernel, {"a": objects["a"]}) == {"a": [Load(0, "one", "xdp", "timeout")]}
    assert results.judge(kernel, {"a": objects["a"]}) == {"a": [Load(0, "one", "xdp", "loaded")]}
