# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds with Sphinx in processes of their own, without the half second in which each would import Sphinx.

A server imports Sphinx, and nothing of kfuncdoc; for each build it forks a process, which is as a new one is after
``import sphinx``.  ``python tests/fresh_processes.py`` is the server.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any, Mapping, NoReturn, Sequence

import cheap_builds
import jinja2

#: What a process of Python runs: the command line of Sphinx, or code, each with its arguments.
SPHINX = "-m sphinx"


def run(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess:
    """Run SPHINX or the code *program* in a process that has only *environment*; the result has both streams as text.

    Warnings of Python are not shown.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("out", "err")]
        request = {
            "program": program, "arguments": arguments, "environment": dict(environment), "folder": os.getcwd(),
            "streams": [str(path) for path in streams],
        }  # fmt: skip
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        out, err = (path.read_text(encoding="utf-8") for path in streams)
    return subprocess.CompletedProcess([sys.executable, *program.split()[:2], *arguments], status, out, err)


@functools.cache
def _server() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def stop() -> None:
    """End the server, if there is one."""
    if _server.cache_info().currsize:
        _server().communicate()
        _server.cache_clear()


def _serve() -> None:
    from sphinx import application

    for name in application.builtin_extensions:
        importlib.import_module(name)
    jinja2.Environment.compile = cheap_builds.compile_once  # type: ignore[method-assign]
    cheap_builds.disable_garbage_collection()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(request: Mapping[str, Any]) -> NoReturn:
    """Become the process that is asked for."""
    for number, path in ((1, request["streams"][0]), (2, request["streams"][1])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    sys.path.insert(1, request["environment"].get("PYTHONPATH", request["folder"]))
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in request["environment"]
    warnings.simplefilter("ignore")
    status = 1
    try:
        if request["program"] == SPHINX:
            from sphinx.cmd.build import main

            status = main(request["arguments"])
        else:
            sys.argv = ["-c", *request["arguments"]]
            exec(request["program"], {"__name__": "__main__"})
            status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
