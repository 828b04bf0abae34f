# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pages to files: only what differs is written, and nothing that kfuncdoc did not write is touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem

from kfuncdoc.base.files import write_whole
from kfuncdoc.pages.page_files import Written, pages, write
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.record.snapshot import Snapshot

SPDX = "# SPDX-License-Identifier: MIT\n"
ONE = entry("f", "release: v6.2, event: added")
OWN = ["changes.rst", "deprecated.rst", "index.rst", "removed.rst"]


def texts_of(folder: Path, **texts: str) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    return dict(pages(Renderer(Snapshot(catalog_of(folder, **texts), CALENDAR["v7.3"], TODAY))))


@pytest.fixture
def texts(tmp_path):
    return texts_of(tmp_path / "in", one=subsystem(ONE, name="one"))


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out" / "pages")


def state(folder: str) -> dict[str, tuple[bytes, int, int]]:
    """Return the content, the inode and the time of each file."""
    found = {}
    for path in Path(folder).iterdir():
        status = path.stat()
        found[path.name] = (path.read_bytes() if path.is_file() else b"", status.st_ino, status.st_mtime_ns)
    return found


def test_pages_are_written_to_a_new_folder(texts, out):
    assert write(texts, out) == Written(written=sorted([*OWN, "one.rst"]))
    assert {name: content.decode() for name, (content, _, _) in state(out).items()} == texts


def test_pages_have_the_permissions_that_new_files_have(texts, out):
    mask = os.umask(0o027)
    try:
        write(texts, out)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(os.stat(os.path.join(out, "one.rst")).st_mode) == 0o640


def test_what_did_not_change_is_not_touched(texts, out):
    write(texts, out)
    before = state(out)
    assert write(texts, out) == Written(unchanged=sorted(texts))
    assert state(out) == before


def test_only_what_differs_is_written(tmp_path, texts, out):
    write(texts, out)
    before = state(out)
    changed = subsystem(ONE + entry("g", "release: v6.1, event: added"), name="one")
    result = write(texts_of(tmp_path / "in", one=changed), out)
    assert result.written == ["changes.rst", "index.rst", "one.rst"]
    assert result.unchanged == ["deprecated.rst", "removed.rst"]
    after = state(out)
    assert {name for name in after if after[name] != before[name]} == {"changes.rst", "index.rst", "one.rst"}


def test_a_page_whose_declarations_went_is_pruned(tmp_path, texts, out):
    write(texts, out)
    result = write(texts_of(tmp_path / "other", two=subsystem(ONE, name="two")), out)
    assert (result.written, result.pruned) == (["index.rst", "two.rst"], ["one.rst"])
    assert sorted(os.listdir(out)) == sorted([*OWN, "two.rst"])


FOREIGN = {
    "written by hand": b"A page\n======\n",
    "empty": b"",
    "not text": b"\xff\xfe\x00",
    "a stamp with another digest": b".. Written by kfuncdoc render, do not edit; digest 0123456789abcdef\n\nx\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_never_overwritten_and_nothing_else_is_written(texts, out, content):
    os.makedirs(out)
    Path(out, "one.rst").write_bytes(content)
    assert write(texts, out) == Written(refused=["one.rst"])
    assert os.listdir(out) == ["one.rst"]
    assert Path(out, "one.rst").read_bytes() == content


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_never_deleted(texts, out, content):
    os.makedirs(out)
    Path(out, "theirs.rst").write_bytes(content)
    Path(out, "notes.txt").write_bytes(content)
    assert write(texts, out).pruned == []
    assert Path(out, "theirs.rst").read_bytes() == Path(out, "notes.txt").read_bytes() == content


def test_a_page_that_was_changed_by_hand_is_kept(tmp_path, texts, out):
    write(texts, out)
    page = Path(out, "one.rst")
    page.write_text(page.read_text(encoding="utf-8") + "A note.\n", encoding="utf-8")
    before = state(out)
    assert write(texts, out) == Written(refused=["one.rst"])
    assert state(out) == before
    without = texts_of(tmp_path / "other", two=subsystem(ONE, name="two"))
    assert write(without, out).pruned == [], "nor is it deleted where its declarations went"
    assert page.exists()


def test_the_licence_line_is_part_of_what_must_be_unchanged(tmp_path, out):
    texts = texts_of(tmp_path / "in", one=SPDX + subsystem(ONE, name="one"))
    write(texts, out)
    page = Path(out, "one.rst")
    page.write_text(page.read_text(encoding="utf-8").replace("MIT", "Zlib"), encoding="utf-8")
    assert write(texts, out).refused == ["one.rst"]


def test_a_folder_in_the_place_of_a_page_stands_in_the_way(texts, out):
    os.makedirs(os.path.join(out, "one.rst"))
    assert write(texts, out) == Written(refused=["one.rst"])


def test_a_folder_that_cannot_be_made_is_an_oserror(texts, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="file"):
        write(texts, str(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        write(texts, str(tmp_path / "file" / "below"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_an_oserror(texts, out):
    os.makedirs(out)
    os.chmod(out, 0o500)
    try:
        with pytest.raises(PermissionError):
            write(texts, out)
    finally:
        os.chmod(out, 0o700)
    assert os.listdir(out) == []


def test_a_write_that_fails_leaves_the_old_page_and_no_rest(texts, out, monkeypatch):
    write(texts, out)
    before = state(out)

    def fail(source: str, target: str) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    changed = {**texts, "one.rst": texts["one.rst"] + "more\n"}
    with pytest.raises(OSError, match="the disk is full"):
        write(changed, out)
    assert state(out) == before


def test_the_licence_line_of_a_declaration_file_is_taken_over(tmp_path):
    texts = texts_of(tmp_path / "in", one=SPDX + subsystem(ONE, name="one"))
    lines = {name: text.split("\n")[:2] for name, text in texts.items()}
    for name in [*OWN, "one.rst"]:
        assert lines[name][0] == ".. SPDX-License-Identifier: MIT"
        assert lines[name][1].startswith(".. Written by kfuncdoc render, do not edit; digest ")


def test_a_page_of_several_files_has_a_licence_line_only_where_they_agree(tmp_path):
    other = subsystem(entry("g", "release: v6.2, event: added"), name="two")
    texts = texts_of(tmp_path / "in", one=SPDX + subsystem(ONE, name="one"), two=other)
    assert texts["one.rst"].startswith(".. SPDX-License-Identifier: MIT\n")
    for name in [*OWN, "two.rst"]:
        assert texts[name].startswith(".. Written by kfuncdoc render")


def test_a_page_ends_with_one_line_end_and_has_no_trailing_space(texts):
    for text in texts.values():
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert "\n\n\n" not in text
        assert all(line == line.rstrip() for line in text.split("\n"))


def test_a_pipe_in_the_way_is_foreign_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "index.rst")
    os.mkfifo(tmp_path / "other.rst")
    result = write({"index.rst": "text"}, str(tmp_path))
    assert (result.refused, result.written, result.pruned) == (["index.rst"], [], [])


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(mode)
    write_whole(str(path), "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)
