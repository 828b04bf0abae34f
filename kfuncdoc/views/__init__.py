# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What pages, reports and C code say of kfuncs, worked out but not yet written in any format."""
