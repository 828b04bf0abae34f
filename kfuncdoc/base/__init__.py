# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What knows nothing of kfuncs: diagnostics, YAML with places, prose, files, progress."""
