# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""``python -m kfuncdoc``."""

import sys

from kfuncdoc.cli.main import main

sys.exit(main())
