# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kernel source trees: which kfuncs they define, register and build."""
