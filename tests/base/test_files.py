# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files that are written whole or not at all: what a path names, and what is left where writing fails."""

from __future__ import annotations

import errno
import os
import stat
import threading

import pytest

from kfuncdoc.base.files import write_whole


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def content(path: str) -> str:
    with open(path, encoding="utf-8", newline="") as stream:
        return stream.read()


def test_a_new_file(tmp_path):
    mask = os.umask(0o027)
    try:
        write_whole("new.txt", "é\n")
    finally:
        os.umask(mask)
    assert content("new.txt") == "é\n"
    assert stat.S_IMODE(os.stat("new.txt").st_mode) == 0o640
    assert os.listdir() == ["new.txt"]


def test_a_file_keeps_its_permissions():
    write_whole("a.txt", "before")
    os.chmod("a.txt", 0o751)
    write_whole("a.txt", "after")
    assert content("a.txt") == "after"
    assert stat.S_IMODE(os.stat("a.txt").st_mode) == 0o751


@pytest.mark.parametrize("target", ["there.txt", "new.txt"])
def test_a_symbolic_link_is_followed(target):
    os.mkdir("folder")
    write_whole("folder/there.txt", "before")
    os.symlink(f"folder/{target}", "first")
    os.symlink("first", "second")
    write_whole("second", "after")
    assert content(f"folder/{target}") == "after"
    assert (os.readlink("second"), os.readlink("first")) == ("first", f"folder/{target}")
    assert sorted(os.listdir()) == ["first", "folder", "second"]


def test_a_circle_of_links_is_refused():
    os.symlink("b", "a")
    os.symlink("a", "b")
    with pytest.raises(OSError) as caught:  # noqa: PT011  # the errno below says which
        write_whole("a", "text")
    assert (caught.value.errno, caught.value.filename) == (errno.ELOOP, "a")
    assert (os.readlink("a"), os.readlink("b")) == ("b", "a")


def test_a_pipe_takes_the_text():
    os.mkfifo("pipe")
    os.symlink("pipe", "link")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(content("pipe")))
    reader.start()
    write_whole("link", "text")
    reader.join()
    assert read == ["text"]
    assert sorted(os.listdir()) == ["link", "pipe"]


def test_the_error_names_the_path_that_was_given():
    with pytest.raises(FileNotFoundError) as caught:
        write_whole("no/such/folder.txt", "text")
    assert caught.value.filename == "no/such/folder.txt"


def test_what_was_there_stays_where_writing_fails():
    write_whole("a.txt", "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole("a.txt", "\udce9")
    assert content("a.txt") == "before"
    assert os.listdir() == ["a.txt"]
