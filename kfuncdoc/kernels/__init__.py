# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Facts about kernels that are not about a single kfunc: releases, hooks, flags, and the observation of a kernel."""
