# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declarations: from YAML to a catalog, and the state of a kfunc at a release."""
