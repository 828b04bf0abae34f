# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""C prototypes and BPF programs, as libbpf and the verifier see them."""
