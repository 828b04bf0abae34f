# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: one module for a family of commands; ``main`` only dispatches."""
