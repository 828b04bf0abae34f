# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Make ``tests/observed/`` anew: what each release has, as scanned from real kernels.

``make observe KERNELS=DIR``, where DIR holds source trees, and folders with an image (``vmlinux``)
and its modules.  A release of which there is a source tree is taken from that, since an image shows
only what its configuration built; of several kernels of a release the one of the highest point
release counts, and of images all of them together are not: one kernel is one witness.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kfuncdoc.base.progress import track
from kfuncdoc.kernels.observation import Kind, Observation, as_json
from kfuncdoc.scan import Unscannable, scan

OBSERVED = Path(__file__).with_name("observed")


def main() -> int:
    parser = argparse.ArgumentParser(description="Scan kernels and write what they have to tests/observed.")
    parser.add_argument("kernels", metavar="DIR", type=Path, help="a folder of source trees and images")
    options = parser.parse_args()
    best: dict[str, Observation] = {}
    for folder in sorted(path for path in options.kernels.iterdir() if path.is_dir()):
        try:
            observation = scan([str(folder)], track=track)
        except Unscannable as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        if observation.release is None:
            print(f"left out: {folder} does not tell its release", file=sys.stderr)
        elif observation.release not in best or _weight(observation) > _weight(best[observation.release]):
            best[observation.release] = observation
    OBSERVED.mkdir(exist_ok=True)
    for release, observation in best.items():
        path = OBSERVED / f"{release}.json"
        path.write_text(as_json(observation, compact=True), encoding="utf-8")
        print(f"{path.name}: {len(observation.kfuncs)} kfuncs of Linux {observation.kernel}, {observation.kind.value}")
    return 0


def _weight(observation: Observation) -> tuple[bool, int, int]:
    return observation.kind is Kind.TREE, observation.point, len(observation.kfuncs)


if __name__ == "__main__":
    sys.exit(main())
