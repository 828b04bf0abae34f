# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is there and cannot be read is an error with its path: a scan without it would tell a wrong answer.

Permissions do not bind root, whom tests may run as, so that the refusals of the system are made up.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from btf_builder import Image, Types
from declared import TESTS, entry, refused, subsystem, write_files

from kfuncdoc.cli.main import main
from kfuncdoc.scan import scan
from kfuncdoc.scan.binary.elf import Elf
from kfuncdoc.scan.binary.image import scan_image
from kfuncdoc.scan.binary.objects import read_objects
from kfuncdoc.scan.errors import Unscannable
from kfuncdoc.scan.source import files
from kfuncdoc.scan.source.tree import scan_tree

#: What is read of a tree: a file of each kind.
READ = [
    "Makefile",
    "Kbuild",
    "Kconfig",
    "net/Kconfig",
    "net/link/Makefile",
    "arch/x86/Kconfig",
    "include/linux/btf.h",
    "include/net/meta.h",
    "samples/gate/sample.bpf.c",
    "tools/sched_ext/compat.bpf.h",
    "tools/sched_ext/porter.bpf.c",
]
BUILD_FILES = [path for path in READ if "include" not in path and not path.endswith((".c", ".h"))]


#: A kfunc of one architecture.
ONE_ARCHITECTURE = """\
__bpf_kfunc int bpf_x86_one(void)
{
	return 1;
}

BTF_KFUNCS_START(x86_ids)
BTF_ID_FLAGS(func, bpf_x86_one)
BTF_KFUNCS_END(x86_ids)

static const struct btf_kfunc_id_set x86_set = {
	.set = &x86_ids,
};

static int __init x86_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &x86_set);
}
"""


@pytest.fixture
def tree(tmp_path) -> Path:
    """A small kernel in which each file of READ is asked for."""
    root = tmp_path / "linux"
    shutil.copytree(TESTS / "trees" / "small", root)
    (root / "arch" / "x86" / "net").mkdir(parents=True)
    (root / "arch" / "x86" / "Kconfig").write_text("config X86\n\tdef_bool y\n", encoding="utf-8")
    (root / "arch" / "x86" / "net" / "one.c").write_text(ONE_ARCHITECTURE, encoding="utf-8")
    assert {"bpf_x86_one", "bpf_latch"} <= scan_tree(str(root)).by_name.keys()
    return root


def refusal(read: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Unscannable) as caught:
        read()
    return caught.value.path, caught.value.message


def deny(monkeypatch: pytest.MonkeyPatch, path: Path, *calls: str, number: int = errno.EACCES) -> None:
    """Let the system refuse each of *calls* for *path*, and, as it does, for what is below it."""

    def refusing(really: Callable[..., object]) -> Callable[..., object]:
        def refuse(where, *rest, **named):
            if isinstance(where, (str, os.PathLike)) and (where == str(path) or str(where).startswith(f"{path}/")):
                raise OSError(number, os.strerror(number), str(where))
            return really(where, *rest, **named)

        return refuse

    for name in calls:
        owner = builtins if name == "builtins.open" else os
        name = name.rpartition(".")[2]
        monkeypatch.setattr(owner, name, refusing(getattr(owner, name)))


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.EACCES, "cannot be read: permission denied"), (errno.EIO, "cannot be read: input/output error")],
)
@pytest.mark.parametrize("path", READ)
def test_a_file_that_the_system_does_not_let_read(tree, monkeypatch, path, number, message):
    deny(monkeypatch, tree / path, "builtins.open", number=number)
    assert refusal(lambda: scan_tree(str(tree))) == (str(tree / path), message)


@pytest.mark.parametrize("path", READ)
def test_a_file_about_which_the_system_tells_nothing(tree, monkeypatch, path):
    deny(monkeypatch, tree / path, "stat", "lstat")
    assert refusal(lambda: scan_tree(str(tree))) == (str(tree / path), "cannot be read: permission denied")


@pytest.mark.parametrize("path", [*BUILD_FILES, "include/linux/btf.h"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_folder_or_a_pipe_in_the_place_of_a_file(tree, path, make):
    (tree / path).unlink()
    make(tree / path)
    assert refusal(lambda: scan_tree(str(tree))) == (str(tree / path), "this is no regular file")


def test_a_pipe_in_the_place_of_a_header_of_macros(tree):
    (tree / "include" / "net" / "meta.h").unlink()
    os.mkfifo(tree / "include" / "net" / "meta.h")
    assert refusal(lambda: scan_tree(str(tree))) == (f"{tree}/include/net/meta.h", "this is no regular file")


# Links to Kconfig files are not followed, but for that of an architecture, which is read by its name.
@pytest.mark.parametrize("path", [path for path in BUILD_FILES if path not in ("Kconfig", "net/Kconfig")])
def test_a_link_that_leads_nowhere_in_the_place_of_a_file(tree, path):
    (tree / path).unlink()
    (tree / path).symlink_to("nowhere")
    assert refusal(lambda: scan_tree(str(tree))) == (str(tree / path), "cannot be read: no such file or directory")


@pytest.mark.parametrize("path", BUILD_FILES)
def test_a_makefile_or_kconfig_file_that_is_no_text(tree, path):
    content = (tree / path).read_text(encoding="utf-8")
    (tree / path).write_bytes(content.encode("utf-16"))
    assert refusal(lambda: scan_tree(str(tree))) == (str(tree / path), "this is no text: it has a zero byte")


@pytest.mark.parametrize("path", BUILD_FILES)
def test_letters_of_another_encoding_are_text(tree, path):
    with open(tree / path, "ab") as stream:
        stream.write(b"# caf\xe9\n")
    assert scan_tree(str(tree)).kfuncs


@pytest.mark.parametrize("path", [*READ, "net/link/meta.c"])
def test_a_file_that_is_larger_than_any(tree, monkeypatch, path):
    monkeypatch.setattr(files, "_LARGEST", 2_000_000)
    with open(tree / path, "a", encoding="utf-8") as stream:
        stream.write("\n" * 2_000_000)
    message = "it has more than 2,000,000 bytes, more than any such file of a kernel"
    assert refusal(lambda: scan_tree(str(tree))) == (str(tree / path), message)


@pytest.mark.parametrize("folder", ["net", "net/link", "include/net", "samples", "samples/gate", "tools/sched_ext"])
def test_a_folder_that_cannot_be_listed(tree, monkeypatch, folder):
    deny(monkeypatch, tree / folder, "scandir")
    assert refusal(lambda: scan_tree(str(tree))) == (str(tree / folder), "cannot be read: permission denied")


def test_a_folder_that_cannot_be_searched(tree, monkeypatch):
    deny(monkeypatch, tree / "tools", "stat")
    assert refusal(lambda: scan_tree(str(tree))) == (f"{tree}/tools/sched_ext", "cannot be read: permission denied")


def test_a_folder_by_the_name_of_a_c_file_is_looked_into(tree):
    (tree / "net" / "link" / "more.c").mkdir()
    shutil.move(str(tree / "net" / "link" / "meta.c"), tree / "net" / "link" / "more.c" / "meta.c")
    assert any(kfunc.source == "net/link/more.c/meta.c" for kfunc in scan_tree(str(tree)).kfuncs)


@pytest.mark.parametrize("path", BUILD_FILES)
def test_update_changes_nothing_where_a_file_cannot_be_read(tree, tmp_path, capsys, monkeypatch, path):
    declared = subsystem(
        entry("bpf_latch", "release: v6.12, event: added", module="gate", depends_on="GATE"), recorded="v7.2"
    )
    (file,) = write_files(tmp_path, {"demo": declared})
    deny(monkeypatch, tree / path, "builtins.open")
    message = refused(capsys, "update", file, "--from", str(tree))
    assert message == f"kfuncdoc: {tree / path}: cannot be read: permission denied\n"
    assert Path(file).read_text(encoding="utf-8") == declared


# -- where a kernel or an object is looked for


def test_what_is_in_a_folder_that_cannot_be_searched_may_be_there(tmp_path, monkeypatch):
    deny(monkeypatch, tmp_path, "stat", "lstat")
    told = (f"{tmp_path}/vmlinux", "cannot be read: permission denied")
    assert refusal(lambda: scan([f"{tmp_path}/vmlinux"])) == told
    assert refusal(lambda: scan_image([f"{tmp_path}/vmlinux"])) == told
    assert refusal(lambda: list(read_objects(f"{tmp_path}/vmlinux"))) == told


def test_a_tree_that_cannot_be_searched_is_not_taken_for_an_image(tree, monkeypatch):
    deny(monkeypatch, tree / "Makefile", "stat")
    assert refusal(lambda: scan([str(tree)])) == (f"{tree}/Makefile", "cannot be read: permission denied")


class _Breaking(io.BytesIO):
    """A file whose disk gives its beginning alone."""

    def read(self, size=-1, /):
        if self.tell() > 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_a_disk_that_fails_within_a_file_is_no_broken_header():
    content = Image(Types()).elf()
    assert refusal(lambda: Elf("vmlinux", _Breaking(content))) == ("vmlinux", "Input/output error")


# -- what could not be made out


@pytest.mark.parametrize(
    "command", [["scan"], ["verify", "--data", "demo.kfuncs.yaml", "--against"], ["update", ".", "--from"]]
)
def test_each_command_tells_what_a_scan_could_not_make_out(tree, tmp_path, capsys, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, {"demo": subsystem(entry("bpf_x86_one", "release: v6.12, event: added"))})
    assert main([*command, str(tree)]) in (0, 1)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "arch/x86/net/one.c:1: no Makefile and no other file is found that builds this one"
