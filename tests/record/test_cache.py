# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The packaged record as it was loaded before: the same as loaded anew, never out of date, written by nobody else."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest

from kfuncdoc.base.resources import packaged
from kfuncdoc.cli.main import main
from kfuncdoc.record import cache
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files here do not tell who wrote them")


class Loading:
    """Loads a small record, and counts how often."""

    def __init__(self, files: list[str]) -> None:
        self.files = files
        self.count = 0

    def __call__(self) -> Catalog:
        self.count += 1
        return load(self.files)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder of the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "kfuncdoc"


@pytest.fixture
def loading(tmp_path) -> Loading:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(packaged("data") / "hid.kfuncs.yaml", data)
    return Loading(find([str(data)]))


def test_it_is_loaded_once_and_the_same(folder, loading):
    first = cache.cached(loading.files, loading)
    second = cache.cached(loading.files, loading)
    assert loading.count == 1
    assert first is not second
    assert repr(first.subsystems) == repr(second.subsystems)
    assert [entry.kfunc for _, entry in first.declarations] == [entry.kfunc for _, entry in second.declarations]
    assert first.calendar.real == second.calendar.real
    assert [path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())] == [0o700, 0o600]


def test_a_file_that_changes_is_loaded_again(folder, loading):
    cache.cached(loading.files, loading)
    path = Path(loading.files[0])
    times = path.stat()
    # As long as before, and as old.
    path.write_text(path.read_text(encoding="utf-8").replace("Attach", "ATTACH"), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "ATTACH" in str(cache.cached(loading.files, loading).subsystems)
    assert loading.count == 2


def test_other_versions_have_their_own(folder, loading, monkeypatch):
    cache.cached(loading.files, loading)
    monkeypatch.setattr(cache, "PYDANTIC", "99.0")
    cache.cached(loading.files, loading)
    assert loading.count == len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps("no catalog"), b"\x80\x05cno_module\nname\n."])
def test_a_damaged_entry_is_written_again(folder, loading, content):
    cache.cached(loading.files, loading)
    (entry,) = folder.iterdir()
    good = entry.read_bytes()
    entry.write_bytes(content)
    cache.cached(loading.files, loading)
    assert (loading.count, len(entry.read_bytes())) == (2, len(good))


@pytest.mark.parametrize("which", ["folder", "entry"])
def test_what_others_may_write_is_not_read(folder, loading, which):
    cache.cached(loading.files, loading)
    (entry,) = folder.iterdir()
    (folder if which == "folder" else entry).chmod(0o777)
    cache.cached(loading.files, loading)
    assert loading.count == 2


def test_what_somebody_else_wrote_is_not_read(folder, loading, monkeypatch):
    cache.cached(loading.files, loading)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    cache.cached(loading.files, loading)
    assert loading.count == 2


@pytest.mark.parametrize("home", ["relative", "/proc/nowhere", "{tmp_path}/a-file"])
def test_without_a_place_it_is_loaded(loading, tmp_path, monkeypatch, home):
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", home.format(tmp_path=tmp_path))
    for _ in range(2):
        assert cache.cached(loading.files, loading).subsystems
    assert loading.count == 2
    assert not (tmp_path / "relative").exists()


def test_old_entries_go(folder, loading, monkeypatch):
    for version in range(7):
        monkeypatch.setattr(cache, "PYDANTIC", str(version))
        cache.cached(loading.files, loading)
    assert len(list(folder.iterdir())) == 4


@pytest.mark.record
def test_commands_print_the_same_from_the_cache(folder, capsys):
    printed = []
    for _ in range(2):
        assert main(["export", "--date", "2026-11-28"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert len(list(folder.iterdir())) == 1


def test_declarations_of_others_are_not_kept(folder, tmp_path, loading, capsys):
    assert main(["export", "--date", "2026-11-28", "--data", loading.files[0]]) == 0
    assert not folder.exists()
