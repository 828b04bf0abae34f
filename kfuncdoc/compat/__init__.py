# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""C code that runs on several kernels: headers, guards, and advice on what to call.

::

    Snapshot --KernelRecord--> what a kfunc is on a kernel --choices--> ChosenCalls --guards--> C code
                                                                             |
                                                advice, header, snippets ----+
"""
