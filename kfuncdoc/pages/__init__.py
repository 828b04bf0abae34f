# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The texts that kfuncdoc writes: pages as reStructuredText, text for the terminal, JSON, Atom."""
