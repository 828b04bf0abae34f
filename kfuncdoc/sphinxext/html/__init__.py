# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What only HTML pages have: the stylesheet, the script, and the parts of pages that they need."""
