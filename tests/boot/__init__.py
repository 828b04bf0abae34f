# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares ``kfuncdoc audit`` with real kernels: does each program load as the audit says?

::

    objects, kernels --machine--> Loads of each kernel --outcomes--> Answer --+
                                                                              +--agreement--> table, disagreements
    objects, kernels --claims (kfuncdoc.audit)--> Claim of each program ------+

``python -m boot`` with ``tests`` in ``PYTHONPATH`` runs it, as ``make boot`` does.
"""
