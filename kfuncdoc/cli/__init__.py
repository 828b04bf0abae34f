# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: each family of commands is a module, and each command a class with its arguments and its work.

::

    arguments --main--> Command (command) --inputs--> the packages that do the work --output--> files, terminal

``declarations`` has check and schema; ``pages`` render, overlay, export and feed; ``kfuncs`` show and diff;
``kernels`` scan, verify and update; ``programs`` audit and header.  Each command imports what it needs when it runs,
so that ``--help`` and ``check`` start quickly; none imports Sphinx.
"""
