# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""C code that runs on several kernels."""
