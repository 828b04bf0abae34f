# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A folder that cannot be read fails the command: what is declared in it would be missing in silence."""

from __future__ import annotations

import os

import pytest
from declared import entry, refused, subsystem, write_files
from unreadable import refuse_folders

from kfuncdoc.cli.main import FINDINGS, main

ERROR = f"secret{os.sep}:0:0: error: the folder cannot be read: permission denied [unreadable]"


@pytest.fixture(autouse=True)
def _folder_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").mkdir()
    write_files(tmp_path, {"demo": subsystem(entry("bpf_one", "release: v6.12, event: added"))})
    refuse_folders(monkeypatch, "secret")


def test_check_fails(capsys):
    assert main(["check", "."]) == FINDINGS
    assert capsys.readouterr().out.splitlines()[0] == ERROR


def test_a_command_that_uses_the_record_tells_it(capsys):
    assert main(["export", "--data", "."]) == FINDINGS
    assert ERROR in capsys.readouterr().err.splitlines()


def test_a_folder_that_is_all_there_is(capsys):
    told = refused(capsys, "check", "secret")
    assert told.endswith(f"secret{os.sep}: the folder cannot be read: permission denied\n")
