# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which calls of a BPF object break, on which kernels, and what to call instead.

::

    objects --scan.binary--> BpfObject ---+
    Catalog, releases ----+               +--engine.run--> Report --reports, sarif--> text, JSON, GitHub, SARIF
    vmlinux, BTF --scan---+--> Kernel ----+    ^
                                               ignores

``asked_kernels`` finds the kernels that are asked for, and ``findings`` has what can be wrong.  ``engine`` makes the
report from the verdicts on each kfunc: ``libbpf`` says whether the object loads, ``verifier`` whether a program may
call the kfunc, and ``outlook`` what the record says of its future.  Only reading objects and kernels needs a library
for ELF.
"""
