# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Texts: pages as reStructuredText, the terminal, JSON, Atom."""
