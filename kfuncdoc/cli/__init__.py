# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line.  Related commands are in one module; each command is a class with its arguments and its work.

::

    arguments --main--> Command (command) --inputs--> the packages that do the work --output--> files, terminal

``declarations`` has check and schema; ``pages`` has render, overlay, export and feed; ``kfuncs`` has show and diff;
``kernels`` has scan, verify and update; ``programs`` has audit and header.  Each command imports what it needs when it
runs, so that ``--help`` and ``check`` start quickly; none imports Sphinx.
"""
