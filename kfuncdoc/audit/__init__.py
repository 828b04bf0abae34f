# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which calls of a BPF object break, on which kernels, and what to call instead.

::

    objects --scan.objects--> BpfObject --+
    Catalog, releases ----+               +--audit--> Report --reports, sarif--> text, JSON, GitHub, SARIF
    vmlinux, BTF --scan---+--> Kernel ----+    ^
                                               ignores

``kernels`` says which kernels are meant and what a kfunc is on each, ``findings`` what can be wrong,
``advice`` what to do about it.  Only reading objects and kernels needs a library for ELF.
"""
