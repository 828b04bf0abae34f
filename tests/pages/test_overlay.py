# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The configuration folder for a kernel tree: what is written, and what is refused.

That it builds is tested with Sphinx in ``sphinxext/test_overlay_builds.py``, and on real trees in ``kernel_docs``.
"""

from __future__ import annotations

import os
import subprocess

import pytest

from kfuncdoc.cli.main import main


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "linux" / "Documentation" / "bpf").mkdir(parents=True)
    (tmp_path / "linux" / "Documentation" / "conf.py").write_text("extensions = []\n")
    (tmp_path / "linux" / "Documentation" / "bpf" / "index.rst").write_text("BPF\n===\n")
    return tmp_path / "linux"


def test_it_is_written_and_the_command_to_build_is_told(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tree)
    assert main(["overlay", "../overlay"]) == 0
    assert capsys.readouterr().out == f"make SPHINXOPTS='-c {tmp_path}/overlay' SPHINXDIRS=bpf htmldocs\n"
    text = (tmp_path / "overlay" / "conf.py").read_text()
    compile(text, "conf.py", "exec")
    assert f"DOCUMENTATION = '{tree}/Documentation'\n" in text
    assert "kfuncdoc_data = ['packaged']\n" in text
    assert f"#     make SPHINXOPTS='-c {tmp_path}/overlay' SPHINXDIRS=bpf htmldocs\n" in text
    assert sorted(path.name for path in tree.iterdir()) == ["Documentation"]


@pytest.mark.parametrize("name", ["an overlay", "it's", "a$HOME b", 'a"b'])
def test_the_command_works_whatever_the_folder_is_called(tree, tmp_path, capsys, name):
    assert main(["overlay", str(tmp_path / name), "--tree", str(tree)]) == 0
    (tree / "Makefile").write_text("htmldocs:\n\t@printf '<%s>' $(SPHINXOPTS)\n")
    command = capsys.readouterr().out
    # Not as a part of the make that may run the tests.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    done = subprocess.run(
        ["bash", "-c", command], cwd=tree, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    assert done.stdout == f"<-c><{tmp_path / name}>"


def test_a_folder_that_make_could_not_be_told(tree, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["overlay", str(tmp_path / "a\nb"), "--tree", str(tree)])
    assert "cannot be the name of a folder to hand over to make" in capsys.readouterr().err


def test_it_is_written_again(tree, tmp_path, capsys):
    overlay = str(tmp_path / "overlay")
    assert main(["overlay", overlay, "--tree", str(tree)]) == 0
    (tmp_path / "ours.kfuncs.yaml").touch()
    assert main(["overlay", overlay, "--tree", str(tree), "--data", str(tmp_path / "ours.kfuncs.yaml")]) == 0
    assert f"kfuncdoc_data = ['{tmp_path}/ours.kfuncs.yaml']\n" in (tmp_path / "overlay" / "conf.py").read_text()


@pytest.mark.parametrize("missing", ["conf.py", "bpf/index.rst"])
def test_no_kernel_tree(tree, tmp_path, capsys, missing):
    (tree / "Documentation" / missing).unlink()
    with pytest.raises(SystemExit, match="2"):
        main(["overlay", str(tmp_path / "overlay"), "--tree", str(tree)])
    told = f"kfuncdoc: '{tree}' is no kernel tree: there is no Documentation/{missing} in it\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "overlay").exists()


def test_a_conf_py_of_somebody_else_stays(tree, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["overlay", str(tree / "Documentation"), "--tree", str(tree)])
    assert capsys.readouterr().err == f"kfuncdoc: {tree}/Documentation/conf.py was not written by kfuncdoc overlay\n"
    assert (tree / "Documentation" / "conf.py").read_text() == "extensions = []\n"


def test_missing_data(tree, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["overlay", str(tmp_path / "overlay"), "--tree", str(tree), "--data", "nowhere"])
    assert capsys.readouterr().err == "kfuncdoc: there is no file or folder 'nowhere'\n"


def test_a_folder_that_cannot_be_written(tree, tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        main(["overlay", str(tmp_path / "file" / "overlay"), "--tree", str(tree)])
    assert capsys.readouterr().err == f"kfuncdoc: cannot write {tmp_path}/file/overlay/conf.py: not a directory\n"
