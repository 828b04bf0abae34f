# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files that nobody should write: each gives its diagnostics and no exception, at once, and does no harm to others."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from declared import CALENDAR, FLAGS, HOOKS, ROOT

from kfuncdoc.base.diagnostics import as_text
from kfuncdoc.record.catalog import Catalog, Declaration, Stub
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load

HEAD = "subsystem: hostile\ntitle: Hostile\nrecorded: v7.3\n"
ENTRY = "  - name: bpf_one\n    summary: One.\n    prototype: int bpf_one(void)\n"
ADDED = "    history: [{release: v6.12, event: added}]\n"
GOOD = "subsystem: good\ntitle: Good\nrecorded: v7.3\nkfuncs:\n" + (ENTRY + ADDED).replace("bpf_one", "bpf_good")


def loaded(path: Path) -> Catalog:
    """Load the file at *path* between two good ones, which have to come through unharmed."""
    before, after = path.parent / "a-good.kfuncs.yaml", path.parent / "z-good.kfuncs.yaml"
    before.write_text(GOOD, encoding="utf-8")
    after.write_text(GOOD.replace("good", "fine"), encoding="utf-8")
    catalog = load([str(before), str(path), str(after)], calendar=CALENDAR, flags=FLAGS, hooks=HOOKS)
    assert isinstance(catalog.get("bpf_good"), Declaration)
    assert isinstance(catalog.get("bpf_fine"), Declaration)
    assert [subsystem.path for subsystem in catalog.subsystems] == [str(before), str(path), str(after)]
    return catalog


def report(path: Path) -> list[str]:
    """Return what is reported of the file at *path*, without its folder."""
    return [as_text(found).replace(f"{path.parent}{os.sep}", "") for found in loaded(path).diagnostics]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    return tmp_path / "x.kfuncs.yaml"


def message_of(number: int) -> str:
    return os.strerror(number).lower()


# -- what is no file


def test_nothing(hostile):
    assert report(hostile) == [f"x.kfuncs.yaml:0:0: error: {message_of(errno.ENOENT)} [unreadable]"]


def test_directory(hostile):
    hostile.mkdir()
    assert report(hostile) == ["x.kfuncs.yaml:0:0: error: is a directory [unreadable]"]


def test_directory_is_found_and_not_searched(hostile):
    hostile.mkdir()
    (hostile / "inner.kfuncs.yaml").write_text(GOOD, encoding="utf-8")
    assert find([str(hostile.parent)]) == [str(hostile)]
    assert find([str(hostile)]) == [str(hostile)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes on this system")
def test_named_pipe_does_not_block(hostile):
    def too_long(*_: object) -> None:
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))

    os.mkfifo(hostile)
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(5)
    try:
        assert report(hostile) == ["x.kfuncs.yaml:0:0: error: not a regular file [unreadable]"]
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no sockets in the file system of this system")
def test_socket(hostile, monkeypatch):
    monkeypatch.chdir(hostile.parent)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(hostile.name)
        (line,) = report(hostile)
    assert line.startswith("x.kfuncs.yaml:0:0: error: ")
    assert line.endswith(" [unreadable]")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no device without end on this system")
def test_device_without_end(hostile):
    hostile.symlink_to("/dev/zero")
    assert report(hostile) == ["x.kfuncs.yaml:0:0: error: not a regular file [unreadable]"]


def test_symbolic_link_that_leads_nowhere(hostile):
    hostile.symlink_to("nowhere")
    assert report(hostile) == [f"x.kfuncs.yaml:0:0: error: {message_of(errno.ENOENT)} [unreadable]"]
    assert str(hostile) in find([str(hostile.parent)])


def test_symbolic_links_in_a_circle(hostile):
    hostile.symlink_to("y")
    hostile.with_name("y").symlink_to(hostile.name)
    assert report(hostile) == [f"x.kfuncs.yaml:0:0: error: {message_of(errno.ELOOP)} [unreadable]"]


def test_symbolic_link_to_the_folder_around_it_is_not_followed(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "x.kfuncs.yaml").write_text(GOOD, encoding="utf-8")
    assert find([str(tmp_path)]) == [str(tmp_path / "x.kfuncs.yaml")]


def no_permission() -> str:
    return f"x.kfuncs.yaml:0:0: error: {message_of(errno.EACCES)} [unreadable]"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_file_without_permission(hostile):
    hostile.write_text(GOOD, encoding="utf-8")
    hostile.chmod(0)
    assert report(hostile) == [no_permission()]


def test_file_whose_permission_is_refused(hostile, monkeypatch):
    really_open = os.open

    def refuse(path: str, *how: int) -> int:
        if path == str(hostile):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return really_open(path, *how)

    monkeypatch.setattr(os, "open", refuse)
    assert report(hostile) == [no_permission()]


def test_disk_that_fails_while_it_is_read(hostile, monkeypatch):
    hostile.write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr("kfuncdoc.base.yaml_text.open", failing, raising=False)
    catalog = load([str(hostile)], calendar=CALENDAR, flags=FLAGS, hooks=HOOKS)
    assert [found.message for found in catalog.diagnostics] == [message_of(errno.EIO)]


def failing(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(
    ("path", "message"), [("a\0.kfuncs.yaml", "embedded null byte"), ("a" * 5000, message_of(errno.ENAMETOOLONG))]
)
def test_path_that_cannot_be(path, message):
    catalog = load([path], calendar=CALENDAR, flags=FLAGS, hooks=HOOKS)
    assert [(found.rule.rule, found.message) for found in catalog.diagnostics] == [("unreadable", message)]


def make_directory(path: Path) -> None:
    path.mkdir()


def make_text(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")


@pytest.mark.parametrize("make", [make_directory, make_text])
def test_no_descriptor_is_left_open(hostile, make: Callable[[Path], None]):
    def next_descriptor() -> int:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        os.close(descriptor)
        return descriptor

    make(hostile)
    loaded(hostile)
    before = next_descriptor()
    loaded(hostile)
    assert next_descriptor() == before


# -- names of files


@pytest.mark.parametrize(
    ("name", "subsystem", "title"),
    [
        (".kfuncs.yaml", "subsystem", "subsystem"),
        (" .kfuncs.yaml", "subsystem", "subsystem"),
        ("é-a.kfuncs.yaml", "a", "é-a"),
        ("--_.x.kfuncs.yaml", "x", "--_.x"),
        ("a\nb.kfuncs.yaml", "ab", "a b"),
        ("a\x01b.kfuncs.yaml", "ab", "a\x01b"),
        (os.fsdecode(b"\xff.kfuncs.yaml"), "subsystem", "?"),
    ],
)
def test_name_of_a_file_that_makes_no_good_title(tmp_path, name, subsystem, title):
    path = tmp_path / name
    try:
        path.write_text("contact: bpf@vger.kernel.org\n", encoding="utf-8")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system has no such names")
    catalog = loaded(path)
    assert [found.message for found in catalog.diagnostics] == [
        f"'{key}' is missing" for key in ("kfuncs", "recorded", "subsystem", "title")
    ]
    header = catalog.subsystems[1].header
    assert (header.subsystem, header.title, header.recorded) == (subsystem, title, "v7.3")


# -- bytes

BYTES = {
    "nothing": (b"", "0:0: error: the file declares nothing [empty-file]"),
    "byte order mark alone": (b"\xef\xbb\xbf", "0:0: error: the file declares nothing [empty-file]"),
    "comments": (b"# one\n\n# two", "0:0: error: the file declares nothing [empty-file]"),
    "null": (b"null\n", "0:0: error: the file declares nothing [empty-file]"),
    "line ends alone": (b"\n" * 3_900_000, "0:0: error: the file declares nothing [empty-file]"),
    "zero bytes": (b"a: 1\n" + bytes(100), "2:1: error: U+0000 cannot stand in YAML [yaml-syntax]"),
    "Latin-1": (b"# caf\xe9\n" + GOOD.encode(), "1:6: error: byte 0xe9 is not UTF-8 [encoding]"),
    "UTF-16": (GOOD.encode("utf-16"), "1:1: error: byte 0xff is not UTF-8 [encoding]"),
    "a lone surrogate": (b"a: \xed\xa0\x80\n", "1:4: error: byte 0xed is not UTF-8 [encoding]"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(9), "1:1: error: U+007F cannot stand in YAML [yaml-syntax]"),
    "an archive": (b"\x1f\x8b\x08\x00", "1:2: error: byte 0x8b is not UTF-8 [encoding]"),
    "a list": (b"- a\n", "1:1: error: a declaration file is a mapping, not a list [wrong-type]"),
    "text": (b"a\n", "1:1: error: a declaration file is a mapping, not text [wrong-type]"),
    "a key that is nothing": (b"? \n: 1\n", "1:2: error: a key is text, not nothing [yaml-syntax]"),
    "a key that is a list": (b"a: 1\n[b]: 1\n", "2:1: error: a key is text, not a collection [yaml-syntax]"),
    "a key that is a mapping": (b"{b: 1}: 1\n", "1:1: error: a key is text, not a collection [yaml-syntax]"),
    "an escape that is half a character": (
        b'a: "\\ud800"\n',
        "1:7: error: found invalid Unicode character escape code while parsing a quoted scalar [yaml-syntax]",
    ),
    "an object of Python": (
        b"!!python/object/apply:os.system [echo]\n",
        "1:1: error: a declaration file is a mapping, not a list [wrong-type]",
    ),
    "flow nesting": (b"[" * 200_000, "1:33: error: nested deeper than 32 levels [too-large]"),
    "flow mappings nested": (b"{a: " * 200_000, "1:129: error: nested deeper than 32 levels [too-large]"),
    "block nesting": (b"- " * 200_000, "1:65: error: nested deeper than 32 levels [too-large]"),
    "block mappings nested": (
        b"".join(b" " * depth + b"a:\n" for depth in range(1000)),
        "33:33: error: nested deeper than 32 levels [too-large]",
    ),
    "50 MB": (bytes(4_000_001), "0:0: error: more than 4 MB [too-large]\n    hint: split the subsystem"),
}


@pytest.mark.parametrize(("content", "expected"), BYTES.values(), ids=BYTES)
def test_bytes(hostile, content, expected):
    hostile.write_bytes(content)
    assert report(hostile) == [f"x.kfuncs.yaml:{expected}"]


def test_50_megabytes_are_not_read(hostile):
    hostile.touch()
    os.truncate(hostile, 50_000_000)
    assert report(hostile) == ["x.kfuncs.yaml:0:0: error: more than 4 MB [too-large]\n    hint: split the subsystem"]


def test_a_few_lines_of_aliases_that_mean_billions_of_values(hostile):
    lines = [f"a0: &a0 [{', '.join('x' * 10)}]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)]
    hostile.write_text("\n".join(lines), encoding="utf-8")
    assert report(hostile) == ["x.kfuncs.yaml:6:25: error: more than 500,000 values [too-large]"]


# -- values


def test_a_huge_list(hostile):
    hostile.write_text(f"{HEAD}kfuncs: [{'1,' * 20_000}]\n", encoding="utf-8")
    lines = report(hostile)
    assert len(lines) == 20_000
    assert lines[0] == "x.kfuncs.yaml:4:10: error: a kfunc is a mapping, not text [wrong-type]"
    assert lines[-1] == "x.kfuncs.yaml:4:40008: error: a kfunc is a mapping, not text [wrong-type]"


def test_a_name_of_ten_thousand_characters(hostile):
    entry = (ENTRY + ADDED).replace("bpf_one", "b" * 10_000)
    hostile.write_text(f"{HEAD}kfuncs:\n{entry}", encoding="utf-8")
    assert report(hostile) == [f"x.kfuncs.yaml:5:11: error: '{'b' * 60}' is no name of a C function [name-invalid]"]
    assert loaded(hostile).subsystems[1].entries == ()


def test_a_key_of_a_hundred_thousand_characters(hostile):
    hostile.write_text(f"? {'summary' * 15_000}\n: 1\n{GOOD.replace('good', 'one')}", encoding="utf-8")
    assert report(hostile) == [f"x.kfuncs.yaml:1:3: error: unknown key '{('summary' * 9)[:60]}' [unknown-key]"]


def test_spaces_without_end_in_a_prototype(hostile):
    prototype = "int bpf_one(void)".replace(" ", " " * 100_000)
    hostile.write_text(f"{HEAD}kfuncs:\n{ENTRY.replace('int bpf_one(void)', prototype)}{ADDED}", encoding="utf-8")
    assert report(hostile) == []
    assert loaded(hostile).get("bpf_one").kfunc.prototype == "int bpf_one(void)"


@pytest.mark.parametrize("release", ["9" * 100_000, f"v{'9' * 5000}.1"])
def test_a_release_of_digits_without_end(hostile, release):
    hostile.write_text(f"{HEAD}kfuncs:\n{ENTRY}{ADDED.replace('v6.12', release)}", encoding="utf-8")
    assert report(hostile) == [
        f"x.kfuncs.yaml:8:25: error: '{release[:60]}' is no release and no range [release-format]\n"
        "    hint: write it as a git tag, v6.10"
    ]
    assert loaded(hostile).entries["bpf_one"][1] == Stub("bpf_one")


def test_a_history_longer_than_there_were_releases(hostile):
    event = "      - {release: v6.12, event: added}\n      - {release: v6.12, event: removed}\n"
    hostile.write_text(f"{HEAD}kfuncs:\n{ENTRY}    history:\n{event * 251}", encoding="utf-8")
    assert report(hostile) == ["x.kfuncs.yaml:9:7: error: more than 500 events [too-large]"]


#: One of a chain of deprecations.
REPLACED = (
    "  - name: b{0}\n    summary: B.\n    prototype: int b{0}(void)\n    history: [{{release: v6.12, event: added}}, "
    "{{release: v6.13, event: deprecated, reason: No., said_in: a, removal: v7.5, replacement: [b{1}]}}]\n"
)


@pytest.mark.parametrize(
    ("before", "repeated"),
    [
        ("", "x{}: 1\n"),
        ("", "title: t\n"),
        ("", "# kfuncdoc: allow past-due: never\n"),
        (f"kfuncs:\n{ENTRY}{ADDED}", "    x{}: 1\n"),
        (f"kfuncs:\n{ENTRY}{ADDED}    flags:\n", "      - KF_{}\n"),
        (f"kfuncs:\n{ENTRY}{ADDED}    users:\n", "      - {{name: a}}\n"),
        ("kfuncs:\n", REPLACED),
    ],
    ids=["unknown keys", "equal keys", "allowances", "keys of an entry", "flags", "missing keys", "replacements"],
)
@pytest.mark.endless
def test_work_grows_with_the_number_of_findings_and_not_with_its_square(hostile, before, repeated):
    def calls(number: int) -> int:
        """Return how many functions are called, which is the same on every machine, busy or not."""
        text = HEAD + before + "".join(repeated.format(n, n + 1) for n in range(number))
        hostile.write_text(text, encoding="utf-8")
        counted = itertools.count()
        sys.setprofile(lambda *_: next(counted))
        try:
            found = load([str(hostile)], calendar=CALENDAR, flags=FLAGS, hooks=HOOKS).diagnostics
        finally:
            sys.setprofile(None)
        assert number <= len(found) <= number + 2
        return next(counted)

    assert calls(800) < 6 * calls(200)  # four times as many take four times the work, or sixteen times


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("kfuncs:", "4:8: error: this should be a list, not nothing [wrong-type]"),
        ("kfuncs: null", "4:9: error: this should be a list, not nothing [wrong-type]"),
        ("kfuncs: {}", "4:9: error: this should be a list, not a mapping [wrong-type]"),
        ("kfuncs: {0: {name: bpf_one}}", "4:9: error: this should be a list, not a mapping [wrong-type]"),
        ("kfuncs: [[[]]]", "4:10: error: a kfunc is a mapping, not a list [wrong-type]"),
    ],
)
def test_kfuncs_of_another_kind(hostile, value, expected):
    hostile.write_text(f"{HEAD}{value}\n# kfuncdoc: allow past-due: never\n", encoding="utf-8")
    assert report(hostile)[0] == f"x.kfuncs.yaml:{expected}"


def test_keys_that_look_like_paths_of_the_validator(hostile):
    keys = "".join(f"    '{key}': 1\n" for key in ("[key]", "0", "history.0", "added", "__class__", "model_fields"))
    hostile.write_text(f"{HEAD}kfuncs:\n{ENTRY}{ADDED}{keys}", encoding="utf-8")
    lines = report(hostile)
    assert [line.split("\n")[0] for line in lines] == [
        f"x.kfuncs.yaml:{number}:5: error: unknown key '{key}' [unknown-key]"
        for number, key in enumerate(("[key]", "0", "history.0", "added", "__class__", "model_fields"), 9)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.process
def test_the_command_prints_names_and_keys_that_the_terminal_cannot(tmp_path, encoding):
    name = os.fsdecode(b"caf\xe9.kfuncs.yaml")
    try:
        (tmp_path / name).write_text("ключ: 1\n", encoding="utf-8")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system has no such names")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    for form in ("text", "github", "json"):
        command = [sys.executable, "-m", "kfuncdoc", "check", "--format", form, str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode == 1
        assert b"Traceback" not in done.stderr
        assert b"unknown-key" in done.stdout
