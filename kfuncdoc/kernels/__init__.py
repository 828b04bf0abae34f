# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kernels, apart from any one kfunc: releases, hooks, flags, and what was observed in one."""
