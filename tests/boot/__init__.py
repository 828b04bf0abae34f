# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real kernels as judges: what they say of each program, against what ``kfuncdoc audit`` said.

::

    objects, kernels --machine--> Loads of each kernel --outcomes--> Answer --+
                                                                              +--agreement--> table, disagreements
    objects, kernels --claims (kfuncdoc.audit)--> Claim of each program ------+

``python -m boot`` with ``tests`` in ``PYTHONPATH`` runs it, as ``make boot`` does.
"""
