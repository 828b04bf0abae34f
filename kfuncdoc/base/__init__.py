# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Code that is not about kfuncs: diagnostics, YAML with places, prose, files, progress."""
