# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What kfuncdoc costs: ``make bench`` measures it and prints the figures of the guide."""
