# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""HTML pages: the stylesheet, the script, and what they work on."""
