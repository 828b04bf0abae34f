# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Serial and parallel builds give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest
from projects import Build, Project, declarations, deprecated, kfunc, removed, snapshot, toctree

Make = Callable[..., Project]

#: Some second of 2026-11-01.
EPOCH = "1793534400"
#: They hold paths, times, and what one process happened to see first; no reader is given them.
NOT_COMPARED = [r"\.buildinfo", r"environment\.pickle"]

FILES = {
    "index.rst": toctree("*", glob=True),
    "table.rst": "Table\n=====\n\n.. kfunc-table::\n",
    "changes.rst": "Changes\n=======\n\n.. kfunc-changes::\n",
    "one.rst": "One\n===\n\n.. kfunc-lifecycle:: bpf_old1\n\nSee :kfunc:`bpf_old2` and :ref:`kfunc-u2-bpf-new3`.\n",
}
for _number in range(6):
    FILES[f"file{_number}.kfuncs.yaml"] = declarations(
        f"file{_number}",
        kfunc(f"bpf_new{_number}", flags="[KF_RCU, KF_ACQUIRE]", program_types="[BPF_PROG_TYPE_TRACING]"),
        kfunc(f"__bpf_new{_number}"),
        kfunc(f"bpf_old{_number}", deprecated("v7.0", "v7.5", f"bpf_new{(_number + 1) % 6}")),
        kfunc(f"bpf_gone{_number}", deprecated("v6.18", "v7.1", f"__bpf_new{_number}"), removed("v7.1")),
    )


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)


def outputs(
    make: Make, files: dict[str, str], builder: str, **conf: object
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return what a serial and a parallel build of *files* write."""
    project = make(files, **conf)
    builds: list[Build] = [
        project.build(builder, jobs=jobs, output=f"{builder}{jobs}", doctrees=f"doctrees{jobs}") for jobs in (1, 2)
    ]
    assert [build.read_in_parallel for build in builds] == [False, True]
    serial, parallel = (snapshot(build.output, without=NOT_COMPARED) for build in builds)
    return serial, parallel


def test_text(make: Make) -> None:
    serial, parallel = outputs(make, FILES, "text")
    assert len(serial) == len(FILES)
    assert serial == parallel


def test_html(make: Make) -> None:
    serial, parallel = outputs(make, FILES, "html")
    assert {"file0.html", "table.html", "genindex.html", "objects.inv", "_sources/file0.rst.txt"} <= serial.keys()
    assert serial.keys() == parallel.keys()
    different = {name for name in serial if serial[name] != parallel[name]}
    if different == {"searchindex.js"}:
        # Sphinx 5 numbers what its processes have found in the order in which they end, without kfuncdoc too.
        pages = {f"{name[len('_sources/'):-len('.rst.txt')]}.rst": text.decode() for name, text in serial.items()
                 if name.startswith("_sources/file")}  # fmt: skip
        plain = {"index.rst": toctree("*", glob=True), **pages}
        serial, parallel = outputs(make, plain, "html", extensions=[])
        assert {name for name in serial if serial[name] != parallel[name]} == {"searchindex.js"}
    else:
        assert different == set()


def test_incremental_build_gives_what_a_fresh_one_gives(make: Make, tmp_path: Path) -> None:
    """After edits, parallel as well, the output is that of a project which was so from the beginning."""
    new = kfunc("bpf_new0", flags="[KF_RCU]", program_types="[BPF_PROG_TYPE_TRACING]")
    edited = {**FILES, "file0.kfuncs.yaml": FILES["file0.kfuncs.yaml"].replace("Do bpf_old0.", "Do it at last.")}
    edited["more.kfuncs.yaml"] = declarations("more", new.replace("bpf_new0", "bpf_more"))
    del edited["file5.kfuncs.yaml"]
    edited["file4.kfuncs.yaml"] = edited["file4.kfuncs.yaml"].replace("[bpf_new5]", "[bpf_more]")
    fresh = make(edited).build("text").output
    for jobs in (1, 2):
        project = make(FILES)
        project.build("text", jobs=jobs)
        for name, text in edited.items():
            if FILES.get(name) != text:
                project.write(name, text)
        (project.source / "file5.kfuncs.yaml").unlink()
        build = project.build("text", jobs=jobs)
        assert build.read == ["changes", "file0", "file4", "index", "more", "table"]
        (build.output / "file5.txt").unlink()  # Sphinx leaves the output of a source that went.
        assert snapshot(build.output) == snapshot(fresh)
